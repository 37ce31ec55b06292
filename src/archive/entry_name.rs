//! Names in archives, as paths and as text.

use std::borrow::Cow;
use std::path::Path;

use crate::error::Result;

/// Returns a name as text for messages.
pub(super) fn to_text(name: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(name)
}

/// Returns a name as a path.
#[cfg(unix)]
#[expect(
    clippy::unnecessary_wraps,
    reason = "names are not always paths elsewhere"
)]
pub(super) fn to_path(name: &[u8]) -> Result<&Path> {
    use std::os::unix::ffi::OsStrExt;

    Ok(Path::new(std::ffi::OsStr::from_bytes(name)))
}

/// Returns a name as a path.
#[cfg(not(unix))]
pub(super) fn to_path(name: &[u8]) -> Result<&Path> {
    std::str::from_utf8(name)
        .map(Path::new)
        .map_err(|_| crate::error::Error::malformed("archive entry", "the name is not UTF-8"))
}
