//! The environment of this process: variables and user ID.
//!
//! Only constructors named `from_env` use this module, so that a program decides whether its
//! environment has an effect.

use std::ffi::OsString;

/// The name of the variable with the home directory of the user.
pub(crate) const HOME: &str = home_variable(cfg!(windows));

const fn home_variable(is_windows: bool) -> &'static str {
    if is_windows { "USERPROFILE" } else { "HOME" }
}

/// Returns the value of a variable. An empty value is treated as unset.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the library reads the environment"
)]
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Returns the ID of the user on whose behalf this process accesses files.
#[cfg(unix)]
pub(crate) fn uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_has_its_variable_for_the_home_directory() {
        assert_eq!(home_variable(false), "HOME");
        assert_eq!(home_variable(true), "USERPROFILE");
    }

    #[test]
    fn variables_of_the_process_are_read() {
        assert!(variable("PATH").is_some());
        assert_eq!(variable("ORAS_TEST_UNSET_VARIABLE"), None);
    }

    #[cfg(unix)]
    #[test]
    fn the_user_id_is_that_of_new_files() {
        use std::os::unix::fs::MetadataExt as _;

        let owner = crate::fs::testing::TempDir::new().path().metadata();
        assert_eq!(uid(), owner.unwrap().uid());
    }
}
