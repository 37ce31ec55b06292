//! Tar headers as written by Go's `archive/tar`, byte for byte, so that equal trees get equal
//! digests. Only the layout of the fields comes from the `tar` crate: it ends checksums differently
//! and has no PAX fallback.

use std::io::{self, Write};

use tar::Header;

/// Size of a tar block. A header is one block; content is padded to whole blocks.
pub(crate) const BLOCK_BYTES: usize = 512;

/// Two empty blocks end an archive.
pub(crate) const END: [u8; 2 * BLOCK_BYTES] = [0; 2 * BLOCK_BYTES];

const NAME_BYTES: usize = 100;
const PREFIX_BYTES: usize = 155;
/// The first number that 11 octal digits cannot hold: 8 GiB as a size, the year 2242 as a time.
const OCTAL_END: u64 = 1 << 33;

/// The `typeflag` of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    File = b'0' as isize,
    Symlink = b'2' as isize,
    #[cfg(unix)]
    CharDevice = b'3' as isize,
    #[cfg(unix)]
    BlockDevice = b'4' as isize,
    Directory = b'5' as isize,
    #[cfg(unix)]
    Fifo = b'6' as isize,
}

/// The recorded metadata of an entry. Owner and group are always 0 and have no names.
pub(crate) struct EntryHeader<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) kind: EntryKind,
    /// Permission bits, and the setuid, setgid and sticky bits.
    pub(crate) mode: u32,
    pub(crate) size: u64,
    /// Seconds since 1970.
    pub(crate) mtime: i64,
    /// Target of a symbolic link; empty for other kinds.
    pub(crate) link: &'a [u8],
    /// Major and minor number of a device; 0 for other kinds.
    pub(crate) device: (u32, u32),
}

impl EntryHeader<'_> {
    /// Writes the header, preceded by a PAX header if USTAR cannot hold all values.
    pub(crate) fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        let records = self.pax_records();
        if !records.is_empty() {
            self.write_pax_header(&records, out)?;
        }
        let mut header = Header::new_ustar();
        if let Some(ustar) = header.as_ustar_mut() {
            match split_name(self.name) {
                Some((prefix, name)) if records.is_empty() => {
                    write_text(&mut ustar.prefix, prefix);
                    write_text(&mut ustar.name, name);
                }
                _ => write_text(&mut ustar.name, &ascii(self.name)),
            }
            write_octal(&mut ustar.mode, self.mode.into());
            write_octal(&mut ustar.uid, 0);
            write_octal(&mut ustar.gid, 0);
            write_octal(&mut ustar.size, self.size);
            write_octal(&mut ustar.mtime, u64::try_from(self.mtime).unwrap_or(0));
            ustar.typeflag = [self.kind as u8];
            write_text(&mut ustar.linkname, &ascii(self.link));
            write_octal(&mut ustar.dev_major, self.device.0.into());
            write_octal(&mut ustar.dev_minor, self.device.1.into());
        }
        write_checksum(&mut header);
        out.write_all(header.as_bytes())
    }

    /// Returns the PAX records for the values that USTAR cannot hold, sorted by key.
    fn pax_records(&self) -> Vec<u8> {
        let long_link = !self.link.is_ascii() || self.link.len() > NAME_BYTES;
        let far_time = u64::try_from(self.mtime).map_or(true, |mtime| mtime >= OCTAL_END);
        let long_name = !self.name.is_ascii() || self.name.len() > NAME_BYTES;
        let large = self.size >= OCTAL_END;
        let mut records = Vec::new();
        // A long name alone needs no record if USTAR can hold it in two parts.
        if !(long_link || far_time || large || long_name && split_name(self.name).is_none()) {
            return records;
        }
        if long_link {
            append_record(&mut records, "linkpath", self.link);
        }
        if far_time {
            append_record(&mut records, "mtime", self.mtime.to_string().as_bytes());
        }
        if long_name {
            append_record(&mut records, "path", self.name);
        }
        if large {
            append_record(&mut records, "size", self.size.to_string().as_bytes());
        }
        records
    }

    /// Writes an entry that contains the PAX records.
    fn write_pax_header(&self, records: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let base = self.name.iter().rposition(|&byte| byte == b'/');
        let (dir, base) = self.name.split_at(base.map_or(0, |slash| slash + 1));
        let mut name = ascii(&[dir, b"PaxHeaders.0/", base].concat());
        name.truncate(NAME_BYTES);
        let end = name.iter().rposition(|&byte| byte != b'/');
        name.truncate(end.map_or(0, |last| last + 1));

        let mut header = Header::new_ustar();
        if let Some(ustar) = header.as_ustar_mut() {
            write_text(&mut ustar.name, &name);
            write_octal(&mut ustar.mode, 0);
            write_octal(&mut ustar.uid, 0);
            write_octal(&mut ustar.gid, 0);
            write_octal(&mut ustar.size, records.len() as u64);
            write_octal(&mut ustar.mtime, 0);
            ustar.typeflag = *b"x";
        }
        write_checksum(&mut header);
        out.write_all(header.as_bytes())?;
        out.write_all(records)?;
        out.write_all(padding(records.len() as u64))
    }
}

/// Returns the padding of the last block of content of `size` bytes.
pub(crate) fn padding(size: u64) -> &'static [u8] {
    let used = usize::try_from(size % BLOCK_BYTES as u64).unwrap_or(0);
    &END[..(BLOCK_BYTES - used) % BLOCK_BYTES]
}

/// Appends a record `length key=value\n`. The length includes its own digits.
fn append_record(records: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = key.len() + value.len() + 3; // the space, `=` and the line's end
    let mut length = rest;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    records.extend_from_slice(format!("{length} {key}=").as_bytes());
    records.extend_from_slice(value);
    records.push(b'\n');
}

/// Splits a name of more than 100 bytes at the last `/` for which both parts fit into USTAR fields.
fn split_name(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if name.len() <= NAME_BYTES || !name.is_ascii() {
        return None;
    }
    let end = if name.len() > PREFIX_BYTES + 1 {
        PREFIX_BYTES + 1
    } else {
        name.len()
    };
    let slash = name[..end].iter().rposition(|&byte| byte == b'/')?;
    let (prefix, base) = (&name[..slash], &name[slash + 1..]);
    (!prefix.is_empty() && !base.is_empty() && base.len() <= NAME_BYTES).then_some((prefix, base))
}

fn ascii(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(u8::is_ascii).collect()
}

/// Writes text to a field, truncated to the size of the field.
fn write_text(field: &mut [u8], text: &[u8]) {
    let length = text.len().min(field.len());
    field[..length].copy_from_slice(&text[..length]);
    // Readers take a name that ends with `/` for a directory.
    if text.len() > field.len() && field.last() == Some(&b'/') {
        let end = field.iter().rposition(|&byte| byte != b'/');
        field[end.map_or(0, |last| last + 1)] = 0;
    }
}

/// Writes octal digits and a NUL to a field. A value that does not fit is written as 0; the PAX
/// header contains it.
fn write_octal(field: &mut [u8], value: u64) {
    let digits = field.len() - 1;
    let value = if value >> (3 * digits) == 0 { value } else { 0 };
    field.copy_from_slice(format!("{value:0digits$o}\0").as_bytes());
}

/// Writes the checksum as six digits, a NUL and a space.
fn write_checksum(header: &mut Header) {
    header.as_old_mut().cksum = *b"        ";
    let sum: u32 = header.as_bytes().iter().map(|&byte| u32::from(byte)).sum();
    let digits = format!("{sum:06o}\0 ");
    header.as_old_mut().cksum.copy_from_slice(digits.as_bytes());
}
