//! The database: its files, its version, and whether it can be read and is intact. Only reads.

use std::path::Path;

use super::Findings;
use super::files::{check_mode, check_parents};
use crate::db::{Error, ErrorKind, Reader, Store, VERSION};
use crate::passwd::Login;

/// What to do about a database that cannot be read.
const RESTORE: &str = "put the last backup in its place: hubgate restore BACKUP";

/// Checks the database, and returns it if it can be read.
pub(super) fn check(findings: &mut Findings, database: &Path, login: &Login, keys: &Login) -> Option<Reader> {
    check_files(findings, database, login, keys);
    if !database.exists() {
        return None;
    }
    let reader =
        Reader::open(database).and_then(|reader| reader.ask(|view| view.versions()).map(|versions| (reader, versions)));
    let (reader, versions) = match reader {
        Ok(found) => found,
        Err(error) => {
            fault(findings, database, &error);
            return None;
        }
    };
    match versions {
        (version, min_reader) if min_reader > VERSION => {
            findings.bad("database", Error::TooNew { version, min_reader }.to_string(), "upgrade hubgate");
            return None;
        }
        (version, _) if version > VERSION => {
            let text =
                format!("of version {version}, this hubgate writes {VERSION}: sessions are served, changes refused");
            findings.odd("database", text, "upgrade hubgate");
        }
        (version, _) if version < VERSION => {
            let text =
                format!("of version {version}, this hubgate writes {VERSION}: sessions are served, changes refused");
            findings.odd("database", text, "hubgate migrate");
        }
        (version, _) => findings.good("database", format!("of version {version}")),
    }
    match reader.ask(|view| view.damage()) {
        Ok(None) => findings.good("database", "whole"),
        Ok(Some(damage)) => {
            findings.bad("database", format!("{} is damaged: {damage}", database.display()), RESTORE);
            return None;
        }
        Err(error) => {
            fault(findings, database, &error);
            return None;
        }
    }
    Some(reader)
}

fn check_files(findings: &mut Findings, database: &Path, login: &Login, keys: &Login) {
    check_parents(findings, "database", database.parent().unwrap_or(database));
    let directory = database.parent().unwrap_or(Path::new("/"));
    check_mode(findings, "database", directory, login, keys, 0o2750);
    if database.symlink_metadata().is_err() {
        let mend = "hubgate restore BACKUP, or make an empty one: hubgate init";
        findings.bad("database", format!("{} is missing", database.display()), mend);
    }
    for file in Store::files(database) {
        // Readers do not need the files beside the database, and the next writer makes them.
        if file.symlink_metadata().is_ok() {
            check_mode(findings, "database", &file, login, keys, 0o640);
        }
    }
}

/// Words a fault for the operator.
fn fault(findings: &mut Findings, database: &Path, error: &Error) {
    if error.kind() == ErrorKind::Locked {
        let mend = format!("see who holds it, and end that: fuser --verbose {}", database.display());
        findings.bad("database", format!("{error}: somebody holds it to himself"), mend);
    } else {
        findings.bad("database", error.to_string(), RESTORE);
    }
}
