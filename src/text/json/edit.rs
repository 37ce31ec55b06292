//! Order-preserving edits of JSON objects.
//!
//! An [`Object`] contains the names of its members and the text of their values. Unknown members,
//! the digits of numbers and the order of members survive an edit because nothing here parses
//! values.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::error::Category;
use serde_json::value::RawValue;
use serde_json::{Error, Result};

use crate::text::json;

/// The members of a JSON object, in order, each value as it was written. Names are unique.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Object {
    members: Vec<(String, Box<str>)>,
}

impl Object {
    /// Parses an object; `null` is an object without members. Of several members with the same name
    /// the last one is kept.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let object: Option<Self> = serde_json::from_str(text).map_err(expected("`{`"))?;
        Ok(object.unwrap_or_default())
    }

    /// Serialises `value`, which must serialise as an object.
    pub(crate) fn of(value: &impl Serialize) -> Result<Self> {
        Self::parse(&text_of(value))
    }

    /// The text of a member's value.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// Replaces the value of a member in its position, or inserts a new member before the first one
    /// that `is_later`.
    pub(crate) fn put(&mut self, name: &str, value: String, is_later: impl Fn(&str) -> bool) {
        self.replace_or_insert(name, value, |members| {
            members.iter().position(|(known, _)| is_later(known))
        });
    }

    /// Replaces the value of a member in its position, or inserts a new member after the last one
    /// that `order` has before it. Members that `order` does not contain come last.
    pub(crate) fn put_in_order(&mut self, name: &str, value: String, order: &[&str]) {
        let rank = |name: &str| {
            let position = order.iter().position(|known| *known == name);
            position.unwrap_or(order.len())
        };
        let rank_of_name = rank(name);
        self.replace_or_insert(name, value, |members| {
            let earlier = |(known, _): &(String, _)| rank(known) <= rank_of_name;
            Some(members.iter().rposition(earlier).map_or(0, |last| last + 1))
        });
    }

    fn replace_or_insert(
        &mut self,
        name: &str,
        value: String,
        position: impl Fn(&[(String, Box<str>)]) -> Option<usize>,
    ) {
        let value = value.into_boxed_str();
        if let Some((_, known)) = self.members.iter_mut().find(|(known, _)| known == name) {
            *known = value;
            return;
        }
        let position = position(&self.members).unwrap_or(self.members.len());
        self.members.insert(position, (name.to_owned(), value));
    }

    /// Appends the members of `other`, except those in `names`, which must contain every name that
    /// both objects have.
    pub(crate) fn extend_except(&mut self, names: &[&str], other: Self) {
        let others = other.members.into_iter();
        self.members
            .extend(others.filter(|(name, _)| !names.contains(&name.as_str())));
    }

    /// Removes a member.
    pub(crate) fn remove(&mut self, name: &str) {
        self.members.retain(|(known, _)| known != name);
    }

    /// Whether there are no members.
    pub(crate) const fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The names and values, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.members
            .iter()
            .map(|(name, value)| (name.as_str(), &**value))
    }

    /// The object as text, with nothing but commas between its members.
    pub(crate) fn to_text(&self) -> String {
        self.write_text(|_, _| false)
    }

    /// Same as [`to_text`](Self::to_text). `write` is called for each member, and returns whether
    /// it appended the value: a large value need not be a text of its own.
    pub(crate) fn write_text(&self, mut write: impl FnMut(&str, &mut String) -> bool) -> String {
        let mut text = String::from("{");
        for (position, (name, value)) in self.iter().enumerate() {
            if position > 0 {
                text.push(',');
            }
            text.push_str(&text_of(name));
            text.push(':');
            if !write(name, &mut text) {
                text.push_str(value);
            }
        }
        text.push('}');
        text
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let Members(mut members) = Members::deserialize(deserializer)?;
        // One pass with a set: a search for each member among all others would take minutes for a
        // hostile document.
        let mut later = HashSet::with_capacity(members.len());
        let mut is_last: Vec<bool> = members
            .iter()
            .rev()
            .map(|(name, _)| later.insert(name.as_str()))
            .collect();
        members.retain(|_| is_last.pop().unwrap_or_default());
        Ok(Self { members })
    }
}

/// The names and texts of all members of an object, in order. Names can be repeated.
pub(crate) fn members(text: &str) -> Result<Vec<(String, Box<str>)>> {
    let Members(members) = serde_json::from_str(text).map_err(expected("`{`"))?;
    Ok(members)
}

struct Members(Vec<(String, Box<str>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    members.push((name, value.into()));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

/// The texts of the values in a list; `null` is an empty list.
pub(crate) fn elements(list: &str) -> Result<Vec<&str>> {
    let elements: Option<Vec<&RawValue>> = serde_json::from_str(list).map_err(expected("`[`"))?;
    let elements = elements.unwrap_or_default().into_iter();
    Ok(elements.map(RawValue::get).collect())
}

/// Reports valid JSON of another type.
fn expected(token: &str) -> impl Fn(Error) -> Error {
    move |error| match error.classify() {
        Category::Data => Error::custom(format_args!("expected {token}")),
        _ => error,
    }
}

/// The canonical text of `value`.
pub(crate) fn text_of<T: Serialize + ?Sized>(value: &T) -> String {
    String::from_utf8_lossy(&json::to_vec(value)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_text() {
        let text = r#" { "a" : 1.50 , "b":{"z": 1,"a":[ ]},"\u0063":"\u0041\"}", "d":null,"e":-0, "f":true } "#;
        let object = Object::parse(text).unwrap();
        assert_eq!(
            object.iter().collect::<Vec<_>>(),
            [
                ("a", "1.50"),
                ("b", r#"{"z": 1,"a":[ ]}"#),
                ("c", r#""\u0041\"}""#),
                ("d", "null"),
                ("e", "-0"),
                ("f", "true"),
            ]
        );
        assert_eq!(
            object.to_text(),
            r#"{"a":1.50,"b":{"z": 1,"a":[ ]},"c":"\u0041\"}","d":null,"e":-0,"f":true}"#
        );
    }

    #[test]
    fn the_last_of_equal_names_is_kept() {
        let object = Object::parse(r#"{"a":1,"b":2,"a":3,"c":4,"a":5,"b":6,"d":7}"#).unwrap();
        assert_eq!(object.to_text(), r#"{"c":4,"a":5,"b":6,"d":7}"#);
    }

    #[test]
    fn members_are_replaced_in_place_or_inserted_in_order() {
        let mut object = Object::parse(r#"{"a":1,"c":3}"#).unwrap();
        object.put("c", "4".to_owned(), |_| true);
        object.put("b", "2".to_owned(), |name| name > "b");
        object.put("d", "5".to_owned(), |name| name > "d");
        object.remove("a");
        assert_eq!(object.to_text(), r#"{"b":2,"c":4,"d":5}"#);
        let mut object = Object::parse(r#"{"x":0,"c":3,"a":1,"y":0}"#).unwrap();
        for name in ["b", "z", "d"] {
            object.put_in_order(name, "9".to_owned(), &["a", "b", "c", "d"]);
        }
        assert_eq!(
            object.to_text(),
            r#"{"x":0,"c":3,"a":1,"b":9,"d":9,"y":0,"z":9}"#
        );
    }

    #[test]
    fn elements_are_the_texts_of_the_values() {
        assert_eq!(
            elements(r#" [ 1, "a,]" ,{"b":[2]},[] ] "#).unwrap(),
            ["1", r#""a,]""#, r#"{"b":[2]}"#, "[]"]
        );
        assert!(elements("[]").unwrap().is_empty());
        assert!(elements("null").unwrap().is_empty());
    }

    #[test]
    fn invalid_documents_are_errors() {
        for text in [
            "",
            "[]",
            "1",
            "{",
            r#"{"a"}"#,
            r#"{"a":1,}"#,
            "{}x",
            r#"{"a":01}"#,
        ] {
            assert!(Object::parse(text).is_err(), "{text}");
        }
        for text in ["", "{}", "[", "[1,]", "[1 2]", "[]x"] {
            assert!(elements(text).is_err(), "{text}");
        }
    }

    #[test]
    fn deep_nesting_does_not_overflow_the_stack() {
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        let _ = Object::parse(&deep);
    }
}
