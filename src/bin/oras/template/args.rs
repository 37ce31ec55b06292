//! Arguments and results of functions: type checks, extraction and conversion.
//!
//! A function of the table is a plain Rust function. Its row takes the arguments by kind, which
//! checks their types; from the kinds come the error messages as well.

use std::borrow::Cow;

use gotmpl::{ToValue, Value};

use super::runtime::Runtime;
use super::values::{self, Members, Outcome, type_name};

/// Go's names of the types that parameters have. The empty name is any type.
const ANY: &str = "";
const TEXT: &str = "string";
const INT: &str = "int";
const FLOAT: &str = "float64";
const DICT: &str = "map[string]interface {}";

/// A function of the table.
pub(super) struct Function {
    /// The names of the function, separated by spaces.
    pub(super) names: &'static str,
    /// Takes the arguments and calls the function. Fails if the arguments do not fit.
    pub(super) body: fn(&mut Args<'_>) -> Result<Outcome, String>,
}

/// The arguments of a call, taken from first to last. [`finish`](Self::finish) reports those that
/// do not fit.
pub(super) struct Args<'a> {
    /// The name under which the function is called.
    name: &'a str,
    values: &'a [Value],
    runtime: &'a Runtime,
    /// Number of parameters with one argument.
    fixed: usize,
    /// Whether the last parameter takes all further arguments.
    is_variadic: bool,
    /// The first argument of a wrong type.
    mismatch: Option<String>,
}

impl<'a> Args<'a> {
    /// Takes an argument of a type.
    #[inline(never)]
    fn one(&mut self, wanted: &str) -> &'a Value {
        let value = self.values.get(self.fixed).unwrap_or(&Value::Nil);
        self.fixed += 1;
        self.check_type(value, wanted);
        value
    }

    /// Takes all further arguments, which have a type.
    #[inline(never)]
    fn rest(&mut self, wanted: &str) -> &'a [Value] {
        let values = self.values.get(self.fixed..).unwrap_or_default();
        self.is_variadic = true;
        for value in values {
            self.check_type(value, wanted);
        }
        values
    }

    fn check_type(&mut self, value: &Value, wanted: &str) {
        let mismatch = match (value, type_name(value)) {
            _ if wanted == ANY => return,
            (Value::Nil, _) if wanted == DICT => return,
            (Value::Nil, _) => format!("invalid value; expected {wanted}"),
            (Value::Int(_), _) if wanted == FLOAT => return,
            (_, actual) if actual == wanted => return,
            (_, actual) => format!("wrong type for value; expected {wanted}; got {actual}"),
        };
        self.mismatch.get_or_insert(mismatch);
    }

    /// Ends the extraction: checks the number and the types of arguments, and charges them to the
    /// budget.
    pub(super) fn finish(&mut self) -> Result<(), String> {
        let Self { name, fixed, .. } = *self;
        let count = self.values.len();
        if count < fixed || !self.is_variadic && count > fixed {
            let at_least = if self.is_variadic { "at least " } else { "" };
            return Err(format!(
                "wrong number of args for {name}: want {at_least}{fixed} got {count}"
            ));
        }
        self.mismatch.take().map_or(Ok(()), Err)?;
        let read = self.values.iter().map(values::len).sum();
        let charged = self.runtime.charge_read(read);
        charged.map_err(|message| call_error(name, &message))
    }
}

/// One method for each kind of parameter in the table.
impl<'a> Args<'a> {
    pub(super) fn value(&mut self) -> &'a Value {
        self.one(ANY)
    }

    #[inline(never)]
    pub(super) fn text(&mut self) -> &'a str {
        self.one(TEXT).as_str().unwrap_or_default()
    }

    #[inline(never)]
    pub(super) fn int(&mut self) -> i64 {
        self.one(INT).as_int().unwrap_or(0)
    }

    pub(super) fn bool(&mut self) -> bool {
        self.one("bool").is_truthy()
    }

    /// A dictionary; nil is an empty one.
    pub(super) fn dict(&mut self) -> &'a Members {
        members(self.any_dict())
    }

    /// A dictionary or nil.
    pub(super) fn any_dict(&mut self) -> &'a Value {
        self.one(DICT)
    }

    pub(super) fn time(&mut self) -> &'a Value {
        self.one("time.Time")
    }

    pub(super) fn version(&mut self) -> &'a Value {
        self.one("*semver.Version")
    }

    /// Any value, converted to an integer.
    pub(super) fn integer(&mut self) -> i64 {
        values::integer(self.value())
    }

    /// Any value, converted to a floating-point number.
    pub(super) fn number(&mut self) -> f64 {
        values::number(self.value())
    }

    pub(super) fn values(&mut self) -> &'a [Value] {
        self.rest(ANY)
    }

    pub(super) fn texts(&mut self) -> &'a [Value] {
        self.rest(TEXT)
    }

    pub(super) fn dicts(&mut self) -> impl Iterator<Item = &'a Members> + use<'a> {
        self.rest(DICT).iter().map(members)
    }

    pub(super) fn ints(&mut self) -> &'a [Value] {
        self.rest(INT)
    }

    pub(super) fn floats(&mut self) -> impl Iterator<Item = f64> + use<'a> {
        self.rest(FLOAT).iter().map(values::number)
    }

    /// Any values, converted to integers.
    pub(super) fn integers(&mut self) -> impl Iterator<Item = i64> + use<'a> {
        self.values().iter().map(values::integer)
    }

    /// Any values, converted to floating-point numbers.
    pub(super) fn numbers(&mut self) -> impl Iterator<Item = f64> + use<'a> {
        self.values().iter().map(values::number)
    }

    /// The state of the template, which takes no argument.
    pub(super) const fn runtime(&self) -> &'a Runtime {
        self.runtime
    }
}

fn members(value: &Value) -> &Members {
    static EMPTY: Members = Members::new();
    match value {
        Value::Map(members) => members,
        _ => &EMPTY,
    }
}

/// The message for an error in a function.
fn call_error(name: &str, message: &str) -> String {
    format!("error calling {name}: {message}")
}

impl Function {
    /// Calls the function under one of its names.
    pub(super) fn call(&self, name: &str, values: &[Value], runtime: &Runtime) -> Outcome {
        let mut args = Args {
            name,
            values,
            runtime,
            fixed: 0,
            is_variadic: false,
            mismatch: None,
        };
        let charged = (self.body)(&mut args)?.and_then(|result| {
            runtime.charge_call(values::budget_size(&result)?)?;
            Ok(result)
        });
        charged.map_err(|message| call_error(name, &message))
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
