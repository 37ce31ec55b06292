//! Results that commands print as JSON and through templates. Scripts rely on the names and the
//! order of fields.

use oras::check::FileState;
use oras::{Annotations, MediaType};
use serde::Serialize;
use serde_json::Value;

/// A descriptor with the full reference of the content.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    reference: String,
    media_type: MediaType,
    digest: String,
    size: u64,
    #[serde(skip_serializing_if = "Annotations::is_empty")]
    annotations: Annotations,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<MediaType>,
}

impl Descriptor {
    /// Describes content at `path`, a repository or layout.
    pub(crate) fn new(path: &str, descriptor: &oras::Descriptor) -> Self {
        Self {
            reference: format!("{path}@{}", descriptor.digest),
            media_type: descriptor.media_type.clone(),
            digest: descriptor.digest.to_string(),
            size: descriptor.size,
            annotations: descriptor.annotations.clone(),
            artifact_type: descriptor.artifact_type.clone(),
        }
    }
}

/// The result of `push`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Push {
    #[serde(flatten)]
    pub(crate) descriptor: Descriptor,
    pub(crate) reference_as_tags: Vec<String>,
}

/// The result of `discover`: a manifest and its referrers.
#[derive(Serialize)]
pub(crate) struct Discovered {
    #[serde(flatten)]
    descriptor: Descriptor,
    referrers: Vec<Self>,
}

impl Discovered {
    /// Describes referrers at `path`, a repository or layout.
    pub(crate) fn new(path: &str, found: &oras::discover::Discovered) -> Self {
        let convert = |found| Self::new(path, found);
        Self {
            descriptor: Descriptor::new(path, &found.descriptor),
            referrers: found.referrers.iter().map(convert).collect(),
        }
    }
}

/// The result of `pull`.
#[derive(Serialize)]
pub(crate) struct Pull {
    pub(crate) reference: String,
    pub(crate) files: Vec<File>,
    /// The referrers, if they were pulled too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) referrers: Option<Vec<PulledReferrer>>,
}

/// A referrer whose files were pulled.
#[derive(Serialize)]
pub(crate) struct PulledReferrer {
    #[serde(flatten)]
    pub(crate) descriptor: Descriptor,
    pub(crate) directory: String,
    pub(crate) files: Vec<File>,
}

/// A pulled file.
#[derive(Serialize)]
pub(crate) struct File {
    pub(crate) path: String,
    #[serde(flatten)]
    pub(crate) descriptor: Descriptor,
    /// Whether the file existed with this content and was not downloaded.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) reused: bool,
}

/// The result of `check`.
#[derive(Serialize)]
pub(crate) struct Check {
    reference: String,
    directory: String,
    /// Whether there is no difference.
    equal: bool,
    files: Vec<CheckedFile>,
    /// Paths of files that are not in the artifact.
    additional: Vec<String>,
}

/// A compared file.
#[derive(Serialize)]
struct CheckedFile {
    path: String,
    #[serde(flatten)]
    descriptor: Descriptor,
    /// `equal`, `missing`, `changed` or `unknown`.
    status: &'static str,
    /// The change: `kind`, `size`, `content` or `tree`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl Check {
    /// Describes files that were compared with an artifact at `path`, a repository or layout.
    pub(crate) fn new(path: &str, checked: &oras::check::Checked) -> Self {
        let file = |file: &oras::check::CheckedFile| {
            let (status, reason) = match file.state {
                FileState::Equal => ("equal", None),
                FileState::Missing => ("missing", None),
                FileState::OtherKind => ("changed", Some("kind")),
                FileState::OtherSize(_) => ("changed", Some("size")),
                FileState::OtherTree => ("changed", Some("tree")),
                FileState::Unknown => ("unknown", None),
                _ => ("changed", Some("content")),
            };
            CheckedFile {
                path: file.path.display().to_string(),
                descriptor: Descriptor::new(path, &file.descriptor),
                status,
                reason,
            }
        };
        let additional = checked.additional.iter();
        Self {
            reference: format!("{path}@{}", checked.root.digest),
            directory: checked.directory.display().to_string(),
            equal: checked.is_equal(),
            files: checked.files.iter().map(file).collect(),
            additional: additional.map(|path| path.display().to_string()).collect(),
        }
    }
}

/// The result of `manifest fetch`.
#[derive(Serialize)]
pub(crate) struct Fetched {
    #[serde(flatten)]
    pub(crate) descriptor: Descriptor,
    /// The manifest with sorted keys, or null if it is not a JSON object.
    pub(crate) content: Option<Value>,
}

/// The result of `repo ls`.
#[derive(Serialize)]
pub(crate) struct Repositories {
    pub(crate) registry: String,
    pub(crate) repositories: Vec<String>,
}

/// The result of `repo tags`.
#[derive(Serialize)]
pub(crate) struct Tags {
    pub(crate) tags: Vec<String>,
}
