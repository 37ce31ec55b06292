//! The walk through one graph: what is copied when, and what is told about it.
//!
//! It is a loop over a stack, not a recursion: how deep a graph goes is for a limit to decide, not for the memory of a thread.

use std::collections::{HashMap, HashSet};

use super::content::{Announced, Blamed, ManifestOf};
use super::{CopyOptions, Event, Observer, RootState, at};
use crate::content::Content;
use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::error::{Error, Operation, Result, Side};
use crate::manifest::RawManifest;
use crate::reference::RepositoryName;
use crate::store::{Fetched, Mount, Pushed, Source, Target};

/// A copy under way.
pub(super) struct Copier<'c, 'o, 'a> {
    source: &'c dyn Source,
    target: &'c dyn Target,
    options: &'o mut CopyOptions<'a>,
    root: &'c Descriptor,
    /// How many pieces of content were handled so far.
    nodes: u64,
    /// How much the manifests have that were read so far.
    metadata_bytes: u64,
    /// Where blobs can be mounted from, as long as that works.
    mount_from: Option<RepositoryName>,
    done: HashMap<Key, Done>,
    /// Under which names content was handled.
    names: HashSet<(Digest, Option<String>)>,
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

/// Whether the destination is believed when it says what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claims {
    Believed,
    /// It turned out to miss something.
    Doubted,
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
struct Frame {
    manifest: RawManifest,
    /// As the parent refers to it, annotations included.
    descriptor: Descriptor,
    successors: Vec<Descriptor>,
    next: usize,
    claims: Claims,
}

impl<'c, 'o, 'a> Copier<'c, 'o, 'a> {
    pub(super) fn new(
        source: &'c dyn Source,
        target: &'c dyn Target,
        root: &'c Descriptor,
        options: &'o mut CopyOptions<'a>,
    ) -> Self {
        Self {
            source,
            target,
            mount_from: options.mount_from.clone(),
            options,
            root,
            nodes: 0,
            metadata_bytes: 0,
            done: HashMap::new(),
            names: HashSet::new(),
        }
    }

    pub(super) fn run(&mut self, reference: Option<&str>) -> Result<()> {
        let mut stack = Vec::new();
        stack.extend(self.begin(self.root, reference)?);
        while let Some(frame) = stack.last_mut() {
            if let Some(successor) = frame.successors.get(frame.next).cloned() {
                frame.next += 1;
                let claims = frame.claims;
                if self.is_done(&successor, claims) {
                    continue;
                }
                let depth = stack.len() as u64 + 1;
                stack.extend(self.enter(&successor, depth, claims)?);
            } else if let Some(frame) = stack.pop() {
                let reference = reference.filter(|_| stack.is_empty());
                stack.extend(self.leave(frame, reference)?);
            }
        }
        Ok(())
    }

    /// Copies the root if it is a leaf, names it if it is there, or opens it.
    fn begin(&mut self, root: &Descriptor, reference: Option<&str>) -> Result<Option<Frame>> {
        self.count(1)?;
        if !root.media_type.is_manifest() {
            let way = reference.map_or(Way::Push, Way::Tag);
            return self.copy_leaf(root, way).map(|()| None);
        }
        if self.options.root == RootState::New || !self.has(root)? {
            return self.open(root, Claims::Believed).map(Some);
        }
        let Some(reference) = reference else {
            return self.found(root).map(|()| None);
        };
        let mut manifest = ManifestOf {
            source: self.source,
            node: root,
            limit: self.options.limits.max_manifest_bytes,
        };
        let mut content = Blamed {
            content: &mut manifest,
            node: root,
        };
        match self.target.push_tagged(root, &mut content, reference) {
            Ok(_) => {
                self.finish(root, Done::Found);
                self.tell(Event::Named(root))?;
                Ok(None)
            }
            Err(error) if is_about_missing_content(&error) => {
                self.tell(Event::Repairing(root))?;
                self.open(root, Claims::Doubted).map(Some)
            }
            Err(error) => Err(at(Side::Destination, Operation::Tag, Some(root))(error)),
        }
    }

    /// Copies a leaf, or opens a manifest that is not at the destination yet. The root is at depth 1.
    fn enter(&mut self, node: &Descriptor, depth: u64, claims: Claims) -> Result<Option<Frame>> {
        self.count(depth)?;
        if !node.media_type.is_manifest() {
            return match claims {
                Claims::Believed if self.mount(node)? => Ok(()),
                Claims::Believed => self.copy_leaf(node, Way::Push),
                Claims::Doubted => self.copy_leaf(node, Way::PushAnew),
            }
            .map(|()| None);
        }
        if claims == Claims::Believed && self.has(node)? {
            return self.found(node).map(|()| None);
        }
        self.open(node, claims).map(Some)
    }

    /// Whether the destination says that it has a manifest.
    fn has(&self, manifest: &Descriptor) -> Result<bool> {
        if self.options.force {
            return Ok(false);
        }
        self.target.exists(manifest).map_err(at(
            Side::Destination,
            Operation::Exists,
            Some(manifest),
        ))
    }

    fn found(&mut self, node: &Descriptor) -> Result<()> {
        self.finish(node, Done::Found);
        self.tell(Event::Existed(node))
    }

    /// Reads a manifest, to find out what it refers to.
    fn open(&mut self, node: &Descriptor, claims: Claims) -> Result<Frame> {
        self.tell(Event::Examining(node))?;
        self.metadata_bytes = self.metadata_bytes.saturating_add(node.size);
        let limit = self.options.limits.max_metadata_bytes;
        self.check_bound(self.metadata_bytes, limit, "MaxTotalMetadataBytes")?;
        let manifest = self
            .source
            .fetch_manifest(node, self.options.limits.max_manifest_bytes)
            .map_err(at(Side::Source, Operation::Fetch, Some(node)))?;
        let mut successors =
            manifest
                .successors()
                .map_err(at(Side::Source, Operation::Fetch, Some(node)))?;
        self.tell(Event::Examined(node))?;
        if let Some(chooser) = self.options.chooser.as_deref_mut() {
            successors = chooser(&manifest, successors)?;
        }
        let (foreign, successors): (Vec<_>, Vec<_>) = successors
            .into_iter()
            .partition(|successor| successor.media_type.is_foreign_layer());
        for layer in &foreign {
            self.tell(Event::Foreign(layer))?;
        }
        Ok(Frame {
            manifest,
            descriptor: node.clone(),
            successors,
            next: 0,
            claims,
        })
    }

    /// Copies a manifest, now that all it refers to is there. If the destination misses some of that, the way through it
    /// begins once more.
    fn leave(&mut self, mut frame: Frame, reference: Option<&str>) -> Result<Option<Frame>> {
        let mut bytes = frame.manifest.bytes();
        let way = reference.map_or(Way::Push, Way::Tag);
        match self.transfer(&frame.descriptor, &mut bytes, way) {
            Err(error) if frame.claims == Claims::Believed && is_about_missing_content(&error) => {
                self.tell(Event::Repairing(&frame.descriptor))?;
                frame.next = 0;
                frame.claims = Claims::Doubted;
                return Ok(Some(frame));
            }
            pushed => self.report(&frame.descriptor, pushed?, &frame.successors)?,
        }
        Ok(None)
    }

    /// Takes a blob from another repository of the destination's registry, and says whether that was possible.
    fn mount(&mut self, node: &Descriptor) -> Result<bool> {
        let Some(from) = self.mount_from.clone() else {
            return Ok(false);
        };
        let target = self.target;
        let mut content = Fetched::new(self.source, node);
        let mut announced = self.announced(node, &mut content);
        let mount = target.mount(node, &mut announced, &from).map_err(at(
            Side::Destination,
            Operation::Push,
            Some(node),
        ))?;
        match mount {
            Mount::Mounted => {
                self.finish(node, Done::Found);
                self.tell(Event::Mounted(node))?;
            }
            Mount::Pushed => self.report(node, Pushed::Stored, &[])?,
            Mount::Unsupported => self.mount_from = None,
        }
        Ok(mount != Mount::Unsupported)
    }

    fn announced<'x>(
        &'x mut self,
        node: &'x Descriptor,
        content: &'x mut dyn Content,
    ) -> Announced<'x> {
        let observer = self.options.observer.as_deref_mut();
        Announced {
            content: Blamed { content, node },
            observer: observer.map(|observer| observer as &mut Observer<'_>),
        }
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
        let mut announced = self.announced(node, content);
        match way {
            Way::Push => target.push(node, &mut announced),
            Way::PushAnew => target
                .push_anew(node, &mut announced)
                .map(|_| Pushed::Stored),
            Way::Tag(reference) => target.push_tagged(node, &mut announced, reference),
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
            Pushed::Stored => (Done::Sent, Event::Copied(node)),
            Pushed::AlreadyThere => (Done::Found, Event::Existed(node)),
        };
        self.finish(node, done);
        self.tell_repeated(successors)?;
        self.tell(event)
    }

    /// Counts content that is handled at some depth.
    fn count(&mut self, depth: u64) -> Result<()> {
        let limits = &self.options.limits;
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

    /// Whether nothing has to be done about content, as far as the destination is believed.
    fn is_done(&self, node: &Descriptor, claims: Claims) -> bool {
        match self.done.get(&key(node)) {
            None => false,
            Some(Done::Found) => claims == Claims::Believed,
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
                self.tell(Event::Repeated(successor))?;
            }
        }
        Ok(())
    }

    fn tell(&mut self, event: Event<'_>) -> Result<()> {
        match self.options.observer.as_deref_mut() {
            Some(observer) => observer(event),
            None => Ok(()),
        }
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
