//! Messages for TLS errors, with the texts of Go's `crypto/tls` and `crypto/x509`, which users
//! search for.

#![expect(clippy::disallowed_types, reason = "this is the adapter to ureq")]

use std::io;
use std::time::{Duration, UNIX_EPOCH};

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

use super::super::error::ureq_error;
use super::algorithm::unsupported_signature;
use super::verify::Rejection;
use crate::error::{Reworded, TransportKind};
use crate::http::TransportError;
use crate::text::time::rfc3339;

pub(super) fn connect_error(error: Error) -> TransportError {
    let kind = match &error {
        Error::InvalidCertificate(error) if is_unknown_authority(error) => {
            TransportKind::UnknownAuthority
        }
        Error::InvalidCertificate(_) => TransportKind::Certificate,
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => TransportKind::NotTls,
        _ => TransportKind::Tls,
    };
    TransportError::new(kind, Reworded::new(text(error.clone()), error))
}

/// Returns whether a certificate would be accepted if its authority were trusted.
fn is_unknown_authority(error: &CertificateError) -> bool {
    match error {
        CertificateError::UnknownIssuer => true,
        CertificateError::Other(cause) => cause
            .0
            .downcast_ref::<Rejection>()
            .is_some_and(|rejection| rejection.is_unknown_authority),
        _ => false,
    }
}

/// Converts an I/O error, which may wrap a TLS error.
pub(super) fn io_connect_error(error: io::Error) -> TransportError {
    match error.downcast::<Error>() {
        Ok(error) => connect_error(error),
        Err(error) => error.into(),
    }
}

/// Converts an I/O error for ureq, which handles those that are not TLS errors.
pub(super) fn io_error(error: io::Error) -> ureq::Error {
    match error.downcast::<Error>() {
        Ok(error) => ureq_error(connect_error(error)),
        Err(error) => error.into(),
    }
}

fn text(error: Error) -> String {
    match error {
        Error::InvalidCertificate(error) => {
            format!(
                "tls: failed to verify certificate: x509: {}",
                certificate_error_text(error)
            )
        }
        Error::AlertReceived(alert) => format!("remote error: tls: {}", alert_text(alert)),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "server gave an answer that is not TLS to an https request".to_owned()
        }
        other => format!("tls: {other}"),
    }
}

fn certificate_error_text(error: CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => "certificate signed by unknown authority".to_owned(),
        CertificateError::ExpiredContext { time, not_after } => format!(
            "certificate has expired or is not yet valid: current time {} is after {}",
            text_of_time(time),
            text_of_time(not_after)
        ),
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "certificate has expired or is not yet valid: current time {} is before {}",
            text_of_time(time),
            text_of_time(not_before)
        ),
        CertificateError::Expired | CertificateError::NotValidYet => {
            "certificate has expired or is not yet valid".to_owned()
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "certificate specifies an incompatible key usage".to_owned()
        }
        CertificateError::BadSignature => {
            "certificate signed by unknown authority (its signature does not match)".to_owned()
        }
        CertificateError::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id,
            ..
        } => unsupported_signature(&signature_algorithm_id, None),
        CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
            signature_algorithm_id,
            public_key_algorithm_id,
        } => unsupported_signature(&signature_algorithm_id, Some(&public_key_algorithm_id)),
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } if presented.is_empty() => format!(
            "certificate is not valid for any names, but wanted to match {}",
            expected.to_str()
        ),
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => {
            let names: Vec<&str> = presented.iter().map(|name| bare_name(name)).collect();
            format!(
                "certificate is valid for {}, not {}",
                names.join(", "),
                expected.to_str()
            )
        }
        // webpki's errors are the names of their variants.
        CertificateError::Other(cause) => match cause.0.to_string().as_str() {
            "NameConstraintViolation" => {
                "a root or intermediate certificate is not authorized to sign for this name"
                    .to_owned()
            }
            "PathLenConstraintViolated" => {
                "too many intermediates for path length constraint".to_owned()
            }
            other => other.to_owned(),
        },
        other => other.to_string(),
    }
}

fn text_of_time(time: UnixTime) -> String {
    rfc3339(UNIX_EPOCH + Duration::from_secs(time.as_secs()))
}

/// Converts `DnsName("a.example")` to `a.example`.
fn bare_name(name: &str) -> &str {
    let inner = name
        .split_once('(')
        .map_or(name, |(_, rest)| rest.trim_end_matches(')'));
    inner.trim_matches('"')
}

/// Converts `CertificateRequired` to `certificate required`.
fn alert_text(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::UnknownCA => "unknown certificate authority".to_owned(),
        AlertDescription::Unknown(code) => format!("alert({code})"),
        known => {
            let name = known.as_str().unwrap_or_default();
            let mut text = String::with_capacity(name.len() + 4);
            for character in name.chars() {
                if character.is_ascii_uppercase() && !text.is_empty() {
                    text.push(' ');
                }
                text.push(character.to_ascii_lowercase());
            }
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::ServerName;

    use super::*;

    #[test]
    fn messages_equal_those_of_go() {
        let expected = ServerName::try_from("r.example").unwrap();
        for (error, wanted) in [
            (
                Error::InvalidCertificate(CertificateError::UnknownIssuer),
                "tls: failed to verify certificate: x509: certificate signed by unknown authority",
            ),
            (
                Error::InvalidCertificate(CertificateError::Expired),
                "tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
            ),
            (
                Error::InvalidCertificate(CertificateError::NotValidForNameContext {
                    expected: expected.clone(),
                    presented: vec!["DnsName(\"a.example\")".into(), "IpAddress(::1)".into()],
                }),
                "tls: failed to verify certificate: x509: certificate is valid for a.example, ::1, not r.example",
            ),
            (
                Error::InvalidCertificate(CertificateError::NotValidForNameContext {
                    expected,
                    presented: Vec::new(),
                }),
                "tls: failed to verify certificate: x509: certificate is not valid for any names, but wanted to match r.example",
            ),
            (
                Error::AlertReceived(AlertDescription::CertificateRequired),
                "remote error: tls: certificate required",
            ),
            (
                Error::AlertReceived(AlertDescription::UnknownCA),
                "remote error: tls: unknown certificate authority",
            ),
            (
                Error::InvalidMessage(InvalidMessage::InvalidContentType),
                "server gave an answer that is not TLS to an https request",
            ),
        ] {
            assert_eq!(text(error), wanted);
        }
    }

    #[test]
    fn certificate_errors_of_a_proxy_are_not_those_of_the_registry() {
        for (error, wanted, at_proxy) in [
            (
                Error::InvalidCertificate(CertificateError::Expired),
                TransportKind::Certificate,
                TransportKind::Tls,
            ),
            (
                Error::InvalidMessage(InvalidMessage::InvalidContentType),
                TransportKind::NotTls,
                TransportKind::Tls,
            ),
            (
                Error::AlertReceived(AlertDescription::UnknownCA),
                TransportKind::Tls,
                TransportKind::Tls,
            ),
        ] {
            assert_eq!(connect_error(error.clone()).kind, wanted);
            let error = crate::http::ureq::error::at_proxy(connect_error(error));
            assert_eq!(error.kind, at_proxy);
        }
    }
}
