//! Parses a few fields of certificates (RFC 5280 §4.1).
//!
//! webpki does not parse version 1 certificates, and checks the validity period only together with
//! the issuer.

use std::time::{Duration, UNIX_EPOCH};

use rustls::pki_types::UnixTime;
use rustls::{CertificateError, Error};

use crate::text::time::rfc3339;

/// Checks that `now` is within the validity period of a certificate.
pub(super) fn check_validity(certificate: &[u8], now: UnixTime) -> Result<(), Error> {
    let (not_before, not_after) = fields(certificate)
        .and_then(|fields| validity(fields.validity))
        .ok_or(Error::InvalidCertificate(CertificateError::BadEncoding))?;
    let now = rfc3339(UNIX_EPOCH + Duration::from_secs(now.as_secs()));
    let now: String = now.chars().filter(char::is_ascii_digit).take(14).collect();
    // YYYYMMDDhhmmss: string order equals time order.
    if now < not_before {
        Err(Error::InvalidCertificate(CertificateError::NotValidYet))
    } else if now > not_after {
        Err(Error::InvalidCertificate(CertificateError::Expired))
    } else {
        Ok(())
    }
}

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// Returns the `SubjectPublicKeyInfo` of a certificate.
pub(super) fn public_key(certificate: &[u8]) -> Option<&[u8]> {
    Some(fields(certificate)?.public_key)
}

/// Returns whether issuer and subject of a certificate are equal.
pub(super) fn is_self_issued(certificate: &[u8]) -> bool {
    fields(certificate).is_some_and(|fields| fields.issuer == fields.subject)
}

struct Fields<'a> {
    issuer: &'a [u8],
    subject: &'a [u8],
    /// Without tag and length.
    validity: &'a [u8],
    /// With tag and length.
    public_key: &'a [u8],
}

fn fields(certificate: &[u8]) -> Option<Fields<'_>> {
    let (certificate, _) = element(certificate, SEQUENCE)?;
    let (mut rest, _) = element(certificate, SEQUENCE)?;
    if let Some((_, after)) = element(rest, VERSION) {
        rest = after;
    }
    // Serial number, signature algorithm.
    for tag in [INTEGER, SEQUENCE] {
        (_, rest) = element(rest, tag)?;
    }
    let (issuer, rest) = element(rest, SEQUENCE)?;
    let (validity, rest) = element(rest, SEQUENCE)?;
    let (subject, rest) = element(rest, SEQUENCE)?;
    let (_, after) = element(rest, SEQUENCE)?;
    Some(Fields {
        issuer,
        subject,
        validity,
        public_key: &rest[..rest.len() - after.len()],
    })
}

/// Returns start and end of the validity period as `YYYYMMDDhhmmss`.
fn validity(der: &[u8]) -> Option<(String, String)> {
    let (not_before, rest) = time(der)?;
    let (not_after, _) = time(rest)?;
    Some((not_before, not_after))
}

/// Parses an element with this tag (X.690 §8.1). Returns its content and the rest.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let [first, length, rest @ ..] = der else {
        return None;
    };
    if *first != tag {
        return None;
    }
    let (length, rest) = match *length {
        short @ 0..=0x7f => (usize::from(short), rest),
        long => {
            let count = usize::from(long & 0x7f);
            if count > 4 {
                return None;
            }
            let (bytes, rest) = rest.split_at_checked(count)?;
            let length = bytes
                .iter()
                .fold(0, |length, byte| length << 8 | usize::from(*byte));
            (length, rest)
        }
    };
    rest.split_at_checked(length)
}

fn time(der: &[u8]) -> Option<(String, &[u8])> {
    let (text, rest, century) = if let Some((text, rest)) = element(der, UTC_TIME) {
        // Two-digit years: 50 to 99 are 1950 to 1999.
        let century = if text.first()? < &b'5' { "20" } else { "19" };
        (text, rest, century)
    } else {
        let (text, rest) = element(der, GENERALIZED_TIME)?;
        (text, rest, "")
    };
    let digits = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let time = format!("{century}{digits}");
    (time.len() == 14 && time.bytes().all(|byte| byte.is_ascii_digit())).then_some((time, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Encodes an element of less than 128 bytes.
    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).expect("test elements have less than 128 bytes");
        [&[tag, length], content].concat()
    }

    /// Encodes a certificate with these fields.
    fn certificate(version: &[u8], validity: &[u8], key: &[u8]) -> Vec<u8> {
        let fields = [
            version,
            &der(INTEGER, &[1]),
            &der(SEQUENCE, b"algorithm"),
            &der(SEQUENCE, b"issuer"),
            &der(SEQUENCE, validity),
            &der(SEQUENCE, b"subject"),
            key,
        ];
        der(SEQUENCE, &der(SEQUENCE, &fields.concat()))
    }

    #[test]
    fn the_public_key_is_found_in_every_version() {
        let key = der(SEQUENCE, b"key");
        for version in [&b""[..], &der(VERSION, &[2, 1, 2])] {
            assert_eq!(
                public_key(&certificate(version, b"", &key)),
                Some(key.as_slice())
            );
        }
        let whole = certificate(b"", b"", &key);
        for end in 0..whole.len() {
            assert_eq!(public_key(&whole[..end]), None);
        }
        assert_eq!(public_key(b"\x30\xff\xff"), None);
        assert_eq!(public_key(b"\x30\x84\xff\xff\xff\xff"), None);
    }

    #[test]
    fn the_validity_period_includes_its_first_and_last_second() {
        // 2000-01-02T03:04:05Z, and a year later to the second.
        let first = 946_782_245;
        let last = first + 366 * 86_400;
        let utc = [
            der(UTC_TIME, b"000102030405Z"),
            der(UTC_TIME, b"010102030405Z"),
        ];
        let generalized = [
            der(GENERALIZED_TIME, b"20000102030405Z"),
            der(GENERALIZED_TIME, b"20010102030405Z"),
        ];
        let key = der(SEQUENCE, b"key");
        for times in [utc, generalized] {
            let certificate = certificate(b"", &times.concat(), &key);
            let at = |second| {
                let now = UnixTime::since_unix_epoch(Duration::from_secs(second));
                check_validity(&certificate, now)
            };
            let invalid = |error| Err(Error::InvalidCertificate(error));
            assert_eq!(at(first - 1), invalid(CertificateError::NotValidYet));
            assert_eq!(at(first), Ok(()));
            assert_eq!(at(last), Ok(()));
            assert_eq!(at(last + 1), invalid(CertificateError::Expired));
        }
        // 1950 to 1999.
        let times = [
            der(UTC_TIME, b"500102030405Z"),
            der(UTC_TIME, b"990102030405Z"),
        ];
        let certificate = certificate(b"", &times.concat(), &key);
        let now = UnixTime::since_unix_epoch(Duration::from_secs(first));
        assert!(check_validity(&certificate, now).is_err());
    }
}
