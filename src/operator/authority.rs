//! `hubgate org ca`: an organization's certificate authorities.

use std::path::Path;

use serde_json::json;

use super::cli::AuthorityCommand;
use super::context::{Context, actor, confirm};
use super::failure::Failure;
use super::key::read_key;
use crate::db::AuthorityRow;
use crate::report::when::minute;
use crate::report::{Report, json_time};

pub(super) fn run(command: AuthorityCommand, config: &Path) -> Result<Report, Failure> {
    match command {
        AuthorityCommand::Add { organization, file, max_ttl } => {
            let (key, _) = read_key(&file, None)?;
            let mut context = Context::open(config)?;
            context.store.change(&actor(), |change| change.add_authority(&organization, &key, max_ttl))?;
            let fingerprint = key.fingerprint();
            let text = format!("certificates of {fingerprint} are good for {organization}, for {max_ttl} s at most\n");
            let json = json!({
                "organization": organization.as_str(), "fingerprint": fingerprint.to_string(), "max_ttl": max_ttl,
            });
            Ok(Report::new(text, json))
        }
        AuthorityCommand::List { organization } => {
            let authorities = Context::open(config)?.store.view().authorities(&organization)?;
            let row = |row: &AuthorityRow| {
                let ttl = format!("{} s", row.max_ttl);
                [row.fingerprint.to_string(), row.key_type.as_str().to_owned(), ttl, minute(Some(row.added_at))]
            };
            let object = |row: &AuthorityRow| {
                json!({
                    "fingerprint": row.fingerprint.to_string(), "type": row.key_type.as_str(),
                    "max_ttl": row.max_ttl, "added_at": json_time(Some(row.added_at)),
                })
            };
            let rows = authorities.iter().map(row).collect();
            let json = authorities.iter().map(object).collect();
            Ok(Report::table(["FINGERPRINT", "TYPE", "MAX TTL", "ADDED"], rows, json))
        }
        AuthorityCommand::Revoke { organization, certificate } => {
            let what = certificate.as_str();
            let mut context = Context::open(config)?;
            context.store.change(&actor(), |change| change.revoke_certificate(&organization, what))?;
            let json = json!({ "organization": organization.as_str(), "revoked": what });
            Ok(Report::new(format!("revoked {what} of {organization}\n"), json))
        }
        AuthorityCommand::Remove { organization, fingerprint, sure } => {
            let mut context = Context::open(config)?;
            confirm(&sure, &format!("End the authority {fingerprint} of {organization}?"))?;
            context.store.change(&actor(), |change| change.remove_authority(&organization, &fingerprint))?;
            let json = json!({ "organization": organization.as_str(), "removed": fingerprint.to_string() });
            Ok(Report::new(format!("{fingerprint} signs for {organization} no longer\n"), json))
        }
    }
}
