//! The events of all verbs.

use std::path::Path;
use std::time::Duration;

use crate::oci::{Descriptor, Digest};

/// A step of an operation. Each verb reports the events that apply to it.
///
/// Variants and fields may be added: match with a wildcard arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A push or an attachment has neither files nor streams.
    NoFiles,
    /// The file or directory with this title is about to be read. A stream without a title is
    /// called `-`.
    Preparing(&'a str),
    /// A file is read to compute its digest or to be compared, a directory to be packed, or a
    /// stream to be stored.
    #[non_exhaustive]
    Reading {
        /// The title, or the path of a config, which has no title.
        name: &'a str,
        /// Bytes read so far.
        done: u64,
        /// Bytes in all; not known for a directory or a stream.
        total: Option<u64>,
    },
    /// The file, directory or stream with this title was read.
    Prepared(&'a str),
    /// An entry of a directory was packed that a pull does not restore: a description of it that
    /// begins with its name.
    NotRestorable(&'a str),

    /// The manifest with this reference is about to be read.
    Resolving(&'a str),
    /// A reference was resolved.
    #[non_exhaustive]
    Resolved {
        /// The reference as the caller gave it.
        reference: &'a str,
        /// The content that the reference names.
        descriptor: &'a Descriptor,
    },

    /// The number of files and blobs that are done or known has changed.
    Totals(Totals),

    /// A manifest is about to be read from the source to find its successors.
    FetchingManifest(&'a Descriptor),
    /// A manifest was read from the source. Its successors follow.
    FetchedManifest(&'a Descriptor),
    /// The transfer of content starts.
    Started(&'a Descriptor),
    /// Content is being transferred. The count starts again from zero if the content has to be sent
    /// again.
    #[non_exhaustive]
    Transferring {
        /// The content.
        descriptor: &'a Descriptor,
        /// Bytes read and passed on so far.
        done: u64,
        /// Bytes in all: the size of the descriptor.
        total: u64,
    },
    /// The beginning of content comes from a file that an interrupted transfer left. Only the rest
    /// is requested from the source now.
    #[non_exhaustive]
    Resumed {
        /// The content.
        descriptor: &'a Descriptor,
        /// Bytes in the file.
        done: u64,
    },
    /// The transfer of content was interrupted, and its beginning stays in a hidden file. The next
    /// transfer of the content to the same place continues it.
    #[non_exhaustive]
    Kept {
        /// The content.
        descriptor: &'a Descriptor,
        /// Bytes in the file.
        done: u64,
        /// The file.
        path: &'a Path,
    },
    /// Nothing or little arrives from a server, a wait before a retry goes on, another process
    /// holds a lock, or a credential helper runs. Reported at least once per second.
    #[non_exhaustive]
    Waiting {
        /// Host and port of the server, the path of the lock, or the name of the helper.
        host: &'a str,
        /// The time since the wait began, zero if little arrives.
        silence: Duration,
    },
    /// A request failed, and will be sent again after a wait.
    #[non_exhaustive]
    Retrying {
        /// Host and port of the server.
        host: &'a str,
        /// The failure.
        reason: &'a str,
        /// The number of the next attempt. The first attempt, which failed, was number 1.
        attempt: u32,
        /// The highest number of attempts.
        attempts: u32,
        /// The time until the next attempt.
        wait: Duration,
    },
    /// Content was transferred.
    Transferred(&'a Descriptor),
    /// A blob was mounted from another repository of the destination's registry.
    Mounted(&'a Descriptor),
    /// The destination already has the content, and with it all successors.
    Exists(&'a Descriptor),
    /// The destination already has the root and all its successors; only the tag was new.
    RootTagged(&'a Descriptor),
    /// Content that was transferred before is referred to again, with another title.
    Repeated(&'a Descriptor),
    /// Content that was downloaded before was written to a further file.
    Restored(&'a Descriptor),
    /// Content was skipped because it has no title, or because registries do not distribute it.
    Skipped(&'a Descriptor),
    /// A layer was skipped because registries do not distribute it.
    ForeignSkipped(&'a Descriptor),
    /// A referrer was skipped because it is listed but missing at the source.
    MissingSkipped(&'a Descriptor),
    /// The subject of a copied manifest was skipped because it is missing at the source.
    MissingSubjectSkipped(&'a Descriptor),
    /// The referrers of this index were not copied: the index that was made for some of its
    /// platforms has another digest.
    ReferrersSkipped(&'a Descriptor),
    /// The destination lacks successors of this manifest although it reported that they exist.
    /// Successors that were not sent before are sent now.
    Repairing(&'a Descriptor),

    /// A backup or restore copies these tags, in this order. All of them were resolved.
    TagsFound(&'a [String]),
    /// A tag is about to be copied, or the entries of the referrers index with this tag. The events
    /// until the next `TagStarted` are about it.
    TagStarted(&'a str),
    /// A tag was copied or, in a dry run, would be. A layout saves its tags at the end, and from
    /// time to time before.
    #[non_exhaustive]
    TagFinished {
        /// The tag.
        tag: &'a str,
        /// The digest of the manifest with the tag.
        digest: &'a Digest,
        /// Referrers copied with the tag: those of the manifest and of all manifests in it, and the
        /// referrers of these.
        referrers: usize,
    },
    /// A tag was skipped because the source lists it without having its content.
    #[non_exhaustive]
    TagSkipped {
        /// The tag.
        tag: &'a str,
        /// The message of the error.
        reason: &'a str,
    },
    /// A manifest got this tag. A layout saves its tags when all of them are set.
    Tagged(&'a str),

    /// All entries of a manifest were removed from an index.
    EntryRemoved(&'a Digest),
    /// A manifest got an entry in an index.
    #[non_exhaustive]
    EntryAdded {
        /// The reference as the caller gave it.
        reference: &'a str,
        /// The manifest.
        descriptor: &'a Descriptor,
    },
    /// The entries of another index were added to an index.
    #[non_exhaustive]
    IndexMerged {
        /// The reference of the other index as the caller gave it.
        reference: &'a str,
        /// The other index.
        descriptor: &'a Descriptor,
    },
}

/// The files and blobs of an operation, or of one tag in a backup or restore: how many are done,
/// and how many are known. Manifests and the empty blob do not count.
///
/// A push counts its files twice: while it reads them, and from zero again while it uploads them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// Files and blobs that are done: transferred, mounted, skipped, or found at the destination.
    pub done: u64,
    /// The sum of their sizes in bytes.
    pub done_bytes: u64,
    /// Files and blobs that are known, including those that are done.
    pub total: u64,
    /// The sum of their sizes in bytes; `None` if a size is not known, such as that of the archive
    /// of a directory that was not packed yet.
    pub total_bytes: Option<u64>,
    /// Whether no manifest remains to be read that could add to the totals.
    pub is_complete: bool,
}

impl<'a> Event<'a> {
    /// Creates a [`Waiting`](Self::Waiting) event, for implementations of
    /// [`Transport`](crate::http::Transport) and of stores.
    pub const fn waiting(host: &'a str, silence: Duration) -> Self {
        Self::Waiting { host, silence }
    }

    /// Creates a [`Transferring`](Self::Transferring) event.
    pub const fn transferring(descriptor: &'a Descriptor, done: u64) -> Self {
        Self::Transferring {
            descriptor,
            done,
            total: descriptor.size,
        }
    }
}
