//! What all commands share: the grammar of arguments, secrets, schemes.

transcripts! {
    "command_line":
    debugging,
    docker_hub,
    grammar,
    order,
    other_scheme,
    plain_http,
    proxies,
    refusals,
    secrets,
    tls,
    tokens,
    tokens_from_elsewhere,
    warnings,
    without_home,
}
