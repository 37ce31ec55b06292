//! Arguments and results of functions: type checks, extraction and conversion.
//!
//! A function of the table is a plain Rust function. Its row lists the kind of each parameter; from
//! that list come the type check, the call and the error messages.

use std::borrow::Cow;

use gotmpl::{ToValue, Value};

use super::runtime::Runtime;
use super::values::{self, Members, Outcome, type_name};

/// The type of a parameter.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Any,
    Text,
    Int,
    Float,
    Bool,
    Dict,
    Time,
    Version,
}

/// A parameter of a function.
#[derive(Clone, Copy)]
pub(super) enum Parameter {
    /// One argument.
    One(Kind),
    /// All further arguments.
    Rest(Kind),
    /// The [`Runtime`], which takes no argument.
    Runtime,
}

/// The parameters of a function, in order. An array needs no relocations, which keeps the table
/// small.
pub(super) struct Parameters([Option<Parameter>; 4]);

impl Parameters {
    pub(super) const fn new<const N: usize>(given: [Parameter; N]) -> Self {
        let mut parameters = [None; 4];
        let mut index = 0;
        while index < N {
            parameters[index] = Some(given[index]);
            index += 1;
        }
        Self(parameters)
    }
}

/// A function of the table.
pub(super) struct Function {
    /// The names of the function, separated by spaces.
    pub(super) names: &'static str,
    pub(super) parameters: Parameters,
    pub(super) body: fn(&mut Args<'_>) -> Outcome,
}

/// The arguments of a call, taken from first to last. Their types have been checked.
pub(super) struct Args<'a> {
    values: &'a [Value],
    runtime: &'a Runtime,
}

/// One method for each kind of parameter, see `parameter!` in `table`.
impl<'a> Args<'a> {
    #[inline(never)]
    pub(super) fn value(&mut self) -> &'a Value {
        match self.values.split_first() {
            Some((value, rest)) => {
                self.values = rest;
                value
            }
            None => &Value::Nil,
        }
    }

    #[inline(never)]
    pub(super) fn text(&mut self) -> &'a str {
        self.value().as_str().unwrap_or_default()
    }

    #[inline(never)]
    pub(super) fn int(&mut self) -> i64 {
        self.value().as_int().unwrap_or(0)
    }

    pub(super) fn bool(&mut self) -> bool {
        self.value().is_truthy()
    }

    /// A dictionary; nil is an empty one.
    pub(super) fn dict(&mut self) -> &'a Members {
        members(self.value())
    }

    /// A dictionary or nil.
    pub(super) fn any_dict(&mut self) -> &'a Value {
        self.value()
    }

    pub(super) fn time(&mut self) -> &'a Value {
        self.value()
    }

    pub(super) fn version(&mut self) -> &'a Value {
        self.value()
    }

    /// Any value, converted to an integer.
    pub(super) fn integer(&mut self) -> i64 {
        values::integer(self.value())
    }

    /// Any value, converted to a floating-point number.
    pub(super) fn number(&mut self) -> f64 {
        values::number(self.value())
    }

    #[inline(never)]
    pub(super) fn values(&mut self) -> &'a [Value] {
        std::mem::take(&mut self.values)
    }

    pub(super) fn texts(&mut self) -> &'a [Value] {
        self.values()
    }

    pub(super) fn dicts(&mut self) -> impl Iterator<Item = &'a Members> + use<'a> {
        self.values().iter().map(members)
    }

    pub(super) fn ints(&mut self) -> &'a [Value] {
        self.values()
    }

    pub(super) fn floats(&mut self) -> impl Iterator<Item = f64> + use<'a> {
        self.numbers()
    }

    /// Any values, converted to integers.
    pub(super) fn integers(&mut self) -> impl Iterator<Item = i64> + use<'a> {
        self.values().iter().map(values::integer)
    }

    /// Any values, converted to floating-point numbers.
    pub(super) fn numbers(&mut self) -> impl Iterator<Item = f64> + use<'a> {
        self.values().iter().map(values::number)
    }

    pub(super) const fn runtime(&self) -> &'a Runtime {
        self.runtime
    }

    /// Ends the extraction: a function takes all of its arguments.
    pub(super) fn finish(&self) {
        debug_assert!(self.values.is_empty(), "an argument is not a parameter");
    }
}

fn members(value: &Value) -> &Members {
    static EMPTY: Members = Members::new();
    match value {
        Value::Map(members) => members,
        _ => &EMPTY,
    }
}

impl Function {
    /// Calls the function under one of its names.
    pub(super) fn call(&self, name: &str, values: &[Value], runtime: &Runtime) -> Outcome {
        self.check_args(name, values)?;
        let failed = |message| format!("error calling {name}: {message}");
        let read = values.iter().map(values::len).sum();
        runtime.charge_read(read).map_err(failed)?;
        let result = (self.body)(&mut Args { values, runtime }).map_err(failed)?;
        values::budget_size(&result)
            .and_then(|size| runtime.charge_call(size))
            .map_err(failed)?;
        Ok(result)
    }

    /// Checks the number and the types of arguments.
    fn check_args(&self, name: &str, values: &[Value]) -> Result<(), String> {
        let (mut fixed, mut rest) = (Vec::new(), None);
        for parameter in self.parameters.0.iter().flatten() {
            match parameter {
                Parameter::One(kind) => fixed.push(*kind),
                Parameter::Rest(kind) => rest = Some(*kind),
                Parameter::Runtime => {}
            }
        }
        let (least, count) = (fixed.len(), values.len());
        if count < least || rest.is_none() && count > least {
            let least = match rest {
                Some(_) => format!("at least {least}"),
                None => least.to_string(),
            };
            return Err(format!(
                "wrong number of args for {name}: want {least} got {count}"
            ));
        }
        let kinds = fixed.into_iter().chain(rest.into_iter().cycle());
        values
            .iter()
            .zip(kinds)
            .try_for_each(|(value, kind)| check_type(value, kind))
    }
}

/// Checks that a value has the type of its parameter.
fn check_type(value: &Value, kind: Kind) -> Result<(), String> {
    let wanted = match kind {
        Kind::Any => return Ok(()),
        Kind::Text => "string",
        Kind::Int => "int",
        Kind::Float => "float64",
        Kind::Bool => "bool",
        Kind::Dict => "map[string]interface {}",
        Kind::Time => "time.Time",
        Kind::Version => "*semver.Version",
    };
    match (value, type_name(value)) {
        (Value::Nil, _) if kind == Kind::Dict => Ok(()),
        (Value::Nil, _) => Err(format!("invalid value; expected {wanted}")),
        (Value::Int(_), _) if kind == Kind::Float => Ok(()),
        (_, actual) if actual == wanted => Ok(()),
        (_, actual) => Err(format!(
            "wrong type for value; expected {wanted}; got {actual}"
        )),
    }
}

/// The conversion of a function's return type.
pub(super) trait IntoOutcome {
    fn into_outcome(self) -> Outcome;
}

impl<T: IntoOutcome> IntoOutcome for Result<T, String> {
    fn into_outcome(self) -> Outcome {
        self.and_then(T::into_outcome)
    }
}

impl IntoOutcome for Value {
    fn into_outcome(self) -> Outcome {
        Ok(self)
    }
}

impl IntoOutcome for Vec<Value> {
    fn into_outcome(self) -> Outcome {
        Ok(Value::List(self.into()))
    }
}

impl IntoOutcome for Members {
    fn into_outcome(self) -> Outcome {
        Ok(Value::Map(self.into()))
    }
}

macro_rules! into_outcome {
    ($($type:ty),*) => {$(
        impl IntoOutcome for $type {
            fn into_outcome(self) -> Outcome {
                Ok(self.to_value())
            }
        }
    )*};
}

into_outcome!(bool, i64, f64, &str, String, Cow<'_, str>, &Value);
into_outcome!(Vec<&str>, Vec<String>, Vec<i64>);
