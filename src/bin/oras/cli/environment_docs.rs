//! Descriptions of exit statuses and environment variables.
//!
//! The help page and the manual page of the program contain them. `crate::error` assigns the
//! statuses,
//! `crate::process` reads the variables.

/// Exit statuses and their meaning.
pub(crate) const EXIT_STATUS: &[(&str, &str)] = &[
    ("0", "success"),
    ("1", "any other failure"),
    ("2", "invalid command line"),
    ("3", "something does not exist"),
    ("4", "credentials are missing or insufficient"),
    ("5", "the network or the server failed; a retry may help"),
    ("6", "content does not match its digest"),
];

/// Environment variables and their meaning.
pub(crate) const ENVIRONMENT: &[(&str, &str)] = &[
    ("ORAS_CACHE", "cache directory of pull and fetch"),
    (
        "ORAS_USER, ORAS_PASS",
        "credential for the registry that is written to, or else read from",
    ),
    (
        "DOCKER_CONFIG",
        "directory of the config.json with credentials (default $HOME/.docker)",
    ),
    (
        "DOCKER_AUTH_CONFIG",
        "content of a config.json with credentials",
    ),
    (
        "REGISTRY_AUTH_FILE",
        "file with credentials, in the format of podman",
    ),
    (
        "ORAS_TIMEOUT, ORAS_CONNECT_TIMEOUT, ORAS_RETRIES, ORAS_RETRY_MAX_WAIT",
        "defaults of --timeout, --connect-timeout, --retries and --retry-max-wait",
    ),
    (
        "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY",
        "proxies, and hosts to reach without one",
    ),
    (
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "file and directories of the system's certificate authorities",
    ),
    (
        "SOURCE_DATE_EPOCH",
        "creation time of artifacts in seconds since 1970, for reproducible builds",
    ),
    ("TMPDIR", "directory for temporary files while packing"),
];
