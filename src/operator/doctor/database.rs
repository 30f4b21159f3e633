//! The database: its files, whether it can be read, its version, and whether it is intact. Only reads.

use std::path::Path;

use super::files::{check_mode, check_parents};
use super::findings::{Extent, Findings};
use crate::db::{Error, ErrorKind, Reader, Store, VERSION};
use crate::passwd::Login;

/// The fix for a database that cannot be read.
const RESTORE: &str = "restore the last backup: hubgate restore BACKUP";

/// Checks the database. Returns it if it can be read.
pub(super) fn check(
    findings: &mut Findings,
    database: &Path,
    login: &Login,
    keys: &Login,
    extent: Extent,
) -> Option<Reader> {
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
                format!("version {version}, but this hubgate writes {VERSION}: sessions work, changes are refused");
            findings.warn("database", text, "upgrade hubgate");
        }
        (version, _) if version < VERSION => {
            let text =
                format!("version {version}, but this hubgate writes {VERSION}: sessions work, changes are refused");
            findings.warn("database", text, "hubgate migrate");
        }
        (version, _) => findings.ok("database", format!("version {version}")),
    }
    if extent == Extent::Quick {
        return Some(reader);
    }
    match reader.ask(|view| view.damage()) {
        Ok(None) => findings.ok("database", "intact"),
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
        let fix = "hubgate restore BACKUP, or create an empty database: hubgate init";
        findings.bad("database", format!("{} is missing", database.display()), fix);
    }
    for file in Store::files(database) {
        // Readers work without -wal and -shm, and the next writer creates them.
        if file.symlink_metadata().is_ok() {
            check_mode(findings, "database", &file, login, keys, 0o640);
        }
    }
}

/// Adds the finding for an error of the database.
fn fault(findings: &mut Findings, database: &Path, error: &Error) {
    if error.kind() == ErrorKind::Locked {
        let fix = format!("find the process that holds it and end it: fuser --verbose {}", database.display());
        findings.bad("database", format!("{error}: another process holds an exclusive lock"), fix);
    } else {
        findings.bad("database", error.to_string(), RESTORE);
    }
}
