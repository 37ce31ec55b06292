//! JSON objects that are edited without disturbing what is not edited.
//!
//! An [`Object`] knows the names of its members and the text of their values. It does not know what they mean: unknown
//! members, the digits of numbers and the order in which things were written survive because nothing here reads them.

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::{Error as _, IgnoredAny};
use serde_json::{Deserializer, Error, Result};

use crate::text::json;

/// The members of a JSON object, in order, each value as it was written. A name appears once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Object {
    members: Vec<(String, String)>,
}

impl Object {
    /// Reads an object; `null` is read as one without members. Of several members of one name the last counts.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        // The grammar is serde_json's to check. What follows only cuts a text that is known to be good.
        serde_json::from_str::<IgnoredAny>(text)?;
        if text.trim() == "null" {
            return Ok(Self::default());
        }
        let mut object = Self::default();
        let mut rest = Rest(text);
        rest.take('{')?;
        while !rest.starts_with('}') {
            let (name, _) = rest.value::<String>()?;
            rest.take(':')?;
            let (_, value) = rest.value::<IgnoredAny>()?;
            object.members.push((name, value.to_owned()));
            if !rest.starts_with('}') {
                rest.take(',')?;
            }
        }
        object.keep_last_of_each_name();
        Ok(object)
    }

    /// Done once for all members: looking for each one among those before it takes minutes in a document that was made for
    /// that.
    fn keep_last_of_each_name(&mut self) {
        let mut later = HashSet::with_capacity(self.members.len());
        let mut counts: Vec<bool> = self
            .members
            .iter()
            .rev()
            .map(|(name, _)| later.insert(name.as_str()))
            .collect();
        self.members.retain(|_| counts.pop().unwrap_or_default());
    }

    /// The object that `value` is serialised as.
    pub(crate) fn of(value: &impl serde::Serialize) -> Result<Self> {
        Self::parse(&text_of(value))
    }

    /// The text of a member's value.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.members
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Replaces the value of a member where it stands, or puts a new one before the first member that `is_later`.
    pub(crate) fn put(&mut self, name: &str, value: String, is_later: impl Fn(&str) -> bool) {
        if let Some((_, known)) = self.members.iter_mut().find(|(known, _)| known == name) {
            *known = value;
            return;
        }
        let place = self
            .members
            .iter()
            .position(|(known, _)| is_later(known))
            .unwrap_or(self.members.len());
        self.members.insert(place, (name.to_owned(), value));
    }

    /// Adds the members of `other` behind these, except those of the given names, which must be all that both may have.
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
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The object as text, with nothing between its members but commas.
    pub(crate) fn to_text(&self) -> String {
        let members: Vec<String> = self
            .iter()
            .map(|(name, value)| format!("{}:{value}", text_of(name)))
            .collect();
        format!("{{{}}}", members.join(","))
    }
}

/// The texts of the values in a list; `null` is read as a list without values.
pub(crate) fn elements(list: &str) -> Result<Vec<&str>> {
    serde_json::from_str::<IgnoredAny>(list)?;
    if list.trim() == "null" {
        return Ok(Vec::new());
    }
    let mut elements = Vec::new();
    let mut rest = Rest(list);
    rest.take('[')?;
    while !rest.starts_with(']') {
        elements.push(rest.value::<IgnoredAny>()?.1);
        if !rest.starts_with(']') {
            rest.take(',')?;
        }
    }
    Ok(elements)
}

/// The canonical text of `value`.
pub(crate) fn text_of<T: serde::Serialize + ?Sized>(value: &T) -> String {
    String::from_utf8_lossy(&json::to_vec(value)).into_owned()
}

/// What is left of a text that is being cut into values.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn starts_with(&self, mark: char) -> bool {
        self.0.trim_start().starts_with(mark)
    }

    fn take(&mut self, mark: char) -> Result<()> {
        self.0 = self
            .0
            .trim_start()
            .strip_prefix(mark)
            .ok_or_else(|| Error::custom(format!("expected `{mark}`")))?;
        Ok(())
    }

    /// The next value and its text.
    fn value<T: Deserialize<'a>>(&mut self) -> Result<(T, &'a str)> {
        let mut values = Deserializer::from_str(self.0).into_iter();
        let value = values
            .next()
            .unwrap_or_else(|| Err(Error::custom("expected a value")))?;
        let (text, rest) = self.0.split_at(values.byte_offset());
        self.0 = rest;
        Ok((value, text.trim()))
    }
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
    fn the_last_of_equal_names_counts() {
        let object = Object::parse(r#"{"a":1,"b":2,"a":3,"c":4,"a":5,"b":6,"d":7}"#).unwrap();
        assert_eq!(object.to_text(), r#"{"c":4,"a":5,"b":6,"d":7}"#);
    }

    #[test]
    fn members_are_replaced_in_place_and_put_before_later_ones() {
        let mut object = Object::parse(r#"{"a":1,"c":3}"#).unwrap();
        object.put("c", "4".to_owned(), |_| true);
        object.put("b", "2".to_owned(), |name| name > "b");
        object.put("d", "5".to_owned(), |name| name > "d");
        object.remove("a");
        assert_eq!(object.to_text(), r#"{"b":2,"c":4,"d":5}"#);
    }

    #[test]
    fn lists_are_cut_into_their_values() {
        assert_eq!(
            elements(r#" [ 1, "a,]" ,{"b":[2]},[] ] "#).unwrap(),
            ["1", r#""a,]""#, r#"{"b":[2]}"#, "[]"]
        );
        assert!(elements("[]").unwrap().is_empty());
        assert!(elements("null").unwrap().is_empty());
    }

    #[test]
    fn anything_else_is_an_error() {
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
    fn deep_nesting_is_no_danger() {
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        let _ = Object::parse(&deep);
    }
}
