//! Details of errors: reasons, sides and operations.

use std::fmt;

/// A kind of value that a caller passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input {
    /// A digest.
    Digest,
    /// A media type in the field of this name, such as `artifactType`.
    MediaType(&'static str),
    /// The artifact type, which an artifact of the image spec v1.1 requires.
    ArtifactType,
    /// A platform.
    Platform,
    /// The annotation `org.opencontainers.image.created`, which must be an RFC 3339 time.
    Created,
    /// The option of this name.
    Option(&'static str),
}

/// A kind of content that an operation needs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// An image manifest.
    Manifest,
    /// An image index.
    Index,
    /// An image manifest with a config.
    Config,
    /// A tar archive, with the reason why the file is not one.
    Archive(String),
}

/// A reason why a name cannot be used for new content, or content cannot be changed or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Conflict {
    /// Two files would have the same name.
    DuplicateName,
    /// A file exists at the path, and existing files are kept.
    Exists,
    /// A manifest refers to the content.
    ReferencedBy(String),
    /// The tag names the content with this digest, instead of the content that the caller expects.
    Changed(String),
    /// The tag exists with this digest, and existing tags are kept.
    TagExists(String),
}

/// A reason for [`Error::Unauthorized`](super::Error::Unauthorized).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unauthorized {
    /// The registry requires a user name and a password, and there is no credential.
    NoBasicCredential,
    /// The registry requires a user name and a password, and one of them is empty.
    IncompleteBasicCredential,
    /// The registry rejected the credential.
    Rejected,
    /// The origin policy does not allow sending credentials to the token service.
    #[non_exhaustive]
    UntrustedRealm {
        /// The reason, with the URL or host of the token service, without secrets.
        reason: String,
    },
    /// The response of the token service contains no token.
    #[non_exhaustive]
    NoToken {
        /// The URL of the token service, without secrets.
        realm: String,
        /// The defect of the response.
        reason: String,
    },
}

impl fmt::Display for Unauthorized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBasicCredential => f.write_str("basic credential not found"),
            Self::IncompleteBasicCredential => {
                f.write_str("missing username or password for basic auth")
            }
            Self::Rejected => f.write_str("credentials were not accepted"),
            Self::UntrustedRealm { reason } => f.write_str(reason),
            Self::NoToken { realm, reason } => write!(f, "no token from \"{realm}\": {reason}"),
        }
    }
}

/// A kind of failure of the HTTP transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportKind {
    /// The connection could not be established.
    Connect,
    /// The host name has no address.
    Dns,
    /// Every address of the host is more local than the registry that named it, for example a
    /// loopback address. Nothing was sent.
    Blocked,
    /// The TLS handshake failed.
    Tls,
    /// The certificate of the server is not acceptable from any authority: it has expired, is for
    /// another name, or has an unsupported algorithm.
    Certificate,
    /// The certificate of the server was not issued by a trusted authority.
    UnknownAuthority,
    /// The server does not speak TLS.
    NotTls,
    /// A timeout elapsed.
    Timeout,
    /// The connection broke.
    Io,
    /// The response is not HTTP, or the request cannot be sent as HTTP.
    Protocol,
}

display_enum! {
    /// A difference between content and its descriptor.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum Mismatch {
        /// The content has another digest.
        Digest => "mismatched digest",
        /// The content ends early.
        Truncated => "unexpected EOF",
        /// The content is longer than its size.
        Trailing => "trailing data",
        /// The sender announced another size than the descriptor's.
        Size => "mismatched size",
        /// The uncompressed content has another digest.
        UnpackedDigest => "content digest mismatch",
        /// The file changed after its digest was computed.
        Changed => "the file changed after its digest was computed",
        /// The content is wrong, and its beginning came from an interrupted transfer. That
        /// beginning is removed, so that the next attempt reads all of the content.
        Beginning => "it continued a wrong beginning, which is removed: please try again",
    }
}

display_enum! {
    /// One side of a copy.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Side {
        /// The store that is read.
        Source => "source",
        /// The store that is written.
        Destination => "destination",
    }
}

display_enum! {
    /// One step of a copy.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum Operation {
        /// Resolving a reference.
        Resolve => "resolve",
        /// Checking whether content exists.
        Exists => "find",
        /// Reading content.
        Fetch => "fetch",
        /// Writing content.
        Push => "push",
        /// Tagging a manifest.
        Tag => "tag",
        /// Listing the referrers of a manifest.
        ListReferrers => "list the referrers of",
    }
}

impl Operation {
    pub(super) const fn preposition(self) -> &'static str {
        match self {
            Self::Resolve | Self::Exists | Self::Tag | Self::ListReferrers => "at",
            Self::Fetch => "from",
            Self::Push => "to",
        }
    }
}

display_enum! {
    /// An operation of the operating system, in [`Error::Io`](super::Error::Io).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum IoOp {
        /// Changing permissions.
        Chmod => "chmod",
        /// Copying a file.
        Copy => "copy",
        /// Creating a file.
        Create => "create",
        /// Creating a file with a generated name in a directory.
        CreateIn => "create a file in",
        /// Looking for an existing directory.
        Find => "find",
        /// Creating a hard link.
        Link => "link",
        /// Locking a file.
        Lock => "lock",
        /// Creating a directory.
        Mkdir => "mkdir",
        /// Opening a file.
        Open => "open",
        /// Opening a directory.
        OpenDirectory => "open directory",
        /// Adding a file to an archive.
        Pack => "pack",
        /// Reading a file or stream.
        Read => "read",
        /// Listing a directory.
        ReadDirectory => "read directory",
        /// Reading the output of a program.
        ReadFrom => "read from",
        /// Reading the target of a symbolic link.
        Readlink => "readlink",
        /// Removing a file.
        Remove => "remove",
        /// Renaming a file or directory.
        Rename => "rename",
        /// Renaming a temporary file to its final name.
        RenameTo => "rename to",
        /// Replacing a file or directory.
        Replace => "replace",
        /// Resolving a path.
        Resolve => "resolve",
        /// Starting a program.
        Run => "run",
        /// Saving changes of an index.
        Save => "save",
        /// Changing the position in a file.
        Seek => "seek",
        /// Reading metadata of a file.
        Stat => "stat",
        /// Creating a symbolic link.
        Symlink => "symlink",
        /// Flushing a file or directory to disk.
        Sync => "sync",
        /// Waiting for a program.
        WaitFor => "wait for",
        /// Writing a file or stream.
        Write => "write",
        /// Writing the archive of a directory.
        WriteArchive => "write the archive of",
    }
}
