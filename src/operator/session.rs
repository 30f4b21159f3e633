//! `hubgate session`: running sessions, for the operator.

use serde_json::json;

use super::cli::{SessionCommand, Which};
use super::context::Context;
use super::failure::Failure;
use crate::commands::ending::{end, running};
use crate::report::when::minute;
use crate::report::{Report, json_time};
use crate::request::ForcedCommand;
use crate::session::Record;

pub(super) fn run(command: &SessionCommand, context: &Context) -> Result<Report, Failure> {
    let mut sessions = running(&context.config);
    sessions.sort_by(|one, other| (one.since, &one.sid).cmp(&(other.since, &other.sid)));
    match command {
        SessionCommand::List => Ok(list(&sessions)),
        SessionCommand::End(which) => {
            let chosen = chosen(which, context, sessions)?;
            end(&context.config, &chosen);
            // The number of ended sessions is added to each report.
            let text = if chosen.is_empty() { "no such session runs\n" } else { "" };
            let json = chosen.iter().map(|(record, _)| record.sid.clone()).collect::<Vec<_>>();
            Ok(Report::new(text.to_owned(), json!({ "sessions": json })))
        }
    }
}

fn list(sessions: &[Record]) -> Report {
    let repository = |record: &Record| record.repository.as_ref().map(|(path, _)| path.to_string());
    let row = |record: &Record| {
        [
            record.sid.clone(),
            record.forced_command.user().to_owned(),
            record.forced_command.key(),
            record.address.clone(),
            record.activity.to_string(),
            repository(record).unwrap_or_else(|| "-".to_owned()),
            minute(Some(record.since)),
        ]
    };
    let json = sessions.iter().map(|record| {
        json!({
            "session": record.sid,
            "user": record.forced_command.user(),
            "key": record.forced_command.fingerprint().map(|key| key.to_string()),
            "from": record.address,
            "verb": record.activity.as_str(),
            "repository": repository(record),
            "since": json_time(Some(record.since)),
            "pid": record.process.pid().as_raw(),
        })
    });
    let json = json.collect();
    let heading = ["SESSION", "USER", "KEY", "FROM", "VERB", "REPOSITORY", "SINCE"];
    Report::table(heading, sessions.iter().map(row).collect(), json)
}

/// The sessions that are to end.
fn chosen(which: &Which, context: &Context, running: Vec<Record>) -> Result<Vec<(Record, &'static str)>, Failure> {
    let Which { id, user, repo, key, all } = which;
    let row = repo.as_ref().map(|path| context.store.view().repository(path)).transpose()?.map(|row| row.id);
    let user = user.as_ref().map(|user| context.store.view().owner(user)).transpose()?.map(|owner| owner.name);
    let is_chosen = |record: &Record| {
        let owner = match &record.forced_command {
            ForcedCommand::Account(user, _) | ForcedCommand::Certificate(user, _) => Some(user),
            ForcedCommand::Anonymous(_) | ForcedCommand::DeployKey(_) | ForcedCommand::AuthInfo => None,
        };
        *all || id.as_ref() == Some(&record.sid)
            || user.is_some() && user.as_ref() == owner
            || key.is_some() && *key == record.forced_command.fingerprint()
            || row.is_some() && row == record.repository.as_ref().map(|(_, row)| *row)
    };
    let chosen: Vec<_> = running.into_iter().filter(is_chosen).map(|record| (record, "operator")).collect();
    match id {
        Some(id) if chosen.is_empty() => Err(Failure::Refused(format!("there is no session {id}"))),
        Some(_) | None => Ok(chosen),
    }
}
