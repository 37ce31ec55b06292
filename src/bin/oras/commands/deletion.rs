//! The steps that all commands that delete have in common: resolve, ask, delete.

use crate::cli::groups::{Descriptor, Force, Pretty, TargetFlags, Verbose};
use crate::commands::prelude::*;
use crate::target::DeletableStore;

flags! {
    /// The flags of commands that delete.
    pub(crate) struct DeletionFlags {
        descriptor: Descriptor,
        force: Force,
        pretty: Pretty,
        target: TargetFlags,
        verbose: Verbose,
    }
}

/// A deletion that the user requested.
pub(super) struct Deletion<'a> {
    /// `manifest` or `blob`.
    pub(super) noun: &'static str,
    /// End of the question: further content that is deleted.
    pub(super) side_effects: &'static str,
    pub(super) target: &'a Target,
    pub(super) reference: &'a str,
    pub(super) flags: &'a DeletionFlags,
}

impl DeletionFlags {
    /// Rejects `--descriptor` without `--force`: the question would precede the descriptor on
    /// stdout.
    pub(super) fn check(&self) -> Result<(), CliError> {
        if self.descriptor.descriptor && !self.force.force {
            return Err(CliError::usage(
                "must apply --force to confirm the deletion if the descriptor is outputted",
            ));
        }
        Ok(())
    }
}

impl Deletion<'_> {
    /// Deletes from `store`, unless the user declines.
    pub(super) fn run(
        &self,
        store: &dyn DeletableStore,
        process: &mut Process,
    ) -> Result<(), CliError> {
        let (noun, raw) = (self.noun, self.target.raw());
        let force = self.flags.force.force;
        let prints_descriptor = self.flags.descriptor.descriptor;
        let descriptor = match store.resolve(self.reference) {
            Ok(descriptor) => descriptor,
            Err(error) if error.is_not_found() && force && !prints_descriptor => {
                return process.print_status(&format!("Missing {raw}"));
            }
            Err(error) if error.is_not_found() => {
                return Err(CliError::not_found(format!(
                    "{raw}: the specified {noun} does not exist"
                )));
            }
            Err(error) => return Err(self.target.cli_error(&error)),
        };
        if !force {
            let digest = quote::double(descriptor.digest.as_str());
            let side_effects = self.side_effects;
            let question = format!(
                "Are you sure you want to delete the {noun} {digest}{side_effects}? [y/N] "
            );
            let answer = process.ask(&question)?.to_lowercase();
            if !matches!(answer.as_str(), "y" | "yes") {
                return process.print_line("Operation cancelled.");
            }
        }
        store.delete(&descriptor).map_err(|error| {
            self.target
                .cli_error(&error.context(format!("failed to delete {raw}")))
        })?;
        if prints_descriptor {
            return print_descriptor(&descriptor, &self.flags.pretty, process);
        }
        process.print_status(&format!("Deleted {}", self.target.shown()))
    }
}
