//! The identity of a session and its repository, read from the database by one question at every start.

use crate::access::{Identity, KeyFacts, KeyHolder, NotAdmitted, Place, identify, identify_certificate};
use crate::config::{AnonymousMode, Config};
use crate::db::{Error, ServedRepository, View};
use crate::message::Messages;
use crate::name::{RepoPath, Title};
use crate::request::ForcedCommand;

use super::ask_about_proposals;
use super::user_auth::Proven;

/// The identity of a session and its repository, according to the database at one moment.
///
/// Holding one tells you that the proven key and the forced command were checked against the database. It does not tell
/// you that the session may do anything: see [`super::admit`].
#[derive(Debug)]
pub(crate) struct SessionContext {
    /// The forced command. If it was `--auth-info`, this is the forced command that the helper would print for the
    /// proven key.
    pub(crate) forced_command: ForcedCommand,
    /// The identity, or why the session is not admitted.
    pub(crate) identity: Result<Identity, NotAdmitted>,
    /// The first second in which the key or the certificate gives no identity any more.
    pub(crate) until: Option<i64>,
    /// The key's row.
    pub(crate) key: Option<(KeyFacts, Title)>,
    /// The repository of the path.
    pub(crate) repository: Option<ServedRepository>,
    /// What applies to the path itself, if its owner exists.
    pub(crate) place: Option<Place>,
    /// Whether the session may be anonymous because its key hid a certificate.
    may_hide_certificate: bool,
    /// Whether the key of an anonymous connection is on an account or a repository by now.
    pub(crate) was_added: bool,
}

impl SessionContext {
    /// Asks the database about the forced command, the proven key and the path.
    ///
    /// # Errors
    /// The database's.
    pub(crate) fn ask(
        view: &View<'_>,
        config: &Config,
        forced_command: &ForcedCommand,
        proven: Option<&Proven>,
        path: Option<&RepoPath>,
        address: &str,
        now: i64,
    ) -> Result<Self, Error> {
        let key = match (forced_command, proven) {
            (ForcedCommand::Certificate(..) | ForcedCommand::AuthInfo, Some(Proven::Certificate(certificate))) => {
                let (facts, repository) = view.session_by_certificate(certificate, path, now)?;
                let identity = identify_certificate(&facts, now);
                let forced_command =
                    ForcedCommand::Certificate(certificate.principal().clone(), certificate.authority());
                return Ok(Self {
                    forced_command,
                    identity,
                    until: Some(facts.until()),
                    key: None,
                    repository,
                    place: None,
                    may_hide_certificate: false,
                    was_added: false,
                });
            }
            (ForcedCommand::AuthInfo, Some(Proven::Key(key))) => Some(key.fingerprint()),
            _ => forced_command.fingerprint(),
        };
        let facts = view.session(key.as_ref(), path, now)?;
        let row = facts.key.as_ref().map(|(row, _)| row);
        let forced_command = match (forced_command, key) {
            (ForcedCommand::AuthInfo, Some(key)) => {
                row.map_or(ForcedCommand::Anonymous(key), |row| row.forced_command_of_holder(key))
            }
            _ => forced_command.clone(),
        };
        let identity = match (&forced_command, config.access.anonymous) {
            // The operator turned the mode off after the connection was opened.
            (ForcedCommand::Anonymous(_), AnonymousMode::Off | AnonymousMode::Fallback)
            | (ForcedCommand::AuthInfo, AnonymousMode::AnyKey | AnonymousMode::Login | AnonymousMode::Off) => {
                Err(NotAdmitted::NoLongerOn)
            }
            _ => identify(&forced_command, row, address, now),
        };
        let identity = match (identity, &forced_command, row.map(|row| &row.holder)) {
            // sshd keeps the forced command for as long as the connection is open.
            (
                Err(NotAdmitted::OtherAccount),
                ForcedCommand::Account(user, _),
                Some(KeyHolder::Account { account, .. }),
            ) if view.was_name(user, account.id)? => Err(NotAdmitted::Renamed(account.name.clone())),
            (identity, ..) => identity,
        };
        let was_added =
            matches!(forced_command, ForcedCommand::Anonymous(_)) && row.is_some_and(|row| row.removed.is_none());
        // In the other modes, sshd goes on to the certificate after it rejected the key.
        let may_hide_certificate = config.access.anonymous == AnonymousMode::AnyKey
            && matches!(forced_command, ForcedCommand::Anonymous(_))
            && view.has_authorities(now)?;
        Ok(Self {
            forced_command,
            identity,
            until: row.and_then(|row| row.expires_at),
            key: facts.key,
            repository: facts.repository,
            place: facts.place,
            may_hide_certificate,
            was_added,
        })
    }

    /// Completes the facts that decide about a push.
    ///
    /// # Errors
    /// The database's.
    pub(crate) fn ask_about_proposals(&mut self, view: &View<'_>, config: &Config, now: i64) -> Result<(), Error> {
        match (&self.identity, &mut self.repository) {
            (Ok(identity), Some(served)) => ask_about_proposals(view, config, identity, &mut served.facts, now),
            (Ok(_) | Err(_), _) => Ok(()),
        }
    }

    /// The texts for this session.
    pub(crate) fn messages<'a>(&'a self, config: &'a Config) -> Messages<'a> {
        let deployed = self.key.as_ref().and_then(|(key, _)| match &key.holder {
            KeyHolder::Repository { path, .. } => Some(path),
            KeyHolder::Account { .. } => None,
        });
        Messages {
            config,
            forced_command: &self.forced_command,
            title: self.key.as_ref().map(|(_, title)| title),
            deployed,
            may_hide_certificate: self.may_hide_certificate,
            was_added: self.was_added,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::access::{Access, Decision, Scope, Visibility, decide};
    use crate::clock::now;
    use crate::config::ObjectFormat;
    use crate::content::{CheckValue, ContentCheck};
    use crate::db::{ChangeError, NewKey, NewRepository, OwnerKind, Reader, Store, questions_of};
    use crate::key::PublicKey;
    use crate::name::HubScope;
    use crate::repository::Directory;
    use crate::session::rules::{Reading, rules_and_checks};

    const KEY: &[u8] = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIyvsxAYqLJqm+UWlMSptsaMpMGhaX8h9WrhcObQu61/";

    fn fill(database: &Path) -> PublicKey {
        let (key, _) = PublicKey::parse_line(KEY).unwrap();
        let mut store = Store::create(database).unwrap();
        let change = store.change("operator:test", |change| {
            let alice = "alice".parse().unwrap();
            change.add_owner(OwnerKind::User, &alice, true)?;
            let title = "laptop".parse().unwrap();
            let new = NewKey { key: &key, title: &title, scope: Scope::Write, expires_at: None, sources: None };
            change.add_key(&alice, &new)?;
            change.add_repository(&NewRepository {
                path: "alice/x".parse().unwrap(),
                directory: Directory::of_id(1),
                visibility: Visibility::Private,
                object_format: ObjectFormat::Sha1,
                description: String::new(),
                created_by: Some(alice),
            })
        });
        change.unwrap();
        key
    }

    fn rule(database: &Path) {
        let mut store = Store::open(database).unwrap();
        let change = store.change("operator:test", |change| {
            for scope in ["hub", "alice", "alice/x"] {
                let scope: HubScope = scope.parse().unwrap();
                change.add_rule(&scope, &"deny force refs/heads/** @everyone".parse().unwrap(), None)?;
                let value = CheckValue::parse(ContentCheck::Binary, "on").unwrap();
                change.set_check(&scope, ContentCheck::Binary, Some(value))?;
            }
            Ok::<(), ChangeError>(())
        });
        change.unwrap();
    }

    #[test]
    fn a_fetch_asks_one_question_with_and_without_rules_and_checks_and_a_push_one_more() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("hubgate.db");
        let key = fill(&database);
        let path: RepoPath = "alice/x".parse().unwrap();
        let config = Config::default();
        let words = ForcedCommand::Account("alice".parse().unwrap(), key.fingerprint());
        let mut asked = Vec::new();
        for has_rules in [false, true] {
            if has_rules {
                rule(&database);
            }
            let reader = Reader::open(&database).unwrap();
            let ask = || {
                let ask = |view: &View<'_>| SessionContext::ask(view, &config, &words, None, Some(&path), "::1", now());
                reader.ask(ask).unwrap()
            };
            let mut context = None;
            let fetch = questions_of(|| context = Some(ask()));
            let context = context.unwrap();
            let (identity, served) = (context.identity.unwrap(), context.repository.unwrap());
            let decision = decide(&identity, Some(&served.facts), Access::Fetch, now());
            assert_eq!(decision, Decision::Allow(Access::Admin));
            let judged = |view: &View<'_>| rules_and_checks(view, &identity, &served, now(), Reading::Session);
            let mut rules = Vec::new();
            let push = questions_of(|| rules = reader.ask(judged).unwrap().0);
            assert_eq!((fetch.len(), push.len(), rules.is_empty()), (1, 1, !has_rules), "{fetch:#?} {push:#?}");
            asked.push((fetch, push));
        }
        assert_eq!(asked[0], asked[1]);
    }
}
