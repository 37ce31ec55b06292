use super::super::file::FileContent;
use super::super::openable::{Content, StreamContent};
use super::*;
use crate::oci::digest::Digest;
use crate::oci::media_type::MediaType;
use crate::progress::sync::Lock;

fn reader(content: &'static [u8], claimed: &[u8]) -> VerifyReader<'static> {
    VerifyReader::new(content, Descriptor::of(MediaType::OCTET_STREAM, claimed))
}

fn mismatch(error: io::Error) -> Mismatch {
    let mut error = Error::io(IoOp::Read, "")(error);
    while let Error::Context { source, .. } = error {
        error = *source;
    }
    match error {
        Error::Verification { mismatch, .. } => mismatch,
        other => panic!("{other:?}"),
    }
}

#[test]
fn correct_content_is_returned_completely() {
    assert_eq!(reader(b"hello", b"hello").read_all(5).unwrap(), b"hello");
    assert_eq!(reader(b"", b"").read_all(0).unwrap(), b"");
}

#[test]
fn every_difference_is_reported_by_each_further_read() {
    for (got, claimed, wanted) in [
        (&b"hellO"[..], &b"hello"[..], Mismatch::Digest),
        (b"hell", b"hello", Mismatch::Truncated),
        (b"hello!", b"hello", Mismatch::Trailing),
        (b"", b"hello", Mismatch::Truncated),
        (b"x", b"", Mismatch::Trailing),
    ] {
        let mut reader = reader(got, claimed);
        let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(mismatch(error), wanted);
        let again = reader.read(&mut [0; 8]).unwrap_err();
        assert_eq!(mismatch(again), wanted, "reading on after a failure");
    }
}

#[test]
fn the_check_precedes_the_last_byte() {
    let mut reader = reader(b"hellO", b"hello");
    let mut buffer = [0; 5];
    assert_eq!(
        mismatch(reader.read_exact(&mut buffer).unwrap_err()),
        Mismatch::Digest
    );
}

#[test]
fn trusted_content_skips_hashing_when_the_receiver_verifies() {
    let trusted = |unchanged| reader(b"hellO", b"hello").trusted_while(move || unchanged);
    let mut got = Vec::new();
    trusted(true)
        .skip_digest_if_trusted()
        .read_to_end(&mut got)
        .unwrap();
    assert_eq!(got, b"hellO", "the receiver finds the difference");
    let changed = trusted(false)
        .skip_digest_if_trusted()
        .read_to_end(&mut got);
    assert_eq!(mismatch(changed.unwrap_err()), Mismatch::Changed);
    assert_eq!(
        mismatch(trusted(true).read_to_end(&mut got).unwrap_err()),
        Mismatch::Digest
    );
    let untrusted = reader(b"hellO", b"hello")
        .skip_digest_if_trusted()
        .read_to_end(&mut got);
    assert_eq!(mismatch(untrusted.unwrap_err()), Mismatch::Digest);
}

#[test]
fn a_stream_is_consumed_by_the_first_read() {
    let mut stream = StreamContent::new(&b"hello"[..]);
    drop(stream.open().unwrap());
    assert!(!stream.is_consumed(), "nothing was read");
    let expected = Descriptor::of(MediaType::OCTET_STREAM, b"hello");
    let bytes = stream.open_verified(&expected).unwrap().read_all(5);
    assert_eq!(bytes.unwrap(), b"hello");
    assert!(stream.is_consumed());
    let again = stream.open().map(drop).unwrap_err();
    assert_eq!(
        again.to_string(),
        "reading a stream for a second time: unsupported"
    );
}

#[test]
fn a_digest_from_the_caller_is_always_checked() {
    let directory = crate::fs::testing::TempDir::new();
    let path = directory.path().join("f");
    std::fs::write(&path, "hello").unwrap();
    let claimed = Digest::of(b"hellO");
    let (descriptor, mut content) =
        FileContent::describe_with_digest(&path, MediaType::OCTET_STREAM, claimed.clone()).unwrap();
    assert_eq!((descriptor.size, &descriptor.digest), (5, &claimed));
    let read = content
        .open_verified(&descriptor)
        .unwrap()
        .skip_digest_if_trusted()
        .read_to_end(&mut Vec::new());
    assert_eq!(mismatch(read.unwrap_err()), Mismatch::Digest);
}

/// A sink that records what it receives.
#[derive(Default)]
struct RecordingSink {
    bytes: Vec<u8>,
    is_committed: bool,
}

impl ContentSink for &Lock<RecordingSink> {
    fn write(&mut self, bytes: &[u8]) {
        self.lock().bytes.extend(bytes);
    }

    fn commit(self: Box<Self>) {
        self.lock().is_committed = true;
    }
}

#[test]
fn a_sink_commits_only_complete_and_verified_content() {
    for (got, claimed, is_correct) in [
        (&b"hello"[..], &b"hello"[..], true),
        (b"", b"", true),
        (b"hellO", b"hello", false),
        (b"hell", b"hello", false),
        (b"hello!", b"hello", false),
    ] {
        let sink = Lock::new(RecordingSink::default());
        let mut reader = reader(got, claimed).tee_to(&sink);
        let _ = reader.read_to_end(&mut Vec::new());
        let sink = sink.lock();
        assert_eq!(sink.is_committed, is_correct, "{got:?}");
        assert!(!is_correct || sink.bytes == got, "{got:?}");
    }
    let sink = Lock::new(RecordingSink::default());
    let mut reader = reader(b"hello", b"hello").tee_to(&sink);
    reader.read_exact(&mut [0; 4]).unwrap();
    drop(reader);
    assert!(
        !sink.lock().is_committed,
        "the content was not read to its end"
    );
}

#[test]
fn cached_content_is_hashed_locally() {
    let sink = Lock::new(RecordingSink::default());
    let read = reader(b"hellO", b"hello")
        .trusted_while(|| true)
        .tee_to(&sink)
        .skip_digest_if_trusted()
        .read_to_end(&mut Vec::new());
    assert_eq!(mismatch(read.unwrap_err()), Mismatch::Digest);
    assert!(!sink.lock().is_committed);
}

#[test]
fn a_size_over_the_limit_is_an_error_before_the_first_read() {
    match reader(b"hello", b"hello").read_all(4) {
        Err(Error::TooLarge {
            size: 5, limit: 4, ..
        }) => {}
        other => panic!("{other:?}"),
    }
}
