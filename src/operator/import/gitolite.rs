//! `hubgate import gitolite`: the users of its `keydir`, and what its `gitolite.conf` permits on repositories of this
//! hub.

mod accounts;
mod groups;
mod names;
mod rc;
mod rights;
mod roles;
mod rules;
mod team;
mod teams;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::io;
use std::path::Path;

use super::conf::{self, Source};
use super::kind::Kind;
use super::outcome::{Candidate, Outcome, Terms, finish};
use crate::bounded;
use crate::commands::Refused;
use crate::commands::key::TitledKey;
use crate::db::{Change, ChangeError};
use crate::key::{Fingerprint, KeyError};
use crate::name::Owner;
use crate::operator::cli::ImportGitolite;
use crate::operator::context::Context;
use crate::operator::failure::Failure;
use crate::report::Report;
use crate::tree::Tree;

use names::Names;

/// The file of `conf` that gitolite reads first.
const MAIN: &str = "gitolite.conf";
/// The deepest nesting of directories in `keydir` and in `conf`.
const DEPTH_MAX: usize = 16;
/// The longest file of a key, and the most bytes of all files in `conf`.
const KEY_MAX: u64 = 1 << 20;
const CONF_MAX: u64 = 64 << 20;
/// The most lines that the message of a refused import names.
const SHOWN: usize = 20;

/// A file of `keydir`: its relative name, and its content or why it cannot be read.
struct KeyFile {
    shown: String,
    user: String,
    read: Result<Candidate, (Kind, String)>,
}

/// The users of each directory in `keydir`.
type Directories = BTreeMap<String, BTreeSet<String>>;

pub(super) fn run(command: &ImportGitolite, config: &Path) -> Result<Report, Failure> {
    // Read before root privileges are dropped.
    let failed = |error| Failure::File(command.directory.display().to_string(), error);
    let tree = Tree::open(&command.directory).map_err(failed)?;
    let within = |name: &str| {
        let missing = || Failure::Refused(format!("{}: there is no directory {name}", command.directory.display()));
        tree.within(Path::new(name)).map_err(failed)?.ok_or_else(missing)
    };
    let (keydir, conf) = (within("keydir")?, within("conf")?);
    let mut outcome = Outcome::default();
    let (files, directories) = keys(&keydir, &mut outcome).map_err(failed)?;
    let texts = texts(&conf).map_err(failed)?;
    if let Some(Err(why)) = texts.get(MAIN) {
        return Err(Failure::Refused(format!("{}: {why}", command.directory.join("conf").join(MAIN).display())));
    }
    let mut source = Source { files: texts, directories, enabled: None };
    let mut unread = Vec::new();
    if let Some(file) = &command.rc {
        let text = Tree::file_at(file).and_then(|text| bounded::read(text, CONF_MAX));
        let text = text.map_err(|error| Failure::File(file.display().to_string(), error))?;
        let (enabled, strange) = rc::enabled(&String::from_utf8_lossy(&text));
        source.enabled = Some(enabled);
        unread.extend(strange.into_iter().map(|why| (file.display().to_string(), why)));
    }
    let conf = conf::read(&source);
    unread.extend(conf.unread.iter().map(|unread| (unread.place.to_string(), unread.why.clone())));
    if !unread.is_empty() && !command.partial {
        return Err(refused(&unread));
    }
    for (place, why) in unread {
        outcome.leave(Kind::Unread, place, why);
    }
    let names =
        Names::read(&command.rename, command.owner.as_ref(), &conf, files.iter().map(|file| file.user.as_str()));
    let names = names.map_err(Failure::Refused)?;
    let mut context = Context::open(config)?;
    let steps = |change: &Change<'_>| {
        let may_create = |user: &str| !command.no_create || conf.creators.1 || conf.creators.0.contains(user);
        outcome.take_keys(change, files, &names, (command.merge, &may_create))?;
        outcome.take_conf(change, &conf, &names)?;
        Ok(outcome)
    };
    let terms = Terms { dry_run: command.dry_run, verbose: command.verbose };
    finish(&mut context, terms, steps)
}

/// Says what cannot be read, which may deny something.
fn refused(unread: &[(String, String)]) -> Failure {
    let mut lines = vec!["these lines are not understood, and may deny something:".to_owned()];
    lines.extend(unread.iter().take(SHOWN).map(|(place, why)| format!("  {place}: {why}")));
    if unread.len() > SHOWN {
        lines.push(format!("  and {} more", unread.len() - SHOWN));
    }
    lines.push("to import without them, add --partial".to_owned());
    Failure::Refused(lines.join("\n"))
}

/// The files of keys in the order in which gitolite reads them, and the users of each directory.
fn keys(keydir: &Tree, outcome: &mut Outcome) -> io::Result<(Vec<KeyFile>, Directories)> {
    let (mut files, mut directories) = (Vec::new(), Directories::new());
    for file in keydir.entries(DEPTH_MAX)? {
        let shown = Path::new("keydir").join(&file).display().to_string();
        let Some(user) = user_of(&file) else {
            outcome.leave(Kind::NoKeyFile, "", shown);
            continue;
        };
        if let Some(directory) = file.parent().and_then(Path::file_name).and_then(|name| name.to_str()) {
            directories.entry(directory.to_owned()).or_default().insert(user.clone());
        }
        files.push(KeyFile { read: read(keydir, &file, &user, shown.clone()), shown, user });
    }
    files.sort_by(|one, other| one.shown.cmp(&other.shown));
    Ok((files, directories))
}

/// The text of each file in `conf` that gitolite could include, or why it cannot be read.
fn texts(conf: &Tree) -> io::Result<BTreeMap<String, Result<String, String>>> {
    let mut texts = BTreeMap::new();
    let mut room = CONF_MAX;
    for file in conf.entries(DEPTH_MAX)? {
        let is_conf = file.extension().is_some_and(|extension| extension == "conf");
        let Some(name) = file.to_str().filter(|_| is_conf) else { continue };
        let text = conf.file(&file).and_then(|text| bounded::read(text, room));
        room -= text.as_ref().map_or(0, |text| u64::try_from(text.len()).unwrap_or(room));
        let text = text.map(|text| String::from_utf8_lossy(&text).into_owned()).map_err(|error| error.to_string());
        texts.insert(name.to_owned(), text);
    }
    Ok(texts)
}

/// The user of a file in `keydir`: its name up to `.pub`, and up to the first `@` that no dot follows (gitolite's
/// ssh-authkeys).
fn user_of(file: &Path) -> Option<String> {
    let name = file.file_name()?.to_str()?.strip_suffix(".pub")?;
    let mut hosts = name.match_indices('@').map(|(at, _)| name.split_at(at));
    let user = hosts.find(|(_, host)| host.len() > 1 && !host.contains('.')).map_or(name, |(user, _)| user);
    (!user.is_empty()).then(|| user.to_owned())
}

fn read(keydir: &Tree, file: &Path, user: &str, at: String) -> Result<Candidate, (Kind, String)> {
    let bad = |why: &dyn Display| (Kind::BadKey, format!("{user}: {why}"));
    let text = keydir.file(file).and_then(|file| bounded::read(file, KEY_MAX)).map_err(|error| bad(&error))?;
    if text.strip_suffix(b"\n").unwrap_or(&text).contains(&b'\n') {
        return Err(bad(&"gitolite ignores a file that has not exactly one line"));
    }
    let TitledKey { key, title } = TitledKey::parse(&text, None).map_err(|error| match error {
        Refused::Key(KeyError::Dsa) => (Kind::Dsa, user.to_owned()),
        error => bad(&error),
    })?;
    Ok(Candidate { at, key, title, sources: None, expires_at: None })
}

impl Outcome {
    /// Adds the keys. gitolite gives a key of two users to the one whose file comes first.
    fn take_keys(
        &mut self,
        change: &Change<'_>,
        files: Vec<KeyFile>,
        names: &Names,
        (merge, may_create): (bool, &dyn Fn(&str) -> bool),
    ) -> Result<(), ChangeError> {
        let mut first: BTreeMap<Fingerprint, (String, String, bool)> = BTreeMap::new();
        for file in &files {
            let Ok(candidate) = &file.read else { continue };
            let fingerprint = candidate.key.fingerprint();
            let (user, shown, is_certain) =
                first.entry(fingerprint).or_insert_with(|| (file.user.clone(), file.shown.clone(), true));
            // Another locale can have another order.
            *is_certain &= *user == file.user || as_sorted(shown) < as_sorted(&file.shown);
        }
        let mut accounts: BTreeMap<String, Option<Owner>> = BTreeMap::new();
        for KeyFile { shown, user, read } in files {
            let candidate = match read {
                Ok(candidate) => candidate,
                Err((kind, why)) => {
                    self.leave(kind, shown, why);
                    continue;
                }
            };
            match first.get(&candidate.key.fingerprint()) {
                Some((owner, file, false)) => {
                    self.leave(Kind::SameKey, "", format!("{shown}: {file} of {owner} may come before or behind it"));
                    continue;
                }
                Some((owner, file, true)) if *owner != user => {
                    self.leave(Kind::SameKey, "", format!("{shown}: {file} of {owner} comes first"));
                    continue;
                }
                Some(_) | None => {}
            }
            if !accounts.contains_key(&user) {
                let account = match names.user(&user) {
                    Ok(name) => self.account(change, name.as_str(), may_create(&user))?,
                    Err(why) => Err(why),
                };
                let account = account.map_err(|(kind, why)| self.leave(kind, "", why)).ok();
                accounts.insert(user.clone(), account);
            }
            if let Some(Some(account)) = accounts.get(&user) {
                self.add_key(change, account, candidate, merge)?;
            }
        }
        Ok(())
    }
}

/// A path as a locale could sort it, without its punctuation.
fn as_sorted(path: &str) -> String {
    path.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
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
