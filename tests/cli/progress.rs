//! Progress on a terminal: during a transfer, at its end, and after failures.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::process::Child;
use std::time::Duration;

use crate::support::cli::{Invocation, Oras};
use crate::support::registry::{Mount, RegistryProfile, TestRegistry, on};
use crate::support::rng::Rng;
use crate::support::screen::Screen;
use crate::support::terminal::Terminal;

/// Size of a file whose transfer takes long enough for several frames, in bytes.
const LARGE_BYTES: usize = 6 * 1024 * 1024;
const COLUMNS: u16 = 100;
/// Escape sequence at the end of every frame.
const DRAWN: &str = "\r\x1b[?25h";

/// The recorded output of a command.
struct Recording {
    screen: Screen,
    /// Standard output, which is not the terminal.
    stdout: String,
    code: Option<i32>,
}

impl Recording {
    /// Returns the remaining lines, each up to the size.
    fn remaining(&self) -> Vec<String> {
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

    /// Checks that every frame follows the rules of the display.
    #[track_caller]
    fn assert_steady(&self) {
        let screen = &self.screen;
        assert!(screen.shows_cursor && screen.wraps);
        // Messages may be wider than the terminal.
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
            "no bar is remaining over: {:#?}",
            screen.lines()
        );
    }

    /// Whether one frame contained all of `parts`.
    fn has_frame_with(&self, parts: &[&str]) -> bool {
        let mut frames = self.screen.frames.iter();
        frames.any(|frame| parts.iter().all(|part| frame.contains(part)))
    }
}

/// Parses name, transferred bytes and total of a progress line.
fn amounts(line: &str) -> Option<(String, f64, f64)> {
    let words: Vec<_> = line.split_whitespace().collect();
    // Amounts such as `5.3 MB/6 MB`, not rates such as `42 MB/s`.
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

/// Waits for a command whose standard error is the terminal.
fn finish(terminal: Terminal, mut child: Child, columns: u16) -> Recording {
    let pipe = child.stdout.take();
    let (text, status) = terminal.finish(child);
    let mut stdout = String::new();
    if let Some(mut pipe) = pipe {
        pipe.read_to_string(&mut stdout).expect("it is text");
    }
    Recording {
        screen: Screen::showing(&text, usize::from(columns)),
        stdout,
        code: status.code(),
    }
}

/// Runs a command with standard error at a terminal of `columns` columns.
fn record_at(columns: u16, invocation: Invocation) -> Recording {
    let terminal = terminal(columns);
    let child = invocation.start_apart_from_stdout(&terminal);
    finish(terminal, child, columns)
}

fn record(oras: &Oras, line: &str) -> Recording {
    record_at(COLUMNS, oras.command(line.split(' ')))
}

/// Creates a working directory with a large file.
fn with_large() -> Oras {
    let oras = Oras::new();
    oras.write("large.bin", Rng::new(1).bytes(LARGE_BYTES));
    oras
}

#[test]
fn a_large_push_shows_progress_of_hashing_and_sending() {
    let registry = TestRegistry::start();
    let oras = with_large();
    oras.write("small.txt", "small\n");
    let target = registry.reference("a:v1");

    let seen = record(
        &oras,
        &format!("push --plain-http {target} large.bin small.txt"),
    );

    assert_eq!(seen.code, Some(0));
    seen.assert_steady();
    assert!(seen.has_frame_with(&["Preparing large.bin"]));
    assert!(seen.has_frame_with(&["Uploading large.bin", "[", "/6 MB"]));
    assert_eq!(
        seen.remaining(),
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

    let again = record(
        &oras,
        &format!("push --plain-http {target} large.bin small.txt"),
    );
    assert_eq!(
        again.remaining()[..3],
        [
            "= Exists application/vnd.oci.empty.v1+json",
            "= Exists large.bin",
            "= Exists small.txt",
        ]
    );
}

#[test]
fn a_large_pull_shows_progress() {
    let registry = TestRegistry::start();
    let large = Rng::new(1).bytes(LARGE_BYTES / 4);
    registry.seed_artifact(
        "a",
        "v1",
        &[("large.bin", &large), ("small.txt", b"small\n")],
    );
    registry.inject(on("GET", "/v2/a/blobs/*").slow_body(Duration::from_millis(30)));
    let oras = Oras::new();

    let seen = record(
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
        seen.remaining(),
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
fn a_check_shows_the_files_that_it_reads_and_leaves_no_lines() {
    let registry = TestRegistry::start();
    let oras = with_large();
    let large = oras.read("large.bin");
    registry.seed_artifact("a", "v1", &[("large.bin", &large), ("also.bin", &large)]);
    oras.write("also.bin", &large);

    let reference = registry.reference("a:v1");
    let seen = record(&oras, &format!("check --plain-http {reference}"));

    assert_eq!(seen.code, Some(0), "{}", seen.stdout);
    for name in ["large.bin", "also.bin"] {
        let is_shown = seen.has_frame_with(&[&format!("Comparing {name}"), "6 MB"]);
        assert!(is_shown, "{:#?}", seen.screen.frames);
    }
    assert_eq!(seen.remaining(), [""; 0]);
}

#[test]
fn copies_show_copied_and_skipped_content() {
    let registry = TestRegistry::start_as(RegistryProfile {
        mount: Mount::Checked,
        ..RegistryProfile::default()
    });
    registry.seed_artifact("a", "v1", &[("one", b"1"), ("two", b"2"), ("again", b"2")]);
    let oras = Oras::new();
    let (from, to) = (registry.reference("a:v1"), registry.reference("b:v1"));

    let seen = record(
        &oras,
        &format!("cp --from-plain-http --to-oci-layout {from} layout:v1"),
    );
    seen.assert_steady();
    assert_eq!(
        seen.remaining(),
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
    let seen = record(
        &oras,
        &format!("cp --from-plain-http --to-oci-layout {from} layout:v1"),
    );
    assert_eq!(
        seen.remaining(),
        ["= Exists application/vnd.oci.image.manifest.v1+json"]
    );
    let copy = format!("cp --from-plain-http --to-plain-http {from} {to}");
    assert_eq!(
        record(&oras, &copy).remaining()[1..3],
        ["✓ Mounted one", "✓ Mounted two"]
    );
    assert_eq!(
        record(&oras, &copy).remaining(),
        ["= Exists application/vnd.oci.image.manifest.v1+json"],
        "a root that gets a name is shown, unlike in lines"
    );
}

#[test]
fn blob_push_and_fetch_show_progress() {
    let registry = TestRegistry::start();
    let oras = with_large();
    let name = registry.reference("a");

    let seen = record(&oras, &format!("blob push --plain-http {name} large.bin"));
    seen.assert_steady();
    assert!(seen.has_frame_with(&["Preparing large.bin"]));
    assert!(seen.has_frame_with(&["Uploading application/vnd.oci.image.lay", "/6 MB"]));
    assert_eq!(
        seen.remaining(),
        ["✓ Uploaded application/vnd.oci.image.layer.v1.tar"]
    );
    let digest = seen.stdout.rsplit(' ').next().unwrap().trim().to_owned();
    let described = record(
        &oras,
        &format!("blob push --plain-http --descriptor {name} large.bin"),
    );
    assert!(
        described.remaining().is_empty(),
        "as with lines, a descriptor goes alone"
    );
    assert!(
        seen.stdout.starts_with("Pushed: [registry] "),
        "{}",
        seen.stdout
    );

    let fetch = format!("blob fetch --plain-http {name}@{digest} -o");
    let seen = record(&oras, &format!("{fetch} fetched"));
    seen.assert_steady();
    assert!(seen.has_frame_with(&["Downloading application/", "/6 MB"]));
    assert_eq!(seen.remaining(), ["✓ Downloaded application/octet-stream"]);
    assert_eq!(seen.stdout, "");
    assert_eq!(oras.read("fetched"), oras.read("large.bin"));

    let hello = registry.seed_blob("a", b"hello");
    let fetch = format!("blob fetch --plain-http {name}@{hello} -o -");
    let seen = record(&oras, &fetch);
    assert_eq!(
        (seen.remaining(), seen.stdout),
        (vec![], "hello".to_owned())
    );
    let seen = record(&oras, &format!("{fetch} --no-tty=false"));
    assert_eq!(seen.remaining(), ["✓ Downloaded application/octet-stream"]);
    assert_eq!(seen.stdout, "hello");
}

#[test]
fn attach_backup_and_restore_show_progress() {
    let registry = TestRegistry::start();
    registry.seed_artifact("a", "v1", &[("one", b"1")]);
    let oras = Oras::new();
    oras.write("two", "2");
    let name = registry.reference("a");

    let seen = record(
        &oras,
        &format!("attach --plain-http --artifact-type a/b {name}:v1 two"),
    );
    seen.assert_steady();
    assert!(seen.remaining().contains(&"✓ Uploaded two".to_owned()));
    assert!(
        seen.stdout.starts_with("Attached to [registry] "),
        "{}",
        seen.stdout
    );

    let seen = record(
        &oras,
        &format!("backup --plain-http --include-referrers -o backup.tar {name}:v1"),
    );
    seen.assert_steady();
    let pulled = seen.remaining();
    assert!(pulled.contains(&"✓ Pulled one".to_owned()), "{pulled:#?}");
    assert!(pulled.contains(&"✓ Pulled two".to_owned()), "{pulled:#?}");
    let lines: Vec<_> = seen.stdout.lines().collect();
    assert_eq!(lines[0], format!("Found 1 tag(s) in {name}: v1"));
    assert_eq!(lines[1], "Pulled tag v1 with 1 referrer(s)");
    assert_eq!(lines.len(), 5, "{lines:#?}");

    let other = registry.reference("b");
    let seen = record(
        &oras,
        &format!("restore --plain-http --input backup.tar {other}"),
    );
    seen.assert_steady();
    let pushed = seen.remaining();
    assert!(pushed.contains(&"✓ Pushed one".to_owned()), "{pushed:#?}");
    assert_eq!(seen.stdout.lines().count(), 4, "{}", seen.stdout);
}

#[test]
fn results_on_the_same_terminal_come_below_the_progress() {
    let oras = Oras::new();
    oras.write("a.txt", "a");
    let terminal = terminal(COLUMNS);
    let push = ["push", "--oci-layout", "layout:v1", "a.txt"];
    let child = oras.command(push).start_at(&terminal);
    let seen = finish(terminal, child, COLUMNS);
    seen.assert_steady();
    let remaining = seen.remaining();
    assert_eq!(remaining[1], "✓ Uploaded a.txt");
    assert_eq!(remaining[3], "Pushed [oci-layout] layout:v1");
    assert_eq!(remaining.len(), 6, "{remaining:#?}");
}

#[test]
fn a_thousand_small_files_are_listed_in_order_with_few_frames() {
    let oras = Oras::new();
    let mut line = "push --oci-layout layout:v1".to_owned();
    for number in 0..1000 {
        let name = format!("{number:04}.txt");
        oras.write(&name, format!("{number}"));
        write!(line, " {name}").unwrap();
    }

    let seen = record(&oras, &line);

    seen.assert_steady();
    let remaining = seen.remaining();
    let files: Vec<_> = remaining
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
fn a_failed_transfer_is_marked_and_the_error_comes_below() {
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

    let seen = record(
        &oras,
        &format!("pull --plain-http {}", registry.reference("a:v1")),
    );

    assert_eq!(seen.code, Some(6));
    seen.assert_steady();
    let remaining = seen.remaining();
    assert_eq!(remaining[0], "✓ Pulled small.txt");
    assert_eq!(remaining[1], "✗ Downloading large.bin");
    assert!(remaining[2].starts_with("Error: "), "{remaining:#?}");
    assert_eq!(seen.stdout, "");

    let refusing = TestRegistry::start();
    refusing.inject(on("PUT", "/v2/a/blobs/*").error(403, "DENIED", "no more of this"));
    let oras = with_large();
    let seen = record(
        &oras,
        &format!("push --plain-http {} large.bin", refusing.reference("a:v1")),
    );
    assert_eq!(seen.code, Some(4));
    seen.assert_steady();
    assert!(
        seen.remaining()[0].starts_with("✗ Uploading "),
        "{:#?}",
        seen.remaining()
    );
}

#[test]
fn progress_fits_every_width() {
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
        let seen = record_at(columns, oras.command(pull));
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
    // A terminal without a known width.
    let seen = record_at(0, oras.command(pull).env("TERM", "xterm"));
    assert_eq!(seen.code, Some(0));
}

#[test]
fn a_window_can_become_narrower_during_a_transfer() {
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
fn echoed_input_does_not_disturb_the_progress() {
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
    assert!(!seen.has_frame_with(&["typed"]), "{:#?}", seen.screen);
    assert_eq!(seen.remaining()[0], "✓ Pulled large.bin");
}

#[test]
fn a_killed_command_leaves_a_working_terminal() {
    let registry = TestRegistry::start();
    registry.seed_artifact("a", "v1", &[("large.bin", &vec![0; LARGE_BYTES])]);
    registry.inject(on("GET", "/v2/a/blobs/*").slow_body(Duration::from_millis(100)));
    let oras = Oras::new();
    let terminal = terminal(COLUMNS);
    let pull = ["pull", "--plain-http", &registry.reference("a:v1")];
    let mut child = oras.command(pull).start_apart_from_stdout(&terminal);
    terminal.wait_for(DRAWN);
    child.kill().expect("a child can be killed");
    assert!(terminal.echoes());

    let seen = finish(terminal, child, COLUMNS);

    assert!(seen.screen.shows_cursor);
    assert_eq!(seen.screen.lines().len(), 1);
}

#[test]
fn warnings_are_printed_above_the_progress() {
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

    let seen = record(
        &oras,
        &format!("pull --plain-http {}", registry.reference("a:v1")),
    );

    seen.assert_steady();
    let lines = seen.remaining();
    let at = |start: &str| lines.iter().position(|line| line.contains(start));
    assert_eq!(at("✓ Pulled one"), Some(0), "{lines:#?}");
    assert!(
        at("[WARNING]: it closes") < at("✓ Pulled three"),
        "{lines:#?}"
    );
    assert!(at("[WARNING]: it closes").is_some());
}

#[test]
fn warnings_come_after_earlier_status_lines() {
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

    let seen = record(
        &oras,
        &format!("pull --plain-http {}", registry.reference("a:v1")),
    );

    seen.assert_steady();
    let lines = seen.remaining();
    let at = |part: &str| lines.iter().position(|line| line.contains(part));
    assert_eq!(
        at("it closes"),
        at("Pulled 28").map(|at| at + 1),
        "{lines:#?}"
    );
}

#[test]
fn control_characters_in_names_do_not_reach_the_terminal() {
    let registry = TestRegistry::start();
    registry.seed_artifact(
        "a",
        "v1",
        &[("\u{1b}[2Jevil\u{7}\u{202e}\r\u{9b}1m\n{bar}.txt", b"x")],
    );
    let oras = Oras::new();

    let seen = record(
        &oras,
        &format!(
            "cp --from-plain-http --to-oci-layout {} layout:v1",
            registry.reference("a:v1")
        ),
    );

    seen.assert_steady();
    assert_eq!(seen.remaining()[1], "✓ Copied [2Jevil1m{bar}.txt");
}

#[test]
fn names_with_wide_characters_fit() {
    let registry = TestRegistry::start();
    let large = Rng::new(1).bytes(LARGE_BYTES / 8);
    // Fonts may draw two of these letters as one glyph, and may show soft hyphens.
    let name = "\u{644}\u{627}".repeat(20) + &"\u{ad}".repeat(20);
    registry.seed_artifact("a", "v1", &[(&name, &large)]);
    registry.inject(on("GET", "/v2/a/blobs/*").slow_body(Duration::from_millis(30)));
    let oras = Oras::new();
    let pull = ["pull", "--plain-http", &registry.reference("a:v1")];

    let seen = record_at(60, oras.command(pull));

    let lines = seen.screen.lines();
    assert!(
        lines.iter().all(|line| !line.contains("Downloading")),
        "{:#?}",
        seen.screen
    );
}

#[test]
fn progress_is_cleared_before_a_credential_helper_runs() {
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
    let seen = record_at(COLUMNS, oras.command(push).finding(&helpers));

    assert_eq!(seen.code, Some(0), "{:#?}", seen.screen);
    seen.assert_steady();
    let remaining = seen.remaining();
    assert!(
        remaining.contains(&"Touch your key.".to_owned()),
        "{remaining:#?}"
    );
}

#[test]
fn progress_does_not_overwrite_content_on_stdout() {
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
fn packing_a_directory_shows_progress() {
    let oras = with_large();
    std::fs::create_dir(oras.directory().join("directory")).unwrap();
    std::fs::rename(
        oras.directory().join("large.bin"),
        oras.directory().join("directory/large.bin"),
    )
    .unwrap();

    let seen = record(&oras, "push --oci-layout layout:v1 directory");

    seen.assert_steady();
    assert!(seen.has_frame_with(&["Preparing directory", " B"]));
    assert!(
        !seen.has_frame_with(&["Preparing directory", "["]),
        "how much there is, is not known"
    );
}

#[test]
fn progress_can_be_disabled_and_needs_a_terminal() {
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
        let seen = record_at(COLUMNS, push(more));
        assert_eq!(seen.stdout, lines, "{more:?}");
        assert!(seen.screen.frames.is_empty(), "{more:?}");
    }
    let seen = record_at(COLUMNS, push(&[]).env("TERM", "dumb"));
    assert_eq!((seen.remaining(), seen.stdout), (vec![], lines.clone()));

    let seen = record_at(COLUMNS, push(&["-q"]));
    assert!(seen.stdout.starts_with("sha256:"), "{}", seen.stdout);
    assert!(seen.remaining().is_empty());

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
fn progress_works_with_all_formats_and_colors_can_be_disabled() {
    let oras = Oras::new();
    oras.write("a.txt", "a");
    let push = ["push", "--oci-layout", "layout:v1", "a.txt"];
    let seen = record_at(
        COLUMNS,
        oras.command([&push[..], &["--format", "json"]].concat()),
    );
    assert!(seen.stdout.starts_with("{\n"), "{}", seen.stdout);
    assert!(seen.remaining().contains(&"✓ Uploaded a.txt".to_owned()));
    assert!(seen.screen.coloured > 0);

    let seen = record_at(COLUMNS, oras.command(push).env("NO_COLOR", "1"));
    assert_eq!(seen.screen.coloured, 0);
    assert!(seen.remaining().contains(&"= Exists a.txt".to_owned()));
}

#[test]
fn streams_show_progress_and_stdout_has_only_content() {
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
    assert!(
        seen.has_frame_with(&["Preparing typed.txt"]),
        "{:?}",
        seen.screen
    );
    let remaining = seen.remaining();
    assert!(
        remaining.contains(&"✓ Uploaded typed.txt".to_owned()),
        "{remaining:#?}"
    );

    let pull = ["pull", "--plain-http", &target, "-o", "-"];
    let seen = record_at(COLUMNS, oras.command(pull));
    assert_eq!(
        (seen.remaining(), seen.stdout),
        (vec![], "hello\n".to_owned())
    );
    let asked = oras.command([&pull[..], &["--no-tty=false"]].concat());
    let seen = record_at(COLUMNS, asked);
    seen.assert_steady();
    assert_eq!(
        seen.remaining(),
        [
            "✓ Pulled application/vnd.oci.image.manifest.v1+json",
            "✓ Pulled typed.txt"
        ]
    );
    assert_eq!(seen.stdout, "hello\n");
}

#[test]
fn totals_count_all_files_and_names_end_in_an_ellipsis() {
    let registry = TestRegistry::start();
    let large = Rng::new(1).bytes(LARGE_BYTES / 12);
    let name = "a-long-name-".repeat(9);
    let files = [("first", &large[1..]), (&name, &large), ("third", b"3")];
    registry.seed_artifact("a", "v1", &files);
    registry.inject(on("GET", "/v2/a/blobs/*").slow_body(Duration::from_millis(30)));
    let oras = Oras::new();
    let pull = ["pull", "--plain-http", &registry.reference("a:v1")];
    for (columns, second) in [
        (40, "a-long-name-…"),
        (80, "a-long-name-a…"),
        (200, name.as_str()),
    ] {
        let output = format!("out-{columns}");
        let seen = record_at(
            columns,
            oras.command(pull.into_iter().chain(["-o", &output])),
        );
        seen.assert_steady();
        let details: &[_] = match columns {
            40 => &["Downloading", "%"],
            _ => &["Downloading", "%", "/1 MB ", "B/s ", "s left"],
        };
        for (name, count) in [("first", "0 of 3 "), (second, "1 of 3 ")] {
            let parts = [details, &[name, count]].concat();
            assert!(seen.has_frame_with(&parts), "{parts:?}: {:#?}", seen.screen);
        }
        let is_early = seen.has_frame_with(&["first", " 100%"]);
        assert!(!is_early, "{:#?}", seen.screen);
    }
}

#[test]
fn totals_of_several_tags_may_grow_until_the_last_one() {
    let registry = TestRegistry::start();
    let large = Rng::new(1).bytes(LARGE_BYTES / 4);
    registry.seed_artifact("a", "v1", &[("one", &large)]);
    registry.seed_artifact("a", "v2", &[("two", &large[1..]), ("three", b"3")]);
    registry.inject(on("GET", "/v2/a/blobs/*").slow_body(Duration::from_millis(30)));
    let oras = Oras::new();
    let name = registry.reference("a");

    let seen = record(&oras, &format!("backup --plain-http -o backup {name}"));

    seen.assert_steady();
    for parts in [
        ["Pulling   one", "0 of 1+", "/1.5 MB+ "],
        ["Pulling   two", "1 of 3 ", "/3 MB "],
    ] {
        assert!(seen.has_frame_with(&parts), "{parts:?}: {:#?}", seen.screen);
    }
}

#[test]
fn a_server_that_is_silent_is_shown() {
    let registry = TestRegistry::start();
    let large = Rng::new(1).bytes(LARGE_BYTES / 4);
    registry.seed_artifact("a", "v1", &[("large", &large)]);
    registry.inject(on("GET", "/v2/a/blobs/*").delay(Duration::from_secs(3)));
    let oras = Oras::new();

    let pull = ["pull", "--plain-http", &registry.reference("a:v1")];
    let seen = record_at(COLUMNS, oras.command(pull));

    seen.assert_steady();
    assert!(seen.has_frame_with(&["waiting 2s"]), "{:#?}", seen.screen);
}

#[test]
fn a_locale_without_unicode_has_ascii_only() {
    let registry = TestRegistry::start();
    let large = Rng::new(1).bytes(LARGE_BYTES / 4);
    let name = "é".repeat(70);
    registry.seed_artifact("a", "v1", &[(&name, &large), ("b", b"2")]);
    registry.inject(on("GET", "/v2/a/blobs/*").slow_body(Duration::from_millis(30)));
    let oras = Oras::new();
    let pull = ["pull", "--plain-http", &registry.reference("a:v1")];
    for (variable, locale, is_ascii) in [
        ("LC_ALL", "C", true),
        ("LC_CTYPE", "de_DE.ISO-8859-1", true),
        ("LANG", "POSIX", true),
        ("LANG", "", true),
        ("LANG", "en_US.utf8", false),
        ("LC_ALL", "C.UTF-8", false),
    ] {
        let terminal = terminal(80);
        let child = oras.command(pull).env(variable, locale).start_at(&terminal);
        let (text, _) = terminal.finish(child);
        assert_eq!(text.is_ascii(), is_ascii, "{variable}={locale}: {text}");
        let marks = if is_ascii {
            ["+\x1b", "??...", "|\x1b"]
        } else {
            ["✓\x1b", "é…", "⠋\x1b"]
        };
        for mark in marks {
            assert!(text.contains(mark), "{variable}={locale}: {text}");
        }
    }
}

#[test]
fn progress_is_shown_while_content_goes_to_a_file_but_not_to_a_pipe() {
    let registry = TestRegistry::start();
    registry.seed_artifact("a", "v1", &[("one", b"hello")]);
    let reference = registry.reference("a:v1");
    let oras = Oras::new();
    for (redirection, is_shown) in [("> file", true), ("| cat > file", false)] {
        let terminal = terminal(COLUMNS);
        let line = format!("oras pull --plain-http -o - {reference} {redirection}");
        let child = oras.shell_command(&line).start_at(&terminal);
        let seen = finish(terminal, child, COLUMNS);
        let remaining = seen.remaining();
        let is_pulled = remaining.contains(&"✓ Pulled one".to_owned());
        assert_eq!(is_pulled, is_shown, "{redirection}: {remaining:#?}");
        assert_eq!(oras.read("file"), b"hello");
    }
}

#[test]
fn colours_depend_on_the_stream_that_is_written() {
    let registry = TestRegistry::start();
    registry.seed_artifact("a", "v1", &[("one", b"1")]);
    let oras = Oras::new();
    let target = registry.reference("a:v1");
    let attach = [
        "attach",
        "--plain-http",
        "--artifact-type=a/b",
        &target,
        "-a",
        "x=y",
    ];
    oras.run(attach).success();
    let line = format!("oras discover --plain-http {target}");

    let at_stdout = terminal(COLUMNS);
    let child = oras
        .shell_command(&format!("{line} 2> errors"))
        .start_at(&at_stdout);
    let (text, _) = at_stdout.finish(child);
    assert!(
        text.contains("\x1b[32m") && text.contains("├── ") | text.contains("└── "),
        "{text}"
    );

    let at_stderr = terminal(COLUMNS);
    let child = oras
        .shell_command(&format!("{line} > tree"))
        .start_at(&at_stderr);
    at_stderr.finish(child);
    let tree = String::from_utf8(oras.read("tree")).unwrap();
    assert!(tree.contains("└── a/b") && !tree.contains('\x1b'), "{tree}");

    let in_ascii = terminal(COLUMNS);
    let child = oras
        .shell_command(&line)
        .env("LC_ALL", "C")
        .start_at(&in_ascii);
    let (text, _) = in_ascii.finish(child);
    assert!(text.is_ascii() && text.contains("`-- "), "{text}");
}
