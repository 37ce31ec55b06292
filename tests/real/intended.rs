//! Where the two commands differ on purpose, and why.

/// Steps of a transcript whose output differs.
pub(crate) struct Difference {
    /// The transcript.
    pub(crate) transcript: &'static str,
    /// What the command line contains; empty for all of them.
    pub(crate) command: &'static str,
    /// Whether the original does it sometimes like us.
    pub(crate) sometimes: bool,
    /// Why.
    pub(crate) reason: &'static str,
}

const fn always(
    transcript: &'static str,
    command: &'static str,
    reason: &'static str,
) -> Difference {
    Difference {
        transcript,
        command,
        sometimes: false,
        reason,
    }
}

const fn sometimes(
    transcript: &'static str,
    command: &'static str,
    reason: &'static str,
) -> Difference {
    Difference {
        sometimes: true,
        ..always(transcript, command, reason)
    }
}

/// Of several rows that fit, the first counts.
#[rustfmt::skip]
pub(crate) const TABLE: &[Difference] = &[
    always("command_line/other_scheme", "echo $?", "exit codes tell kinds of failures"),
    always("help/pages", "", "pages in our words: theirs are not part of the interface"),
    always("help/ways_to_help", "oras help nonsense", "pages in our words: theirs are not part of the interface"),
    always("hostile/aliases", "", "two names of one file are an error; what is in the way is named"),
    always("hostile/archives", "", "a directory appears whole or not at all; the digest or the name in the archive is told, not a path computed from it"),
    always("hostile/servers", "mkdir out", "a file appears whole or not at all: theirs is left broken. Exit codes tell kinds of failures"),
    always("hostile/servers", "", "exit codes tell kinds of failures; GET is tried where HEAD fails, which tells more"),
    always("hostile/titles", "", "the name is told; control characters are refused; a link at the name itself is replaced, not followed"),
    always("hostile/web_site", "", "a web page is no manifest, and no success"),
    always("layout/broken", "'nonsense'", "words of another JSON library"),
    always("layout/broken", "'[]'", "words of another JSON library"),
    always("layout/broken", "oras pull --oci-layout -o out", "good files stay where content is broken; digests are told; only what is asked for is read"),
    always("layout/reading", "-o five", "content that is no manifest is pulled by nobody: nothing would be written"),
    always("layout/reading", "oras push --oci-layout layout.tar", "the layout is opened before files are read, and named as it was typed"),
    always("login/passwords", "broken.json", "words of another JSON library"),
    always("login/passwords", "mine.json; oras login", "whatever else is in the file stays as it is"),
    always("login/passwords", "oras resolve --registry-config helped.json", "without a helper program one may still be let in; that it is missing is told"),
    always("login/passwords", "late.json", "a helper program is asked once more when its secret is refused"),
    always("login/passwords", "ORAS_USER", "more places for credentials"),
    always("login/passwords", "DOCKER_AUTH_CONFIG", "more places for credentials"),
    always("login/passwords", "REGISTRY_AUTH_FILE", "more places for credentials"),
    always("manifest_fetch/output_files", "ulimit", "a file is whole or not replaced"),
    always("manifest_fetch/oddities", "o:large", "one limit for all manifests, and one name for it"),
    always("manifest_index_create/wrong_sources", "bad/tag", "the tag is wrong: theirs compares it with the first"),
    always("manifest_index_create/wrong_sources", "''", "why the tag is wrong is told"),
    always("manifest_index_create/wrong_sources", "large", "one limit for all manifests, and one name for it"),
    always("manifest_index_update/foreign", "unknown", "what is not known of an index is not lost when it is changed"),
    always("manifest_index_update/wrong_changes", "bad/tag", "the tag is wrong: theirs compares it with the first"),
    always("manifest_index_update/wrong_changes", "--tag ''", "why the tag is wrong is told"),
    sometimes("pull/config", "-o second", "which config of an index is seen first is left open by the original"),
    sometimes("pull/config", "-o index", "which config of an index comes first is left open by the original"),
    always("pull/left_out", "mkfifo", "what is left out is named"),
    always("pull/config", "../me.json", "the name is told"),
    sometimes("pull/config", "--config a.txt", "which of two files of one name comes first is left open by the original"),
    always("pull/files", "-k -o out", "what exists is told"),
    always("pull/files", "--keep-old-files", "what exists is told"),
    sometimes("pull/indexes", "--format json", "in which order manifests of an index are done is left open by the original"),
    sometimes("pull/indexes", "clash", "which of two files of one name comes first is left open by the original"),
    sometimes("pull/oddities", "twins", "which of two names is downloaded is left open by the original"),
    always("pull/oddities", "nothing", "the output directory is made first: what cannot be written is not downloaded"),
    always("pull/oddities", "foreign", "what is not downloaded is not called restored"),
    always("pull/oddities", "o:large", "one limit for all manifests, and one name for it"),
    always("pull/wrong_targets", "http://", "a scheme is no registry"),
    always("pull/wrong_targets", "-o hello.txt/below", "one message for all output directories that cannot be made"),
    always("push/annotations", "=yesterday", "words of another library for times"),
    always("push/directories", "to-d", "a link to a directory is the directory: theirs packs a link that cannot be unpacked"),
    always("push/formats", "'{{.digest'", "the column is told too"),
    always("push/layouts", "hi.txt:v1", "the layout is opened before files are read, and named as it was typed"),
    always("push/layouts", "hi.txt/layout:v1", "the layout is opened before files are read, and named as it was typed"),
    always("push/source_date_epoch", "", "the original does not read SOURCE_DATE_EPOCH"),
    always("push/tags", "@sha256:0000", "that it is the digest of something else is told without asking the registry"),
    always("push/tags", "bad/tag", "the tag is wrong: theirs compares it with the first"),
    always("push/tags", ":v3, ", "why the tag is wrong is told"),
    always("tag/layouts", "\"\"", "words of our own for an empty tag"),
    always("tag/layouts", "layout:v1 sha256:", "the digest of something else as a tag would be one name for two things"),
    always("tag/tags", "bad/tag", "the tag is wrong: theirs compares it with the first"),
    always("tag/tags", "\"\"", "why the tag is wrong is told"),
    always("tag/tags", "other:v1", "the tag is wrong: theirs compares it with the first"),
    always("version/version", "OS/", "another version, and another language"),
];
