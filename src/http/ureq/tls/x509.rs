//! Parses certificates (RFC 5280 §4.1).
//!
//! webpki ignores what a certificate of a trusted authority says about itself: its validity period,
//! its key usage and its path length. It does not parse version 1 certificates of servers.

use std::time::{Duration, UNIX_EPOCH};

use rustls::pki_types::UnixTime;
use rustls::{CertificateError, Error};

use crate::text::time::parse_rfc3339;

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

const COMMON_NAME: &[u8] = b"\x55\x04\x03";
const KEY_USAGE: &[u8] = b"\x55\x1d\x0f";
pub(super) const BASIC_CONSTRAINTS: &[u8] = b"\x55\x1d\x13";
pub(super) const EXTENDED_KEY_USAGE: &[u8] = b"\x55\x1d\x25";
const SERVER_AUTH: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x03\x01";
const ANY_USAGE: &[u8] = b"\x55\x1d\x25\x00";
const RSA_KEY: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
/// The bit `keyCertSign` in the first byte of the key usage.
const CERTIFICATE_SIGN: u8 = 0x04;

/// The fields of a certificate.
pub(super) struct Certificate<'a> {
    /// The signed part, with tag and length.
    pub(super) signed: &'a [u8],
    pub(super) issuer: &'a [u8],
    pub(super) subject: &'a [u8],
    /// Without tag and length.
    validity: &'a [u8],
    /// With tag and length.
    pub(super) public_key: &'a [u8],
    is_version_1: bool,
    /// The list of extensions, without tag and length.
    extensions: &'a [u8],
}

/// An extension of a certificate.
pub(super) struct Extension<'a> {
    pub(super) id: &'a [u8],
    /// The value of `critical`, if it is present.
    pub(super) critical: Option<&'a [u8]>,
    pub(super) value: &'a [u8],
}

impl<'a> Certificate<'a> {
    pub(super) fn parse(certificate: &'a [u8]) -> Option<Self> {
        let (certificate, _) = element(certificate, SEQUENCE)?;
        let (mut rest, after_signed) = element(certificate, SEQUENCE)?;
        let signed = &certificate[..certificate.len() - after_signed.len()];
        let version = element(rest, VERSION);
        if let Some((_, after)) = version {
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
        let extensions = element(after, EXTENSIONS).and_then(|(list, _)| element(list, SEQUENCE));
        Some(Self {
            signed,
            issuer,
            subject,
            validity,
            public_key: &rest[..rest.len() - after.len()],
            is_version_1: version.is_none(),
            extensions: extensions.map_or(&[], |(list, _)| list),
        })
    }

    pub(super) fn extension(&self, id: &[u8]) -> Option<Extension<'a>> {
        let mut rest = self.extensions;
        while let Some((extension, after)) = element(rest, SEQUENCE) {
            let (this_id, mut fields) = element(extension, OBJECT_IDENTIFIER)?;
            if this_id == id {
                let critical = element(fields, BOOLEAN);
                if let Some((_, after)) = critical {
                    fields = after;
                }
                return Some(Extension {
                    id: this_id,
                    critical: critical.map(|(critical, _)| critical),
                    value: element(fields, OCTET_STRING)?.0,
                });
            }
            rest = after;
        }
        None
    }

    /// Checks that `now` is within the validity period.
    pub(super) fn check_validity(&self, now: UnixTime) -> Result<(), Error> {
        let (not_before, not_after) =
            validity(self.validity).ok_or(CertificateError::BadEncoding)?;
        if now < not_before {
            let time = now;
            Err(CertificateError::NotValidYetContext { time, not_before }.into())
        } else if now > not_after {
            let time = now;
            Err(CertificateError::ExpiredContext { time, not_after }.into())
        } else {
            Ok(())
        }
    }

    /// Returns whether the certificate is one of an authority, which may sign other certificates.
    /// Version 1 does not distinguish them.
    pub(super) fn may_sign(&self) -> bool {
        let is_authority = self.is_version_1 || self.authority_flag().is_some_and(|it| it != [0]);
        is_authority && self.has_key_usage(CERTIFICATE_SIGN)
    }

    /// Returns the value of `cA` in the basic constraints, if it is present.
    pub(super) fn authority_flag(&self) -> Option<&'a [u8]> {
        let constraints = self.extension(BASIC_CONSTRAINTS)?.value;
        Some(element(element(constraints, SEQUENCE)?.0, BOOLEAN)?.0)
    }

    /// Returns the maximum number of intermediate certificates below this one.
    pub(super) fn path_length(&self) -> Option<usize> {
        let constraints = self.extension(BASIC_CONSTRAINTS)?.value;
        let (constraints, _) = element(constraints, SEQUENCE)?;
        let (_, rest) = element(constraints, BOOLEAN)?;
        match *element(rest, INTEGER)?.0 {
            [length] => Some(length.into()),
            _ => None,
        }
    }

    /// Returns whether the key usage is absent or has this bit.
    fn has_key_usage(&self, bit: u8) -> bool {
        self.extension(KEY_USAGE).is_none_or(|usage| {
            // The number of unused bits, then the bits.
            let bits = element(usage.value, BIT_STRING).and_then(|(bits, _)| bits.get(1));
            bits.is_some_and(|bits| bits & bit != 0)
        })
    }

    /// Returns whether the extended key usage is absent or allows servers.
    pub(super) fn allows_servers(&self) -> bool {
        let Some(usage) = self.extension(EXTENDED_KEY_USAGE) else {
            return true;
        };
        let mut rest = element(usage.value, SEQUENCE).map_or(&[][..], |(list, _)| list);
        while let Some((purpose, after)) = element(rest, OBJECT_IDENTIFIER) {
            if purpose == SERVER_AUTH || purpose == ANY_USAGE {
                return true;
            }
            rest = after;
        }
        false
    }

    /// Returns the common name of the subject.
    pub(super) fn common_name(&self) -> Option<String> {
        let mut rest = self.subject;
        while let Some((set, after)) = element(rest, SET) {
            let (attribute, _) = element(set, SEQUENCE)?;
            let (id, value) = element(attribute, OBJECT_IDENTIFIER)?;
            if id == COMMON_NAME {
                let (text, _) = element(value, *value.first()?)?;
                return Some(String::from_utf8_lossy(text).into_owned());
            }
            rest = after;
        }
        None
    }

    /// Returns the number of bits of an RSA key.
    pub(super) fn rsa_bits(&self) -> Option<usize> {
        let (key, _) = element(self.public_key, SEQUENCE)?;
        let (algorithm, key) = element(key, SEQUENCE)?;
        if element(algorithm, OBJECT_IDENTIFIER)?.0 != RSA_KEY {
            return None;
        }
        let (bits, _) = element(key, BIT_STRING)?;
        let (key, _) = element(bits.get(1..)?, SEQUENCE)?;
        let (modulus, _) = element(key, INTEGER)?;
        let zeros = modulus.iter().take_while(|&&byte| byte == 0).count();
        Some((modulus.len() - zeros) * 8)
    }

    /// Returns the algorithm identifier of the public key, without tag and length.
    pub(super) fn key_algorithm(&self) -> Option<&'a [u8]> {
        let (key, _) = element(self.public_key, SEQUENCE)?;
        Some(element(key, SEQUENCE)?.0)
    }
}

/// Returns start and end of the validity period.
fn validity(der: &[u8]) -> Option<(UnixTime, UnixTime)> {
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

fn time(der: &[u8]) -> Option<(UnixTime, &[u8])> {
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
    if time.len() != 14 || !time.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (date, clock) = time.split_at(8);
    let time = format!(
        "{}-{}-{}T{}:{}:{}Z",
        &date[..4],
        &date[4..6],
        &date[6..],
        &clock[..2],
        &clock[2..4],
        &clock[4..]
    );
    let since_epoch = parse_rfc3339(&time)?.duration_since(UNIX_EPOCH);
    // UnixTime has no times before 1970.
    let time = UnixTime::since_unix_epoch(since_epoch.unwrap_or(Duration::ZERO));
    Some((time, rest))
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
            let certificate = certificate(version, b"", &key);
            let parsed = Certificate::parse(&certificate).unwrap();
            assert_eq!(parsed.public_key, key);
        }
        let whole = certificate(b"", b"", &key);
        for end in 0..whole.len() {
            assert!(Certificate::parse(&whole[..end]).is_none());
        }
        assert!(Certificate::parse(b"\x30\xff\xff").is_none());
        assert!(Certificate::parse(b"\x30\x84\xff\xff\xff\xff").is_none());
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
        let time = |second| UnixTime::since_unix_epoch(Duration::from_secs(second));
        let key = der(SEQUENCE, b"key");
        for times in [utc, generalized] {
            let certificate = certificate(b"", &times.concat(), &key);
            let at = |second| {
                let parsed = Certificate::parse(&certificate).unwrap();
                parsed.check_validity(time(second))
            };
            let invalid = |error| Err(Error::InvalidCertificate(error));
            assert_eq!(
                at(first - 1),
                invalid(CertificateError::NotValidYetContext {
                    time: time(first - 1),
                    not_before: time(first)
                })
            );
            assert_eq!(at(first), Ok(()));
            assert_eq!(at(last), Ok(()));
            assert_eq!(
                at(last + 1),
                invalid(CertificateError::ExpiredContext {
                    time: time(last + 1),
                    not_after: time(last)
                })
            );
        }
        // 1950 to 1999.
        let times = [
            der(UTC_TIME, b"500102030405Z"),
            der(UTC_TIME, b"990102030405Z"),
        ];
        let certificate = certificate(b"", &times.concat(), &key);
        let parsed = Certificate::parse(&certificate).unwrap();
        assert!(parsed.check_validity(time(first)).is_err());
    }

    #[test]
    fn extensions_say_what_a_certificate_is_for() {
        let extension = |id: &[u8], value: &[u8]| {
            der(
                SEQUENCE,
                &[der(OBJECT_IDENTIFIER, id), der(OCTET_STRING, value)].concat(),
            )
        };
        let authority = |flag| {
            let flag = der(BOOLEAN, &[flag]);
            extension(BASIC_CONSTRAINTS, &der(SEQUENCE, &flag))
        };
        let key_usage = |bits| extension(KEY_USAGE, &der(BIT_STRING, &[2, bits]));
        let usage = |purpose: &[u8]| {
            let list = der(SEQUENCE, &der(OBJECT_IDENTIFIER, purpose));
            extension(EXTENDED_KEY_USAGE, &list)
        };
        let version_3 = der(VERSION, &[2, 1, 2]);
        for (version, extensions, may_sign, allows_servers) in [
            (&b""[..], vec![], true, true),
            (&version_3, vec![], false, true),
            (&version_3, vec![authority(0xff)], true, true),
            (&version_3, vec![authority(0)], false, true),
            (
                &version_3,
                vec![authority(0xff), key_usage(0x04)],
                true,
                true,
            ),
            (
                &version_3,
                vec![key_usage(0x80), authority(0xff)],
                false,
                true,
            ),
            (&version_3, vec![usage(SERVER_AUTH)], false, true),
            (&version_3, vec![usage(ANY_USAGE)], false, true),
            (&version_3, vec![usage(COMMON_NAME)], false, false),
        ] {
            let list = der(EXTENSIONS, &der(SEQUENCE, &extensions.concat()));
            let rest = [der(SEQUENCE, b"key"), list].concat();
            let certificate = certificate(version, b"", &rest);
            let parsed = Certificate::parse(&certificate).unwrap();
            assert_eq!(parsed.may_sign(), may_sign, "{extensions:x?}");
            assert_eq!(parsed.allows_servers(), allows_servers, "{extensions:x?}");
        }
    }
}
