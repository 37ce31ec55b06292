//! Flags as data.
//!
//! Owns the description of a flag ([`FlagSpec`]), a flag with the field it writes to ([`Flag`]),
//! and the macro that declares a struct of fields together with their flags ([`flags!`]). Must not
//! know any particular flag, nor how arguments are split.
//!
//! A flag is declared once: its name, its help text and its field are one line. Parser, help pages,
//! manual pages and completion scripts read that declaration.

use super::value::{BadValue, FlagValue};

/// Stability of a flag or a command. Help shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// No incompatible change is planned.
    Stable,
    /// Details may still change.
    Preview,
    /// May change or be removed.
    Experimental,
}

impl Stage {
    /// The mark before a description in help.
    pub(crate) const fn mark(self) -> &'static str {
        match self {
            Self::Stable => "",
            Self::Preview => "[Preview] ",
            Self::Experimental => "[Experimental] ",
        }
    }
}

/// The values of a flag that completion offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Candidates {
    /// The flag takes no value.
    NoValue,
    /// None: any text.
    Text,
    /// All possible values.
    OneOf(&'static [&'static str]),
    /// Files and directories.
    Files,
    /// Directories.
    Directories,
}

/// The note about a flag that the reference client lacks.
pub(crate) const ADDITION: &str = "not in oras 1.3.6";

/// Description of a flag.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlagSpec {
    /// Long name, without dashes and without the prefix of a side.
    long: &'static str,
    /// One-letter name.
    pub(crate) short: Option<char>,
    /// Name of the value in help; a flag without one is a switch.
    pub(crate) value: Option<&'static str>,
    /// The values that completion offers.
    pub(crate) candidates: Candidates,
    /// Description, lower case, without full stop.
    help: &'static str,
    stage: Stage,
    /// Whether the reference client lacks the flag.
    is_addition: bool,
    /// The reason not to use it. Such a flag is hidden, and using it prints a notice.
    pub(crate) deprecated: Option<&'static str>,
    /// Whether commands with two targets do not have it per side.
    not_per_side: bool,
    side: Option<Side>,
}

impl FlagSpec {
    /// The flag that every command has.
    pub(crate) const HELP: Self = Self::switch("help", "show this help").short('h');

    /// A flag that is on or off; only `--long=false` gives it a value.
    pub(crate) const fn switch(long: &'static str, help: &'static str) -> Self {
        Self {
            long,
            short: None,
            value: None,
            candidates: Candidates::NoValue,
            help,
            stage: Stage::Stable,
            is_addition: false,
            deprecated: None,
            not_per_side: false,
            side: None,
        }
    }

    /// A flag with a value. The type of its field decides which values it accepts.
    pub(crate) const fn text(long: &'static str, value: &'static str, help: &'static str) -> Self {
        Self {
            value: Some(value),
            candidates: Candidates::Text,
            ..Self::switch(long, help)
        }
    }

    /// Adds a one-letter name.
    pub(crate) const fn short(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }

    /// Sets the values that completion offers.
    pub(crate) const fn completes(mut self, candidates: Candidates) -> Self {
        self.candidates = candidates;
        self
    }

    /// Sets the stability.
    pub(crate) const fn stage(mut self, stage: Stage) -> Self {
        self.stage = stage;
        self
    }

    /// Marks the flag as one that the reference client lacks.
    pub(crate) const fn addition(mut self) -> Self {
        self.is_addition = true;
        self
    }

    /// Hides the flag; using it prints `Flag --<long> has been deprecated, <reason>`.
    pub(crate) const fn deprecated(mut self, reason: &'static str) -> Self {
        self.deprecated = Some(reason);
        self
    }

    /// Omits the flag from `--from-…` and `--to-…`.
    pub(crate) const fn not_per_side(mut self) -> Self {
        self.not_per_side = true;
        self
    }

    /// Long name without dashes.
    pub(crate) fn long_name(&self) -> String {
        self.prefix().to_owned() + self.long
    }

    /// Whether `long` is the long name of this flag.
    pub(crate) fn is_long(&self, long: &str) -> bool {
        long.strip_prefix(self.prefix()) == Some(self.long)
    }

    /// Description with the mark of its stage, and a note if the reference client lacks the flag.
    pub(crate) fn description(&self) -> String {
        let side = self.side.map_or("", Side::adjective);
        let text = self.stage.mark().to_owned() + &self.help.replace(SIDE, side);
        match text.strip_suffix(')') {
            _ if !self.is_addition => text,
            Some(text) => format!("{text}; {ADDITION})"),
            None => format!("{text} ({ADDITION})"),
        }
    }

    fn prefix(&self) -> &'static str {
        self.side.map_or("", Side::prefix)
    }
}

/// A flag, and the field that its values are written to.
pub(crate) struct Flag<'a> {
    pub(crate) spec: FlagSpec,
    value: &'a mut (dyn FlagValue + 'static),
}

impl<'a> Flag<'a> {
    /// The flag `spec`, which writes to `value`.
    pub(crate) fn new(value: &'a mut (dyn FlagValue + 'static), spec: FlagSpec) -> Self {
        Self { spec, value }
    }

    /// Reads `text` into the field.
    pub(super) fn set(&mut self, text: &str) -> Result<(), BadValue> {
        self.value.set(text)
    }
}

/// A struct whose fields are set by flags. Declared by [`flags!`].
pub(crate) trait FlagTable: Default {
    /// All flags, including those of nested tables.
    fn flags(&mut self) -> Vec<Flag<'_>>;
}

/// Descriptions of all flags of a table.
pub(crate) fn specs<T: FlagTable>() -> Vec<FlagSpec> {
    let mut table = T::default();
    table.flags().iter().map(|flag| flag.spec).collect()
}

/// Gives the flag `long` another help text and other values in one command.
pub(crate) fn reworded<'a>(
    mut flags: Vec<Flag<'a>>,
    long: &str,
    help: &'static str,
    candidates: Candidates,
) -> Vec<Flag<'a>> {
    for flag in flags.iter_mut().filter(|flag| flag.spec.long == long) {
        flag.spec = FlagSpec {
            candidates,
            help,
            ..flag.spec
        };
    }
    flags
}

/// Declares a struct of flags: every field with its type and its flag, or with a nested table.
///
/// The type of a field decides how its values are read, see [`FlagValue`]. A function after `=>`
/// changes the flags of a nested table.
///
/// ```ignore
/// flags! {
///     pub(crate) struct ResolveFlags {
///         full_reference: bool = switch("full-reference", "print the full reference").short('l'),
///         target: TargetFlags,
///     }
/// }
/// ```
macro_rules! flags {
    (
        $(#[$attribute:meta])*
        pub(crate) struct $table:ident {
            $(
                $(#[$doc:meta])*
                $field:ident: $type:ty
                $(= $kind:ident($($argument:expr),* $(,)?) $(.$setting:ident($($value:expr),*))*)?
                $(=> $adapt:expr)?
            ),* $(,)?
        }
    ) => {
        $(#[$attribute])*
        #[derive(Default)]
        pub(crate) struct $table {
            $($(#[$doc])* pub(crate) $field: $type,)*
        }

        impl $crate::cli::FlagTable for $table {
            fn flags(&mut self) -> Vec<$crate::cli::Flag<'_>> {
                let tables: Vec<Vec<_>> = Vec::from([$($crate::cli::flag::flags!(
                    @field (self.$field)
                    $(= $crate::cli::FlagSpec::$kind($($argument),*)$(.$setting($($value),*))*)?
                    $(=> $adapt)?
                )),*]);
                tables.into_iter().flatten().collect()
            }
        }
    };
    (@field ($field:expr)) => { $crate::cli::FlagTable::flags(&mut $field) };
    (@field ($field:expr) => $adapt:expr) => {
        $adapt($crate::cli::FlagTable::flags(&mut $field))
    };
    (@field ($field:expr) = $spec:expr) => { vec![$crate::cli::Flag::new(&mut $field, $spec)] };
}
pub(crate) use flags;

/// One of the two targets of a command such as `oras cp`. Its flags have a prefix and no short
/// name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// `--from-…`
    Source,
    /// `--to-…`
    Destination,
}

impl Side {
    /// Start of the long names of this side.
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::Source => "from-",
            Self::Destination => "to-",
        }
    }

    /// Turns the flags of a target into those of this side.
    pub(crate) fn prefixed(self, mut flags: Vec<Flag<'_>>) -> Vec<Flag<'_>> {
        flags.retain(|flag| !flag.spec.not_per_side);
        for flag in &mut flags {
            flag.spec.side = Some(self);
            flag.spec.short = None;
        }
        flags
    }

    /// The text that replaces [`SIDE`] in a help text.
    const fn adjective(self) -> &'static str {
        match self {
            Self::Source => "source ",
            Self::Destination => "destination ",
        }
    }
}

/// Placeholder in help texts for the side of a `--from-…` or `--to-…` flag, as in
/// `user name for the {side}registry`.
pub(crate) const SIDE: &str = "{side}";

#[cfg(test)]
mod tests {
    use super::*;

    flags! {
        pub(crate) struct Table {
            stdin: bool = switch("stdin", "read stdin").not_per_side(),
            output: String = text("output", "path", "where to put the {side}file")
                .short('o')
                .stage(Stage::Preview),
        }
    }

    #[test]
    fn flags_of_a_side_have_a_prefix_and_write_to_the_same_field() {
        let mut table = Table::default();
        let mut flags = Side::Destination.prefixed(table.flags());
        let [flag] = &mut flags[..] else {
            panic!("not one flag")
        };
        let spec = flag.spec;
        assert_eq!((spec.long_name().as_str(), spec.short), ("to-output", None));
        assert_eq!(
            spec.description(),
            "[Preview] where to put the destination file"
        );
        assert!(
            spec.is_long("to-output") && !spec.is_long("output") && !spec.is_long("from-output")
        );
        flag.set("x").unwrap();
        assert_eq!(table.output, "x");
    }

    #[test]
    fn a_command_can_reword_a_shared_flag() {
        let mut table = Table::default();
        let flags = reworded(
            table.flags(),
            "output",
            "file or directory",
            Candidates::Files,
        );
        let help: Vec<_> = flags.iter().map(|flag| flag.spec.description()).collect();
        assert_eq!(help, ["read stdin", "[Preview] file or directory"]);
        assert_eq!(flags[1].spec.candidates, Candidates::Files);
    }
}
