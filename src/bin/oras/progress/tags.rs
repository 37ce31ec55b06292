//! Status of backup and restore, which copy one tag after the other.

use oras::Result;
use oras::progress::Event;

use super::display::ProgressDisplay;
use super::{Labels, Status};
use crate::process::Process;

/// Tags listed in one line; more are listed one per line.
const MAX_TAGS_IN_LINE: usize = 5;

/// The words of a command about tags.
pub(crate) struct TagLabels {
    pub(crate) content: &'static Labels,
    /// Precedes a tag that was copied.
    pub(crate) tag: &'static str,
    /// Whether there is a line about a root that existed and got its tag.
    pub(crate) with_tagged_root: bool,
}

/// Prints lines about tags, and shows their content like [`Status`]. Remembers the current tag for
/// error messages.
pub(crate) struct TagStatus<'c> {
    status: Status<'c>,
    tag_label: &'static str,
    /// The repository or backup that the tags are in.
    source_name: String,
    current_tag: Option<String>,
}

impl<'c> TagStatus<'c> {
    pub(crate) fn new(
        process: &'c mut Process,
        display: Option<ProgressDisplay>,
        labels: &TagLabels,
        source_name: String,
    ) -> Self {
        Self {
            status: Status::new(process, labels.content, true)
                .with_display(display)
                .report_tagged_root(labels.with_tagged_root),
            tag_label: labels.tag,
            source_name,
            current_tag: None,
        }
    }

    /// Shows an event.
    pub(crate) fn report(&mut self, event: Event<'_>) -> Result<()> {
        match event {
            Event::TagsFound([]) => Ok(()),
            Event::TagsFound(tags) => self.tags_found(tags),
            Event::TagStarted(tag) => {
                self.current_tag = Some(tag.to_owned());
                Ok(())
            }
            Event::TagFinished { tag, digest, .. } if self.status.is_quiet() => {
                self.status.result_line(&format!("{digest} {tag}"))
            }
            Event::TagFinished { tag, referrers, .. } => {
                let label = self.tag_label;
                self.status
                    .line(&format!("{label} {tag} with {referrers} referrer(s)"))
            }
            event => self.status.report(event),
        }
    }

    /// Returns the tag that was being copied when the operation ended, and the number of tags and
    /// referrers that were skipped because they are missing at the source.
    pub(crate) fn finish(self) -> (Option<String>, usize) {
        (self.current_tag, self.status.skipped())
    }

    fn tags_found(&mut self, tags: &[String]) -> Result<()> {
        let found = format!("Found {} tag(s) in {}:", tags.len(), self.source_name);
        if tags.len() <= MAX_TAGS_IN_LINE {
            return self.status.line(&format!("{found} {}", tags.join(", ")));
        }
        self.status.line(&found)?;
        tags.iter().try_for_each(|tag| self.status.line(tag))
    }
}
