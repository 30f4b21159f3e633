//! A hub with an account for each kind of right on an organization's repositories, and a session for each identity.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use nix::fcntl::OFlag;
use tempfile::TempDir;

use crate::access::{CollaboratorRole, GateMode, GateRequest, Removal, Role, Scope, Visibility};
use crate::clock::now;
use crate::config::{Config, ObjectFormat};
use crate::db::{Change, ChangeError, NewKey, NewRepository, OwnerKind, Reader, Store};
use crate::key::{KeyType, OfferedCertificate, OfferedKey, PublicKey};
use crate::message::Refusal;
use crate::name::{Owner, RepoPath};
use crate::report::spool::Spool;
use crate::repository::Directory;
use crate::request::{ForcedCommand, Operation, Request, Service};
use crate::services::account;
use crate::services::caller::Caller;
use crate::session::user_auth::Proven;

/// Every identity, by its name in the tables.
pub(super) const IDENTITIES: [&str; 27] = [
    "anonymous",
    "stranger",
    "no_access",
    "ended",
    "read",
    "contributor",
    "maker",
    "write",
    "admin",
    "collaborator-read",
    "collaborator-write",
    "collaborator-admin",
    "teammate",
    "pending",
    "accepted",
    "rejected",
    "owner",
    "admin-reading",
    "read-certified",
    "admin-certified",
    "admin-elsewhere",
    "deploy-reading",
    "deploy-writing",
    "expired",
    "disabled",
    "compromised",
    "removed",
];

/// The accounts, each with a key of scope `write`. Other identities have no such key.
fn accounts() -> impl Iterator<Item = &'static str> {
    let is_account = |name: &&str| {
        let has_no_own_key = name.starts_with("deploy-") || name.ends_with("-certified");
        !has_no_own_key && !["anonymous", "admin-reading", "admin-elsewhere"].contains(name)
    };
    IDENTITIES.into_iter().filter(is_account)
}

pub(super) struct Hub {
    /// Holds the database, and a copy of its first state.
    directory: TempDir,
    config: Config,
    /// The number of audit rows in the first state.
    changes: i64,
    certificates: HashMap<&'static str, OfferedCertificate>,
}

fn owner(name: &str) -> Owner {
    name.parse().unwrap()
}

fn path(text: &str) -> RepoPath {
    text.parse().unwrap()
}

/// The blob of an Ed25519 key, different for each identity.
fn blob(identity: &str) -> Vec<u8> {
    let number = u8::try_from(IDENTITIES.iter().position(|known| *known == identity).unwrap()).unwrap() + 2;
    [&[0, 0, 0, 11], b"ssh-ed25519".as_slice(), &[0, 0, 0, 32], &[number; 32]].concat()
}

fn key(identity: &str) -> PublicKey {
    PublicKey::from_blob(KeyType::Ed25519, blob(identity)).unwrap()
}

/// The account that an identity speaks for, or `owner` if it speaks for no account.
pub(super) fn account_of(identity: &str) -> String {
    let account = match identity {
        "anonymous" | "deploy-reading" | "deploy-writing" => "owner",
        other => other,
    };
    account.trim_end_matches("-reading").trim_end_matches("-certified").trim_end_matches("-elsewhere").to_owned()
}

/// The fingerprint of the key of an identity.
pub(super) fn fingerprint_of(identity: &str) -> String {
    key(identity).fingerprint().to_string()
}

fn add_key(change: &Change<'_>, user: &str, identity: &str, scope: Scope) -> Result<(), ChangeError> {
    let (key, title) = (key(identity), "laptop".parse().unwrap());
    let expires_at = (identity == "expired").then_some(86_400);
    change.add_key(&owner(user), &NewKey { key: &key, title: &title, scope, expires_at, sources: None }).map(drop)
}

fn ssh_keygen(directory: &Path, words: &[&str]) {
    let output = Command::new("ssh-keygen").arg("-q").args(words).current_dir(directory).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The repositories of each owner.
const COLUMNS: [&str; 7] = ["public", "gated", "members", "private", "internal", "frozen", "hidden"];

/// The repositories of an owner: one for each combination of visibility, gate and freeze that the tables have.
fn add_repositories(change: &Change<'_>, name: &str, first: u128) -> Result<(), ChangeError> {
    for (id, column) in (first..).zip(COLUMNS) {
        let path = path(&format!("{name}/{column}"));
        change.add_repository(&NewRepository {
            path: path.clone(),
            directory: Directory::of_id(id),
            visibility: match column {
                "private" | "hidden" => Visibility::Private,
                "internal" => Visibility::Internal,
                _ => Visibility::Public,
            },
            object_format: ObjectFormat::Sha1,
            description: String::new(),
            created_by: Some(owner("maker")),
        })?;
        match column {
            "gated" => change.set_gate(&path, GateMode::Manual, false)?,
            "members" => change.set_gate(&path, GateMode::Manual, true)?,
            "frozen" | "hidden" => change.set_frozen(&path, Some("moving"))?,
            _ => {}
        }
        for (user, role) in [
            ("collaborator-read", CollaboratorRole::Read),
            ("collaborator-write", CollaboratorRole::Write),
            ("collaborator-admin", CollaboratorRole::Admin),
        ] {
            change.set_collaborator(&path, &user.parse().unwrap(), role, None)?;
        }
        // Without a gate, answers have no effect.
        for (user, state) in [
            ("pending", GateRequest::Pending),
            ("accepted", GateRequest::Accepted),
            ("rejected", GateRequest::Rejected),
        ] {
            change.answer_access(&path, &owner(user), state, None)?;
        }
    }
    Ok(())
}

fn populate(change: &Change<'_>, authorities: [&PublicKey; 2]) -> Result<(), ChangeError> {
    for user in accounts() {
        change.add_owner(OwnerKind::User, &owner(user), true)?;
        add_key(change, user, user, Scope::Write)?;
        change.confirm_email(&owner(user), &format!("{user}@old.example").parse().unwrap())?;
    }
    let acme = owner("acme");
    for (organization, authority) in ["acme", "elsewhere"].map(owner).iter().zip(authorities) {
        change.add_owner(OwnerKind::Organization, organization, true)?;
        change.set_member(organization, &owner("admin"), Role::Admin, None)?;
        change.add_authority(organization, authority, 7_200, None)?;
    }
    for (user, role, until) in [
        ("no_access", Role::NoAccess, None),
        ("teammate", Role::NoAccess, None),
        ("ended", Role::Admin, Some(86_400)),
        ("read", Role::Read, None),
        ("contributor", Role::Contributor, None),
        ("maker", Role::Contributor, None),
        ("write", Role::Write, None),
        ("expired", Role::Admin, None),
        ("disabled", Role::Admin, None),
        ("compromised", Role::Admin, None),
        ("removed", Role::Admin, None),
    ] {
        change.set_member(&acme, &owner(user), role, until)?;
    }
    add_key(change, "admin", "admin-reading", Scope::Read)?;
    let (team, writers) = ("acme/writers".parse().unwrap(), "@acme/writers".parse().unwrap());
    change.add_team(&team)?;
    change.add_team_member(&team, &owner("teammate"), None)?;
    // A team counts only while its member is one of the organization.
    change.set_member(&acme, &owner("ended"), Role::Admin, None)?;
    change.add_team_member(&team, &owner("ended"), None)?;
    change.set_member(&acme, &owner("ended"), Role::Admin, Some(86_400))?;
    add_repositories(change, "acme", 1)?;
    for column in COLUMNS {
        change.set_collaborator(&path(&format!("acme/{column}")), &writers, CollaboratorRole::Write, None)?;
    }
    add_repositories(change, "owner", 101)?;
    for (identity, scope) in [("deploy-reading", Scope::Read), ("deploy-writing", Scope::Write)] {
        let (key, title) = (key(identity), "ci".parse().unwrap());
        let new = NewKey { key: &key, title: &title, scope, expires_at: None, sources: None };
        change.add_deploy_key(&path("acme/private"), &new)?;
    }
    change.set_disabled(&owner("disabled"), Some("away"))?;
    change.remove_key(&key("compromised").fingerprint(), Removal::Compromised)?;
    change.remove_key(&key("removed").fingerprint(), Removal::Ordinary)?;
    Ok(())
}

impl Hub {
    pub(super) fn new() -> Self {
        // Standard input must be empty, whatever runs the tests.
        let null = fs::File::options().read(true).custom_flags(OFlag::O_CLOEXEC.bits()).open("/dev/null").unwrap();
        nix::unistd::dup2_stdin(null).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.paths.database = directory.path().join("hubgate.db");
        config.paths.repositories = directory.path().join("repositories");
        config.log.socket = directory.path().join("no-log");
        fs::create_dir(&config.paths.repositories).unwrap();
        for name in ["ca", "other-ca", "badge"] {
            ssh_keygen(directory.path(), &["-t", "ed25519", "-N", "", "-f", name]);
        }
        let authority = |name: &str| {
            let line = fs::read(directory.path().join(name)).unwrap();
            PublicKey::parse_line(&line).unwrap().0
        };
        let mut store = Store::create(&config.paths.database).unwrap();
        let authorities = [authority("ca.pub"), authority("other-ca.pub")];
        store.change("operator:test", |change| populate(change, [&authorities[0], &authorities[1]])).unwrap();
        store.view().copy_to(&directory.path().join("original")).unwrap();
        let changes = store.view().last_event().unwrap();
        // Certificates for the accounts, signed by the authority of one of the two organizations.
        let certificates = [
            ("read-certified", "read", "ca"),
            ("admin-certified", "admin", "ca"),
            ("admin-elsewhere", "admin", "other-ca"),
        ];
        let certificates = certificates.map(|(identity, user, authority)| {
            ssh_keygen(directory.path(), &["-s", authority, "-I", "x", "-n", user, "-V", "-1m:+1h", "badge.pub"]);
            let text = fs::read_to_string(directory.path().join("badge-cert.pub")).unwrap();
            let words: Vec<&str> = text.split(' ').collect();
            (identity, OfferedCertificate::parse(words[0].as_bytes(), words[1].as_bytes()).unwrap())
        });
        Self { directory, config, changes, certificates: certificates.into() }
    }

    /// What the gateway passes to `services` for a session of that identity.
    fn caller(&self, identity: &str) -> Caller {
        let fingerprint = key(identity).fingerprint();
        let line = key(identity).to_string();
        let (key_type, base64) = line.split_once(' ').unwrap();
        let offered = OfferedKey::parse(key_type.as_bytes(), base64.as_bytes()).unwrap();
        let (forced_command, proven) = match (identity, self.certificates.get(identity).cloned()) {
            (_, Some(certificate)) => {
                let command = ForcedCommand::Certificate(certificate.principal().clone(), certificate.authority());
                (command, Proven::Certificate(certificate))
            }
            ("anonymous", None) => (ForcedCommand::Anonymous(fingerprint), Proven::Key(offered)),
            ("deploy-reading" | "deploy-writing", None) => {
                (ForcedCommand::DeployKey(fingerprint), Proven::Key(offered))
            }
            (_, None) => (ForcedCommand::Account(owner(&account_of(identity)), fingerprint), Proven::Key(offered)),
        };
        Caller {
            config: self.config.clone(),
            forced_command,
            proven: Some(proven),
            address: "192.0.2.1".to_owned(),
            command: String::new(),
            sid: "0123456789abcdef".to_owned(),
            connection: String::new(),
            now: now(),
        }
    }

    /// The outcome of a fetch and of a push. A download and an upload have the same outcomes.
    pub(super) fn transfers(&self, identity: &str, text: &str) -> [char; 2] {
        let reader = Reader::open(&self.config.paths.database).unwrap();
        let context = reader.ask(|view| self.caller(identity).session_context(view, Some(&path(text)))).unwrap();
        let messages = context.messages(&self.config);
        [(Service::UploadPack, Operation::Download), (Service::ReceivePack, Operation::Upload)].map(
            |(service, operation)| {
                // The repositories accept no proposals.
                assert!(service.needs() <= operation.needs());
                let admitted = match &context.identity {
                    Ok(identity) => {
                        crate::session::admit(identity, context.repository.as_ref(), service.needs(), now()).map(drop)
                    }
                    Err(reason) => Err(Refusal::NotAdmitted(reason.clone())),
                };
                admitted.map_or_else(|refusal| letter(&messages.refusal(&refusal).stderr()), |()| '+')
            },
        )
    }

    /// Runs a command, compares its outcome, and restores a changed database. A command that is refused
    /// changes nothing.
    pub(super) fn run(&self, identity: &str, command: &str, expected: char) {
        let before = self.files();
        let Ok(Request::Account(words)) = Request::parse(Some(command.as_bytes())) else { panic!("{command}") };
        let answer = account::run(&self.caller(identity), &words, &mut Spool::default());
        // `explain` ends with status 1 if it explains a denial.
        let explains = command.starts_with("explain ") && !answer.out.is_empty();
        let found = match answer.status.code() {
            0 => '+',
            1 if explains => '+',
            2 => 'u',
            _ => letter(&answer.stderr()),
        };
        assert_eq!(found, expected, "{identity}: {command}: {answer:?}");
        assert_eq!(found == '+', answer.err.is_empty(), "{identity}: {command}: {answer:?}");
        if self.files() != before && self.changes() != self.changes {
            assert_eq!(found, '+', "{identity}: {command} was refused and changed something");
            self.restore();
        }
    }

    /// The number of audit rows.
    fn changes(&self) -> i64 {
        Store::open(&self.config.paths.database).unwrap().view().last_event().unwrap()
    }

    /// Sizes and times that every change of the database alters. Other events may alter them too.
    fn files(&self) -> [Option<(u64, SystemTime)>; 2] {
        let [database, wal, _] = Store::files(&self.config.paths.database);
        [database, wal].map(|file| {
            let metadata = file.metadata().ok()?;
            Some((metadata.len(), metadata.modified().unwrap()))
        })
    }

    fn restore(&self) {
        for file in Store::files(&self.config.paths.database) {
            let _ = fs::remove_file(file);
        }
        fs::copy(self.directory.path().join("original"), &self.config.paths.database).unwrap();
    }
}

/// The letter of a refusal, from its text. The texts are repeated here, so that a change of a text is noticed.
fn letter(text: &str) -> char {
    let found = [
        ("repository not found, or you have no access to it", 'n'),
        ("is restricted: ask for it with", 'g'),
        ("is restricted: your request is pending", 'p'),
        ("is restricted: your request was rejected", 'x'),
        ("you have no write access to ", 'o'),
        ("you do not administer ", 'o'),
        ("only the operator may see and change", 'o'),
        ("you may neither rename nor remove ", 'o'),
        ("you may not create repositories of ", 'o'),
        ("is read-only: moving", 'z'),
        ("has no gate, so this would have no effect", 'w'),
        ("you may already fetch ", 'm'),
        ("this needs an account", 'a'),
        ("this needs a key of scope write", 'k'),
        ("this needs a key on your account: a certificate cannot change anything", 'c'),
        ("this needs a key on your account: a certificate shows only", 's'),
        ("you are not a member of ", 'l'),
        ("is already in use: join with a new one", 'i'),
        ("this code is wrong, used or expired", 'j'),
        ("is not on an account or a repository here", 'q'),
        ("expired on 1970-01-01", 'E'),
        ("is disabled: away", 'D'),
        ("was removed as compromised", 'C'),
        ("is no longer on the account removed", 'R'),
    ]
    .into_iter()
    .find(|(words, _)| text.contains(words));
    found.map_or('?', |(_, letter)| letter)
}
