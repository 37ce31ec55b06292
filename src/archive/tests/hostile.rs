//! What bad archives do not achieve.

use super::{Sandbox, Tar, assert_traversal, gzip, record};
use crate::error::Error;
use crate::fs::testing::leftover_name;

#[test]
fn names_that_lead_out_are_refused_in_known_words() {
    for name in [
        "../outside/secret",
        "d/../outside/secret",
        "d/../../x",
        "outside/secret",
        "dd/x",
        "/outside/secret",
        "/",
        "..",
        "./../d/x",
    ] {
        let archive = Tar::titled().file(name, "gotcha").gzip();
        let error = Sandbox::new().unpack(&archive).unwrap_err();
        assert_traversal(&error);
        let wanted = format!("\"{name}\" is outside of \"d\"");
        assert_eq!(error.to_string(), wanted);
    }
}

/// The next process that writes into the directory would remove the files.
#[test]
fn names_of_temporary_files_are_refused() {
    let name = leftover_name();
    for archive in [
        Tar::titled().file(&format!("d/{name}"), "x"),
        Tar::titled().file(&format!("d/sub/{name}/x"), "x"),
        Tar::titled().file(&format!("d/./sub/../{name}"), "x"),
        Tar::titled().dir(&format!("d/{name}"), 0o755),
        Tar::titled().symlink(&format!("d/{name}"), "x"),
        Tar::titled()
            .file("d/x", "x")
            .hard_link(&format!("d/{name}"), "d/x"),
    ] {
        let error = Sandbox::new().unpack(&archive.gzip()).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
        let reason = "the name is reserved for temporary files";
        assert!(error.to_string().ends_with(reason), "{error}");
    }
}

#[test]
fn absolute_names_elsewhere_are_refused() {
    let sandbox = Sandbox::new();
    let secret = sandbox.temp.path().join("outside/secret");
    let archive = Tar::titled()
        .file(&secret.display().to_string(), "gotcha")
        .gzip();
    assert_traversal(&sandbox.unpack(&archive).unwrap_err());
}

#[test]
fn links_that_lead_out_are_refused() {
    for target in [
        "..",
        "../outside",
        "../outside/secret",
        "./../outside",
        "sub/../../outside",
        "/",
        "/etc/passwd",
        "../../../../../../../../etc/passwd",
    ] {
        let archive = Tar::titled()
            .dir("d/sub", 0o755)
            .symlink("d/link", target)
            .gzip();
        let sandbox = Sandbox::new();
        let error = sandbox.unpack(&archive).unwrap_err();
        assert_traversal(&error);
        assert_eq!(sandbox.tree(), ["sub/"], "{target}");
    }
    let sandbox = Sandbox::new();
    let up = sandbox.path("../outside").display().to_string();
    let archive = Tar::titled().symlink("d/link", &up).gzip();
    assert_traversal(&sandbox.unpack(&archive).unwrap_err());
}

#[test]
fn links_that_lead_out_and_in_again_are_restored() {
    let sandbox = Sandbox::new();
    let parent = sandbox
        .temp
        .path()
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    for (target, is_inside) in [
        ("../d/file".to_owned(), true),
        ("../d".to_owned(), true),
        ("sub/../../d/file".to_owned(), true),
        ("../d/sub/../../d/file".to_owned(), true),
        (format!("../../{parent}/d/file"), true),
        (format!("../../{parent}/../{parent}/d/file"), true),
        ("../d/..".to_owned(), false),
        ("../dd/file".to_owned(), false),
        ("../outside/../d/file".to_owned(), false),
        (format!("../../{parent}"), false),
        (format!("../../{parent}/outside/secret"), false),
    ] {
        let archive = Tar::titled()
            .dir("d/sub", 0o755)
            .file("d/file", "content")
            .symlink("d/link", &target)
            .gzip();
        let result = Sandbox::unpack(&sandbox, &archive);
        assert_eq!(result.is_ok(), is_inside, "{target}");
        if is_inside {
            let found = std::fs::canonicalize(sandbox.path("link")).unwrap();
            assert!(found.starts_with(std::fs::canonicalize(sandbox.path("")).unwrap()));
        } else {
            assert_traversal(&result.unwrap_err());
        }
    }
}

#[test]
fn one_error_names_all_links_that_lead_out() {
    let archive = |links: usize| {
        let mut tar = Tar::titled();
        for number in 0..links {
            tar = tar.symlink(&format!("d/l{number}"), "/x");
        }
        tar.file("d/file", "").gzip()
    };
    let outside = "\"/x\" is outside of \"d\": \"/x\" leads out: path traversal disallowed";
    for (links, wanted) in [
        (1, "archive entry \"d/l0\": "),
        (2, "archive entries \"d/l0\", \"d/l1\": "),
        (23, "\"d/l19\" and 3 more: "),
    ] {
        let sandbox = Sandbox::new();
        let error = sandbox.unpack(&archive(links)).unwrap_err();
        let chain = error.chain().to_string();
        assert!(chain.ends_with(&format!("{wanted}{outside}")), "{chain}");
        assert_traversal(&error);
        assert!(sandbox.tree().is_empty());
    }
}

#[test]
fn nothing_is_written_through_a_link() {
    for write in [
        Tar::new().file("d/link/x", "x"),
        Tar::new().dir("d/link/x", 0o755),
        Tar::new().dir("d/link/x/y", 0o755),
        Tar::new().symlink("d/link/x", "y"),
        Tar::new().hard_link("d/link/x", "d/file"),
    ] {
        let mut archive = Tar::titled()
            .dir("d/real", 0o755)
            .file("d/file", "")
            .symlink("d/link", "real");
        archive.0.extend_from_slice(&write.0);
        let sandbox = Sandbox::new();
        let error = sandbox.unpack(&archive.gzip()).unwrap_err();
        assert_traversal(&error);
        assert!(
            error
                .to_string()
                .starts_with("no symbolic link allowed between \"d\" and \"d/link/x"),
            "{error}"
        );
        assert_eq!(sandbox.tree(), ["file", "link -> real", "real/"]);
    }
}

/// The target of each link stays inside when read as text. Resolved one after the other, the links
/// lead out of the directory.
#[test]
fn chains_of_links_do_not_lead_out_of_the_directory() {
    let chains: [Tar; 4] = [
        // d/a/b/up is d, and one more up is outside.
        Tar::titled()
            .dir("d/a/b", 0o755)
            .symlink("d/a/b/up", "../..")
            .symlink("d/out", "a/b/up/../outside"),
        Tar::titled()
            .dir("d/a", 0o755)
            .symlink("d/a/here", ".")
            .symlink("d/out", "a/here/../../outside"),
        // The same, with the link before what it goes through.
        Tar::titled()
            .symlink("d/out", "a/here/../../d/x")
            .dir("d/a", 0o755)
            .symlink("d/a/here", "."),
        // What it goes through never comes.
        Tar::titled().symlink("d/out", "nothing/../x"),
    ];
    for chain in chains {
        let sandbox = Sandbox::new();
        let error = sandbox.unpack(&chain.gzip()).unwrap_err();
        assert_traversal(&error);
        assert!(!sandbox.tree().iter().any(|name| name.starts_with("out")));
    }
}

#[test]
fn a_directory_is_never_replaced() {
    for replacement in [
        Tar::new().file("d/a", ""),
        Tar::new().symlink("d/a", "b"),
        Tar::new().hard_link("d/a", "d/b"),
        // A link that can only be judged at the end.
        Tar::new().symlink("d/a", "later/../b"),
    ] {
        let mut archive = Tar::titled().file("d/b", "").dir("d/a", 0o755);
        archive.0.extend_from_slice(&replacement.0);
        let sandbox = Sandbox::new();
        let error = sandbox.unpack(&archive.gzip()).unwrap_err();
        let path = sandbox.path("a");
        assert!(matches!(&error, Error::Io { path: at, .. } if *at == path));
        assert_eq!(sandbox.tree(), ["a/", "b"]);
    }
}

#[test]
fn a_link_replaced_by_a_directory_and_a_link_again_stays_inside() {
    let archive = Tar::titled()
        .dir("d/real", 0o755)
        .symlink("d/x", "real")
        .dir("d/x", 0o755)
        .file("d/x/file", "")
        .symlink("d/x", "real")
        .gzip();
    let sandbox = Sandbox::new();
    sandbox.unpack(&archive).unwrap_err();
    assert_eq!(sandbox.tree(), ["real/", "x/", "x/file"]);
}

#[test]
fn a_link_that_waits_for_its_judgement_gives_way_to_later_entries() {
    let archive = Tar::titled()
        .symlink("d/x", "later/../real")
        .file("d/x/file", "")
        .dir("d/later", 0o755)
        .gzip();
    let sandbox = Sandbox::new();
    sandbox.unpack(&archive).unwrap();
    assert_eq!(sandbox.tree(), ["later/", "x/", "x/file"]);
}

#[test]
fn hard_links_to_anything_but_files_of_the_archive_are_refused() {
    for target in [
        "../outside/secret",
        "/etc/passwd",
        "outside/secret",
        "d/../outside/secret",
    ] {
        let archive = Tar::titled().hard_link("d/x", target).gzip();
        assert_traversal(&Sandbox::new().unpack(&archive).unwrap_err());
    }
    for target in ["d/link", "d/dir", "d/missing", "d/through/file", "d"] {
        let archive = Tar::titled()
            .dir("d/dir", 0o755)
            .file("d/dir/file", "")
            .symlink("d/link", "dir/file")
            .symlink("d/through", "dir")
            .hard_link("d/x", target)
            .gzip();
        let sandbox = Sandbox::new();
        let error = sandbox.unpack(&archive).unwrap_err();
        let wanted = format!(
            "invalid archive entry \"d/x\": a hard link to \"{target}\", which is no file of the archive"
        );
        assert_eq!(error.to_string(), wanted);
        assert!(!sandbox.tree().contains(&"x".to_owned()));
    }
}

#[test]
fn the_root_cannot_be_replaced() {
    for archive in [
        Tar::new().file("d", "x"),
        Tar::new().symlink("d", "x"),
        Tar::titled().file("d/x", "").hard_link("d", "d/x"),
    ] {
        let error = Sandbox::new().unpack(&archive.gzip()).unwrap_err();
        let text = error.to_string();
        assert_eq!(
            text,
            "invalid archive entry \"d\": it stands for the directory"
        );
    }
}

#[test]
fn what_is_no_gzipped_tar_is_called_so() {
    let tar = Tar::titled().file("d/x", "x").end();
    let mut wrong_sum = tar.clone();
    wrong_sum[0] ^= 1;
    let mut middle = tar.clone();
    middle.splice(512..512, [0; 512]);
    for (bytes, wanted) in [
        (tar.clone(), "invalid gzip: invalid header"),
        (
            b"plainly no archive".to_vec(),
            "invalid gzip: invalid header",
        ),
        (vec![], "invalid gzip: unexpected EOF"),
        (
            [gzip(&tar), b"trailing garbage".to_vec()].concat(),
            "after archive entry \"d/x\": invalid gzip: invalid header",
        ),
        (
            gzip(&wrong_sum),
            "invalid tar: the checksum of a header does not match",
        ),
        (
            gzip(&middle),
            "after archive entry \"d\": invalid tar: an empty block in the middle",
        ),
        (
            gzip(&tar[..700]),
            "after archive entry \"d\": invalid tar: unexpected EOF in a header",
        ),
        (
            gzip(&tar[..1024]),
            "archive entry \"d/x\": invalid tar: unexpected EOF",
        ),
    ] {
        let error = Sandbox::new().unpack(&bytes).unwrap_err();
        assert_eq!(error.chain().to_string(), wanted);
    }
}

#[test]
fn an_archive_cut_anywhere_is_an_error() {
    let archive = Tar::titled()
        .pax(&record("path", "d/é"))
        .file("d/e", "content")
        .symlink("d/l", "é")
        .gzip();
    for end in 0..archive.len() {
        let error = Sandbox::new().unpack(&archive[..end]).unwrap_err();
        assert!(
            matches!(error.root(), Error::Malformed { .. }),
            "{end}: {}",
            error.chain()
        );
    }
    Sandbox::new().unpack(&archive).unwrap();
}

#[test]
fn a_flipped_byte_never_leads_to_a_panic() {
    let tar = Tar::titled()
        .pax(&[record("path", "d/é"), record("mtime", "-1.5")].concat())
        .file("d/e", "content")
        .hard_link("d/h", "d/é")
        .symlink("d/l", "e")
        .end();
    for at in 0..tar.len() - 1024 {
        let mut broken = tar.clone();
        broken[at] ^= [0x01, 0x80, 0xff][at % 3];
        // Let the checksum of the header be right, so that what it says is looked at.
        let start = at / 512 * 512;
        if start != 1024 && start != 2048 {
            let mut fixed = tar::Header::new_old();
            fixed
                .as_mut_bytes()
                .copy_from_slice(&broken[start..start + 512]);
            fixed.set_cksum();
            broken[start..start + 512].copy_from_slice(fixed.as_bytes());
        }
        let _ = Sandbox::new().unpack(&gzip(&broken));
    }
}

#[test]
fn broken_extended_headers_are_errors() {
    for records in [
        &b"garbage"[..],
        b"5 a=b\n",
        b"99 path=d/x\n",
        b"0 path=d/x\n",
        b"3 \n",
        b"+13 path=d/x\n",
        b"99999999999999999999 path=d/x\n",
        b"13 path=d/xyz",
        b"10 size=-1\n",
        b"9 size=x\n",
        b"28 size=99999999999999999999\n",
        b"28 size=18446744073709551615\n",
    ] {
        let archive = Tar::titled().pax(records).file("d/x", "x").gzip();
        let error = Sandbox::new().unpack(&archive).unwrap_err();
        let shown = String::from_utf8_lossy(records);
        assert!(
            matches!(error.root(), Error::Malformed { .. }),
            "{shown}: {}",
            error.chain()
        );
    }
    let nul = Tar::titled().pax(&record("path", "d/a\0b")).file("d/x", "");
    let error = Sandbox::new().unpack(&nul.gzip()).unwrap_err();
    assert!(matches!(error.root(), Error::Malformed { .. }));
}
