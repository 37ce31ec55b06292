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

/// Returns a name as a path. A backslash is a character of a name in archives, and a separator
/// here.
#[cfg(not(unix))]
pub(super) fn to_path(name: &[u8]) -> Result<&Path> {
    let malformed = |reason| crate::error::Error::malformed("archive entry", reason);
    let text = std::str::from_utf8(name).map_err(|_| malformed("the name is not UTF-8"))?;
    if text.contains('\\') {
        return Err(malformed("the name contains a backslash"));
    }
    Ok(Path::new(text))
}
