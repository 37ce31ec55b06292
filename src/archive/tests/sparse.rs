//! Sparse files in all formats, and hostile maps.

use std::os::unix::fs::MetadataExt;

use tar::{EntryType, GnuExtSparseHeader, Header};

use super::{Sandbox, Tar, gzip, header, record};
use crate::error::Error;
use crate::limits::Limit;

/// An old GNU header of a sparse file with these segments, up to four.
fn gnu_header(segments: &[(u64, u64)], size: u64, stored: u64) -> Header {
    let mut header = Header::new_gnu();
    let name = b"d/x";
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(EntryType::GNUSparse);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(946_684_800);
    header.set_size(stored);
    let gnu = header.as_gnu_mut().unwrap();
    gnu.set_real_size(size);
    for (field, (offset, length)) in gnu.sparse.iter_mut().zip(segments) {
        field.set_offset(*offset);
        field.set_length(*length);
    }
    header
}

/// PAX records of the keys `GNU.sparse.…`.
fn sparse_records(records: &[(&str, &str)]) -> Vec<u8> {
    let records = records
        .iter()
        .map(|(key, value)| record(&format!("GNU.sparse.{key}"), value));
    records.collect::<Vec<_>>().concat()
}

/// The content of a file with a map before the data.
fn content_with_map(map: &str, data: &str) -> String {
    let padding = "\0".repeat(map.len().next_multiple_of(512) - map.len());
    format!("{map}{padding}{data}")
}

/// Archives of `d/x` with the segments `abc` at 4096 and `de` at 12288, and the size 20000.
fn archives() -> Vec<(&'static str, Tar)> {
    let placeholder = "d/GNUSparseFile.0/x";
    let size = ("size", "20000");
    let version_1 = [
        ("major", "1"),
        ("minor", "0"),
        ("name", "d/x"),
        ("realsize", "20000"),
    ];
    let mut extended = gnu_header(&[(4096, 3)], 20_000, 5);
    extended.as_gnu_mut().unwrap().set_is_extended(true);
    let mut block = GnuExtSparseHeader::new();
    block.sparse_mut()[0].set_offset(12_288);
    block.sparse_mut()[0].set_length(2);
    let mut extended = Tar::titled().entry(extended, b"");
    extended.0.extend_from_slice(block.as_bytes());
    extended.0.extend_from_slice(b"abcde");
    extended.0.resize(extended.0.len().next_multiple_of(512), 0);
    vec![
        (
            "old GNU",
            Tar::titled().entry(
                gnu_header(&[(4096, 3), (12_288, 2), (20_000, 0)], 20_000, 5),
                b"abcde",
            ),
        ),
        ("old GNU with a second block", extended),
        (
            "0.0",
            Tar::titled()
                .pax(&sparse_records(&[
                    size,
                    ("numblocks", "2"),
                    ("offset", "4096"),
                    ("numbytes", "3"),
                    ("offset", "12288"),
                    ("numbytes", "2"),
                ]))
                .file("d/x", "abcde"),
        ),
        (
            "0.1",
            Tar::titled()
                .pax(&sparse_records(&[
                    ("name", "d/x"),
                    size,
                    ("numblocks", "3"),
                    ("map", "4096,3,12288,2,20000,0"),
                ]))
                .file(placeholder, "abcde"),
        ),
        (
            "1.0",
            Tar::titled().pax(&sparse_records(&version_1)).file(
                placeholder,
                &content_with_map("3\n4096\n3\n12288\n2\n20000\n0\n", "abcde"),
            ),
        ),
        (
            "1.0 with a long name of its placeholder",
            Tar::titled()
                .pax(
                    &[
                        record("path", &format!("d/GNUSparseFile.0/{}", "x".repeat(200))),
                        sparse_records(&version_1),
                    ]
                    .concat(),
                )
                .file(
                    "d/GNUSparseFile.0/xxx",
                    &content_with_map("2\n4096\n3\n12288\n2\n", "abcde"),
                ),
        ),
    ]
}

#[test]
fn sparse_files_of_all_formats_are_unpacked_with_holes() {
    let mut wanted = vec![0; 20_000];
    wanted[4096..4099].copy_from_slice(b"abc");
    wanted[12_288..12_290].copy_from_slice(b"de");
    for (format, archive) in archives() {
        let sandbox = Sandbox::new();
        let archive = archive.hard_link("d/y", "d/x").file("d/z", "after").gzip();
        sandbox.unpack(&archive).unwrap();
        let found = std::fs::read(sandbox.path("x")).unwrap();
        assert!(found == wanted, "{format}");
        assert_eq!(sandbox.read("z"), "after", "{format}");
        assert_eq!(sandbox.tree(), ["x", "y", "z"], "{format}");
        let metadata = std::fs::metadata(sandbox.path("x")).unwrap();
        assert_eq!(metadata.nlink(), 2);
        assert_eq!(metadata.mtime(), 946_684_800);
        assert!(metadata.blocks() * 512 <= 8192, "{format}");
    }
}

#[test]
fn long_runs_of_zeros_become_holes() {
    let mut content = "\0".repeat(1 << 20);
    content.push_str("end");
    let sandbox = Sandbox::new();
    sandbox
        .unpack(&Tar::titled().file("d/x", &content).gzip())
        .unwrap();
    assert!(sandbox.read("x") == content);
    let metadata = std::fs::metadata(sandbox.path("x")).unwrap();
    assert!(metadata.blocks() * 512 <= 8192);
}

#[test]
fn hostile_maps_are_errors_that_name_the_entry() {
    let version_1 = |size: &str, content: &str| {
        let records = [
            ("major", "1"),
            ("minor", "0"),
            ("name", "d/x"),
            ("realsize", size),
        ];
        Tar::titled()
            .pax(&sparse_records(&records))
            .file("d/GNUSparseFile.0/x", content)
    };
    let map_0_1 = |size: &str, map: &str| {
        Tar::titled()
            .pax(&sparse_records(&[("size", size), ("map", map)]))
            .file("d/x", "abcde")
    };
    let mut not_gnu = header("d/x", EntryType::GNUSparse, 0o644);
    not_gnu.set_size(0);
    for (archive, reason) in [
        (map_0_1("10", "0,3,2,2"), "overlap"),
        (map_0_1("10", "5,3,0,2"), "not in order"),
        (map_0_1("4", "0,5"), "beyond the end"),
        (map_0_1("10", "0,4"), "does not match"),
        (map_0_1("10", "0,18446744073709551615"), "beyond the end"),
        (map_0_1("10", "0"), "last segment"),
        (map_0_1("9223372036854775808", "0,5"), "out of range"),
        (
            Tar::titled()
                .pax(&sparse_records(&[("map", "0,5")]))
                .file("d/x", "abcde"),
            "without its size",
        ),
        (version_1("10", ""), "without its end"),
        (version_1("10", "1\n0\n5\n"), "without its end"),
        (
            version_1("10", &content_with_map("x\n", "")),
            "broken sparse map",
        ),
        (
            version_1("10", &content_with_map("9999999999\n", "")),
            "broken sparse map",
        ),
        (
            version_1("10", &content_with_map("1\n0\n5\n", "abcd")),
            "does not match",
        ),
        (Tar::titled().entry(not_gnu, b""), "without a GNU header"),
        (
            Tar::titled().entry(gnu_header(&[(0, 5)], 5, 4), b"abcd"),
            "does not match",
        ),
    ] {
        let error = Sandbox::new().unpack(&archive.gzip()).unwrap_err();
        let chain = error.chain().to_string();
        assert!(matches!(error.root(), Error::Malformed { .. }), "{chain}");
        assert!(chain.starts_with("archive entry \"d/x\": "), "{chain}");
        assert!(chain.contains(reason), "{reason}: {chain}");
    }
    let mut endless = gnu_header(&[(0, 5)], 5, 5);
    endless.as_gnu_mut().unwrap().set_is_extended(true);
    let endless = gzip(&Tar::titled().entry(endless, b"").0);
    let error = Sandbox::new().unpack(&endless).unwrap_err();
    assert_eq!(
        error.chain().to_string(),
        "archive entry \"d/x\": invalid tar: unexpected EOF in a sparse map"
    );
    let later = Tar::titled()
        .pax(&sparse_records(&[("major", "2"), ("minor", "0")]))
        .file("d/x", "");
    let error = Sandbox::new().unpack(&later.gzip()).unwrap_err();
    assert!(matches!(error.root(), Error::Unsupported { .. }));
}

#[test]
fn sizes_and_maps_of_sparse_files_are_limited() {
    let huge = Tar::titled().entry(gnu_header(&[(0, 5)], 1 << 62, 5), b"abcde");
    let mut sandbox = Sandbox::new();
    sandbox.limits.max_unpacked_bytes = Some(1 << 61);
    let error = sandbox.unpack(&huge.gzip()).unwrap_err();
    assert_eq!(
        error.chain().to_string(),
        "archive entry \"d/x\": unpacked archive size 4611686018427387904 exceeds \
         MaxUnpackedBytes 2305843009213693952: size exceeds limit"
    );

    let lines = "0\n0\n".repeat(1000);
    let records = sparse_records(&[("major", "1"), ("realsize", "9")]);
    let map = content_with_map(&format!("1000\n{lines}"), "");
    let archive = gzip(&Tar::titled().pax(&records).file("d/x", &map).end());
    let mut sandbox = Sandbox::new();
    sandbox.unpack(&archive).unwrap();
    sandbox.limits.max_pending_bytes = 1000;
    let error = sandbox.unpack(&archive).unwrap_err();
    assert!(matches!(
        error.root(),
        Error::TooLarge {
            kind: Limit::PendingBytes,
            ..
        }
    ));
}
