//! The files and streams that become layers.

use std::fmt;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::oci::MediaType;
use crate::text::json::Annotations;

/// A file or directory to push, or bytes in memory.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PushFile {
    /// The path of the file or directory. Ignored with [`content`](Self::content). A directory
    /// needs the feature `archive`.
    pub path: PathBuf,
    /// The content of a file that does not exist on disk.
    pub content: Option<Vec<u8>>,
    /// The title: the relative path, with `/` on every system, at which `pull` writes the file. By
    /// default the annotation `org.opencontainers.image.title`, or else the cleaned path. If that
    /// is absolute or leads out of the current directory, the default is the file name. A config
    /// has no title.
    pub title: Option<String>,
    /// The media type; by default that of a layer, and for a directory that of a compressed layer.
    pub media_type: Option<MediaType>,
    /// Annotations of the descriptor.
    pub annotations: Annotations,
}

impl PushFile {
    /// Creates a file with this title and content.
    ///
    /// ```
    /// use oras::push::{PushFile, PushOptions, push};
    /// use oras::store::memory::MemoryStore;
    ///
    /// let mut options = PushOptions::default();
    /// options.files = vec![PushFile::bytes("docs/hello.txt", "hello")];
    /// options.artifact_type = Some("application/vnd.example".into());
    /// options.config = Some(PushFile::bytes("", "{}"));
    /// push(&MemoryStore::new(), Some("v1"), options)?;
    /// # Ok::<(), oras::Error>(())
    /// ```
    pub fn bytes(title: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self {
            content: Some(content.into()),
            title: Some(title.into()),
            ..Self::default()
        }
    }

    pub(super) fn exists(&self) -> bool {
        self.content.is_some() || self.path.exists()
    }

    /// The number of bytes to read, or `None` if it is only known afterwards.
    pub(super) fn size(&self) -> Option<u64> {
        match &self.content {
            Some(content) => Some(content.len() as u64),
            None => fs::metadata(&self.path)
                .ok()
                .filter(fs::Metadata::is_file)
                .map(|metadata| metadata.len()),
        }
    }
}

impl<P: AsRef<Path>> From<P> for PushFile {
    fn from(path: P) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            ..Self::default()
        }
    }
}

/// A stream to push. It is read once, while it is sent.
#[non_exhaustive]
pub struct PushStream<'a> {
    /// Position among the layers, counted from 0. The files keep their order around it. A position
    /// beyond the last layer makes it the last.
    pub index: usize,
    /// The bytes of the layer.
    pub reader: Box<dyn Read + Send + 'a>,
    /// The title: see [`PushFile::title`]. By default the annotation
    /// `org.opencontainers.image.title`. Without one, `pull` writes no file for the layer.
    pub title: Option<String>,
    /// The media type; by default that of a layer.
    pub media_type: Option<MediaType>,
    /// Annotations of the descriptor.
    pub annotations: Annotations,
}

impl<'a> PushStream<'a> {
    /// Creates a stream that becomes the last layer. `pull` writes it to a file with this title, or
    /// nowhere if the title is empty.
    ///
    /// ```
    /// use oras::push::{PushOptions, PushStream, push};
    /// use oras::store::memory::MemoryStore;
    ///
    /// let mut options = PushOptions::default();
    /// options.streams = vec![PushStream::new("hello.txt", &b"hello"[..])];
    /// options.artifact_type = Some("application/vnd.example".into());
    /// push(&MemoryStore::new(), Some("v1"), options)?;
    /// # Ok::<(), oras::Error>(())
    /// ```
    pub fn new(title: impl Into<String>, reader: impl Read + Send + 'a) -> Self {
        Self {
            index: usize::MAX,
            reader: Box::new(reader),
            title: Some(title.into()).filter(|title| !title.is_empty()),
            media_type: None,
            annotations: Annotations::new(),
        }
    }
}

impl fmt::Debug for PushStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushStream")
            .field("index", &self.index)
            .field("title", &self.title)
            .field("media_type", &self.media_type)
            .field("annotations", &self.annotations)
            .finish_non_exhaustive()
    }
}
