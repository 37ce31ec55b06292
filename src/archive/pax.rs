//! PAX records, and the values that extended headers set.

use super::number::{parse_decimal, parse_time};
use super::sparse::SparseRecords;
use crate::error::{Error, Result};

/// The values that extended headers set for the next entry.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ExtendedHeader {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link_path: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) mtime: Option<(i64, u32)>,
    pub(super) long_name: Option<Vec<u8>>,
    pub(super) long_link: Option<Vec<u8>>,
    pub(super) sparse: SparseRecords,
}

impl ExtendedHeader {
    /// Parses PAX records `length key=value\n`. The length decides where a record ends.
    pub(super) fn parse_records(&mut self, mut records: &[u8]) -> Result<()> {
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
                _ => {
                    let sparse = key.strip_prefix(b"GNU.sparse.").zip(value);
                    if let Some((key, value)) = sparse {
                        self.sparse
                            .add(key, value)
                            .ok_or_else(|| malformed("a broken record of a sparse file"))?;
                    }
                }
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

fn malformed(reason: &str) -> Error {
    Error::malformed("tar", reason)
}
