//! Groups of flags that several commands share: one struct per group.
//!
//! The structs hold only what the user typed. The code that uses a group decides what its values
//! mean together (exclusive flags, defaults, files, environment). Must not know which commands have
//! it.

use oras::registry::ReferrersMode;

use super::flag::{Candidates, Stage, flags};
use super::value::{BadValue, FlagValue, Seconds};

flags! {
    /// `--annotation`
    pub(crate) struct Annotations {
        /// As typed, in order.
        annotations: Vec<String> =
            text("annotation", "stringArray", "annotation key=value of the manifest (repeatable)").short('a'),
    }
}

flags! {
    /// `--concurrency`: accepted because scripts pass it.
    pub(crate) struct Concurrency {
        /// Without effect: transfers are sequential.
        concurrency: Option<i64> =
            text("concurrency", "int", "accepted and ignored: transfers are sequential"),
    }
}

flags! {
    /// `--debug`
    #[derive(Clone, Copy)]
    pub(crate) struct Debugging {
        /// Log requests and responses to stderr. Implies `--no-tty`.
        debug: bool = switch(
            "debug",
            "log requests and responses to stderr (implies --no-tty)",
        )
        .short('d')
        .not_per_side(),
    }
}

flags! {
    /// `--descriptor`
    pub(crate) struct Descriptor {
        /// Print the descriptor.
        descriptor: bool = switch("descriptor", "print the descriptor"),
    }
}

flags! {
    /// Storage of referrers in the registry of a target.
    pub(crate) struct Distribution {
        /// The default lets the client find out.
        referrers: ReferrersMode = text(
            "distribution-spec",
            "string",
            "how the {side}target stores referrers: v1.1-referrers-tag or v1.1-referrers-api; detected if not set (default \"unknown\")",
        )
        .completes(Candidates::OneOf(&["v1.1-referrers-tag", "v1.1-referrers-api"]))
        .stage(Stage::Preview),
    }
}

impl FlagValue for ReferrersMode {
    fn set(&mut self, text: &str) -> Result<(), BadValue> {
        *self = match text {
            "v1.1-referrers-tag" => Self::Tag,
            "v1.1-referrers-api" => Self::Api,
            _ => {
                return Err(format!(
                    "unknown distribution specification flag: {text}\nAvailable options: v1.1-referrers-tag, v1.1-referrers-api"
                ));
            }
        };
        Ok(())
    }
}

flags! {
    /// `--force` of commands that delete.
    pub(crate) struct Force {
        /// Do not ask, and accept that there is nothing to delete.
        force: bool = switch(
            "force",
            "do not ask for confirmation, and ignore missing content",
        )
        .short('f'),
    }
}

flags! {
    /// The output format of results. Commands with other formats than these
    /// [reword](super::flag::reworded) `--format`.
    pub(crate) struct Format {
        /// As typed; `None` for the command's default.
        format: Option<String> = text(
            "format",
            "string",
            "print the result in this form:\n\
             'json':         a JSON object\n\
             'go-template':  the JSON object through a Go template\n\
             'text':         lines for reading (default \"text\")",
        )
        .completes(Candidates::OneOf(&["text", "json", "go-template"]))
        .stage(Stage::Experimental),
        /// As typed; empty for none.
        template: String = text("template", "string", "template for --format go-template")
            .stage(Stage::Experimental),
    }
}

flags! {
    /// A target in an OCI image layout instead of a registry.
    pub(crate) struct Layout {
        /// The positional argument is a layout with a tag or digest.
        oci_layout: bool = switch("oci-layout", "the {side}target is an OCI image layout"),
        /// The layout, if the positional argument is the tag or digest alone; empty for none.
        oci_layout_path: String = text(
            "oci-layout-path",
            "string",
            "the {side}target is in the OCI image layout at this path",
        )
        .completes(Candidates::Files)
        .stage(Stage::Experimental),
    }
}

impl Layout {
    /// Whether the target is a layout.
    pub(crate) const fn is_set(&self) -> bool {
        self.oci_layout || !self.oci_layout_path.is_empty()
    }
}

flags! {
    /// Packing of files, and the manifest made for them. `--annotation` is separate because
    /// commands that pack nothing take it too.
    pub(crate) struct Pack {
        /// JSON file of annotations; empty for none.
        annotation_file: String = text(
            "annotation-file",
            "string",
            "JSON file of annotations for manifest, config and files",
        )
        .completes(Candidates::Files),
        /// File that also receives the manifest; empty for none.
        export_manifest: String =
            text("export-manifest", "path", "write the manifest to this file too").completes(Candidates::Files),
        /// Accept absolute paths.
        disable_path_validation: bool =
            switch("disable-path-validation", "accept absolute paths of files"),
    }
}

flags! {
    /// `--platform`: the manifest to choose from an index.
    pub(crate) struct Platform {
        /// As typed; empty for none.
        platform: String = text(
            "platform",
            "os[/arch][/variant][:os_version]",
            "choose the manifest for this platform from an index",
        ),
    }
}

flags! {
    /// `--pretty`
    pub(crate) struct Pretty {
        /// Indent JSON on stdout.
        pretty: bool = switch("pretty", "prettify JSON printed to stdout"),
    }
}

flags! {
    /// `--quiet`. Every command takes it; the reference client has no such flag.
    pub(crate) struct Quiet {
        /// Print only the result.
        quiet: bool = switch(
            "quiet",
            "print only the essential result, such as a digest",
        )
        .short('q')
        .addition(),
    }
}

flags! {
    /// Access to a registry: credentials, TLS, addresses, headers. An empty text means "not set"
    /// wherever a value is needed.
    ///
    /// Not `Debug`, because the struct holds secrets.
    #[derive(PartialEq)]
    pub(crate) struct Remote {
        /// User name.
        username: String = text("username", "string", "user name for the {side}registry").short('u'),
        /// Password, or an identity token if there is no user name.
        password: String = text(
            "password",
            "string",
            "password for the {side}registry, or identity token if there is no user name",
        )
        .short('p'),
        /// Read the password from stdin.
        password_stdin: bool =
            switch("password-stdin", "read the password from stdin").not_per_side(),
        /// Identity (refresh) token.
        identity_token: String =
            text("identity-token", "string", "identity token for the {side}registry"),
        /// Read the identity token from stdin.
        identity_token_stdin: bool =
            switch("identity-token-stdin", "read the identity token from stdin").not_per_side(),
        /// Do not check certificates.
        insecure: bool = switch("insecure", "do not check the certificate of the {side}registry"),
        /// The scheme, if the user chose one.
        plain_http: Option<bool> = switch(
            "plain-http",
            "use http instead of https for the {side}registry (default for localhost)",
        ),
        /// PEM file of the certificates to trust instead of the usual ones.
        ca_file: String = text(
            "ca-file",
            "string",
            "PEM file of the only certificates to trust for the {side}registry",
        )
        .completes(Candidates::Files),
        /// PEM file of the client's certificate.
        cert_file: String = text(
            "cert-file",
            "string",
            "PEM file of the client certificate for the {side}registry",
        )
        .completes(Candidates::Files),
        /// PEM file of the client's key.
        key_file: String =
            text("key-file", "string", "PEM file of the client key for the {side}registry").completes(Candidates::Files),
        /// Addresses for hosts, as typed.
        resolve: Vec<String> = text(
            "resolve",
            "host:port:address[:address_port]",
            "use this address for a host of the {side}registry (repeatable)",
        ),
        /// Credential files.
        registry_config: Vec<String> = text(
            "registry-config",
            "path",
            "credential file for the {side}registry (repeatable)",
        )
        .completes(Candidates::Files),
        /// Headers, as typed.
        headers: Vec<String> = text(
            "header",
            "stringArray",
            "additional header name:value for requests to the {side}registry (repeatable)",
        )
        .short('H'),
        requests: Requests,
    }
}

impl Remote {
    /// Whether both sides have the same credential, or none.
    pub(crate) fn has_same_credential(&self, other: &Self) -> bool {
        self.username == other.username
            && self.password == other.password
            && self.identity_token == other.identity_token
    }
}

flags! {
    /// Timeouts and retries of requests. Environment variables set what no flag does.
    #[derive(Clone, Copy, PartialEq)]
    pub(crate) struct Requests {
        /// Silence of a server that ends a request.
        timeout: Option<Seconds> = text(
            "timeout",
            "duration",
            "give up a request after this silence of the server, such as 90s or 1m30s (default 1m)",
        )
        .not_per_side()
        .addition(),
        /// Time to connect.
        connect_timeout: Option<Seconds> = text(
            "connect-timeout",
            "duration",
            "time to establish a connection (default 10s)",
        )
        .not_per_side()
        .addition(),
        /// Retries of a request.
        retries: Option<i64> = text(
            "retries",
            "int",
            "times that a failed request is sent again (default 5, after a timeout 2)",
        )
        .not_per_side()
        .addition(),
        /// Longest wait before a retry.
        retry_max_wait: Option<Seconds> = text(
            "retry-max-wait",
            "duration",
            "longest wait before a retry, also if the registry requests it (default 1m)",
        )
        .not_per_side()
        .addition(),
    }
}

flags! {
    /// `--title`
    pub(crate) struct Title {
        /// The title of the layer that is read from stdin. An empty title means none.
        title: Option<String> = text(
            "title",
            "string",
            "name of the file that is read from stdin; empty for a layer without a name",
        )
        .addition(),
    }
}

flags! {
    /// `--no-tty`
    #[derive(Clone, Copy)]
    pub(crate) struct Tty {
        /// The value, if set: some commands distinguish `--no-tty=false` from an absent flag.
        no_tty: Option<bool> = switch("no-tty", "disable progress bars").stage(Stage::Preview),
    }
}

flags! {
    /// `--verbose`: deprecated.
    pub(crate) struct Verbose {
        /// The value, if set.
        verbose: Option<bool> = switch("verbose", "print status lines for unnamed content too")
            .short('v')
            .deprecated("and will be removed in a future release."),
    }
}

impl Verbose {
    /// Whether to print status lines for unnamed content. Only some commands obey the flag.
    pub(crate) fn is_on(&self) -> bool {
        self.verbose.unwrap_or(true)
    }
}

flags! {
    /// A target in a registry or in a layout, and how it is reached.
    pub(crate) struct TargetFlags {
        debugging: Debugging,
        layout: Layout,
        remote: Remote,
    }
}

flags! {
    /// A repository in a registry, and how it is reached.
    pub(crate) struct RepositoryFlags {
        debugging: Debugging,
        distribution: Distribution,
        remote: Remote,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::flag::{FlagSpec, FlagTable, specs};
    use crate::cli::{Side, lint};

    flags! {
        pub(crate) struct AllGroups {
            annotations: Annotations,
            concurrency: Concurrency,
            descriptor: Descriptor,
            distribution: Distribution,
            force: Force,
            format: Format,
            pack: Pack,
            platform: Platform,
            pretty: Pretty,
            quiet: Quiet,
            target: TargetFlags,
            title: Title,
            tty: Tty,
            verbose: Verbose,
        }
    }

    fn side(side: Side) -> Vec<FlagSpec> {
        let mut groups = AllGroups::default();
        let flags = side.prefixed(groups.flags());
        flags.iter().map(|flag| flag.spec).collect()
    }

    #[test]
    fn groups_have_distinct_flags_that_keep_the_rules() {
        lint::flags("all groups", &specs::<AllGroups>());
        lint::flags(
            "both sides",
            &[side(Side::Source), side(Side::Destination)].concat(),
        );
    }

    #[test]
    fn short_names_of_single_commands_are_free_in_all_groups() {
        let taken = ['h', 'o', 'k', 'T', 'l', 'r'];
        let shorts = specs::<AllGroups>()
            .into_iter()
            .filter_map(|spec| spec.short);
        assert!(shorts.into_iter().all(|short| !taken.contains(&short)));
    }

    #[test]
    fn flags_of_a_side_name_the_side_in_their_description() {
        for (side, prefix, adjective) in [
            (Side::Source, "from-", "source"),
            (Side::Destination, "to-", "destination"),
        ] {
            let mut remote = Remote::default();
            let flags = side.prefixed(remote.flags());
            assert_eq!(flags.len(), 11, "all except the two that read stdin");
            for flag in flags {
                let (long, help) = (flag.spec.long_name(), flag.spec.description());
                assert!(
                    long.starts_with(prefix) && help.contains(adjective),
                    "--{long}: {help}"
                );
            }
        }
    }

    #[test]
    fn distribution_spec_has_two_values() {
        let parse = |text: &str| {
            let mut mode = ReferrersMode::default();
            mode.set(text).map(|()| mode)
        };
        assert_eq!(parse("v1.1-referrers-tag"), Ok(ReferrersMode::Tag));
        assert_eq!(parse("v1.1-referrers-api"), Ok(ReferrersMode::Api));
        for text in ["", "unknown", "V1.1-REFERRERS-API"] {
            assert_eq!(
                parse(text),
                Err(format!(
                    "unknown distribution specification flag: {text}\n\
                     Available options: v1.1-referrers-tag, v1.1-referrers-api"
                ))
            );
        }
    }
}
