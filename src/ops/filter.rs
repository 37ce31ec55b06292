//! Which files of an artifact are meant: patterns for titles, media types and digests.
//!
//! | Pattern | Fits |
//! |---|---|
//! | `sha256:…`, any digest | the content with this digest |
//! | `type=<glob>` | media types |
//! | `<glob>` | titles, as whole paths |
//!
//! In a glob `?` is any character, `[abc]`, `[a-z]` and `[!a-z]` are one of some characters or none of them, `*` is any number of
//! characters, and `\` takes its meaning from the next one. In a title none of these but `\/` fits a `/`; there `**` as a whole part
//! of the path is any number of parts: `**/a` fits `a` and `b/c/a`, `a/**` everything below `a`. Upper and lower case differ.
//!
//! This module decides, and knows nothing of where content comes from. Titles come from anybody: to match one takes time in
//! proportion to its length, whatever the pattern.

use std::str::FromStr;

use crate::error::{Error, Result};
use crate::oci::descriptor::Descriptor;
use crate::oci::digest::Digest;
use crate::text::glob::{Glob, Parts};

/// What starts a pattern for media types.
const TYPE: &str = "type=";

/// Which content is meant: what fits one of the patterns to include, or anything if there are none, and no pattern to exclude.
///
/// ```
/// use oras::filter::Filter;
/// use oras::{Descriptor, MediaType};
///
/// let filter = Filter {
///     include: vec!["docs/*".parse()?],
///     exclude: vec!["type=image/*".parse()?],
/// };
/// let text = Descriptor::of(MediaType::LAYER, b"hello");
/// assert!(filter.selects("docs/hello.txt", &text));
/// assert!(!filter.selects("hello.txt", &text));
/// # Ok::<(), oras::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// What is meant. Everything, if there is none.
    pub include: Vec<Pattern>,
    /// What is not.
    pub exclude: Vec<Pattern>,
}

impl Filter {
    /// Whether everything is meant.
    pub fn is_empty(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// Whether content of this name is meant. What has no name has an empty one.
    pub fn selects(&self, name: &str, content: &Descriptor) -> bool {
        let fits = |pattern: &Pattern| pattern.fits(name, content);
        (self.include.is_empty() || self.include.iter().any(fits)) && !self.exclude.iter().any(fits)
    }
}

/// What content may look like.
#[derive(Clone, Debug)]
pub struct Pattern(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Title(Glob),
    MediaType(Glob),
    Digest(Digest),
}

impl Pattern {
    /// Whether content of this name looks like that.
    pub fn fits(&self, name: &str, content: &Descriptor) -> bool {
        match &self.0 {
            Kind::Title(glob) => glob.fits(name),
            Kind::MediaType(glob) => glob.fits(content.media_type.as_str()),
            Kind::Digest(digest) => *digest == content.digest,
        }
    }
}

impl FromStr for Pattern {
    type Err = Error;

    /// # Errors
    ///
    /// [`Error::InvalidInput`] when the pattern is empty, or breaks off within `[…]` or after `\`.
    fn from_str(text: &str) -> Result<Self> {
        if let Ok(digest) = text.parse() {
            return Ok(Self(Kind::Digest(digest)));
        }
        let parsed = match text.strip_prefix(TYPE) {
            Some(media_type) => Glob::parse(media_type, Parts::Joined).map(Kind::MediaType),
            None => Glob::parse(text, Parts::Apart).map(Kind::Title),
        };
        parsed
            .map(Self)
            .map_err(|reason| Error::invalid_option("pattern", format!("\"{text}\" {reason}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Input;
    use crate::oci::media_type::MediaType;

    fn pattern(text: &str) -> Pattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_pattern_is_for_titles_unless_it_says_otherwise() {
        let content = Descriptor::of(MediaType::from("text/plain"), b"hello");
        let digest = content.digest.as_str();
        for (text, fits) in [
            ("a/b.txt", true),
            ("*.txt", false),
            ("text/plain", false),
            ("type=text/plain", true),
            ("type=text/*", true),
            ("type=*plain", true),
            ("type=*", true),
            ("type=text", false),
            ("[t]ype=text/plain", false),
            (digest, true),
            (&digest.replace('2', "3"), false),
            ("sha256:*", false),
        ] {
            assert_eq!(pattern(text).fits("a/b.txt", &content), fits, "{text}");
        }
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        for (text, reason) in [
            ("", "\"\" is empty"),
            ("type=", "\"type=\" is empty"),
            ("a[b", "\"a[b\" has a [ without a ]"),
            ("type=[", "\"type=[\" has a [ without a ]"),
            ("a\\", "\"a\\\" ends with a \\"),
        ] {
            match text.parse::<Pattern>().map(drop) {
                Err(Error::InvalidInput {
                    input: Input::Option("pattern"),
                    reason: got,
                    ..
                }) => assert_eq!(got, reason),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_excluded_is_not_included() {
        let content = Descriptor::of(MediaType::LAYER, b"hello");
        let patterns = |texts: &[&str]| texts.iter().map(|text| pattern(text)).collect();
        for (include, exclude, selected) in [
            (&[][..], &[][..], true),
            (&["a*"], &[], true),
            (&["b*"], &[], false),
            (&["b*", "a*"], &[], true),
            (&[], &["a*"], false),
            (&[], &["b*"], true),
            (&["a*"], &["*"], false),
        ] {
            let filter = Filter {
                include: patterns(include),
                exclude: patterns(exclude),
            };
            assert_eq!(
                filter.selects("a.txt", &content),
                selected,
                "{include:?} {exclude:?}"
            );
            assert_eq!(filter.is_empty(), include.is_empty() && exclude.is_empty());
        }
    }
}
