//! What good archives become.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use tar::EntryType;

use super::{Sandbox, Tar, TempDir, gzip, header, record};
use crate::archive::{PackOptions, pack};
use crate::oci::Digest;

#[test]
fn what_was_packed_is_unpacked_the_same() {
    let source = TempDir::new();
    let root = source.path();
    let names = ["plain", "sp ace", "é", "new\nline", "é\n20 size=9999", "-x"];
    fs::create_dir_all(root.join("sub/empty")).unwrap();
    fs::create_dir(root.join("k".repeat(200))).unwrap();
    fs::write(root.join("k".repeat(200)).join("x"), "deep").unwrap();
    for name in names {
        fs::write(root.join("sub").join(name), name).unwrap();
    }
    std::os::unix::fs::symlink("sub/plain", root.join("link")).unwrap();
    fs::set_permissions(root.join("sub/plain"), fs::Permissions::from_mode(0o751)).unwrap();
    let mut archive = Vec::new();
    let digest = pack(root, "d", &PackOptions::default(), &mut archive).unwrap();

    let sandbox = Sandbox::new();
    let (unpacked, skipped) = sandbox.unpack(&archive).unwrap();

    assert_eq!(unpacked, digest);
    assert!(skipped.is_empty());
    assert_eq!(sandbox.tree(), source.tree());
    for name in names {
        assert_eq!(sandbox.read(&format!("sub/{name}")), name);
    }
    let mode = fs::metadata(sandbox.path("sub/plain")).unwrap().mode();
    assert_eq!(mode & 0o7777 & !0o022, 0o751);
}

#[test]
fn modes_and_times_are_restored_without_special_bits() {
    let archive = Tar::new()
        .dir("d", 0o750)
        .dir("d/ro", 0o1555)
        .file_with_mode("d/ro/x", "x", 0o4755)
        .file_with_mode("d/s", "s", 0o2600)
        .gzip();
    let sandbox = Sandbox::new();
    sandbox.unpack(&archive).unwrap();
    for (name, mode) in [("", 0o750), ("ro", 0o555), ("ro/x", 0o755), ("s", 0o600)] {
        let metadata = fs::metadata(sandbox.path(name)).unwrap();
        assert_eq!(metadata.mode() & 0o7777, mode, "{name}");
        assert_eq!(metadata.mtime(), 946_684_800, "{name}");
    }
}

#[test]
fn symbolic_links_get_their_times_and_pass_none_on() {
    // The target of the second link is checked at the end, because its parent does not exist yet.
    let archive = Tar::titled()
        .file("d/file", "x")
        .symlink("d/link", "file")
        .dir("d/sub", 0o755)
        .symlink("d/sub/early", "later/file")
        .symlink("d/nowhere", "missing")
        .gzip();
    let sandbox = Sandbox::new();
    sandbox.unpack(&archive).unwrap();
    for name in ["link", "sub/early", "nowhere"] {
        let metadata = fs::symlink_metadata(sandbox.path(name)).unwrap();
        assert!(metadata.is_symlink(), "{name}");
        assert_eq!(metadata.mtime(), 946_684_800, "{name}");
    }
}

#[test]
fn missing_parents_are_created() {
    let archive = Tar::new().file("d/a/b/c", "c").gzip();
    let sandbox = Sandbox::new();
    sandbox.unpack(&archive).unwrap();
    assert_eq!(sandbox.tree(), ["a/", "a/b/", "a/b/c"]);
}

#[test]
fn names_below_the_title_come_in_many_spellings() {
    for (title, name) in [
        ("d", "d/x"),
        ("d", "./d/x"),
        ("d", "d//x"),
        ("d", "d/./x"),
        ("d", "d/y/../x"),
        ("./d/", "d/x"),
        (".", "x"),
        (".", "./x"),
        ("a/b", "a/b/x"),
        ("../d", "../d/x"),
    ] {
        let sandbox = Sandbox::new();
        let archive = Tar::new().file(name, "x").gzip();
        sandbox.unpack_titled(title, &archive).unwrap();
        assert_eq!(sandbox.tree(), ["x"], "{name} below {title}");
    }
    let sandbox = Sandbox::new();
    let absolute = sandbox.path("x").display().to_string();
    sandbox
        .unpack(&Tar::new().file(&absolute, "x").gzip())
        .unwrap();
    assert_eq!(sandbox.tree(), ["x"]);
}

#[test]
fn hard_links_name_files_of_the_archive_from_its_root() {
    let archive = Tar::titled()
        .file("d/sub/a", "A")
        .hard_link("d/other/b", "d/sub/a")
        .hard_link("d/sub/a", "d/sub/a")
        .gzip();
    let sandbox = Sandbox::new();
    sandbox.unpack(&archive).unwrap();
    assert_eq!(sandbox.read("other/b"), "A");
    let inode = |name| fs::metadata(sandbox.path(name)).unwrap().ino();
    assert_eq!(inode("other/b"), inode("sub/a"));
}

#[test]
fn links_that_stay_inside_are_made() {
    let sandbox = Sandbox::new();
    let inside = sandbox.path("sub/x").display().to_string();
    let archive = Tar::titled()
        .symlink("d/early", "sub/../x")
        .dir("d/sub", 0o755)
        .symlink("d/sub/up", "../x")
        .symlink("d/sub/root", "..")
        .symlink("d/dangling", "nothing/at/all")
        .symlink("d/self", ".")
        .symlink("d/absolute", &inside)
        .symlink("d/through", "self/sub/x")
        .gzip();
    sandbox.unpack(&archive).unwrap();
    assert_eq!(
        sandbox.tree(),
        [
            &format!("absolute -> {inside}"),
            "dangling -> nothing/at/all",
            "early -> sub/../x",
            "self -> .",
            "sub/",
            "sub/root -> ..",
            "sub/up -> ../x",
            "through -> self/sub/x",
        ]
    );
}

#[test]
fn a_later_entry_replaces_an_earlier_one() {
    let archive = Tar::titled()
        .file("d/file", "first, and longer")
        .file("d/file", "second")
        .symlink("d/link", "file")
        .file("d/link", "no link")
        .file("d/becomes", "a link")
        .symlink("d/becomes", "file")
        .symlink("d/link-to-dir", "dir")
        .dir("d/dir", 0o755)
        .dir("d/link-to-dir", 0o755)
        .file("d/link-to-dir/inside", "")
        .file("d/file-to-dir", "")
        .dir("d/file-to-dir", 0o755)
        .dir("d/dir", 0o700)
        .gzip();
    let sandbox = Sandbox::new();
    sandbox.unpack(&archive).unwrap();
    assert_eq!(
        sandbox.tree(),
        [
            "becomes -> file",
            "dir/",
            "file",
            "file-to-dir/",
            "link",
            "link-to-dir/",
            "link-to-dir/inside",
        ]
    );
    assert_eq!(sandbox.read("file"), "second");
    assert_eq!(sandbox.read("link"), "no link");
    let mode = fs::metadata(sandbox.path("dir")).unwrap().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn devices_fifos_and_the_unknown_are_reported_and_skipped() {
    let mut unknown = header("d/unknown", EntryType::new(b'Z'), 0o644);
    unknown.set_size(3);
    let archive = Tar::titled()
        .entry(header("d/null", EntryType::Char, 0o666), b"")
        .entry(header("d/disk", EntryType::Block, 0o666), b"")
        .entry(header("d/pipe", EntryType::Fifo, 0o666), b"")
        .entry(unknown, b"abc")
        .file("d/file", "x")
        .gzip();
    let sandbox = Sandbox::new();
    let (_, skipped) = sandbox.unpack(&archive).unwrap();
    assert_eq!(
        skipped,
        [
            "d/null: a character device",
            "d/disk: a block device",
            "d/pipe: a FIFO",
            "d/unknown: of an unknown kind"
        ]
    );
    assert_eq!(sandbox.tree(), ["file"]);
}

#[test]
fn long_names_of_both_kinds_are_understood() {
    let long = "l".repeat(200);
    let mut gnu = header("././@LongLink", EntryType::GNULongName, 0);
    let name = format!("d/{long}\0");
    gnu.set_size(name.len() as u64);
    let archive = Tar::titled()
        .entry(gnu, name.as_bytes())
        .file("d/cut", "gnu")
        .pax(&[record("path", "d/é"), record("mtime", "1.5")].concat())
        .file("d/cut", "pax")
        .gzip();
    let sandbox = Sandbox::new();
    sandbox.unpack(&archive).unwrap();
    assert_eq!(sandbox.read(&long), "gnu");
    assert_eq!(sandbox.read("é"), "pax");
    let metadata = fs::metadata(sandbox.path("é")).unwrap();
    assert_eq!((metadata.mtime(), metadata.mtime_nsec()), (1, 500_000_000));
}

#[test]
fn a_record_states_the_size_even_if_a_name_contains_a_line_end() {
    let records = [
        record("path", "d/a\n12 size=99\n"),
        record("size", "4"),
        record("comment", "ignored"),
    ];
    let mut lying = header("d/a", EntryType::Regular, 0o644);
    lying.set_size(0);
    let archive = Tar::titled()
        .pax(&records.concat())
        .entry(lying, b"four")
        .file("d/next", "next")
        .gzip();
    let sandbox = Sandbox::new();
    sandbox.unpack(&archive).unwrap();
    assert_eq!(sandbox.read("a\n12 size=99\n"), "four");
    assert_eq!(sandbox.read("next"), "next");
}

#[test]
fn padding_after_the_end_is_part_of_the_digest() {
    let mut tar = Tar::titled().file("d/x", "x").end();
    tar.resize(10 * 1024, 0);
    let (digest, _) = Sandbox::new().unpack(&gzip(&tar)).unwrap();
    assert_eq!(digest, Digest::of(&tar));
}

#[test]
fn several_gzip_members_are_one_stream() {
    let tar = Tar::titled().file("d/x", "content").end();
    let archive: Vec<u8> = tar.chunks(700).flat_map(gzip).collect();
    let sandbox = Sandbox::new();
    let (digest, _) = sandbox.unpack(&archive).unwrap();
    assert_eq!(digest, Digest::of(&tar));
    assert_eq!(sandbox.read("x"), "content");
}

#[test]
fn only_zeros_may_follow_the_last_gzip_member() {
    let archive = Tar::titled().file("d/x", "x").gzip();
    let zeros = vec![0; 100_000];
    for (after, wanted) in [
        (&zeros[..1], None),
        (&zeros[..512], None),
        (&zeros[..], None),
        (b"x", Some("unexpected EOF")),
        (b"\x1f", Some("unexpected EOF")),
        (b"\x1f\x8b", Some("unexpected EOF")),
        (b"no gzip at all", Some("invalid header")),
        (b"\0x", Some("data after the padding of the last member")),
        (
            &[&zeros[..], &archive].concat(),
            Some("data after the padding of the last member"),
        ),
    ] {
        let padded = [&archive, after].concat();
        let error = Sandbox::new().unpack(&padded).err();
        let error = error.map(|error| error.chain().to_string());
        let wanted =
            wanted.map(|reason| format!("after archive entry \"d/x\": invalid gzip: {reason}"));
        assert_eq!(error, wanted);
    }
}

#[test]
fn an_archive_may_end_without_its_end_marker() {
    let tar = Tar::titled().file("d/x", "x").0;
    let (digest, _) = Sandbox::new().unpack(&gzip(&tar)).unwrap();
    assert_eq!(digest, Digest::of(&tar));
}
