//! One cache for both commands: each uses the content that the other cached.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::round_trips::Program;
use crate::support::cli::Oras;
use crate::support::registry::TestRegistry;
use crate::support::rng::Rng;

#[test]
fn each_command_uses_the_cache_of_the_other() {
    let Some(theirs) = Program::reference() else {
        return;
    };
    let ours = Program::ours();
    let registry = TestRegistry::start();
    let large = Rng::new(1).bytes(3_000_000);
    let manifests: Vec<_> = [("one", &large[..]), ("two", b"small"), ("three", b"")]
        .iter()
        .map(|&(tag, content)| registry.seed_artifact("a", tag, &[(tag, content)]))
        .collect();
    let manifests: Vec<_> = manifests.iter().map(String::as_str).collect();
    let index = registry.seed_index("a", "all", &manifests);
    let target = registry.reference("a:all");

    let mut listed = Vec::new();
    for (one, other) in [(&ours, &theirs), (&theirs, &ours)] {
        let oras = Oras::new();
        // Returns the requests of the command.
        let pull = |program: &Program| {
            registry.clear_log();
            let line = ["pull", "--plain-http", "-o", program.name, &target];
            let pull = oras.command_of(&program.path, line);
            let outcome = pull.env("ORAS_CACHE", "cache").run().success();
            assert_eq!(outcome.stderr(), "", "{outcome}");
            assert!(oras.read(&format!("{}/one", program.name)) == large);
            registry.log()
        };

        assert_eq!(
            pull(one).len(),
            7,
            "three manifests, three files, and the index"
        );
        let asked = ["GET /v2/a/manifests/all (no authorization)"];
        assert_eq!(pull(other), asked, "kept by {}", one.name);
        assert_eq!(pull(one), asked, "used by {}", other.name);

        let text = oras.read("cache/index.json");
        let document: Value = serde_json::from_slice(&text).expect("it is JSON");
        let entries = document["manifests"].as_array().expect("it is a list");
        // The original sends its requests in any order.
        let entries: BTreeSet<_> = entries.iter().map(Value::to_string).collect();
        assert_eq!(entries.len(), 4, "{index} and what it refers to");
        listed.push(entries);
    }
    assert_eq!(listed[0], listed[1]);
}
