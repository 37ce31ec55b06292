//! Records the git commit and the state of the work tree for `oras version`, and links the static
//! binary with packed relocations and without unwinding tables.
//!
//! A build outside a git work tree, such as one from a packaged crate, records neither.
#![expect(
    clippy::disallowed_methods,
    reason = "a build script is configured by its environment"
)]

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The minor version of the first Rust release whose musl (1.2.5) applies packed relative
/// relocations at start-up. They make the static binary 130 KB smaller.
const FIRST_WITH_PACKED_RELOCATIONS: u32 = 93;

/// Removes the tables by which panics unwind the stack. A release build aborts instead, and has no
/// symbols for a backtrace. The tables are a twelfth of the static binary. The C runtime refers to
/// its own, which are 80 bytes.
const WITHOUT_UNWINDING_TABLES: &str = "SECTIONS { /DISCARD/ : {
    *(EXCLUDE_FILE(*crtbegin*.o *crtend*.o) .eh_frame)
    *(.gcc_except_table .gcc_except_table.*)
} } INSERT AFTER .rodata;
";

fn main() {
    println!("cargo::rerun-if-env-changed=ORAS_GIT_COMMIT");
    println!("cargo::rerun-if-env-changed=ORAS_GIT_TREE_STATE");
    println!("cargo::rerun-if-changed=src");
    if let Some(dir) = git(&["rev-parse", "--absolute-git-dir"]) {
        println!("cargo::rerun-if-changed={dir}/HEAD");
        println!("cargo::rerun-if-changed={dir}/index");
    }
    let inside = env::var("CARGO_MANIFEST_DIR").ok()
        == git(&["rev-parse", "--show-toplevel"]).filter(|top| !top.is_empty());
    let commit = env::var("ORAS_GIT_COMMIT")
        .ok()
        .or_else(|| git(&["rev-parse", "HEAD"]).filter(|_| inside));
    let state = env::var("ORAS_GIT_TREE_STATE").ok().or_else(|| {
        git(&["--no-optional-locks", "status", "--porcelain"])
            .filter(|_| inside)
            .map(|changes| if changes.is_empty() { "clean" } else { "dirty" }.to_owned())
    });
    if let (Some(commit), Some(state)) = (commit, state) {
        println!("cargo::rustc-env=ORAS_GIT_COMMIT={commit}");
        println!("cargo::rustc-env=ORAS_GIT_TREE_STATE={state}");
    }
    let rustc = rustc_version().unwrap_or_else(|| "unknown".to_owned());
    if env::var("CARGO_CFG_TARGET_ENV").as_deref() == Ok("musl") {
        link_static_binary(&rustc);
    }
    println!("cargo::rustc-env=ORAS_RUSTC={rustc}");
    println!(
        "cargo::rustc-env=ORAS_TARGET={}",
        env::var("TARGET").unwrap_or_default()
    );
}

fn link_static_binary(rustc: &str) {
    if minor_version(rustc).is_some_and(|minor| minor >= FIRST_WITH_PACKED_RELOCATIONS) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    let out_dir = env::var("OUT_DIR").unwrap_or_default();
    let script = Path::new(&out_dir).join("without_unwinding_tables.ld");
    if env::var("PROFILE").as_deref() == Ok("release")
        && fs::write(&script, WITHOUT_UNWINDING_TABLES).is_ok()
    {
        println!("cargo::rustc-link-arg-bins=-Wl,--no-eh-frame-hdr");
        println!("cargo::rustc-link-arg-bins=-T{}", script.display());
    }
}

fn git(arguments: &[&str]) -> Option<String> {
    output(Command::new("git").args(arguments))
}

fn rustc_version() -> Option<String> {
    output(Command::new(env::var_os("RUSTC")?).arg("--version"))
}

/// Returns 95 for `rustc 1.95.0 (59807616e 2026-04-14)`.
fn minor_version(rustc: &str) -> Option<u32> {
    rustc
        .strip_prefix("rustc 1.")?
        .split('.')
        .next()?
        .parse()
        .ok()
}

fn output(command: &mut Command) -> Option<String> {
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
