//! Certificates of servers that webpki does not accept although Go does: certificates with
//! `CA:TRUE`, and with the extended key usage "any".
//!
//! webpki gets a copy of such a certificate without these properties. The signature is verified
//! over the original bytes.

use std::sync::Arc;

use rustls::pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm,
};

use super::x509::{BASIC_CONSTRAINTS, Certificate, EXTENDED_KEY_USAGE};

/// The last byte of an identifier below 2.5.29 that no extension has.
const UNASSIGNED: u8 = 0x7f;

/// The certificates of a server, as webpki accepts them.
pub(super) struct LenientChain {
    pub(super) leaf: CertificateDer<'static>,
    pub(super) intermediates: Vec<CertificateDer<'static>>,
    changes: Arc<[Change]>,
}

/// The signed part of a certificate before and after its change.
#[derive(Debug)]
struct Change {
    original: Vec<u8>,
    changed: Vec<u8>,
}

impl LenientChain {
    /// Changes the certificates of a server. Intermediate certificates that may not sign others are
    /// left out.
    pub(super) fn new(leaf: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> Self {
        let mut changes = Vec::new();
        let mut change = |certificate: &CertificateDer<'_>, is_leaf| {
            let changed = changed(certificate, is_leaf);
            if let Some(before) = Certificate::parse(certificate)
                && let Some(after) = Certificate::parse(&changed)
                && before.signed != after.signed
            {
                changes.push(Change {
                    original: before.signed.to_vec(),
                    changed: after.signed.to_vec(),
                });
            }
            CertificateDer::from(changed)
        };
        Self {
            leaf: change(leaf, true),
            intermediates: intermediates
                .iter()
                .filter(|it| Certificate::parse(it).is_none_or(|it| it.may_sign()))
                .map(|it| change(it, false))
                .collect(),
            changes: changes.into(),
        }
    }

    /// Returns the algorithms, which verify the original bytes.
    pub(super) fn algorithms(
        &self,
        all: &[&'static dyn SignatureVerificationAlgorithm],
    ) -> Vec<OriginalBytes> {
        let with_changes = |inner: &&'static dyn SignatureVerificationAlgorithm| OriginalBytes {
            inner: *inner,
            changes: Arc::clone(&self.changes),
        };
        all.iter().map(with_changes).collect()
    }
}

/// Returns a copy of a certificate of equal length, changed as the module describes.
fn changed(certificate: &[u8], is_leaf: bool) -> Vec<u8> {
    let mut changed = certificate.to_vec();
    let Some(parsed) = Certificate::parse(certificate) else {
        return changed;
    };
    let mut set = |part: &[u8], value: u8| {
        let start = part.as_ptr().addr() - certificate.as_ptr().addr();
        changed[start + part.len() - 1] = value;
    };
    if is_leaf
        && parsed.extension(BASIC_CONSTRAINTS).is_some()
        && let Some(flag @ [_]) = parsed.authority_flag()
    {
        set(flag, 0);
    }
    if let Some(usage) = parsed.extension(EXTENDED_KEY_USAGE)
        && parsed.allows_servers()
    {
        set(usage.id, UNASSIGNED);
        if let Some(critical @ [_]) = usage.critical {
            set(critical, 0);
        }
    }
    changed
}

/// A signature algorithm that verifies the original bytes of changed certificates.
#[derive(Debug)]
pub(super) struct OriginalBytes {
    inner: &'static dyn SignatureVerificationAlgorithm,
    changes: Arc<[Change]>,
}

impl SignatureVerificationAlgorithm for OriginalBytes {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let change = self.changes.iter().find(|change| change.changed == message);
        let message = change.map_or(message, |change| &change.original);
        self.inner.verify_signature(public_key, message, signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.inner.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.inner.signature_alg_id()
    }
}
