//! The template engine of the command, with the few types of the command that it names.
#![no_main]

#[path = "../../../src/bin/oras/cli/quote.rs"]
mod quote;
#[path = "../../../src/bin/oras/template/mod.rs"]
mod template;

mod cli {
    pub(crate) use crate::quote;
}

mod error {
    pub(crate) struct CliError;

    impl CliError {
        pub(crate) fn new(_: String) -> Self {
            Self
        }

        pub(crate) fn stdout(_: std::io::Error) -> Self {
            Self
        }
    }
}

mod process {
    use crate::error::CliError;

    pub(crate) struct Process(std::io::Sink);

    impl Process {
        pub(crate) fn variables(&self) -> Vec<(String, String)> {
            Vec::new()
        }

        pub(crate) fn now(&self) -> std::time::SystemTime {
            std::time::UNIX_EPOCH
        }

        pub(crate) fn stdout(&mut self) -> &mut dyn std::io::Write {
            &mut self.0
        }

        pub(crate) fn flush(&mut self) -> Result<(), CliError> {
            Ok(())
        }
    }
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| template::fuzz::body(input));
