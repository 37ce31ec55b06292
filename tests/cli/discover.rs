//! `oras discover`.

use crate::support::cli::Oras;
use crate::support::terminal::Terminal;

transcripts! {
    "discover":
    annotations,
    chains,
    formats,
    lists,
    refusals,
    trees,
}

/// Creates a layout with an artifact and a referrer with a fixed time.
fn layout(oras: &Oras) {
    let created = "org.opencontainers.image.created=2000-01-01T00:00:00Z";
    let target = ["--oci-layout", "layout:v1", "-a", created];
    oras.run([&["push"], &target[..]].concat()).success();
    let attach = ["attach", "--artifact-type", "sig/example"];
    oras.run([&attach, &target[..]].concat()).success();
}

/// Returns the terminal output with its line endings.
fn shown(oras: &Oras, further: &[&str]) -> String {
    let terminal = Terminal::new();
    let discover = ["discover", "--oci-layout", "layout:v1"];
    let child = oras
        .command([&discover, further].concat())
        .start_at(&terminal);
    let (text, status) = terminal.finish(child);
    assert!(status.success(), "{text}");
    text.replace("\r\n", "\n")
}

#[test]
fn output_on_a_terminal_has_colors() {
    let oras = Oras::new();
    layout(&oras);

    assert_eq!(
        shown(&oras, &[]),
        "\x1b[32mlayout@sha256:b93f443e51f8a260b9e12750a53ae5e2a8ab74ef960bb74ed6bec68f05ed7db2\x1b[0m\n\
         └── \x1b[93msig/example\x1b[0m\n    \
             └── \x1b[32msha256:1edc067e8ef2656ab345b0d2c3237e23e43d1b1d225aa0bb030c65c90688ccc3\x1b[0m\n        \
                 └── \x1b[90m[annotations]\x1b[0m\n            \
                     └── org.opencontainers.image.created: \"2000-01-01T00:00:00Z\"\n"
    );
    for further in [&["--no-tty"], &["--debug"], &["--format=json"]] {
        let text = shown(&oras, further);
        assert!(!text.contains('\x1b'), "{further:?}: {text}");
    }
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let terminal = Terminal::new();
        let discover = oras.command(["discover", "--oci-layout", "layout:v1"]);
        let child = discover.env(name, value).start_at(&terminal);
        let (text, _) = terminal.finish(child);
        assert!(!text.contains('\x1b'), "{name}: {text}");
    }
    let piped = oras.run(["discover", "--oci-layout", "layout:v1"]);
    assert!(!piped.success().stdout().contains('\x1b'));
}
