//! Records the git commit and the state of the work tree for `oras version`, and links the static
//! binary with packed relocations.
//!
//! A build outside a git work tree, such as one from a packaged crate, records neither.
#![expect(
    clippy::disallowed_methods,
    reason = "a build script is configured by its environment"
)]

use std::env;
use std::process::Command;

/// The minor version of the first Rust release whose musl (1.2.5) applies packed relative
/// relocations at start-up. They make the static binary 130 KB smaller.
const FIRST_WITH_PACKED_RELOCATIONS: u32 = 93;

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
    if env::var("CARGO_CFG_TARGET_ENV").as_deref() == Ok("musl")
        && minor_version(&rustc).is_some_and(|minor| minor >= FIRST_WITH_PACKED_RELOCATIONS)
    {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    println!("cargo::rustc-env=ORAS_RUSTC={rustc}");
    println!(
        "cargo::rustc-env=ORAS_TARGET={}",
        env::var("TARGET").unwrap_or_default()
    );
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
