//! Copying graphs between any two stores: children before parents, each content once, sequentially.
//!
//! A destination that has a manifest is taken to have all it refers to. Where it turns out that it has not, by refusing a
//! manifest that refers to it, what was not sent yet is sent once, without asking again what is there.
//!
//! This module names no store. What it does is told to an observer as it happens.

use std::collections::{HashMap, HashSet};
use std::io::{self, Cursor, Read};

use crate::content::{Content, VerifyReader};
use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::error::{Error, Operation, Result, Side};
use crate::graph::Resolved;
use crate::manifest::{MAX_MANIFEST_BYTES, RawManifest};
use crate::platform::Platform;
use crate::reference::RepositoryName;
use crate::store::{Fetched, Mount, Pushed, Source, Target};

/// How much a graph may make a copy read, hold and walk. The defaults fit any graph that was not made to do harm.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one manifest: [`MAX_MANIFEST_BYTES`].
    pub max_manifest_bytes: u64,
    /// Bytes of all manifests that are read, together: [`MAX_METADATA_BYTES`](Self::MAX_METADATA_BYTES).
    pub max_metadata_bytes: u64,
    /// Pieces of content: [`MAX_NODES`](Self::MAX_NODES).
    pub max_nodes: u64,
    /// Levels, from the root to the content that is farthest from it: [`MAX_DEPTH`](Self::MAX_DEPTH).
    pub max_depth: u64,
}

impl Limits {
    /// 64 MiB: tens of thousands of usual manifests. A pull holds them in memory, and so does a copy what they refer to.
    pub const MAX_METADATA_BYTES: u64 = 64 << 20;
    /// One million: what was handled is held in memory, so that it is handled once.
    pub const MAX_NODES: u64 = 1_000_000;
    /// 100: real graphs have three or four levels, one without end has more.
    pub const MAX_DEPTH: u64 = 100;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_manifest_bytes: MAX_MANIFEST_BYTES,
            max_metadata_bytes: Self::MAX_METADATA_BYTES,
            max_nodes: Self::MAX_NODES,
            max_depth: Self::MAX_DEPTH,
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
    /// A blob was taken from another repository of the destination's registry.
    Mounted(&'a Descriptor),
    /// Content was at the destination already, and with it all it refers to.
    Existed(&'a Descriptor),
    /// The root was at the destination already, and with it all it refers to; now it has the name asked for.
    Named(&'a Descriptor),
    /// Content that was handled before is referred to again, under another name.
    Repeated(&'a Descriptor),
    /// A layer that registries do not distribute was left out.
    Foreign(&'a Descriptor),
    /// The destination misses something that this manifest refers to, though it said that it had it. What was not sent
    /// before is sent now.
    Repairing(&'a Descriptor),
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
    /// Where blobs can be mounted from: the repository that the source is, if it is one of the same registry as the
    /// destination. Set this if both are used with the same credentials; what cannot be mounted is transferred.
    pub mount_from: Option<RepositoryName>,
    /// Manifests count as absent at the destination: the whole graph is walked, and they are sent again. It mends what a
    /// destination lost without noticing.
    pub force: bool,
}

impl Default for CopyOptions<'_> {
    fn default() -> Self {
        Self {
            observer: None,
            chooser: None,
            platform: None,
            limits: Limits::default(),
            root: RootState::Unknown,
            mount_from: None,
            force: false,
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
    Copier::new(source, target, root, options).run(reference)
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
    fn new(
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

    fn run(&mut self, reference: Option<&str>) -> Result<()> {
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
        let mut announced = Announced {
            content: Blamed {
                content: &mut content,
                node,
            },
            copier: self,
        };
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
        let mut announced = Announced {
            content: Blamed { content, node },
            copier: self,
        };
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
