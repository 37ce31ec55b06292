//! Content of the source: manifests read on demand, and errors attributed to the source.

use std::io::{self, Cursor, Read};

use super::at;
use crate::error::{Error, Operation, Result, Side};
use crate::oci::descriptor::Descriptor;
use crate::store::Source;
use crate::store::content::{Content, VerifyReader};

/// A manifest of the source, read only if it is needed.
pub(super) struct ManifestOf<'x> {
    pub(super) source: &'x dyn Source,
    pub(super) node: &'x Descriptor,
    pub(super) limit: u64,
}

impl Content for ManifestOf<'_> {
    fn open(&mut self) -> Result<Box<dyn Read + '_>> {
        let manifest = self.source.fetch_manifest(self.node, self.limit)?;
        Ok(Box::new(Cursor::new(manifest.into_bytes())))
    }
}

/// Content whose failures are the source's, even when they show only while the destination reads it.
pub(super) struct Blamed<'x> {
    pub(super) content: &'x mut dyn Content,
    pub(super) node: &'x Descriptor,
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
            Ok(reader) => Ok(reader.map_read_error(blame)),
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
