//! The walk through one graph: what is copied when, and what is told about it.
//!
//! It is a loop over a stack, not a recursion: how deep a graph goes is for a limit to decide, not for the memory of a thread.

use std::collections::{HashMap, HashSet};

use super::observed::{Blamed, ManifestOf};
use super::referrers::Passed;
use super::{Chooser, CopyOptions, Gone, Limits, RootState, at};
use crate::error::{Error, Operation, Result, Side};
use crate::oci::descriptor::Descriptor;
use crate::oci::digest::Digest;
use crate::oci::manifest::RawManifest;
use crate::oci::reference::RepositoryName;
use crate::oci::referrers::Referrer;
use crate::store::content::Content;
use crate::store::progress::{Event, ObservedContent, ReportStart, Reporter};
use crate::store::{Fetched, Mount, Pushed, Source, Target};

/// A copy under way.
pub(super) struct Copier<'c, 'o> {
    source: &'c dyn Source,
    target: &'c dyn Target,
    chooser: Option<&'o mut Chooser<'o>>,
    limits: &'o Limits,
    root_state: RootState,
    force: bool,
    gone: Gone,
    reporter: Reporter<'o>,
    pub(super) root: &'c Descriptor,
    /// How many pieces of content were handled so far.
    nodes: u64,
    /// How much the manifests have that were read so far.
    metadata_bytes: u64,
    /// Where blobs can be mounted from, as long as that works.
    mount_from: Option<RepositoryName>,
    done: HashMap<Key, Done>,
    /// Under which names content was handled.
    names: HashSet<(Digest, Option<String>)>,
    /// Manifests that were passed, if what is attached to them is copied as well.
    pub(super) passed: Option<Passed>,
}

/// What makes content the same: stores may keep manifests and blobs apart, so one digest can be both.
type Key = (Digest, bool);

fn key(node: &Descriptor) -> Key {
    (node.digest.clone(), node.media_type.is_manifest())
}

/// Why content needs no more attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    /// The destination says that it has it.
    Found,
    /// The destination received it from us.
    Sent,
}

/// What is done about content that is referred to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    /// It is copied, unless the destination says that it has it.
    Copy,
    /// It is sent, whatever the destination says: it turned out to miss something.
    Send,
    /// It is at the destination, being part of something that is. Only what is attached to it is of interest.
    Visit,
}

/// How content gets to the destination.
#[derive(Clone, Copy)]
enum Way<'r> {
    Push,
    PushAnew,
    /// With a name.
    Tag(&'r str),
}

/// A manifest whose successors are being copied.
pub(super) struct Frame {
    manifest: RawManifest,
    /// As the parent refers to it, annotations included.
    pub(super) descriptor: Descriptor,
    successors: Vec<Descriptor>,
    next: usize,
    errand: Errand,
    /// What the manifest says that it is attached to, if that is of interest.
    pub(super) referrer: Option<Referrer>,
}

impl Frame {
    /// Whether this manifest is attached to something that it refers to.
    fn is_attached_to(&self, successor: &Descriptor) -> bool {
        self.referrer
            .as_ref()
            .is_some_and(|referrer| referrer.subject.digest == successor.digest)
    }

    /// What is done about something that this manifest refers to.
    fn errand_for(&self, successor: &Descriptor) -> Errand {
        match self.errand {
            // A registry takes what is attached to something that it does not have.
            Errand::Visit if self.is_attached_to(successor) => Errand::Copy,
            errand => errand,
        }
    }
}

impl<'c, 'o> Copier<'c, 'o> {
    pub(super) fn new(
        source: &'c dyn Source,
        target: &'c dyn Target,
        root: &'c Descriptor,
        options: &'o mut CopyOptions<'_>,
    ) -> Self {
        Self {
            source,
            target,
            chooser: match &mut options.chooser {
                Some(chooser) => Some(&mut **chooser),
                None => None,
            },
            limits: &options.limits,
            root_state: options.root,
            force: options.force,
            gone: options.gone,
            reporter: Reporter::borrow(&mut options.observer),
            mount_from: options.mount_from.clone(),
            root,
            nodes: 0,
            metadata_bytes: 0,
            done: HashMap::new(),
            names: HashSet::new(),
            passed: None,
        }
    }

    pub(super) fn run(&mut self, reference: Option<&str>) -> Result<()> {
        let first = self.begin(reference)?;
        self.walk(first, 1, reference)
    }

    /// Copies what a manifest at some depth refers to, and then the manifest itself, with its name if there is a `reference`.
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
                let errand = frame.errand_for(&successor);
                if self.is_done(&successor, errand) {
                    continue;
                }
                let may_be_gone = frame.is_attached_to(&successor);
                let depth = depth + stack.len() as u64;
                let entered = self.enter(&successor, depth, errand);
                stack.extend(match entered {
                    Err(error) if may_be_gone => self.leave_out(&successor, error)?,
                    entered => entered?,
                });
            } else if let Some(frame) = stack.pop() {
                let reference = reference.filter(|_| stack.is_empty());
                stack.extend(self.leave(frame, reference)?);
            }
        }
        Ok(())
    }

    /// Copies the root if it is a leaf, names it if it is there, or opens it.
    fn begin(&mut self, reference: Option<&str>) -> Result<Option<Frame>> {
        let root = self.root;
        self.count(1)?;
        if !root.media_type.is_manifest() {
            let way = reference.map_or(Way::Push, Way::Tag);
            return self.copy_leaf(root, way).map(|()| None);
        }
        if self.root_state == RootState::New || !self.has(root)? {
            return self.open(root, 1, Errand::Copy).map(Some);
        }
        let Some(reference) = reference else {
            return self.found_root();
        };
        if self.name(root, reference)? {
            self.finish(root, Done::Found);
            self.reporter.report(Event::RootTagged(root))?;
            return Ok(None);
        }
        self.reporter.report(Event::Repairing(root))?;
        self.open(root, 1, Errand::Send).map(Some)
    }

    /// Names a manifest that the destination says it has, and says whether it has all that this refers to.
    fn name(&self, manifest: &Descriptor, reference: &str) -> Result<bool> {
        let mut bytes = ManifestOf {
            source: self.source,
            node: manifest,
            limit: self.limits.max_manifest_bytes,
        };
        let mut content = Blamed {
            content: &mut bytes,
            node: manifest,
        };
        match self
            .target
            .push_reference(manifest, &mut content, reference)
        {
            Ok(_) => Ok(true),
            Err(error) if is_about_missing_content(&error) => Ok(false),
            Err(error) => Err(at(Side::Destination, Operation::Tag, Some(manifest))(error)),
        }
    }

    /// Names the root, now that it is there with all that is to be copied.
    pub(super) fn name_root(&mut self, reference: &str) -> Result<()> {
        let root = self.root;
        if self.name(root, reference)? {
            return Ok(());
        }
        self.reporter.report(Event::Repairing(root))?;
        let frame = self.open(root, 1, Errand::Send)?;
        self.walk(Some(frame), 1, Some(reference))
    }

    /// Copies a leaf, or opens a manifest. The root is at depth 1.
    pub(super) fn enter(
        &mut self,
        node: &Descriptor,
        depth: u64,
        errand: Errand,
    ) -> Result<Option<Frame>> {
        self.count(depth)?;
        if !node.media_type.is_manifest() {
            return match errand {
                Errand::Copy if self.mount(node)? => Ok(()),
                Errand::Copy => self.copy_leaf(node, Way::Push),
                Errand::Send => self.copy_leaf(node, Way::PushAnew),
                Errand::Visit => Ok(()),
            }
            .map(|()| None);
        }
        if errand == Errand::Copy && self.has(node)? {
            return self.found(node, depth);
        }
        self.open(node, depth, errand).map(Some)
    }

    /// Leaves out what failed because the source does not have it, if that is wanted.
    pub(super) fn leave_out(&mut self, node: &Descriptor, error: Error) -> Result<Option<Frame>> {
        let is_gone = matches!(
            &error,
            Error::Copy { side: Side::Source, operation: Operation::Fetch, digest: Some(digest), .. }
                if digest == node.digest.as_str()
        ) && error.is_not_found();
        if !is_gone || self.gone == Gone::Fails {
            return Err(error);
        }
        self.reporter.report(Event::MissingSkipped(node))?;
        self.finish(node, Done::Found);
        Ok(None)
    }

    /// Whether the destination says that it has a manifest.
    fn has(&self, manifest: &Descriptor) -> Result<bool> {
        if self.force {
            return Ok(false);
        }
        self.target.exists(manifest).map_err(at(
            Side::Destination,
            Operation::Exists,
            Some(manifest),
        ))
    }

    /// Leaves a manifest alone that is there, unless there may be something attached to what it refers to.
    fn found(&mut self, node: &Descriptor, depth: u64) -> Result<Option<Frame>> {
        self.reporter.report(Event::Exists(node))?;
        if self.passed.is_some() {
            return self.open(node, depth, Errand::Visit).map(Some);
        }
        self.finish(node, Done::Found);
        Ok(None)
    }

    /// As [`found`](Self::found), for a root that gets no name.
    fn found_root(&mut self) -> Result<Option<Frame>> {
        let frame = self.found(self.root, 1)?;
        if frame.is_none() && !self.root.media_type.is_docker() {
            let manifest = self
                .source
                .fetch_manifest(self.root, self.limits.max_manifest_bytes)
                .map_err(at(Side::Source, Operation::Fetch, Some(self.root)))?;
            self.ensure_listed(&manifest)?;
        }
        Ok(frame)
    }

    /// Has the destination list a manifest that is there among the referrers of its subject, in case that an interrupted
    /// copy did not come so far.
    fn ensure_listed(&self, manifest: &RawManifest) -> Result<()> {
        let Some(target) = self.target.as_indexed() else {
            return Ok(());
        };
        target.ensure_listed(manifest).map_err(at(
            Side::Destination,
            Operation::Push,
            Some(manifest.descriptor()),
        ))
    }

    /// Reads a manifest, to find out what it refers to.
    fn open(&mut self, node: &Descriptor, depth: u64, errand: Errand) -> Result<Frame> {
        let is_first = !self.done.contains_key(&key(node));
        self.reporter.report(Event::FetchingManifest(node))?;
        self.count_metadata(node.size)?;
        let manifest = self
            .source
            .fetch_manifest(node, self.limits.max_manifest_bytes)
            .map_err(at(Side::Source, Operation::Fetch, Some(node)))?;
        let mut successors =
            manifest
                .successors()
                .map_err(at(Side::Source, Operation::Fetch, Some(node)))?;
        let mut referrer = None;
        if self.passed.is_some() || self.gone != Gone::Fails {
            referrer =
                Referrer::of(&manifest).map_err(at(Side::Source, Operation::Fetch, Some(node)))?;
        }
        if let Some(passed) = self.passed.as_mut().filter(|_| is_first) {
            passed.push_back((node.plain(), depth));
        }
        self.reporter.report(Event::FetchedManifest(node))?;
        if let Some(chooser) = &mut self.chooser {
            successors = chooser(&manifest, successors)?;
        }
        if errand == Errand::Visit {
            successors.retain(|successor| successor.media_type.is_manifest());
            self.finish(node, Done::Found);
        }
        let (foreign, successors): (Vec<_>, Vec<_>) = successors
            .into_iter()
            .partition(|successor| successor.media_type.is_foreign_layer());
        for layer in &foreign {
            self.reporter.report(Event::ForeignSkipped(layer))?;
        }
        Ok(Frame {
            manifest,
            descriptor: node.clone(),
            successors,
            next: 0,
            errand,
            referrer,
        })
    }

    /// Copies a manifest, now that all it refers to is there. If the destination misses some of that, the way through it
    /// begins once more.
    fn leave(&mut self, mut frame: Frame, reference: Option<&str>) -> Result<Option<Frame>> {
        if frame.errand == Errand::Visit {
            return self.ensure_listed(&frame.manifest).map(|()| None);
        }
        let mut bytes = frame.manifest.bytes();
        let way = reference.map_or(Way::Push, Way::Tag);
        match self.transfer(&frame.descriptor, &mut bytes, way) {
            Err(error) if frame.errand == Errand::Copy && is_about_missing_content(&error) => {
                self.reporter.report(Event::Repairing(&frame.descriptor))?;
                frame.next = 0;
                frame.errand = Errand::Send;
                return Ok(Some(frame));
            }
            pushed => self.report(&frame.descriptor, pushed?, &frame.successors)?,
        }
        self.settle(&frame.manifest)?;
        Ok(None)
    }

    /// Has the destination list a referrer before the batch ends. If this copy is interrupted, the next one finds that the
    /// manifest is there, and reads no manifest that is there unless it looks for what is attached to it.
    fn settle(&self, manifest: &RawManifest) -> Result<()> {
        let is_root = manifest.descriptor().digest == self.root.digest;
        if self.passed.is_some() || is_root || !matches!(Referrer::of(manifest), Ok(Some(_))) {
            return Ok(());
        }
        let error = at(
            Side::Destination,
            Operation::Push,
            Some(manifest.descriptor()),
        );
        match self.target.as_indexed() {
            Some(target) => target.sync().map_err(error),
            None => Ok(()),
        }
    }

    /// Takes a blob from another repository of the destination's registry, and says whether that was possible.
    fn mount(&mut self, node: &Descriptor) -> Result<bool> {
        let Some(from) = self.mount_from.clone() else {
            return Ok(false);
        };
        let mut content = Fetched::new(self.source, node);
        let mut content = Blamed {
            content: &mut content,
            node,
        };
        let mut observed = observed(&mut content, node, &mut self.reporter);
        let mount = self.target.mount(node, &mut observed, &from).map_err(at(
            Side::Destination,
            Operation::Push,
            Some(node),
        ))?;
        match mount {
            Mount::Mounted => {
                self.finish(node, Done::Found);
                self.reporter.report(Event::Mounted(node))?;
            }
            Mount::Pushed => self.report(node, Pushed::Stored, &[])?,
            Mount::Unsupported => self.mount_from = None,
        }
        Ok(mount != Mount::Unsupported)
    }

    fn copy_leaf(&mut self, node: &Descriptor, way: Way<'_>) -> Result<()> {
        let mut content = Fetched::new(self.source, node);
        let pushed = self.transfer(node, &mut content, way)?;
        self.report(node, pushed, &[])
    }

    fn transfer(
        &mut self,
        node: &Descriptor,
        content: &mut dyn Content,
        way: Way<'_>,
    ) -> Result<Pushed> {
        let target = self.target;
        let mut content = Blamed { content, node };
        let mut observed = observed(&mut content, node, &mut self.reporter);
        match way {
            Way::Push => target.push(node, &mut observed),
            Way::PushAnew => match target.as_indexed() {
                Some(target) => target.push_unchecked(node, &mut observed),
                None => target.push(node, &mut observed),
            }
            .map(|_| Pushed::Stored),
            Way::Tag(reference) => target.push_reference(node, &mut observed, reference),
        }
        .map_err(at(Side::Destination, Operation::Push, Some(node)))
    }

    /// Remembers and tells what became of content that was pushed.
    fn report(
        &mut self,
        node: &Descriptor,
        pushed: Pushed,
        successors: &[Descriptor],
    ) -> Result<()> {
        let (done, event) = match pushed {
            Pushed::Stored => (Done::Sent, Event::Transferred(node)),
            Pushed::AlreadyThere => (Done::Found, Event::Exists(node)),
        };
        self.finish(node, done);
        self.tell_repeated(successors)?;
        self.reporter.report(event)
    }

    /// Counts content that is handled at some depth.
    fn count(&mut self, depth: u64) -> Result<()> {
        let limits = self.limits;
        self.nodes += 1;
        self.check_bound(depth, limits.max_depth, "MaxDepth")?;
        self.check_bound(self.nodes, limits.max_nodes, "MaxNodes")
    }

    fn check_bound(&self, size: u64, limit: u64, limit_name: &'static str) -> Result<()> {
        if size <= limit {
            return Ok(());
        }
        Err(Error::TooLarge {
            what: format!("graph of {}", self.root.digest),
            size,
            limit,
            limit_name,
        })
    }

    /// Counts what is read, or held in memory, of manifests and of lists of them.
    pub(super) fn count_metadata(&mut self, bytes: u64) -> Result<()> {
        self.metadata_bytes = self.metadata_bytes.saturating_add(bytes);
        let limit = self.limits.max_metadata_bytes;
        self.check_bound(self.metadata_bytes, limit, "MaxTotalMetadataBytes")
    }

    /// Whether nothing has to be done about content.
    pub(super) fn is_done(&self, node: &Descriptor, errand: Errand) -> bool {
        match self.done.get(&key(node)) {
            None => false,
            Some(Done::Found) => errand != Errand::Send,
            Some(Done::Sent) => true,
        }
    }

    /// Remembers that content was handled under the name it has here.
    fn finish(&mut self, node: &Descriptor, done: Done) {
        self.done.insert(key(node), done);
        self.names.insert(name_of(node));
    }

    /// One event for each further name of content that was handled under another one.
    fn tell_repeated(&mut self, successors: &[Descriptor]) -> Result<()> {
        for successor in successors {
            if self.names.insert(name_of(successor)) {
                self.reporter.report(Event::Repeated(successor))?;
            }
        }
        Ok(())
    }
}

/// Content for the destination, reported when it is opened and read.
fn observed<'c, 'r, 'o>(
    content: &'c mut Blamed<'_>,
    descriptor: &'c Descriptor,
    reporter: &'r mut Reporter<'o>,
) -> ObservedContent<'c, 'r, 'o> {
    ObservedContent {
        content,
        descriptor,
        reporter,
        report_start: ReportStart::EachTime,
    }
}

fn name_of(node: &Descriptor) -> (Digest, Option<String>) {
    (node.digest.clone(), node.title().map(str::to_owned))
}

/// Whether a destination refuses a manifest because it does not have all that this refers to.
fn is_about_missing_content(error: &Error) -> bool {
    match error {
        // What the source does not have, nobody can send.
        Error::Copy {
            side: Side::Source, ..
        } => false,
        Error::Copy { source, .. } | Error::Context { source, .. } => {
            is_about_missing_content(source)
        }
        Error::Refused(refusal) => ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN"]
            .iter()
            .any(|code| refusal.has_code(code)),
        _ => false,
    }
}
