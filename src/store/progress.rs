//! Progress events of all verbs, and the observer that receives them.

use std::io::Read;

use crate::error::Result;
use crate::oci::{Descriptor, Digest};
use crate::store::{Content, VerifyReader};

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
    /// A file is read to compute its digest, a directory to be packed, or a stream to be stored.
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
        /// The content. Its size is the number of bytes in all.
        descriptor: &'a Descriptor,
        /// Bytes read and passed on so far.
        done: u64,
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

/// Receives the events of an operation, in order. An error stops the operation, which returns it.
pub type Observer<'a> = dyn FnMut(Event<'_>) -> Result<()> + 'a;

/// Passes events to the observer of the caller, if there is one.
#[derive(Default)]
pub(crate) struct Reporter<'a>(Option<&'a mut Observer<'a>>);

impl<'a> Reporter<'a> {
    pub(crate) const fn new(observer: Option<&'a mut Observer<'a>>) -> Self {
        Self(observer)
    }

    /// Reports an event. The error is the observer's.
    pub(crate) fn report(&mut self, event: Event<'_>) -> Result<()> {
        self.0.as_mut().map_or(Ok(()), |observer| observer(event))
    }

    /// Same as [`new`](Self::new), for options that are borrowed.
    pub(crate) fn borrow(observer: &'a mut Option<&mut Observer<'_>>) -> Self {
        match observer {
            Some(observer) => Self(Some(&mut **observer)),
            None => Self(None),
        }
    }

    /// Returns the observer for the options of another verb.
    pub(crate) fn observer(&mut self) -> Option<&mut Observer<'_>> {
        match &mut self.0 {
            Some(observer) => Some(&mut **observer),
            None => None,
        }
    }
}

/// Says when [`ObservedContent`] reports [`Event::Started`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReportStart {
    /// Each time the content is opened.
    EachTime,
    /// The first time the content is opened.
    Once,
    /// Never.
    Never,
}

/// Content that reports how much of it was read. A destination that already has the content does
/// not open it, and so nothing is reported.
pub(crate) struct ObservedContent<'c, 'r, 'o> {
    pub(crate) content: &'c mut dyn Content,
    pub(crate) descriptor: &'c Descriptor,
    pub(crate) reporter: &'r mut Reporter<'o>,
    pub(crate) report_start: ReportStart,
}

impl ObservedContent<'_, '_, '_> {
    fn start(&mut self) -> Result<()> {
        match self.report_start {
            ReportStart::Never => return Ok(()),
            ReportStart::Once => self.report_start = ReportStart::Never,
            ReportStart::EachTime => {}
        }
        self.reporter.report(Event::Started(self.descriptor))
    }
}

impl Content for ObservedContent<'_, '_, '_> {
    fn open(&mut self) -> Result<Box<dyn Read + '_>> {
        self.start()?;
        self.content.open()
    }

    fn open_verified(&mut self, expected: &Descriptor) -> Result<VerifyReader<'_>> {
        self.start()?;
        let reader = self.content.open_verified(expected)?;
        let (descriptor, reporter) = (self.descriptor, &mut *self.reporter);
        Ok(reader
            .with_progress(move |done| reporter.report(Event::Transferring { descriptor, done })))
    }

    fn open_from(&mut self, offset: u64) -> Result<Option<Box<dyn Read + '_>>> {
        self.start()?;
        self.content.open_from(offset)
    }

    fn is_consumed(&self) -> bool {
        self.content.is_consumed()
    }
}
