//! Names of the signature algorithms, keys and curves that this build cannot verify.

use std::fmt::Write as _;

/// The algorithms that this build can verify.
const SUPPORTED: &str = "ECDSA on P-256 or P-384 with SHA-256 or SHA-384, Ed25519, and RSA keys of at least 2048 bits with SHA-256, SHA-384 or SHA-512";

/// Object identifiers and names of signature algorithms (RFC 3279, RFC 4055, RFC 5758, RFC 8410).
const SIGNATURES: [(&[u8], &str); 17] = [
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04", "RSA with MD5"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05", "RSA with SHA-1"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", "RSA-PSS"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", "RSA with SHA-256"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c", "RSA with SHA-384"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d", "RSA with SHA-512"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0e", "RSA with SHA-224"),
    (b"\x2a\x86\x48\xce\x3d\x04\x01", "ECDSA with SHA-1"),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x01", "ECDSA with SHA-224"),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x02", "ECDSA with SHA-256"),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x03", "ECDSA with SHA-384"),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x04", "ECDSA with SHA-512"),
    (b"\x2a\x86\x48\xce\x38\x04\x03", "DSA with SHA-1"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x02", "DSA with SHA-256"),
    (b"\x2b\x65\x70", "Ed25519"),
    (b"\x2b\x65\x71", "Ed448"),
    (b"\x2a\x81\x1c\xcf\x55\x01\x83\x75", "SM2 with SM3"),
];

/// Object identifiers and names of keys (RFC 4055, RFC 5480, RFC 5639, RFC 8410).
const KEYS: [(&[u8], &str); 12] = [
    (b"\x2a\x86\x48\xce\x3d\x03\x01\x07", "a key on P-256"),
    (b"\x2b\x81\x04\x00\x22", "a key on P-384"),
    (b"\x2b\x81\x04\x00\x23", "a key on P-521"),
    (b"\x2b\x81\x04\x00\x21", "a key on P-224"),
    (b"\x2b\x81\x04\x00\x0a", "a key on secp256k1"),
    (
        b"\x2b\x24\x03\x03\x02\x08\x01\x01\x07",
        "a key on brainpoolP256r1",
    ),
    (
        b"\x2b\x24\x03\x03\x02\x08\x01\x01\x0b",
        "a key on brainpoolP384r1",
    ),
    (
        b"\x2b\x24\x03\x03\x02\x08\x01\x01\x0d",
        "a key on brainpoolP512r1",
    ),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", "an RSA key"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", "an RSA-PSS key"),
    (b"\x2b\x65\x70", "an Ed25519 key"),
    (b"\x2b\x65\x71", "an Ed448 key"),
];

/// Returns the message for a signature that this build cannot verify. The arguments are algorithm
/// identifiers.
pub(super) fn unsupported_signature(signature: &[u8], key: Option<&[u8]>) -> String {
    let signature = name(&SIGNATURES, signature);
    let signed_by = match key {
        Some(key) => format!("{signature} by {}", name(&KEYS, key)),
        None => signature,
    };
    format!(
        "cannot verify signature: this build does not support {signed_by}. It supports {SUPPORTED}"
    )
}

/// Returns the message for the key of a server that this build does not support, or `None` if it
/// does. `key` is an algorithm identifier.
pub(super) fn unsupported_key(key: &[u8]) -> Option<String> {
    const SUPPORTED_KEYS: [&str; 4] = [
        "a key on P-256",
        "a key on P-384",
        "an RSA key",
        "an Ed25519 key",
    ];
    let key = name(&KEYS, key);
    (!SUPPORTED_KEYS.contains(&key.as_str())).then(|| {
        format!(
            "the certificate has {key}, which this build does not support. It supports {SUPPORTED}"
        )
    })
}

/// Returns the message for an RSA key that is too short.
pub(super) fn short_key(bits: usize) -> String {
    format!(
        "cannot verify signature: this build does not support an RSA key of {bits} bits. It supports {SUPPORTED}"
    )
}

/// Returns the name of an algorithm identifier. The last object identifier in it decides: it is the
/// curve of an elliptic curve key.
fn name(names: &[(&[u8], &str)], algorithm: &[u8]) -> String {
    let found = names.iter().find(|(id, _)| {
        // Tag and length.
        algorithm
            .windows(id.len() + 2)
            .any(|part| part[0] == 6 && usize::from(part[1]) == id.len() && part[2..] == **id)
    });
    found.map_or_else(
        || {
            let mut text = "the algorithm ".to_owned();
            for byte in algorithm {
                let _ = write!(text, "{byte:02x}");
            }
            text
        },
        |(_, name)| (*name).to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_are_named() {
        let ecdsa_sha512 = b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x04";
        let pss = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x30\x00";
        let p521 = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23";
        for (signature, key, wanted) in [
            (&ecdsa_sha512[..], None, "ECDSA with SHA-512"),
            (
                ecdsa_sha512,
                Some(&p521[..]),
                "ECDSA with SHA-512 by a key on P-521",
            ),
            (pss, None, "RSA-PSS"),
            (b"\x06\x01\x2a", None, "the algorithm 06012a"),
            (b"", None, "the algorithm "),
        ] {
            let message = unsupported_signature(signature, key);
            let prefix = format!("cannot verify signature: this build does not support {wanted}. ");
            assert!(message.starts_with(&prefix), "{message}");
        }
        assert!(unsupported_key(p521).unwrap().contains("a key on P-521"));
        let p256 = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
        assert_eq!(unsupported_key(p256), None);
    }
}
