//! Records the git commit and the state of the work tree for `oras version`.
//!
//! A build outside a git work tree, such as one from a packaged crate, records neither.
#![expect(
    clippy::disallowed_methods,
    reason = "a build script is configured by its environment"
)]

use std::env;
use std::process::Command;

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
    println!(
        "cargo::rustc-env=ORAS_RUSTC={}",
        rustc_version().unwrap_or_else(|| "unknown".to_owned())
    );
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

fn output(command: &mut Command) -> Option<String> {
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
