//! A large hub: the real schema, filled the fast way. Each account has a key, a model, a dataset and a removed
//! repository. Each account and each model has a row in the audit table.

use std::time::Instant;

use hubgate::key::Fingerprint;
use rusqlite::{Connection, Transaction, params};

use super::hub::Hub;
use super::keys::blob;
use super::{Outcome, interrupt};

/// How many public repositories the owner `big` has.
pub(crate) const OF_BIG: u64 = 1_000;
/// How many private repositories the owner `hidden` has.
pub(crate) const OF_HIDDEN: u64 = 100_000;

/// The row of the first account.
const FIRST: u64 = 1_000;
/// When the first thing was added, in seconds since 1970. Each account is added one second later than the one before.
const START: i64 = 1_600_000_000;
/// A look at the interrupt flag each so many rows.
const CHECK_EACH: u64 = 1 << 16;

/// What was made.
pub(crate) struct Made {
    pub(crate) bytes: u64,
    pub(crate) seconds: f64,
}

/// The name of the account with this number.
pub(crate) fn user(number: u64) -> String {
    format!("user-{number:08}")
}

/// The fingerprint of the key of the account with this number.
pub(crate) fn fingerprint(number: u64) -> Fingerprint {
    Fingerprint::of_blob(&blob(number))
}

/// Fills the database of the hub.
pub(crate) fn fill(hub: &Hub, accounts: u64) -> Outcome<Made> {
    let start = Instant::now();
    let mut connection = Connection::open(&hub.database)?;
    let fast = "PRAGMA locking_mode = exclusive; PRAGMA synchronous = off; PRAGMA cache_size = -500000";
    connection.execute_batch(fast)?;
    let transaction = connection.transaction()?;
    // Indexes that are no constraint are made at the end, as the schema has them.
    let indexes: Vec<(String, String)> = {
        let mut find =
            transaction.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")?;
        let rows = find.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<Result<_, _>>()?
    };
    for (name, _) in &indexes {
        transaction.execute_batch(&format!("DROP INDEX {name}"))?;
    }
    add_owners(&transaction, accounts)?;
    add_keys(&transaction, accounts)?;
    add_repositories(&transaction, accounts)?;
    add_events(&transaction, accounts)?;
    for (_, sql) in &indexes {
        transaction.execute_batch(sql)?;
    }
    transaction.commit()?;
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    drop(connection);
    Ok(Made { bytes: hub.database.metadata()?.len(), seconds: start.elapsed().as_secs_f64() })
}

fn at(number: u64) -> Outcome<i64> {
    Ok(START + i64::try_from(number)?)
}

fn row(number: u64) -> Outcome<i64> {
    Ok(i64::try_from(FIRST + number)?)
}

fn check(number: u64) -> Outcome {
    if number.checked_rem(CHECK_EACH) == Some(0) { interrupt::check() } else { Ok(()) }
}

fn add_owners(transaction: &Transaction<'_>, accounts: u64) -> Outcome {
    let mut insert = transaction.prepare(
        "INSERT INTO owner (id, name, folded, kind, may_create, created_at) VALUES (?1, ?2, ?2, 'user', 1, ?3)",
    )?;
    for number in 0..accounts {
        check(number)?;
        insert.execute(params![row(number)?, user(number), at(number)?])?;
    }
    for (number, name) in [(accounts, "big"), (accounts + 1, "hidden")] {
        insert.execute(params![row(number)?, name, at(number)?])?;
    }
    Ok(())
}

fn add_keys(transaction: &Transaction<'_>, accounts: u64) -> Outcome {
    let mut numbered: Vec<(Fingerprint, u64)> = (0..accounts).map(|number| (fingerprint(number), number)).collect();
    // In the order of the primary key, pages are filled one after the other.
    numbered.sort_unstable();
    let mut insert = transaction.prepare(
        "INSERT INTO key (fingerprint, owner_id, type, blob, title, scope, added_at, expires_at)
         VALUES (?1, ?2, 'ssh-ed25519', ?3, 'Personal computer', 'write', ?4, ?5)",
    )?;
    let soon = hubgate::clock::now() + 7 * 86_400;
    for (fingerprint, number) in numbered {
        let expires_at = (number.checked_rem(100) == Some(0)).then_some(soon);
        insert.execute(params![fingerprint.as_bytes(), row(number)?, blob(number), at(number)?, expires_at])?;
    }
    Ok(())
}

fn add_repositories(transaction: &Transaction<'_>, accounts: u64) -> Outcome {
    let mut insert = transaction.prepare(
        "INSERT INTO repository (owner_id, kind, name, folded, directory, visibility, object_format, description,
                                 created_by, created_at, removed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'sha1', 'A repository of the bench', ?1, ?7, ?8)",
    )?;
    let mut id: u128 = 0;
    let mut add = |owner: u64, kind: &str, name: &str, visibility: &str, is_removed: bool| -> Outcome {
        id += 1;
        let (folded, at) = ((!is_removed).then_some(name), at(owner)?);
        let removed_at = is_removed.then_some(at + 1);
        insert.execute(params![row(owner)?, kind, name, folded, format!("{id:032x}"), visibility, at, removed_at])?;
        Ok(())
    };
    for number in 0..accounts {
        check(number)?;
        add(number, "dataset", "data", "public", false)?;
        add(number, "model", "removed", "public", true)?;
        add(number, "model", "model", "public", false)?;
    }
    for number in 0..OF_BIG {
        add(accounts, "model", &format!("shown-{number:06}"), "public", false)?;
    }
    for number in 0..OF_HIDDEN {
        add(accounts + 1, "model", &format!("hidden-{number:06}"), "private", false)?;
    }
    Ok(())
}

/// One event for each account and one for each model, entered under their names in the order of the index.
fn add_events(transaction: &Transaction<'_>, accounts: u64) -> Outcome {
    let mut insert = transaction.prepare(
        "INSERT INTO audit (id, at, actor, event, object, detail) VALUES (?1, ?2, 'operator:root', ?3, ?4, ?5)",
    )?;
    let mut about = transaction.prepare("INSERT INTO audit_about (name, at, event) VALUES (?1, ?2, ?3)")?;
    for number in 0..accounts {
        check(number)?;
        let (id, at) = (2 * row(number)?, at(number)?);
        insert.execute(params![id, at, "user.create", user(number), r#"{"may_create":true}"#])?;
        insert.execute(params![
            id + 1,
            at,
            "repo.create",
            format!("{}/model", user(number)),
            r#"{"visibility":"public"}"#
        ])?;
        about.execute(params!["", at, id])?;
        about.execute(params!["", at, id + 1])?;
    }
    for number in 0..accounts {
        check(number)?;
        let (id, at) = (2 * row(number)?, at(number)?);
        about.execute(params![user(number), at, id])?;
        about.execute(params![format!("{}/model", user(number)), at, id + 1])?;
    }
    Ok(())
}
