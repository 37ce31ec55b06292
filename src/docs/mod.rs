//! The guide. These modules have no items.
//!
//! | Page | Contents |
//! |---|---|
//! | [`first_program`] | push, pull and list |
//! | [`errors`] | status, timeout, not found, the chain of causes |
//! | [`timeouts_and_retries`] | timeouts, deadline, retry policy, proxy |
//! | [`threads_and_async`] | one client in several threads, and in async programs |
//! | [`credentials`] | login, config files, credential helpers, environment |
//! | [`progress_and_cancellation`] | progress, cancel, events |
//! | [`testing`] | tests of your own program: [`MemoryStore`], a mock transport |
//! | [`custom_store`] | the traits of a store of your own |
//! | [`footprint`] | bytes and crates of each feature set, and speed |
//! | [`stability`] | versions, types that grow, MSRV |
//! | [`from_oras_python`] | every call of ORAS Python, and its equivalent |
//! | [`from_oci_client`] | every call of oci-client, and its equivalent |
//! | [`changelog`] | changes by version |
//!
//! [`MemoryStore`]: crate::store::memory::MemoryStore

pub mod first_program {
    #![doc = include_str!("first_program.md")]
}

pub mod errors {
    #![doc = include_str!("errors.md")]
}

pub mod timeouts_and_retries {
    #![doc = include_str!("timeouts_and_retries.md")]
}

pub mod threads_and_async {
    #![doc = include_str!("threads_and_async.md")]
}

pub mod credentials {
    #![doc = include_str!("credentials.md")]
}

pub mod progress_and_cancellation {
    #![doc = include_str!("progress_and_cancellation.md")]
}

pub mod testing {
    #![doc = include_str!("testing.md")]
}

pub mod custom_store {
    #![doc = include_str!("custom_store.md")]
}

pub mod footprint {
    #![doc = include_str!("footprint.md")]
}

pub mod stability {
    #![doc = include_str!("stability.md")]
}

pub mod from_oras_python {
    #![doc = include_str!("from_oras_python.md")]
}

pub mod from_oci_client {
    #![doc = include_str!("from_oci_client.md")]
}

pub mod changelog {
    #![doc = include_str!("changelog.md")]
}
