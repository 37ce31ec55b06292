//! What all commands share: the grammar of arguments, secrets, schemes.

transcripts! {
    "command_line":
    grammar,
    other_scheme,
    plain_http,
    secrets,
    tokens,
}
