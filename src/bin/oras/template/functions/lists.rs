//! Functions on lists. None changes the list it is given.

use gotmpl::{ToValue, Value};

use super::functions::Given;
use super::limits;
use super::math;
use super::strings::texts_of;
use super::values::{self, Outcome, kind};

fn items_of<'a>(value: &'a Value, doing: &str) -> Result<&'a [Value], String> {
    match value {
        Value::List(list) => Ok(list),
        other => Err(format!("{doing} type {}", kind(other))),
    }
}

/// A list of these.
#[inline(never)]
pub(super) fn made(items: Vec<Value>) -> Outcome {
    Ok(Value::List(items.into()))
}

pub(super) fn list(given: &Given<'_>) -> Outcome {
    made(given.values.to_vec())
}

pub(super) fn append(given: &Given<'_>) -> Outcome {
    let items = items_of(given.get(0), "Cannot push on")?;
    joined(items, given.from(1))
}

pub(super) fn prepend(given: &Given<'_>) -> Outcome {
    let items = items_of(given.get(0), "Cannot prepend on")?;
    joined(given.from(1), items)
}

fn joined(one: &[Value], two: &[Value]) -> Outcome {
    let mut all = one.to_vec();
    all.extend_from_slice(two);
    made(all)
}

pub(super) fn concat(given: &Given<'_>) -> Outcome {
    let mut all = Vec::new();
    for value in given.values {
        let Value::List(list) = value else {
            return Err(format!("Cannot concat type {} as list", kind(value)));
        };
        limits::items(all.len() + list.len())?;
        all.extend_from_slice(list);
    }
    made(all)
}

pub(super) fn first(given: &Given<'_>) -> Outcome {
    let items = items_of(given.get(0), "Cannot find first on")?;
    Ok(items.first().cloned().unwrap_or(Value::Nil))
}

pub(super) fn last(given: &Given<'_>) -> Outcome {
    let items = items_of(given.get(0), "Cannot find last on")?;
    Ok(items.last().cloned().unwrap_or(Value::Nil))
}

pub(super) fn rest(given: &Given<'_>) -> Outcome {
    let items = items_of(given.get(0), "Cannot find rest on")?;
    made(items.get(1..).unwrap_or_default().to_vec())
}

pub(super) fn initial(given: &Given<'_>) -> Outcome {
    let items = items_of(given.get(0), "Cannot find initial on")?;
    made(items[..items.len().saturating_sub(1)].to_vec())
}

pub(super) fn reverse(given: &Given<'_>) -> Outcome {
    let items = items_of(given.get(0), "Cannot find reverse on")?;
    made(items.iter().rev().cloned().collect())
}

pub(super) fn compact(given: &Given<'_>) -> Outcome {
    let items = items_of(given.get(0), "Cannot compact on")?;
    made(
        items
            .iter()
            .filter(|item| item.is_truthy())
            .cloned()
            .collect(),
    )
}

/// That so many comparisons, each of which looks into lists and dictionaries, may be made.
pub(super) fn check_comparisons(given: &Given<'_>, count: usize) -> Result<(), String> {
    limits::within(count, limits::MAX_COMPARED, "values to compare")?;
    given.world.read(count)
}

pub(super) fn uniq(given: &Given<'_>) -> Outcome {
    let items = items_of(given.get(0), "Cannot find uniq on")?;
    let mut seen: Vec<Value> = Vec::new();
    for item in items {
        check_comparisons(given, seen.len() * values::size(item)?)?;
        if !seen.contains(item) {
            seen.push(item.clone());
        }
    }
    made(seen)
}

pub(super) fn without(given: &Given<'_>) -> Outcome {
    let items = items_of(given.get(0), "Cannot find without on")?;
    let size = values::size(given.get(0))?;
    check_comparisons(given, size.saturating_mul(given.values.len()))?;
    let kept = items.iter().filter(|item| !given.from(1).contains(item));
    made(kept.cloned().collect())
}

pub(super) fn has(given: &Given<'_>) -> Outcome {
    match given.get(1) {
        Value::Nil => Ok(false.to_value()),
        list => {
            let items = items_of(list, "Cannot find has on")?;
            check_comparisons(given, values::size(list)?)?;
            Ok(items.contains(given.get(0)).to_value())
        }
    }
}

pub(super) fn slice(given: &Given<'_>) -> Outcome {
    let Value::List(items) = given.get(0) else {
        let kind = kind(given.get(0));
        return Err(format!("list should be type of slice or array but {kind}"));
    };
    if items.is_empty() {
        return Ok(Value::Nil);
    }
    let bound = |index, otherwise| match given.values.get(index) {
        Some(value) => usize::try_from(math::integer(value)).unwrap_or(usize::MAX),
        None => otherwise,
    };
    match items.get(bound(1, 0)..bound(2, items.len())) {
        Some(part) => made(part.to_vec()),
        None => Err("reflect.Value.Slice: slice index out of bounds".to_owned()),
    }
}

pub(super) fn chunk(given: &Given<'_>) -> Outcome {
    let items = items_of(given.get(1), "Cannot chunk")?;
    let size = usize::try_from(given.int(0)).unwrap_or(0);
    if size == 0 {
        return Err("the size of a chunk is not more than nothing".to_owned());
    }
    let chunks = items.chunks(size).map(|chunk| Value::List(chunk.into()));
    made(chunks.collect())
}

pub(super) fn sort_alpha(given: &Given<'_>) -> Outcome {
    let mut texts = texts_of(given.get(0));
    texts.sort();
    Ok(texts.to_value())
}
