//! Annotations of descriptors and manifests.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Index;
use std::sync::Arc;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Annotations, sorted by the bytes of their names.
///
/// Clones share the annotations until one of them is changed, so a descriptor can be copied cheaply
/// although a manifest has many of them.
///
/// ```
/// use oras::Annotations;
///
/// let mut annotations = Annotations::from([("b".to_owned(), "1".to_owned())]);
/// annotations.insert("a".to_owned(), "2".to_owned());
/// assert_eq!(annotations.get("b").map(String::as_str), Some("1"));
/// assert_eq!(annotations.keys().collect::<Vec<_>>(), ["a", "b"]);
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Annotations(
    /// Never an empty list.
    Option<Arc<Vec<(String, String)>>>,
);

impl Annotations {
    /// Creates an empty map.
    pub const fn new() -> Self {
        Self(None)
    }

    fn entries(&self) -> &[(String, String)] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }

    fn entries_mut(&mut self) -> &mut Vec<(String, String)> {
        Arc::make_mut(self.0.get_or_insert_default())
    }

    fn find<Q: Ord + ?Sized>(&self, name: &Q) -> Result<usize, usize>
    where
        String: Borrow<Q>,
    {
        (self.entries()).binary_search_by(|(known, _)| known.borrow().cmp(name))
    }

    /// Returns the number of annotations.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Whether there are no annotations.
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// Returns the value of a name.
    pub fn get<Q: Ord + ?Sized>(&self, name: &Q) -> Option<&String>
    where
        String: Borrow<Q>,
    {
        let position = self.find(name).ok()?;
        Some(&self.entries()[position].1)
    }

    /// Whether a name has a value.
    pub fn contains_key<Q: Ord + ?Sized>(&self, name: &Q) -> bool
    where
        String: Borrow<Q>,
    {
        self.find(name).is_ok()
    }

    /// Sets the value of a name. Returns the value that it had.
    pub fn insert(&mut self, name: String, value: String) -> Option<String> {
        match self.find(&name) {
            Ok(position) => Some(std::mem::replace(
                &mut self.entries_mut()[position].1,
                value,
            )),
            Err(position) => {
                let entries = self.entries_mut();
                // Most descriptors have a title only.
                entries.reserve_exact(1);
                entries.insert(position, (name, value));
                None
            }
        }
    }

    /// Removes a name. Returns the value that it had.
    pub fn remove<Q: Ord + ?Sized>(&mut self, name: &Q) -> Option<String>
    where
        String: Borrow<Q>,
    {
        let position = self.find(name).ok()?;
        let entries = self.entries_mut();
        let (_, value) = entries.remove(position);
        if entries.is_empty() {
            self.0 = None;
        }
        Some(value)
    }

    /// Returns names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.into_iter()
    }

    /// Returns the names in order.
    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.into_iter().map(|(name, _)| name)
    }
}

impl fmt::Debug for Annotations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

/// # Panics
///
/// If there is no such name, as with other maps.
impl<Q: Ord + ?Sized> Index<&Q> for Annotations
where
    String: Borrow<Q>,
{
    type Output = String;

    fn index(&self, name: &Q) -> &String {
        self.get(name).expect("there is an annotation of this name")
    }
}

impl<'a> IntoIterator for &'a Annotations {
    type Item = (&'a String, &'a String);
    type IntoIter = std::iter::Map<
        std::slice::Iter<'a, (String, String)>,
        fn(&'a (String, String)) -> (&'a String, &'a String),
    >;

    fn into_iter(self) -> Self::IntoIter {
        self.entries().iter().map(|(name, value)| (name, value))
    }
}

impl IntoIterator for Annotations {
    type Item = (String, String);
    type IntoIter = std::vec::IntoIter<(String, String)>;

    fn into_iter(self) -> Self::IntoIter {
        let entries = self.0.map(Arc::unwrap_or_clone);
        entries.unwrap_or_default().into_iter()
    }
}

impl Extend<(String, String)> for Annotations {
    fn extend<I: IntoIterator<Item = (String, String)>>(&mut self, others: I) {
        for (name, value) in others {
            self.insert(name, value);
        }
    }
}

impl FromIterator<(String, String)> for Annotations {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(entries: I) -> Self {
        // A stable sort, so that the last of equal names can be kept.
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort_by(|one, other| one.0.cmp(&other.0));
        entries.dedup_by(|later, kept| {
            let is_same = later.0 == kept.0;
            if is_same {
                std::mem::swap(&mut later.1, &mut kept.1);
            }
            is_same
        });
        entries.shrink_to_fit();
        Self(Some(Arc::new(entries)).filter(|entries| !entries.is_empty()))
    }
}

/// ```
/// use oras::Annotations;
///
/// let annotations = Annotations::from([("org.opencontainers.image.licenses", "Apache-2.0")]);
/// ```
impl<K: Into<String>, V: Into<String>, const N: usize> From<[(K, V); N]> for Annotations {
    fn from(entries: [(K, V); N]) -> Self {
        let entries = entries.into_iter();
        entries
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }
}

impl Serialize for Annotations {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

/// `null` instead of a value is an empty string, as Go reads it.
impl<'de> Deserialize<'de> for Annotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Annotations;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Annotations, A::Error> {
                let mut entries = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Option<String>>()? {
                    entries.push((name, value.unwrap_or_default()));
                }
                Ok(entries.into_iter().collect())
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(entries: &[(&str, &str)]) -> Annotations {
        let owned = entries
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        owned.collect()
    }

    #[test]
    fn names_are_unique_and_sorted_and_the_last_value_counts() {
        let expected = of(&[("a", "3"), ("b", "1")]);
        assert_eq!(
            of(&[("b", "1"), ("a", "2"), ("a", "0"), ("a", "3")]),
            expected
        );
        let document = r#"{"b":"1","a":"2","a":"0","a":"3"}"#;
        let parsed: Annotations = serde_json::from_str(document).unwrap();
        assert_eq!(parsed, expected);
        assert_eq!(
            serde_json::to_string(&parsed).unwrap(),
            r#"{"a":"3","b":"1"}"#
        );
        assert_eq!(parsed["a"], "3");
        assert!(parsed.contains_key("b") && !parsed.contains_key("c"));
    }

    #[test]
    fn a_change_does_not_reach_clones() {
        let original = of(&[("a", "1")]);
        let mut copy = original.clone();
        assert_eq!(
            copy.insert("a".to_owned(), "2".to_owned()).as_deref(),
            Some("1")
        );
        copy.extend([("0".to_owned(), "3".to_owned())]);
        assert_eq!(copy, of(&[("0", "3"), ("a", "2")]));
        assert_eq!(original, of(&[("a", "1")]));
        assert_eq!(copy.remove("0").as_deref(), Some("3"));
        assert_eq!(copy.remove("a").as_deref(), Some("2"));
        assert_eq!(copy.remove("a"), None);
        assert_eq!(copy, Annotations::new());
    }
}
