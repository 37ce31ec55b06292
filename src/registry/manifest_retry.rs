//! What a registry says it misses when it refuses a manifest (distribution spec v1.1, "Error Codes").

use std::time::Duration;

use super::repository::Repository;
use crate::error::{Error, RegistryErrorResponse, Result};
use crate::oci::digest::Digest;
use crate::text::random;

/// How often a manifest is pushed again because the registry has what it says it misses.
const MAX_RETRIES: u32 = 3;
/// The wait before the first time; it doubles with each further one.
const WAIT: Duration = Duration::from_millis(100);
/// Of how much content it is asked whether it is there. What others are just pushing as well is little.
const MAX_ASKED: usize = 10;

/// The digests that a registry names as unknown to it. They come as they are, or somewhere in an object.
pub(super) fn named(refusal: &RegistryErrorResponse) -> Vec<Digest> {
    let is_unknown = |code: &str| {
        ["MANIFEST_BLOB_UNKNOWN", "MANIFEST_UNKNOWN", "BLOB_UNKNOWN"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(code))
    };
    let mut named: Vec<Digest> = refusal
        .errors
        .iter()
        .filter(|error| is_unknown(&error.code))
        .flat_map(|error| error.detail.split_ascii_whitespace())
        .filter_map(digest_in)
        .collect();
    named.sort_unstable();
    named.dedup();
    named
}

/// The digest that a word is, or that follows its first colon: `sha256:…`, `blob:sha256:…`, `map[blob:sha256:…]`.
fn digest_in(word: &str) -> Option<Digest> {
    let word = word.trim_matches(['[', ']']);
    word.parse()
        .ok()
        .or_else(|| word.split_once(':')?.1.parse().ok())
}

impl Repository<'_> {
    /// Pushes what refers to blobs, again if it is refused for blobs that are there.
    ///
    /// While a blob is pushed once more, as the empty config is by everybody who attaches something, some registries for a
    /// moment do not know that they have it: distribution 2 empties the file that says so and then writes it again.
    pub(super) fn despite_haste<T>(&self, push: impl Fn() -> Result<T>) -> Result<T> {
        let mut retries = 0;
        loop {
            let refusal = match push() {
                Err(Error::Refused(refusal)) if retries < MAX_RETRIES => refusal,
                result => return result,
            };
            let missing = named(&refusal);
            if missing.is_empty() || missing.len() > MAX_ASKED {
                return Err(Error::Refused(refusal));
            }
            let wait = WAIT.saturating_mul(1 << retries);
            self.client.sleep(wait.mul_f64(1.0 + random::fraction()));
            retries += 1;
            for digest in &missing {
                if !self.has_blob(digest)? {
                    return Err(Error::Refused(refusal));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{RegistryError, Responder};

    #[test]
    fn what_is_missing_is_named_in_several_ways() {
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        for (code, detail, wanted) in [
            ("MANIFEST_BLOB_UNKNOWN", a.to_string(), vec![&a]),
            ("manifest_unknown", format!(" {a} "), vec![&a]),
            (
                "BLOB_UNKNOWN",
                format!("map[blob:{a} reference:{b}]"),
                vec![&b, &a],
            ),
            ("BLOB_UNKNOWN", format!("[{a}]"), vec![&a]),
            ("BLOB_UNKNOWN", "x:y sha256:12 :".to_owned(), vec![]),
            ("DIGEST_INVALID", a.to_string(), vec![]),
        ] {
            let error = RegistryError {
                code: code.to_owned(),
                message: String::new(),
                detail: detail.clone(),
            };
            let refusal = RegistryErrorResponse {
                method: "PUT",
                url: String::new(),
                host: String::new(),
                status: 400,
                errors: vec![error.clone(), error],
                excerpt: None,
                by: Responder::Registry,
            };
            let mut wanted: Vec<_> = wanted.into_iter().cloned().collect();
            wanted.sort();
            assert_eq!(named(&refusal), wanted, "{code}: {detail}");
        }
    }
}
