//! Words for events: each command that transfers content has its own verbs.

/// The words of a verb for its events. An event whose word is empty is not shown.
#[derive(Clone, Copy)]
pub(crate) struct Labels {
    /// The verb of a file that is being read, in the progress display.
    pub(super) reading: &'static str,
    pub(super) fetching_manifest: &'static str,
    pub(super) fetched_manifest: &'static str,
    pub(super) started: &'static str,
    pub(super) transferred: &'static str,
    /// Replaces `transferred` in the progress display.
    pub(super) transferred_in_display: &'static str,
    pub(super) mounted: &'static str,
    pub(super) exists: &'static str,
    /// The word of a second line about content that exists, for scripts that wait for it.
    pub(super) after_exists: &'static str,
    pub(super) repeated: &'static str,
    /// Replaces `repeated` in the progress display.
    pub(super) repeated_in_display: &'static str,
    pub(super) restored: &'static str,
    pub(super) skipped: &'static str,
}

impl Labels {
    pub(super) const NONE: Self = Self {
        reading: "Preparing",
        fetching_manifest: "",
        fetched_manifest: "",
        started: "",
        transferred: "",
        transferred_in_display: "",
        mounted: "",
        exists: "",
        after_exists: "",
        repeated: "",
        repeated_in_display: "",
        restored: "",
        skipped: "",
    };

    pub(crate) const PUSH: Self = Self {
        started: "Uploading",
        transferred: "Uploaded ",
        transferred_in_display: "Uploaded ",
        exists: "Exists   ",
        repeated: "Exists   ",
        repeated_in_display: "Skipped  ",
        ..Self::NONE
    };

    pub(crate) const COPY: Self = Self {
        started: "Copying",
        transferred: "Copied ",
        transferred_in_display: "Copied ",
        mounted: "Mounted",
        exists: "Exists ",
        repeated: "Skipped",
        repeated_in_display: "Skipped",
        ..Self::NONE
    };

    pub(crate) const PULL: Self = Self {
        reading: "Comparing  ",
        fetching_manifest: "Downloading",
        fetched_manifest: "Processing ",
        started: "Downloading",
        transferred: "Downloaded ",
        transferred_in_display: "Pulled     ",
        exists: "Exists     ",
        after_exists: "Downloaded ",
        restored: "Restored   ",
        skipped: "Skipped    ",
        ..Self::NONE
    };

    pub(crate) const CHECK: Self = Self {
        reading: "Comparing",
        ..Self::NONE
    };

    pub(crate) const BACKUP: Self = Self {
        started: "Pulling  ",
        transferred: "Pulled   ",
        transferred_in_display: "Pulled   ",
        repeated: "Skipped  ",
        ..Self::PUSH
    };

    pub(crate) const RESTORE: Self = Self {
        started: "Pushing  ",
        transferred: "Pushed   ",
        transferred_in_display: "Pushed   ",
        ..Self::BACKUP
    };
}
