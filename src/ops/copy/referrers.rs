//! Copies a graph with all referrers: those of each manifest, and the referrers of these.
//!
//! The copied set is closed: with each manifest come its successors and its referrers. So each
//! manifest is read from the source even if the destination has it. The order is: the graph of the
//! root; then, for each manifest in the order it was read, its referrers, each with its own graph;
//! at last the tag of the root.
//!
//! Referrer listings are not trusted: a referrer is copied only if its own `subject` field matches,
//! and its artifact type and annotations are those of the manifest. The limits on depth, nodes and
//! bytes bound a source that lists referrers without end.

use std::ops::ControlFlow;

use super::copier::{Copier, Frame, ReferrerQueue};
use super::errors::at_source;
use super::nodes::CopyMode;
use crate::error::{Error, Operation, Result};
use crate::oci::Descriptor;
use crate::progress::{self, Event};
use crate::store::Referrers;

impl Copier<'_, '_> {
    /// Copies the graph of the root with the referrers that `source` lists, and tags the root.
    pub(super) fn run_with_referrers(
        &mut self,
        source: &dyn Referrers,
        reference: Option<&str>,
    ) -> Result<()> {
        if !self.root.media_type.is_manifest() {
            return self.start(reference).map(drop);
        }
        self.referrer_queue = Some(ReferrerQueue::new());
        let first = self.start(None)?;
        self.walk(first, 1, None)?;
        while let Some((subject, depth)) = self
            .referrer_queue
            .as_mut()
            .and_then(ReferrerQueue::pop_front)
        {
            for referrer in self.list_referrers(source, &subject)? {
                if !self.nodes.is_done(&referrer, CopyMode::IfMissing) {
                    let frame = self.enter_referrer(&referrer, &subject, depth + 1)?;
                    self.walk(frame, depth + 1, None)?;
                }
            }
        }
        match reference {
            Some(reference) if reference != self.root.digest.as_str() => self.tag_root(reference),
            _ => Ok(()),
        }
    }

    /// Reports that the referrers of the original of a reduced index are not copied, unless it has
    /// none. The source does not know the reduced index, and so has no referrers of it.
    pub(super) fn report_skipped_referrers(
        &mut self,
        source: &dyn Referrers,
        original: &Descriptor,
    ) -> Result<()> {
        self.root_is_new = true;
        let mut has_referrers = false;
        let listed = source.referrers(original, None, &mut |page| {
            has_referrers = !page.is_empty();
            ControlFlow::Break(())
        });
        if has_referrers || progress::unless_cancelled(listed)?.is_err() {
            self.report(Event::ReferrersSkipped(original))?;
        }
        Ok(())
    }

    /// Lists the referrers of a manifest, without their annotations.
    fn list_referrers(
        &mut self,
        source: &dyn Referrers,
        subject: &Descriptor,
    ) -> Result<Vec<Descriptor>> {
        let mut listed = Vec::new();
        if self.root_is_new && subject.digest == self.root.digest {
            return Ok(listed);
        }
        let mut counted = Ok(());
        source
            .referrers(subject, None, &mut |page| {
                for referrer in page {
                    let bytes = referrer.media_type.as_str().len() + referrer.digest.as_str().len();
                    counted = self.budget.count_metadata(bytes as u64);
                    if counted.is_err() {
                        return ControlFlow::Break(());
                    }
                    listed.push(referrer.plain());
                }
                ControlFlow::Continue(())
            })
            .map_err(at_source(Operation::ListReferrers, subject))?;
        counted.map(|()| listed)
    }

    fn enter_referrer(
        &mut self,
        listed: &Descriptor,
        subject: &Descriptor,
        depth: u64,
    ) -> Result<Option<Frame>> {
        let wrong_entry = |reason: &str| {
            let error = Error::Protocol {
                what: format!("list of referrers of {}", subject.digest),
                reason: format!("{} is among them, and {reason}", listed.digest),
            };
            at_source(Operation::ListReferrers, subject)(error)
        };
        if !listed.media_type.is_manifest() {
            return Err(wrong_entry("is no manifest"));
        }
        let entered = match self.enter(listed, depth, CopyMode::IfMissing) {
            Err(error) => self.skip_missing(Event::MissingSkipped(listed), listed, error)?,
            Ok(entered) => entered,
        };
        let Some(mut frame) = entered else {
            return Ok(None);
        };
        match frame.referrer.clone() {
            Some(referrer) if referrer.subject.digest == subject.digest => {
                frame.descriptor = referrer.descriptor;
                Ok(Some(frame))
            }
            Some(referrer) => {
                let reason = format!("is attached to {}", referrer.subject.digest);
                Err(wrong_entry(&reason))
            }
            None => Err(wrong_entry("is attached to nothing")),
        }
    }
}
