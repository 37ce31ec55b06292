//! Flushes of a layout, in the order that survives a power failure. Counted with strace.

#![cfg(target_os = "linux")]

use std::fs;

use crate::support::cli::Oras;
use crate::support::prerequisites::program;

/// A system call of a command, as far as the order of flushes depends on it.
#[derive(Debug, PartialEq)]
enum Call {
    Flush(String),
    FlushAll,
    /// A file gets this name.
    Rename(String),
}

/// Runs a command, which must succeed, and returns its calls. Paths begin in the layout `l`.
fn trace(oras: &Oras, arguments: &[&str]) -> Option<Vec<Call>> {
    let strace = program("strace")?;
    let log = oras.directory().join("strace.log");
    let root = oras.directory().display().to_string();
    let mut all = vec!["-f", "-y", "-qq", "-e", "trace=/sync,/rename", "-o"];
    let log_name = log.display().to_string();
    all.extend([&*log_name, env!("CARGO_BIN_EXE_oras")]);
    all.extend(arguments);
    oras.command_of(&strace, &all).run().success();
    let relative = |path: &str| match path.strip_prefix(&*root) {
        Some("") => ".".to_owned(),
        Some(rest) => rest.trim_start_matches('/').to_owned(),
        None => path.to_owned(),
    };
    let lines = fs::read_to_string(log).unwrap();
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
    let index = position(&Call::Rename("l/index.json".into())).unwrap();
    let all = position(&Call::FlushAll);
    for call in calls {
        let Call::Rename(name) = call else {
            continue;
        };
        let is_listed = name.starts_with("l/blobs/") || name == "l/oci-layout";
        let flushed = position(&Call::Flush(name.clone()));
        let flushed = flushed.max(all.filter(|_| name.starts_with("l/blobs/")));
        assert!(!is_listed || flushed.unwrap() < index, "{name}: {calls:#?}");
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
    // One of the file system, if it guarantees that.
    assert!(
        many.contains(&Call::FlushAll) || flushes(&many) > 20,
        "{many:#?}"
    );

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
