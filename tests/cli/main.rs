//! The command as users see it: transcripts in `fixtures/cli`. Each file here has a directory
//! there.
#![cfg(unix)]

#[path = "../support/mod.rs"]
mod support;

/// Declares one test for each transcript in a directory.
macro_rules! transcripts {
    ($directory:literal: $($case:ident),+ $(,)?) => {
        /// Names of the transcripts.
        pub(crate) const TRANSCRIPTS: &[&str] = &[$(concat!($directory, "/", stringify!($case))),+];

        $(
            #[test]
            fn $case() {
                crate::support::transcript::check(concat!($directory, "/", stringify!($case)));
            }
        )+
    };
}

mod attach;
mod backup;
mod blob_delete;
mod blob_fetch;
mod blob_push;
mod cache;
mod check;
mod command_line;
mod completion;
mod concurrency;
mod cp;
mod discover;
mod durability;
mod every_flag;
mod golden_manifests;
mod help;
mod hostile;
mod interrupted;
mod layout;
mod login;
mod manifest_delete;
mod manifest_fetch;
mod manifest_fetch_config;
mod manifest_index_create;
mod manifest_index_update;
mod manifest_push;
mod manual;
mod memory;
mod progress;
mod pull;
mod push;
mod quiet;
mod readme;
mod repo_ls;
mod repo_tags;
mod resolve;
mod restore;
mod resumed;
mod scripts;
mod secrets;
mod signals;
mod tag;
mod templates;
mod version;

#[test]
fn no_transcript_is_forgotten() {
    let mut played = [
        attach::TRANSCRIPTS,
        backup::TRANSCRIPTS,
        blob_delete::TRANSCRIPTS,
        blob_fetch::TRANSCRIPTS,
        blob_push::TRANSCRIPTS,
        cache::TRANSCRIPTS,
        check::TRANSCRIPTS,
        command_line::TRANSCRIPTS,
        completion::TRANSCRIPTS,
        cp::TRANSCRIPTS,
        discover::TRANSCRIPTS,
        help::TRANSCRIPTS,
        hostile::TRANSCRIPTS,
        layout::TRANSCRIPTS,
        login::TRANSCRIPTS,
        manual::TRANSCRIPTS,
        manifest_delete::TRANSCRIPTS,
        manifest_fetch::TRANSCRIPTS,
        manifest_fetch_config::TRANSCRIPTS,
        manifest_index_create::TRANSCRIPTS,
        manifest_index_update::TRANSCRIPTS,
        manifest_push::TRANSCRIPTS,
        pull::TRANSCRIPTS,
        push::TRANSCRIPTS,
        quiet::TRANSCRIPTS,
        repo_ls::TRANSCRIPTS,
        repo_tags::TRANSCRIPTS,
        resolve::TRANSCRIPTS,
        restore::TRANSCRIPTS,
        tag::TRANSCRIPTS,
        templates::TRANSCRIPTS,
        version::TRANSCRIPTS,
    ]
    .concat();
    played.sort_unstable();
    assert_eq!(support::transcript::all(), played);
}
