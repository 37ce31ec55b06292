//! Pulling of the files of referrers, one directory for each.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use super::files::{PullOptions, open_output, pull_resolved};
use super::selector::{Pulled, digest_file_name};
use crate::error::{Error, Result};
use crate::oci::referrers::Referrer;
use crate::oci::{Descriptor, Digest, RawManifest};
use crate::ops::discover::Discovered;
use crate::ops::graph::ResolvedSource;
use crate::progress::Scope;
use crate::store::Source;

/// A referrer whose files were pulled.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PulledReferrer {
    /// The referrer, with the artifact type and the annotations of its manifest.
    pub descriptor: Descriptor,
    /// The manifest that it is attached to.
    pub subject: Digest,
    /// The directory with the files. It does not exist if there are none.
    pub directory: PathBuf,
    /// The files.
    pub pulled: Pulled,
}

/// Writes the files of referrers, on all levels that were found, each to a directory of its own
/// below the output directory: `sha256-…`, after the digest of the referrer.
///
/// No title of the subject can be below such a directory: it would have to contain the digest of a
/// manifest that contains the digest of the subject. So each manifest is checked to have the listed
/// subject. The options apply to each referrer, except those about platform, config and subject.
///
/// ```
/// use oras::attach::{AttachOptions, attach};
/// use oras::discover::{DiscoverOptions, discover};
/// use oras::pull::{PullOptions, pull_referrers};
/// use oras::push::{PushFile, PushOptions, push};
/// use oras::store::memory::MemoryStore;
///
/// # let directory = format!("oras-doc-attached-{}", std::process::id());
/// # let directory = std::env::temp_dir().join(directory);
/// let store = MemoryStore::new();
/// let mut options = PushOptions::default();
/// options.artifact_type = Some("application/vnd.example".into());
/// push(&store, Some("v1"), options)?;
/// let mut options = AttachOptions::default();
/// options.artifact_type = Some("example/sbom".into());
/// options.files = vec![PushFile::bytes("sbom.json", "{}")];
/// attach(&store, "v1", options)?;
///
/// let found = discover(&store, "v1", &DiscoverOptions::default())?;
/// let mut options = PullOptions::default();
/// options.output = directory.clone();
/// let referrers = pull_referrers(&store, &found, &options)?;
/// assert!(referrers[0].directory.join("sbom.json").exists());
/// # std::fs::remove_dir_all(&directory).unwrap();
/// # Ok::<(), oras::Error>(())
/// ```
///
/// # Errors
///
/// Same as [`pull`](super::pull), also if the directory of a referrer is a symbolic link that leads
/// out of the output directory. [`Error::Protocol`] if a listed referrer is not a manifest, or is
/// attached to another one.
pub fn pull_referrers(
    source: &dyn Source,
    found: &Discovered,
    options: &PullOptions,
) -> Result<Vec<PulledReferrer>> {
    let _scope = Scope::of_verb(options.observer.as_ref());
    let mut seen = HashSet::new();
    let mut pulled = Vec::new();
    let mut open = vec![(found, found.referrers.iter())];
    while let Some((subject, referrers)) = open.last_mut() {
        let Some(referrer) = referrers.next() else {
            open.pop();
            continue;
        };
        let subject = &subject.descriptor.digest;
        if seen.insert(&referrer.descriptor.digest) {
            pulled.push(pull_referrer(
                source,
                &referrer.descriptor,
                subject,
                options,
            )?);
        }
        open.push((referrer, referrer.referrers.iter()));
    }
    Ok(pulled)
}

fn pull_referrer(
    source: &dyn Source,
    listed: &Descriptor,
    subject: &Digest,
    options: &PullOptions,
) -> Result<PulledReferrer> {
    let (manifest, referrer) = fetch(source, listed, subject, options)?;
    let output = open_output(options)?.open_below(&digest_file_name(&listed.digest))?;
    let directory = output.path().to_owned();
    let root = manifest.descriptor().clone();
    let pulled = pull_resolved(
        &ResolvedSource::with_root(source, root, Some(manifest)),
        output,
        PullOptions {
            platform: None,
            include_subject: false,
            config: None,
            observer: None,
            ..options.clone()
        },
    )?;
    if pulled.files.is_empty() {
        // A directory that has files from an earlier pull stays.
        let _ = fs::remove_dir(&directory);
    }
    Ok(PulledReferrer {
        descriptor: referrer.descriptor,
        subject: referrer.subject.digest,
        directory,
        pulled,
    })
}

/// Reads the manifest of a referrer, and checks its subject.
fn fetch(
    source: &dyn Source,
    listed: &Descriptor,
    subject: &Digest,
    options: &PullOptions,
) -> Result<(RawManifest, Referrer)> {
    let wrong_entry = |reason: String| Error::Protocol {
        what: format!("list of referrers of {subject}"),
        reason: format!("{} is among them, and {reason}", listed.digest),
    };
    if !listed.media_type.is_manifest() {
        return Err(wrong_entry("is no manifest".to_owned()));
    }
    let manifest = source.fetch_manifest(&listed.plain(), options.limits.max_manifest_bytes)?;
    match Referrer::from_manifest(&manifest)? {
        Some(referrer) if referrer.subject.digest == *subject => Ok((manifest, referrer)),
        Some(referrer) => Err(wrong_entry(format!(
            "is attached to {}",
            referrer.subject.digest
        ))),
        None => Err(wrong_entry("is attached to nothing".to_owned())),
    }
}
