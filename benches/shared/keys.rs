//! Databases of many keys: the real schema, filled the fast way. The bench's only user of `rusqlite`.

use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use hubgate::db::Store;
use hubgate::key::Fingerprint;
use rusqlite::{Connection, params};

use super::accounts::Ids;
use super::place::Place;
use super::samples::Random;
use super::{Outcome, interrupt};

const KEY_TYPE: &[u8] = b"ssh-ed25519";
/// How many keys an account has.
const KEYS_PER_ACCOUNT: u64 = 2;
/// When, in seconds since 1970.
const ADDED_AT: i64 = 1_764_000_000;
/// A look at the interrupt flag each so many rows.
const CHECK_EACH: usize = 1 << 16;

/// Makes a database with so many keys, with the owners and modes that `hubgate init` gives it.
pub(crate) fn make_database(place: &Place, name: &str, keys: u64, login: Ids, helper: Ids) -> Outcome<PathBuf> {
    let directory = place.path(name);
    DirBuilder::new().mode(0o750).create(&directory)?;
    let database = directory.join("hubgate.db");
    drop(Store::create(&database)?);
    if keys > 0 {
        fill(&database, keys)?;
    }
    // Back to how every writer leaves it: WAL, with -wal and -shm in place.
    drop(Store::open(&database)?);
    for file in std::fs::read_dir(&directory)? {
        let file = file?.path();
        chown(&file, Some(login.uid), Some(helper.gid))?;
        std::fs::set_permissions(&file, Permissions::from_mode(0o640))?;
    }
    chown(&directory, Some(login.uid), Some(helper.gid))?;
    std::fs::set_permissions(&directory, Permissions::from_mode(0o2750))?;
    Ok(database)
}

/// The blob of a key that only its number makes: type and 32 bytes, each behind its length (RFC 8709, section 4).
pub(crate) fn blob(number: u64) -> Vec<u8> {
    let mut random = Random(number.wrapping_mul(4));
    let mut blob = vec![0, 0, 0, 11];
    blob.extend(KEY_TYPE);
    blob.extend([0, 0, 0, 32]);
    (0..4).for_each(|_| blob.extend(random.next().to_le_bytes()));
    blob
}

fn fill(database: &Path, keys: u64) -> Outcome {
    let mut numbered: Vec<(Fingerprint, u32)> = Vec::with_capacity(usize::try_from(keys)?);
    for number in 0..u32::try_from(keys)? {
        numbered.push((Fingerprint::of_blob(&blob(number.into())), number));
    }
    // In the order of the primary key, pages are filled one after the other.
    numbered.sort_unstable();
    let mut connection = Connection::open(database)?;
    let fast = "PRAGMA locking_mode = exclusive; PRAGMA journal_mode = off; PRAGMA synchronous = off;
                PRAGMA cache_size = -500000";
    connection.execute_batch(fast)?;
    let transaction = connection.transaction()?;
    // Indexes that are no constraint are made at the end, as the schema has them.
    let mut indexes = Vec::new();
    {
        let find = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'key' AND sql IS NOT NULL";
        let mut find = transaction.prepare(find)?;
        for row in find.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))? {
            indexes.push(row?);
        }
    }
    for (name, _) in &indexes {
        transaction.execute_batch(&format!("DROP INDEX {name}"))?;
    }
    {
        let mut insert = transaction.prepare(
            "INSERT INTO owner (id, name, folded, kind, may_create, created_at) VALUES (?1, ?2, ?2, 'user', 1, ?3)",
        )?;
        for id in 0..=keys / KEYS_PER_ACCOUNT {
            insert.execute(params![i64::try_from(id)?, format!("user-{id:08}"), ADDED_AT])?;
        }
        let mut insert = transaction.prepare(
            "INSERT INTO key (fingerprint, owner_id, type, blob, title, scope, added_at)
             VALUES (?1, ?2, 'ssh-ed25519', ?3, 'Personal computer', 'write', ?4)",
        )?;
        for (row, (fingerprint, number)) in numbered.iter().enumerate() {
            if row % CHECK_EACH == 0 {
                interrupt::check()?;
            }
            let number = u64::from(*number);
            let owner = i64::try_from(number / KEYS_PER_ACCOUNT)?;
            insert.execute(params![fingerprint.as_bytes(), owner, blob(number), ADDED_AT])?;
        }
    }
    for (_, sql) in &indexes {
        transaction.execute_batch(sql)?;
    }
    transaction.commit()?;
    Ok(())
}
