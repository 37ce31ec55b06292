//! `Warning` headers: messages from the registry to the user (distribution spec v1.1, "Warnings").
//!
//! Warnings have no effect on requests. Each distinct warning is reported once.

use std::collections::HashSet;

use crate::limits::{MAX_WARNING_BYTES, MAX_WARNINGS};
use crate::oci::RegistryName;
use crate::progress::sync::Lock;
use crate::text::redact::Redactor;

/// Prefix of a warning: code 299 and `-`, the agent that stands for the registry itself. The
/// specification defines no other warnings.
const PREFIX: &str = "299 - \"";

/// Receives the registry and the text of a warning.
type Listener = Box<dyn Fn(&RegistryName, &str) + Send + Sync>;

/// Reports each distinct warning once.
#[derive(Default)]
pub(crate) struct Warnings {
    listener: Option<Listener>,
    /// Registry and text of the warnings reported so far.
    reported: Lock<HashSet<(String, String)>>,
}

impl Warnings {
    pub(crate) fn to(listener: impl Fn(&RegistryName, &str) + Send + Sync + 'static) -> Self {
        Self {
            listener: Some(Box::new(listener)),
            reported: Lock::default(),
        }
    }

    /// Reports the new warnings among these `Warning` headers, redacted.
    pub(crate) fn report<'a>(
        &self,
        registry: &RegistryName,
        headers: impl IntoIterator<Item = &'a str>,
        redactor: &Redactor,
    ) {
        for text in texts(headers) {
            self.report_text(registry, &redactor.excerpt(&text, MAX_WARNING_BYTES));
        }
    }

    /// Reports a warning if it is new.
    pub(crate) fn report_text(&self, registry: &RegistryName, text: &str) {
        let Some(listener) = &self.listener else {
            return;
        };
        let mut reported = self.reported.lock();
        let is_new = reported.len() < MAX_WARNINGS
            && reported.insert((registry.as_str().to_owned(), text.to_owned()));
        drop(reported);
        if is_new {
            listener(registry, text);
        }
    }
}

/// The texts of `Warning` headers, without control characters.
fn texts<'a>(headers: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut texts = Vec::new();
    let mut left = MAX_WARNING_BYTES;
    for header in headers {
        if header.len() > left {
            break;
        }
        left -= header.len();
        // A proxy may have joined several headers into one.
        let mut rest = header.trim();
        while let Some((text, after)) = rest.strip_prefix(PREFIX).and_then(quoted) {
            texts.push(text);
            rest = after.trim_start_matches([' ', '\t', ',']);
        }
    }
    texts
}

/// Reads a quoted string (RFC 9110 §5.6.4) after its opening quote. Returns the string, if it is
/// not empty, and the rest.
fn quoted(rest: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut characters = rest.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return (!text.is_empty()).then_some((text, characters.as_str())),
            '\\' => text.extend(characters.next().filter(|escaped| !escaped.is_control())),
            character if character.is_control() => {}
            character => text.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn texts_are_parsed_as_specified() {
        let large = format!("299 - \"{}\"", "x".repeat(3000));
        for (headers, wanted) in [
            (&["299 - \"a b\""][..], &["a b"][..]),
            (&["299 - \"a\"", "299 - \"b\""], &["a", "b"]),
            (&["299 - \"a\", 299 - \"b\""], &["a", "b"]),
            (&[r#"299 - "\"a\" \\ b""#], &[r#""a" \ b"#]),
            (&["299 - \"a\u{1b}[31m\tb\""], &["a[31mb"]),
            (&["199 - \"a\"", "299 agent \"b\"", "299 - c", ""], &[]),
            (&["299 - \"\""], &[]),
            (&["299 - \"a"], &[]),
            (&["299 - \"a\\"], &[]),
            (
                &["299 - \"a\"", &large, &large, "299 - \"b\""],
                &["a", &"x".repeat(3000)],
            ),
        ] {
            assert_eq!(texts(headers.iter().copied()), wanted, "{headers:?}");
        }
    }

    #[test]
    fn each_warning_is_reported_once_per_registry_up_to_a_limit() {
        let reported = Arc::new(Mutex::new(Vec::new()));
        let warnings = Warnings::to({
            let reported = Arc::clone(&reported);
            move |registry, text| reported.lock().unwrap().push(format!("{registry}: {text}"))
        });
        let registries: [RegistryName; 2] = ["a".parse().unwrap(), "b".parse().unwrap()];

        for registry in registries.iter().chain(&registries) {
            warnings.report(registry, ["299 - \"x\""], &Redactor::default());
        }
        assert_eq!(*reported.lock().unwrap(), ["a: x", "b: x"]);

        for number in 0..1000 {
            warnings.report(
                &registries[0],
                [format!("299 - \"{number}\"").as_str()],
                &Redactor::default(),
            );
        }
        assert_eq!(reported.lock().unwrap().len(), MAX_WARNINGS);
    }
}
