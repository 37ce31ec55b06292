//! What the commands that delete have in common: they look, ask, and delete.

use crate::cli::groups::{Descriptor, Force, Pretty};
use crate::cli::quote;
use crate::error::CliError;
use crate::output::format::print_json;
use crate::process::Process;
use crate::target::{DeletableStore, Target};

/// A wish to delete something.
pub(super) struct Deletion<'a> {
    /// What it is: a manifest or a blob.
    pub(super) noun: &'static str,
    /// What else goes, as the end of the question.
    pub(super) besides: &'static str,
    pub(super) target: &'a Target,
    pub(super) reference: &'a str,
    pub(super) force: &'a Force,
    pub(super) descriptor: &'a Descriptor,
    pub(super) pretty: &'a Pretty,
}

/// A question would be in the way of a descriptor that a program reads.
pub(super) fn check(force: &Force, descriptor: &Descriptor) -> Result<(), CliError> {
    if descriptor.descriptor && !force.force {
        return Err(CliError::usage(
            "must apply --force to confirm the deletion if the descriptor is outputted",
        ));
    }
    Ok(())
}

impl Deletion<'_> {
    /// Deletes from `store`, unless whoever is asked says no.
    pub(super) fn run(
        &self,
        store: &dyn DeletableStore,
        process: &mut Process,
    ) -> Result<(), CliError> {
        let (noun, raw) = (self.noun, self.target.raw());
        let force = self.force.force;
        let descriptor = match store.resolve(self.reference) {
            Ok(descriptor) => descriptor,
            Err(error) if error.is_not_found() && force && !self.descriptor.descriptor => {
                return process.print_status(&format!("Missing {raw}"));
            }
            Err(error) if error.is_not_found() => {
                return Err(CliError::not_found(format!(
                    "{raw}: the specified {noun} does not exist"
                )));
            }
            Err(error) => return Err(self.target.failure(&error)),
        };
        if !force {
            let digest = quote::double(descriptor.digest.as_str());
            let besides = self.besides;
            let question =
                format!("Are you sure you want to delete the {noun} {digest}{besides}? [y/N] ");
            let answer = process.ask(&question)?.to_lowercase();
            if !matches!(answer.as_str(), "y" | "yes") {
                return process.print_line("Operation cancelled.");
            }
        }
        store.delete(&descriptor).map_err(|error| {
            self.target
                .failure(&error.context(format!("failed to delete {raw}")))
        })?;
        if self.descriptor.descriptor {
            let json = oras::json::to_vec(&descriptor);
            return print_json(&json, self.pretty.pretty, process);
        }
        process.print_status(&format!("Deleted {}", self.target.shown()))
    }
}
