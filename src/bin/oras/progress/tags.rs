//! What is told about tags that are copied, one after the other.

use oras::backup::Event;
use oras::{Result, copy};

use super::display::Bars;
use super::{PUSHING, Status, Words as Verbs};
use crate::process::Process;

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

/// Tells about tags in lines on stdout, and about their content as [`Status`] does. Remembers how far it came.
pub(crate) struct TagStatus<'c> {
    status: Status<'c>,
    words: Words,
    /// Where the tags are.
    place: String,
    tag: Option<String>,
}

impl<'c> TagStatus<'c> {
    /// What is told about the tags that are in `place`.
    pub(crate) fn new(
        process: &'c mut Process,
        bars: Option<Bars>,
        words: Words,
        place: String,
    ) -> Self {
        Self {
            status: Status::new(process, true).by(bars),
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
                self.status
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
            return self.status.line(&format!("{found} {}", tags.join(", ")));
        }
        self.status.line(&found)?;
        tags.iter().try_for_each(|tag| self.status.line(tag))
    }

    fn copy(&mut self, event: copy::Event<'_>) -> Result<()> {
        if self.status.bars.is_some() && !matches!(event, copy::Event::Gone(_)) {
            let verbs = Verbs {
                started: self.words.started,
                copied: self.words.copied,
                ..PUSHING
            };
            self.status.bar(&verbs, event);
            return Ok(());
        }
        match event {
            copy::Event::Started(node) => self.status.about(self.words.started, node),
            copy::Event::Copied(node) => self.status.about(self.words.copied, node),
            copy::Event::Named(node) if self.words.named => self.status.about("Exists   ", node),
            copy::Event::Existed(node) => self.status.about("Exists   ", node),
            copy::Event::Repeated(node) => self.status.about("Skipped  ", node),
            copy::Event::Gone(node) => {
                let gone = &node.digest;
                let warning = format!("Warning: {gone} is not there any more, and was left out\n");
                self.status.warn(&warning);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
