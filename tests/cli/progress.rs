//! Progress, as somebody in front of a terminal sees it: while it is made, at the end, and when there is no end.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::process::Child;
use std::time::Duration;

use crate::support::cli::{Invocation, Oras};
use crate::support::registry::{Mount, Personality, TestRegistry, on};
use crate::support::rng::Rng;
use crate::support::screen::Screen;
use crate::support::terminal::Terminal;

/// Long enough to be seen while it is read, in bytes.
const LARGE_BYTES: usize = 6 * 1024 * 1024;
const COLUMNS: u16 = 100;
/// What is at the end of everything that is drawn.
const DRAWN: &str = "\r\x1b[?25h";

/// What somebody saw.
struct Seen {
    screen: Screen,
    /// Standard output, which went elsewhere.
    stdout: String,
    code: Option<i32>,
}

impl Seen {
    /// The lines that are left, up to the size of what they are about.
    fn left(&self) -> Vec<String> {
        let lines = self.screen.lines();
        let lines = lines.iter().map(|line| {
            let mut words: Vec<_> = line.split_whitespace().collect();
            if line.starts_with(['✓', '=', '-', '✗']) && words.len() > 3 {
                words.truncate(3);
            }
            words.join(" ")
        });
        lines.collect()
    }

    /// Fails unless all that was drawn keeps the rules.
    #[track_caller]
    fn assert_steady(&self) {
        let screen = &self.screen;
        assert!(screen.shows_cursor && screen.wraps);
        // Messages are as long as they are.
        let mut wrapped = screen.wrapped.iter();
        assert!(wrapped.all(|line| line.starts_with("Error")), "{screen:?}");
        let mut before: HashMap<String, f64> = HashMap::new();
        for frame in &screen.frames {
            let Some((what, done, total)) = amounts(frame) else {
                continue;
            };
            assert!(done <= total, "{frame}");
            let earlier = before.insert(what, done).unwrap_or_default();
            assert!(earlier <= done, "{:#?}", screen.frames);
        }
        assert!(
            screen.lines().iter().all(|line| !line.contains("[=")),
            "no bar is left over: {:#?}",
            screen.lines()
        );
    }

    /// Whether there was a drawing with all of these in it.
    fn showed(&self, parts: &[&str]) -> bool {
        let mut frames = self.screen.frames.iter();
        frames.any(|frame| parts.iter().all(|part| frame.contains(part)))
    }
}

/// What is on its way by what name, how much of it came, and how much there is, if a line says so.
fn amounts(line: &str) -> Option<(String, f64, f64)> {
    let words: Vec<_> = line.split_whitespace().collect();
    // `5.3 MB/6 MB`, and not `42 MB/s`.
    let at = words
        .iter()
        .position(|word| word.contains("B/") && !word.ends_with("/s"))?;
    let (unit, total) = words[at].split_once('/')?;
    let done = bytes(words[at - 1], unit)?;
    let total = bytes(total, words[at + 1])?;
    Some((words[1..3].join(" "), done, total))
}

fn bytes(number: &str, unit: &str) -> Option<f64> {
    let factor = match unit {
        "B" => 1.0,
        "KB" => 1024.0,
        "MB" => 1024.0 * 1024.0,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * factor)
}

fn terminal(columns: u16) -> Terminal {
    let terminal = Terminal::new();
    terminal.resize(columns, 24);
    terminal
}

/// Waits for a command of which only standard error is at the terminal.
fn finish(terminal: Terminal, mut child: Child, columns: u16) -> Seen {
    let pipe = child.stdout.take();
    let (text, status) = terminal.finish(child);
    let mut stdout = String::new();
    if let Some(mut pipe) = pipe {
        pipe.read_to_string(&mut stdout).expect("it is text");
    }
    Seen {
        screen: Screen::showing(&text, usize::from(columns)),
        stdout,
        code: status.code(),
    }
}

/// Runs a command with standard error at a terminal of so many columns.
fn see_at(columns: u16, invocation: Invocation) -> Seen {
    let terminal = terminal(columns);
    let child = invocation.start_apart_from_stdout(&terminal);
    finish(terminal, child, columns)
}

fn see(oras: &Oras, line: &str) -> Seen {
    see_at(COLUMNS, oras.command(line.split(' ')))
}

/// A working directory with a large file.
fn with_large() -> Oras {
    let oras = Oras::new();
    oras.write("large.bin", Rng::new(1).bytes(LARGE_BYTES));
    oras
}

#[test]
fn a_large_push_is_shown_while_it_is_read_and_while_it_is_sent() {
    let registry = TestRegistry::start();
    let oras = with_large();
    oras.write("small.txt", "small\n");
    let target = registry.reference("a:v1");

    let seen = see(
        &oras,
        &format!("push --plain-http {target} large.bin small.txt"),
    );

    assert_eq!(seen.code, Some(0));
    seen.assert_steady();
    assert!(seen.showed(&["Preparing large.bin"]));
    assert!(seen.showed(&["Uploading large.bin", "[", "/6 MB"]));
    assert_eq!(
        seen.left(),
        [
            "✓ Uploaded application/vnd.oci.empty.v1+json",
            "✓ Uploaded large.bin",
            "✓ Uploaded small.txt",
            "✓ Uploaded application/vnd.oci.image.manifest.v1+json",
        ]
    );
    let first = &seen.screen.lines()[1];
    assert!(first.contains(" 6 MB "), "{first}");
    let digest = registry.resolve("a", "v1").unwrap();
    assert_eq!(
        seen.stdout,
        format!(
            "Pushed [registry] {target}\nArtifactType: application/vnd.unknown.artifact.v1\nDigest: {digest}\n"
        )
    );

    let again = see(
        &oras,
        &format!("push --plain-http {target} large.bin small.txt"),
    );
    assert_eq!(
        again.left()[..3],
        [
            "= Exists application/vnd.oci.empty.v1+json",
            "= Exists large.bin",
            "= Exists small.txt",
        ]
    );
}

#[test]
fn a_large_pull_moves_on() {
    let registry = TestRegistry::start();
    let large = Rng::new(1).bytes(LARGE_BYTES / 4);
    registry.seed_artifact(
        "a",
        "v1",
        &[("large.bin", &large), ("small.txt", b"small\n")],
    );
    registry.inject(on("GET", "/v2/a/blobs/*").slow_body(Duration::from_millis(30)));
    let oras = Oras::new();

    let seen = see(
        &oras,
        &format!("pull --plain-http {}", registry.reference("a:v1")),
    );

    assert_eq!(seen.code, Some(0));
    seen.assert_steady();
    let steps = seen.screen.frames.iter().filter_map(|frame| amounts(frame));
    let mut steps: Vec<_> = steps
        .filter(|(what, ..)| what == "Downloading large.bin")
        .map(|(_, done, _)| done.to_string())
        .collect();
    steps.dedup();
    assert!(steps.len() > 2, "{:#?}", seen.screen.frames);
    assert_eq!(
        seen.left(),
        [
            "✓ Pulled large.bin",
            "✓ Pulled small.txt",
            "✓ Pulled application/vnd.oci.image.manifest.v1+json",
        ]
    );
    assert!(
        seen.stdout.starts_with("Pulled [registry] "),
        "{}",
        seen.stdout
    );
    assert_eq!(oras.read("large.bin"), large);
}

#[test]
fn copies_say_what_moved_and_what_did_not() {
    let registry = TestRegistry::start_as(Personality {
        mount: Mount::Truthful,
        ..Personality::default()
    });
    registry.seed_artifact("a", "v1", &[("one", b"1"), ("two", b"2"), ("again", b"2")]);
    let oras = Oras::new();
    let (from, to) = (registry.reference("a:v1"), registry.reference("b:v1"));

    let seen = see(
        &oras,
        &format!("cp --from-plain-http --to-oci-layout {from} layout:v1"),
    );
    seen.assert_steady();
    assert_eq!(
        seen.left(),
        [
            "✓ Copied application/vnd.oci.empty.v1+json",
            "✓ Copied one",
            "✓ Copied two",
            "= Skipped again",
            "✓ Copied application/vnd.oci.image.manifest.v1+json",
        ]
    );
    assert!(
        seen.stdout.starts_with("Copied [registry] "),
        "{}",
        seen.stdout
    );
    let seen = see(
        &oras,
        &format!("cp --from-plain-http --to-oci-layout {from} layout:v1"),
    );
    assert_eq!(
        seen.left(),
        ["= Exists application/vnd.oci.image.manifest.v1+json"]
    );
    let copy = format!("cp --from-plain-http --to-plain-http {from} {to}");
    assert_eq!(
        see(&oras, &copy).left()[1..3],
        ["✓ Mounted one", "✓ Mounted two"]
    );
    assert_eq!(
        see(&oras, &copy).left(),
        ["= Exists application/vnd.oci.image.manifest.v1+json"],
        "a root that gets a name is shown, unlike in lines"
    );
}

#[test]
fn a_blob_is_shown_both_ways() {
    let registry = TestRegistry::start();
    let oras = with_large();
    let name = registry.reference("a");

    let seen = see(&oras, &format!("blob push --plain-http {name} large.bin"));
    seen.assert_steady();
    assert!(seen.showed(&["Preparing large.bin"]));
    assert!(seen.showed(&["Uploading application/vnd.oci.image.lay", "/6 MB"]));
    assert_eq!(
        seen.left(),
        ["✓ Uploaded application/vnd.oci.image.layer.v1.tar"]
    );
    let digest = seen.stdout.rsplit(' ').next().unwrap().trim().to_owned();
    let described = see(
        &oras,
        &format!("blob push --plain-http --descriptor {name} large.bin"),
    );
    assert!(
        described.left().is_empty(),
        "as with lines, a descriptor goes alone"
    );
    assert!(
        seen.stdout.starts_with("Pushed: [registry] "),
        "{}",
        seen.stdout
    );

    let fetch = format!("blob fetch --plain-http {name}@{digest} -o");
    let seen = see(&oras, &format!("{fetch} fetched"));
    seen.assert_steady();
    assert!(seen.showed(&["Downloading application/", "/6 MB"]));
    assert_eq!(seen.left(), ["✓ Downloaded application/octet-stream"]);
    assert_eq!(seen.stdout, "");
    assert_eq!(oras.read("fetched"), oras.read("large.bin"));

    let hello = registry.seed_blob("a", b"hello");
    let fetch = format!("blob fetch --plain-http {name}@{hello} -o -");
    let seen = see(&oras, &fetch);
    assert_eq!((seen.left(), seen.stdout), (vec![], "hello".to_owned()));
    let seen = see(&oras, &format!("{fetch} --no-tty=false"));
    assert_eq!(seen.left(), ["✓ Downloaded application/octet-stream"]);
    assert_eq!(seen.stdout, "hello");
}

#[test]
fn attachments_backups_and_restorations_are_shown() {
    let registry = TestRegistry::start();
    registry.seed_artifact("a", "v1", &[("one", b"1")]);
    let oras = Oras::new();
    oras.write("two", "2");
    let name = registry.reference("a");

    let seen = see(
        &oras,
        &format!("attach --plain-http --artifact-type a/b {name}:v1 two"),
    );
    seen.assert_steady();
    assert!(seen.left().contains(&"✓ Uploaded two".to_owned()));
    assert!(
        seen.stdout.starts_with("Attached to [registry] "),
        "{}",
        seen.stdout
    );

    let seen = see(
        &oras,
        &format!("backup --plain-http --include-referrers -o backup.tar {name}:v1"),
    );
    seen.assert_steady();
    let pulled = seen.left();
    assert!(pulled.contains(&"✓ Pulled one".to_owned()), "{pulled:#?}");
    assert!(pulled.contains(&"✓ Pulled two".to_owned()), "{pulled:#?}");
    let lines: Vec<_> = seen.stdout.lines().collect();
    assert_eq!(lines[0], format!("Found 1 tag(s) in {name}: v1"));
    assert_eq!(lines[1], "Pulled tag v1 with 1 referrer(s)");
    assert_eq!(lines.len(), 5, "{lines:#?}");

    let other = registry.reference("b");
    let seen = see(
        &oras,
        &format!("restore --plain-http --input backup.tar {other}"),
    );
    seen.assert_steady();
    let pushed = seen.left();
    assert!(pushed.contains(&"✓ Pushed one".to_owned()), "{pushed:#?}");
    assert_eq!(seen.stdout.lines().count(), 4, "{}", seen.stdout);
}

#[test]
fn where_all_is_on_one_terminal_results_come_below() {
    let oras = Oras::new();
    oras.write("a.txt", "a");
    let terminal = terminal(COLUMNS);
    let push = ["push", "--oci-layout", "layout:v1", "a.txt"];
    let child = oras.command(push).start_at(&terminal);
    let seen = finish(terminal, child, COLUMNS);
    seen.assert_steady();
    let left = seen.left();
    assert_eq!(left[1], "✓ Uploaded a.txt");
    assert_eq!(left[3], "Pushed [oci-layout] layout:v1");
    assert_eq!(left.len(), 6, "{left:#?}");
}

#[test]
fn a_thousand_small_files_are_all_there_in_order_and_rarely_drawn() {
    let oras = Oras::new();
    let mut line = "push --oci-layout layout:v1".to_owned();
    for number in 0..1000 {
        let name = format!("{number:04}.txt");
        oras.write(&name, format!("{number}"));
        write!(line, " {name}").unwrap();
    }

    let seen = see(&oras, &line);

    seen.assert_steady();
    let left = seen.left();
    let files: Vec<_> = left
        .iter()
        .filter(|line| !line.contains("application/"))
        .collect();
    let expected: Vec<_> = (0..1000)
        .map(|number| format!("✓ Uploaded {number:04}.txt"))
        .collect();
    assert_eq!(files, expected.iter().collect::<Vec<_>>());
    assert!(
        seen.screen.frames.len() < 200,
        "{}",
        seen.screen.frames.len()
    );
}

#[test]
fn what_fails_is_marked_and_the_error_comes_below() {
    let registry = TestRegistry::start();
    let large = Rng::new(1).bytes(LARGE_BYTES / 4);
    registry.seed_artifact(
        "a",
        "v1",
        &[("small.txt", b"small\n"), ("large.bin", &large)],
    );
    registry.inject(
        on("GET", "/v2/a/blobs/*")
            .slow_body(Duration::from_millis(20))
            .flip_byte(900_000),
    );
    let oras = Oras::new();

    let seen = see(
        &oras,
        &format!("pull --plain-http {}", registry.reference("a:v1")),
    );

    assert_eq!(seen.code, Some(6));
    seen.assert_steady();
    let left = seen.left();
    assert_eq!(left[0], "✓ Pulled small.txt");
    assert_eq!(left[1], "✗ Downloading large.bin");
    assert!(left[2].starts_with("Error: "), "{left:#?}");
    assert_eq!(seen.stdout, "");

    let refusing = TestRegistry::start();
    refusing.inject(on("PUT", "/v2/a/blobs/*").error(403, "DENIED", "no more of this"));
    let oras = with_large();
    let seen = see(
        &oras,
        &format!("push --plain-http {} large.bin", refusing.reference("a:v1")),
    );
    assert_eq!(seen.code, Some(4));
    seen.assert_steady();
    assert!(
        seen.left()[0].starts_with("✗ Uploading "),
        "{:#?}",
        seen.left()
    );
}

#[test]
fn every_width_is_wide_enough() {
    let registry = TestRegistry::start();
    let name = "文字がたくさん並んだとても長い名前のファイル-and-some-more-of-it.txt";
    registry.seed_artifact(
        "a",
        "v1",
        &[(name, b"content"), ("e\u{301}\u{200d}👍\u{fe0f}", b"x")],
    );
    let oras = Oras::new();
    let pull = ["pull", "--plain-http", &registry.reference("a:v1")];
    for columns in [1, 2, 3, 10, 20, 24, 25, 40, 49, 65, 80, 91, 250] {
        let seen = see_at(columns, oras.command(pull));
        assert_eq!(seen.code, Some(0));
        if columns > 2 {
            seen.assert_steady();
        }
        assert_eq!(
            seen.screen.lines().len(),
            3,
            "{columns}: {:#?}",
            seen.screen
        );
    }
    // One that does not say how wide it is.
    let seen = see_at(0, oras.command(pull).env("TERM", "xterm"));
    assert_eq!(seen.code, Some(0));
}

#[test]
fn a_window_may_become_narrower_meanwhile() {
    let registry = TestRegistry::start();
    let large = Rng::new(1).bytes(LARGE_BYTES / 4);
    registry.seed_artifact("a", "v1", &[("large.bin", &large)]);
    registry.inject(on("GET", "/v2/a/blobs/*").slow_body(Duration::from_millis(30)));
    let oras = Oras::new();
    let terminal = terminal(COLUMNS);
    let pull = ["pull", "--plain-http", &registry.reference("a:v1")];
    let child = oras.command(pull).start_apart_from_stdout(&terminal);
    terminal.wait_for(DRAWN);
    terminal.resize(30, 24);

    let seen = finish(terminal, child, COLUMNS);

    seen.assert_steady();
    let last = seen.screen.frames.last().unwrap();
    assert!(last.chars().count() < 30, "{last}");
    assert!(
        seen.screen
            .lines()
            .iter()
            .all(|line| line.chars().count() < 30)
    );
}

#[test]
fn what_is_typed_meanwhile_does_not_stay_in_the_way() {
    let registry = TestRegistry::start();
    let large = Rng::new(1).bytes(LARGE_BYTES / 4);
    registry.seed_artifact("a", "v1", &[("large.bin", &large)]);
    registry.inject(on("GET", "/v2/a/blobs/*").slow_body(Duration::from_millis(30)));
    let oras = Oras::new();
    let mut terminal = terminal(COLUMNS);
    let pull = ["pull", "--plain-http", &registry.reference("a:v1")];
    let child = oras.command(pull).start_apart_from_stdout(&terminal);
    terminal.wait_for(DRAWN);
    terminal.type_in("typed");

    let seen = finish(terminal, child, COLUMNS);

    seen.assert_steady();
    assert!(!seen.showed(&["typed"]), "{:#?}", seen.screen);
    assert_eq!(seen.left()[0], "✓ Pulled large.bin");
}

#[test]
fn an_end_without_notice_leaves_a_terminal_that_works() {
    let registry = TestRegistry::start();
    registry.seed_artifact("a", "v1", &[("large.bin", &vec![0; LARGE_BYTES])]);
    registry.inject(on("GET", "/v2/a/blobs/*").slow_body(Duration::from_millis(100)));
    let oras = Oras::new();
    let terminal = terminal(COLUMNS);
    let pull = ["pull", "--plain-http", &registry.reference("a:v1")];
    let mut child = oras.command(pull).start_apart_from_stdout(&terminal);
    terminal.wait_for(DRAWN);
    child.kill().expect("a child can be killed");
    assert!(terminal.shows_what_is_typed());

    let seen = finish(terminal, child, COLUMNS);

    assert!(seen.screen.shows_cursor);
    assert_eq!(seen.screen.lines().len(), 1);
}

#[test]
fn warnings_come_above() {
    let registry = TestRegistry::start();
    let large = Rng::new(1).bytes(LARGE_BYTES / 8);
    registry.seed_artifact(
        "a",
        "v1",
        &[("one", &large), ("two", b"2"), ("three", &large[1..])],
    );
    let oras = Oras::new();
    registry.inject(on("GET", "/v2/a/blobs/*").slow_body(Duration::from_millis(30)));
    registry.inject(
        on("GET", "/v2/a/blobs/*")
            .nth(2)
            .header("Warning", "299 - \"it closes\""),
    );

    let seen = see(
        &oras,
        &format!("pull --plain-http {}", registry.reference("a:v1")),
    );

    seen.assert_steady();
    let lines = seen.left();
    let at = |start: &str| lines.iter().position(|line| line.contains(start));
    assert_eq!(at("✓ Pulled one"), Some(0), "{lines:#?}");
    assert!(
        at("[WARNING]: it closes") < at("✓ Pulled three"),
        "{lines:#?}"
    );
    assert!(at("[WARNING]: it closes").is_some());
}

#[test]
fn warnings_come_after_what_was_done_before() {
    let registry = TestRegistry::start();
    let names: Vec<_> = (0..40).map(|number| format!("{number:02}")).collect();
    let files: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), name.as_bytes()))
        .collect();
    registry.seed_artifact("a", "v1", &files);
    registry.inject(
        on("GET", "/v2/a/blobs/*")
            .nth(30)
            .header("Warning", "299 - \"it closes\""),
    );
    let oras = Oras::new();

    let seen = see(
        &oras,
        &format!("pull --plain-http {}", registry.reference("a:v1")),
    );

    seen.assert_steady();
    let lines = seen.left();
    let at = |part: &str| lines.iter().position(|line| line.contains(part));
    assert_eq!(
        at("it closes"),
        at("Pulled 28").map(|at| at + 1),
        "{lines:#?}"
    );
}

#[test]
fn names_from_others_do_nothing_to_the_terminal() {
    let registry = TestRegistry::start();
    registry.seed_artifact(
        "a",
        "v1",
        &[("\u{1b}[2Jevil\u{7}\u{202e}\r\u{9b}1m\n{bar}.txt", b"x")],
    );
    let oras = Oras::new();

    let seen = see(
        &oras,
        &format!(
            "cp --from-plain-http --to-oci-layout {} layout:v1",
            registry.reference("a:v1")
        ),
    );

    seen.assert_steady();
    assert_eq!(seen.left()[1], "✓ Copied [2Jevil1m{bar}.txt");
}

#[test]
fn names_may_be_wider_than_they_seem() {
    let registry = TestRegistry::start();
    let large = Rng::new(1).bytes(LARGE_BYTES / 8);
    // A font may have one sign for two of these letters, or not; and soft hyphens are seen, or not.
    let name = "\u{644}\u{627}".repeat(20) + &"\u{ad}".repeat(20);
    registry.seed_artifact("a", "v1", &[(&name, &large)]);
    registry.inject(on("GET", "/v2/a/blobs/*").slow_body(Duration::from_millis(30)));
    let oras = Oras::new();
    let pull = ["pull", "--plain-http", &registry.reference("a:v1")];

    let seen = see_at(60, oras.command(pull));

    let lines = seen.screen.lines();
    assert!(
        lines.iter().all(|line| !line.contains("Downloading")),
        "{:#?}",
        seen.screen
    );
}

#[test]
fn who_asks_for_credentials_has_the_terminal_for_himself() {
    let registry = TestRegistry::requiring_basic("alice", "open sesame");
    let oras = with_large();
    let host = registry.host();
    oras.write(
        "helpers/docker-credential-key",
        "#!/bin/sh\necho 'Touch your key.' >&2\necho '{\"Username\":\"alice\",\"Secret\":\"open sesame\"}'\n",
    );
    assert!(
        oras.shell("chmod +x helpers/*")
            .success()
            .stdout()
            .is_empty()
    );
    let config = format!(r#"{{"credHelpers":{{"{host}":"key"}}}}"#);
    oras.write("mine.json", config);
    let target = registry.reference("a:v1");
    let push = [
        "push",
        "--plain-http",
        "--registry-config=mine.json",
        &target,
        "large.bin",
    ];

    let helpers = oras.directory().join("helpers");
    let seen = see_at(COLUMNS, oras.command(push).finding(&helpers));

    assert_eq!(seen.code, Some(0), "{:#?}", seen.screen);
    seen.assert_steady();
    let left = seen.left();
    assert!(left.contains(&"Touch your key.".to_owned()), "{left:#?}");
}

#[test]
fn content_is_not_drawn_over() {
    let registry = TestRegistry::start();
    let hello = registry.seed_blob("a", b"hello");
    let blob = format!("{}@{hello}", registry.reference("a"));
    registry.seed_artifact("a", "v1", &[("one", b"hello")]);
    let artifact = registry.reference("a:v1");
    let oras = Oras::new();
    for line in [
        ["blob", "fetch", &blob, "-o-"],
        ["pull", &artifact, "-o-", "--plain-http"],
    ] {
        let terminal = terminal(COLUMNS);
        let asked = [&line[..], &["--plain-http", "--no-tty=false"]].concat();
        let child = oras.command(asked).start_at(&terminal);
        let (text, _) = terminal.finish(child);
        assert_eq!(text, "hello");
    }
}

#[test]
fn a_directory_is_shown_while_it_is_packed() {
    let oras = with_large();
    std::fs::create_dir(oras.directory().join("directory")).unwrap();
    std::fs::rename(
        oras.directory().join("large.bin"),
        oras.directory().join("directory/large.bin"),
    )
    .unwrap();

    let seen = see(&oras, "push --oci-layout layout:v1 directory");

    seen.assert_steady();
    assert!(seen.showed(&["Preparing directory", " B"]));
    assert!(
        !seen.showed(&["Preparing directory", "["]),
        "how much there is, is not known"
    );
}

#[test]
fn there_are_no_bars_for_those_who_want_none_or_cannot_see_them() {
    let oras = Oras::new();
    oras.write("a.txt", "a");
    let push = |more: &[&str]| {
        let line = ["push", "--oci-layout", "layout:v1", "a.txt"];
        let epoch = oras.command([&line, more].concat());
        epoch.env("SOURCE_DATE_EPOCH", "0")
    };
    push(&[]).run().success();
    let lines = push(&[]).run().success().stdout();
    assert!(lines.contains("Exists    "), "{lines}");

    for more in [&["--no-tty"][..], &["--debug"]] {
        let seen = see_at(COLUMNS, push(more));
        assert_eq!(seen.stdout, lines, "{more:?}");
        assert!(seen.screen.frames.is_empty(), "{more:?}");
    }
    let seen = see_at(COLUMNS, push(&[]).env("TERM", "dumb"));
    assert_eq!((seen.left(), seen.stdout), (vec![], lines.clone()));

    let seen = see_at(COLUMNS, push(&["-q"]));
    assert!(seen.stdout.starts_with("sha256:"), "{}", seen.stdout);
    assert!(seen.left().is_empty());

    let terminal = terminal(COLUMNS);
    let mut child = push(&[]).start_apart_from_stderr(&terminal);
    let mut pipe = child.stderr.take().unwrap();
    let (text, _) = terminal.finish(child);
    assert_eq!(text.replace("\r\n", "\n"), lines);
    let mut stderr = String::new();
    pipe.read_to_string(&mut stderr).unwrap();
    assert_eq!(stderr, "");
}

#[test]
fn bars_go_with_any_format_and_colours_can_be_declined() {
    let oras = Oras::new();
    oras.write("a.txt", "a");
    let push = ["push", "--oci-layout", "layout:v1", "a.txt"];
    let seen = see_at(
        COLUMNS,
        oras.command([&push[..], &["--format", "json"]].concat()),
    );
    assert!(seen.stdout.starts_with("{\n"), "{}", seen.stdout);
    assert!(seen.left().contains(&"✓ Uploaded a.txt".to_owned()));
    assert!(seen.screen.coloured > 0);

    let seen = see_at(COLUMNS, oras.command(push).env("NO_COLOR", "1"));
    assert_eq!(seen.screen.coloured, 0);
    assert!(seen.left().contains(&"= Exists a.txt".to_owned()));
}

#[test]
fn streams_are_shown_and_content_on_stdout_stays_alone() {
    let registry = TestRegistry::start();
    let oras = Oras::new();
    let target = registry.reference("a:v1");
    let terminal = terminal(COLUMNS);
    let push = ["push", "--plain-http", &target, "-", "--title", "typed.txt"];
    let mut child = oras.command(push).start_apart_from_stdout(&terminal);
    let mut typed = terminal;
    typed.wait_for(DRAWN);
    typed.type_in("hello\n\x04");
    let status = child.wait().expect("a child can be waited for");
    assert!(status.success());
    let seen = finish(typed, child, COLUMNS);
    assert!(seen.showed(&["Preparing typed.txt"]), "{:?}", seen.screen);
    let left = seen.left();
    assert!(
        left.contains(&"✓ Uploaded typed.txt".to_owned()),
        "{left:#?}"
    );

    let pull = ["pull", "--plain-http", &target, "-o", "-"];
    let seen = see_at(COLUMNS, oras.command(pull));
    assert_eq!((seen.left(), seen.stdout), (vec![], "hello\n".to_owned()));
    let asked = oras.command([&pull[..], &["--no-tty=false"]].concat());
    let seen = see_at(COLUMNS, asked);
    seen.assert_steady();
    assert_eq!(
        seen.left(),
        [
            "✓ Pulled application/vnd.oci.image.manifest.v1+json",
            "✓ Pulled typed.txt"
        ]
    );
    assert_eq!(seen.stdout, "hello\n");
}
