//! The one table of limits: how much is read of what comes from outside, how much of it is held, and how long is waited for
//! it. Each has its unit in its name or type, and a reason.
//!
//! Where a user may want another one, it is the default of an option. A value may change with any release.

use std::time::Duration;

// Manifests and graphs.

/// How large a manifest may be by default, in bytes: 4 MiB, what the distribution spec asks registries to take and what
/// widespread registries and clients refuse to exceed.
pub const MAX_MANIFEST_BYTES: u64 = 4 * 1024 * 1024;

/// How large all manifests may be together that one copy reads, by default, in bytes: 64 MiB, tens of thousands of usual ones.
/// A pull holds them in memory. All that is discovered may be described by as much.
pub const MAX_METADATA_BYTES: u64 = 64 << 20;

/// How many pieces of content one copy handles by default: one million. What was handled is remembered, so that it is handled
/// once.
pub const MAX_NODES: u64 = 1_000_000;

/// How many levels a graph may have by default, from the root down: 100. Real ones have three or four, one without end has more.
pub const MAX_GRAPH_DEPTH: u64 = 100;

/// How many referrers one subject may have, and how many may be discovered altogether: far more than there are anywhere, and
/// few enough to remember their digests.
pub const MAX_REFERRERS: usize = 100_000;

/// How many levels of referrers may be discovered: 50. A signature of a signature is rare, and what has no end has more. In a
/// document each is two levels deep, and [`MAX_INDENTED_DEPTH`] is not exceeded.
pub const MAX_REFERRERS_DEPTH: usize = 50;

/// How deep a document may be nested to be indented. Each line is as long as it is deep, so that depth decides how much a
/// small document becomes; `serde_json` reads values no deeper than this either.
pub const MAX_INDENTED_DEPTH: usize = 128;

// Answers of registries.

/// How much of an error's body is read, in bytes: more than any registry has to say, and less than a stranger may take.
pub const MAX_ERROR_BYTES: u64 = 64 * 1024;

/// How much of a token service's answer is read, in bytes. Tokens are a few KiB; a few services issue very long ones.
pub const MAX_TOKEN_BYTES: u64 = 128 * 1024;

/// How large one page of a list may be, in bytes: room for tens of thousands of tags.
pub const MAX_PAGE_BYTES: u64 = 4 * 1024 * 1024;

/// How many pages of a list are read. No registry has that many; a list without end has more.
pub const MAX_PAGES: usize = 10_000;

/// How much of the warnings in one answer is read, in bytes: what the specification allows.
pub const MAX_WARNING_BYTES: usize = 4096;

/// How many warnings a client passes on. A registry with more to say says nothing.
pub const MAX_WARNINGS: usize = 100;

/// How many redirects are followed for one request.
pub const MAX_REDIRECTS: usize = 10;

/// How long an address may be, in bytes. Servers and proxies refuse longer ones too, with less clarity; 16 KiB leave room for
/// signed storage addresses and for long upload states.
pub const MAX_URL_BYTES: usize = 16 * 1024;

/// How large the parts may be at least that a registry wants of an upload of unknown size, in bytes: 16 MiB, three times what
/// any is known to want. One part is held in memory.
pub const MAX_HELD_PART_BYTES: u64 = 16 * 1024 * 1024;

/// How much of a body nobody wants is read to keep its connection, in bytes: about what a new connection costs.
pub const MAX_DRAINED_BYTES: u64 = 64 * 1024;

// How long an answer may take.

/// How long to wait for a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// How long one read or write of the network may take. There is no limit on the total: blobs may be of any size.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long to wait for an answer once a request is sent.
pub const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long to wait for an answer to an upload: some registries move the blob to their storage before they answer.
pub const UPLOAD_RESPONSE_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// How long a small document may take to arrive, once it has begun: four megabytes at 14 kilobytes a second.
pub const MAX_DOCUMENT_TIME: Duration = Duration::from_secs(5 * 60);

/// How long a message that nobody waits for may take to arrive, once it has begun.
pub const MAX_MESSAGE_TIME: Duration = Duration::from_secs(10);

// Connections.

/// How many addresses of one host name are tried. ureq has room for no more.
pub const MAX_ADDRESSES: usize = 16;

/// Bytes of the head of a response. Registries send 1 KiB; proxies add policies of some KiB.
pub(crate) const MAX_RESPONSE_HEAD_BYTES: usize = 256 * 1024;
/// Interim responses (RFC 9110 §15.2) before a final one. Proxies send one every few seconds while
/// a registry works.
pub(crate) const MAX_INTERIM_RESPONSES: usize = 1000;

/// How long the header of a proxy's answer may be, in bytes.
pub const MAX_PROXY_HEADER_BYTES: usize = 64 * 1024;

/// How much of one file of certificate authorities is read, in bytes. The bundles of today have about 250 KiB.
pub const MAX_ROOTS_FILE_BYTES: u64 = 8 * 1024 * 1024;

/// How many files of one directory of certificate authorities are read. Debian's has about 300.
pub const MAX_ROOTS_FILES: usize = 4096;

/// How many certificates of one file are read. Bundles of today have about 150.
pub const MAX_CERTIFICATES: usize = 10_000;

/// How much of the body of a traced answer is shown, in bytes.
pub const MAX_TRACED_BYTES: usize = 16 * 1024;

/// For how long the body of a traced answer is read to be shown: it is wanted elsewhere.
pub const MAX_TRACING_TIME: Duration = Duration::from_secs(10);

// Credentials.

/// How large a file of credentials may be, in bytes. A key file of a cloud account, the largest secret that is kept in one,
/// has 3 KiB.
pub const MAX_CONFIG_BYTES: u64 = 1024 * 1024;

/// How many symbolic links to a file of credentials are followed: as many as Linux follows.
pub const MAX_CONFIG_LINKS: usize = 40;

/// How long to wait for others who are changing a file of credentials. Each takes a few milliseconds.
pub const CONFIG_LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a helper program may take: time enough to unlock a keychain, and an end to waiting in a script.
pub const HELPER_TIMEOUT: Duration = Duration::from_secs(60);

/// How much is written to a helper program, in bytes: half of what a pipe holds. Secrets have a few KiB.
pub const MAX_HELPER_INPUT_BYTES: usize = 32 * 1024;

/// How much of a helper program's answer is read, in bytes: what a pipe holds.
pub const MAX_HELPER_OUTPUT_BYTES: u64 = 64 * 1024;

// Layouts.

/// How large an `oci-layout` file may be, in bytes. It has 30; this leaves room for what later specifications add.
pub const MAX_LAYOUT_HEADER_BYTES: u64 = 4 * 1024;

/// How large an `index.json` may be, in bytes: 32 MiB, about 100,000 entries. It is read into memory whole.
pub const MAX_INDEX_BYTES: u64 = 32 * 1024 * 1024;

/// How many entries an `index.json` may have: more than fit into the allowed bytes if each is a descriptor, and few enough that
/// those which are none do not take more memory than the bytes suggest.
pub const MAX_INDEX_ENTRIES: usize = 250_000;

/// How many manifests of a layout are read to find what refers to what: as many as an index may list. It bounds memory.
pub const MAX_LAYOUT_MANIFESTS: usize = 250_000;

/// How many references from manifests of a layout to their parts are held at once. It bounds memory; the content of a large
/// repository has some hundred thousand.
pub const MAX_LAYOUT_REFERENCES: usize = 2_000_000;

/// How many entries the tar of a layout may have: several times what a registry's largest repositories hold. It bounds time and
/// memory.
pub const MAX_LAYOUT_TAR_ENTRIES: usize = 1 << 19;

/// How many files a tar of a layout is given: all that is read again but what directories take.
pub const MAX_LAYOUT_TAR_FILES: usize = MAX_LAYOUT_TAR_ENTRIES - 16;

/// How many bytes may describe one entry of the tar of a layout: its header and the extensions before it. Names in a layout have at most 141
/// bytes; the rest is room for what archivers note about a file.
pub const MAX_LAYOUT_TAR_HEADER_BYTES: u64 = 256 * 1024;

/// How long a name in the tar of a layout may be that is remembered, in bytes: that of a blob with a SHA-512 digest.
pub const MAX_LAYOUT_TAR_NAME_BYTES: usize = "blobs/sha512/".len() + 128;

/// How many tags a repository may have to be backed up as a whole: about as many as an `index.json` has room for.
pub const MAX_BACKUP_TAGS: usize = 100_000;

// Archives of directories.

/// How much an archive may unpack to by default, in bytes: 1 TiB, more than the largest artifacts there are, less than what fills a large disk unnoticed.
pub const MAX_UNPACKED_BYTES: u64 = 1 << 40;

/// How many bytes each compressed byte of an archive may become by default: 250. Text rarely packs better than 1:20 and logs than 1:100; deflate ends at 1:1032, which is what bombs use.
pub const MAX_RATIO: u64 = 250;

/// How much an archive may unpack to by default whatever its ratio, in bytes: 1 GiB, so that disk images full of zeros pass.
pub const RATIO_FREE_BYTES: u64 = 1 << 30;

/// How many entries an archive may have by default: one million, ten times the entries of the Linux kernel's tree.
pub const MAX_ENTRIES: u64 = 1_000_000;

/// How long a name or link target in an archive may be by default, in bytes: 4096, the longest path Linux takes.
pub const MAX_PATH_BYTES: u64 = 4096;

/// How many directories of an archive may lie below each other by default: 256. Each level takes an open file while trees are merged or removed, of which a process often has 1024.
pub const MAX_ARCHIVE_DEPTH: u64 = 256;

/// How large the extended headers of one entry of an archive may be by default, in bytes: 1 MiB, what Go's reader takes, and far more than names need. They are held in memory.
pub const MAX_RECORD_BYTES: u64 = 1 << 20;

/// How much memory may hold what is done when an archive is unpacked, such as setting times of directories, by default, in
/// bytes: 64 MiB, half a million directories with usual names.
pub const MAX_PENDING_BYTES: u64 = 64 << 20;

/// How many remarks are kept on what was left out of archives. There may be a million.
pub const MAX_NOTES: usize = 100;
