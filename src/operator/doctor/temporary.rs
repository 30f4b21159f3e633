//! The temporary account of `doctor --login`: a second process of this program, which becomes the account that serves.
//!
//! It adds the account, says so, and waits until its standard input ends. Then it erases the account. So nothing is
//! left after any end of doctor, also if doctor is killed. What a machine that lost power left is erased the next time.

use std::fs::remove_file;
use std::io::{Read, Write};
use std::path::Path;

use serde_json::Value;

use crate::clock::now;
use crate::db::{Change, ChangeError};
use crate::name::{Owner, Title};
use crate::operator::context::Context;
use crate::operator::failure::Failure;
use crate::operator::key_file::read_key;
use crate::report::Report;

/// A temporary account is older than this only if its program was killed, in seconds.
const OLDEST: i64 = 600;

/// Has the account for as long as standard input is open.
pub(super) fn hold(name: &Owner, key: &Path, config: &Path) -> Result<Report, Failure> {
    // Read before root privileges are dropped.
    let key = read_key(key, None)?.key;
    let title: Title = "doctor".parse().map_err(|_| Failure::Usage("doctor".to_owned()))?;
    let mut context = Context::open(config)?;
    for left in context.store.view().temporary_accounts(now() - OLDEST)? {
        erase(&mut context, &left)?;
    }
    let add = |change: &Change<'_>| change.add_temporary_account(name, &key, &title);
    context.change(add)?;
    let said = std::io::stdout().write_all(b"ready\n").and_then(|()| std::io::stdout().flush());
    // Any end of the input counts, also an error.
    let _ = said.and_then(|()| std::io::stdin().read(&mut [0]));
    erase(&mut context, name)?;
    Ok(Report::new(String::new(), Value::Null))
}

/// Deletes the account's rows and the files in which sessions note the uses of its keys.
fn erase(context: &mut Context, name: &Owner) -> Result<(), ChangeError> {
    let keys = context.change(|change| change.erase_temporary_account(name))?;
    for directory in [context.config.last_used_dir(), context.config.last_greeted_dir()] {
        for key in &keys {
            let _ = remove_file(directory.join(key.to_hex()));
        }
    }
    Ok(())
}
