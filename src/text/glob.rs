//! Glob patterns, matched without backtracking.
//!
//! A pattern is a nondeterministic automaton, and matching tracks the set of its active states.
//! Each character of the string visits each state once, so the time is at most the length of the
//! string times that of the pattern.
//!
//! The crate `fast-glob` 1.1.2 is as fast and makes the command 4 KiB larger (static musl build).
//! Its patterns have another meaning: `?` and classes match bytes (`?` does not match `ä`), `{`, a
//! leading `!` and `\n` are special, and `/` always separates, also in media types.

/// The separator of components. In paths it is `/`, which only `/` and `**` match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Separator {
    Slash,
    Absent,
}

/// A parsed glob pattern.
#[derive(Clone, Debug)]
pub(crate) struct Glob {
    steps: Vec<Step>,
    separator: Separator,
}

#[derive(Clone, Debug)]
enum Step {
    /// This character.
    Character(char),
    /// Any character but the separator.
    Any,
    /// A character but the separator that is in one of these ranges, or in none.
    Class {
        ranges: Vec<(char, char)>,
        is_negated: bool,
    },
    /// Any number of characters but the separator.
    Star,
    /// Any number of characters.
    Deep,
    /// An optional pair: the next two steps apply together or not at all.
    Optional,
}

impl Glob {
    /// Parses a pattern. The error is the rule that the pattern breaks.
    pub(crate) fn parse(text: &str, separator: Separator) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("is empty");
        }
        let mut steps = Vec::new();
        let mut rest = text;
        let mut starts_component = true;
        while let Some(character) = rest.chars().next() {
            if starts_component && separator == Separator::Slash {
                if rest == "**" {
                    steps.push(Step::Deep);
                    break;
                }
                if let Some(after) = rest.strip_prefix("**/") {
                    steps.extend([Step::Optional, Step::Deep, Step::Character('/')]);
                    rest = after;
                    continue;
                }
            }
            rest = &rest[character.len_utf8()..];
            starts_component = character == '/';
            steps.push(match character {
                '?' => Step::Any,
                '*' => Step::Star,
                '[' => {
                    let (class, after) = class(rest).ok_or("has a [ without a ]")?;
                    rest = after;
                    class
                }
                '\\' => {
                    let literal = rest.chars().next().ok_or("ends with a \\")?;
                    rest = &rest[literal.len_utf8()..];
                    Step::Character(literal)
                }
                literal => Step::Character(literal),
            });
        }
        Ok(Self { steps, separator })
    }

    /// Whether the pattern matches the whole string.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let mut active = vec![false; self.steps.len() + 1];
        let mut next = active.clone();
        active[0] = true;
        for character in text.chars() {
            self.follow_empty_steps(&mut active);
            next.fill(false);
            for (state, step) in self.steps.iter().enumerate() {
                if active[state] {
                    match step {
                        Step::Star => next[state] |= !self.is_separator(character),
                        Step::Deep => next[state] = true,
                        step => next[state + 1] |= self.accepts(step, character),
                    }
                }
            }
            std::mem::swap(&mut active, &mut next);
        }
        self.follow_empty_steps(&mut active);
        active.last() == Some(&true)
    }

    /// Activates the states that are reachable without a character.
    fn follow_empty_steps(&self, active: &mut [bool]) {
        for (state, step) in self.steps.iter().enumerate() {
            if active[state] {
                match step {
                    Step::Star | Step::Deep => active[state + 1] = true,
                    Step::Optional => {
                        active[state + 1] = true;
                        active[state + 3] = true;
                    }
                    _ => {}
                }
            }
        }
    }

    fn accepts(&self, step: &Step, character: char) -> bool {
        match step {
            Step::Character(wanted) => character == *wanted,
            Step::Any => !self.is_separator(character),
            Step::Class { ranges, is_negated } => {
                let is_in = ranges
                    .iter()
                    .any(|(first, last)| (first..=last).contains(&&character));
                is_in != *is_negated && !self.is_separator(character)
            }
            Step::Star | Step::Deep | Step::Optional => false,
        }
    }

    fn is_separator(&self, character: char) -> bool {
        self.separator == Separator::Slash && character == '/'
    }
}

/// Parses a character class after its `[`, and returns the rest after its `]`. A `]` in first
/// position and a `-` in first or last position are literals.
fn class(text: &str) -> Option<(Step, &str)> {
    let is_negated = text.starts_with(['!', '^']);
    let mut rest = if is_negated { &text[1..] } else { text };
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty()
            && let Some(after) = rest.strip_prefix(']')
        {
            return Some((Step::Class { ranges, is_negated }, after));
        }
        let first = member(&mut rest)?;
        let mut last = first;
        if let Some(after) = rest.strip_prefix('-')
            && !after.starts_with(']')
        {
            rest = after;
            last = member(&mut rest)?;
        }
        ranges.push((first, last));
    }
}

/// Parses one character of a class, which may be escaped by `\`.
fn member(rest: &mut &str) -> Option<char> {
    let mut characters = rest.chars();
    let character = match characters.next()? {
        '\\' => characters.next()?,
        character => character,
    };
    *rest = characters.as_str();
    Some(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(glob: &str, text: &str) -> bool {
        Glob::parse(glob, Separator::Slash).unwrap().matches(text)
    }

    #[test]
    fn globs_fit_whole_paths_part_by_part() {
        for (glob, fitting, others) in [
            ("a", &["a"][..], &["", "b", "aa", "a/a", "A"][..]),
            ("?", &["a", "ä", "?"], &["", "/", "ab"]),
            ("*", &["", "a", "a.txt", ".a"], &["/", "a/b"]),
            (
                "*.txt",
                &[".txt", "a.txt", "a.b.txt"],
                &["a/b.txt", "a.txt2"],
            ),
            ("a*b*c", &["abc", "axbxc", "abbcc"], &["ab", "acb", "a/bc"]),
            ("a/*", &["a/", "a/b"], &["a", "a/b/c", "b/a"]),
            ("*/b", &["a/b", "/b"], &["b", "a/a/b"]),
            ("**", &["", "a", "a/b/c", "/"], &[]),
            ("**/a", &["a", "b/a", "c/b/a", "/a"], &["ba", "a/b", "b/ba"]),
            ("a/**", &["a/", "a/b", "a/b/c"], &["a", "ab", "b/a/c"]),
            (
                "a/**/b",
                &["a/b", "a/x/b", "a/x/y/b"],
                &["ab", "a/xb", "a/b/x"],
            ),
            ("**/a/**/b", &["a/b", "x/a/y/z/b"], &["b", "a", "b/a"]),
            // `**` is special only as a whole component.
            ("a**b", &["ab", "axb"], &["a/b"]),
            ("**.txt", &["a.txt"], &["a/b.txt"]),
            ("a/**b", &["a/b", "a/xb"], &["a/x/b"]),
            ("[abc]", &["a", "b", "c"], &["d", "ab", "", "[abc]"]),
            ("[a-c]x", &["ax", "bx", "cx"], &["dx", "-x"]),
            ("[!a-c]", &["d", "-", "ä"], &["a", "c", "/", ""]),
            ("[^a]", &["b"], &["a", "/"]),
            ("[]a]", &["]", "a"], &["b", "[]a]"]),
            ("[!]]", &["a"], &["]"]),
            ("[a-]", &["a", "-"], &["b"]),
            ("[-a]", &["a", "-"], &["b"]),
            ("[c-a]", &[], &["a", "b", "c"]),
            ("[\\]]", &["]"], &["\\"]),
            ("a[/]b", &[], &["a/b"]),
            ("[*]", &["*"], &["a"]),
            ("\\*", &["*"], &["a", "\\*"]),
            ("a\\/b", &["a/b"], &[]),
            ("]", &["]"], &[]),
            ("{a,b}", &["{a,b}"], &["a"]),
        ] {
            for text in fitting {
                assert!(fits(glob, text), "{glob} does not fit {text}");
            }
            for text in others {
                assert!(!fits(glob, text), "{glob} fits {text}");
            }
        }
    }

    #[test]
    fn in_media_types_a_slash_is_a_character() {
        for (glob, fitting) in [
            ("application/*", true),
            ("*json", true),
            ("*", true),
            ("**", true),
            ("application?vnd*", true),
            ("application[/]vnd*", true),
            ("text/*", false),
        ] {
            let glob = Glob::parse(glob, Separator::Absent).unwrap();
            assert_eq!(glob.matches("application/vnd.me+json"), fitting, "{glob:?}");
        }
    }

    /// A backtracking reference implementation.
    fn naive(glob: &[char], text: &[char], starts_component: bool) -> bool {
        match (glob, text) {
            (['*', '*'], _) if starts_component => true,
            (['*', '*', '/', rest @ ..], _) if starts_component => {
                naive(rest, text, true)
                    || (0..text.len())
                        .any(|at| text[at] == '/' && naive(rest, &text[at + 1..], true))
            }
            (['*', rest @ ..], _) => {
                naive(rest, text, false)
                    || text
                        .split_first()
                        .is_some_and(|(first, after)| *first != '/' && naive(glob, after, false))
            }
            ([wanted, rest @ ..], [first, after @ ..]) => {
                wanted == first && naive(rest, after, *wanted == '/')
            }
            ([], []) => true,
            _ => false,
        }
    }

    #[test]
    fn every_short_glob_fits_what_it_means() {
        let texts = words(&['a', 'b', '/'], 5);
        for glob in words(&['a', '*', '/'], 6) {
            let characters: Vec<char> = glob.chars().collect();
            let Ok(parsed) = Glob::parse(&glob, Separator::Slash) else {
                assert!(glob.is_empty());
                continue;
            };
            for text in &texts {
                let text_characters: Vec<char> = text.chars().collect();
                assert_eq!(
                    parsed.matches(text),
                    naive(&characters, &text_characters, true),
                    "{glob} and {text}"
                );
            }
        }
    }

    /// Returns all strings of up to `longest` of these characters.
    fn words(characters: &[char], longest: usize) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut begin = 0;
        for _ in 0..longest {
            let end = words.len();
            for word in begin..end {
                for character in characters {
                    words.push(format!("{}{character}", words[word]));
                }
            }
            begin = end;
        }
        words
    }

    #[test]
    fn no_glob_takes_long() {
        // A backtracking matcher would take exponential time.
        let text = "a".repeat(4000);
        for part in ["*a", "**/", "a*", "*/**/"] {
            let glob = part.repeat(200) + "b";
            assert!(!fits(&glob, &text), "{part}");
        }
    }
}
