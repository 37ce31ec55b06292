//! The limits on outside data: how much is read, kept in memory or waited for. Each has a unit and
//! a reason.
//!
//! Some limits are defaults of options, whose documentation repeats the value.
//!
//! Waits between retries are not limits on outside data: see `http/retry.rs`. Sizes of uploaded
//! chunks are in `registry/upload/chunked_upload.rs`.

use std::time::Duration;

// Manifests and graphs.

/// Bytes of one manifest, by default: 4 MiB. The distribution spec asks registries to accept
/// manifests of this size, and common registries and clients refuse larger ones.
pub const MAX_MANIFEST_BYTES: u64 = 4 * 1024 * 1024;

/// Bytes of all manifests that one copy reads, by default: 64 MiB, which is tens of thousands of
/// typical manifests. A pull keeps them in memory. Discovery applies the same limit to the
/// descriptors it collects.
pub(crate) const MAX_METADATA_BYTES: u64 = 64 << 20;

/// Nodes of the graph that one copy handles, by default. The copy remembers each node to visit it
/// only once.
pub(crate) const MAX_NODES: u64 = 1_000_000;

/// Levels of a graph from the root, by default. Real graphs have three or four levels.
pub(crate) const MAX_GRAPH_DEPTH: u64 = 100;

/// Referrers of one subject, and of one discovery in total. The digests are kept in memory.
pub(crate) const MAX_REFERRERS: usize = 100_000;

/// Levels of referrers that one discovery follows. A signature of a signature is the deepest common
/// case. A JSON document has two levels for each level of referrers, so that it stays below
/// the limit of 128 levels for indented JSON.
pub(crate) const MAX_REFERRERS_DEPTH: usize = 50;

/// Nesting of a JSON document that is indented. The indentation of a line grows with its depth, so
/// that a small document with deep nesting would become large. `serde_json` has the same limit.
pub(crate) const MAX_INDENTED_DEPTH: usize = 128;

// Responses of registries.

/// Bytes of the body of an error response. Error bodies have a few KiB.
pub(crate) const MAX_ERROR_BYTES: u64 = 64 * 1024;

/// Bytes of a token response. Tokens have a few KiB; some services issue much longer ones.
pub(crate) const MAX_TOKEN_BYTES: u64 = 128 * 1024;

/// Bytes of one page of a listing, which has room for tens of thousands of tags.
pub(crate) const MAX_PAGE_BYTES: u64 = 4 * 1024 * 1024;

/// Pages of one listing. The limit ends listings that never end.
pub(crate) const MAX_PAGES: usize = 10_000;

/// Names of a listing that are held until it is known whether they are after the requested one.
pub(crate) const MAX_HELD_NAMES: usize = 100_000;

/// Bytes of all `Warning` headers in one response, as the distribution spec allows.
pub(crate) const MAX_WARNING_BYTES: usize = 4096;

/// Warnings that one client reports. Further warnings are dropped.
pub(crate) const MAX_WARNINGS: usize = 100;

/// Redirects of one request.
pub(crate) const MAX_REDIRECTS: usize = 10;

/// Bytes of a URL: 16 KiB, which is enough for signed storage URLs and long upload states. Servers
/// and proxies also refuse longer URLs, with less clear errors.
pub(crate) const MAX_URL_BYTES: usize = 16 * 1024;

/// Bytes of the smallest chunk that a registry may require for an upload of unknown size: 16 MiB,
/// three times the largest known minimum. One chunk is kept in memory.
pub(crate) const MAX_BUFFERED_CHUNK_BYTES: u64 = 16 * 1024 * 1024;

/// The smallest chunk of an upload, in bytes. If a registry refuses even a chunk of this size, the
/// upload fails.
pub(crate) const MIN_CHUNK_BYTES: u64 = 64 * 1024;

/// Bytes of an unwanted body that are read to reuse the connection. Reading more costs more than a
/// new connection.
pub(crate) const MAX_DRAINED_BYTES: u64 = 64 * 1024;

/// Waits of at most one second for such a body. A new connection takes less.
pub(crate) const MAX_DRAIN_WAITS: u32 = 2;

/// Bytes that a seekable blob reads and discards to reach a position. Opening the content at the
/// position costs a round trip and often a connection.
pub(crate) const MAX_SKIPPED_BYTES: u64 = 64 * 1024;

/// Bytes of the largest blob that is sent with the first request of its upload: 256 KiB. It is in
/// memory until the registry has it.
pub(crate) const MAX_SINGLE_POST_BYTES: u64 = 256 * 1024;

/// Blobs of which a client remembers that a repository has them: a few MiB of memory.
pub(crate) const MAX_KNOWN_BLOBS: usize = 10_000;

/// Time for which a client remembers that a repository has a blob: 5 minutes. Registries collect
/// blobs to which no manifest refers an hour after their upload or later.
pub(crate) const MAX_KNOWN_AGE: Duration = Duration::from_secs(5 * 60);

// Times of requests.

/// Time to establish a connection, by default. Networks that lose the first segments send them
/// again after 1, 3 and 7 seconds.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Silence of a server during a transfer or before a response, by default. There is no limit on the
/// total time, because blobs may have any size.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Silence of a server after it received the body of a `PUT` or `PATCH`, by default. Some
/// registries move a blob to their storage before they respond.
pub(crate) const UPLOAD_RESPONSE_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// Time for a response head since its first byte, as a multiple of the accepted silence during a
/// transfer: 5 minutes by default. A head has few packets.
pub(crate) const HEAD_TIMEOUTS: u32 = 5;

/// Time for the final response, as a multiple of the accepted silence before the response to an
/// upload: 30 minutes by default. Interim responses may interrupt the silence.
pub(crate) const RESPONSE_TIMEOUTS: u32 = 2;

/// Time to wait for `100 Continue`. The body is sent after it.
pub(crate) const CONTINUE_TIMEOUT: Duration = Duration::from_millis(500);

/// Time to receive a small document: 4 MiB at 14 KB/s.
pub(crate) const MAX_DOCUMENT_TIME: Duration = Duration::from_secs(5 * 60);

/// Time to receive a body that the caller does not need, such as that of an error response.
pub(crate) const MAX_MESSAGE_TIME: Duration = Duration::from_secs(10);

/// Waits of at most one second for the body of an error response, within [`MAX_MESSAGE_TIME`].
pub(crate) const MAX_MESSAGE_WAITS: u32 = 10;

// Connections.

/// Addresses of one host name that are tried. They share the time for a connection.
pub(crate) const MAX_ADDRESSES: usize = 16;

/// Bytes of the head of a response. Registries send 1 KiB; proxies add policies of some KiB.
pub(crate) const MAX_RESPONSE_HEAD_BYTES: usize = 256 * 1024;
/// Interim responses (RFC 9110 §15.2) before a final one. Proxies send one every few seconds while
/// a registry works.
pub(crate) const MAX_INTERIM_RESPONSES: usize = 1000;

/// Bytes of the header of a proxy's response.
pub(crate) const MAX_PROXY_HEADER_BYTES: usize = 64 * 1024;

/// Bytes of one file of certificate authorities. Common bundles have about 250 KiB.
pub const MAX_ROOTS_FILE_BYTES: u64 = 8 * 1024 * 1024;

/// Files of one directory of certificate authorities. Debian has about 300.
#[cfg(feature = "tls-no-provider")]
pub(crate) const MAX_ROOTS_FILES: usize = 4096;

/// Certificates of one file. Common bundles have about 150.
#[cfg(feature = "tls-no-provider")]
pub(crate) const MAX_CERTIFICATES: usize = 10_000;

/// Maximum size of a response body that a trace prints, in bytes.
pub(crate) const MAX_TRACED_BYTES: usize = 16 * 1024;

/// Time to read a response body for a trace, because the trace delays the caller.
pub(crate) const MAX_TRACING_TIME: Duration = Duration::from_secs(10);

// Credentials.

/// Bytes of a credential configuration file. The largest secret in common use, a key file of a
/// cloud account, has 3 KiB.
pub(crate) const MAX_CONFIG_BYTES: u64 = 1024 * 1024;

/// Symbolic links to a credential configuration file that are followed, as in Linux.
pub(crate) const MAX_CONFIG_LINKS: usize = 40;

/// Time to wait for the lock of a credential configuration file. A change takes a few milliseconds.
pub(crate) const CONFIG_LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// Time of one call of a credential helper. The user may have to unlock a keychain.
pub(crate) const HELPER_TIMEOUT: Duration = Duration::from_secs(60);

/// Bytes written to a credential helper: half of the capacity of a pipe. Secrets have a few KiB.
pub(crate) const MAX_HELPER_INPUT_BYTES: usize = 32 * 1024;

/// Bytes of the output of a credential helper: the capacity of a pipe.
pub(crate) const MAX_HELPER_OUTPUT_BYTES: u64 = 64 * 1024;

// Temporary files.

/// Bytes of content whose beginning is kept if its transfer is interrupted: 1 MiB. Less is
/// transferred again in the time that a connection takes.
pub(crate) const RESUMABLE_BYTES: u64 = 1 << 20;

/// Age of the beginning of content that no process continued, after which it is removed: a week.
pub(crate) const MAX_BEGINNING_AGE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Age of a temporary file of another host, or of this host before it was restarted, after which no
/// process uses it: 12 hours. A transfer that makes no progress ends after minutes.
pub(crate) const MAX_FOREIGN_AGE: Duration = Duration::from_secs(12 * 60 * 60);

// Layouts.

/// Bytes of an `oci-layout` file. It has 30 today; later specifications may add fields.
pub(crate) const MAX_LAYOUT_HEADER_BYTES: u64 = 4 * 1024;

/// Bytes of an `index.json`: 32 MiB, about 100,000 entries. The file is kept in memory.
pub(crate) const MAX_INDEX_BYTES: u64 = 32 * 1024 * 1024;

/// Entries of an `index.json`. More descriptors do not fit into [`MAX_INDEX_BYTES`]; the limit
/// bounds the memory for smaller invalid entries.
pub(crate) const MAX_INDEX_ENTRIES: usize = 250_000;

/// Manifests of a layout that are read to build its graph: as many as an index may list. The limit
/// bounds memory.
pub(crate) const MAX_LAYOUT_MANIFESTS: usize = 250_000;

/// Edges of the graph of a layout. The limit bounds memory; a large repository has some hundred
/// thousand.
pub(crate) const MAX_LAYOUT_REFERENCES: usize = 2_000_000;

/// Entries in the tar of a layout: several times the size of the largest repositories. The limit
/// bounds time and memory.
#[cfg(feature = "archive")]
pub(crate) const MAX_LAYOUT_TAR_ENTRIES: usize = 1 << 19;

/// Files that are written to the tar of a layout, so that the tar can be read again with its
/// directories.
#[cfg(feature = "archive")]
pub(crate) const MAX_LAYOUT_TAR_FILES: usize = MAX_LAYOUT_TAR_ENTRIES - 16;

/// Bytes of the header and extended headers of one entry in the tar of a layout. Names have at most
/// 141 bytes; archivers add metadata of files.
#[cfg(feature = "archive")]
pub(crate) const MAX_LAYOUT_TAR_HEADER_BYTES: u64 = 256 * 1024;

/// Bytes of a name in the tar of a layout that is remembered: a blob with a SHA-512 digest.
#[cfg(feature = "archive")]
pub(crate) const MAX_LAYOUT_TAR_NAME_BYTES: usize = "blobs/sha512/".len() + 128;

/// Tags of one repository that is backed up: about as many as an `index.json` has room for.
pub(crate) const MAX_BACKUP_TAGS: usize = 100_000;

// Archives of directories.

/// Entries of one archive, by default: ten times the entries of the Linux kernel's source tree.
#[cfg(feature = "archive")]
pub(crate) const MAX_ENTRIES: u64 = 1_000_000;

/// Bytes of a name or link target in an archive, by default: the longest path that Linux accepts.
#[cfg(feature = "archive")]
pub(crate) const MAX_PATH_BYTES: u64 = 4096;

/// Nested directories of an archive, by default: as many as a path of [`MAX_PATH_BYTES`] can name,
/// so that every directory that can be packed can be unpacked.
#[cfg(feature = "archive")]
pub(crate) const MAX_ARCHIVE_DEPTH: u64 = 2048;

/// Bytes of the extended headers of one archive entry, by default: 1 MiB, as in Go's reader. They
/// are kept in memory.
#[cfg(feature = "archive")]
pub(crate) const MAX_RECORD_BYTES: u64 = 1 << 20;

/// Bytes of memory for work at the end of unpacking, such as setting times of directories, by
/// default: 64 MiB, half a million directories with typical names.
#[cfg(feature = "archive")]
pub(crate) const MAX_PENDING_BYTES: u64 = 64 << 20;

/// Additional files that a check finds, so that a directory that has nothing to do with the
/// artifact does not fill the memory.
#[cfg(feature = "archive")]
pub(crate) const MAX_ADDITIONAL_FILES: u64 = 100_000;

/// Reported entries that were skipped in archives. An archive may have a million of them.
#[cfg(feature = "archive")]
pub(crate) const MAX_NOTES: usize = 100;

display_enum! {
    /// The kind of a limit that an error reports ([`Error::TooLarge`](crate::Error::TooLarge)).
    ///
    /// `Display` writes the name that messages contain. Names of limits that the original program
    /// also has are its names.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum Limit {
        /// Files that are not in the artifact that they are compared with: 100,000.
        AdditionalFiles => "MAX_ADDITIONAL_FILES",
        /// Nested directories of an archive, by default 2,048.
        ArchiveDepth => "MaxDepth",
        /// Tags of one repository that is backed up: 100,000.
        BackupTags => "MAX_BACKUP_TAGS",
        /// Bytes of the smallest chunk that a registry may require: 16 MiB.
        BufferedChunkBytes => "MaxBufferedChunkBytes",
        /// Bytes of content: the limit that the caller passed, which has no name in messages.
        CallerBytes => "the limit in bytes",
        /// Bytes of a credential configuration file: 1 MiB.
        ConfigBytes => "MaxConfigBytes",
        /// Bytes of content that is verified in memory: the limit that the caller passed.
        ContentBytes => "MaxBytes",
        /// Entries of one archive, by default 1,000,000.
        Entries => "MaxEntries",
        /// Free bytes of the file system that an archive is unpacked to.
        FreeSpace => "FreeSpace",
        /// Levels of a graph, by default 100.
        GraphDepth => "MaxDepth",
        /// Bytes written to a credential helper: 32 KiB.
        HelperInputBytes => "MaxHelperInputBytes",
        /// Bytes of an `index.json`: 32 MiB.
        IndexBytes => "MAX_INDEX_BYTES",
        /// Bytes of an `oci-layout` file: 4 KiB.
        LayoutHeaderBytes => "MAX_LAYOUT_HEADER_BYTES",
        /// Manifests of a layout that are read to build its graph: 250,000.
        LayoutManifests => "MAX_LAYOUT_MANIFESTS",
        /// Edges of the graph of a layout: 2,000,000.
        LayoutReferences => "MAX_LAYOUT_REFERENCES",
        /// Files in the tar of a layout: half a million.
        LayoutTarFiles => "MAX_LAYOUT_TAR_FILES",
        /// Bytes of one manifest, by default 4 MiB, or of all descriptors of one
        /// discovery, 64 MiB.
        MetadataBytes => "MaxMetadataBytes",
        /// Nodes of a graph, by default 1,000,000.
        Nodes => "MaxNodes",
        /// Bytes of one page of a listing: 4 MiB.
        PageBytes => "MaxPageBytes",
        /// Bytes of a name or link target in an archive, by default 4,096.
        PathBytes => "MaxPathBytes",
        /// Bytes of deferred work of unpacking, by default 64 MiB.
        PendingBytes => "MaxPendingBytes",
        /// Bytes of the extended headers of one archive entry, by default 1 MiB.
        RecordBytes => "MaxRecordBytes",
        /// Referrers of one subject: 100,000.
        Referrers => "MaxReferrers",
        /// Levels of referrers: 50.
        ReferrersDepth => "MaxReferrersDepth",
        /// Bytes of a token response: 128 KiB.
        TokenBytes => "MaxTokenBytes",
        /// Bytes of all manifests of one copy, by default 64 MiB.
        TotalMetadataBytes => "MaxTotalMetadataBytes",
        /// Bytes of all files of an archive.
        UnpackedBytes => "MaxUnpackedBytes",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::RetryPolicy;
    use crate::ops::discover::DiscoverOptions;

    const KIB: u64 = 1024;

    fn bytes(bytes: u64) -> String {
        match bytes {
            bytes if bytes >= KIB * KIB => format!("{} MiB", bytes / KIB / KIB),
            bytes => format!("{} KiB", bytes / KIB),
        }
    }

    fn count(count: u64) -> String {
        let digits = count.to_string();
        let groups = digits.as_bytes().rchunks(3).rev();
        let groups: Vec<_> = groups.map(String::from_utf8_lossy).collect();
        groups.join(",")
    }

    fn time(time: Duration) -> String {
        match time.as_secs() {
            seconds if seconds >= 60 && seconds % 60 == 0 => format!("{} min", seconds / 60),
            seconds => format!("{seconds} s"),
        }
    }

    #[test]
    #[cfg(feature = "archive")]
    fn the_readme_lists_the_limits_that_users_meet() {
        let retries = RetryPolicy::default();
        assert_eq!(DiscoverOptions::default().depth, None);
        let rows = [
            ("size of a manifest", bytes(MAX_MANIFEST_BYTES), ""),
            (
                "size of all manifests of a copy or pull",
                bytes(MAX_METADATA_BYTES),
                "",
            ),
            ("manifests and blobs of a copy", count(MAX_NODES), ""),
            (
                "levels of indexes and manifests",
                count(MAX_GRAPH_DEPTH),
                "",
            ),
            ("referrers of an artifact", count(MAX_REFERRERS as u64), ""),
            (
                "levels of referrers that `discover` lists",
                count(MAX_REFERRERS_DEPTH as u64),
                "`--depth` for fewer",
            ),
            ("tags of a backup", count(MAX_BACKUP_TAGS as u64), ""),
            (
                "additional files that `check` lists",
                count(MAX_ADDITIONAL_FILES),
                "`--ignore-additional` accepts them",
            ),
            (
                "size of the `index.json` of a layout",
                bytes(MAX_INDEX_BYTES),
                "",
            ),
            (
                "data of a directory that is unpacked",
                "free space".to_owned(),
                "`--max-unpacked-size`",
            ),
            (
                "entries of a directory that is unpacked",
                count(MAX_ENTRIES),
                "",
            ),
            (
                "levels of a directory that is unpacked",
                count(MAX_ARCHIVE_DEPTH),
                "`--max-depth`",
            ),
            (
                "time to connect",
                time(CONNECT_TIMEOUT),
                "`--connect-timeout`",
            ),
            ("silence of a server", time(IDLE_TIMEOUT), "`--timeout`"),
            (
                "silence of a server after a complete upload",
                time(UPLOAD_RESPONSE_TIMEOUT),
                "",
            ),
            (
                "retries of a request",
                format!(
                    "{}, after a timeout {}",
                    retries.retries, retries.timeout_retries
                ),
                "`--retries`",
            ),
            (
                "wait before a retry",
                time(retries.max_retry_after),
                "`--retry-max-wait`",
            ),
            ("redirects of a request", count(MAX_REDIRECTS as u64), ""),
            ("size of a credential file", bytes(MAX_CONFIG_BYTES), ""),
            ("time of a credential helper", time(HELPER_TIMEOUT), ""),
        ];
        let row =
            |(what, limit, flag): &(&str, String, &str)| format!("| {what} | {limit} | {flag} |\n");
        let table: String = rows.iter().map(row).collect();
        let table = format!("| What | Limit | Flag |\n|---|---|---|\n{table}");
        assert!(include_str!("../README.md").contains(&table), "{table}");
    }
}
