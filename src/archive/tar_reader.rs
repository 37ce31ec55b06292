//! The entries of a tar stream, one after the other.
//!
//! The `tar` crate decodes the fields of headers. Its iterator is not used, because it reads extended headers into memory
//! whatever their size, and splits their records at line ends, which names may contain: a file's name could then state
//! another file's size.

use std::io::{self, Read};

use tar::Header;

use super::Limits;
use super::header::{BLOCK_BYTES, padding};
use crate::error::{Error, Result};

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Symlink,
    HardLink,
    /// Something that is not unpacked, in words.
    Other(&'static str),
}

/// What an archive says of one entry.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) mode: u32,
    /// Seconds since 1970, and nanoseconds.
    pub(super) mtime: Option<(i64, u32)>,
    pub(super) link: Vec<u8>,
}

/// Reads a tar stream. After [`Entries::next`] it reads as the content of that entry.
pub(super) struct Entries<'a, R> {
    input: R,
    limits: &'a Limits,
    count: u64,
    /// What is unread of the current entry: content, then padding.
    content: u64,
    padding: usize,
}

impl<'a, R: Read> Entries<'a, R> {
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

    /// Goes on to the next entry, past extended headers, which become part of it.
    pub(super) fn next(&mut self) -> Result<Option<Entry>> {
        let mut extended = Extended::default();
        let mut budget = self.limits.max_record_bytes;
        loop {
            self.skip()?;
            let Some(header) = self.header()? else {
                if extended == Extended::default() {
                    return Ok(None);
                }
                return Err(malformed("nothing follows an extended header"));
            };
            let size = number(&header.as_old().size, || header.entry_size())?;
            let kind = header.as_old().linkflag[0];
            match kind {
                b'x' => extended.parse_records(&self.record(size, &mut budget)?)?,
                b'L' => extended.long_name = Some(text(self.record(size, &mut budget)?)),
                b'K' => extended.long_link = Some(text(self.record(size, &mut budget)?)),
                // Global records say nothing that is used here, and Go's reader ignores them too.
                b'g' => self.begin(size)?,
                b'S' => return Err(Error::unsupported("a sparse file in an archive")),
                _ => return self.entry(&header, kind, size, extended).map(Some),
            }
        }
    }

    fn entry(&mut self, header: &Header, kind: u8, size: u64, extended: Extended) -> Result<Entry> {
        self.count += 1;
        if self.count > self.limits.max_entries {
            return Err(Error::TooLarge {
                what: "archive".to_owned(),
                size: self.count,
                limit: self.limits.max_entries,
                limit_name: "MaxEntries",
            });
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
                return Err(Error::TooLarge {
                    what: "path in an archive".to_owned(),
                    size: path.len() as u64,
                    limit: self.limits.max_path_bytes,
                    limit_name: "MaxPathBytes",
                });
            }
            if path.contains(&0) {
                return Err(malformed("a name contains a NUL"));
            }
        }
        // Whatever size the header of a link, directory or device states, no content follows.
        let has_content = !matches!(kind, b'1'..=b'6');
        self.begin(if has_content {
            extended.size.unwrap_or(size)
        } else {
            0
        })?;
        let kind = match kind {
            0 if name.ends_with(b"/") => Kind::Directory,
            0 | b'0' | b'7' => Kind::File,
            b'1' => Kind::HardLink,
            b'2' => Kind::Symlink,
            b'3' => Kind::Other("a character device"),
            b'4' => Kind::Other("a block device"),
            b'5' => Kind::Directory,
            b'6' => Kind::Other("a FIFO"),
            _ => Kind::Other("of an unknown kind"),
        };
        let mode = number(&header.as_old().mode, || header.mode().map(u64::from))?;
        let header_mtime = || {
            let mtime = number(&header.as_old().mtime, || header.mtime()).ok()?;
            Some((mtime.cast_signed(), 0))
        };
        Ok(Entry {
            kind,
            name,
            link,
            // Four octal digits: whatever else the field holds means nothing.
            mode: (mode & 0o7777) as u32,
            mtime: extended.mtime.or_else(header_mtime),
        })
    }

    /// The next header, or none at the end: at the first of two empty blocks, or where the stream ends.
    fn header(&mut self) -> Result<Option<Header>> {
        let mut header = Header::new_old();
        if !self.block(header.as_mut_bytes())? {
            return Ok(None);
        }
        if is_empty(&header) {
            if self.block(header.as_mut_bytes())? && !is_empty(&header) {
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

    /// Fills `block`, unless the stream is at its end.
    fn block(&mut self, block: &mut [u8; BLOCK_BYTES]) -> Result<bool> {
        let mut filled = 0;
        while filled < block.len() {
            match self.input.read(&mut block[filled..]).map_err(reading())? {
                0 if filled == 0 => return Ok(false),
                0 => return Err(malformed("unexpected EOF in a header")),
                count => filled += count,
            }
        }
        Ok(true)
    }

    /// The content of an extended header.
    fn record(&mut self, size: u64, budget: &mut u64) -> Result<Vec<u8>> {
        *budget = budget.checked_sub(size).ok_or_else(|| Error::TooLarge {
            what: "extended header in an archive".to_owned(),
            size,
            limit: self.limits.max_record_bytes,
            limit_name: "MaxRecordBytes",
        })?;
        self.begin(size)?;
        let mut record = Vec::new();
        self.read_to_end(&mut record).map_err(reading())?;
        Ok(record)
    }

    fn begin(&mut self, size: u64) -> Result<()> {
        if i64::try_from(size).is_err() {
            return Err(malformed("a size is out of range"));
        }
        self.content = size;
        self.padding = padding(size).len();
        Ok(())
    }

    /// Reads past the rest of the current entry.
    fn skip(&mut self) -> Result<()> {
        let mut block = [0; BLOCK_BYTES];
        while self.read(&mut block).map_err(reading())? > 0 {}
        while self.padding > 0 {
            let rest = &mut block[..self.padding];
            match self.input.read(rest).map_err(reading())? {
                0 => return Err(malformed("unexpected EOF")),
                count => self.padding -= count,
            }
        }
        Ok(())
    }
}

/// The content of the current entry.
impl<R: Read> Read for Entries<'_, R> {
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

/// What extended headers say of the entry that follows them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Extended {
    path: Option<Vec<u8>>,
    link_path: Option<Vec<u8>>,
    size: Option<u64>,
    mtime: Option<(i64, u32)>,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
}

impl Extended {
    /// Takes the PAX records `length key=value\n`, each as long as it says.
    fn parse_records(&mut self, mut records: &[u8]) -> Result<()> {
        while !records.is_empty() {
            let (key, value, rest) =
                split_record(records).ok_or_else(|| malformed("a broken extended header"))?;
            records = rest;
            // An empty value takes a record back.
            let value = Some(value).filter(|value| !value.is_empty());
            match key {
                b"path" => self.path = value.map(<[u8]>::to_vec),
                b"linkpath" => self.link_path = value.map(<[u8]>::to_vec),
                b"size" => {
                    let size = |value| decimal(value).ok_or_else(|| malformed("a broken size"));
                    self.size = value.map(size).transpose()?;
                }
                b"mtime" => self.mtime = value.and_then(time),
                _ if key.starts_with(b"GNU.sparse.") => {
                    return Err(Error::unsupported("a sparse file in an archive"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Key and value of the first record, and the records after it.
fn split_record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = records.iter().position(|&byte| byte == b' ')?;
    let length = usize::try_from(decimal(&records[..space])?).ok()?;
    let (record, rest) = records.split_at_checked(length)?;
    let pair = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = pair.iter().position(|&byte| byte == b'=')?;
    Some((&pair[..equals], &pair[equals + 1..], rest))
}

fn decimal(digits: &[u8]) -> Option<u64> {
    let all_digits = digits.iter().all(u8::is_ascii_digit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| all_digits)?;
    digits.parse().ok()
}

/// A time such as `-1.25`, in seconds rounded down and nanoseconds.
fn time(text: &[u8]) -> Option<(i64, u32)> {
    let (sign, text) = match text.strip_prefix(b"-") {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let dot = text.iter().position(|&byte| byte == b'.');
    let (whole, fraction) = text.split_at(dot.unwrap_or(text.len()));
    let seconds = sign * i64::try_from(decimal(whole)?).ok()?;
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

/// A numeric field. Go writes and reads an empty one as 0; the `tar` crate does not.
fn number(field: &[u8], decode: impl FnOnce() -> io::Result<u64>) -> Result<u64> {
    if field.iter().all(|byte| matches!(byte, 0 | b' ')) {
        return Ok(0);
    }
    decode().map_err(|error| malformed(error.to_string()))
}

/// A GNU long name without the NUL at its end.
fn text(mut name: Vec<u8>) -> Vec<u8> {
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

fn reading() -> impl FnOnce(io::Error) -> Error {
    Error::io("read", "archive")
}
