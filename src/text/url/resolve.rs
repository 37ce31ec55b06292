//! Resolution of URL references against a base URL.

use super::Url;
use super::parse::{InvalidUrl, split_scheme};

impl Url {
    /// Resolves a relative or absolute reference against this URL (RFC 3986 §5.2).
    ///
    /// # Errors
    ///
    /// [`InvalidUrl`] if the result is not a valid URL.
    pub fn join(&self, reference: &str) -> Result<Self, InvalidUrl> {
        if split_scheme(reference).is_some_and(|(scheme, _)| {
            scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'+')
        }) {
            return Self::parse(reference);
        }
        if reference.starts_with("//") {
            return Self::parse(&format!("{}:{reference}", self.scheme.as_str()));
        }
        if reference.is_empty() || reference.starts_with('#') {
            return Ok(self.clone());
        }
        let base = match reference.as_bytes()[0] {
            b'/' => "",
            b'?' => self.path.as_str(),
            _ => &self.path[..=self.path.rfind('/').unwrap_or(0)],
        };
        self.clone()
            .with_path_and_query(&format!("{base}{reference}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_references_resolve_as_in_rfc_3986() {
        let base = Url::parse("http://a/b/c/d?q").unwrap();
        for (reference, wanted) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g/"),
            ("?y", "http://a/b/c/d?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d?q"),
            ("g#s", "http://a/b/c/g"),
            ("", "http://a/b/c/d?q"),
            (".", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("g;x=1/../y", "http://a/b/c/y"),
            ("https://x:5000/y", "https://x:5000/y"),
        ] {
            assert_eq!(base.join(reference).unwrap().exact(), wanted, "{reference}");
        }
    }
}
