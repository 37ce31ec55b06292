//! Directories that are added as archives.

use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use super::FileStore;
use super::spool::SpoolWriter;
use crate::archive::{self, PackOptions, Times};
use crate::error::{Error, IoOp, Result};
use crate::fs::BUFFER_BYTES;
use crate::oci::{CONTENT_DIGEST, Descriptor, HashingWriter, MediaType, UNPACK};

impl FileStore {
    /// Sets the times that archives of added directories record.
    pub(crate) fn set_archive_times(&mut self, times: Times) {
        self.archive_times = times;
    }

    pub(super) fn add_directory(
        &self,
        title: &str,
        name: &str,
        media_type: MediaType,
        path: &Path,
    ) -> Result<Descriptor> {
        let (file, start) = self.take_spool(&format!("the archive of {title}"))?;
        let spool = SpoolWriter {
            file: Arc::clone(&file),
            directory: &self.temporary,
        };
        let buffered = BufWriter::with_capacity(BUFFER_BYTES, spool);
        let mut out = HashingWriter::new(buffered);
        let options = PackOptions {
            times: self.archive_times,
        };
        let tar_digest = archive::pack_named(path, title, name, &options, &mut out)?;
        out.flush()
            .map_err(Error::io(IoOp::Write, &self.temporary))?;
        let (_, digest, size) = out.finish();
        let mut descriptor = Descriptor::new(media_type, digest, size);
        descriptor
            .annotations
            .insert(CONTENT_DIGEST.to_owned(), tar_digest.to_string());
        descriptor
            .annotations
            .insert(UNPACK.to_owned(), "true".to_owned());
        self.add_section(&descriptor, file, start);
        Ok(descriptor)
    }
}
