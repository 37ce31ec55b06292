//! A home directory in which both commands store credentials, and a working directory.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::docker_registry::USER;
use crate::support::cli::{Invocation, Oras};
use crate::support::tree::{self, Entry};

/// The place of stored credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeper {
    /// The credentials file.
    File,
    /// A credential helper that the credentials file names.
    Helper,
}

/// All places.
pub(crate) const KEEPERS: [Keeper; 2] = [Keeper::File, Keeper::Helper];

/// A credential helper that stores its input unchanged, in one file per registry.
const HELPER: &str = r#"#!/bin/sh
cd "$(dirname "$0")/kept" || exit
read -r input
case $1 in
store) printf '%s\n' "$input" > "$(printf '%s' "$input" | sed 's/.*"ServerURL":"\([^"]*\)".*/\1/')" ;;
get) cat "$input" 2> /dev/null || { echo 'credentials not found in native keychain'; exit 1; } ;;
erase) rm "$input" ;;
esac
"#;

/// An empty home directory.
pub(crate) struct Home {
    /// The working directory.
    pub(crate) oras: Oras,
    keeper: Keeper,
}

impl Home {
    pub(crate) fn new(keeper: Keeper) -> Self {
        let home = Self {
            oras: Oras::new(),
            keeper,
        };
        if keeper == Keeper::Helper {
            let program = home.path("bin/docker-credential-test");
            write(&program, HELPER);
            fs::set_permissions(program, fs::Permissions::from_mode(0o755))
                .expect("the file is ours");
            fs::create_dir(home.path("bin/kept")).expect("a new directory can be filled");
            write(
                &home.config_file(),
                &json!({ "credsStore": "test" }).to_string(),
            );
        }
        home
    }

    /// Returns a command line of one of the commands.
    pub(crate) fn command<I: AsRef<OsStr>>(
        &self,
        program: &Path,
        line: impl IntoIterator<Item = I>,
    ) -> Invocation {
        self.oras
            .command_of(program, line)
            .finding(&self.path("bin"))
    }

    /// Stores a wrong password.
    pub(crate) fn keep_wrong_password(&self, host: &str) {
        let kept = match self.keeper {
            // alice:wrong
            Keeper::File => json!({ "auths": { host: { "auth": "YWxpY2U6d3Jvbmc=" } } }),
            Keeper::Helper => json!({ "ServerURL": host, "Username": USER, "Secret": "wrong" }),
        };
        write(&self.keeps_in(host), &kept.to_string());
    }

    /// Returns the stored credential of a registry.
    pub(crate) fn kept_for(&self, host: &str) -> Option<Value> {
        let bytes = fs::read(self.keeps_in(host)).ok()?;
        let kept: Value = serde_json::from_slice(&bytes).expect("it is JSON");
        match self.keeper {
            Keeper::File => kept["auths"].get(host).cloned(),
            Keeper::Helper => Some(kept),
        }
    }

    /// Returns the path of the stored credential.
    pub(crate) fn keeps_in(&self, host: &str) -> PathBuf {
        match self.keeper {
            Keeper::File => self.config_file(),
            Keeper::Helper => self.path("bin/kept").join(host),
        }
    }

    /// Returns all files.
    pub(crate) fn files(&self) -> Vec<Entry> {
        tree::snapshot(&self.oras.home())
    }

    /// Returns the path of the credentials file, which may not exist.
    pub(crate) fn config_file(&self) -> PathBuf {
        self.path(".docker/config.json")
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.oras.home().join(relative)
    }
}

/// Writes a file and creates its directory.
fn write(path: &Path, content: &str) {
    let parent = path.parent().expect("it is in the home");
    fs::create_dir_all(parent).expect("the home is ours");
    fs::write(path, content).expect("the home is ours");
}
