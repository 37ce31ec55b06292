//! Status of backup and restore, which copy one tag after the other.

use oras::Result;
use oras::progress::{Event, Observer};

use super::display::ProgressDisplay;
use super::{Labels, Notes, Status, observer};
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

/// Prints lines about tags, and shows their content like [`Status`].
pub(crate) struct TagStatus {
    status: Status,
    tag_label: &'static str,
    /// The repository or backup that the tags are in.
    source_name: String,
}

impl TagStatus {
    pub(crate) fn new(
        process: &Process,
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
        }
    }

    /// Returns the notes that the events leave.
    pub(crate) fn notes(&self) -> Notes {
        self.status.notes()
    }

    /// Returns an observer that shows events.
    pub(crate) fn observer(mut self) -> Observer {
        observer(&self.status.console.clone(), move |event| {
            self.report(event)
        })
    }

    fn report(&mut self, event: &Event<'_>) -> Result<()> {
        match *event {
            Event::TagsFound([]) => Ok(()),
            Event::TagsFound(tags) => {
                self.status.report(event)?;
                self.tags_found(tags)
            }
            Event::TagFinished { tag, digest, .. } if self.status.is_quiet() => {
                self.status.result_line(&format!("{digest} {tag}"))
            }
            Event::TagFinished { tag, referrers, .. } => {
                let label = self.tag_label;
                self.status
                    .line(&format!("{label} {tag} with {referrers} referrer(s)"))
            }
            _ => self.status.report(event),
        }
    }

    fn tags_found(&self, tags: &[String]) -> Result<()> {
        let found = format!("Found {} tag(s) in {}:", tags.len(), self.source_name);
        if tags.len() <= MAX_TAGS_IN_LINE {
            return self.status.line(&format!("{found} {}", tags.join(", ")));
        }
        self.status.line(&found)?;
        tags.iter().try_for_each(|tag| self.status.line(tag))
    }
}
