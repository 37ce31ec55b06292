//! Rules for flag tables, for tests of groups and commands.

use std::collections::BTreeSet;

use super::flag::{FlagSpec, SIDE};

/// Panics unless the flags of one command have unique names and consistent descriptions.
pub(crate) fn flags(of: &str, flags: &[FlagSpec]) {
    let mut seen = BTreeSet::new();
    for flag in flags.iter().chain([&FlagSpec::HELP]) {
        let (long, help) = (flag.long_name(), flag.description());
        assert!(seen.insert(long.clone()), "{of}: --{long} twice");
        if let Some(short) = flag.short {
            assert!(seen.insert(short.to_string()), "{of}: -{short} twice");
            assert!(short.is_ascii_alphabetic(), "{of}: -{short}");
        }
        let kebab = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase());
        assert!(
            long.len() > 1 && long.split('-').all(kebab),
            "{of}: --{long} is not in kebab case"
        );
        let value = flag.value.unwrap_or("value");
        assert!(
            !value.is_empty() && !value.contains(' '),
            "{of}: --{long} does not name its value"
        );
        assert!(
            !help.is_empty() && help == help.trim(),
            "{of}: --{long} is not described"
        );
        assert!(
            !help.ends_with('.'),
            "{of}: the description of --{long} ends with a full stop"
        );
        assert!(
            !help.contains(SIDE),
            "{of}: the description of --{long} is not filled in"
        );
    }
}
