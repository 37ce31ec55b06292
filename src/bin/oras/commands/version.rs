//! `oras version`

use crate::commands::prelude::*;

flags! {
    /// Flags of `oras version`.
    pub(crate) struct VersionFlags {
    }
}

impl Command for VersionFlags {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras version",
        about: "Show the version of this program",
        examples: "
            # Show the version
            oras version
        ",
        ..CommandSpec::BASE
    };

    fn run(self, line: &CommandLine, process: &mut Process) -> Result<(), CliError> {
        if !line.positionals.is_empty() {
            process.warn(&format!(
                "warning: `oras version` requires no argument, \"{}\" will be ignored\n",
                line.positionals.join(",")
            ));
        }
        if !process.status_enabled() {
            return process.print_line(VERSION);
        }
        let platform = format!(
            "{}/{}",
            std::env::consts::OS,
            oras::Platform::native().architecture
        );
        let rows = [
            ("Version:", Some(VERSION)),
            (
                "Rust version:",
                Some(env!("ORAS_RUSTC").trim_start_matches("rustc ")),
            ),
            ("OS/Arch:", Some(platform.as_str())),
            ("Git commit:", option_env!("ORAS_GIT_COMMIT")),
            ("Git tree state:", option_env!("ORAS_GIT_TREE_STATE")),
        ];
        let rows: Vec<_> = rows
            .into_iter()
            .filter_map(|(label, value)| Some((label, value?)))
            .collect();
        let width = rows
            .iter()
            .map(|(label, _)| label.len())
            .max()
            .unwrap_or_default();
        for (label, value) in rows {
            process.print_line(&format!("{label:width$} {value}"))?;
        }
        Ok(())
    }
}

/// The version of the interface, with the version of this implementation as build metadata.
const VERSION: &str = concat!("1.3.6+rs.", env!("CARGO_PKG_VERSION"));
