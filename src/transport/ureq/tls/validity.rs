//! When a certificate is valid (RFC 5280 §4.1.2.5). webpki knows, but says so only of certificates whose issuer it looks for.

use std::time::{Duration, UNIX_EPOCH};

use rustls::pki_types::UnixTime;
use rustls::{CertificateError, Error};

use crate::time::rfc3339;

/// Whether a certificate is valid at `now`.
pub(super) fn check(certificate: &[u8], now: UnixTime) -> Result<(), Error> {
    let (not_before, not_after) =
        validity(certificate).ok_or(Error::InvalidCertificate(CertificateError::BadEncoding))?;
    let now = rfc3339(UNIX_EPOCH + Duration::from_secs(now.as_secs()));
    let now: String = now.chars().filter(char::is_ascii_digit).take(14).collect();
    // Digits of the same units in the same order: they compare as the times do.
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

/// From when and until when, as `YYYYMMDDhhmmss`.
fn validity(certificate: &[u8]) -> Option<(String, String)> {
    let (certificate, _) = element(certificate, SEQUENCE)?;
    let (mut rest, _) = element(certificate, SEQUENCE)?;
    if let Some((_, behind)) = element(rest, VERSION) {
        rest = behind;
    }
    // Serial number, signature algorithm, issuer.
    for tag in [INTEGER, SEQUENCE, SEQUENCE] {
        (_, rest) = element(rest, tag)?;
    }
    let (validity, _) = element(rest, SEQUENCE)?;
    let (not_before, rest) = time(validity)?;
    let (not_after, _) = time(rest)?;
    Some((not_before, not_after))
}

/// Reads an element of this type: its content, and what follows (X.690 §8.1).
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
        // Years have two digits: 50 to 99 are those of the last century.
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
