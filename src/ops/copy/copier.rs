//! Walks one graph and copies each node once, successors first.
//!
//! The walk is a loop over a stack, not a recursion: the limit on depth decides how deep a graph
//! may be, not the size of the thread's stack.

use std::collections::VecDeque;

use super::counter::Counter;
use super::errors::{SourceContent, at_source, at_target, is_missing_at_source};
use super::nodes::{Budget, CopyMode, NodeState, Nodes};
use super::options::{CopyOptions, FindSuccessors, MissingReferrer, RootState, Selection};
use crate::error::{Error, Operation, Result};
use crate::oci::{Descriptor, RawManifest, Referrer, RepositoryName};
use crate::progress::{Event, Report};
use crate::store::{Content, Fetched, Mount, ObservedContent, Pushed, ReportStart, Source, Target};

/// Manifests whose referrers were not listed yet, with their depths.
pub(super) type ReferrerQueue = VecDeque<(Descriptor, u64)>;

/// A running copy.
pub(super) struct Copier<'c, 'o> {
    pub(super) source: &'c dyn Source,
    pub(super) target: &'c dyn Target,
    pub(super) root: &'c Descriptor,
    root_state: RootState,
    /// The tag that the root is about to get.
    pub(super) reference: Option<&'c str>,
    /// Whether the source does not know the root, so that it lists no referrers of it.
    pub(super) root_is_new: bool,
    find_successors: Option<&'o mut FindSuccessors<'o>>,
    /// The repository to mount blobs from. `None` once the registry does not mount.
    mount_from: Option<RepositoryName>,
    force: bool,
    pub(super) if_absent: bool,
    missing_referrers: MissingReferrer,
    report: &'o mut Report<'o>,
    pub(super) budget: Budget<'o>,
    pub(super) nodes: Nodes,
    counter: Counter,
    /// `None` if referrers are not copied.
    pub(super) referrer_queue: Option<ReferrerQueue>,
}

/// The kind of a push.
#[derive(Clone, Copy)]
enum PushKind<'r> {
    IfMissing,
    Unchecked,
    Tagged(&'r str),
}

impl<'r> PushKind<'r> {
    fn tagged_if(reference: Option<&'r str>) -> Self {
        reference.map_or(Self::IfMissing, Self::Tagged)
    }
}

/// A manifest whose successors are being copied.
pub(super) struct Frame {
    manifest: RawManifest,
    /// The descriptor in the parent, with its annotations.
    pub(super) descriptor: Descriptor,
    pub(super) successors: Vec<Descriptor>,
    next: usize,
    pub(super) mode: CopyMode,
    /// The manifest as a referrer, if it has a subject and the copy needs to know it.
    pub(super) referrer: Option<Referrer>,
}

impl Frame {
    fn is_subject(&self, successor: &Descriptor) -> bool {
        self.referrer
            .as_ref()
            .is_some_and(|referrer| referrer.subject.digest == successor.digest)
    }

    /// The mode for a successor of this manifest.
    fn mode_for(&self, successor: &Descriptor) -> CopyMode {
        match self.mode {
            // Registries accept referrers of subjects that they do not have.
            CopyMode::ReferrersOnly if self.is_subject(successor) => CopyMode::IfMissing,
            mode => mode,
        }
    }
}

impl<'c, 'o> Copier<'c, 'o> {
    pub(super) fn new(
        source: &'c dyn Source,
        target: &'c dyn Target,
        root: &'c Descriptor,
        reference: Option<&'c str>,
        options: &'o mut CopyOptions<'_>,
        report: &'o mut Report<'o>,
    ) -> Self {
        Self {
            source,
            target,
            root,
            root_state: options.root,
            reference,
            root_is_new: false,
            find_successors: match &mut options.find_successors {
                Some(find) => Some(&mut **find),
                None => None,
            },
            mount_from: options.mount_from.clone(),
            force: options.force,
            if_absent: options.if_absent,
            missing_referrers: options.missing_referrers,
            report,
            budget: Budget::new(&options.limits, root.digest.clone()),
            nodes: Nodes::default(),
            counter: Counter::default(),
            referrer_queue: None,
        }
    }

    pub(super) fn report(&mut self, event: Event<'_>) -> Result<()> {
        (self.report)(&event)
    }

    fn report_totals(&mut self) -> Result<()> {
        let queue = self.referrer_queue.as_ref();
        let more_follows = queue.is_some_and(|queue| !queue.is_empty());
        self.report(Event::Totals(self.counter.totals(more_follows)))
    }

    /// Copies the successors of a manifest at this depth, then the manifest itself, tagged with the
    /// `reference` if there is one.
    pub(super) fn walk(
        &mut self,
        first: Option<Frame>,
        depth: u64,
        reference: Option<&str>,
    ) -> Result<()> {
        let mut stack: Vec<Frame> = first.into_iter().collect();
        while let Some(frame) = stack.last_mut() {
            if let Some(successor) = frame.successors.get(frame.next).cloned() {
                frame.next += 1;
                let mode = frame.mode_for(&successor);
                let is_subject = frame.is_subject(&successor);
                self.counter.enter(&successor);
                if !self.nodes.is_done(&successor, mode) {
                    let depth = depth + stack.len() as u64;
                    let entered = self.enter(&successor, depth, mode);
                    stack.extend(match entered {
                        Err(error) if is_subject => self.skip_missing(
                            Event::MissingSubjectSkipped(&successor),
                            &successor,
                            error,
                        )?,
                        entered => entered?,
                    });
                }
                if self.counter.finish(&successor) {
                    self.report_totals()?;
                }
            } else if let Some(frame) = stack.pop() {
                let reference = reference.filter(|_| stack.is_empty());
                stack.extend(self.leave(frame, reference)?);
            }
        }
        Ok(())
    }

    /// Copies the root if it is a blob, tags it if it exists, or opens it to be
    /// [walked](Self::walk).
    pub(super) fn start(&mut self, reference: Option<&str>) -> Result<Option<Frame>> {
        let root = self.root;
        self.budget.count_node(1)?;
        if let Some(reference) = reference {
            self.check_absent(root, reference)?;
        }
        if !root.media_type.is_manifest() {
            let kind = PushKind::tagged_if(reference);
            return self.copy_blob(root, kind).map(|()| None);
        }
        if self.root_state == RootState::New || !self.exists(root)? {
            return self.open(root, 1, CopyMode::IfMissing).map(Some);
        }
        let Some(reference) = reference else {
            return self.keep_existing_root();
        };
        if let Some(refusal) = self.tag(root, reference)? {
            return self.repair_root(&refusal).map(Some);
        }
        self.nodes.finish(root, NodeState::Existed);
        self.report(Event::RootTagged(root))?;
        Ok(None)
    }

    /// Copies a blob, or opens a manifest. The root has depth 1.
    pub(super) fn enter(
        &mut self,
        node: &Descriptor,
        depth: u64,
        mode: CopyMode,
    ) -> Result<Option<Frame>> {
        self.budget.count_node(depth)?;
        if !node.media_type.is_manifest() {
            return match mode {
                CopyMode::IfMissing if self.nodes.has_blob(node) || self.nodes.is_known(node) => {
                    self.finish(node, Pushed::AlreadyThere, &[])
                }
                CopyMode::IfMissing if self.mount(node)? => Ok(()),
                CopyMode::IfMissing => self.copy_blob(node, PushKind::IfMissing),
                CopyMode::Force => self.copy_blob(node, PushKind::Unchecked),
                CopyMode::ReferrersOnly => Ok(()),
            }
            .map(|()| None);
        }
        if mode == CopyMode::IfMissing && self.exists(node)? {
            return self.keep_existing(node, depth);
        }
        self.open(node, depth, mode).map(Some)
    }

    /// Skips a referrer or subject if the error is that it is missing at the source and the options
    /// allow it. Otherwise returns the error.
    pub(super) fn skip_missing(
        &mut self,
        event: Event<'_>,
        node: &Descriptor,
        error: Error,
    ) -> Result<Option<Frame>> {
        if !is_missing_at_source(&error, node) || self.missing_referrers == MissingReferrer::Fail {
            return Err(error);
        }
        self.report(event)?;
        self.nodes.finish(node, NodeState::Existed);
        Ok(None)
    }

    /// Whether the destination reports a manifest as existing.
    fn exists(&self, manifest: &Descriptor) -> Result<bool> {
        if self.force {
            return Ok(false);
        }
        let exists = self.target.exists(manifest);
        exists.map_err(at_target(Operation::Exists, manifest))
    }

    /// Handles a manifest that exists: opens it only if its successors may have referrers to copy.
    fn keep_existing(&mut self, node: &Descriptor, depth: u64) -> Result<Option<Frame>> {
        self.report(Event::Exists(node))?;
        if self.referrer_queue.is_some() {
            return self.open(node, depth, CopyMode::ReferrersOnly).map(Some);
        }
        self.nodes.finish(node, NodeState::Existed);
        Ok(None)
    }

    /// Same as [`keep_existing`](Self::keep_existing), for a root that gets no tag.
    fn keep_existing_root(&mut self) -> Result<Option<Frame>> {
        let frame = self.keep_existing(self.root, 1)?;
        if frame.is_none() && !self.root.media_type.is_docker() {
            let manifest = self.fetch_manifest(self.root)?;
            self.ensure_listed(&manifest)?;
        }
        Ok(frame)
    }

    fn fetch_manifest(&self, node: &Descriptor) -> Result<RawManifest> {
        self.source
            .fetch_manifest(node, self.budget.limits.max_manifest_bytes)
            .map_err(at_source(Operation::Fetch, node))
    }

    /// Makes sure the destination lists an existing manifest as a referrer of its subject. A copy
    /// that was interrupted may have pushed the manifest only.
    fn ensure_listed(&self, manifest: &RawManifest) -> Result<()> {
        self.target.as_indexed().map_or(Ok(()), |target| {
            let error = at_target(Operation::Push, manifest.descriptor());
            target.ensure_listed(manifest).map_err(error)
        })
    }

    /// Reads a manifest and selects its successors.
    pub(super) fn open(&mut self, node: &Descriptor, depth: u64, mode: CopyMode) -> Result<Frame> {
        let is_first = !self.nodes.contains(node);
        self.report(Event::FetchingManifest(node))?;
        self.budget.count_metadata(node.size)?;
        let manifest = self.fetch_manifest(node)?;
        let successors = manifest
            .successors()
            .map_err(at_source(Operation::Fetch, node))?;
        let mut referrer = None;
        if self.referrer_queue.is_some() || self.missing_referrers != MissingReferrer::Fail {
            referrer =
                Referrer::from_manifest(&manifest).map_err(at_source(Operation::Fetch, node))?;
        }
        if let Some(queue) = self.referrer_queue.as_mut().filter(|_| is_first) {
            queue.push_back((node.plain(), depth));
        }
        self.report(Event::FetchedManifest(node))?;
        let Selection {
            mut successors,
            skipped,
        } = match &mut self.find_successors {
            Some(find_successors) => find_successors(&manifest, successors)?,
            None => successors.into(),
        };
        for successor in &skipped {
            if self.nodes.skip(successor) {
                self.report(Event::Skipped(successor))?;
            }
        }
        if mode == CopyMode::ReferrersOnly {
            successors.retain(|successor| successor.media_type.is_manifest());
            self.nodes.finish(node, NodeState::Existed);
        }
        let is_foreign = |node: &Descriptor| node.media_type.is_foreign_layer();
        for layer in successors.iter().filter(|node| is_foreign(node)) {
            self.report(Event::ForeignSkipped(layer))?;
        }
        successors.retain(|node| !is_foreign(node));
        self.counter.add(&successors);
        self.report_totals()?;
        if mode == CopyMode::IfMissing && !self.force {
            self.find_known(node, &successors)?;
        }
        Ok(Frame {
            manifest,
            descriptor: node.clone(),
            successors,
            next: 0,
            mode,
            referrer,
        })
    }

    /// Copies a manifest whose successors were copied. If the destination lacks some of them, the
    /// frame is returned to be walked again.
    fn leave(&mut self, mut frame: Frame, reference: Option<&str>) -> Result<Option<Frame>> {
        if frame.mode == CopyMode::ReferrersOnly {
            return self.ensure_listed(&frame.manifest).map(|()| None);
        }
        let mut content = &frame.manifest;
        let kind = PushKind::tagged_if(reference);
        match self.push(&frame.descriptor, &mut content, kind) {
            Err(error) => {
                frame.mode = self.repair_mode(&frame, &error).ok_or(error)?;
                self.report(Event::Repairing(&frame.descriptor))?;
                self.counter.repeat(&frame.successors);
                frame.next = 0;
                return Ok(Some(frame));
            }
            Ok(pushed) => self.finish(&frame.descriptor, pushed, &frame.successors)?,
        }
        self.flush_referrer(&frame.manifest)?;
        Ok(None)
    }

    /// Lists a referrer at the destination before the batch ends. Otherwise, if this copy is
    /// interrupted, the next one finds that the manifest exists, does not read it, and so does not
    /// notice that it is not listed.
    fn flush_referrer(&self, manifest: &RawManifest) -> Result<()> {
        let Some(target) = self.target.as_indexed() else {
            return Ok(());
        };
        let is_root = manifest.descriptor().digest == self.root.digest;
        if self.referrer_queue.is_some()
            || is_root
            || !matches!(Referrer::from_manifest(manifest), Ok(Some(_)))
        {
            return Ok(());
        }
        let error = at_target(Operation::Push, manifest.descriptor());
        target.sync().map_err(error)
    }

    /// Mounts a blob from another repository of the destination's registry. Returns `false` if the
    /// registry does not mount.
    fn mount(&mut self, node: &Descriptor) -> Result<bool> {
        let Some(from) = self.mount_from.clone() else {
            return Ok(false);
        };
        let mut content = ObservedContent {
            content: &mut SourceContent {
                content: &mut Fetched::new(self.source, node),
                node,
            },
            descriptor: node,
            report: &mut *self.report,
            report_start: ReportStart::EachTime,
        };
        let mount = self.target.mount(node, &mut content, &from);
        let mount = mount.map_err(at_target(Operation::Push, node))?;
        match mount {
            Mount::Mounted => {
                self.nodes.finish(node, NodeState::Existed);
                self.report(Event::Mounted(node))?;
            }
            Mount::Pushed => self.finish(node, Pushed::Stored, &[])?,
            Mount::Unsupported => self.mount_from = None,
        }
        Ok(mount != Mount::Unsupported)
    }

    fn copy_blob(&mut self, node: &Descriptor, kind: PushKind<'_>) -> Result<()> {
        let mut content = Fetched::new(self.source, node);
        let pushed = self.push(node, &mut content, kind)?;
        self.finish(node, pushed, &[])
    }

    /// Passes content to the destination, and reports when and how far the destination reads it.
    fn push(
        &mut self,
        node: &Descriptor,
        content: &mut dyn Content,
        kind: PushKind<'_>,
    ) -> Result<Pushed> {
        if let PushKind::Tagged(reference) = kind {
            self.check_absent(node, reference)?;
        }
        let target = self.target;
        let mut content = ObservedContent {
            content: &mut SourceContent { content, node },
            descriptor: node,
            report: &mut *self.report,
            report_start: ReportStart::EachTime,
        };
        match (kind, target.as_indexed()) {
            (PushKind::Tagged(reference), _) => {
                target.push_reference(node, &mut content, reference)
            }
            (PushKind::Unchecked, Some(target)) => target
                .push_unchecked(node, &mut content)
                .map(|_| Pushed::Stored),
            (PushKind::Unchecked, None) => target.push(node, &mut content).map(|_| Pushed::Stored),
            (PushKind::IfMissing, _) => target.push(node, &mut content),
        }
        .map_err(at_target(Operation::Push, node))
    }

    /// Remembers content as done and reports it, after further titles of its successors.
    fn finish(
        &mut self,
        node: &Descriptor,
        pushed: Pushed,
        successors: &[Descriptor],
    ) -> Result<()> {
        let (state, event) = match pushed {
            Pushed::Stored => (NodeState::Copied, Event::Transferred(node)),
            Pushed::AlreadyThere => (NodeState::Existed, Event::Exists(node)),
        };
        self.nodes.finish(node, state);
        for successor in successors {
            if self.nodes.has_other_title(successor) {
                self.report(Event::Repeated(successor))?;
            }
        }
        self.report(event)
    }
}
