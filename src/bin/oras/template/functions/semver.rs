//! Semantic versions and constraints on them.

use std::cmp::Ordering;
use std::fmt;

use gotmpl::Value;

use crate::template::values::{self, TEXT};

/// A semantic version.
struct Version {
    numbers: [u64; 3],
    prerelease: String,
    metadata: String,
    original: String,
}

const INVALID: &str = "invalid semantic version";

impl Version {
    /// Parses a version. Missing numbers are 0.
    fn parse(text: &str) -> Result<Self, String> {
        let (numbers, prerelease, metadata) = split(text).ok_or(INVALID)?;
        let mut parsed = [0; 3];
        for (number, text) in parsed.iter_mut().zip(&numbers) {
            if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(INVALID.to_owned());
            }
            *number = text
                .parse()
                .map_err(|_| format!("error parsing version segment: {text} is too large"))?;
        }
        let has_zero = |part: &str| {
            part.len() > 1 && part.starts_with('0') && part.bytes().all(|b| b.is_ascii_digit())
        };
        if prerelease.split('.').any(has_zero) {
            return Err("version segment starts with 0".to_owned());
        }
        Ok(Self {
            numbers: parsed,
            prerelease: prerelease.to_owned(),
            metadata: metadata.to_owned(),
            original: text.to_owned(),
        })
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| {
            match (&*self.prerelease, &*other.prerelease) {
                (one, two) if one == two => Ordering::Equal,
                ("", _) => Ordering::Greater,
                (_, "") => Ordering::Less,
                (one, two) => compare_prereleases(one, two),
            }
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

/// Splits a version into up to three numbers, the prerelease and the metadata.
fn split(text: &str) -> Option<(Vec<&str>, &str, &str)> {
    let rest = text.strip_prefix('v').unwrap_or(text);
    let (rest, metadata) = match rest.split_once('+') {
        Some((rest, metadata)) => (rest, is_dotted(metadata).then_some(metadata)?),
        None => (rest, ""),
    };
    let (numbers, prerelease) = match rest.split_once('-') {
        Some((numbers, prerelease)) => (numbers, is_dotted(prerelease).then_some(prerelease)?),
        None => (rest, ""),
    };
    let numbers: Vec<&str> = numbers.split('.').collect();
    (numbers.len() <= 3).then_some((numbers, prerelease, metadata))
}

fn is_dotted(text: &str) -> bool {
    text.split('.').all(|part| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

fn compare_prereleases(one: &str, two: &str) -> Ordering {
    let (mut ones, mut twos) = (one.split('.'), two.split('.'));
    loop {
        let order = match (ones.next(), twos.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(one), Some(two)) => match (one.parse::<u64>(), two.parse::<u64>()) {
                (Ok(one), Ok(two)) => one.cmp(&two),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => one.cmp(two),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// A constraint on a version: `^1.2`, `>= 2.x`.
struct Constraint<'a> {
    operator: &'a str,
    version: Version,
    /// Count of leading numbers that are fixed. The others match any number.
    fixed: usize,
}

impl<'a> Constraint<'a> {
    fn parse(operator: &'a str, text: &str) -> Option<Self> {
        let (numbers, prerelease, _) = split(text)?;
        let is_any = |number: &&str| matches!(*number, "x" | "X" | "*");
        let fixed = numbers.iter().position(is_any).unwrap_or(numbers.len());
        let mut plain: Vec<&str> = numbers[..fixed].to_vec();
        plain.resize(3, "0");
        let mut version = plain.join(".");
        if !prerelease.is_empty() {
            version.push('-');
            version.push_str(prerelease);
        }
        Some(Self {
            operator,
            version: Version::parse(&version).ok()?,
            fixed,
        })
    }

    fn allows(&self, version: &Version) -> bool {
        let wanted = &self.version;
        let order = version.compare(wanted);
        // A prerelease matches only a constraint that contains a prerelease.
        if !version.prerelease.is_empty() && wanted.prerelease.is_empty() {
            return false;
        }
        let same_start = |count: usize| version.numbers[..count] == wanted.numbers[..count];
        match self.operator {
            "=" | "" if self.fixed == 3 => order == Ordering::Equal,
            "!=" if self.fixed == 3 || self.fixed == 0 => order != Ordering::Equal,
            "!=" => !same_start(self.fixed),
            ">" if self.fixed == 3 || self.fixed == 0 => order == Ordering::Greater,
            ">" => version.numbers[..self.fixed] > wanted.numbers[..self.fixed],
            "<" => order == Ordering::Less,
            ">=" | "=>" => order != Ordering::Less,
            "<=" | "=<" if self.fixed == 3 => order != Ordering::Greater,
            "<=" | "=<" => {
                version.numbers[..self.fixed.max(1)] <= wanted.numbers[..self.fixed.max(1)]
            }
            _ if order == Ordering::Less => false,
            "^" => {
                let first = wanted
                    .numbers
                    .iter()
                    .position(|number| *number > 0)
                    .unwrap_or(2);
                same_start((first + 1).min(self.fixed.max(1)))
            }
            // `~` allows a larger last number.
            _ if self.fixed == 0 || wanted.numbers == [0; 3] && self.fixed == 3 => true,
            _ => same_start(self.fixed.clamp(1, 2)),
        }
    }
}

/// Parses constraints: alternatives between `||`, each a list of constraints that must all hold.
fn parse_constraints(text: &str) -> Result<Vec<Vec<Constraint<'_>>>, String> {
    let mut lists = Vec::new();
    for list in text.split("||") {
        lists.push(parse_list(list).ok_or_else(|| format!("improper constraint: {list}"))?);
    }
    Ok(lists)
}

fn parse_list(text: &str) -> Option<Vec<Constraint<'_>>> {
    let mut list = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (operator, version, after) = parse_one(rest)?;
        rest = after.trim_start();
        // A range: `1.2 - 2.0`.
        if let Some(after) = rest.strip_prefix('-')
            && after.starts_with(char::is_whitespace)
            && operator.is_empty()
        {
            let (_, end, after) = parse_one(after.trim_start()).filter(|(op, ..)| op.is_empty())?;
            list.push(Constraint::parse(">=", version)?);
            list.push(Constraint::parse("<=", end)?);
            rest = after.trim_start();
        } else {
            list.push(Constraint::parse(operator, version)?);
        }
        if let Some(after) = rest.strip_prefix(',') {
            rest = after.trim_start();
            if rest.is_empty() {
                return None;
            }
        }
    }
    (!list.is_empty()).then_some(list)
}

/// Splits off an operator and a version.
fn parse_one(text: &str) -> Option<(&str, &str, &str)> {
    let end = text.find(|c| !"=!<>~^".contains(c))?;
    let (operator, rest) = text.split_at(end);
    let known = [
        "", "=", "!=", ">", "<", ">=", "=>", "<=", "=<", "~", "~>", "^",
    ];
    let rest = rest.trim_start();
    let end = rest.find(|c: char| c.is_whitespace() || c == ',');
    let (version, rest) = rest.split_at(end.unwrap_or(rest.len()));
    (known.contains(&operator) && !version.is_empty()).then_some((operator, version, rest))
}

pub(crate) fn semver(text: &str) -> Result<Value, String> {
    let version = Version::parse(text)?;
    let [major, minor, patch] = version
        .numbers
        .map(|number| i64::try_from(number).unwrap_or(i64::MAX));
    let text = version.to_string();
    Ok(values::parts(
        &[
            ("Prerelease", &version.prerelease),
            ("Metadata", &version.metadata),
            ("Original", &version.original),
            ("String", &text),
            (TEXT, &text),
        ],
        &[("Major", major), ("Minor", minor), ("Patch", patch)],
    ))
}

/// `semverCompare`
pub(crate) fn satisfies(constraints: &str, version: &str) -> Result<bool, String> {
    let alternatives = parse_constraints(constraints)?;
    let version = Version::parse(version)?;
    Ok(alternatives
        .iter()
        .any(|list| list.iter().all(|constraint| constraint.allows(&version))))
}

/// The method `Compare` of a version.
pub(crate) fn compare(one: &Value, other: &Value) -> Result<i64, String> {
    let version = |value| Version::parse(&values::text(value));
    Ok(version(one)?.compare(&version(other)?) as i64)
}
