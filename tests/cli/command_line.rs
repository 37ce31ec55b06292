//! Behavior of all commands: grammar of arguments, secrets, schemes.

use crate::support::cli::Oras;

transcripts! {
    "command_line":
    debugging,
    docker_hub,
    every_door,
    grammar,
    other_names,
    order,
    other_scheme,
    plain_http,
    proxies,
    refusals,
    requests,
    secrets,
    secrets_everywhere,
    tls,
    tokens,
    tokens_from_elsewhere,
    warnings,
    without_home,
}

#[test]
fn a_file_of_certificates_without_end_is_not_read_to_its_end() {
    for arguments in [
        &["--ca-file", "/dev/zero"][..],
        &["--cert-file", "/dev/zero", "--key-file", "/dev/zero"],
    ] {
        Oras::new()
            .command([&["resolve", "localhost:1/a:v1"], arguments].concat())
            .run()
            .fails_with(1)
            .complains("Error: /dev/zero has more than 8388608 bytes\n");
    }
}
