//! Buffers that join small outputs, so that the head of a request and a small body are one system
//! call and one segment.
//!
//! ureq transmits the head and each part of the body on their own. Here, output waits until it is
//! large or until the connection waits for input, as it does after each request and each message
//! of a handshake.

use ureq::config::Config;
use ureq::unversioned::transport::{Buffers, LazyBuffers};

/// Size in bytes of output that does not wait: larger output fills segments anyway.
const LARGE_OUTPUT_BYTES: usize = 16 * 1024;

/// The buffers of a connection.
#[derive(Debug)]
pub(super) struct JoiningBuffers {
    buffers: LazyBuffers,
    /// Number of bytes at the start of the output buffer that wait.
    waiting: usize,
}

impl JoiningBuffers {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            buffers: LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size()),
            waiting: 0,
        }
    }

    /// Adds the first `amount` bytes of the output to those that wait, and returns the bytes to
    /// transmit now.
    pub(super) fn join(&mut self, amount: usize) -> &[u8] {
        self.waiting += amount;
        if self.waiting < LARGE_OUTPUT_BYTES {
            return &[];
        }
        self.take_waiting()
    }

    /// Returns the bytes that wait, to transmit them now.
    pub(super) fn take_waiting(&mut self) -> &[u8] {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting == 0 {
            return &[];
        }
        &self.buffers.output()[..waiting]
    }
}

impl Buffers for JoiningBuffers {
    fn output(&mut self) -> &mut [u8] {
        &mut self.buffers.output()[self.waiting..]
    }

    fn input(&self) -> &[u8] {
        self.buffers.input()
    }

    fn input_append_buf(&mut self) -> &mut [u8] {
        self.buffers.input_append_buf()
    }

    fn input_appended(&mut self, amount: usize) {
        self.buffers.input_appended(amount);
    }

    fn input_consume(&mut self, amount: usize) {
        self.buffers.input_consume(amount);
    }

    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        let (temporary, output) = self.buffers.tmp_and_output();
        (temporary, &mut output[self.waiting..])
    }

    fn can_use_input(&self) -> bool {
        self.buffers.can_use_input()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_outputs_wait_for_the_next() {
        let config = ureq::Agent::config_builder()
            .output_buffer_size(2 * LARGE_OUTPUT_BYTES)
            .build();
        let mut buffers = JoiningBuffers::new(&config);
        let write = |buffers: &mut JoiningBuffers, byte: u8, count: usize| {
            buffers.output()[..count].fill(byte);
            buffers.join(count).to_vec()
        };
        assert_eq!(write(&mut buffers, b'a', 2), b"");
        assert_eq!(write(&mut buffers, b'b', 3), b"");
        assert_eq!(write(&mut buffers, b'c', 0), b"");
        assert_eq!(buffers.take_waiting(), b"aabbb");
        assert_eq!(buffers.take_waiting(), b"");
        assert_eq!(write(&mut buffers, b'd', 1), b"");
        let rest = buffers.tmp_and_output().1.len();
        assert_eq!(rest, 2 * LARGE_OUTPUT_BYTES - 1);
        let all = write(&mut buffers, b'e', rest);
        assert_eq!((all.len(), &all[..2]), (rest + 1, &b"de"[..]));
        let large = write(&mut buffers, b'f', LARGE_OUTPUT_BYTES);
        assert_eq!(large, [b'f'; LARGE_OUTPUT_BYTES]);
        assert_eq!(buffers.take_waiting(), b"");
    }
}
