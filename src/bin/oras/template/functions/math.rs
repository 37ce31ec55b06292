//! Functions on numbers, and what counts as one: texts that are numbers, and true as 1. What is none is 0.

use gotmpl::{ToValue, Value};

use super::functions::Given;
use super::limits;
use super::values::{Outcome, text};

/// A value as a whole number.
#[expect(clippy::cast_possible_truncation, reason = "what Go does")]
pub(super) fn integer(value: &Value) -> i64 {
    match value {
        Value::Int(number) => *number,
        Value::Float(number) => *number as i64,
        Value::Bool(value) => i64::from(*value),
        Value::String(text) => parsed(text).unwrap_or(0),
        _ => 0,
    }
}

/// Reads a number as Go's code has it: `0x1f`, `0o17`, `017`, `0b11`, `1_000`. What is behind a point does not count.
fn parsed(text: &str) -> Option<i64> {
    let text = match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|byte| byte.is_ascii_digit()) => whole,
        _ => text,
    };
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (base, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, &*lower),
    };
    if digits.starts_with(['+', '-']) || base == 10 && digits.starts_with('_') {
        return None;
    }
    let number = i128::from_str_radix(&plain(digits)?, base).ok()?;
    i64::try_from(if negative { -number } else { number }).ok()
}

/// Digits without the low lines between them.
fn plain(digits: &str) -> Option<String> {
    let is_wrong = digits.ends_with('_') || digits.contains("__");
    (!is_wrong).then(|| digits.replace('_', ""))
}

/// A value as a number.
#[expect(clippy::cast_precision_loss, reason = "what Go does")]
fn number(value: &Value) -> f64 {
    match value {
        Value::Float(number) => *number,
        Value::String(text) => {
            let digits = plain(text).filter(|_| !text.starts_with('_'));
            let number: Option<f64> = digits.and_then(|digits| digits.parse().ok());
            let is_named = !text.contains(|c: char| c.is_ascii_digit());
            let number = number.filter(|number| number.is_finite() || is_named);
            number.unwrap_or(0.0)
        }
        other => integer(other) as f64,
    }
}

pub(super) fn atoi(given: &Given<'_>) -> Outcome {
    Ok(Value::Int(given.text(0).parse().unwrap_or(0)))
}

pub(super) fn int(given: &Given<'_>) -> Outcome {
    Ok(Value::Int(integer(given.get(0))))
}

pub(super) fn int64(given: &Given<'_>) -> Outcome {
    Ok(Value::Int(integer(given.get(0))))
}

pub(super) fn float64(given: &Given<'_>) -> Outcome {
    Ok(Value::Float(number(given.get(0))))
}

pub(super) fn to_decimal(given: &Given<'_>) -> Outcome {
    let text = text(given.get(0));
    Ok(Value::Int(i64::from_str_radix(&text, 8).unwrap_or(0)))
}

/// Does something with all values, one after the other, beginning with the first.
fn folded(values: &[Value], does: fn(i64, i64) -> i64) -> Outcome {
    let mut numbers = values.iter().map(integer);
    let first = numbers.next().unwrap_or(0);
    Ok(Value::Int(numbers.fold(first, does)))
}

pub(super) fn add1(given: &Given<'_>) -> Outcome {
    Ok(Value::Int(integer(given.get(0)).wrapping_add(1)))
}

pub(super) fn add(given: &Given<'_>) -> Outcome {
    folded(given.values, i64::wrapping_add)
}

pub(super) fn sub(given: &Given<'_>) -> Outcome {
    folded(given.values, i64::wrapping_sub)
}

pub(super) fn mul(given: &Given<'_>) -> Outcome {
    folded(given.values, i64::wrapping_mul)
}

pub(super) fn div(given: &Given<'_>) -> Outcome {
    divided(given, i64::wrapping_div)
}

pub(super) fn modulo(given: &Given<'_>) -> Outcome {
    divided(given, i64::wrapping_rem)
}

fn divided(given: &Given<'_>, does: fn(i64, i64) -> i64) -> Outcome {
    if integer(given.get(1)) == 0 {
        return Err("runtime error: integer divide by zero".to_owned());
    }
    folded(given.values, does)
}

pub(super) fn max(given: &Given<'_>) -> Outcome {
    folded(given.values, Ord::max)
}

pub(super) fn min(given: &Given<'_>) -> Outcome {
    folded(given.values, Ord::min)
}

fn folded_floats(values: &[Value], does: fn(f64, f64) -> f64) -> Outcome {
    let mut numbers = values.iter().map(number);
    let first = numbers.next().unwrap_or(0.0);
    Ok(Value::Float(numbers.fold(first, does)))
}

pub(super) fn maxf(given: &Given<'_>) -> Outcome {
    folded_floats(given.values, f64::max)
}

pub(super) fn minf(given: &Given<'_>) -> Outcome {
    folded_floats(given.values, f64::min)
}

pub(super) fn ceil(given: &Given<'_>) -> Outcome {
    Ok(Value::Float(number(given.get(0)).ceil()))
}

pub(super) fn floor(given: &Given<'_>) -> Outcome {
    Ok(Value::Float(number(given.get(0)).floor()))
}

pub(super) fn round(given: &Given<'_>) -> Outcome {
    let from = given.from(2).first().map_or(0.5, number);
    let places = i32::try_from(given.int(1)).unwrap_or(i32::MAX);
    let power = 10_f64.powi(places);
    let digits = power * number(given.get(0));
    let rounded = if digits.fract() >= from {
        digits.ceil()
    } else {
        digits.floor()
    };
    Ok(Value::Float(rounded / power))
}

/// A decimal fraction, in which 0.1 and 0.2 are 0.3: digits, and how many of them are behind the point.
#[derive(Clone, Copy)]
struct Decimal(i128, u32);

impl Decimal {
    /// The shortest one that is read as this number.
    fn of(number: f64) -> Option<Self> {
        let text = number.to_string();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let digits = format!("{whole}{fraction}").parse().ok()?;
        Some(Self(digits, u32::try_from(fraction.len()).ok()?))
    }

    fn number(self) -> f64 {
        format!("{}e-{}", self.0, self.1)
            .parse()
            .unwrap_or(f64::NAN)
    }

    fn scaled(self, places: u32) -> Option<i128> {
        self.0
            .checked_mul(10_i128.checked_pow(places.checked_sub(self.1)?)?)
    }

    fn added(self, other: Self, sign: i128) -> Option<Self> {
        let places = self.1.max(other.1);
        let sum = self
            .scaled(places)?
            .checked_add(sign * other.scaled(places)?)?;
        Some(Self(sum, places))
    }

    fn plus(self, other: Self) -> Option<Self> {
        self.added(other, 1)
    }

    fn minus(self, other: Self) -> Option<Self> {
        self.added(other, -1)
    }

    fn times(self, other: Self) -> Option<Self> {
        Some(Self(self.0.checked_mul(other.0)?, self.1 + other.1))
    }

    /// To 16 places, rounded.
    fn by(self, other: Self) -> Option<Self> {
        let places = (other.1 + 16).max(self.1);
        let (scaled, divisor) = (self.scaled(places)?, other.0);
        let extra = places - other.1 - 16;
        let divisor = divisor.checked_mul(10_i128.checked_pow(extra)?)?;
        let (quotient, rest) = (scaled.checked_div(divisor)?, scaled.checked_rem(divisor)?);
        let away = rest.unsigned_abs() >= divisor.unsigned_abs().div_ceil(2);
        let sign = if (scaled < 0) == (divisor < 0) { 1 } else { -1 };
        Some(Self(quotient + if away { sign } else { 0 }, 16))
    }
}

/// As decimal fractions, or as numbers where these have too many digits.
fn computed(
    first: f64,
    values: &[Value],
    exact: fn(Decimal, Decimal) -> Option<Decimal>,
    rough: fn(f64, f64) -> f64,
) -> Outcome {
    let mut decimal = Decimal::of(first);
    let mut plain = first;
    for value in values {
        let value = number(value);
        plain = rough(decimal.map_or(plain, Decimal::number), value);
        decimal = decimal
            .zip(Decimal::of(value))
            .and_then(|(one, two)| exact(one, two));
    }
    Ok(Value::Float(decimal.map_or(plain, Decimal::number)))
}

pub(super) fn add1f(given: &Given<'_>) -> Outcome {
    computed(1.0, given.values, Decimal::plus, |one, two| one + two)
}

pub(super) fn addf(given: &Given<'_>) -> Outcome {
    computed(0.0, given.values, Decimal::plus, |one, two| one + two)
}

pub(super) fn subf(given: &Given<'_>) -> Outcome {
    let first = number(given.get(0));
    computed(first, given.from(1), Decimal::minus, |one, two| one - two)
}

pub(super) fn mulf(given: &Given<'_>) -> Outcome {
    let first = number(given.get(0));
    computed(first, given.from(1), Decimal::times, |one, two| one * two)
}

pub(super) fn divf(given: &Given<'_>) -> Outcome {
    if given.from(1).iter().any(|value| number(value) == 0.0) {
        return Err("decimal division by 0".to_owned());
    }
    let first = number(given.get(0));
    computed(first, given.from(1), Decimal::by, |one, two| one / two)
}

pub(super) fn until(given: &Given<'_>) -> Outcome {
    let end = given.int(0);
    counted(0, end, if end < 0 { -1 } else { 1 }).map(|numbers| numbers.to_value())
}

pub(super) fn until_step(given: &Given<'_>) -> Outcome {
    counted(given.int(0), given.int(1), given.int(2)).map(|numbers| numbers.to_value())
}

/// Numbers from `start` up to `end`, or down to it, without it.
fn counted(start: i64, end: i64, step: i64) -> Result<Vec<i64>, String> {
    let mut numbers = Vec::new();
    let mut next = Some(start);
    while let Some(number) =
        next.filter(|number| step > 0 && *number < end || step < 0 && *number > end)
    {
        limits::items(numbers.len() + 1)?;
        numbers.push(number);
        next = number.checked_add(step);
    }
    Ok(numbers)
}

pub(super) fn seq(given: &Given<'_>) -> Outcome {
    let (start, step, end) = match given.values {
        [_] => (1, None, given.int(0)),
        [_, _] => (given.int(0), None, given.int(1)),
        [_, _, _] => (given.int(0), Some(given.int(1)), given.int(2)),
        _ => return Ok("".to_value()),
    };
    let direction = if end < start { -1 } else { 1 };
    if direction < 0 && step.is_some_and(|step| step > 0) {
        return Ok("".to_value());
    }
    let numbers = counted(
        start,
        end.saturating_add(direction),
        step.unwrap_or(direction),
    )?;
    let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
    Ok(texts.join(" ").to_value())
}
