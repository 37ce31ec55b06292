//! Certificates and keys as users have them: in PEM.

use std::fmt;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::x509;

use crate::limits::MAX_CERTIFICATES;

/// Certificate authorities to trust.
#[derive(Clone)]
pub struct CertificateAuthorities {
    pub(super) store: Arc<RootCertStore>,
    /// The certificates themselves, for servers that show one of them as their own.
    pub(super) certificates: Arc<[CertificateDer<'static>]>,
}

impl CertificateAuthorities {
    /// Reads one certificate or more. What cannot be read as one is passed over.
    ///
    /// # Errors
    ///
    /// [`InvalidCertificate::NoAuthority`] when nothing is left.
    pub fn from_pem(pem: &[u8]) -> Result<Self, InvalidCertificate> {
        Self::from_texts(&[pem]).ok_or(InvalidCertificate::NoAuthority)
    }

    /// All certificates of several texts, or `None` if there are none.
    pub(super) fn from_texts(texts: &[impl AsRef<[u8]>]) -> Option<Self> {
        let mut certificates: Vec<_> = texts
            .iter()
            .flat_map(|text| certificates(text.as_ref()))
            .collect();
        certificates.sort_unstable_by(|a, b| a.as_ref().cmp(b.as_ref()));
        certificates.dedup();
        let mut store = RootCertStore::empty();
        certificates.retain(|certificate| store.add(certificate.clone()).is_ok());
        (!certificates.is_empty()).then(|| Self {
            store: Arc::new(store),
            certificates: certificates.into(),
        })
    }
}

impl fmt::Debug for CertificateAuthorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateAuthorities({})", self.certificates.len())
    }
}

/// A certificate to be known by, with its private key.
#[derive(Clone)]
pub struct ClientCertificate {
    key: Arc<CertifiedKey>,
}

impl ClientCertificate {
    /// Reads a certificate, which others may follow that vouch for it, and its private key: PKCS #8, PKCS #1 or SEC 1, not
    /// encrypted. One text may hold both.
    ///
    /// # Errors
    ///
    /// When something is missing, cannot be used, or does not belong together.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, InvalidCertificate> {
        let chain: Vec<_> = certificates(certificate).collect();
        let found_key = private_key(certificate).is_some();
        if chain.is_empty() {
            return Err(if found_key {
                InvalidCertificate::Switched
            } else {
                InvalidCertificate::NoCertificate
            });
        }
        let Some(der) = private_key(key) else {
            return Err(if certificates(key).next().is_some() {
                InvalidCertificate::CertificateForKey
            } else {
                InvalidCertificate::NoKey
            });
        };
        let key = ring::default_provider()
            .key_provider
            .load_private_key(der)
            .map_err(|_| InvalidCertificate::Unusable)?;
        let theirs = chain.first().and_then(|first| x509::public_key(first));
        if let (Some(ours), Some(theirs)) = (key.public_key(), theirs)
            && ours.as_ref() != theirs
        {
            return Err(InvalidCertificate::KeyMismatch);
        }
        Ok(Self {
            key: Arc::new(CertifiedKey::new(chain, key)),
        })
    }

    pub(super) fn key(&self) -> &CertifiedKey {
        &self.key
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate").finish_non_exhaustive()
    }
}

fn certificates(pem: &[u8]) -> impl Iterator<Item = CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem)
        .take(MAX_CERTIFICATES)
        .flatten()
}

fn private_key(pem: &[u8]) -> Option<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(pem).ok()
}

/// Why a text is not the certificate or key that it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidCertificate {
    /// There is no certificate among the authorities.
    NoAuthority,
    /// There is no certificate.
    NoCertificate,
    /// There is a key in the place of the certificate.
    Switched,
    /// There is no private key.
    NoKey,
    /// There is a certificate in the place of the key.
    CertificateForKey,
    /// The key belongs to another certificate.
    KeyMismatch,
    /// The key is damaged, or of an unknown kind.
    Unusable,
}

impl fmt::Display for InvalidCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAuthority => "there is no certificate in the PEM text",
            Self::NoCertificate => "tls: failed to find any PEM data in certificate input",
            Self::Switched => {
                "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched"
            }
            Self::NoKey => "tls: failed to find any PEM data in key input",
            Self::CertificateForKey => {
                "tls: found a certificate rather than a key in the PEM for the private key"
            }
            Self::KeyMismatch => "tls: private key does not match public key",
            Self::Unusable => "tls: failed to parse private key",
        })
    }
}

impl std::error::Error for InvalidCertificate {}
