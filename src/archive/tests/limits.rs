//! What large archives cannot do, and that they do it without memory.

use std::io::{self, Read};

use tar::EntryType;

use super::{Sandbox, Tar, gzip, header, record};
use crate::archive::{Limits, UnpackOptions, unpack};
use crate::error::Error;

fn limit_name(error: &Error) -> String {
    match error.root() {
        Error::TooLarge { kind, .. } => kind.to_string(),
        _ => panic!("{}", error.chain()),
    }
}

#[test]
fn every_limit_is_kept() {
    let tiny = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        limits
    };
    let deep = format!("d/{}x", "a/".repeat(20));
    let cases: [(&str, Limits, Tar); 7] = [
        (
            "MaxUnpackedBytes",
            tiny(|limits| limits.max_unpacked_bytes = Some(4095)),
            Tar::titled().file("d/x", &"x".repeat(4096)),
        ),
        (
            "MaxEntries",
            tiny(|limits| limits.max_entries = 2),
            Tar::titled().file("d/a", "").file("d/b", ""),
        ),
        (
            "MaxPathBytes",
            tiny(|limits| limits.max_path_bytes = 10),
            Tar::titled().file("d/123456789", ""),
        ),
        (
            "MaxPathBytes",
            tiny(|limits| limits.max_path_bytes = 10),
            Tar::titled().symlink("d/x", "123456789ab"),
        ),
        (
            "MaxDepth",
            tiny(|limits| limits.max_depth = 20),
            Tar::titled().file(&deep, ""),
        ),
        (
            "MaxRecordBytes",
            tiny(|limits| limits.max_record_bytes = 100),
            Tar::titled()
                .pax(&record("comment", &"x".repeat(60)))
                .pax(&record("comment", &"x".repeat(60)))
                .file("d/x", ""),
        ),
        (
            "MaxPendingBytes",
            tiny(|limits| limits.max_pending_bytes = 200),
            Tar::titled()
                .dir("d/a", 0o755)
                .dir("d/b", 0o755)
                .dir("d/c", 0o755),
        ),
    ];
    for (name, limits, archive) in cases {
        let archive = archive.gzip();
        let mut sandbox = Sandbox::new();
        sandbox.unpack(&archive).unwrap();
        sandbox.limits = limits;
        let error = sandbox.unpack(&archive).unwrap_err();
        assert_eq!(limit_name(&error), name);
    }
}

#[test]
fn an_extended_header_is_not_read_before_its_size_is_known_to_be_allowed() {
    for kind in [
        EntryType::XHeader,
        EntryType::GNULongName,
        EntryType::GNULongLink,
    ] {
        let mut bomb = header("x", kind, 0);
        bomb.set_size(1 << 40);
        let archive = Tar::titled().entry(bomb, b"").gzip();
        let error = Sandbox::new().unpack(&archive).unwrap_err();
        assert_eq!(limit_name(&error), "MaxRecordBytes");
    }
}

#[test]
fn a_size_that_is_only_claimed_costs_nothing() {
    for size in [1 << 33, 1 << 40, u64::MAX >> 1, u64::MAX] {
        let mut huge = header("d/x", EntryType::Regular, 0o644);
        huge.set_size(size);
        let archive = Tar::titled().entry(huge, b"little").gzip();
        let error = Sandbox::new().unpack(&archive).unwrap_err();
        assert!(matches!(error.root(), Error::Malformed { .. }));
    }
}

#[test]
fn zeros_after_the_end_are_limited_too() {
    let mut sandbox = Sandbox::new();
    sandbox.limits.max_unpacked_bytes = Some(1 << 20);
    let mut tar = Tar::titled().end();
    tar.resize(2 << 20, 0);
    let error = sandbox.unpack(&gzip(&tar)).unwrap_err();
    assert_eq!(limit_name(&error), "MaxUnpackedBytes");
}

#[test]
fn a_failing_source_is_reported_as_itself() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(Error::not_found("the blob").into_io())
        }
    }
    let sandbox = Sandbox::new();
    let archive = Tar::titled().file("d/x", "x").gzip();
    for end in [0, 5, 40, archive.len() - 1] {
        let source = archive[..end].chain(Failing);
        let target = sandbox.path("");
        let options = UnpackOptions::new("d", &target);
        let error = unpack(source, &sandbox.dir, &options, &mut |_, _| {}).unwrap_err();
        assert!(error.is_not_found(), "{end}: {}", error.chain());
    }
}
