//! The flags that several commands share: one struct per group, holding what the user typed and nothing else.
//!
//! A struct says which flags exist and where their values go. What values mean together (exclusivity, defaults, files,
//! environment) is decided by those who use it. Must not know which commands list it.

mod annotations;
mod concurrency;
mod debugging;
mod descriptor;
mod distribution;
mod force;
mod format;
mod layout;
mod pack;
mod platform;
mod pretty;
mod quiet;
mod remote;
mod title;
mod tty;
mod verbose;

pub(crate) use annotations::Annotations;
pub(crate) use concurrency::Concurrency;
pub(crate) use debugging::Debugging;
pub(crate) use descriptor::Descriptor;
pub(crate) use distribution::Distribution;
pub(crate) use force::Force;
pub(crate) use format::Format;
pub(crate) use layout::Layout;
pub(crate) use pack::Pack;
pub(crate) use platform::Platform;
pub(crate) use pretty::Pretty;
pub(crate) use quiet::Quiet;
pub(crate) use remote::Remote;
pub(crate) use title::Title;
pub(crate) use tty::Tty;
pub(crate) use verbose::Verbose;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::table::{FlagTable, Listed};
    use crate::cli::{Side, lint};

    fn listed(side: Option<Side>) -> Vec<Listed> {
        fn of<T: FlagTable + Default>(side: Option<Side>) -> Vec<Listed> {
            let mut fields = T::default();
            match side {
                Some(side) => fields.side(side).listed(),
                None => fields.group().listed(),
            }
        }
        [
            of::<Annotations>(side),
            of::<Concurrency>(side),
            of::<Debugging>(side),
            of::<Descriptor>(side),
            of::<Distribution>(side),
            of::<Force>(side),
            of::<Format>(side),
            of::<Layout>(side),
            of::<Pack>(side),
            of::<Platform>(side),
            of::<Pretty>(side),
            of::<Quiet>(side),
            of::<Remote>(side),
            of::<Title>(side),
            of::<Tty>(side),
            of::<Verbose>(side),
        ]
        .concat()
    }

    #[test]
    fn all_groups_fit_together_and_follow_the_rules() {
        lint::flags("all groups", &listed(None));
        let sides = [listed(Some(Side::Source)), listed(Some(Side::Destination))].concat();
        lint::flags("both sides", &sides);
    }

    #[test]
    fn no_group_takes_a_short_name_that_a_command_has_for_itself() {
        let own = ['h', 'o', 'k', 'T', 'l', 'r'];
        assert!(
            listed(None)
                .iter()
                .filter_map(Listed::short)
                .all(|short| !own.contains(&short))
        );
    }

    #[test]
    fn the_flags_of_a_side_say_which_one() {
        let help = |side| {
            let flags = Remote::default().side(side).listed();
            flags
                .iter()
                .map(|flag| (flag.long(), flag.help()))
                .collect::<Vec<_>>()
        };
        for (side, prefix, adjective) in [
            (Side::Source, "from-", "source"),
            (Side::Destination, "to-", "destination"),
        ] {
            let flags = help(side);
            assert_eq!(flags.len(), 11, "all but the two that read stdin");
            for (long, help) in flags {
                assert!(
                    long.starts_with(prefix) && help.contains(adjective),
                    "--{long}: {help}"
                );
            }
        }
    }
}
