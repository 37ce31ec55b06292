//! Functions on lists. None changes its arguments.

use gotmpl::Value;

use super::strings::to_strings;
use crate::template::limits;
use crate::template::runtime::Runtime;
use crate::template::values::{budget_size, integer, kind};

type List = Result<Vec<Value>, String>;

/// The items of a list, or sprig's error for any other value: `doing` and its kind.
fn items<'a>(value: &'a Value, doing: &str) -> Result<&'a [Value], String> {
    match value {
        Value::List(list) => Ok(list),
        other => Err(format!("{doing} type {}", kind(other))),
    }
}

pub(crate) fn append(list: &Value, value: &Value) -> List {
    let items = items(list, "Cannot push on")?;
    Ok([items, std::slice::from_ref(value)].concat())
}

pub(crate) fn prepend(list: &Value, value: &Value) -> List {
    let items = items(list, "Cannot prepend on")?;
    Ok([std::slice::from_ref(value), items].concat())
}

pub(crate) fn concat(lists: &[Value]) -> List {
    let mut all = Vec::new();
    for value in lists {
        let Value::List(list) = value else {
            return Err(format!("Cannot concat type {} as list", kind(value)));
        };
        limits::check_items(all.len() + list.len())?;
        all.extend_from_slice(list);
    }
    Ok(all)
}

pub(crate) fn first(list: &Value) -> Result<&Value, String> {
    let items = items(list, "Cannot find first on")?;
    Ok(items.first().unwrap_or(&Value::Nil))
}

pub(crate) fn last(list: &Value) -> Result<&Value, String> {
    let items = items(list, "Cannot find last on")?;
    Ok(items.last().unwrap_or(&Value::Nil))
}

pub(crate) fn rest(list: &Value) -> List {
    let items = items(list, "Cannot find rest on")?;
    Ok(items.get(1..).unwrap_or_default().to_vec())
}

pub(crate) fn initial(list: &Value) -> List {
    let items = items(list, "Cannot find initial on")?;
    Ok(items[..items.len().saturating_sub(1)].to_vec())
}

pub(crate) fn reverse(list: &Value) -> List {
    let mut reversed = items(list, "Cannot find reverse on")?.to_vec();
    reversed.reverse();
    Ok(reversed)
}

pub(crate) fn compact(list: &Value) -> List {
    let mut compacted = items(list, "Cannot compact on")?.to_vec();
    compacted.retain(Value::is_truthy);
    Ok(compacted)
}

pub(crate) fn uniq(list: &Value, runtime: &Runtime) -> List {
    let mut seen: Vec<Value> = Vec::new();
    for item in items(list, "Cannot find uniq on")? {
        runtime.charge_comparisons(seen.len() * budget_size(item)?)?;
        if !seen.contains(item) {
            seen.push(item.clone());
        }
    }
    Ok(seen)
}

pub(crate) fn without(list: &Value, omitted: &[Value], runtime: &Runtime) -> List {
    let mut kept = items(list, "Cannot find without on")?.to_vec();
    runtime.charge_comparisons(budget_size(list)?.saturating_mul(omitted.len() + 1))?;
    kept.retain(|item| !omitted.contains(item));
    Ok(kept)
}

pub(crate) fn has(value: &Value, list: &Value, runtime: &Runtime) -> Result<bool, String> {
    if matches!(list, Value::Nil) {
        return Ok(false);
    }
    let items = items(list, "Cannot find has on")?;
    runtime.charge_comparisons(budget_size(list)?)?;
    Ok(items.contains(value))
}

pub(crate) fn slice(list: &Value, bounds: &[Value]) -> Result<Value, String> {
    let Value::List(items) = list else {
        let kind = kind(list);
        return Err(format!("list should be type of slice or array but {kind}"));
    };
    if items.is_empty() {
        return Ok(Value::Nil);
    }
    let bound = |index, default| match bounds.get(index) {
        Some(value) => usize::try_from(integer(value)).unwrap_or(usize::MAX),
        None => default,
    };
    match items.get(bound(0, 0)..bound(1, items.len())) {
        Some(part) => Ok(Value::List(part.into())),
        None => Err("reflect.Value.Slice: slice index out of bounds".to_owned()),
    }
}

pub(crate) fn chunk(size: i64, list: &Value) -> List {
    let items = items(list, "Cannot chunk")?;
    let size = usize::try_from(size).unwrap_or(0);
    if size == 0 {
        return Err("the size of a chunk is not more than nothing".to_owned());
    }
    let chunks = items.chunks(size).map(|chunk| Value::List(chunk.into()));
    Ok(chunks.collect())
}

pub(crate) fn sort_alpha(list: &Value) -> Vec<String> {
    let mut texts = to_strings(list);
    texts.sort();
    texts
}
