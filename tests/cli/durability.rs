//! System calls of writes to a layout: flushes in the order that survives a power failure, one pass
//! over the data, and shared blocks. Counted with strace.

#![cfg(target_os = "linux")]

use std::fs;
use std::process::{Command, Stdio};

use crate::support::cli::Oras;
use crate::support::mounted::Mounted;
use crate::support::prerequisites::program;
use crate::support::skip;

/// A system call of a command, as far as the order of flushes depends on it.
#[derive(Debug, PartialEq)]
enum Call {
    Flush(String),
    FlushAll,
    /// A file gets this name.
    Rename(String),
}

/// Creates a file system that shares blocks, and mounts it at `disk` in the working directory.
/// Returns `None` without the privilege or the program.
fn mount_btrfs(oras: &Oras) -> Option<Mounted> {
    let mkfs = program("mkfs.btrfs")?;
    let (image, at) = (oras.write("image", ""), oras.directory().join("disk"));
    let file = fs::File::options()
        .write(true)
        .open(&image)
        .expect("it exists");
    file.set_len(256 << 20).expect("it is sparse");
    fs::create_dir(&at).expect("it is new");
    let succeeds = |command: &mut Command| {
        (command.stdin(Stdio::null()).output()).is_ok_and(|output| output.status.success())
    };
    let is_mounted = succeeds(Command::new(mkfs).arg(&image))
        && succeeds(
            Command::new("mount")
                .args(["-o", "loop"])
                .args([&image, &at]),
        );
    if is_mounted {
        return Some(Mounted(at));
    }
    skip("no file system can be mounted");
    None
}

/// Runs a command, which must succeed, and returns the lines of strace about these system calls.
fn strace(oras: &Oras, calls: &str, arguments: &[&str]) -> Option<String> {
    let strace = program("strace")?;
    let log = oras.directory().join("strace.log");
    let (filter, log_name) = (format!("trace={calls}"), log.display().to_string());
    let mut all = vec!["-f", "-y", "-qq", "-e", &filter, "-o", &log_name];
    all.push(env!("CARGO_BIN_EXE_oras"));
    all.extend(arguments);
    oras.command_of(&strace, &all).run().success();
    Some(fs::read_to_string(log).expect("strace wrote it"))
}

/// Runs a command and returns its calls. Paths are relative to the working directory.
fn trace(oras: &Oras, arguments: &[&str]) -> Option<Vec<Call>> {
    let lines = strace(oras, "/sync,/rename", arguments)?;
    let root = oras.directory().display().to_string();
    let relative = |path: &str| match path.strip_prefix(&*root) {
        Some("") => ".".to_owned(),
        Some(rest) => rest.trim_start_matches('/').to_owned(),
        None => path.to_owned(),
    };
    let calls = lines.lines().filter_map(|line| {
        if line.contains("syncfs(") {
            Some(Call::FlushAll)
        } else if line.contains("fsync(") || line.contains("fdatasync(") {
            let path = line.split_once('<')?.1.split_once(">)")?.0;
            Some(Call::Flush(relative(path)))
        } else {
            let name = line.rsplit('"').nth(1)?;
            Some(Call::Rename(relative(name)))
        }
    });
    Some(calls.collect())
}

/// Everything that the new index needs is on the disk before the index is, and the index before its
/// name.
fn assert_order(calls: &[Call]) {
    let position = |wanted: &Call| calls.iter().rposition(|call| call == wanted);
    let index = position(&Call::Rename("l/index.json".into())).expect("the index is written");
    let all = position(&Call::FlushAll);
    for call in calls {
        let Call::Rename(name) = call else {
            continue;
        };
        let is_listed = name.starts_with("l/blobs/") || name == "l/oci-layout";
        let flushed = position(&Call::Flush(name.clone())).max(all);
        assert!(
            !is_listed || flushed.is_some_and(|flushed| flushed < index),
            "{name}: {calls:#?}"
        );
    }
    let Call::Flush(temporary) = &calls[index - 1] else {
        panic!("{calls:#?}");
    };
    assert!(temporary.starts_with("l/ingest/.oras-"), "{calls:#?}");
    assert_eq!(calls[index + 1..], [Call::Flush("l".into())]);
}

fn flushes(calls: &[Call]) -> usize {
    let is_flush = |call: &&Call| !matches!(call, Call::Rename(_));
    calls.iter().filter(is_flush).count()
}

#[test]
fn content_is_flushed_before_the_index_that_lists_it() {
    let oras = Oras::new();
    let names: Vec<String> = (0..20).map(|number| format!("f{number}")).collect();
    for name in &names {
        oras.write(name, name);
    }
    let push = |tag: &str, names: &[String]| {
        let layout = format!("l:{tag}");
        let mut arguments = vec!["push", "--oci-layout", &layout];
        arguments.extend(names.iter().map(String::as_str));
        trace(&oras, &arguments)
    };
    let Some(first) = push("v1", &names[..1]) else {
        return;
    };
    assert_order(&first);
    for directory in [".", "l/blobs", "l/blobs/sha256"] {
        let flush = Call::Flush(directory.into());
        assert!(first.contains(&flush), "{directory}: {first:#?}");
    }
    // The header, two blobs, the manifest, the index and four directories with new names.
    assert_eq!(flushes(&first), 9, "{first:#?}");

    let many = push("v2", &names[1..]).unwrap();
    assert_order(&many);
    // The file system, if it guarantees that, the index and its directory.
    let wanted = if many.contains(&Call::FlushAll) {
        3
    } else {
        25
    };
    assert_eq!(flushes(&many), wanted, "{many:#?}");

    let tag = trace(&oras, &["tag", "--oci-layout", "l:v1", "v3"]).unwrap();
    assert_order(&tag);
}

#[test]
fn a_layout_with_blobs_only_is_flushed() {
    let oras = Oras::new();
    oras.write("a", "a");
    let Some(calls) = trace(&oras, &["blob", "push", "--oci-layout", "l", "a"]) else {
        return;
    };
    for name in [
        "l/oci-layout",
        "l/index.json",
        "l/blobs/sha256",
        "l/blobs",
        "l",
        ".",
    ] {
        let flush = Call::Flush(name.into());
        assert!(calls.contains(&flush), "{name}: {calls:#?}");
    }
}

#[test]
fn a_file_is_read_once() {
    const BYTES: usize = 300_000;

    let oras = Oras::new();
    oras.write("large", vec![7; BYTES]);
    oras.write("same", vec![7; BYTES]);
    oras.write("other", vec![8; BYTES]);
    // Number of bytes that a call read from, or wrote to, files whose names contain this.
    let sum = |lines: &str, call: &str, name: &str| -> usize {
        let lines = lines.lines().filter(|line| line.contains(call));
        let counts = lines.filter(|line| {
            line.split_once(">,")
                .is_some_and(|(file, _)| file.contains(name))
        });
        counts
            .map(|line| line.rsplit("= ").next().unwrap().parse::<usize>().unwrap())
            .sum()
    };
    for (name, reads, writes) in [
        // Stored while it is hashed.
        ("large", BYTES, BYTES),
        // Hashed, because the layout has a blob of that size.
        ("large", BYTES, 0),
        ("same", BYTES, 0),
        // Hashed, and then stored.
        ("other", 2 * BYTES, BYTES),
    ] {
        let arguments = ["push", "--oci-layout", "l:v1", name];
        let Some(lines) = strace(&oras, "read,pread64,write", &arguments) else {
            return;
        };
        assert_eq!(sum(&lines, "read", name), reads, "{name}: {lines}");
        let written = sum(&lines, "write(", "/l/ingest/");
        assert!(
            (writes..writes + 10_000).contains(&written),
            "{name}: {lines}"
        );
    }
}

#[test]
fn copies_share_the_blocks_of_a_layout() {
    const BYTES: usize = 300_000;

    let oras = Oras::new();
    let Some(_disk) = mount_btrfs(&oras) else {
        return;
    };
    oras.write("disk/large", vec![7; BYTES]);
    oras.run(["push", "--oci-layout", "disk/l:v1", "disk/large"])
        .success();
    let layout = "disk/l:v1";
    for arguments in [
        vec!["pull", "--oci-layout", layout, "-o", "disk/out"],
        vec![
            "cp",
            "--from-oci-layout",
            layout,
            "--to-oci-layout",
            "disk/copy:v1",
        ],
    ] {
        let Some(lines) = strace(&oras, "ioctl,write", &arguments) else {
            return;
        };
        let shared = lines.lines().filter(|line| line.contains("CLONE"));
        assert_eq!(
            shared.filter(|line| line.ends_with("= 0")).count(),
            1,
            "{lines}"
        );
        let writes = lines.lines().filter(|line| line.contains("/.oras-"));
        assert_eq!(
            writes.filter(|line| line.contains(" = 65536")).count(),
            0,
            "{lines}"
        );
    }
}
