//! What registries want to be told to people: `Warning` headers (distribution spec v1.1, "Warnings").
//!
//! A warning is shown and changes nothing. Each is told once, however many answers carry it.

use std::cell::RefCell;
use std::collections::HashSet;

use crate::limits::{MAX_WARNING_BYTES, MAX_WARNINGS};
use crate::oci::reference::RegistryName;
use crate::text::redact::Redactor;

/// Before each text: the code, and `-` for an agent that is the registry itself. No other warnings are meant for us.
const BEGINNING: &str = "299 - \"";

/// Is told the registry, and what it says.
type Listener = Box<dyn FnMut(&RegistryName, &str) + Send>;

/// Passes on each warning once.
#[derive(Default)]
pub(crate) struct Warnings {
    listener: Option<RefCell<Listener>>,
    told: RefCell<HashSet<(String, String)>>,
}

impl Warnings {
    pub(crate) fn to(listener: impl FnMut(&RegistryName, &str) + Send + 'static) -> Self {
        Self {
            listener: Some(RefCell::new(Box::new(listener))),
            told: RefCell::default(),
        }
    }

    /// Passes on what is new in these `Warning` headers, without the secrets that the registry was told.
    pub(crate) fn tell<'a>(
        &self,
        registry: &RegistryName,
        headers: impl IntoIterator<Item = &'a str>,
        secrets: &Redactor,
    ) {
        let Some(listener) = &self.listener else {
            return;
        };
        for text in texts(headers) {
            let text = secrets.excerpt(&text, MAX_WARNING_BYTES);
            let mut told = self.told.borrow_mut();
            let is_new = told.len() < MAX_WARNINGS
                && told.insert((registry.as_str().to_owned(), text.clone()));
            drop(told);
            if is_new {
                (listener.borrow_mut())(registry, &text);
            }
        }
    }
}

/// The texts in `Warning` headers, without control characters.
fn texts<'a>(headers: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut texts = Vec::new();
    let mut left = MAX_WARNING_BYTES;
    for header in headers {
        if header.len() > left {
            break;
        }
        left -= header.len();
        // A proxy may have put several headers into one line.
        let mut rest = header.trim();
        while let Some((text, behind)) = rest.strip_prefix(BEGINNING).and_then(quoted) {
            texts.push(text);
            rest = behind.trim_start_matches([' ', '\t', ',']);
        }
    }
    texts
}

/// A quoted text up to its end, and what is behind that (RFC 9110 §5.6.4).
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
    fn texts_are_read_as_the_specification_has_them() {
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
    fn each_is_told_once_for_each_registry_and_not_without_end() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let warnings = Warnings::to({
            let told = Arc::clone(&told);
            move |registry, text| told.lock().unwrap().push(format!("{registry}: {text}"))
        });
        let registries: [RegistryName; 2] = ["a".parse().unwrap(), "b".parse().unwrap()];

        for registry in registries.iter().chain(&registries) {
            warnings.tell(registry, ["299 - \"x\""], &Redactor::default());
        }
        assert_eq!(*told.lock().unwrap(), ["a: x", "b: x"]);

        for number in 0..1000 {
            warnings.tell(
                &registries[0],
                [format!("299 - \"{number}\"").as_str()],
                &Redactor::default(),
            );
        }
        assert_eq!(told.lock().unwrap().len(), MAX_WARNINGS);
    }
}
