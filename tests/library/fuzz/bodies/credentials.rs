//! Config files with credentials: storing and erasing one credential changes no other member.

use std::fs;

use oras::Credential;
use oras::credentials::{ConfigFile, Helpers};
use serde_json::Value;

use super::check_error;
use crate::support::tempdir::TempDir;

/// The name by which `serde_json` recognises its type `RawValue`.
const RAW_VALUE: &[u8] = b"$serde_json::private::RawValue";

/// Reads and edits a file in each of the formats.
pub(super) fn credentials(bytes: &[u8]) {
    // `serde_json` reads a member of this name as part of the syntax, here and below.
    if bytes.windows(RAW_VALUE.len()).any(|it| it == RAW_VALUE) {
        return;
    }
    // No program is started: none is found in an empty search path.
    let helpers = Helpers::new("");
    let directory = TempDir::new();
    let path = directory.join("config.json");
    for open in [ConfigFile::docker, ConfigFile::podman, ConfigFile::legacy] {
        fs::write(&path, bytes).expect("a file");
        let file = open(path.clone());
        let registry = "registry.example:5000".parse().expect("a valid name");
        let repository = "a/b".parse().expect("a valid name");
        for repository in [None, Some(&repository)] {
            if let Err(error) = file.get_with(&helpers, &registry, repository) {
                check_error(&error);
            }
        }
        let credential = Credential::password("me", "p:w");
        if let Err(error) = file.store_with(&helpers, &registry, &credential) {
            check_error(&error);
            assert_eq!(fs::read(&path).expect("the file"), bytes);
            continue;
        }
        let stored = file
            .get_with(&helpers, &registry, None)
            .expect("a valid file");
        assert_eq!(stored.as_ref(), Some(&credential));
        let after: Value = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
        check_other_members(bytes, &after);
        file.erase_with(&helpers, &registry).expect("a valid file");
        // Entries for namespaces remain, valid or not, and Docker's format uses them for the whole
        // registry.
        let erased = file.get_with(&helpers, &registry, None).unwrap_or_default();
        assert_ne!(erased, Some(credential));
    }
    let names = fs::read_dir(directory.path()).expect("the directory");
    for name in names {
        let name = name.expect("an entry").file_name();
        assert_eq!(name, "config.json", "a file was left");
    }
}

/// Checks that the members that are not about credentials are unchanged.
fn check_other_members(before: &[u8], after: &Value) {
    let Ok(Value::Object(before)) = serde_json::from_slice::<Value>(before) else {
        return;
    };
    for (name, value) in before.iter().filter(|(name, _)| !name.contains("example")) {
        if !name.eq_ignore_ascii_case("auths") {
            assert_eq!(after.get(name), Some(value), "{name}");
        }
    }
}
