//! Unique names for files and directories that are not complete yet.

use std::io;

use crate::text::random;

/// Limit of attempts to find an unused name. More than 16 collisions of 64 random bits in a row are
/// not a coincidence.
pub(super) const MAX_ATTEMPTS: u32 = 16;

/// The form of a unique name: prefix, optionally the process id, 16 hexadecimal digits, suffix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NamePattern {
    prefix: &'static str,
    suffix: &'static str,
    has_process_id: bool,
}

impl NamePattern {
    /// Names such as `<prefix>0123456789abcdef<suffix>`.
    pub(crate) const fn new(prefix: &'static str, suffix: &'static str) -> Self {
        Self {
            prefix,
            suffix,
            has_process_id: false,
        }
    }

    /// Names such as `<prefix>4711-0123456789abcdef<suffix>`.
    #[cfg(feature = "archive")]
    pub(crate) const fn with_process_id(prefix: &'static str, suffix: &'static str) -> Self {
        Self {
            prefix,
            suffix,
            has_process_id: true,
        }
    }

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

    /// Whether `name` has this form.
    pub(crate) fn matches(self, name: &str) -> bool {
        let middle = name
            .strip_prefix(self.prefix)
            .and_then(|name| name.strip_suffix(self.suffix));
        let random = if self.has_process_id {
            middle
                .and_then(|middle| middle.split_once('-'))
                .filter(|(process, _)| {
                    !process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit())
                })
                .map(|(_, random)| random)
        } else {
            middle
        };
        random.is_some_and(|random| {
            random.len() == random::NAME_DIGITS
                && random
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        })
    }

    fn unique_name(self) -> String {
        let Self { prefix, suffix, .. } = self;
        let random = random::name();
        if self.has_process_id {
            let process = std::process::id();
            format!("{prefix}{process}-{random}{suffix}")
        } else {
            format!("{prefix}{random}{suffix}")
        }
    }
}

/// Whether the error can result from another process that creates or removes files in the same
/// directory.
pub(super) fn is_concurrent_change(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound
    )
}
