//! Selection of files of an artifact by patterns for titles, media types and digests.
//!
//! | Pattern | Matches |
//! |---|---|
//! | `sha256:…`, any digest | the content with this digest |
//! | `type=<glob>` | media types |
//! | `<glob>` | titles, as whole paths |
//!
//! In a glob, `?` matches any character, `[abc]` and `[a-z]` one of some characters, `[!a-z]` none
//! of them, `*` any number of characters, and `\` escapes the next character. In a title only `\/`
//! matches a `/`. There `**` as a whole segment matches any number of segments: `**/a` matches `a`
//! and `b/c/a`, `a/**` everything below `a`. Matching is case-sensitive.
//!
//! Titles are untrusted: matching takes time in proportion to their length, whatever the pattern.

use std::str::FromStr;

use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest};
use crate::text::glob::{Glob, Separator};

/// Prefix of a pattern for media types.
const TYPE: &str = "type=";

/// Selects content that matches one of the patterns to include, or any if there are none, and no
/// pattern to exclude.
///
/// ```
/// use oras::filter::Filter;
/// use oras::{Descriptor, MediaType};
///
/// let mut filter = Filter::default();
/// filter.include = vec!["docs/*".parse()?];
/// filter.exclude = vec!["type=image/*".parse()?];
/// let text = Descriptor::of(MediaType::LAYER, b"hello");
/// assert!(filter.selects("docs/hello.txt", &text));
/// assert!(!filter.selects("hello.txt", &text));
/// # Ok::<(), oras::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Filter {
    /// Patterns to include. Empty means everything.
    pub include: Vec<Pattern>,
    /// Patterns to exclude.
    pub exclude: Vec<Pattern>,
}

impl Filter {
    /// Whether everything is selected.
    pub fn is_empty(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// Whether content with this title is selected. The title is empty if there is none.
    pub fn selects(&self, title: &str, content: &Descriptor) -> bool {
        let matches = |pattern: &Pattern| pattern.matches(title, content);
        (self.include.is_empty() || self.include.iter().any(matches))
            && !self.exclude.iter().any(matches)
    }
}

/// A pattern for the title, the media type or the digest of content.
#[derive(Clone, Debug)]
pub struct Pattern(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Title(Glob),
    MediaType(Glob),
    Digest(Digest),
}

impl Pattern {
    /// Whether content with this title matches.
    pub fn matches(&self, title: &str, content: &Descriptor) -> bool {
        match &self.0 {
            Kind::Title(glob) => glob.matches(title),
            Kind::MediaType(glob) => glob.matches(content.media_type.as_str()),
            Kind::Digest(digest) => *digest == content.digest,
        }
    }
}

impl FromStr for Pattern {
    type Err = Error;

    /// # Errors
    ///
    /// [`Error::InvalidInput`] if the pattern is empty, or ends within `[…]` or after `\`.
    fn from_str(text: &str) -> Result<Self> {
        if let Ok(digest) = text.parse() {
            return Ok(Self(Kind::Digest(digest)));
        }
        let parsed = match text.strip_prefix(TYPE) {
            Some(media_type) => Glob::parse(media_type, Separator::Absent).map(Kind::MediaType),
            None => Glob::parse(text, Separator::Slash).map(Kind::Title),
        };
        parsed
            .map(Self)
            .map_err(|reason| Error::invalid_option("pattern", format!("\"{text}\" {reason}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Input;
    use crate::oci::media_type::MediaType;

    fn pattern(text: &str) -> Pattern {
        text.parse().unwrap()
    }

    #[test]
    fn patterns_match_titles_media_types_or_digests() {
        let content = Descriptor::of(MediaType::from("text/plain"), b"hello");
        let digest = content.digest.as_str();
        for (text, fits) in [
            ("a/b.txt", true),
            ("*.txt", false),
            ("text/plain", false),
            ("type=text/plain", true),
            ("type=text/*", true),
            ("type=*plain", true),
            ("type=*", true),
            ("type=text", false),
            ("[t]ype=text/plain", false),
            (digest, true),
            (&digest.replace('2', "3"), false),
            ("sha256:*", false),
        ] {
            assert_eq!(pattern(text).matches("a/b.txt", &content), fits, "{text}");
        }
    }

    #[test]
    fn invalid_patterns_are_errors_with_a_reason() {
        for (text, reason) in [
            ("", "\"\" is empty"),
            ("type=", "\"type=\" is empty"),
            ("a[b", "\"a[b\" has a [ without a ]"),
            ("type=[", "\"type=[\" has a [ without a ]"),
            ("a\\", "\"a\\\" ends with a \\"),
        ] {
            match text.parse::<Pattern>().map(drop) {
                Err(Error::InvalidInput {
                    input: Input::Option("pattern"),
                    reason: got,
                    ..
                }) => assert_eq!(got, reason),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn exclude_has_precedence_over_include() {
        let content = Descriptor::of(MediaType::LAYER, b"hello");
        let patterns = |texts: &[&str]| texts.iter().map(|text| pattern(text)).collect();
        for (include, exclude, selected) in [
            (&[][..], &[][..], true),
            (&["a*"], &[], true),
            (&["b*"], &[], false),
            (&["b*", "a*"], &[], true),
            (&[], &["a*"], false),
            (&[], &["b*"], true),
            (&["a*"], &["*"], false),
        ] {
            let filter = Filter {
                include: patterns(include),
                exclude: patterns(exclude),
            };
            assert_eq!(
                filter.selects("a.txt", &content),
                selected,
                "{include:?} {exclude:?}"
            );
            assert_eq!(filter.is_empty(), include.is_empty() && exclude.is_empty());
        }
    }
}
