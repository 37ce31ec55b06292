//! Content for round trips: files and trees of every kind.

use std::fs;
use std::io::{self, BufRead as _};
use std::path::Path;

use crate::support::rng::Rng;
use crate::support::tree::{self, Entry, directory, file, symlink};

/// Content to push.
pub(crate) struct Content {
    pub(crate) name: &'static str,
    /// File arguments of `push`.
    pub(crate) arguments: Vec<String>,
    build: Box<dyn Fn(&Path)>,
    /// A single file, compared in pieces because it is large.
    is_large: bool,
}

impl Content {
    /// Writes the content into a directory.
    pub(crate) fn build(&self, root: &Path) {
        (self.build)(root);
    }

    /// Returns the first difference between two directories that should both have this content.
    pub(crate) fn differences(&self, one: &Path, other: &Path) -> Vec<String> {
        if self.is_large {
            let [one, other] = [one, other].map(|root| fs::File::open(root.join("large")));
            let same = same_bytes(one.expect("it was built"), other.expect("it was pulled"));
            return if same {
                Vec::new()
            } else {
                vec!["other bytes".to_owned()]
            };
        }
        tree::differences(&tree::snapshot(one), &tree::snapshot(other))
    }
}

/// All content that is pushed and pulled.
pub(crate) fn all() -> Vec<Content> {
    let mut all = vec![
        from_entries(
            "an empty file",
            &["empty"],
            vec![file("empty", "").mode(0o644)],
        ),
        from_entries("names", &NAMES_AS_TYPED, names()),
        from_entries("a rich tree", &["tree"], rich_tree()),
        from_entries("files and a tree", &["empty", "tree"], {
            let mut entries = rich_tree();
            entries.push(file("empty", "").mode(0o644));
            entries
        }),
        thousand_files(),
        thousand_files_in_a_directory(),
        large("64 MiB", 64 * 1024 * 1024),
    ];
    if crate::prerequisites::is_large_wanted() {
        all.push(large("2 GiB and a bit", 2 * 1024 * 1024 * 1024 + 12_345));
    } else {
        crate::support::skip("files of 2 GiB: ORAS_TEST_LARGE=1 adds them");
    }
    all
}

/// A directory with an entry of every supported kind.
pub(crate) fn rich_tree() -> Vec<Entry> {
    let long = format!("tree/{}/{}.txt", "d".repeat(90), "f".repeat(120));
    vec![
        directory("tree").mode(0o755),
        file("tree/plain.txt", "plain\n").mode(0o644),
        file("tree/run.sh", "#!/bin/sh\n").mode(0o755),
        file("tree/private", "private\n").mode(0o600),
        file("tree/read-only", "fixed\n").mode(0o444),
        file("tree/empty", "").mode(0o644),
        file("tree/with blank", "1").mode(0o644),
        file("tree/with:colon", "2").mode(0o644),
        file("tree/grün-日本", "3").mode(0o644),
        file("tree/.hidden", "4").mode(0o644),
        file(&long, "5").mode(0o644),
        directory("tree/nothing in it").mode(0o755),
        directory("tree/closed").mode(0o700),
        file("tree/closed/inside", "6").mode(0o644),
        directory("tree/a/b/c").mode(0o755),
        symlink("tree/link", "plain.txt"),
        symlink("tree/a/up", "../plain.txt"),
        symlink("tree/a/to-directory", "b"),
        symlink("tree/dangling", "not here"),
    ]
}

const NAMES_AS_TYPED: [&str; 5] = ["with blank", "with:colon:", "grün.txt", "日本", "-dash"];

fn names() -> Vec<Entry> {
    let names = ["with blank", "with:colon", "grün.txt", "日本", "-dash"];
    names.map(|name| file(name, name).mode(0o644)).to_vec()
}

fn from_entries(name: &'static str, arguments: &[&str], entries: Vec<Entry>) -> Content {
    Content {
        name,
        arguments: arguments
            .iter()
            .map(|&argument| argument.to_owned())
            .collect(),
        is_large: false,
        build: Box::new(move |root| tree::build(root, &entries)),
    }
}

fn thousand_files() -> Content {
    let names: Vec<_> = (0..1000).map(|number| format!("{number:04}.txt")).collect();
    Content {
        name: "1,000 small files",
        arguments: names.clone(),
        is_large: false,
        build: Box::new(move |root| {
            let entries: Vec<_> = names
                .iter()
                .map(|name| file(name, name).mode(0o644))
                .collect();
            tree::build(root, &entries);
        }),
    }
}

fn thousand_files_in_a_directory() -> Content {
    Content {
        name: "a directory of 1,000 small files",
        arguments: vec!["many".to_owned()],
        is_large: false,
        build: Box::new(|root| {
            let entry =
                |number| file(&format!("many/{number:04}"), format!("{number}")).mode(0o644);
            let mut entries: Vec<_> = (0..1000).map(entry).collect();
            entries.push(directory("many").mode(0o755));
            tree::build(root, &entries);
        }),
    }
}

fn same_bytes(one: fs::File, other: fs::File) -> bool {
    let [mut one, mut other] = [one, other].map(|file| io::BufReader::with_capacity(1 << 20, file));
    loop {
        let (left, right) = (
            one.fill_buf().expect("it can be read"),
            other.fill_buf().expect("it can be read"),
        );
        let length = left.len().min(right.len());
        if left[..length] != right[..length] || left.is_empty() != right.is_empty() {
            return false;
        }
        if length == 0 {
            return true;
        }
        one.consume(length);
        other.consume(length);
    }
}

fn large(name: &'static str, bytes: u64) -> Content {
    Content {
        name,
        arguments: vec!["large".to_owned()],
        is_large: true,
        build: Box::new(move |root| {
            let mut out =
                fs::File::create(root.join("large")).expect("a new directory can be filled");
            io::copy(&mut Rng::new(bytes).stream(bytes), &mut out).expect("there is space");
        }),
    }
}
