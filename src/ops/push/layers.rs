//! The files and streams that become layers.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::oci::MediaType;
use crate::text::json::Annotations;

/// A file or directory to push.
#[derive(Clone, Debug, Default)]
pub struct PushFile {
    /// The path of the file or directory.
    pub path: PathBuf,
    /// The media type; by default that of a layer, and for a directory that of a compressed layer.
    pub media_type: Option<MediaType>,
    /// Annotations of the descriptor. Without a title among them, the title is the cleaned path.
    pub annotations: Annotations,
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
pub struct PushStream<'a> {
    /// Position among the layers, counted from 0. The files keep their order around it. A position
    /// beyond the last layer makes it the last.
    pub index: usize,
    /// The bytes of the layer.
    pub reader: Box<dyn Read + Send + 'a>,
    /// The media type; by default that of a layer.
    pub media_type: Option<MediaType>,
    /// Annotations of the descriptor. Without a title among them, `pull` writes no file for it.
    pub annotations: Annotations,
}

impl fmt::Debug for PushStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushStream")
            .field("index", &self.index)
            .field("media_type", &self.media_type)
            .field("annotations", &self.annotations)
            .finish_non_exhaustive()
    }
}
