//! Lines about tags that are copied, one after the other.

use oras::backup::Event;
use oras::{Result, copy};

use super::Lines;
use crate::context::Context;

/// How many tags are named in one line.
const MAX_IN_LINE: usize = 5;

/// How a command speaks of what it does.
pub(crate) struct Words {
    pub(crate) started: &'static str,
    pub(crate) copied: &'static str,
    /// Before a tag that is done.
    pub(crate) tagged: &'static str,
    /// Whether there is a line about content that was there and got a tag.
    pub(crate) named: bool,
}

/// Writes status lines to stdout, and remembers how far it came.
pub(crate) struct TagLines<'c> {
    lines: Lines<'c>,
    words: Words,
    /// Where the tags are.
    place: String,
    tag: Option<String>,
}

impl<'c> TagLines<'c> {
    /// Lines about the tags that are in `place`.
    pub(crate) const fn new(context: &'c mut Context, words: Words, place: String) -> Self {
        Self {
            lines: Lines::new(context, true),
            words,
            place,
            tag: None,
        }
    }

    /// The lines about an event.
    pub(crate) fn tell(&mut self, event: Event<'_>) -> Result<()> {
        match event {
            Event::Found([]) => Ok(()),
            Event::Found(tags) => self.found(tags),
            Event::Tag(tag) => {
                self.tag = Some(tag.to_owned());
                Ok(())
            }
            Event::Copy(event) => self.copy(event),
            Event::Tagged { tag, referrers } => {
                let tagged = self.words.tagged;
                self.lines
                    .line(&format!("{tagged} {tag} with {referrers} referrer(s)"))
            }
            _ => Ok(()),
        }
    }

    /// The tag that is being copied.
    pub(crate) fn into_tag(self) -> Option<String> {
        self.tag
    }

    fn found(&mut self, tags: &[String]) -> Result<()> {
        let found = format!("Found {} tag(s) in {}:", tags.len(), self.place);
        if tags.len() <= MAX_IN_LINE {
            return self.lines.line(&format!("{found} {}", tags.join(", ")));
        }
        self.lines.line(&found)?;
        tags.iter().try_for_each(|tag| self.lines.line(tag))
    }

    fn copy(&mut self, event: copy::Event<'_>) -> Result<()> {
        match event {
            copy::Event::Started(node) => self.lines.about(self.words.started, node),
            copy::Event::Copied(node) => self.lines.about(self.words.copied, node),
            copy::Event::Named(node) if self.words.named => self.lines.about("Exists   ", node),
            copy::Event::Existed(node) => self.lines.about("Exists   ", node),
            copy::Event::Repeated(node) => self.lines.about("Skipped  ", node),
            copy::Event::Gone(node) => {
                let gone = &node.digest;
                let warning = format!("Warning: {gone} is not there any more, and was left out\n");
                self.lines.context.warn(&warning);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
