//! The table of states and responses of an upload.

use super::*;
use crate::oci::MediaType;
use crate::progress::sync::Lock;
use crate::registry::client::LARGE_BYTES;
use crate::text::url::Url;

/// An upload on its way, and what is known about the registry.
struct Scenario {
    flow: UploadFlow,
    action: Action,
    capabilities: Lock<CapabilityCache>,
    is_consumed: bool,
}

fn origin() -> Origin {
    Url::parse("http://r:5000/").unwrap().origin()
}

fn blob(size: u64) -> Descriptor {
    Descriptor::new(MediaType::OCTET_STREAM, Digest::of(b"blob"), size)
}

fn other_blob() -> Descriptor {
    Descriptor::new(MediaType::OCTET_STREAM, Digest::of(b"other"), 1)
}

fn repository() -> RepositoryName {
    "a".parse().unwrap()
}

impl Scenario {
    fn new(size: u64, support: SelfMountSupport) -> Self {
        let mut capabilities = CapabilityCache::default();
        capabilities.entry(&origin()).self_mount = support;
        Self::with(size, capabilities, UploadStart::Check)
    }

    fn with(size: u64, capabilities: CapabilityCache, start: UploadStart) -> Self {
        Self::after_checks(size, capabilities, (start, BlobChecks::default()))
    }

    /// The upload of a blob that is probably new.
    fn new_blob(size: u64, support: SelfMountSupport) -> Self {
        let mut capabilities = CapabilityCache::default();
        capabilities.entry(&origin()).self_mount = support;
        let checks = BlobChecks {
            is_first_push: true,
            missing_in_a_row: 1,
            ..BlobChecks::default()
        };
        Self::after_checks(size, capabilities, (UploadStart::Check, checks))
    }

    fn after_checks(
        size: u64,
        mut capabilities: CapabilityCache,
        start: (UploadStart, BlobChecks),
    ) -> Self {
        let (flow, action) =
            UploadFlow::start(origin(), repository(), blob(size), start, &mut capabilities);
        Self {
            flow,
            action,
            capabilities: Lock::new(capabilities),
            is_consumed: false,
        }
    }

    fn on(&mut self, event: Event<'_>) -> &mut Self {
        let mut context = Context {
            capabilities: self.capabilities.lock(),
            is_consumed: self.is_consumed,
        };
        self.action = self.flow.on(event, &mut context).unwrap();
        drop(context);
        self
    }

    fn exists(&mut self, exists: bool) -> &mut Self {
        self.on(Event::Exists(exists))
    }

    fn response(&mut self, status: u16) -> &mut Self {
        let response = RegistryResponse::for_test(status, &[("Location", "/u/1")]);
        self.on(Event::Response(&Ok(response)))
    }

    fn breaks(&mut self) -> &mut Self {
        self.on(Event::Response(&Err(Error::Transport {
            method: "PUT",
            url: String::new(),
            kind: TransportKind::Io,
            source: "broken".into(),
        })))
    }

    /// Waits, and the registry does not have the blob.
    fn waits(&mut self) -> &mut Self {
        assert!(
            matches!(self.action, Action::Retry { .. }),
            "{:?}",
            self.action
        );
        self.on(Event::Waited)
    }

    fn does(&self) -> &'static str {
        match &self.action {
            Action::CheckExists => "check",
            Action::Mount(digest) if *digest == self.flow.blob.digest => "mount",
            Action::Mount(_) => "probe",
            Action::Post => "post",
            Action::Start => "start",
            Action::Send {
                expects_continue: true,
                ..
            } => "send, expect",
            Action::Send { .. } => "send",
            Action::SendChunks(_) => "chunks",
            Action::Retry {
                is_session_lost: true,
            } => "replace",
            Action::Retry { .. } => "retry",
            Action::Finish(Pushed::Stored) => "stored",
            Action::Finish(Pushed::AlreadyThere) => "exists",
            Action::Fail => "fail",
        }
    }

    /// A response with a session whose range is `range`.
    fn session_with_range(&mut self, range: &str) -> &mut Self {
        let headers = [("Location", "/u/1"), ("Range", range)];
        let response = RegistryResponse::for_test(202, &headers);
        self.on(Event::Response(&Ok(response)))
    }

    fn single_post(&self) -> SinglePostSupport {
        self.capabilities.lock().entry(&origin()).single_post
    }

    fn self_mount(&self) -> SelfMountSupport {
        self.capabilities.lock().entry(&origin()).self_mount
    }
}

use SelfMountSupport::{AlwaysUploads, Checks, Rejected, Unknown};

const SMALL: u64 = 10;

#[test]
fn the_response_to_a_mount_shows_whether_the_registry_checks() {
    #[rustfmt::skip]
    let rows = [
        // size, known before, status, next, known after
        (SMALL,       Unknown, 201, "exists", Checks),
        (SMALL,       Unknown, 202, "send",   Unknown),
        (LARGE_BYTES, Unknown, 202, "check",  Unknown),
        (LARGE_BYTES, Checks,  202, "send, expect", Checks),
        (SMALL,       Unknown, 429, "fail",   Unknown),
        (SMALL,       Unknown, 405, "check",  Rejected),
        (SMALL,       Unknown, 404, "check",  Unknown),
        (SMALL,       Unknown, 500, "check",  Unknown),
        (SMALL,       Checks,  400, "check",  Rejected),
    ];
    for (size, before, status, next, after) in rows {
        let mut scenario = Scenario::new(size, before);
        assert_eq!(scenario.does(), "mount");
        let does = scenario.response(status).does();
        assert_eq!(
            (does, scenario.self_mount()),
            (next, after),
            "{size} {before:?} {status}"
        );
    }
}

#[test]
fn a_session_for_a_blob_that_exists_shows_that_the_registry_does_not_check() {
    let mut scenario = Scenario::new(LARGE_BYTES, Unknown);
    assert_eq!(scenario.response(202).exists(true).does(), "exists");
    assert_eq!(scenario.self_mount(), AlwaysUploads);
    let mut scenario = Scenario::new(LARGE_BYTES, Unknown);
    assert_eq!(scenario.response(202).exists(false).does(), "send, expect");
}

#[test]
fn registries_that_do_not_check_are_asked_with_head() {
    for support in [AlwaysUploads, Rejected] {
        let mut scenario = Scenario::new(SMALL, support);
        assert_eq!(scenario.does(), "check");
        assert_eq!(scenario.exists(false).does(), "start");
        assert_eq!(scenario.response(202).does(), "send");
        assert_eq!(Scenario::new(SMALL, support).exists(true).does(), "exists");
    }
    for (size, next) in [(SMALL, "post"), (LARGE_BYTES, "start")] {
        let mut scenario = Scenario::new(size, Rejected);
        let known = SinglePostSupport::Stores;
        scenario.capabilities.lock().entry(&origin()).single_post = known;
        assert_eq!(scenario.exists(false).does(), next);
    }
    let mut scenario = Scenario::new(SMALL, Rejected);
    assert_eq!(scenario.exists(false).response(403).does(), "fail");
}

#[test]
fn a_blob_in_one_request_is_stored_or_sent_to_a_session() {
    for (status, next, known) in [
        (201, "stored", SinglePostSupport::Stores),
        (429, "retry", SinglePostSupport::Unknown),
        (202, "send", SinglePostSupport::Ignores),
        (200, "start", SinglePostSupport::Ignores),
        (204, "start", SinglePostSupport::Ignores),
        (307, "start", SinglePostSupport::Ignores),
        (400, "start", SinglePostSupport::Ignores),
        (401, "start", SinglePostSupport::Ignores),
        (404, "start", SinglePostSupport::Ignores),
        (413, "start", SinglePostSupport::Ignores),
        (500, "start", SinglePostSupport::Ignores),
    ] {
        let mut scenario = Scenario::new_blob(SMALL, Unknown);
        assert_eq!(scenario.does(), "post");
        let does = scenario.response(status).does();
        assert_eq!((does, scenario.single_post()), (next, known), "{status}");
    }
    let mut scenario = Scenario::new_blob(SMALL, Unknown);
    assert_eq!(scenario.breaks().does(), "start");
    assert_eq!(scenario.response(202).response(201).does(), "stored");
}

#[test]
fn a_session_that_has_the_body_is_not_used() {
    for (range, next) in [
        ("0-0", "send"),
        ("bytes=0-0", "send"),
        ("0-9", "start"),
        ("bytes=0-9", "start"),
    ] {
        let mut scenario = Scenario::new_blob(SMALL, Unknown);
        assert_eq!(scenario.session_with_range(range).does(), next, "{range}");
    }
    // The session does not tell that it has the body.
    for (status, next) in [
        (400, "start"),
        (404, "start"),
        (413, "chunks"),
        (500, "retry"),
    ] {
        let mut scenario = Scenario::new_blob(SMALL, Unknown);
        assert_eq!(
            scenario.response(202).response(status).does(),
            next,
            "{status}"
        );
    }
    // A second session is an ordinary one.
    let mut scenario = Scenario::new_blob(SMALL, Unknown);
    scenario
        .response(202)
        .response(400)
        .response(202)
        .response(400);
    assert_eq!(scenario.does(), "retry");
}

#[test]
fn the_mount_of_a_stored_blob_probes_the_registry_before_a_large_upload() {
    for (status, next, after) in [
        (201, "mount", Checks),
        (202, "check", AlwaysUploads),
        (400, "check", Rejected),
    ] {
        let mut capabilities = CapabilityCache::default();
        capabilities.entry(&origin()).last_stored = Some((repository(), other_blob()));
        let mut scenario = Scenario::with(LARGE_BYTES, capabilities, UploadStart::Check);
        assert_eq!(scenario.does(), "probe");
        let does = scenario.response(status).does();
        assert_eq!((does, scenario.self_mount()), (next, after), "{status}");
    }
}

#[test]
fn the_response_to_a_blob_decides_about_the_next_request() {
    #[rustfmt::skip]
    let rows = [
        // size, status, next; with content that cannot be read again
        (SMALL,       201, "stored", "stored"),
        (SMALL,       204, "stored", "stored"),
        (SMALL,       200, "check",  "check"),
        (SMALL,       202, "check",  "check"),
        (LARGE_BYTES, 417, "send",   "fail"),
        (SMALL,       417, "retry",  "retry"),
        (LARGE_BYTES, 413, "chunks", "fail"),
        (SMALL,       413, "chunks", "fail"),
        (SMALL,       404, "replace", "replace"),
        (SMALL,       503, "retry",  "retry"),
        (SMALL,       400, "retry",  "retry"),
    ];
    for (size, status, next, next_if_consumed) in rows {
        for (is_consumed, next) in [(false, next), (true, next_if_consumed)] {
            let mut scenario = Scenario::new(size, Checks);
            scenario.response(202).is_consumed = is_consumed;
            assert_eq!(scenario.response(status).does(), next, "{size} {status}");
        }
    }
}

#[test]
fn an_unusual_success_is_believed_if_the_blob_exists() {
    for (exists, next) in [(true, "stored"), (false, "fail")] {
        let mut scenario = Scenario::new(SMALL, Checks);
        scenario.response(202).response(200).exists(exists);
        assert_eq!(scenario.does(), next);
    }
}

#[test]
fn an_upload_starts_with_every_success_that_has_a_location() {
    for status in [200, 201, 202] {
        let mut scenario = Scenario::new(SMALL, Rejected);
        assert_eq!(scenario.exists(false).response(status).does(), "send");
    }
}

#[test]
fn a_failed_attempt_is_followed_by_a_check_and_a_new_session() {
    let mut scenario = Scenario::new(SMALL, Checks);
    assert_eq!(scenario.response(202).breaks().waits().does(), "check");
    assert_eq!(scenario.exists(false).does(), "mount");
    assert_eq!(scenario.response(201).does(), "stored");
    let mut scenario = Scenario::new(SMALL, Checks);
    assert_eq!(
        scenario.response(202).breaks().waits().exists(true).does(),
        "stored"
    );
    let mut scenario = Scenario::new(SMALL, Checks);
    scenario.response(202).is_consumed = true;
    assert_eq!(scenario.breaks().waits().exists(false).does(), "fail");
}

#[test]
fn an_unchecked_upload_is_never_checked() {
    let start = || Scenario::with(SMALL, CapabilityCache::default(), UploadStart::Unchecked);
    let mut scenario = start();
    assert_eq!(scenario.does(), "start");
    assert_eq!(scenario.response(202).breaks().waits().does(), "start");
    let mut scenario = start();
    scenario.response(202).is_consumed = true;
    assert_eq!(scenario.breaks().waits().does(), "fail");
}

#[test]
fn the_third_attempt_and_all_after_it_are_chunked() {
    let mut scenario = Scenario::new(LARGE_BYTES, Checks);
    for next in ["send, expect", "send, expect", "chunks", "chunks"] {
        assert_eq!(scenario.response(202).does(), next);
        scenario.breaks().waits().exists(false);
    }
}

#[test]
fn a_size_that_was_refused_is_chunked_at_once() {
    let mut scenario = Scenario::new(SMALL, Checks);
    assert_eq!(scenario.response(202).response(413).does(), "chunks");
    assert_eq!(scenario.response(201).does(), "stored");
    let capabilities = scenario.capabilities.take();
    let mut next = Scenario::with(SMALL, capabilities, UploadStart::Check);
    assert_eq!(next.response(202).does(), "chunks");
}

#[test]
fn a_response_without_a_usable_location_is_an_error() {
    for headers in [&[][..], &[("Location", "http://127.0.0.1/u")]] {
        let mut scenario = Scenario::new(SMALL, Checks);
        let mut context = Context {
            capabilities: scenario.capabilities.lock(),
            is_consumed: false,
        };
        let response = Ok(RegistryResponse::for_test(202, headers));
        let result = scenario.flow.on(Event::Response(&response), &mut context);
        assert!(matches!(result, Err(Error::Protocol { .. })));
    }
}
