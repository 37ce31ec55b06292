//! Seeded mutations of the inputs in `fixtures/fuzz`, for tests of the fuzz targets.

use std::fs;
use std::path::Path;

/// Mutations of each file of a corpus.
const MUTATIONS: usize = 20;

/// Passes each file of the corpus of a target to its body, mutations of the file, and random bytes.
pub(crate) fn run(target: &str, body: fn(&[u8])) {
    let corpus = corpus(target);
    let mut numbers = Numbers(7);
    for input in &corpus {
        body(input);
        for _ in 0..MUTATIONS {
            body(&mutated(input, &corpus, &mut numbers));
        }
    }
    for length in 0..100 {
        let bytes = (0..length).map(|_| numbers.below(256).to_le_bytes()[0]);
        body(&bytes.collect::<Vec<u8>>());
    }
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(root.join("fixtures/fuzz").join(name)).expect("a corpus");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    let read = |path| fs::read(path).expect("a file");
    paths.iter().map(read).collect()
}

/// Returns the input after one to four edits: bytes that are changed, removed, repeated, inserted,
/// or copied from another file of the corpus.
fn mutated(input: &[u8], corpus: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=numbers.below(4) {
        let start = numbers.below(bytes.len() + 1);
        let end = (start + 1 + numbers.below(16)).min(bytes.len());
        match numbers.below(6) {
            0 if start < end => bytes[start] ^= 1 << numbers.below(8),
            1 => drop(bytes.drain(start..end)),
            2 => {
                let piece = bytes[start..end].to_vec();
                bytes.splice(start..start, piece.repeat(1 + numbers.below(20)));
            }
            3 => {
                let special = b"\0\n\r\t \"\\/.,:;=@%<>[]{}-_09aZ\x7f\x80\xff";
                bytes.insert(start, special[numbers.below(special.len())]);
            }
            4 => {
                let other = &corpus[numbers.below(corpus.len())];
                let from = numbers.below(other.len() + 1);
                let to = (from + numbers.below(64)).min(other.len());
                bytes.splice(start..end, other[from..to].iter().copied());
            }
            _ => bytes.truncate(start),
        }
    }
    bytes
}

/// Splitmix64, same as in `rng.rs`. Unit tests of the command include this file alone.
struct Numbers(u64);

impl Numbers {
    /// Returns a number below `limit`, or 0 if `limit` is 0.
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        usize::try_from(bits % limit.max(1) as u64).expect("less than a usize")
    }
}
