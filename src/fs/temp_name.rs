//! Names of files and directories that are not complete yet: one rule for all directories.
//!
//! A name contains an identity of the host and random digits, so that no two processes use one
//! name. The host says whether a lock decides if a process uses the file: see
//! [`leftovers`](super::leftovers).

use std::io;
use std::sync::OnceLock;

use crate::oci::Digest;
use crate::text::random;

/// Limit of attempts to find an unused name. More than 16 collisions of 64 random bits in a row are
/// not a coincidence.
pub(super) const MAX_ATTEMPTS: u32 = 16;

const PREFIX: &str = ".oras-";
/// Suffix of files and directories that are of no use when their process has ended.
const TEMPORARY: &str = ".tmp";
/// Suffix of the beginning of content.
const BEGINNING: &str = ".part";
/// Length of the identity of a host, in hexadecimal digits.
const HOST_DIGITS: usize = 8;

/// The purpose of a temporary file, which its name shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TempKind<'a> {
    /// A file or directory that is renamed or removed by the process that created it:
    /// `.oras-<host>-<random>.tmp`.
    Staged,
    /// A file that only its user can read, such as one of credentials:
    /// `.oras-credentials-<host>-<random>.tmp`.
    Private,
    /// The beginning of content with this digest, which a later process may continue:
    /// `.oras-<algorithm>-<hex>-<host>-<random>.part`.
    Beginning(&'a Digest),
}

impl TempKind<'_> {
    /// Calls `create` with a new name. Tries other names while `create` reports that the name
    /// exists (`AlreadyExists`), or that another process removed the file (`NotFound`).
    pub(crate) fn create<T>(self, mut create: impl FnMut(&str) -> io::Result<T>) -> io::Result<T> {
        let mut attempt = 1;
        loop {
            match create(&self.unique_name()) {
                Err(error) if attempt < MAX_ATTEMPTS && is_concurrent_change(&error) => {
                    attempt += 1;
                }
                created => return created,
            }
        }
    }

    fn unique_name(self) -> String {
        let (host, random) = (host(), random::name());
        match self {
            Self::Staged => format!("{PREFIX}{host}-{random}{TEMPORARY}"),
            Self::Private => format!("{PREFIX}credentials-{host}-{random}{TEMPORARY}"),
            Self::Beginning(digest) => {
                let (algorithm, encoded) = (digest.algorithm(), digest.encoded());
                format!("{PREFIX}{algorithm}-{encoded}-{host}-{random}{BEGINNING}")
            }
        }
    }
}

/// Whether a component of a path is the name of a temporary file or directory. Content must not
/// have such a path: it would be removed as a [leftover](super::leftovers).
pub(crate) fn is_reserved(path: &std::path::Path) -> bool {
    path.iter()
        .any(|name| name.to_str().and_then(TempName::parse).is_some())
}

/// Reason for the refusal of a [reserved](is_reserved) name.
pub(crate) const RESERVED: &str = "the name is reserved for temporary files";

/// The parts of the name of a temporary file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TempName<'n> {
    /// Whether a process of this host created the file.
    pub(super) is_local: bool,
    /// The digest of the content that the file is the beginning of, with `-` instead of `:`.
    content: Option<&'n str>,
}

impl<'n> TempName<'n> {
    /// Returns the parts of the name of a temporary file, and `None` for all other names.
    pub(crate) fn parse(name: &'n str) -> Option<Self> {
        let rest = name.strip_prefix(PREFIX)?;
        let (rest, is_beginning) = match rest.strip_suffix(TEMPORARY) {
            Some(rest) => (rest, false),
            None => (rest.strip_suffix(BEGINNING)?, true),
        };
        let (rest, random) = rest.rsplit_once('-')?;
        let (purpose, host_part) = match rest.rsplit_once('-') {
            Some((purpose, host)) => (Some(purpose), host),
            None => (None, rest),
        };
        let is_known = match purpose {
            None | Some("credentials") => !is_beginning,
            Some(content) => is_beginning && parse_content(content).is_some(),
        };
        let is_valid = is_known
            && is_hexadecimal(random, random::NAME_DIGITS)
            && is_hexadecimal(host_part, HOST_DIGITS);
        is_valid.then(|| Self {
            is_local: host_part == host() && host_part != UNKNOWN_HOST,
            content: purpose.filter(|_| is_beginning),
        })
    }

    /// Whether the file is the beginning of content, which a later process may continue.
    pub(super) const fn is_beginning(&self) -> bool {
        self.content.is_some()
    }

    /// The digest of the content that the file is the beginning of.
    pub(super) fn content(&self) -> Option<Digest> {
        parse_content(self.content?)
    }

    /// Whether the file is the beginning of the content with this digest.
    pub(crate) fn is_beginning_of(&self, digest: &Digest) -> bool {
        self.content().as_ref() == Some(digest)
    }
}

/// Parses a digest with `-` instead of `:`.
fn parse_content(content: &str) -> Option<Digest> {
    let (algorithm, encoded) = content.split_once('-')?;
    format!("{algorithm}:{encoded}").parse().ok()
}

fn is_hexadecimal(digits: &str, length: usize) -> bool {
    digits.len() == length
        && digits
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The identity of a host that has none.
const UNKNOWN_HOST: &str = "00000000";

/// Returns an identity of the running kernel. Processes with the same identity see each other's
/// locks, whatever the file system and the container.
///
/// Linux has a random identity of each boot. The name of the host or `/etc/machine-id` would be no
/// substitute: containers on several hosts can have equal ones. Where it is missing, no
/// file is known to be local, and only its age shows that it is not in use.
fn host() -> &'static str {
    static HOST: OnceLock<String> = OnceLock::new();
    HOST.get_or_init(|| {
        std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .ok()
            .and_then(|id| id.get(..HOST_DIGITS).map(str::to_owned))
            .filter(|id| is_hexadecimal(id, HOST_DIGITS))
            .unwrap_or_else(|| UNKNOWN_HOST.to_owned())
    })
}

/// Whether the error can result from another process that creates or removes files in the same
/// directory.
pub(super) fn is_concurrent_change(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_show_their_purpose() {
        let (digest, other) = (Digest::of(b"x"), Digest::of(b"y"));
        for (kind, is_beginning) in [
            (TempKind::Staged, false),
            (TempKind::Private, false),
            (TempKind::Beginning(&digest), true),
        ] {
            let name = kind.unique_name();
            let parsed = TempName::parse(&name).unwrap();
            assert!(parsed.is_local, "{name}");
            assert_eq!(parsed.is_beginning(), is_beginning, "{name}");
            assert_eq!(parsed.is_beginning_of(&digest), is_beginning, "{name}");
            assert!(!parsed.is_beginning_of(&other), "{name}");
        }
    }

    #[test]
    fn other_names_are_not_temporary() {
        let hex = "0".repeat(64);
        let beginning = format!(".oras-sha256-{hex}-00000000-0123456789abcdef.part");
        for (name, wanted) in [
            (beginning.as_str(), true),
            (".oras-ffffffff-0123456789abcdef.tmp", true),
            (".oras-credentials-ffffffff-0123456789abcdef.tmp", true),
            (&beginning.replace(".part", ".tmp"), false),
            (&beginning.replace("sha256", "md5"), false),
            (&beginning.replace("-00000000-", "-"), false),
            (".oras-sha256-0-00000000-0123456789abcdef.part", false),
            (".oras-ffffffff-0123456789abcdef.part", false),
            (".oras-other-ffffffff-0123456789abcdef.tmp", false),
            (".oras-ffffffff-0123456789abcde.tmp", false),
            (".oras-ffffffff-0123456789ABCDEF.tmp", false),
            (".oras--0123456789abcdef.tmp", false),
            (".oras-fffffff-0123456789abcdef.tmp", false),
            (".oras-ffffffff-0123456789abcdef.tmp2", false),
            (".oras-notes.tmp", false),
            ("oras-ffffffff-0123456789abcdef.tmp", false),
            ("", false),
        ] {
            assert_eq!(TempName::parse(name).is_some(), wanted, "{name}");
        }
        let foreign = if host() == "00000000" {
            "11111111"
        } else {
            "00000000"
        };
        let name = format!(".oras-{foreign}-0123456789abcdef.tmp");
        assert!(!TempName::parse(&name).unwrap().is_local);
    }
}
