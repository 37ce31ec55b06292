//! The commands of the README with CNCF distribution, and those of other programs that it names.

use std::process::{Command, Stdio};

use crate::docker_registry::DockerRegistry;
use crate::support::prerequisites::on_path;
use crate::support::readme::{self, Session};

#[test]
fn the_commands_of_the_readme_work_with_docker_registry() {
    if let Some(registry) = DockerRegistry::start() {
        Session::play(&registry.host(), &["sh"]);
    }
}

#[test]
fn the_commands_of_other_programs_exist() {
    let text = readme::text();
    for name in ["crane", "skopeo"] {
        let Some(program) = on_path(name) else {
            crate::support::skip(&format!("no {name}"));
            continue;
        };
        let rows = text
            .lines()
            .filter(|line| line.starts_with(&format!("| `{name} ")));
        let cells = rows.filter_map(|row| row.split('|').nth(1));
        let commands: Vec<_> = cells.flat_map(|cell| cell.split(", ")).collect();
        assert!(commands.len() > 9, "{name}: {commands:?}");
        for command in commands {
            let words = command.trim().trim_matches('`').split(' ').skip(1);
            let words = words.take_while(|word| {
                word.chars().all(|it| it.is_ascii_lowercase() || it == '-')
                    && !word.starts_with('-')
            });
            let status = Command::new(&program)
                .args(words)
                .arg("--help")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            assert!(
                status.expect("the program can be started").success(),
                "{command}"
            );
        }
    }
}
