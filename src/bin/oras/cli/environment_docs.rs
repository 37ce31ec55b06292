//! Descriptions of exit statuses and environment variables.
//!
//! The help page and the manual page of the program contain them. `crate::error` assigns the
//! statuses,
//! `crate::process` reads the variables.

/// Exit statuses and their meaning.
pub(crate) const EXIT_STATUS: &[(&str, &str)] = &[
    ("0", "success"),
    ("1", "any other failure"),
    ("2", "the command line cannot be understood"),
    ("3", "something does not exist"),
    ("4", "credentials are missing or not enough"),
    ("5", "the network or the server failed"),
    ("6", "content does not match its digest"),
];

/// Environment variables and their meaning.
pub(crate) const ENVIRONMENT: &[(&str, &str)] = &[
    (
        "ORAS_CACHE",
        "directory that keeps what pull and fetch read, to be read from there the next time",
    ),
    (
        "ORAS_USER, ORAS_PASS",
        "credential for any registry that nothing else is known for",
    ),
    (
        "DOCKER_CONFIG",
        "directory of the config.json with credentials (default $HOME/.docker)",
    ),
    ("DOCKER_AUTH_CONFIG", "content of such a file"),
    (
        "REGISTRY_AUTH_FILE",
        "file with credentials, as podman has it",
    ),
    (
        "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY",
        "proxies, and where to go without one",
    ),
    (
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "where the certificate authorities of the system are",
    ),
    (
        "SOURCE_DATE_EPOCH",
        "when artifacts were made, in seconds since 1970, for reproducible ones",
    ),
    ("TMPDIR", "where directories are packed"),
];
