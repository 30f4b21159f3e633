//! `hubgate import gitolite`: the users of its `keydir`, and the grants of its `gitolite.conf` on repositories of this
//! hub.

use std::collections::BTreeMap;
use std::path::Path;

use super::conf::{self, Conf, Grant, Permission};
use super::outcome::{Candidate, Outcome, finish};
use crate::access::CollaboratorRole;
use crate::bounded;
use crate::commands::key::TitledKey;
use crate::db::{Change, ChangeError};
use crate::name::{Owner, RepoPath};
use crate::operator::cli::ImportGitolite;
use crate::operator::context::Context;
use crate::operator::failure::Failure;
use crate::report::Report;
use crate::tree::Tree;
use crate::word::counted;

/// The deepest nesting of directories in `keydir`.
const DEPTH_MAX: usize = 16;
/// The longest file of a key, and the longest `gitolite.conf`, in bytes.
const KEY_MAX: u64 = 1 << 20;
const CONF_MAX: u64 = 64 << 20;

/// A file of `keydir`: its relative name, and its content or why it cannot be read.
type KeyFile = (String, Result<Candidate, String>);

pub(super) fn run(command: &ImportGitolite, config: &Path) -> Result<Report, Failure> {
    // Read before root privileges are dropped.
    let failed = |error| Failure::File(command.directory.display().to_string(), error);
    let tree = Tree::open(&command.directory).map_err(failed)?;
    let missing = || Failure::Refused(format!("{}: there is no directory keydir", command.directory.display()));
    let keydir = tree.within(Path::new("keydir")).map_err(failed)?.ok_or_else(missing)?;
    let mut keys: BTreeMap<String, Vec<KeyFile>> = BTreeMap::new();
    let mut left = Vec::new();
    for file in keydir.entries(DEPTH_MAX).map_err(failed)? {
        let shown = Path::new("keydir").join(&file).display().to_string();
        match user_of(&file) {
            Some(user) => keys.entry(user).or_default().push((shown.clone(), read(&keydir, &file, shown))),
            None => left.push((shown, "its name is not NAME.pub or NAME@HOST.pub".to_owned())),
        }
    }
    let file = Path::new("conf/gitolite.conf");
    let text = tree.file(file).and_then(|text| bounded::read(text, CONF_MAX));
    let text = text.map_err(|error| Failure::File(command.directory.join(file).display().to_string(), error))?;
    let conf = conf::parse(&String::from_utf8_lossy(&text));
    let mut context = Context::open(config)?;
    let steps = |change: &Change<'_>| {
        let mut outcome = Outcome { left, ..Outcome::default() };
        for (user, files) in keys {
            outcome.take_user(change, &user, files)?;
        }
        outcome.take_conf(change, &conf, command.owner.as_ref())?;
        Ok(outcome)
    };
    finish(&mut context, command.dry_run, steps)
}

/// The user of a file in `keydir`: its name up to `.pub`, and up to the first `@` that no dot follows (gitolite's
/// ssh-authkeys).
fn user_of(file: &Path) -> Option<String> {
    let name = file.file_name()?.to_str()?.strip_suffix(".pub")?;
    let mut hosts = name.match_indices('@').map(|(at, _)| name.split_at(at));
    let user = hosts.find(|(_, host)| host.len() > 1 && !host.contains('.')).map_or(name, |(user, _)| user);
    (!user.is_empty()).then(|| user.to_owned())
}

fn read(keydir: &Tree, file: &Path, at: String) -> Result<Candidate, String> {
    let text = keydir.file(file).and_then(|file| bounded::read(file, KEY_MAX)).map_err(|error| error.to_string())?;
    let TitledKey { key, title } = TitledKey::parse(&text, None).map_err(|error| error.to_string())?;
    Ok(Candidate { at, key, title, sources: None, expires_at: None })
}

impl Outcome {
    fn take_user(&mut self, change: &Change<'_>, user: &str, files: Vec<KeyFile>) -> Result<(), ChangeError> {
        // An account is created only with its first imported key.
        let (good, bad): (Vec<KeyFile>, Vec<KeyFile>) = files.into_iter().partition(|(_, read)| read.is_ok());
        self.left.extend(bad.into_iter().filter_map(|(at, read)| Some((at, read.err()?))));
        if good.is_empty() {
            return Ok(());
        }
        match self.account(change, user)? {
            Ok(account) => {
                for candidate in good.into_iter().filter_map(|(_, read)| read.ok()) {
                    self.add_key(change, &account, candidate)?;
                }
            }
            Err(why) => self.left.extend(good.into_iter().map(|(at, _)| (at, why.clone()))),
        }
        Ok(())
    }

    fn take_conf(&mut self, change: &Change<'_>, conf: &Conf, owner: Option<&Owner>) -> Result<(), ChangeError> {
        let at = |line: usize| format!("conf/gitolite.conf:{line}");
        self.left.extend(conf.left.iter().map(|left| (at(left.line), left.what.clone())));
        let mut without_rewind = 0_usize;
        for grant in &conf.grants {
            match self.take_grant(change, grant, owner)? {
                Ok(()) if grant.permission == Permission::Write => without_rewind += 1,
                Ok(()) => {}
                Err(why) => self.left.push((at(grant.line), why)),
            }
        }
        if without_rewind > 0 {
            let grants = counted(without_rewind, "grant", "grants");
            self.notes.push(format!("{grants} of RW became write, which may also rewind branches"));
        }
        Ok(())
    }

    /// Makes one grant, unless the account already has as much. Returns why if that is not possible.
    fn take_grant(
        &mut self,
        change: &Change<'_>,
        grant: &Grant,
        owner: Option<&Owner>,
    ) -> Result<Result<(), String>, ChangeError> {
        let Grant { repository, user, permission, .. } = grant;
        let path = match (repository.contains('/'), owner) {
            (true, _) => repository.parse::<RepoPath>(),
            (false, Some(owner)) => format!("{owner}/{repository}").parse::<RepoPath>(),
            (false, None) => return Ok(Err(format!("{user} on {repository}: give its owner here with --owner"))),
        };
        let path = match path {
            Ok(path) => path,
            Err(error) => return Ok(Err(format!("{repository} is not a valid path: {error}"))),
        };
        let row = match change.repository(&path) {
            Ok(row) => row,
            Err(error @ ChangeError::NotFound(_)) => {
                return Ok(Err(format!("{user} on {repository}: {error}: import it with hubgate repo import")));
            }
            Err(error) => return Err(error),
        };
        let account = user.parse::<Owner>().map_err(|error| format!("{user:?} is not a valid account name: {error}"));
        let account = match account.map(|name| change.user(&name)) {
            Ok(Ok(account)) => account.name,
            Ok(Err(ChangeError::NotFound(_))) => {
                return Ok(Err(format!("{user} on {repository}: {user} has no key in keydir and no account here")));
            }
            Ok(Err(error)) => return Err(error),
            Err(why) => return Ok(Err(why)),
        };
        let role = match permission {
            Permission::Read => CollaboratorRole::Read,
            Permission::Write | Permission::Rewind => CollaboratorRole::Write,
        };
        let has = change.collaborator_role(row.id, &account)?;
        if account.folded() == row.path.owner.folded() || has.is_some_and(|has| has.access() >= role.access()) {
            self.already += 1;
        } else {
            change.set_collaborator(&row.path, &account, role, None)?;
            self.grants.push((row.path, account, role));
        }
        Ok(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_keydir_belongs_to_the_same_user_as_in_gitolite() {
        for (file, user) in [
            ("keydir/alice.pub", Some("alice")),
            ("keydir/a/b/alice@laptop.pub", Some("alice")),
            ("keydir/alice@example.com.pub", Some("alice@example.com")),
            ("keydir/alice@example.com@laptop.pub", Some("alice@example.com")),
            ("keydir/alice@a@b.pub", Some("alice")),
            ("keydir/README", None),
            ("keydir/@laptop.pub", None),
            ("keydir/.pub", None),
        ] {
            assert_eq!(user_of(Path::new(file)).as_deref(), user, "{file}");
        }
    }
}
