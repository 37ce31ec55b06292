//! Maps of sparse files, in the formats of GNU tar: old GNU headers, and PAX records of the
//! versions 0.0, 0.1 and 1.0.
//!
//! A map lists the segments of a file that contain data. The archive contains the data of all
//! segments one after the other; the rest of the file is holes.

use super::number::parse_decimal;

/// The map of one sparse file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SparseMap {
    /// Size of the file in bytes, including holes.
    pub(super) size: u64,
    /// Offset and length of each segment, ordered and without overlaps.
    pub(super) segments: Vec<(u64, u64)>,
}

impl SparseMap {
    /// Creates a map from offsets and lengths in turn. `stored` is the number of data bytes in the
    /// archive.
    ///
    /// # Errors
    ///
    /// The defect of the map.
    pub(super) fn new(numbers: &[u64], size: u64, stored: u64) -> Result<Self, &'static str> {
        if i64::try_from(size).is_err() {
            return Err("the size of a sparse file is out of range");
        }
        let (pairs, []) = numbers.as_chunks::<2>() else {
            return Err("a sparse map without the length of its last segment");
        };
        let mut end = 0;
        let mut sum = 0;
        for &[offset, length] in pairs {
            if offset < end {
                return Err("segments of a sparse map overlap or are not in order");
            }
            end = offset
                .checked_add(length)
                .filter(|end| *end <= size)
                .ok_or("a segment of a sparse map is beyond the end of the file")?;
            sum += length; // At most `size`, because segments do not overlap.
        }
        if sum != stored {
            return Err("a sparse map does not match the size of its data");
        }
        let segments = pairs.iter().map(|&[offset, length]| (offset, length));
        Ok(Self {
            size,
            segments: segments.filter(|(_, length)| *length > 0).collect(),
        })
    }
}

/// The location of a sparse map that PAX records announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MapLocation {
    /// In the records: versions 0.0 and 0.1.
    Records,
    /// Before the data: version 1.0.
    Content,
}

/// The PAX records of a sparse file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SparseRecords {
    version: [Option<u64>; 2],
    /// The name of the file. The `path` record names a placeholder.
    pub(super) name: Option<Vec<u8>>,
    /// Size of the file in bytes, including holes.
    pub(super) size: Option<u64>,
    /// Offsets and lengths in turn.
    pub(super) numbers: Vec<u64>,
}

impl SparseRecords {
    /// Adds the record `GNU.sparse.<key>`. Returns `None` if the value is not valid.
    pub(super) fn add(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        match key {
            b"major" => self.version[0] = Some(parse_decimal(value)?),
            b"minor" => self.version[1] = Some(parse_decimal(value)?),
            b"name" => self.name = Some(value.to_vec()),
            b"size" | b"realsize" => self.size = Some(parse_decimal(value)?),
            b"offset" if self.numbers.len().is_multiple_of(2) => {
                self.numbers.push(parse_decimal(value)?);
            }
            b"numbytes" if self.numbers.len() % 2 == 1 => self.numbers.push(parse_decimal(value)?),
            b"offset" | b"numbytes" => return None,
            b"map" => {
                let numbers = value.split(|&byte| byte == b',').map(parse_decimal);
                self.numbers = numbers.collect::<Option<_>>()?;
            }
            // `numblocks` repeats the length of the map.
            _ => {}
        }
        Some(())
    }

    /// Returns the location of the map, or `None` for a file that is not sparse.
    ///
    /// # Errors
    ///
    /// The version of a format that is not supported.
    pub(super) fn map_location(&self) -> Result<Option<MapLocation>, String> {
        match self.version {
            [None, None] if self.size.is_none() && self.numbers.is_empty() => Ok(None),
            [None | Some(0), None | Some(0 | 1)] => Ok(Some(MapLocation::Records)),
            [Some(1), None | Some(0)] => Ok(Some(MapLocation::Content)),
            [major, minor] => Err(format!(
                "{}.{}",
                major.unwrap_or_default(),
                minor.unwrap_or_default()
            )),
        }
    }
}

/// Parser of the map that precedes the data in version 1.0: decimal numbers, one per line. The
/// first is the number of segments.
#[derive(Debug, Default)]
pub(super) struct MapParser {
    digits: Vec<u8>,
    segments: Option<u64>,
    numbers: Vec<u64>,
}

impl MapParser {
    /// Adds a block of the map. Returns the offsets and lengths in turn when the map is complete.
    ///
    /// # Errors
    ///
    /// The defect of the map.
    pub(super) fn add_block(&mut self, block: &[u8]) -> Result<Option<Vec<u64>>, &'static str> {
        const MALFORMED: &str = "a broken sparse map";
        for &byte in block {
            if byte != b'\n' {
                // The largest number has 20 digits.
                if self.digits.len() == 20 {
                    return Err(MALFORMED);
                }
                self.digits.push(byte);
                continue;
            }
            let number = Some(&*self.digits).filter(|digits| !digits.is_empty());
            let number = number.and_then(parse_decimal).ok_or(MALFORMED)?;
            self.digits.clear();
            let segments = match self.segments {
                None => *self.segments.insert(number),
                Some(segments) => {
                    self.numbers.push(number);
                    segments
                }
            };
            if self.numbers.len() as u64 == segments.saturating_mul(2) {
                return Ok(Some(std::mem::take(&mut self.numbers)));
            }
        }
        Ok(None)
    }

    /// Memory of the numbers in bytes.
    pub(super) const fn memory(&self) -> u64 {
        (self.numbers.len() * size_of::<u64>()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_ordered_and_inside_of_its_file() {
        let max = u64::MAX;
        for (numbers, size, stored, wanted) in [
            (&[][..], 0, 0, Ok(&[][..])),
            (&[], 1 << 62, 0, Ok(&[])),
            (&[1 << 62, 0], 1 << 62, 0, Ok(&[])),
            (&[0, 3], 3, 3, Ok(&[(0, 3)])),
            (
                &[0, 3, 3, 2, 9, 1, 10, 0],
                10,
                6,
                Ok(&[(0, 3), (3, 2), (9, 1)]),
            ),
            (&[0, 3], 3, 4, Err("match")),
            (&[0, 3], 3, 2, Err("match")),
            (&[0, 3], 2, 3, Err("beyond")),
            (&[11, 0], 10, 0, Err("beyond")),
            (&[max, 1], 10, 1, Err("beyond")),
            (&[1, max], 10, 1, Err("beyond")),
            (&[0, 3, 2, 1], 10, 4, Err("overlap")),
            (&[5, 1, 0, 1], 10, 2, Err("overlap")),
            (&[0, 3, 0, 3], 10, 6, Err("overlap")),
            (&[0], 10, 0, Err("last segment")),
            (&[], 1 << 63, 0, Err("out of range")),
        ] {
            let map = SparseMap::new(numbers, size, stored);
            let case = format!("{numbers:?} {size} {stored}: {map:?}");
            match (map, wanted) {
                (Ok(map), Ok(segments)) => {
                    assert_eq!((map.size, &*map.segments), (size, segments), "{case}");
                }
                (Err(reason), Err(part)) => assert!(reason.contains(part), "{case}"),
                _ => panic!("{case}"),
            }
        }
    }

    #[test]
    fn records_tell_where_the_map_is() {
        for (records, wanted) in [
            (&[][..], Ok(None)),
            (&[("name", "x")], Ok(None)),
            (
                &[("size", "1"), ("numblocks", "0")],
                Ok(Some(MapLocation::Records)),
            ),
            (&[("map", "0,1")], Ok(Some(MapLocation::Records))),
            (
                &[("offset", "0"), ("numbytes", "1")],
                Ok(Some(MapLocation::Records)),
            ),
            (
                &[("major", "0"), ("minor", "1")],
                Ok(Some(MapLocation::Records)),
            ),
            (
                &[("major", "1"), ("minor", "0")],
                Ok(Some(MapLocation::Content)),
            ),
            (&[("major", "1")], Ok(Some(MapLocation::Content))),
            (&[("major", "1"), ("minor", "1")], Err("1.1")),
            (&[("major", "2"), ("minor", "0")], Err("2.0")),
        ] {
            let mut sparse = SparseRecords::default();
            for (key, value) in records {
                sparse.add(key.as_bytes(), value.as_bytes()).unwrap();
            }
            let wanted = wanted.map_err(str::to_owned);
            assert_eq!(sparse.map_location(), wanted, "{records:?}");
        }
    }

    #[test]
    fn broken_records_are_refused() {
        for records in [
            &[("size", "x")][..],
            &[("numbytes", "1")],
            &[("offset", "1"), ("offset", "2")],
            &[("map", "1,,2")],
            &[("map", "1,-2")],
            &[("major", "one")],
        ] {
            let mut sparse = SparseRecords::default();
            let added = records
                .iter()
                .map(|(key, value)| sparse.add(key.as_bytes(), value.as_bytes()))
                .collect::<Option<Vec<_>>>();
            assert_eq!(added, None, "{records:?}");
        }
    }

    #[test]
    fn a_map_before_the_data_is_parsed_in_blocks() {
        for (text, wanted) in [
            ("0\n", Ok(Some(vec![]))),
            ("1\n0\n5\n\0\0", Ok(Some(vec![0, 5]))),
            ("2\n0\n5\n7\n1\n", Ok(Some(vec![0, 5, 7, 1]))),
            ("2\n0\n5\n", Ok(None)),
            ("18446744073709551615\n0\n", Ok(None)),
            ("\n", Err("a broken sparse map")),
            ("1\n\0\n", Err("a broken sparse map")),
            ("1\n-1\n", Err("a broken sparse map")),
            ("111111111111111111111\n", Err("a broken sparse map")),
            ("99999999999999999999\n", Err("a broken sparse map")),
        ] {
            let whole = MapParser::default().add_block(text.as_bytes());
            assert_eq!(whole, wanted, "{text:?}");
            let mut parser = MapParser::default();
            let mut result = Ok(None);
            for byte in text.as_bytes() {
                if result == Ok(None) {
                    result = parser.add_block(&[*byte]);
                }
            }
            assert_eq!(result, wanted, "{text:?} in single bytes");
        }
    }
}
