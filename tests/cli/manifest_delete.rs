//! `oras manifest delete`.

use crate::support::cli::Oras;
use crate::support::registry::TestRegistry;
use crate::support::terminal::Terminal;

transcripts! {
    "manifest_delete":
    force,
    layouts,
    parts,
    questions,
    refusals,
    wrong_targets,
}

#[test]
fn a_terminal_shows_the_question_before_the_answer() {
    for (answer, wanted, tags) in [
        ("y\n", "Deleted [registry] ", &[][..]),
        ("n\n", "Operation cancelled.", &["v1"]),
        // Ctrl-D
        ("\x04", "Operation cancelled.", &["v1"]),
    ] {
        let registry = TestRegistry::start();
        registry.seed_artifact("hello", "v1", &[("hi.txt", b"hi\n")]);
        let reference = registry.reference("hello:v1");
        let arguments = ["manifest", "delete", "--plain-http", &reference];
        let mut terminal = Terminal::new();
        let delete = Oras::new().command(arguments).start_at(&terminal);
        terminal.wait_for(" and all tags associated with it? [y/N] ");
        assert_eq!(registry.tags("hello"), ["v1"]);
        terminal.type_in(answer);

        let (screen, status) = terminal.finish(delete);

        assert!(screen.contains(wanted), "{screen}");
        assert!(status.success());
        assert_eq!(registry.tags("hello"), tags);
    }
}
