//! `hubgate deploy-key`: keys of one repository.

use std::path::Path;

use super::cli::DeployKeyCommand;
use super::context::{Context, actor, confirm};
use super::failure::Failure;
use super::key::{read_key, removed_report};
use crate::access::{Removal, Scope};
use crate::db::NewKey;
use crate::report::{Report, key_json, key_table};

pub(super) fn run(command: DeployKeyCommand, config: &Path) -> Result<Report, Failure> {
    match command {
        DeployKeyCommand::Add { path, file, write, title, expires } => {
            let (key, title) = read_key(&file, title)?;
            let mut context = Context::open(config)?;
            let scope = if write { Scope::Write } else { Scope::Read };
            let expires_at = expires.map(|end| end.0);
            let new = NewKey { key: &key, title: &title, scope, expires_at, sources: None };
            let row = context.store.change(&actor(), |change| change.add_deploy_key(&path, &new))?;
            let text = format!("added \"{}\" ({}) to {}\n", row.title, row.fingerprint, row.holder);
            Ok(Report::new(text, key_json(&context.config, &row)))
        }
        DeployKeyCommand::List { path } => {
            let context = Context::open(config)?;
            let repository = context.store.view().repository(&path)?;
            Ok(key_table("REPOSITORY", &context.config, &context.store.view().deploy_keys(repository.id)?))
        }
        DeployKeyCommand::Remove { fingerprint, sure } => {
            let mut context = Context::open(config)?;
            let key = context.store.view().key(&fingerprint)?;
            confirm(&sure, &format!("Remove the key \"{}\" of {}?", key.title, key.holder))?;
            context.store.change(&actor(), |change| change.remove_key(&fingerprint, Removal::Ordinary))?;
            removed_report(&context, &fingerprint)
        }
    }
}
