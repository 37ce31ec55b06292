//! `printf`: Go's `fmt.Sprintf`.

use std::fmt::Write as _;

use gotmpl::Value;

use crate::cli::quote;
use crate::template::limits;
use crate::template::runtime::Runtime;
use crate::template::values::{Size, TEXT, exponent_of, float, scientific, text, type_name};

pub(crate) fn printf(format: &str, values: &[Value], runtime: &Runtime) -> Result<String, String> {
    check_length(format, values, runtime)?;
    let mut printer = Printer {
        rest: format,
        values,
        next: 0,
        is_reordered: false,
        out: String::new(),
    };
    while let Some((before, after)) = printer.rest.split_once('%') {
        printer.out.push_str(before);
        printer.rest = after;
        let directive = printer.directive()?;
        printer.out.push_str(&directive);
    }
    printer.out.push_str(printer.rest);
    let extra = values.get(printer.next..).unwrap_or_default();
    if !extra.is_empty() && !printer.is_reordered {
        let extra: Vec<_> = extra.iter().map(typed).collect();
        let _ = write!(printer.out, "%!(EXTRA {})", extra.join(", "));
    }
    Ok(printer.out)
}

/// Checks that the result is small enough even if each directive takes the longest argument.
fn check_length(format: &str, values: &[Value], runtime: &Runtime) -> Result<(), String> {
    let mut longest = limits::MAX_WIDTH;
    for value in values {
        let size = Size::of(value)?;
        runtime.charge_read(size.items)?;
        longest = longest.max(size.bytes);
    }
    let most = format.matches('%').count().saturating_mul(longest);
    limits::check(most, limits::MAX_FORMATTED, "bytes that printf may make")
}

struct Printer<'a> {
    /// The part of the format that has not been read.
    rest: &'a str,
    values: &'a [Value],
    /// Index of the next argument.
    next: usize,
    /// Whether an argument was selected by number, so that unused arguments are not reported.
    is_reordered: bool,
    out: String,
}

impl Printer<'_> {
    /// Formats the directive that follows a `%`.
    fn directive(&mut self) -> Result<String, String> {
        let mut spec = Spec::default();
        while let Some(flag) = self.rest.chars().next().filter(|c| "+-# 0".contains(*c)) {
            self.rest = &self.rest[1..];
            spec.set_flag(flag);
        }
        let mut is_valid = self.argument_index();
        let mut problems = String::new();
        if self.take('*') {
            match self.next_int() {
                Some(width) => {
                    spec.minus |= width < 0;
                    spec.width = Some(clamped(width));
                }
                None => problems.push_str("%!(BADWIDTH)"),
            }
        } else {
            spec.width = self.digits()?;
        }
        if self.take('.') {
            if self.take('*') {
                spec.precision = self.next_int().filter(|n| *n >= 0).map(clamped);
                if spec.precision.is_none() {
                    problems.push_str("%!(BADPREC)");
                }
            } else {
                spec.precision = Some(self.digits()?.unwrap_or(0));
            }
        }
        is_valid &= self.argument_index();
        let Some(verb) = self.rest.chars().next() else {
            return Ok("%!(NOVERB)".to_owned());
        };
        self.rest = &self.rest[verb.len_utf8()..];
        if !is_valid {
            return Ok(format!("%!{verb}(BADINDEX)"));
        }
        if verb == '%' {
            return Ok("%".to_owned());
        }
        let Some(value) = self.values.get(self.next) else {
            return Ok(format!("{problems}%!{verb}(MISSING)"));
        };
        self.next += 1;
        Ok(problems + &spec.format(verb, value))
    }

    fn take(&mut self, c: char) -> bool {
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Reads the digits of a width or precision.
    fn digits(&mut self) -> Result<Option<usize>, String> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit());
        let (digits, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        let number = (!digits.is_empty()).then(|| digits.parse().unwrap_or(usize::MAX));
        limits::check(number.unwrap_or(0), limits::MAX_WIDTH, "digits of a width")?;
        Ok(number)
    }

    /// The next argument, if it is an integer.
    fn next_int(&mut self) -> Option<i64> {
        let value = self.values.get(self.next)?;
        self.next += 1;
        match value {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// Reads `[2]`, if there is one, and selects that argument. Returns false if it does not exist.
    fn argument_index(&mut self) -> bool {
        let Some(inside) = self.rest.strip_prefix('[') else {
            return true;
        };
        self.is_reordered = true;
        let (number, rest) = inside.split_once(']').unwrap_or(("", inside));
        self.rest = rest;
        match number.parse() {
            Ok(number @ 1..) if number <= self.values.len() => {
                self.next = number - 1;
                true
            }
            _ => false,
        }
    }
}

/// A width or precision from an argument.
fn clamped(number: i64) -> usize {
    let number = usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX);
    number.min(limits::MAX_WIDTH)
}

/// Flags, width and precision of a directive.
#[derive(Default)]
struct Spec {
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

impl Spec {
    const fn set_flag(&mut self, flag: char) {
        match flag {
            '+' => self.plus = true,
            '-' => self.minus = true,
            '#' => self.sharp = true,
            ' ' => self.space = true,
            _ => self.zero = true,
        }
    }

    fn format(&self, verb: char, value: &Value) -> String {
        match (verb, value) {
            ('v' | 'd', Value::Int(number)) => self.pad_number(&number.to_string()),
            ('v', Value::Float(number)) => self.format_float('g', *number),
            ('v', Value::String(text)) => self.pad(text),
            ('v', _) => self.pad_cut(&text(value)),
            ('T', _) => self.pad_cut(type_name(value)),
            ('s', Value::String(text)) => self.pad_cut(text),
            ('q', Value::String(text)) if self.sharp => self.pad(&quote::back(text)),
            ('q', Value::String(text)) => self.pad(&quote::double(text)),
            ('s' | 'q' | 'd', Value::List(_) | Value::Map(_)) => self.pad_cut(&nested(verb, value)),
            ('e' | 'E' | 'f' | 'F' | 'g' | 'G', Value::Float(number)) => {
                self.format_float(verb, *number)
            }
            ('x' | 'X' | 'o' | 'b', Value::Int(number)) => self.format_base(verb, *number),
            ('x' | 'X', Value::String(text)) => {
                let mut hex = String::new();
                for byte in text.bytes().take(self.precision.unwrap_or(usize::MAX)) {
                    let _ = write!(hex, "{byte:02x}");
                }
                self.pad(&cased(verb, hex))
            }
            ('c', Value::Int(number)) => character(*number).unwrap_or('\u{fffd}').into(),
            ('q', Value::Int(number)) => match character(*number) {
                Some(c) => self.pad(&quote::single(c)),
                None => misfit(verb, value),
            },
            ('U', Value::Int(number)) => {
                let printed = character(*number).filter(|c| self.sharp && !c.is_control());
                let quoted = printed.map_or_else(String::new, |c| format!(" '{c}'"));
                self.pad(&format!("U+{number:04X}{quoted}"))
            }
            ('t', Value::Bool(_)) => self.pad(&text(value)),
            _ => misfit(verb, value),
        }
    }

    /// Pads with spaces to the width.
    fn pad(&self, text: &str) -> String {
        let width = self.width.unwrap_or(0);
        if self.minus {
            format!("{text:<width$}")
        } else {
            format!("{text:>width$}")
        }
    }

    /// Cuts to the precision, in characters, and pads.
    fn pad_cut(&self, text: &str) -> String {
        match self.precision {
            Some(count) => self.pad(&text.chars().take(count).collect::<String>()),
            None => self.pad(text),
        }
    }

    /// Adds a sign if a flag asks for it.
    fn signed(&self, number: &str) -> String {
        let sign = match number.as_bytes() {
            [b'-' | b'+' | b'N', ..] => "",
            _ if self.plus => "+",
            _ if self.space => " ",
            _ => "",
        };
        format!("{sign}{number}")
    }

    /// Adds a sign and pads, with zeros behind the sign if a flag asks for them.
    fn pad_number(&self, number: &str) -> String {
        let mut number = self.signed(number);
        if self.zero && !self.minus {
            let sign = usize::from(number.starts_with(['-', '+', ' ']));
            let missing = self.width.unwrap_or(0).saturating_sub(number.len());
            number.insert_str(sign, &"0".repeat(missing));
        }
        self.pad(&number)
    }

    fn format_float(&self, verb: char, number: f64) -> String {
        if !number.is_finite() {
            return self.pad(&self.signed(&float(number)));
        }
        let precision = self.precision.unwrap_or(6);
        let formatted = match verb {
            'f' | 'F' => format!("{number:.precision$}"),
            'e' | 'E' => with_exponent(&format!("{number:.precision$e}")),
            _ => match self.precision {
                Some(digits) => significant(number, digits.max(1)),
                None => float(number),
            },
        };
        self.pad_number(&cased(verb, formatted))
    }

    /// An integer in base 2, 8 or 16, with leading zeros up to the precision or, if the flag asks
    /// for zeros, to the width.
    fn format_base(&self, verb: char, number: i64) -> String {
        let size = number.unsigned_abs();
        let (digits, prefix) = match verb {
            'o' => (format!("{size:o}"), "0"),
            'b' => (format!("{size:b}"), "0b"),
            _ => (format!("{size:x}"), "0x"),
        };
        let sign = self.signed(if number < 0 { "-" } else { "" });
        let zeros = match (self.precision, self.width) {
            (Some(precision), _) => precision,
            (None, Some(width)) if self.zero && !self.minus => width.saturating_sub(sign.len()),
            _ => 0,
        };
        let digits = format!("{digits:0>zeros$}");
        let has_prefix = self.sharp && !(verb == 'o' && digits.starts_with('0'));
        let prefix = if has_prefix { prefix } else { "" };
        self.pad(&cased(verb, format!("{sign}{prefix}{digits}")))
    }
}

/// Rust's scientific notation as Go writes it.
fn with_exponent(scientific_notation: &str) -> String {
    match exponent_of(scientific_notation) {
        Some((digits, exponent)) => scientific(digits, exponent),
        None => scientific_notation.to_owned(),
    }
}

/// `%g` with a precision: a number rounded to so many significant digits, without trailing zeros.
fn significant(number: f64, count: usize) -> String {
    let rounded = format!("{number:.*e}", count - 1);
    let Some((digits, exponent)) = exponent_of(&rounded) else {
        return rounded;
    };
    let without_zeros = |digits: &str| {
        if digits.contains('.') {
            digits
                .trim_end_matches('0')
                .trim_end_matches('.')
                .to_owned()
        } else {
            digits.to_owned()
        }
    };
    let most = i32::try_from(count).unwrap_or(i32::MAX);
    if (-4..most).contains(&exponent) {
        let decimals = usize::try_from(most - 1 - exponent).unwrap_or(0);
        without_zeros(&format!("{number:.decimals$}"))
    } else {
        scientific(&without_zeros(digits), exponent)
    }
}

fn cased(verb: char, text: String) -> String {
    if verb.is_ascii_uppercase() {
        text.to_ascii_uppercase()
    } else {
        text
    }
}

fn character(number: i64) -> Option<char> {
    u32::try_from(number).ok().and_then(char::from_u32)
}

/// A list or dictionary with the verb applied to each item.
fn nested(verb: char, item: &Value) -> String {
    match (verb, item) {
        (_, Value::List(items)) => {
            let items = items.iter().map(|item| nested(verb, item));
            format!("[{}]", items.collect::<Vec<_>>().join(" "))
        }
        (_, Value::Map(members)) if !members.contains_key(TEXT) => {
            let members = members.iter().map(|(key, value)| {
                let key = nested(verb, &Value::String(key.clone()));
                format!("{key}:{}", nested(verb, value))
            });
            format!("map[{}]", members.collect::<Vec<_>>().join(" "))
        }
        ('q', Value::String(_) | Value::Map(_)) => quote::double(&text(item)),
        (_, Value::Nil) | ('s', Value::String(_) | Value::Map(_)) | ('d', Value::Int(_)) => {
            text(item)
        }
        _ => misfit(verb, item),
    }
}

/// The error text for a value that the verb does not apply to.
fn misfit(verb: char, value: &Value) -> String {
    format!("%!{verb}({})", typed(value))
}

/// A value with its type.
fn typed(value: &Value) -> String {
    match value {
        Value::Nil => text(value),
        _ => format!("{}={}", type_name(value), text(value)),
    }
}
