//! Blobs that the destination is known to have, tags of existing roots, and repairs after the
//! destination refused a manifest because it lacks successors.

use super::copier::{Copier, Frame};
use super::errors::{SourceContent, SourceManifest, at_target, lacks_successors, refusal_of};
use super::nodes::CopyMode;
use crate::error::{Error, Operation, Result};
use crate::oci::{Descriptor, Digest};
use crate::ops::tag::require_absent;
use crate::progress::Event;

impl Copier<'_, '_> {
    /// Finds out which of the blobs of a manifest the destination is known to have.
    pub(super) fn find_known(
        &mut self,
        node: &Descriptor,
        successors: &[Descriptor],
    ) -> Result<()> {
        let is_unknown =
            |node: &&Descriptor| !node.media_type.is_manifest() && !self.nodes.has_blob(node);
        let unknown: Vec<_> = successors.iter().filter(is_unknown).collect();
        let Some(target) = self.target.as_indexed().filter(|_| !unknown.is_empty()) else {
            return Ok(());
        };
        let reference = self.reference.filter(|_| node.digest == self.root.digest);
        let known = if unknown.len() == successors.len() {
            // A manifest can have many: they are not held twice.
            target.known_blobs(successors, reference)
        } else {
            let blobs: Vec<_> = unknown.into_iter().cloned().collect();
            target.known_blobs(&blobs, reference)
        };
        self.nodes
            .add_known(known.map_err(at_target(Operation::Exists, node))?);
        Ok(())
    }

    /// Returns the mode in which the successors of a manifest are copied again after the
    /// destination refused it with this error, or `None` if that would not help.
    pub(super) fn repair_mode(&mut self, frame: &Frame, error: &Error) -> Option<CopyMode> {
        if frame.mode != CopyMode::IfMissing {
            None
        } else if self.forget_known(frame, error) {
            Some(CopyMode::IfMissing)
        } else {
            lacks_successors(error).then_some(CopyMode::Force)
        }
    }

    /// Forgets those known successors of a manifest that the destination may lack, because it
    /// refused the manifest. Returns whether there are any.
    fn forget_known(&mut self, frame: &Frame, error: &Error) -> bool {
        let Some(refusal) = refusal_of(error) else {
            return false;
        };
        let known = frame
            .successors
            .iter()
            .filter(|node| self.nodes.is_known(node));
        let known: Vec<_> = known.map(|node| node.digest.clone()).collect();
        let is_named = |digest: &&Digest| refusal.mentions(digest.as_str());
        let has_named = known.iter().any(|digest| is_named(&digest));
        let lacking = known.iter().filter(|digest| !has_named || is_named(digest));
        lacking.for_each(|digest| self.nodes.forget_known(digest));
        !known.is_empty()
    }

    /// Checks that a tag is absent at the destination, or names this manifest, if the options ask
    /// for that.
    pub(super) fn check_absent(&self, manifest: &Descriptor, reference: &str) -> Result<()> {
        if !self.if_absent {
            return Ok(());
        }
        require_absent(self.target, &[reference], Some(&manifest.digest))
            .map_err(at_target(Operation::Tag, manifest))
    }

    /// Tags a manifest that exists at the destination. Returns the error if the destination refuses
    /// it because it lacks successors.
    pub(super) fn tag(&self, manifest: &Descriptor, reference: &str) -> Result<Option<Error>> {
        self.check_absent(manifest, reference)?;
        let mut content = SourceContent {
            content: &mut SourceManifest {
                source: self.source,
                node: manifest,
                limit: self.budget.limits.max_manifest_bytes,
            },
            node: manifest,
        };
        match self
            .target
            .push_reference(manifest, &mut content, reference)
        {
            Ok(_) => Ok(None),
            Err(error) if lacks_successors(&error) => Ok(Some(error)),
            Err(error) => Err(at_target(Operation::Tag, manifest)(error)),
        }
    }

    /// Tags the root after its graph and all referrers were copied.
    pub(super) fn tag_root(&mut self, reference: &str) -> Result<()> {
        let root = self.root;
        if let Some(refusal) = self.tag(root, reference)? {
            let frame = self.repair_root(&refusal)?;
            self.walk(Some(frame), 1, Some(reference))?;
        }
        Ok(())
    }

    /// Opens the root, which exists and cannot be tagged, to be walked again. If the refusal names
    /// successors, only these are checked, and otherwise all blobs are sent.
    pub(super) fn repair_root(&mut self, error: &Error) -> Result<Frame> {
        self.report(Event::Repairing(self.root))?;
        let mut frame = self.open(self.root, 1, CopyMode::Force)?;
        let is_named = |node: &&Descriptor| {
            refusal_of(error).is_some_and(|refusal| refusal.mentions(node.digest.as_str()))
        };
        let (named, others): (Vec<_>, Vec<_>) = frame.successors.iter().partition(is_named);
        if !named.is_empty() {
            let others = others.into_iter().map(|node| node.digest.clone());
            self.nodes.add_known(others);
            for node in named {
                self.nodes.forget_known(&node.digest);
            }
            frame.mode = CopyMode::IfMissing;
        }
        Ok(frame)
    }
}
