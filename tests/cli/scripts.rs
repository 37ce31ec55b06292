//! Shell scripts as users write them: pipes, substitutions, conditions, and exit codes by kind of
//! failure.

use std::fs;

use crate::support::cli::{Oras, Outcome};
use crate::support::registry::{TestRegistry, on, sha256};
use crate::support::rng::Rng;
use crate::support::tree::{self, assert_tree, directory, file};

/// A registry, and a working directory with a file and a directory in it.
struct Setting {
    registry: TestRegistry,
    oras: Oras,
}

impl Setting {
    fn new() -> Self {
        let oras = Oras::new();
        oras.write("hello.txt", "hello\n");
        oras.write("dir/a.txt", "a\n");
        oras.write("dir/sub/b.txt", "b\n");
        Self {
            registry: TestRegistry::start(),
            oras,
        }
    }

    /// Runs a script with `$ref` set to a reference in the registry.
    fn run(&self, script: &str) -> Outcome {
        let address = self.registry.host().replace("127.0.0.1", "localhost");
        self.oras
            .shell(&format!("set -e; reference={address}/a; {script}"))
    }

    fn tree(&self, name: &str) -> std::path::PathBuf {
        self.oras.directory().join(name)
    }
}

#[test]
fn a_digest_can_be_kept_in_a_variable() {
    let setting = Setting::new();
    let outcome = setting.run(
        r#"
        digest=$(oras push -q $reference:v1 hello.txt)
        oras tag -q $reference@$digest stable
        test "$digest" = "$(oras resolve $reference:stable)"
        oras pull -q -o out $reference@$digest
        cmp hello.txt out/hello.txt
        "#,
    );
    let digest = setting.registry.resolve("a", "v1").unwrap();
    outcome.success().prints(&format!("{digest}\n{digest}\n"));
}

#[test]
fn an_archive_round_trips_through_pipes() {
    let setting = Setting::new();
    let outcome = setting.run(
        r"
        tar c dir | oras push -q $reference:v1 -:application/x-tar --title dir.tar > digest
        mkdir out
        oras pull -o - $reference:v1 | tar x -C out
        ",
    );
    outcome.success().prints("");
    assert_tree(
        &setting.tree("out"),
        &[file("dir/a.txt", "a\n"), file("dir/sub/b.txt", "b\n")],
    );
}

#[test]
fn a_directory_on_stdout_is_its_archive() {
    let setting = Setting::new();
    let outcome = setting.run(
        r"
        oras push -q $reference:v1 dir > digest
        mkdir out
        oras pull -o - $reference:v1 | tar xz -C out
        ",
    );
    outcome.success().prints("");
    assert_tree(
        &setting.tree("out"),
        &[file("dir/a.txt", "a\n"), file("dir/sub/b.txt", "b\n")],
    );
}

#[test]
fn a_filter_selects_the_file_for_a_pipe() {
    let setting = Setting::new();
    setting
        .run(
            r"
            oras push -q $reference:v1 hello.txt dir > digest
            oras pull -o - --include hello.txt $reference:v1 | tr a-z A-Z
            ",
        )
        .success()
        .prints("HELLO\n");
}

#[test]
fn output_of_a_command_can_be_attached() {
    let setting = Setting::new();
    setting
        .run(
            r"
            oras push -q $reference:v1 hello.txt > digest
            wc -c < hello.txt | oras attach -q --artifact-type doc/size $reference:v1 - --title size > attached
            oras pull -o - $reference@$(cat attached)
            ",
        )
        .success()
        .prints("6\n");
}

#[test]
fn existence_is_a_shell_condition() {
    let setting = Setting::new();
    setting
        .run(
            r#"
            if oras resolve $reference:v1 2> errors; then echo early; else echo "none yet: $?"; fi
            oras push -q $reference:v1 hello.txt > digest
            if oras resolve $reference:v1 > digest; then echo there; fi
            oras pull -o - $reference:v2 2> errors || echo "no such tag: $?"
            "#,
        )
        .success()
        .prints("none yet: 3\nthere\nno such tag: 3\n");
}

#[test]
fn the_exit_status_depends_on_the_kind_of_failure() {
    let setting = Setting::new();
    setting
        .run("oras push -q $reference:v1 hello.txt")
        .success();
    setting
        .run("oras pull -q -o out $reference:v1")
        .fails_with(0);
    // Other failure: the output directory is a file.
    setting
        .run("oras pull -o hello.txt/below $reference:v1")
        .fails_with(1);
    // Usage.
    for line in [
        "oras push",
        "oras pull --no-such-flag $reference:v1",
        "oras pull --include '[' $reference:v1",
        "oras pull -o - $reference:v1 $reference:v1",
        "oras push $reference:v1 - -",
        "oras push $reference:v1 - < hello.txt",
    ] {
        setting.run(line).fails_with(2);
    }
    // Not found.
    for line in [
        "oras resolve $reference:none",
        "oras pull $reference:none",
        "oras pull --include none $reference:v1",
        "oras push $reference:v2 none.txt",
    ] {
        setting.run(line).fails_with(3);
    }
    // Access denied.
    let closed = Setting {
        registry: TestRegistry::requiring_basic("alice", "open sesame"),
        ..Setting::new()
    };
    closed.run("oras pull $reference:v1").fails_with(4);
    closed
        .run("oras push -u alice -p wrong $reference:v1 hello.txt")
        .fails_with(4);
    // Network or server failure.
    setting.run("oras pull localhost:1/a:v1").fails_with(5);
    // The same request would be refused again.
    let path = format!("/v2/a/blobs/{}", sha256(b"hello\n"));
    setting.registry.inject(on("GET", &path).status(400));
    setting.run("oras pull -o out2 $reference:v1").fails_with(1);
    // Content that does not match its digest.
    setting.registry.heal();
    setting.registry.inject(on("GET", &path).flip_byte(2));
    setting.run("oras pull -o out2 $reference:v1").fails_with(6);
    setting.run("oras pull -o - $reference:v1").fails_with(6);
}

#[test]
fn bad_content_on_stdout_ends_with_status_6() {
    let setting = Setting::new();
    let content = Rng::new(1).bytes(1_000_000);
    setting.oras.write("large", &content);
    setting.run("oras push -q $reference:v1 large").success();
    let path = format!("/v2/a/blobs/{}", sha256(&content));
    setting.registry.inject(on("GET", &path).flip_byte(999_999));

    let outcome = setting
        .run("oras pull -o - $reference:v1")
        .fails_with(6)
        .complains("Error: ");

    let out = &outcome.stdout_bytes;
    assert!(!out.is_empty() && out.len() < content.len() && content.starts_with(out));
}

#[test]
fn a_reader_may_close_the_pipe_early() {
    let setting = Setting::new();
    setting.oras.write("large", vec![b'x'; 4_000_000]);
    setting.run("oras push -q $reference:v1 large").success();

    let outcome = setting
        .run(r#"{ oras pull -o - $reference:v1 || echo "$?" > status; } | head -c1"#)
        .success()
        .prints("x");

    assert_eq!(outcome.stderr(), "");
    assert_eq!(setting.oras.read("status"), b"141\n");
}

#[test]
fn a_refused_push_ends_the_writer_of_its_pipe() {
    let setting = Setting::new();
    let registry = &setting.registry;
    registry.inject(on("POST", "*").error(403, "DENIED", "no"));

    // Without a closed pipe the writer would never end.
    setting
        .run("yes | oras push $reference:v1 - --title yes")
        .fails_with(4);
}

/// Limit of the address space of a command in KiB: code, stack and buffers.
const MEMORY_KIB: usize = 48 * 1024;
/// Size of a stream that is larger than this limit.
const STREAM_BYTES: u64 = 64 * 1024 * 1024;

#[test]
fn memory_does_not_grow_with_the_size_of_a_stream() {
    let setting = Setting::new();
    let limited = format!("ulimit -v {MEMORY_KIB}");
    for target in ["$reference:v1", "--oci-layout layout:v1"] {
        setting
            .run(&format!(
                r"
                head -c {STREAM_BYTES} /dev/zero | ({limited}; oras push -q {target} - --title zeros) > digest
                ({limited}; oras pull -o - {target}) | wc -c
                "
            ))
            .success()
            .prints(&format!("{STREAM_BYTES}\n"));
    }
}

#[test]
fn a_killed_push_from_a_pipe_can_be_repeated() {
    let setting = Setting::new();
    setting
        .run(
            r"
            mkfifo pipe
            oras push -q --oci-layout layout:v1 - --title hello < pipe &
            exec 3> pipe
            head -c 1000000 /dev/zero >&3
            until test -s layout/ingest/.oras-*; do sleep 0.01; done
            kill -9 $!
            wait $! || test $? = 137
            exec 3>&-
            oras push -q --oci-layout layout:v1 - --title hello.txt < hello.txt > digest
            ls layout/ingest 2> none | grep -c part || true
            ",
        )
        .success()
        .prints("0\n");
    let blobs = fs::read_dir(setting.tree("layout/blobs/sha256")).unwrap();
    assert_eq!(blobs.count(), 3, "the file, the config and the manifest");
}

#[test]
fn nothing_but_the_binary_is_needed() {
    // No home directory, no temporary directory, and a read-only working directory.
    let setting = Setting::new();
    let address = setting.registry.host().replace("127.0.0.1", "localhost");
    let work = setting.tree("empty");
    tree::build(&setting.oras.directory(), &[directory("empty").mode(0o555)]);
    let run = |arguments: &[&str], input: &str| {
        setting
            .oras
            .command(arguments)
            .in_directory(&work)
            .without_env("HOME")
            .without_env("PATH")
            .env("TMPDIR", "/nowhere")
            .stdin(input)
            .run()
            .success()
    };
    let reference = format!("{address}/a:v1");
    run(
        &["push", "-q", &reference, "-", "--title", "hello"],
        "hello",
    );
    run(&["pull", "-o", "-", &reference], "").prints("hello");
}
