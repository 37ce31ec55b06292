//! A flag as data.
//!
//! Owns the description of a flag ([`Spec`]) and its tie to the field it writes ([`Flag`]). Must not know any particular flag, nor
//! how arguments are split.
//!
//! A flag is defined in one place: its name, its help and the assignment it stands for are one table entry. There is no second
//! list of names to keep in step.

use super::value;

/// How settled a flag or a command is. Shown in help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Here to stay.
    Stable,
    /// May still change in details.
    Preview,
    /// May change or go.
    Experimental,
}

impl Stage {
    /// What help puts before a description.
    pub(crate) const fn mark(self) -> &'static str {
        match self {
            Self::Stable => "",
            Self::Preview => "[Preview] ",
            Self::Experimental => "[Experimental] ",
        }
    }
}

/// What help and messages say about a flag.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spec {
    /// Long name, without dashes and without the prefix of a side.
    pub(crate) long: &'static str,
    /// One-letter name.
    pub(crate) short: Option<char>,
    /// Name of the value in help; a flag without one is a switch.
    pub(crate) value: Option<&'static str>,
    /// The values there are, where they can be counted.
    pub(crate) values: &'static [&'static str],
    /// Description, lower case, without full stop.
    pub(crate) help: &'static str,
    /// How settled it is.
    pub(crate) stage: Stage,
    /// Why not to use it. Such a flag is hidden, and using it prints a notice.
    pub(crate) deprecated: Option<&'static str>,
    /// Whether it is left out where the group stands for one of two sides.
    pub(crate) unsided: bool,
}

/// A flag, and the field of `T` it writes to.
pub(crate) struct Flag<T: 'static> {
    pub(super) spec: Spec,
    write: Write<T>,
}

/// How a value is read and where it goes.
enum Write<T> {
    Switch(fn(&mut T, bool)),
    Text(fn(&mut T, String)),
    Integer(fn(&mut T, i64)),
    List(fn(&mut T, Vec<String>)),
    Choice(fn(&mut T, &str) -> Result<(), BadValue>),
}

/// Why a value is refused, as the end of ``invalid argument "x" for "--flag" flag: …``.
pub(crate) type BadValue = String;

impl<T> Flag<T> {
    /// A flag that is on or off; only `--long=false` gives it a value.
    pub(crate) const fn switch(
        long: &'static str,
        help: &'static str,
        write: fn(&mut T, bool),
    ) -> Self {
        Self::new(long, None, help, Write::Switch(write))
    }

    /// A flag with any text as value. `write` runs once per use: assign for "last one wins", push for a repeatable flag.
    pub(crate) const fn text(
        long: &'static str,
        value: &'static str,
        help: &'static str,
        write: fn(&mut T, String),
    ) -> Self {
        Self::new(long, Some(value), help, Write::Text(write))
    }

    /// A flag with an integer as value.
    pub(crate) const fn integer(
        long: &'static str,
        value: &'static str,
        help: &'static str,
        write: fn(&mut T, i64),
    ) -> Self {
        Self::new(long, Some(value), help, Write::Integer(write))
    }

    /// A flag whose value is a comma-separated list, CSV quoting included. Other repeatable flags are [`text`](Self::text).
    pub(crate) const fn list(
        long: &'static str,
        value: &'static str,
        help: &'static str,
        write: fn(&mut T, Vec<String>),
    ) -> Self {
        Self::new(long, Some(value), help, Write::List(write))
    }

    /// A flag that accepts some values only; `write` refuses the others.
    pub(crate) const fn choice(
        long: &'static str,
        value: &'static str,
        help: &'static str,
        write: fn(&mut T, &str) -> Result<(), BadValue>,
    ) -> Self {
        Self::new(long, Some(value), help, Write::Choice(write))
    }

    const fn new(
        long: &'static str,
        value: Option<&'static str>,
        help: &'static str,
        write: Write<T>,
    ) -> Self {
        let spec = Spec {
            long,
            short: None,
            value,
            values: &[],
            help,
            stage: Stage::Stable,
            deprecated: None,
            unsided: false,
        };
        Self { spec, write }
    }

    /// Adds a one-letter name.
    pub(crate) const fn short(mut self, short: char) -> Self {
        self.spec.short = Some(short);
        self
    }

    /// Names the values there are, to be offered by completion. Whether others are refused is up to the flag.
    pub(crate) const fn values(mut self, values: &'static [&'static str]) -> Self {
        self.spec.values = values;
        self
    }

    /// Says how settled it is.
    pub(crate) const fn stage(mut self, stage: Stage) -> Self {
        self.spec.stage = stage;
        self
    }

    /// Hides the flag; using it prints `Flag --<long> has been deprecated, <why>`.
    pub(crate) const fn deprecated(mut self, why: &'static str) -> Self {
        self.spec.deprecated = Some(why);
        self
    }

    /// Leaves the flag out of `--from-…` and `--to-…`.
    pub(crate) const fn unsided(mut self) -> Self {
        self.spec.unsided = true;
        self
    }

    /// Reads a value and writes it to its field.
    pub(super) fn set(&self, to: &mut T, text: &str) -> Result<(), BadValue> {
        match self.write {
            Write::Switch(write) => write(to, value::boolean(text)?),
            Write::Text(write) => write(to, text.to_owned()),
            Write::Integer(write) => write(to, value::integer(text)?),
            Write::List(write) => write(to, value::list(text)?),
            Write::Choice(write) => write(to, text)?,
        }
        Ok(())
    }
}
