//! Functions on numbers.
//!
//! Strings that are numbers and booleans count as numbers, and all other values as 0: see
//! [`integer`](crate::template::values::integer) and [`number`](crate::template::values::number).

use gotmpl::Value;

use crate::template::limits;
use crate::template::values::text;

/// Reads an octal number.
pub(crate) fn to_decimal(value: &Value) -> i64 {
    i64::from_str_radix(&text(value), 8).unwrap_or(0)
}

/// Divides by `operation`: quotient or remainder.
pub(crate) fn divide(
    dividend: i64,
    divisor: i64,
    operation: fn(i64, i64) -> i64,
) -> Result<i64, String> {
    if divisor == 0 {
        return Err("runtime error: integer divide by zero".to_owned());
    }
    Ok(operation(dividend, divisor))
}

/// Rounds to `places` decimals. A fraction of at least `threshold` (default 0.5) rounds up.
pub(crate) fn round(number: f64, places: i64, mut threshold: impl Iterator<Item = f64>) -> f64 {
    let threshold = threshold.next().unwrap_or(0.5);
    let power = 10_f64.powi(i32::try_from(places).unwrap_or(i32::MAX));
    let digits = power * number;
    let rounded = if digits.fract() >= threshold {
        digits.ceil()
    } else {
        digits.floor()
    };
    rounded / power
}

/// A decimal number, for which 0.1 + 0.2 is 0.3: digits, and the number of decimals among them.
#[derive(Clone, Copy)]
struct Decimal(i128, u32);

impl Decimal {
    /// The shortest decimal number that parses as `number`.
    fn from_f64(number: f64) -> Option<Self> {
        let text = number.to_string();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let digits = format!("{whole}{fraction}").parse().ok()?;
        Some(Self(digits, u32::try_from(fraction.len()).ok()?))
    }

    fn to_f64(self) -> f64 {
        format!("{}e-{}", self.0, self.1)
            .parse()
            .unwrap_or(f64::NAN)
    }

    /// The digits with `places` decimals.
    fn scaled(self, places: u32) -> Option<i128> {
        self.0
            .checked_mul(10_i128.checked_pow(places.checked_sub(self.1)?)?)
    }

    fn add_scaled(self, other: Self, sign: i128) -> Option<Self> {
        let places = self.1.max(other.1);
        let sum = self
            .scaled(places)?
            .checked_add(sign * other.scaled(places)?)?;
        Some(Self(sum, places))
    }

    fn plus(self, other: Self) -> Option<Self> {
        self.add_scaled(other, 1)
    }

    fn minus(self, other: Self) -> Option<Self> {
        self.add_scaled(other, -1)
    }

    fn times(self, other: Self) -> Option<Self> {
        Some(Self(self.0.checked_mul(other.0)?, self.1 + other.1))
    }

    /// Divides, rounded to 16 decimals.
    fn divided_by(self, other: Self) -> Option<Self> {
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

/// Combines numbers as decimals, or as floating-point numbers if there are too many digits.
fn reduce_decimals(
    first: f64,
    numbers: impl Iterator<Item = f64>,
    exact: fn(Decimal, Decimal) -> Option<Decimal>,
    rough: fn(f64, f64) -> f64,
) -> f64 {
    let mut decimal = Decimal::from_f64(first);
    let mut result = first;
    for number in numbers {
        result = rough(result, number);
        decimal = decimal
            .zip(Decimal::from_f64(number))
            .and_then(|(one, other)| exact(one, other));
        result = decimal.map_or(result, Decimal::to_f64);
    }
    result
}

pub(crate) fn addf(first: f64, numbers: impl Iterator<Item = f64>) -> f64 {
    reduce_decimals(first, numbers, Decimal::plus, |one, other| one + other)
}

pub(crate) fn subf(first: f64, numbers: impl Iterator<Item = f64>) -> f64 {
    reduce_decimals(first, numbers, Decimal::minus, |one, other| one - other)
}

pub(crate) fn mulf(first: f64, numbers: impl Iterator<Item = f64>) -> f64 {
    reduce_decimals(first, numbers, Decimal::times, |one, other| one * other)
}

pub(crate) fn divf(first: f64, divisors: impl Iterator<Item = f64>) -> Result<f64, String> {
    let divisors: Vec<f64> = divisors.collect();
    if divisors.contains(&0.0) {
        return Err("decimal division by 0".to_owned());
    }
    Ok(reduce_decimals(
        first,
        divisors.into_iter(),
        Decimal::divided_by,
        |one, other| one / other,
    ))
}

/// The numbers from `start` to `end`, without `end`.
pub(crate) fn range(start: i64, end: i64, step: i64) -> Result<Vec<i64>, String> {
    let mut numbers = Vec::new();
    let mut next = Some(start);
    while let Some(number) =
        next.filter(|number| step > 0 && *number < end || step < 0 && *number > end)
    {
        limits::check_items(numbers.len() + 1)?;
        numbers.push(number);
        next = number.checked_add(step);
    }
    Ok(numbers)
}

pub(crate) fn seq(arguments: &[Value]) -> Result<String, String> {
    let int = |index: usize| arguments[index].as_int().unwrap_or(0);
    let (start, step, end) = match arguments.len() {
        1 => (1, None, int(0)),
        2 => (int(0), None, int(1)),
        3 => (int(0), Some(int(1)), int(2)),
        _ => return Ok(String::new()),
    };
    let direction = if end < start { -1 } else { 1 };
    if direction < 0 && step.is_some_and(|step| step > 0) {
        return Ok(String::new());
    }
    let end = end.saturating_add(direction);
    let numbers = range(start, end, step.unwrap_or(direction))?;
    let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
    Ok(texts.join(" "))
}
