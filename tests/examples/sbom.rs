//! Attaches an SBOM to an artifact, and prints the SBOMs of an artifact.
//!
//! ```text
//! cargo run --example sbom -- attach localhost:5000/hello:v1 sbom.spdx.json
//! cargo run --example sbom -- show localhost:5000/hello:v1
//! ```

use std::env;
use std::error::Error;
use std::io::{self, Write as _};

use oras::Descriptor;
use oras::attach::{AttachOptions, attach};
use oras::discover::{DiscoverOptions, discover};
use oras::pull::{PullOptions, list};
use oras::push::PushFile;
use oras::registry::Client;
use oras::store::{Referrers, Target};

const SPDX: &str = "application/spdx+json";
const MAX_SBOM_BYTES: u64 = 64 * 1024 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [verb, reference, files @ ..] = arguments.as_slice() else {
        return Err("usage: sbom attach|show <registry/repository:tag> [<file>]".into());
    };
    let (repository, tag) = Client::new().open(reference)?;
    match (verb.as_str(), files) {
        ("attach", [file]) => {
            attach_sbom(&repository, &tag, file.into())?;
        }
        ("show", []) => {
            for sbom in find_sboms(&repository, &tag)? {
                io::stdout().write_all(&sbom)?;
            }
        }
        _ => return Err("attach needs one file, and show none".into()),
    }
    Ok(())
}

/// Attaches a file to an artifact, and returns the descriptor of the referrer.
fn attach_sbom(target: &dyn Target, tag: &str, mut file: PushFile) -> oras::Result<Descriptor> {
    file.media_type = Some(SPDX.into());
    let mut options = AttachOptions::default();
    options.artifact_type = Some(SPDX.into());
    options.files.push(file);
    Ok(attach(target, tag, options)?.manifest.descriptor().clone())
}

/// Returns the files of all SBOMs that are attached to an artifact, verified.
fn find_sboms(source: &dyn Referrers, tag: &str) -> oras::Result<Vec<Vec<u8>>> {
    let mut options = DiscoverOptions::default();
    options.artifact_type = Some(SPDX.to_owned());
    options.depth = Some(1);
    let mut sboms = Vec::new();
    for referrer in discover(source, tag, &options)?.referrers {
        let digest = referrer.descriptor.digest;
        for file in list(source, digest.as_str(), PullOptions::default())?.files {
            sboms.push(source.fetch(&file)?.read_all(MAX_SBOM_BYTES)?);
        }
    }
    Ok(sboms)
}

#[cfg(test)]
mod tests {
    use oras::push::{PushOptions, push};
    use oras::store::memory::MemoryStore;

    use super::*;

    #[test]
    fn an_attached_sbom_is_found() {
        let store = MemoryStore::new();
        let mut options = PushOptions::default();
        options.artifact_type = Some("application/vnd.example".into());
        push(&store, Some("v1"), options).unwrap();
        assert!(find_sboms(&store, "v1").unwrap().is_empty());

        let sbom = PushFile::bytes("sbom.spdx.json", r#"{"spdxVersion":"SPDX-2.3"}"#);
        attach_sbom(&store, "v1", sbom).unwrap();

        let sboms = find_sboms(&store, "v1").unwrap();
        assert_eq!(sboms, [br#"{"spdxVersion":"SPDX-2.3"}"#]);
    }
}
