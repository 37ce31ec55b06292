//! Selection of the files of an artifact.

use std::collections::HashSet;
use std::path::PathBuf;

use crate::error::Result;
use crate::oci::{Descriptor, Digest, MediaType, RawManifest, TITLE, UNPACK};
use crate::ops::copy::Selection;
use crate::ops::filter::Filter;
use crate::store::FileStore;

/// The result of a pull.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pulled {
    /// The manifest or index.
    pub root: Descriptor,
    /// The files and directories that were written, in the order of the layers. A config with a
    /// title comes first; the files of a subject come before those of what is attached to it.
    pub files: Vec<PulledFile>,
    /// Whether selected content was skipped because it has no title.
    pub skipped_unnamed: bool,
    /// The titles that the filter rejects.
    pub unselected: Vec<String>,
    /// Descriptions of content with a title that was skipped: layers that registries do not
    /// distribute, and entries of directories that are neither file, directory nor link.
    pub left_out: Vec<String>,
}

/// A file or directory that was pulled.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PulledFile {
    /// The absolute path.
    pub path: PathBuf,
    /// The descriptor of the content.
    pub descriptor: Descriptor,
    /// Whether the file existed with this content, so that it was neither downloaded nor written.
    pub is_reused: bool,
}

impl PulledFile {
    const fn new(path: PathBuf, descriptor: Descriptor) -> Self {
        Self {
            path,
            descriptor,
            is_reused: false,
        }
    }
}

/// Selects the files of an artifact, and collects what [`Pulled`] reports.
pub(super) struct FileSelector<'s> {
    pub(super) store: &'s FileStore,
    pub(super) include_subject: bool,
    pub(super) filter: Filter,
    pub(super) unnamed: bool,
    pub(super) config: Option<(String, Option<MediaType>)>,
    /// Content that is written to a file named after its digest.
    pub(super) digest_named: HashSet<Digest>,
    /// The subject that is selected next, and the position of its files: before those of the
    /// artifact that is attached to it.
    pub(super) subject: Option<(Digest, usize)>,
    pub(super) pulled: Pulled,
}

impl FileSelector<'_> {
    /// Selects the successors of a manifest that have a title, and manifests, which may lead to
    /// them.
    pub(super) fn select(&mut self, manifest: &RawManifest) -> Result<Selection> {
        let is_docker = manifest.descriptor().media_type.is_docker();
        let view = manifest.view()?;
        let subject = view
            .subject()
            .filter(|_| self.include_subject && !is_docker);
        let mut selection = Selection::default();
        let digest = &manifest.descriptor().digest;
        let first_file = match self.subject.take_if(|(subject, _)| subject == digest) {
            Some((_, position)) => position,
            None => self.pulled.files.len(),
        };
        self.subject = subject.map(|subject| (subject.digest.clone(), first_file));
        let mut next_file = first_file;
        for node in subject.into_iter().chain(view.entries()) {
            let digest_named = self.name_by_digest(node);
            let is_digest_named = digest_named.is_some();
            let named = digest_named.unwrap_or_else(|| node.clone());
            let Some(named) = self.select_node(named, &mut selection) else {
                continue;
            };
            if let Some(title) = named.title() {
                let path = self.store.path_of(title);
                // A digest names the same file however often the content occurs.
                if !is_digest_named || self.digest_named.insert(node.digest.clone()) {
                    let file = PulledFile::new(path, node.clone());
                    self.pulled.files.insert(next_file, file);
                    next_file += 1;
                }
            }
            selection.successors.push(named);
        }
        if let Some(config) = view.config().cloned() {
            let renamed = self.named_config(&config);
            let is_selectable = config.title().is_some()
                || renamed.is_none() && !config.is_same_bytes(&Descriptor::empty());
            selection.successors.extend(renamed);
            if is_selectable && let Some(config) = self.select_node(config, &mut selection) {
                if let Some(title) = config.title() {
                    let path = self.store.path_of(title);
                    // The config is the first successor of a manifest.
                    let file = PulledFile::new(path, config.clone());
                    self.pulled.files.insert(first_file, file);
                }
                selection.successors.push(config);
            }
        }
        if !self.store.writes_files() {
            let successors = &mut selection.successors;
            successors.retain(|node| node.media_type.is_manifest());
            for manifest in successors {
                manifest.annotations.remove(TITLE);
            }
        }
        Ok(selection)
    }

    /// Returns a layer without a title, titled with its digest, if the options ask for such layers.
    fn name_by_digest(&self, node: &Descriptor) -> Option<Descriptor> {
        if !self.unnamed
            || node.title().is_some()
            || node.media_type.is_manifest()
            || node.is_same_content(&Descriptor::empty())
        {
            return None;
        }
        let mut node = node.clone();
        let name = digest_file_name(&node.digest);
        node.annotations.insert(TITLE.to_owned(), name);
        // The entries of the archive start with the name of the directory, which is not known.
        node.annotations.remove(UNPACK);
        Some(node)
    }

    /// Returns a node that has a title and passes the filter, or is a manifest. Other nodes are
    /// added to the skipped ones, except empty content and nodes that the filter rejects.
    fn select_node(
        &mut self,
        mut node: Descriptor,
        selection: &mut Selection,
    ) -> Option<Descriptor> {
        if node.title().is_none() && node.is_same_content(&Descriptor::empty()) {
            return None;
        }
        let is_manifest = node.media_type.is_manifest();
        if !self.filter.selects(node.title().unwrap_or_default(), &node) {
            self.pulled
                .unselected
                .extend(node.annotations.remove(TITLE));
            return Some(node).filter(|_| is_manifest);
        }
        match node.title() {
            Some(title) if node.media_type.is_foreign_layer() => {
                self.pulled.left_out.push(format!(
                    "{title} is a layer that registries do not distribute"
                ));
            }
            Some(_) => return Some(node),
            None => {
                // With a filter or `unnamed`, the user expects that not everything is a file.
                self.pulled.skipped_unnamed |=
                    !self.unnamed && (self.filter.is_empty() || !is_manifest);
                if is_manifest {
                    return Some(node);
                }
            }
        }
        selection.skipped.push(node);
        None
    }

    /// Returns the config with the title that the options give it. Only the first config of the
    /// right media type gets it.
    fn named_config(&mut self, config: &Descriptor) -> Option<Descriptor> {
        let has_media_type = |(_, media_type): &mut (String, Option<MediaType>)| {
            media_type
                .as_ref()
                .is_none_or(|media_type| *media_type == config.media_type)
        };
        let (name, _) = self.config.take_if(has_media_type)?;
        let mut config = config.clone();
        config.annotations.insert(TITLE.to_owned(), name);
        Some(config)
    }
}

/// The name of a file that is named after its digest. Not every file system allows a colon in
/// names; referrers tags are built the same way.
pub(crate) fn digest_file_name(digest: &Digest) -> String {
    format!("{}-{}", digest.algorithm(), digest.encoded())
}
