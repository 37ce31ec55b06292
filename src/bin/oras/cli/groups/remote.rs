//! How to reach a registry: credentials, TLS, addresses, headers.

use crate::cli::{Flag, FlagTable};

/// The flags of a target in a registry. An empty text stands for "not given" wherever a value is needed.
///
/// No `Debug`: this holds secrets.
#[derive(Default, PartialEq)]
pub(crate) struct Remote {
    /// User name.
    pub(crate) username: String,
    /// Password, or an identity token if there is no user name.
    pub(crate) password: String,
    /// Read the password from stdin.
    pub(crate) password_stdin: bool,
    /// Identity (refresh) token.
    pub(crate) identity_token: String,
    /// Read the identity token from stdin.
    pub(crate) identity_token_stdin: bool,
    /// Do not check certificates.
    pub(crate) insecure: bool,
    /// The scheme, if it was chosen.
    pub(crate) plain_http: Option<bool>,
    /// PEM file of the certificates to trust instead of the usual ones.
    pub(crate) ca_file: String,
    /// PEM file of the client's certificate.
    pub(crate) cert_file: String,
    /// PEM file of its key.
    pub(crate) key_file: String,
    /// Addresses for hosts, as typed.
    pub(crate) resolve: Vec<String>,
    /// Credential files.
    pub(crate) registry_config: Vec<String>,
    /// Headers, as typed.
    pub(crate) headers: Vec<String>,
}

impl Remote {
    /// Whether the same credential was typed on both sides, or none.
    pub(crate) fn is_as_same_user(&self, other: &Self) -> bool {
        self.username == other.username
            && self.password == other.password
            && self.identity_token == other.identity_token
    }
}

impl FlagTable for Remote {
    const FLAGS: &'static [Flag<Self>] = &[
        Flag::text(
            "username",
            "name",
            "user name for the {side}registry",
            |remote: &mut Self, text| remote.username = text,
        )
        .short('u'),
        Flag::text(
            "password",
            "secret",
            "password for the {side}registry, or identity token if there is no user name",
            |remote: &mut Self, text| remote.password = text,
        )
        .short('p'),
        Flag::switch(
            "password-stdin",
            "read the password from stdin",
            |remote: &mut Self, on| remote.password_stdin = on,
        )
        .unsided(),
        Flag::text(
            "identity-token",
            "token",
            "identity token for the {side}registry",
            |remote: &mut Self, text| {
                remote.identity_token = text;
            },
        ),
        Flag::switch(
            "identity-token-stdin",
            "read the identity token from stdin",
            |remote: &mut Self, on| {
                remote.identity_token_stdin = on;
            },
        )
        .unsided(),
        Flag::switch(
            "insecure",
            "do not check the certificate of the {side}registry",
            |remote: &mut Self, on| remote.insecure = on,
        ),
        Flag::switch(
            "plain-http",
            "reach the {side}registry by http instead of https (default for localhost)",
            |remote: &mut Self, on| remote.plain_http = Some(on),
        ),
        Flag::text(
            "ca-file",
            "path",
            "PEM file of the only certificates to trust for the {side}registry",
            |remote: &mut Self, text| remote.ca_file = text,
        ),
        Flag::text(
            "cert-file",
            "path",
            "PEM file of the client certificate for the {side}registry",
            |remote: &mut Self, text| {
                remote.cert_file = text;
            },
        ),
        Flag::text(
            "key-file",
            "path",
            "PEM file of the client key for the {side}registry",
            |remote: &mut Self, text| {
                remote.key_file = text;
            },
        ),
        Flag::text(
            "resolve",
            "host:port:address[:address_port]",
            "use this address for a host of the {side}registry (repeatable)",
            |remote: &mut Self, text| remote.resolve.push(text),
        ),
        Flag::text(
            "registry-config",
            "path",
            "credential file for the {side}registry (repeatable)",
            |remote: &mut Self, text| remote.registry_config.push(text),
        ),
        Flag::text(
            "header",
            "name:value",
            "further header for requests to the {side}registry (repeatable)",
            |remote: &mut Self, text| remote.headers.push(text),
        )
        .short('H'),
    ];
}
