//! Descriptions of exit statuses and environment variables.
//!
//! The help page and the manual page of the program contain them, and so does the README.
//! `crate::error` assigns the statuses, `crate::process` and the library read the variables.

/// The title of the list of exit statuses.
pub(crate) const EXIT_STATUS_TITLE: &str = "Exit status (oras 1.3.6: 0 or 1)";

/// Exit statuses and their meaning.
pub(crate) const EXIT_STATUS: &[(&str, &str)] = &[
    ("0", "success"),
    ("1", "any other failure"),
    ("2", "invalid command line"),
    ("3", "something does not exist"),
    ("4", "credentials are missing or insufficient"),
    ("5", "the network or the server failed; a retry may help"),
    (
        "6",
        "content does not match its digest, or differs from what the command expects",
    ),
];

/// Environment variables and their meaning.
pub(crate) const ENVIRONMENT: &[(&str, &str)] = &[
    ("ORAS_CACHE", "cache directory of pull and fetch"),
    (
        "ORAS_USER, ORAS_PASS",
        "credential for the registry that is written to, or else read from (not in oras 1.3.6)",
    ),
    (
        "DOCKER_CONFIG",
        "directory of the config.json with credentials (default $HOME/.docker)",
    ),
    (
        "DOCKER_AUTH_CONFIG",
        "content of a config.json with credentials (not in oras 1.3.6)",
    ),
    (
        "REGISTRY_AUTH_FILE",
        "file with credentials, in the format of podman (not in oras 1.3.6)",
    ),
    (
        "HOME, XDG_RUNTIME_DIR, XDG_CONFIG_HOME",
        "directories of the credential files of Docker and podman, and of certificates",
    ),
    ("PATH", "directories of the helper programs for credentials"),
    (
        "ORAS_TIMEOUT, ORAS_CONNECT_TIMEOUT, ORAS_RETRIES, ORAS_RETRY_MAX_WAIT",
        "defaults of the flags with these names, such as --timeout (not in oras 1.3.6)",
    ),
    (
        "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY",
        "proxies, and hosts to reach without one; also in lower case (ALL_PROXY is not in oras 1.3.6)",
    ),
    (
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "file and directories of the system's certificate authorities",
    ),
    (
        "SOURCE_DATE_EPOCH",
        "creation time of artifacts in seconds since 1970, for reproducible builds (not in oras 1.3.6)",
    ),
    ("TMPDIR", "directory for temporary files while packing"),
    (
        "NO_COLOR",
        "no colors on terminals, whatever the value (not in oras 1.3.6)",
    ),
    (
        "TERM",
        "if it is dumb, neither colors nor progress bars are shown",
    ),
    (
        "LC_ALL, LC_CTYPE, LANG",
        "the first one that is set names the locale; if that is not UTF-8, a terminal gets ASCII progress and trees",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_the_same_tables() {
        let readme = include_str!("../../../../README.md");
        let code = |names: &str| names.replace(", ", "`, `");
        let variables = ENVIRONMENT.iter();
        let variables =
            variables.map(|(names, meaning)| format!("| `{}` | {meaning} |\n", code(names)));
        let variables = variables.collect::<Vec<_>>().concat();
        let statuses = EXIT_STATUS.iter();
        let statuses = statuses.map(|(status, meaning)| format!("| {status} | {meaning} |\n"));
        let statuses = statuses.collect::<Vec<_>>().concat();
        for table in [
            format!("| Variables | Meaning |\n|---|---|\n{variables}\n"),
            format!("| Exit status | Meaning |\n|---|---|\n{statuses}\n"),
        ] {
            assert!(readme.contains(&table), "{table}");
        }
    }
}
