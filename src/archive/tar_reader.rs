//! Reader of tar streams.
//!
//! The `tar` crate decodes the fields of headers. Its iterator is not used for two reasons. It
//! reads extended headers of any size into memory. It splits their records at line ends, which
//! names may contain, so that the name of a file could state the size of another one.

use std::io::{self, Read};

use tar::{GnuExtSparseHeader, GnuSparseHeader, Header};

use super::Limits;
use super::entry_name;
use super::header::{BLOCK_BYTES, padding};
use super::number::parse_number;
use super::pax::ExtendedHeader;
use super::sparse::{MapLocation, MapParser, SparseMap, SparseRecords};
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
    /// The map of a sparse file. The content of the entry is the data of its segments.
    pub(super) sparse: Option<SparseMap>,
}

/// The position of an error in the archive.
#[derive(Debug)]
enum Position {
    /// Before the first entry.
    Start,
    /// In the entry of this name.
    Inside(Vec<u8>),
    /// After the entry of this name.
    After(Vec<u8>),
}

/// Reads a tar stream. After [`TarReader::next`], `read` returns the content of that entry.
pub(super) struct TarReader<'a, R> {
    input: R,
    limits: &'a Limits,
    count: u64,
    position: Position,
    /// Size of all files so far, holes included, and of other bytes that no limit counts.
    unpacked_bytes: u64,
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
            position: Position::Start,
            unpacked_bytes: 0,
            content: 0,
            padding: 0,
        }
    }

    pub(super) fn into_inner(self) -> R {
        self.input
    }

    /// Reads the header of the next entry and the extended headers before it.
    ///
    /// # Errors
    ///
    /// The error names the entry, or the entry before it if the name is not known.
    pub(super) fn next(&mut self) -> Result<Option<Entry>> {
        self.skip_content()
            .and_then(|()| self.read_entry())
            .map_err(|error| self.locate(error))
    }

    /// Reads the rest of the stream, which must be the padding of the archive.
    pub(super) fn skip_rest(&mut self, buffer: &mut [u8]) -> Result<()> {
        self.leave_entry();
        loop {
            let count = self.input.read(buffer).map_err(read_error());
            let charged = count.and_then(|count| self.charge(count as u64).map(|()| count));
            if charged.map_err(|error| self.locate(error))? == 0 {
                return Ok(());
            }
        }
    }

    /// Adds the position in the archive to an error.
    pub(super) fn locate(&self, error: Error) -> Error {
        let (preposition, name) = match &self.position {
            Position::Start => return error,
            Position::Inside(name) => ("", name),
            Position::After(name) => ("after ", name),
        };
        let name = entry_name::to_text(name);
        error.context(format!("{preposition}archive entry \"{name}\""))
    }

    fn leave_entry(&mut self) {
        self.position = match std::mem::replace(&mut self.position, Position::Start) {
            Position::Inside(name) => Position::After(name),
            other => other,
        };
    }

    fn read_entry(&mut self) -> Result<Option<Entry>> {
        self.leave_entry();
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
            let kind = header.as_old().linkflag[0];
            let size = || parse_number(&header.as_old().size, || header.entry_size());
            match kind {
                // Solaris writes `X`.
                b'x' | b'X' => {
                    extended.parse_records(&self.read_extended(size()?, &mut budget)?)?;
                }
                b'L' => {
                    extended.long_name = Some(trim_nul(self.read_extended(size()?, &mut budget)?));
                }
                b'K' => {
                    extended.long_link = Some(trim_nul(self.read_extended(size()?, &mut budget)?));
                }
                // Global records and volume labels contain nothing of use. Go's reader ignores
                // global records too.
                b'g' | b'V' => {
                    let size = size()?;
                    self.charge(size)?;
                    self.start_content(size)?;
                }
                _ => return self.start_entry(&header, kind, extended).map(Some),
            }
        }
    }

    fn start_entry(
        &mut self,
        header: &Header,
        kind: u8,
        extended: ExtendedHeader,
    ) -> Result<Entry> {
        let name = extended
            .sparse
            .name
            .clone()
            .or(extended.long_name)
            .or(extended.path)
            .unwrap_or_else(|| header.path_bytes().into_owned());
        self.check_path(&name)?;
        self.position = Position::Inside(name.clone());
        self.count += 1;
        Error::check_limit(
            "archive",
            self.count,
            Limit::Entries,
            self.limits.max_entries,
        )?;
        let link = extended
            .long_link
            .or(extended.link_path)
            .or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned))
            .unwrap_or_default();
        self.check_path(&link)?;
        if name.contains(&0) || link.contains(&0) {
            return Err(malformed("a name contains a NUL"));
        }
        let stated = parse_number(&header.as_old().size, || header.entry_size())?;
        let size = match kind {
            // No content follows the header of a link, directory or device, whatever size it
            // states.
            b'1'..=b'6' => 0,
            _ => extended.size.unwrap_or(stated),
        };
        let entry_kind = match kind {
            // Archives without a type for directories, and some of later programs.
            0 | b'0' | b'7' if name.ends_with(b"/") => EntryKind::Directory,
            0 | b'0' | b'7' | b'S' => EntryKind::File,
            b'1' => EntryKind::HardLink,
            b'2' => EntryKind::Symlink,
            b'3' => EntryKind::Other("a character device"),
            b'4' => EntryKind::Other("a block device"),
            b'5' => EntryKind::Directory,
            b'6' => EntryKind::Other("a FIFO"),
            _ => EntryKind::Other("of an unknown kind"),
        };
        let sparse = if kind == b'S' {
            Some(self.read_gnu_map(header, size)?)
        } else {
            self.start_content(size)?;
            Some(extended.sparse)
                .filter(|_| entry_kind == EntryKind::File)
                .map_or(Ok(None), |records| self.read_pax_map(&records))?
        };
        self.charge(sparse.as_ref().map_or(size, |map| map.size))?;
        let mode = parse_number(&header.as_old().mode, || header.mode().map(u64::from))?;
        let header_mtime = || {
            let mtime = parse_number(&header.as_old().mtime, || header.mtime()).ok()?;
            Some((mtime.cast_signed(), 0))
        };
        Ok(Entry {
            kind: entry_kind,
            name,
            link,
            // Only the last four octal digits have a meaning.
            mode: (mode & 0o7777) as u32,
            mtime: extended.mtime.or_else(header_mtime),
            sparse,
        })
    }

    fn check_path(&self, path: &[u8]) -> Result<()> {
        Error::check_limit(
            "path in an archive",
            path.len() as u64,
            Limit::PathBytes,
            self.limits.max_path_bytes,
        )
    }

    /// Counts bytes that are unpacked.
    fn charge(&mut self, bytes: u64) -> Result<()> {
        self.unpacked_bytes = self.unpacked_bytes.saturating_add(bytes);
        Error::check_limit(
            "unpacked archive",
            self.unpacked_bytes,
            Limit::UnpackedBytes,
            self.limits.max_unpacked_bytes.unwrap_or(u64::MAX),
        )
    }

    /// Reads the map of a sparse file in the old GNU format: in the header, and in blocks after it.
    fn read_gnu_map(&mut self, header: &Header, stored: u64) -> Result<SparseMap> {
        let header = header
            .as_gnu()
            .ok_or_else(|| malformed("a sparse file without a GNU header"))?;
        let mut numbers = Vec::new();
        add_segments(&mut numbers, &header.sparse)?;
        let mut is_extended = header.isextended[0] != 0;
        while is_extended {
            let mut block = GnuExtSparseHeader::new();
            if !self.read_block(block.as_mut_bytes())? {
                return Err(malformed("unexpected EOF in a sparse map"));
            }
            add_segments(&mut numbers, &block.sparse)?;
            self.check_map((numbers.len() * size_of::<u64>()) as u64)?;
            is_extended = block.isextended[0] != 0;
        }
        let size = parse_number(&header.realsize, || header.real_size())?;
        self.start_content(stored)?;
        SparseMap::new(&numbers, size, stored).map_err(malformed)
    }

    /// Reads the map of a sparse file in a PAX format. Returns `None` if the file is not sparse.
    fn read_pax_map(&mut self, records: &SparseRecords) -> Result<Option<SparseMap>> {
        let location = records
            .map_location()
            .map_err(|version| Error::unsupported(format!("version {version} of sparse files")))?;
        let Some(location) = location else {
            return Ok(None);
        };
        let size = records
            .size
            .ok_or_else(|| malformed("a sparse file without its size"))?;
        let numbers = match location {
            MapLocation::Records => &records.numbers,
            MapLocation::Content => &self.read_content_map()?,
        };
        let map = SparseMap::new(numbers, size, self.content).map_err(malformed)?;
        Ok(Some(map))
    }

    /// Reads the map that precedes the data of a file.
    fn read_content_map(&mut self) -> Result<Vec<u64>> {
        let mut parser = MapParser::default();
        let mut block = [0; BLOCK_BYTES];
        loop {
            if self.content < BLOCK_BYTES as u64 {
                return Err(malformed("a sparse map without its end"));
            }
            self.read_exact(&mut block).map_err(read_error())?;
            if let Some(numbers) = parser.add_block(&block).map_err(malformed)? {
                return Ok(numbers);
            }
            self.check_map(parser.memory())?;
        }
    }

    /// Checks the memory of a sparse map.
    fn check_map(&self, bytes: u64) -> Result<()> {
        Error::check_limit(
            "map of a sparse file",
            bytes,
            Limit::PendingBytes,
            self.limits.max_pending_bytes,
        )
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

/// Adds offset and length of each segment in a part of an old GNU map. An unused segment ends it.
fn add_segments(numbers: &mut Vec<u64>, segments: &[GnuSparseHeader]) -> Result<()> {
    for segment in segments.iter().take_while(|segment| !segment.is_empty()) {
        numbers.push(parse_number(&segment.offset, || segment.offset())?);
        numbers.push(parse_number(&segment.numbytes, || segment.length())?);
    }
    Ok(())
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
