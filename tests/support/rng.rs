//! Seeded pseudo-random content: the same seed gives the same bytes on every machine.

use std::io::{self, Read};

/// Splitmix64: short, passes the usual statistical tests, and accepts a seed of 0.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// Starts from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `limit`, which must not be 0. The bias of the remainder is acceptable in
    /// tests.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next_u64() % limit
    }

    /// Fills `buffer`.
    pub fn fill(&mut self, buffer: &mut [u8]) {
        for piece in buffer.chunks_mut(8) {
            let bits = self.next_u64().to_le_bytes();
            piece.copy_from_slice(&bits[..piece.len()]);
        }
    }

    /// The next `length` bytes.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.fill(&mut bytes);
        bytes
    }

    /// A reader of `length` bytes, for content that is too large for memory.
    pub fn stream(self, length: u64) -> Stream {
        Stream {
            rng: self,
            word: [0; 8],
            used: 8,
            left: length,
        }
    }
}

/// The reader of [`Rng::stream`]. The bytes do not depend on the sizes of reads.
#[derive(Debug)]
pub struct Stream {
    rng: Rng,
    word: [u8; 8],
    used: usize,
    left: u64,
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        for byte in &mut buffer[..wanted] {
            if self.used == self.word.len() {
                self.word = self.rng.next_u64().to_le_bytes();
                self.used = 0;
            }
            *byte = self.word[self.used];
            self.used += 1;
        }
        self.left -= wanted as u64;
        Ok(wanted)
    }
}
