//! Tables of flags, and how a command lists them.
//!
//! Owns the table of a struct ([`FlagTable`]), the table as one command lists it ([`Group`]), and the flags that come of it
//! ([`Listed`]): the same struct serves commands with one target, and each side of a command with two. Must not know any
//! particular flag or command.

use super::spec::{BadValue, Flag, Spec, Stage};

/// A struct of what the user typed, with the flags that write to it.
pub(crate) trait FlagTable: Sized + 'static {
    /// The flags.
    const FLAGS: &'static [Flag<Self>];

    /// This struct as a group of a command.
    fn group(&mut self) -> Group<'_> {
        Group {
            fields: self,
            side: None,
            reworded: &[],
            revalued: &[],
        }
    }

    /// This struct as the group of one side of a command with two targets: prefixed, without short names.
    fn side(&mut self, side: Side) -> Group<'_> {
        Group {
            side: Some(side),
            ..self.group()
        }
    }
}

/// Any [`FlagTable`]. Only [`Group`] needs this.
trait Fields {
    fn specs(&self) -> Box<dyn Iterator<Item = &'static Spec>>;
    fn set(&mut self, index: usize, text: &str) -> Result<(), BadValue>;
}

impl<T: FlagTable> Fields for T {
    fn specs(&self) -> Box<dyn Iterator<Item = &'static Spec>> {
        Box::new(T::FLAGS.iter().map(|flag| &flag.spec))
    }

    fn set(&mut self, index: usize, text: &str) -> Result<(), BadValue> {
        T::FLAGS[index].set(self, text)
    }
}

/// A [`FlagTable`] as one command lists it.
pub(crate) struct Group<'a> {
    fields: &'a mut dyn Fields,
    side: Option<Side>,
    reworded: &'static [(&'static str, &'static str)],
    revalued: &'static [(&'static str, &'static [&'static str])],
}

impl Group<'_> {
    /// Gives flags, by long name, another help text in this command, where it differs from what others make of them.
    pub(crate) fn reworded(mut self, reworded: &'static [(&'static str, &'static str)]) -> Self {
        self.reworded = reworded;
        self
    }

    /// Gives flags, by long name, other values to be offered in this command.
    pub(crate) fn revalued(
        mut self,
        revalued: &'static [(&'static str, &'static [&'static str])],
    ) -> Self {
        self.revalued = revalued;
        self
    }

    /// The flags as this command knows them.
    pub(crate) fn listed(&self) -> Vec<Listed> {
        fn of<T: Copy>(here: &[(&'static str, T)], spec: &Spec, elsewhere: T) -> T {
            let here = here.iter().find(|(long, _)| *long == spec.long);
            here.map_or(elsewhere, |(_, own)| *own)
        }

        let side = self.side;
        (self.fields.specs().enumerate())
            .filter(|(_, spec)| side.is_none() || !spec.unsided)
            .map(|(index, spec)| Listed {
                spec: Spec {
                    help: of(self.reworded, spec, spec.help),
                    values: of(self.revalued, spec, spec.values),
                    ..*spec
                },
                side,
                index,
            })
            .collect()
    }

    /// Writes a value to the field of a flag that [`listed`](Self::listed) returned.
    pub(super) fn set(&mut self, flag: &Listed, text: &str) -> Result<(), BadValue> {
        self.fields.set(flag.index, text)
    }
}

/// A flag as one command knows it: with the prefix and without the short name if it is for one of two sides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listed {
    spec: Spec,
    side: Option<Side>,
    index: usize,
}

impl Listed {
    /// The flag that every command has.
    pub(crate) const HELP: Self = Self {
        spec: Spec {
            long: "help",
            short: Some('h'),
            value: None,
            values: &[],
            help: "show this help",
            stage: Stage::Stable,
            deprecated: None,
            unsided: false,
        },
        side: None,
        index: 0,
    };

    /// Long name without dashes.
    pub(crate) fn long(&self) -> String {
        self.prefix().to_owned() + self.spec.long
    }

    /// Whether this is the flag with that long name.
    pub(crate) fn is_long(&self, long: &str) -> bool {
        long.strip_prefix(self.prefix()) == Some(self.spec.long)
    }

    /// One-letter name.
    pub(crate) fn short(&self) -> Option<char> {
        self.spec.short.filter(|_| self.side.is_none())
    }

    /// Name of the value; none for a switch.
    pub(crate) fn value(&self) -> Option<&'static str> {
        self.spec.value
    }

    /// The values there are, where they can be counted.
    pub(crate) fn values(&self) -> &'static [&'static str] {
        self.spec.values
    }

    /// Description with stage mark.
    pub(crate) fn help(&self) -> String {
        let side = self.side.map_or("", Side::adjective);
        self.spec.stage.mark().to_owned() + &self.spec.help.replace(SIDE, side)
    }

    /// Why not to use it.
    pub(crate) fn deprecated(&self) -> Option<&'static str> {
        self.spec.deprecated
    }

    fn prefix(&self) -> &'static str {
        self.side.map_or("", Side::prefix)
    }
}

/// One of the two targets of a command that has two. Its flags carry a prefix and have no short form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// `--from-…`
    Source,
    /// `--to-…`
    Destination,
}

impl Side {
    /// What the long names of this side start with.
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::Source => "from-",
            Self::Destination => "to-",
        }
    }

    /// What [`SIDE`] in a help text stands for.
    const fn adjective(self) -> &'static str {
        match self {
            Self::Source => "source ",
            Self::Destination => "destination ",
        }
    }
}

/// Stands in help texts where `--from-…` and `--to-…` flags say which side they are for, as in `user name for the {side}registry`.
pub(crate) const SIDE: &str = "{side}";

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Table {
        output: String,
    }

    impl FlagTable for Table {
        const FLAGS: &'static [Flag<Self>] = &[
            Flag::switch("stdin", "read stdin", |_: &mut Self, _| {}).unsided(),
            Flag::text(
                "output",
                "path",
                "where to put the {side}file",
                |table: &mut Self, text| table.output = text,
            )
            .short('o')
            .stage(Stage::Preview),
        ];
    }

    #[test]
    fn a_side_renames_flags_and_still_writes_to_the_right_field() {
        let mut table = Table::default();
        let mut group = table.side(Side::Destination);
        let [flag] = group.listed()[..] else {
            panic!("not one flag")
        };
        assert_eq!((flag.long().as_str(), flag.short()), ("to-output", None));
        assert_eq!(flag.help(), "[Preview] where to put the destination file");
        assert!(
            flag.is_long("to-output") && !flag.is_long("output") && !flag.is_long("from-output")
        );
        group.set(&flag, "x").unwrap();
        assert_eq!(table.output, "x");
    }

    #[test]
    fn a_command_may_describe_a_shared_flag_in_its_own_words() {
        let mut table = Table::default();
        let flags = table
            .group()
            .reworded(&[("output", "file or directory")])
            .listed();
        let help: Vec<_> = flags.iter().map(Listed::help).collect();
        assert_eq!(help, ["read stdin", "[Preview] file or directory"]);
    }
}
