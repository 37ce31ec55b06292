//! Reader of tar streams.
//!
//! The `tar` crate decodes the fields of headers. Its iterator is not used for two reasons. It
//! reads extended headers of any size into memory. It splits their records at line ends, which
//! names may contain, so that the name of a file could state the size of another one.

use std::io::{self, Read};

use tar::Header;

use super::Limits;
use super::header::{BLOCK_BYTES, padding};
use crate::error::{Error, IoOp, Result};
use crate::limits::Limit;

/// The kind of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryKind {
    File,
    Directory,
    Symlink,
    HardLink,
    /// A kind that is not unpacked, in words.
    Other(&'static str),
}

/// The metadata of one entry.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) kind: EntryKind,
    pub(super) mode: u32,
    /// Modification time in seconds since 1970, and nanoseconds.
    pub(super) mtime: Option<(i64, u32)>,
    pub(super) link: Vec<u8>,
}

/// Reads a tar stream. After [`TarReader::next`], `read` returns the content of that entry.
pub(super) struct TarReader<'a, R> {
    input: R,
    limits: &'a Limits,
    count: u64,
    /// Unread content bytes of the current entry. Padding follows.
    content: u64,
    padding: usize,
}

impl<'a, R: Read> TarReader<'a, R> {
    pub(super) const fn new(input: R, limits: &'a Limits) -> Self {
        Self {
            input,
            limits,
            count: 0,
            content: 0,
            padding: 0,
        }
    }

    pub(super) fn into_inner(self) -> R {
        self.input
    }

    /// Reads the header of the next entry and the extended headers before it.
    pub(super) fn next(&mut self) -> Result<Option<Entry>> {
        let mut extended = ExtendedHeader::default();
        let mut budget = self.limits.max_record_bytes;
        loop {
            self.skip_content()?;
            let Some(header) = self.read_header()? else {
                if extended == ExtendedHeader::default() {
                    return Ok(None);
                }
                return Err(malformed("nothing follows an extended header"));
            };
            let size = parse_number(&header.as_old().size, || header.entry_size())?;
            let kind = header.as_old().linkflag[0];
            match kind {
                b'x' => extended.parse_records(&self.read_extended(size, &mut budget)?)?,
                b'L' => extended.long_name = Some(trim_nul(self.read_extended(size, &mut budget)?)),
                b'K' => extended.long_link = Some(trim_nul(self.read_extended(size, &mut budget)?)),
                // Global records contain nothing of use, and Go's reader ignores them too.
                b'g' => self.start_content(size)?,
                b'S' => return Err(Error::unsupported("a sparse file in an archive")),
                _ => return self.start_entry(&header, kind, size, extended).map(Some),
            }
        }
    }

    fn start_entry(
        &mut self,
        header: &Header,
        kind: u8,
        size: u64,
        extended: ExtendedHeader,
    ) -> Result<Entry> {
        self.count += 1;
        if self.count > self.limits.max_entries {
            return Err(Error::too_large(
                "archive",
                self.count,
                Limit::Entries,
                self.limits.max_entries,
            ));
        }
        let name = extended
            .long_name
            .or(extended.path)
            .unwrap_or_else(|| header.path_bytes().into_owned());
        let link = extended
            .long_link
            .or(extended.link_path)
            .or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned))
            .unwrap_or_default();
        for path in [&name, &link] {
            if path.len() as u64 > self.limits.max_path_bytes {
                return Err(Error::too_large(
                    "path in an archive",
                    path.len() as u64,
                    Limit::PathBytes,
                    self.limits.max_path_bytes,
                ));
            }
            if path.contains(&0) {
                return Err(malformed("a name contains a NUL"));
            }
        }
        // No content follows the header of a link, directory or device, whatever size it states.
        let has_content = !matches!(kind, b'1'..=b'6');
        self.start_content(if has_content {
            extended.size.unwrap_or(size)
        } else {
            0
        })?;
        let kind = match kind {
            0 if name.ends_with(b"/") => EntryKind::Directory,
            0 | b'0' | b'7' => EntryKind::File,
            b'1' => EntryKind::HardLink,
            b'2' => EntryKind::Symlink,
            b'3' => EntryKind::Other("a character device"),
            b'4' => EntryKind::Other("a block device"),
            b'5' => EntryKind::Directory,
            b'6' => EntryKind::Other("a FIFO"),
            _ => EntryKind::Other("of an unknown kind"),
        };
        let mode = parse_number(&header.as_old().mode, || header.mode().map(u64::from))?;
        let header_mtime = || {
            let mtime = parse_number(&header.as_old().mtime, || header.mtime()).ok()?;
            Some((mtime.cast_signed(), 0))
        };
        Ok(Entry {
            kind,
            name,
            link,
            // Only the last four octal digits have a meaning.
            mode: (mode & 0o7777) as u32,
            mtime: extended.mtime.or_else(header_mtime),
        })
    }

    /// Reads the next header. Returns `None` at the end: two empty blocks, or the end of the
    /// stream.
    fn read_header(&mut self) -> Result<Option<Header>> {
        let mut header = Header::new_old();
        if !self.read_block(header.as_mut_bytes())? {
            return Ok(None);
        }
        if is_empty(&header) {
            if self.read_block(header.as_mut_bytes())? && !is_empty(&header) {
                return Err(malformed("an empty block in the middle"));
            }
            return Ok(None);
        }
        let field = header.as_old().cksum;
        let others: u32 = header.as_bytes().iter().map(|&byte| u32::from(byte)).sum();
        let blank = u32::from(b' ') * 8;
        let sum = others - field.iter().map(|&byte| u32::from(byte)).sum::<u32>() + blank;
        match header.cksum() {
            Ok(stated) if stated == sum => Ok(Some(header)),
            _ => Err(malformed("the checksum of a header does not match")),
        }
    }

    /// Fills `block`. Returns false at the end of the stream.
    fn read_block(&mut self, block: &mut [u8; BLOCK_BYTES]) -> Result<bool> {
        let mut filled = 0;
        while filled < block.len() {
            match self
                .input
                .read(&mut block[filled..])
                .map_err(read_error())?
            {
                0 if filled == 0 => return Ok(false),
                0 => return Err(malformed("unexpected EOF in a header")),
                count => filled += count,
            }
        }
        Ok(true)
    }

    /// Reads the content of an extended header.
    fn read_extended(&mut self, size: u64, budget: &mut u64) -> Result<Vec<u8>> {
        *budget = budget.checked_sub(size).ok_or_else(|| {
            Error::too_large(
                "extended header in an archive",
                size,
                Limit::RecordBytes,
                self.limits.max_record_bytes,
            )
        })?;
        self.start_content(size)?;
        let mut record = Vec::new();
        self.read_to_end(&mut record).map_err(read_error())?;
        Ok(record)
    }

    fn start_content(&mut self, size: u64) -> Result<()> {
        if i64::try_from(size).is_err() {
            return Err(malformed("a size is out of range"));
        }
        self.content = size;
        self.padding = padding(size).len();
        Ok(())
    }

    /// Skips the rest of the current entry.
    fn skip_content(&mut self) -> Result<()> {
        let mut block = [0; BLOCK_BYTES];
        while self.read(&mut block).map_err(read_error())? > 0 {}
        while self.padding > 0 {
            let rest = &mut block[..self.padding];
            match self.input.read(rest).map_err(read_error())? {
                0 => return Err(malformed("unexpected EOF")),
                count => self.padding -= count,
            }
        }
        Ok(())
    }
}

/// Reads the content of the current entry.
impl<R: Read> Read for TarReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.content).map_or(buffer.len(), |n| n.min(buffer.len()));
        if wanted == 0 {
            return Ok(0);
        }
        let count = self.input.read(&mut buffer[..wanted])?;
        if count == 0 {
            return Err(malformed("unexpected EOF").into_io());
        }
        self.content -= count as u64;
        Ok(count)
    }
}

/// The values that extended headers set for the next entry.
#[derive(Debug, Default, PartialEq, Eq)]
struct ExtendedHeader {
    path: Option<Vec<u8>>,
    link_path: Option<Vec<u8>>,
    size: Option<u64>,
    mtime: Option<(i64, u32)>,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
}

impl ExtendedHeader {
    /// Parses PAX records `length key=value\n`. The length decides where a record ends.
    fn parse_records(&mut self, mut records: &[u8]) -> Result<()> {
        while !records.is_empty() {
            let (key, value, rest) =
                split_record(records).ok_or_else(|| malformed("a broken extended header"))?;
            records = rest;
            // An empty value deletes an earlier record.
            let value = Some(value).filter(|value| !value.is_empty());
            match key {
                b"path" => self.path = value.map(<[u8]>::to_vec),
                b"linkpath" => self.link_path = value.map(<[u8]>::to_vec),
                b"size" => {
                    let size =
                        |value| parse_decimal(value).ok_or_else(|| malformed("a broken size"));
                    self.size = value.map(size).transpose()?;
                }
                b"mtime" => self.mtime = value.and_then(parse_time),
                _ if key.starts_with(b"GNU.sparse.") => {
                    return Err(Error::unsupported("a sparse file in an archive"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Returns key and value of the first record, and the records after it.
fn split_record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = records.iter().position(|&byte| byte == b' ')?;
    let length = usize::try_from(parse_decimal(&records[..space])?).ok()?;
    let (record, rest) = records.split_at_checked(length)?;
    let pair = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = pair.iter().position(|&byte| byte == b'=')?;
    Some((&pair[..equals], &pair[equals + 1..], rest))
}

fn parse_decimal(digits: &[u8]) -> Option<u64> {
    let all_digits = digits.iter().all(u8::is_ascii_digit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| all_digits)?;
    digits.parse().ok()
}

/// Parses a time such as `-1.25` into seconds, rounded down, and nanoseconds.
fn parse_time(text: &[u8]) -> Option<(i64, u32)> {
    let (sign, text) = match text.strip_prefix(b"-") {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let dot = text.iter().position(|&byte| byte == b'.');
    let (whole, fraction) = text.split_at(dot.unwrap_or(text.len()));
    let seconds = sign * i64::try_from(parse_decimal(whole)?).ok()?;
    let mut nanos = 0;
    let mut unit = 100_000_000;
    for digit in fraction.iter().skip(1) {
        nanos += unit * char::from(*digit).to_digit(10)?;
        unit /= 10;
    }
    Some(match (sign, nanos) {
        (-1, 1..) => (seconds - 1, 1_000_000_000 - nanos),
        _ => (seconds, nanos),
    })
}

/// Parses a numeric field. Go reads an empty field as 0; the `tar` crate does not.
fn parse_number(field: &[u8], decode: impl FnOnce() -> io::Result<u64>) -> Result<u64> {
    if field.iter().all(|byte| matches!(byte, 0 | b' ')) {
        return Ok(0);
    }
    decode().map_err(|error| malformed(error.to_string()))
}

/// Returns a GNU long name without the trailing NUL.
fn trim_nul(mut name: Vec<u8>) -> Vec<u8> {
    let end = name.iter().position(|&byte| byte == 0);
    name.truncate(end.unwrap_or(name.len()));
    name
}

fn is_empty(header: &Header) -> bool {
    header.as_bytes().iter().all(|&byte| byte == 0)
}

fn malformed(reason: impl Into<String>) -> Error {
    Error::malformed("tar", reason)
}

fn read_error() -> impl FnOnce(io::Error) -> Error {
    Error::io(IoOp::Read, "archive")
}
