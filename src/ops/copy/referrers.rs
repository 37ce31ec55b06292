//! Copies with everything that is attached: referrers, what is attached to those, and to what a copied manifest refers to.
//!
//! What is to be copied is closed: with every manifest come those it refers to, and those that are attached to it. Therefore
//! each manifest is read at the source, also where the destination has it. It is copied in this order: the graph of the root;
//! then, manifest by manifest as they were passed, what is attached, each with its own graph; the name of the root at last.
//!
//! A list of referrers is what somebody says. A referrer counts only if its manifest says so too, and how it is described
//! comes from there. A source that goes on for ever meets the limits on levels, on content, and on bytes.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use super::at;
use super::copier::{Copier, Errand, Frame};
use crate::error::{Error, Operation, Result, Side};
use crate::oci::descriptor::Descriptor;
use crate::store::Referrers;

/// Manifests whose referrers were not looked for yet, with their depths.
pub(super) type Passed = VecDeque<(Descriptor, u64)>;

impl Copier<'_, '_> {
    /// As [`run`](Self::run), with all that is attached to manifests in `source`.
    pub(super) fn run_with_referrers(
        &mut self,
        source: &dyn Referrers,
        reference: Option<&str>,
    ) -> Result<()> {
        if !self.root.media_type.is_manifest() {
            return self.run(reference);
        }
        self.passed = Some(Passed::new());
        self.run(None)?;
        while let Some((subject, depth)) = self.passed.as_mut().and_then(Passed::pop_front) {
            for referrer in self.list(source, &subject)? {
                if !self.is_done(&referrer, Errand::Copy) {
                    let frame = self.enter_referrer(&referrer, &subject, depth + 1)?;
                    self.walk(frame, depth + 1, None)?;
                }
            }
        }
        match reference {
            Some(reference) if reference != self.root.digest.as_str() => self.name_root(reference),
            _ => Ok(()),
        }
    }

    /// What is said to be attached to a manifest, without what else is said about it.
    fn list(&mut self, source: &dyn Referrers, subject: &Descriptor) -> Result<Vec<Descriptor>> {
        let mut listed = Vec::new();
        let mut counted = Ok(());
        source
            .referrers(subject, None, &mut |page| {
                for referrer in page {
                    let text = referrer.media_type.as_str().len() + referrer.digest.as_str().len();
                    counted = self.count_metadata(text as u64);
                    if counted.is_err() {
                        return ControlFlow::Break(());
                    }
                    listed.push(referrer.plain());
                }
                ControlFlow::Continue(())
            })
            .map_err(at(Side::Source, Operation::ListReferrers, Some(subject)))?;
        counted.map(|()| listed)
    }

    fn enter_referrer(
        &mut self,
        listed: &Descriptor,
        subject: &Descriptor,
        depth: u64,
    ) -> Result<Option<Frame>> {
        let lie = |what: &str| {
            let error = Error::Protocol {
                what: format!("list of referrers of {}", subject.digest),
                reason: format!("{} is among them, and {what}", listed.digest),
            };
            at(Side::Source, Operation::ListReferrers, Some(subject))(error)
        };
        if !listed.media_type.is_manifest() {
            return Err(lie("is no manifest"));
        }
        let entered = match self.enter(listed, depth, Errand::Copy) {
            Err(error) => self.leave_out(listed, error)?,
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
            Some(referrer) => Err(lie(&format!("is attached to {}", referrer.subject.digest))),
            None => Err(lie("is attached to nothing")),
        }
    }
}
