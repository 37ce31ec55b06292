//! Content of any size: in memory up to a limit, in a temporary file beyond it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, PoisonError};

use super::super::tempdir::TempDir;

/// Larger content is stored in a file, because tests of large blobs measure memory.
const MEMORY_BYTES: u64 = 64 * 1024 * 1024;

/// Content that is being received.
#[derive(Debug, Default)]
pub struct Spool {
    memory: Vec<u8>,
    file: Option<Spilled>,
    length: u64,
}

impl Spool {
    /// The number of received bytes.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Appends another spool. Does not copy if this one is empty.
    pub fn append(&mut self, other: Self) -> io::Result<()> {
        if self.length == 0 {
            *self = other;
            return Ok(());
        }
        io::copy(&mut other.finish().reader(), self).map(drop)
    }

    /// Up to `limit` bytes from the start, if they are in memory.
    pub fn beginning(&self, limit: usize) -> &[u8] {
        &self.memory[..self.memory.len().min(limit)]
    }

    /// Converts the spool to readable content.
    pub fn finish(self) -> Content {
        let stored = match self.file {
            Some(file) => Stored::File(Mutex::new(file)),
            None => Stored::Memory(self.memory),
        };
        Content {
            stored: Arc::new(stored),
            length: self.length,
        }
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.file.is_none() && self.length + bytes.len() as u64 > MEMORY_BYTES {
            let mut spilled = Spilled::create()?;
            spilled.file.write_all(&std::mem::take(&mut self.memory))?;
            self.file = Some(spilled);
        }
        match &mut self.file {
            Some(spilled) => spilled.file.write_all(bytes)?,
            None => self.memory.extend_from_slice(bytes),
        }
        self.length += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Immutable content. Clones share the bytes.
#[derive(Clone, Debug)]
pub struct Content {
    stored: Arc<Stored>,
    length: u64,
}

#[derive(Debug)]
enum Stored {
    Memory(Vec<u8>),
    File(Mutex<Spilled>),
}

/// A file in a directory of its own, so that both are removed together.
#[derive(Debug)]
struct Spilled {
    file: File,
    _directory: TempDir,
}

impl Content {
    /// The number of bytes.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Reads at `offset`. Returns 0 at the end.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match &*self.stored {
            Stored::Memory(bytes) => {
                let start =
                    usize::try_from(offset).map_or(bytes.len(), |start| start.min(bytes.len()));
                let count = buffer.len().min(bytes.len() - start);
                buffer[..count].copy_from_slice(&bytes[start..start + count]);
                Ok(count)
            }
            Stored::File(spilled) => {
                let mut spilled = spilled.lock().unwrap_or_else(PoisonError::into_inner);
                spilled.file.seek(SeekFrom::Start(offset))?;
                spilled.file.read(buffer)
            }
        }
    }

    /// Reads from the start.
    pub fn reader(&self) -> impl Read {
        Reader {
            content: self.clone(),
            offset: 0,
        }
    }

    /// All bytes at once.
    pub fn to_vec(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader().read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl From<&[u8]> for Content {
    fn from(bytes: &[u8]) -> Self {
        Self {
            stored: Arc::new(Stored::Memory(bytes.to_vec())),
            length: bytes.len() as u64,
        }
    }
}

impl Spilled {
    fn create() -> io::Result<Self> {
        let directory = TempDir::new();
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(directory.join("content"))?;
        Ok(Self {
            file,
            _directory: directory,
        })
    }
}

struct Reader {
    content: Content,
    offset: u64,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read_at(self.offset, buffer)?;
        self.offset += count as u64;
        Ok(count)
    }
}
