//! Recommendations for common mistakes: the lines below an error message.

use std::fs;
use std::path::Path;

use oras::Reference;

use crate::cli::quote;

/// Maximum number of tags in a recommendation.
const MAX_TAGS: usize = 10;

/// The likely intention of an invalid reference.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ReferenceHint {
    /// A sentence.
    Text(String),
    /// The path of an OCI image layout, for which a flag is missing.
    Layout(String),
}

/// Returns what the user may have meant by `raw`, which is not a reference. `is_layout` returns
/// whether a path is a layout on disk.
pub(crate) fn for_reference(raw: &str, is_layout: impl Fn(&str) -> bool) -> Option<ReferenceHint> {
    if let Some(hint) = scheme(raw) {
        return Some(ReferenceHint::Text(hint));
    }
    let path = layout_path(raw);
    if is_layout(path) {
        return Some(ReferenceHint::Layout(path.to_owned()));
    }
    let lower = with_lower_case_repository(raw)?;
    let _: Reference = lower.parse().ok()?;
    Some(ReferenceHint::Text(format!(
        "Repository names are lower case. Did you mean {}?",
        quote::double(&lower)
    )))
}

/// The recommendation for a reference or registry that starts with a scheme.
pub(crate) fn scheme(raw: &str) -> Option<String> {
    let (scheme, rest) = raw.split_once("://")?;
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    if scheme.is_empty() || rest.is_empty() || !scheme.chars().all(is_scheme) {
        return None;
    }
    let flag = match scheme {
        "http" => " with --plain-http",
        _ => "",
    };
    Some(format!(
        "A reference has no scheme such as {}. Did you mean {}{flag}?",
        quote::double(&format!("{scheme}://")),
        quote::double(rest)
    ))
}

/// The path in `path[:tag]` or `path@digest`.
fn layout_path(raw: &str) -> &str {
    let split = raw.rsplit_once('@').or_else(|| raw.rsplit_once(':'));
    split.map_or(raw, |(path, _)| path)
}

/// The reference with its repository in lower case, if that differs.
fn with_lower_case_repository(raw: &str) -> Option<String> {
    let (registry, rest) = raw.split_once('/')?;
    let end = rest.find([':', '@']).unwrap_or(rest.len());
    let (repository, name) = rest.split_at(end);
    let lower = repository.to_lowercase();
    (lower != repository).then(|| format!("{registry}/{lower}{name}"))
}

/// Whether `path` is an OCI image layout, in a directory or an archive.
pub(crate) fn is_layout(path: &str) -> bool {
    let path = Path::new(path);
    if path.is_dir() {
        return path.join("oci-layout").is_file();
    }
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("tar")) && path.is_file()
}

/// The recommendation for a directory without the files of a layout.
pub(crate) fn not_a_layout(path: &str) -> Option<String> {
    let is_foreign =
        Path::new(path).is_dir() && fs::metadata(Path::new(path).join("oci-layout")).is_err();
    is_foreign.then(|| {
        format!(
            "The directory {} is not an OCI image layout: it has no file \"oci-layout\"",
            quote::double(path)
        )
    })
}

/// The recommendation for a tag that the layout at `path` does not have. It has `tags`.
pub(crate) fn missing_tag(path: &str, tag: &str, tags: &[String]) -> String {
    let missing = format!(
        "The layout {} has no tag {}",
        quote::double(path),
        quote::double(tag)
    );
    if tags.is_empty() {
        return format!("{missing}. It has no tags");
    }
    let shown: Vec<_> = tags
        .iter()
        .take(MAX_TAGS)
        .map(|tag| quote::double(tag))
        .collect();
    let more = match tags.len().saturating_sub(MAX_TAGS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{missing}. Its tags are {}{more}", shown.join(", "))
}

/// The recommendation for a layout to write that is a file.
pub(crate) fn read_only_archive(path: &str) -> String {
    format!(
        "{} is a file, and layouts in archives are read-only. Please write to a directory, and archive that",
        quote::double(path)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_references_have_hints() {
        let text = |text: &str| Some(ReferenceHint::Text(text.to_owned()));
        let layout = |path: &str| Some(ReferenceHint::Layout(path.to_owned()));
        for (raw, hint) in [
            (
                "https://r/a:v1",
                text("A reference has no scheme such as \"https://\". Did you mean \"r/a:v1\"?"),
            ),
            (
                "http://r:5000/a@b",
                text(
                    "A reference has no scheme such as \"http://\". Did you mean \"r:5000/a@b\" with --plain-http?",
                ),
            ),
            (
                "oci://r/a",
                text("A reference has no scheme such as \"oci://\". Did you mean \"r/a\"?"),
            ),
            ("://r/a", None),
            ("a b://r/a", None),
            (
                "r/Hello/World:V1",
                text("Repository names are lower case. Did you mean \"r/hello/world:V1\"?"),
            ),
            ("r/Hello World", None),
            ("r/a:b:c", None),
            ("R", None),
            ("layout", layout("layout")),
            ("layout:v1", layout("layout")),
            ("./layout@sha256:0", layout("./layout")),
            ("other:v1", None),
            ("", None),
        ] {
            let is_layout = |path: &str| path.ends_with("layout");
            assert_eq!(for_reference(raw, is_layout), hint, "{raw}");
        }
    }

    #[test]
    fn a_missing_tag_is_shown_with_some_tags() {
        let tags = |count: usize| (1..=count).map(|n| format!("v{n}")).collect::<Vec<_>>();
        let missing = "The layout \"l\" has no tag \"v0\"";
        assert_eq!(
            missing_tag("l", "v0", &[]),
            format!("{missing}. It has no tags")
        );
        assert_eq!(
            missing_tag("l", "v0", &tags(2)),
            format!("{missing}. Its tags are \"v1\", \"v2\"")
        );
        let many = missing_tag("l", "v0", &tags(12));
        assert!(many.ends_with("\"v10\" and 2 more"), "{many}");
    }
}
