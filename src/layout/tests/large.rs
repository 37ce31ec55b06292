//! Indexes of the maximum size: no operation may take quadratic time.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::*;

const MANY: u32 = 100_000;

/// Ample for linear time, and far too little for quadratic time.
fn assert_is_quick(work: impl FnOnce()) {
    let start = time_spent();
    work();
    let time = time_spent().saturating_sub(start);
    assert!(time.as_secs() < 20, "{time:?}");
}

/// Returns the CPU time of this thread, or the wall-clock time where the system does not report it.
#[expect(
    clippy::disallowed_methods,
    reason = "this is about how long something really takes"
)]
fn time_spent() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    let start = START.get_or_init(Instant::now);
    let statistics = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = statistics
        .split(' ')
        .next()
        .and_then(|number| number.parse().ok());
    nanoseconds.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

fn document(entries: &[String]) -> String {
    Index::EMPTY.replace("[]", &format!("[{}]", entries.join(",")))
}

/// Returns an entry for the manifest with that number.
fn entry(number: u32, tag: &str) -> String {
    let digest = Digest::of(&number.to_le_bytes());
    format!(
        r#"{{"mediaType":"a/a","digest":"{digest}","size":4,"annotations":{{"{REF_NAME}":"{tag}"}}}}"#
    )
}

fn tagged_and_written(document: &str, target: &Descriptor) -> Vec<u8> {
    let mut index = Index::parse(document.as_bytes()).unwrap();
    index.tag(target, "v1");
    index.to_bytes()
}

#[test]
fn many_members_take_linear_time() {
    let target = blob(b"a");
    let entry = format!(r#""mediaType":"a/a","digest":"{}","size":1"#, target.digest);
    let members: Vec<String> = (0..MANY).map(|name| format!(r#""{name}":"0""#)).collect();
    let members = members.join(",");
    for document in [
        format!(r#"{{{members},"manifests":[]}}"#),
        document(&[format!("{{{entry},{members}}}")]),
        document(&[format!(r#"{{{entry},"annotations":{{{members}}}}}"#)]),
    ] {
        assert_is_quick(|| {
            tagged_and_written(&document, &target);
        });
    }
}

#[test]
fn many_entries_take_linear_time() {
    let tag_of_all = |_| "v1".to_owned();
    let tag_of_each = |number: u32| number.to_string();
    for tag in [tag_of_all, tag_of_each as fn(u32) -> String] {
        let entries: Vec<String> = (0..MANY)
            .map(|number| entry(number, &tag(number)))
            .collect();
        let document = document(&entries);
        assert_is_quick(|| {
            tagged_and_written(&document, &blob(b"a"));
        });
    }
}

#[test]
fn resolving_every_tag_takes_linear_time() {
    let entries: Vec<String> = (0..MANY)
        .map(|number| entry(number, &number.to_string()))
        .collect();
    let document = document(&entries);
    let index = Index::parse(document.as_bytes()).unwrap();
    assert_is_quick(|| {
        for number in 0..MANY {
            let tagged = index.tagged(&number.to_string()).unwrap().unwrap();
            assert_eq!(tagged.digest, Digest::of(&number.to_le_bytes()));
        }
    });
}
