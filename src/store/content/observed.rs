//! Content that reports how much of it was read.

use std::fs::File;
use std::io::Read;

use super::ContentReader;
use super::openable::Content;
use super::verify::VerifyReader;
use crate::error::Result;
use crate::oci::Descriptor;
use crate::progress::{Event, Report};

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
pub(crate) struct ObservedContent<'c, 'r> {
    pub(crate) content: &'c mut dyn Content,
    pub(crate) descriptor: &'c Descriptor,
    pub(crate) report: &'c mut Report<'r>,
    pub(crate) report_start: ReportStart,
}

impl ObservedContent<'_, '_> {
    fn start(&mut self) -> Result<()> {
        match self.report_start {
            ReportStart::Never => return Ok(()),
            ReportStart::Once => self.report_start = ReportStart::Never,
            ReportStart::EachTime => {}
        }
        (self.report)(&Event::Started(self.descriptor))
    }
}

impl Content for ObservedContent<'_, '_> {
    fn open(&mut self) -> Result<Box<dyn Read + Send + '_>> {
        self.start()?;
        self.content.open()
    }

    fn open_verified(&mut self, expected: &Descriptor) -> Result<VerifyReader<'_>> {
        self.start()?;
        let reader = self.content.open_verified(expected)?;
        let (descriptor, report) = (self.descriptor, &mut *self.report);
        Ok(reader.with_progress(move |done| report(&Event::transferring(descriptor, done))))
    }

    fn open_resumed(
        &mut self,
        expected: &Descriptor,
        beginning: File,
        length: u64,
    ) -> Result<VerifyReader<'_>> {
        self.start()?;
        let reader = self.content.open_resumed(expected, beginning, length)?;
        let (descriptor, report) = (self.descriptor, &mut *self.report);
        Ok(reader.with_progress(move |done| report(&Event::transferring(descriptor, done))))
    }

    fn open_file(&mut self) -> Option<File> {
        self.content.open_file()
    }

    fn open_from(&mut self, offset: u64) -> Result<Option<ContentReader<'_>>> {
        self.content.open_from(offset)
    }

    fn is_consumed(&self) -> bool {
        self.content.is_consumed()
    }
}
