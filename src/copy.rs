//! Copying graphs between any two stores: children before parents, each content once, sequentially.
//!
//! This module names no store. What it does is told to an observer as it happens.

use std::collections::HashSet;
use std::io::{self, Cursor, Read};

use crate::content::{Content, VerifyReader};
use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::error::{Error, Operation, Result, Side};
use crate::graph::Resolved;
use crate::limits;
use crate::manifest::RawManifest;
use crate::platform::Platform;
use crate::store::{Fetched, Pushed, Source, Target};

/// How much a graph may make a copy read, hold and walk. The defaults fit any graph that was not made to do harm.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one manifest: [`MAX_MANIFEST_BYTES`](limits::MAX_MANIFEST_BYTES).
    pub max_manifest_bytes: u64,
    /// Bytes of all manifests that are read, together: [`MAX_METADATA_BYTES`](limits::MAX_METADATA_BYTES).
    pub max_metadata_bytes: u64,
    /// Pieces of content: [`MAX_NODES`](limits::MAX_NODES).
    pub max_nodes: u64,
    /// Levels, from the root to the content that is farthest from it: [`MAX_GRAPH_DEPTH`](limits::MAX_GRAPH_DEPTH).
    pub max_depth: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_manifest_bytes: limits::MAX_MANIFEST_BYTES,
            max_metadata_bytes: limits::MAX_METADATA_BYTES,
            max_nodes: limits::MAX_NODES,
            max_depth: limits::MAX_GRAPH_DEPTH,
        }
    }
}

/// What happens during a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A manifest is about to be read, to find out what it refers to.
    Examining(&'a Descriptor),
    /// It was read; what it refers to comes next.
    Examined(&'a Descriptor),
    /// Content is about to be transferred.
    Started(&'a Descriptor),
    /// Content was transferred.
    Copied(&'a Descriptor),
    /// Content was at the destination already, and with it all it refers to.
    Existed(&'a Descriptor),
    /// The root was at the destination already, and with it all it refers to; now it has the name asked for.
    Named(&'a Descriptor),
    /// Content that was handled before is referred to again, under another name.
    Repeated(&'a Descriptor),
    /// A layer that registries do not distribute was left out.
    Foreign(&'a Descriptor),
}

/// What is told about a copy. An error stops the copy.
pub type Observer<'a> = dyn FnMut(Event<'_>) -> Result<()> + 'a;

/// Chooses what a manifest refers to, for this copy. It gets the manifest and what it refers to by itself.
pub type Chooser<'a> = dyn FnMut(&RawManifest, Vec<Descriptor>) -> Result<Vec<Descriptor>> + 'a;

/// How a copy is done.
pub struct CopyOptions<'a> {
    /// Is told what happens.
    pub observer: Option<&'a mut Observer<'a>>,
    /// Changes what manifests refer to.
    pub chooser: Option<&'a mut Chooser<'a>>,
    /// Which manifest of an index [`copy`] copies. Without it the whole index is.
    pub platform: Option<Platform>,
    /// How much the graph may be.
    pub limits: Limits,
    /// What is known about the root at the destination.
    pub root: RootState,
}

impl Default for CopyOptions<'_> {
    fn default() -> Self {
        Self {
            observer: None,
            chooser: None,
            platform: None,
            limits: Limits::default(),
            root: RootState::Unknown,
        }
    }
}

/// What is known about the root at the destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RootState {
    /// Nothing: the destination is asked.
    #[default]
    Unknown,
    /// It cannot be there, because it was just made. Saves a request.
    New,
}

/// Copies what `reference` names in `source`, with all it refers to, and names it `target_reference` in `target`; without
/// that it can be found by its digest.
///
/// ```
/// use oras::copy::{self, CopyOptions};
/// use oras::memory::MemoryStore;
/// use oras::store::{Source, Target};
/// use oras::{Descriptor, MediaType};
///
/// let (from, to) = (MemoryStore::new(), MemoryStore::new());
/// let blob = Descriptor::of(MediaType::OCTET_STREAM, b"hello");
/// from.push_tagged(&blob, &mut &b"hello"[..], "v1")?;
/// copy::copy(&from, "v1", &to, Some("v2"), &mut CopyOptions::default())?;
/// assert_eq!(to.resolve("v2")?.digest, blob.digest);
/// # Ok::<(), oras::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Copy`], which says on which side what failed, with the cause; [`Error::NotFound`] among the causes when nothing
/// has that name or is for the platform. Otherwise those of [`copy_graph`].
pub fn copy(
    source: &dyn Source,
    reference: &str,
    target: &dyn Target,
    target_reference: Option<&str>,
    options: &mut CopyOptions<'_>,
) -> Result<Descriptor> {
    let limit = options.limits.max_manifest_bytes;
    let source = match &options.platform {
        None => Resolved::new(source, reference, limit),
        Some(platform) => Resolved::for_platform(source, reference, platform, limit),
    }
    .map_err(at(Side::Source, Operation::Resolve, None))?;
    copy_graph(&source, target, source.root(), target_reference, options)?;
    Ok(source.root().clone())
}

/// Copies `root` with all it refers to, and names it if there is a `reference`.
///
/// # Errors
///
/// [`Error::Copy`], which says on which side what failed, with the cause; [`Error::TooLarge`] when the graph exceeds one of
/// the [`Limits`]; and what the observer or the chooser returns. What was copied until then stays.
pub fn copy_graph(
    source: &dyn Source,
    target: &dyn Target,
    root: &Descriptor,
    reference: Option<&str>,
    options: &mut CopyOptions<'_>,
) -> Result<()> {
    let mut copier = Copier {
        source,
        target,
        options,
        root,
        nodes: 0,
        metadata_bytes: 0,
        done: HashSet::new(),
        names: HashSet::new(),
    };
    copier.run(reference)
}

struct Copier<'c, 'o, 'a> {
    source: &'c dyn Source,
    target: &'c dyn Target,
    options: &'o mut CopyOptions<'a>,
    root: &'c Descriptor,
    /// How many pieces of content were handled so far.
    nodes: u64,
    /// How much the manifests have that were read so far.
    metadata_bytes: u64,
    done: HashSet<Key>,
    /// Under which names content was handled.
    names: HashSet<(Digest, Option<String>)>,
}

/// What makes content the same: stores may keep manifests and blobs apart, so one digest can be both.
type Key = (Digest, bool);

fn key(node: &Descriptor) -> Key {
    (node.digest.clone(), node.media_type.is_manifest())
}

/// A manifest whose successors are being copied.
struct Frame {
    manifest: RawManifest,
    /// As the parent refers to it, annotations included.
    descriptor: Descriptor,
    successors: Vec<Descriptor>,
    next: usize,
}

impl Copier<'_, '_, '_> {
    fn run(&mut self, reference: Option<&str>) -> Result<()> {
        let mut stack = Vec::new();
        match self.enter(self.root, reference, 1)? {
            Some(frame) => stack.push(frame),
            None => return Ok(()),
        }
        while let Some(frame) = stack.last_mut() {
            if let Some(successor) = frame.successors.get(frame.next).cloned() {
                frame.next += 1;
                if self.done.contains(&key(&successor)) {
                    continue;
                }
                let depth = stack.len() as u64 + 1;
                if let Some(frame) = self.enter(&successor, None, depth)? {
                    stack.push(frame);
                }
            } else if let Some(frame) = stack.pop() {
                let reference = reference.filter(|_| stack.is_empty());
                self.leave(&frame, reference)?;
            }
        }
        Ok(())
    }

    /// Copies a leaf, or opens a manifest that is not at the destination yet. The root is at depth 1.
    fn enter(
        &mut self,
        node: &Descriptor,
        reference: Option<&str>,
        depth: u64,
    ) -> Result<Option<Frame>> {
        let limits = &self.options.limits;
        self.nodes += 1;
        self.check_bound(depth, limits.max_depth, "MaxDepth")?;
        self.check_bound(self.nodes, limits.max_nodes, "MaxNodes")?;
        if !node.media_type.is_manifest() {
            let mut content = Fetched::new(self.source, node);
            self.transfer(node, &mut content, reference, &[])?;
            return Ok(None);
        }
        let is_new = depth == 1 && self.options.root == RootState::New;
        if !is_new
            && self.target.exists(node).map_err(at(
                Side::Destination,
                Operation::Exists,
                Some(node),
            ))?
        {
            self.finish(node);
            match reference {
                Some(reference) => {
                    let mut manifest = ManifestOf {
                        source: self.source,
                        node,
                        limit: self.options.limits.max_manifest_bytes,
                    };
                    let mut content = Blamed {
                        content: &mut manifest,
                        node,
                    };
                    self.target
                        .push_tagged(node, &mut content, reference)
                        .map_err(at(Side::Destination, Operation::Tag, Some(node)))?;
                    self.tell(Event::Named(node))?;
                }
                None => self.tell(Event::Existed(node))?,
            }
            return Ok(None);
        }
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
        Ok(Some(Frame {
            manifest,
            descriptor: node.clone(),
            successors,
            next: 0,
        }))
    }

    /// Copies a manifest, now that all it refers to is there.
    fn leave(&mut self, frame: &Frame, reference: Option<&str>) -> Result<()> {
        let mut bytes = frame.manifest.bytes();
        self.transfer(&frame.descriptor, &mut bytes, reference, &frame.successors)
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

    /// Remembers that content was handled under the name it has here.
    fn finish(&mut self, node: &Descriptor) {
        self.done.insert(key(node));
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

    fn transfer(
        &mut self,
        node: &Descriptor,
        content: &mut dyn Content,
        reference: Option<&str>,
        successors: &[Descriptor],
    ) -> Result<()> {
        let target = self.target;
        let mut announced = Announced {
            content: Blamed { content, node },
            copier: self,
        };
        let pushed = match reference {
            Some(reference) => target.push_tagged(node, &mut announced, reference),
            None => target.push(node, &mut announced),
        };
        let pushed = pushed.map_err(at(Side::Destination, Operation::Push, Some(node)))?;
        self.finish(node);
        self.tell_repeated(successors)?;
        match pushed {
            Pushed::Stored => self.tell(Event::Copied(node)),
            Pushed::AlreadyThere => self.tell(Event::Existed(node)),
        }
    }

    fn tell(&mut self, event: Event<'_>) -> Result<()> {
        match self.options.observer.as_deref_mut() {
            Some(observer) => observer(event),
            None => Ok(()),
        }
    }
}

/// Content that tells when it is needed: a destination opens it only if it does not have it.
struct Announced<'x, 'c, 'o, 'a> {
    content: Blamed<'x>,
    copier: &'x mut Copier<'c, 'o, 'a>,
}

impl Announced<'_, '_, '_, '_> {
    fn announce(&mut self) -> Result<()> {
        self.copier.tell(Event::Started(self.content.node))
    }
}

impl Content for Announced<'_, '_, '_, '_> {
    fn open(&mut self) -> Result<Box<dyn Read + '_>> {
        self.announce()?;
        self.content.open()
    }

    fn open_verified(&mut self, expected: &Descriptor) -> Result<VerifyReader<'_>> {
        self.announce()?;
        self.content.open_verified(expected)
    }
}

/// A manifest of the source, read only if it is needed.
struct ManifestOf<'x> {
    source: &'x dyn Source,
    node: &'x Descriptor,
    limit: u64,
}

impl Content for ManifestOf<'_> {
    fn open(&mut self) -> Result<Box<dyn Read + '_>> {
        let manifest = self.source.fetch_manifest(self.node, self.limit)?;
        Ok(Box::new(Cursor::new(manifest.into_bytes())))
    }
}

/// Content whose failures are the source's, even when they show only while the destination reads it.
struct Blamed<'x> {
    content: &'x mut dyn Content,
    node: &'x Descriptor,
}

impl Blamed<'_> {
    fn blame(node: &Descriptor) -> impl Fn(Error) -> Error + '_ {
        move |error| at(Side::Source, Operation::Fetch, Some(node))(error)
    }
}

impl Content for Blamed<'_> {
    fn open(&mut self) -> Result<Box<dyn Read + '_>> {
        let inner = self.content.open().map_err(Self::blame(self.node))?;
        Ok(Box::new(BlamedReader(inner, self.node)))
    }

    fn open_verified(&mut self, expected: &Descriptor) -> Result<VerifyReader<'_>> {
        let blame = Self::blame(self.node);
        match self.content.open_verified(expected) {
            Ok(reader) => Ok(reader.explaining(blame)),
            Err(error) => Err(blame(error)),
        }
    }
}

struct BlamedReader<'x>(Box<dyn Read + 'x>, &'x Descriptor);

impl Read for BlamedReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| {
            if error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            let error = Error::io("read", self.1.digest.as_str())(error);
            Blamed::blame(self.1)(error).into_io()
        })
    }
}

fn name_of(node: &Descriptor) -> (Digest, Option<String>) {
    (node.digest.clone(), node.title().map(str::to_owned))
}

/// Says which side failed, doing what, unless something deeper said so already.
fn at(side: Side, operation: Operation, node: Option<&Descriptor>) -> impl FnOnce(Error) -> Error {
    move |error| match error {
        error @ Error::Copy { .. } => error,
        error => Error::Copy {
            side,
            operation,
            descriptor: node.map(|node| Box::new(node.plain())),
            source: Box::new(error),
        },
    }
}
