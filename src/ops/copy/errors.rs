//! Errors of a copy, attributed to the source or the destination.

use std::fs::File;
use std::io::{self, Cursor, Read};

use crate::error::{Error, IoOp, Operation, RegistryErrorResponse, Result, Side};
use crate::oci::Descriptor;
use crate::store::{Content, ContentReader, Source, VerifyReader};

/// Attributes an error to the source: returns a function that wraps it in [`Error::Copy`].
pub(super) fn at_source(operation: Operation, node: &Descriptor) -> impl FnOnce(Error) -> Error {
    at(Side::Source, operation, Some(node))
}

/// Attributes an error to the destination.
pub(super) fn at_target(operation: Operation, node: &Descriptor) -> impl FnOnce(Error) -> Error {
    at(Side::Destination, operation, Some(node))
}

/// Attributes an error to a side, unless it is attributed already: the innermost attribution holds.
/// A cancellation concerns neither side.
pub(super) fn at(
    side: Side,
    operation: Operation,
    node: Option<&Descriptor>,
) -> impl FnOnce(Error) -> Error {
    move |error| match error {
        error @ (Error::Copy { .. } | Error::Cancelled { .. }) => error,
        error => Error::Copy {
            side,
            operation,
            digest: node.map(|node| node.digest.to_string()),
            source: Box::new(error),
        },
    }
}

/// Whether the error is that the source does not have this node.
pub(super) fn is_missing_at_source(error: &Error, node: &Descriptor) -> bool {
    let is_fetch = matches!(
        error,
        Error::Copy {
            side: Side::Source,
            operation: Operation::Fetch,
            digest: Some(digest),
            ..
        } if digest == node.digest.as_str()
    );
    is_fetch && error.is_not_found()
}

/// Whether the destination refuses a manifest because it lacks some of its successors.
pub(super) fn lacks_successors(error: &Error) -> bool {
    let codes = ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN"];
    refusal_at_target(error).is_some_and(|refusal| codes.iter().any(|code| refusal.has_code(code)))
}

/// The response of a destination that refuses a manifest, perhaps because it lacks some of its
/// successors. Registries use several status codes and error codes for that.
pub(super) fn refusal_of(error: &Error) -> Option<&RegistryErrorResponse> {
    refusal_at_target(error).filter(|refusal| matches!(refusal.status, 400 | 404 | 409 | 412 | 422))
}

fn refusal_at_target(error: &Error) -> Option<&RegistryErrorResponse> {
    match error {
        // Errors from the source side are not repairable.
        Error::Copy {
            side: Side::Source, ..
        } => None,
        Error::Copy { source, .. } | Error::Context { source, .. } => refusal_at_target(source),
        Error::Refused(refusal) => Some(refusal),
        _ => None,
    }
}

/// A manifest of the source that is fetched when the destination opens it.
pub(super) struct SourceManifest<'c> {
    pub(super) source: &'c dyn Source,
    pub(super) node: &'c Descriptor,
    pub(super) limit: u64,
}

impl Content for SourceManifest<'_> {
    fn open(&mut self) -> Result<Box<dyn Read + Send + '_>> {
        let manifest = self.source.fetch_manifest(self.node, self.limit)?;
        Ok(Box::new(Cursor::new(manifest)))
    }

    fn open_verified(&mut self, expected: &Descriptor) -> Result<VerifyReader<'_>> {
        let manifest = self.source.fetch_manifest(self.node, self.limit)?;
        Ok(VerifyReader::from_manifest(manifest, expected.clone()))
    }
}

/// Content whose read errors are attributed to the source, although they occur while the
/// destination reads.
pub(super) struct SourceContent<'c> {
    pub(super) content: &'c mut dyn Content,
    pub(super) node: &'c Descriptor,
}

impl Content for SourceContent<'_> {
    fn open(&mut self) -> Result<Box<dyn Read + Send + '_>> {
        let inner = self
            .content
            .open()
            .map_err(at_source(Operation::Fetch, self.node))?;
        Ok(Box::new(SourceReader(inner, self.node)))
    }

    fn open_verified(&mut self, expected: &Descriptor) -> Result<VerifyReader<'_>> {
        let node = self.node;
        let reader = self.content.open_verified(expected);
        let reader = reader.map_err(at_source(Operation::Fetch, node))?;
        Ok(reader.map_read_error(|error| at_source(Operation::Fetch, node)(error)))
    }

    fn open_resumed(
        &mut self,
        expected: &Descriptor,
        beginning: File,
        length: u64,
    ) -> Result<VerifyReader<'_>> {
        let node = self.node;
        let reader = self.content.open_resumed(expected, beginning, length)?;
        Ok(reader.map_read_error(|error| at_source(Operation::Fetch, node)(error)))
    }

    fn open_file(&mut self) -> Option<File> {
        self.content.open_file()
    }

    fn open_from(&mut self, offset: u64) -> Result<Option<ContentReader<'_>>> {
        let rest = self
            .content
            .open_from(offset)
            .map_err(at_source(Operation::Fetch, self.node))?;
        Ok(rest.map(|rest| Box::new(SourceReader(rest, self.node)) as Box<dyn Read + Send>))
    }
}

struct SourceReader<'c>(Box<dyn Read + Send + 'c>, &'c Descriptor);

impl Read for SourceReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| {
            if error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            let error = Error::io(IoOp::Read, self.1.digest.as_str())(error);
            at_source(Operation::Fetch, self.1)(error).into_io()
        })
    }
}
