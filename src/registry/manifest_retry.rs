//! Retries of manifests that a registry refuses because it does not know their blobs (distribution
//! spec v1.1, "Error Codes").

use std::time::Duration;

use super::repository::Repository;
use crate::error::{RegistryErrorResponse, Result};
use crate::oci::Digest;
use crate::text::random;

/// Maximum number of times that a manifest is pushed again because the registry has the blobs that
/// it reported as unknown.
const MAX_RETRIES: u32 = 4;
/// The wait before the second retry. It doubles with each further one.
const INITIAL_BACKOFF: Duration = Duration::from_millis(100);
/// Maximum number of blobs that are checked. The race concerns few: those that several clients push
/// at once.
const MAX_CHECKED: usize = 10;

/// The digests that a registry reports as unknown. The detail is a digest or an object with
/// digests.
pub(super) fn unknown_digests(refusal: &RegistryErrorResponse) -> Vec<Digest> {
    let is_unknown = |code: &str| {
        ["MANIFEST_BLOB_UNKNOWN", "MANIFEST_UNKNOWN", "BLOB_UNKNOWN"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(code))
    };
    let mut digests: Vec<Digest> = refusal
        .errors
        .iter()
        .filter(|error| is_unknown(&error.code))
        .flat_map(|error| error.detail.split_ascii_whitespace())
        .filter_map(digest_in)
        .collect();
    digests.sort_unstable();
    digests.dedup();
    digests
}

/// The digest in a word, either the word itself or after its first colon: `sha256:…`,
/// `blob:sha256:…`, `map[blob:sha256:…]`.
fn digest_in(word: &str) -> Option<Digest> {
    let word = word.trim_matches(['[', ']']);
    word.parse()
        .ok()
        .or_else(|| word.split_once(':')?.1.parse().ok())
}

impl Repository {
    /// Whether to push a manifest again that the registry refused: returns true if all blobs that
    /// the registry reports as unknown do exist, after a wait from the second time on.
    ///
    /// While another client pushes the same blob, such as the empty config, distribution 2.x does
    /// not know the blob for a moment: it truncates the link file of the blob before it writes it
    /// again.
    pub(super) fn is_retried(&self, refusal: &RegistryErrorResponse, retries: u32) -> Result<bool> {
        let missing = unknown_digests(refusal);
        if retries >= MAX_RETRIES || missing.is_empty() || missing.len() > MAX_CHECKED {
            return Ok(false);
        }
        for digest in &missing {
            if !self.has_blob(digest, None)? {
                return Ok(false);
            }
        }
        if let Some(doublings) = retries.checked_sub(1) {
            let wait = INITIAL_BACKOFF.saturating_mul(1 << doublings);
            let wait = wait.mul_f64(1.0 + random::fraction());
            self.client.sleep(self.registry.as_str(), wait)?;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{RegistryError, Responder};

    #[test]
    fn unknown_digests_are_found_in_every_form_of_detail() {
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
                retry_after: None,
                wait: None,
                by: Responder::Registry,
            };
            let mut wanted: Vec<_> = wanted.into_iter().cloned().collect();
            wanted.sort();
            assert_eq!(unknown_digests(&refusal), wanted, "{code}: {detail}");
        }
    }
}
