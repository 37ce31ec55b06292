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
    always("command_line/debugging", "sed", "fewer requests, in one order of headers; addresses and headers that may be secret are not shown"),
    always("command_line/order", "--registry-config hi.txt $REGISTRY/hello:v1; done", "words of another JSON library"),
    always("command_line/order", "oras login -u alice -p x $flag", "words of another JSON library"),
    always("command_line/order", "oras resolve -H", "a header that cannot be sent is refused before anything is"),
    always("command_line/other_scheme", "echo $?", "exit codes tell kinds of failures"),
    always("command_line/other_scheme", "--plain-http=false", "what may help is told"),
    always("command_line/proxies", "a b", "what is no address is not asked for"),
    always("command_line/refusals", "/expired:v1", "what the server says is told; a push begins with another request"),
    always("command_line/refusals", "for command in", "GET is tried where HEAD fails, which tells more"),
    always("command_line/refusals", "oras push", "a push begins with another request"),
    always("command_line/refusals", "/other-scheme:v1", "what a 401 does not say is asked for elsewhere"),
    always("command_line/refusals", "/no-realm:v1", "a challenge without an address of tokens is none"),
    always("command_line/refusals", "/no-challenge:v1", "what a 401 does not say is asked for elsewhere"),
    always("command_line/refusals", "/token-4", "what the service says is told, and no more of its address than is known to be no secret"),
    always("command_line/refusals", "token:v1", "what the service says is told, and no more of its address than is known to be no secret"),
    always("command_line/refusals", "registrytoken", "a registry token is sent, whatever is asked for"),
    always("command_line/tls", "registry.example", "what may help is told"),
    always("command_line/tokens_from_elsewhere", "registry.example", "--insecure is for the registry alone, and whose certificate it is is told"),
    always("command_line/without_home", "", "nobody needs a home: without one, theirs does nothing"),
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
    always("login/anonymous", "missing", "without a helper program one may still be let in; that it is missing is told"),
    always("login/anonymous", "oras push", "a helper program that is missing is told"),
    always("login/config_files", "old/mine.json", "whatever else is in the file stays as it is, and a link stays one"),
    always("login/config_files", "broken.json", "words of another JSON library, with the name of the file"),
    always("login/config_files", "directory.json", "it was not the format that was wrong"),
    always("login/config_files", "secret/mine.json", "a file that cannot be is none, until it is to be written"),
    always("login/config_files", "/proc/nowhere", "the directory is named once"),
    always("login/config_files", "url.json", "what is found is what is removed"),
    always("login/expired", "", "what the server says is told"),
    always("login/helpers", "cat kept mine.json", "what a helper program keeps is noted in the file, as Docker does"),
    always("login/helpers", "docker-credential-broken", "which helper program failed is told"),
    always("login/helpers", "none.json; oras pull", "without a helper program one may still be let in; that it is missing is told"),
    always("login/passwords", "broken.json", "words of another JSON library"),
    always("login/passwords", "mine.json; oras login", "whatever else is in the file stays as it is"),
    always("login/passwords", "oras resolve --registry-config helped.json", "without a helper program one may still be let in; that it is missing is told"),
    always("login/passwords", "late.json", "a helper program is asked once more when its secret is refused"),
    always("login/passwords", "ORAS_USER", "more places for credentials"),
    always("login/passwords", "DOCKER_AUTH_CONFIG", "more places for credentials"),
    always("login/passwords", "REGISTRY_AUTH_FILE", "more places for credentials"),
    always("login/unusual_secrets", "377", "secrets are text"),
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
