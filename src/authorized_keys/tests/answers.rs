//! The helper's answers, against a database.

use std::fs;

use super::{Scratch, offered, security_key};
use crate::access::{Removal, Role, Scope};
use crate::authorized_keys::{Fault, answer};
use crate::config::{AnonymousMode, Config};
use crate::db::{Change, ChangeError, NewKey, OwnerKind, Store};
use crate::key::{KeyType, PublicKey};
use crate::name::Owner;

/// A hub with the account alice, an admin of acme.
struct Hub {
    scratch: Scratch,
    config: Config,
    store: Store,
}

impl Hub {
    fn new() -> Self {
        let scratch = Scratch::new();
        let mut config = Config::default();
        config.paths.database = scratch.path("hubgate.db");
        config.log.socket = scratch.path("no-log");
        let store = Store::create(&config.paths.database).unwrap();
        let mut hub = Self { scratch, config, store };
        hub.change(|change| {
            change.add_owner(OwnerKind::User, &owner("alice"), true)?;
            change.add_owner(OwnerKind::Organization, &owner("acme"), true)?;
            change.set_member(&owner("acme"), &owner("alice"), Role::Admin, None)
        });
        hub
    }

    fn change<T>(&mut self, steps: impl FnOnce(&Change<'_>) -> Result<T, ChangeError>) -> T {
        self.store.change("operator:test", steps).unwrap()
    }

    /// A new key on alice's account.
    fn key_of_alice(&mut self, name: &str) -> String {
        let words = self.scratch.generate(name, "ed25519", "256");
        let (key, title) = (public(&words), "laptop".parse().unwrap());
        let new = NewKey { key: &key, title: &title, scope: Scope::Read, expires_at: Some(7), sources: None };
        self.change(|change| change.add_key(&owner("alice"), &new));
        words
    }

    /// The answer to `%u %t %k`, given as one text: the options before `restrict`, and the gateway's words.
    fn answer(&self, words: &str) -> Result<Option<(String, String)>, Fault> {
        let words: Vec<&[u8]> = words.splitn(3, ' ').map(str::as_bytes).collect();
        let line = answer(&self.config, words.try_into().unwrap(), &self.config.log.socket)?;
        Ok(line.map(|line| (line.options, line.forced_command)))
    }

    /// The gateway's words for a key that is offered on the login `git`.
    fn forced_command(&self, key: &str) -> Option<String> {
        self.answer(&format!("git {key}")).unwrap().map(|(_, forced_command)| forced_command)
    }
}

fn owner(name: &str) -> Owner {
    name.parse().unwrap()
}

fn public(words: &str) -> PublicKey {
    PublicKey::parse_line(words.as_bytes()).unwrap().0
}

fn fingerprint(words: &str) -> String {
    public(words).fingerprint().to_string()
}

#[test]
fn an_expired_key_of_a_disabled_account_reaches_the_gateway() {
    let mut hub = Hub::new();
    // The key expired in 1970 and the account is disabled: the gateway refuses with the reason.
    let key = hub.key_of_alice("k");
    hub.change(|change| change.set_disabled(&owner("alice"), Some("left")));
    let expected = format!("alice --key {}", fingerprint(&key));
    assert_eq!(hub.answer(&format!("git {key}")).unwrap(), Some((String::new(), expected)));
}

#[test]
fn a_removed_key_is_unknown_and_a_compromised_key_reaches_the_gateway() {
    let mut hub = Hub::new();
    let key = hub.key_of_alice("k");
    hub.change(|change| change.remove_key(&public(&key).fingerprint(), Removal::Ordinary));
    assert_eq!(hub.forced_command(&key), Some(format!("anonymous --key {}", fingerprint(&key))));
    hub.change(|change| change.remove_key(&public(&key).fingerprint(), Removal::Compromised));
    assert_eq!(hub.forced_command(&key), Some(format!("alice --key {}", fingerprint(&key))));
}

#[test]
fn an_unknown_key_is_anonymous_if_the_hub_admits_it() {
    let mut hub = Hub::new();
    let known = hub.key_of_alice("known");
    let unknown = hub.scratch.generate("unknown", "ecdsa", "384");
    assert_eq!(hub.forced_command(&unknown), Some(format!("anonymous --key {}", fingerprint(&unknown))));
    for mode in [AnonymousMode::Login, AnonymousMode::Fallback, AnonymousMode::Off] {
        hub.config.access.anonymous = mode;
        assert_eq!(hub.forced_command(&unknown), None);
        assert!(hub.forced_command(&known).is_some());
    }
}

#[test]
fn on_the_anonymous_login_every_sound_key_is_anonymous_without_the_database() {
    let mut hub = Hub::new();
    let known = hub.key_of_alice("known");
    let zero = security_key(KeyType::Ed25519, &[&[0; 32]]);
    let answer = |hub: &Hub, key: &str| {
        hub.answer(&format!("anonymous {key}")).unwrap().map(|(_, forced_command)| forced_command)
    };
    assert_eq!(answer(&hub, &known), None, "in another mode");
    hub.config.access.anonymous = AnonymousMode::Login;
    hub.config.paths.database = hub.scratch.path("missing");
    assert_eq!(answer(&hub, &known), Some(format!("anonymous --key {}", fingerprint(&known))));
    assert_eq!(answer(&hub, &zero), None);
    assert!(matches!(hub.answer("anonymous ssh-ed25519 AAAA"), Err(Fault::Key)));
    assert_eq!(hub.answer("anonymous ssh-dss AAAA").unwrap(), None);
}

#[test]
fn a_key_that_no_account_could_have_is_not_accepted() {
    let hub = Hub::new();
    let zero = security_key(KeyType::Ed25519, &[&[0; 32]]);
    let newline = security_key(KeyType::SkEd25519, &[&[9; 32], b"ssh:\nrestrict"]);
    for key in [zero, newline] {
        assert!(!offered(&key).is_sound());
        assert_eq!(hub.forced_command(&key), None);
    }
}

#[test]
fn another_login_or_another_type_of_key_is_not_a_fault() {
    let mut hub = Hub::new();
    let key = hub.key_of_alice("k");
    for login in ["root", "Git", "gi", "gitt", "", "anonymous"] {
        assert_eq!(hub.answer(&format!("{login} {key}")).unwrap(), None, "{login:?}");
    }
    let base64 = key.split_once(' ').unwrap().1;
    for key_type in ["ssh-dss", "SSH-ED25519", "", "ssh-ed25519-cert-v01@openssh.com", "ssh-xmss@openssh.com"] {
        assert_eq!(hub.answer(&format!("git {key_type} {base64}")).unwrap(), None, "{key_type:?}");
    }
    hub.config.ssh.login = "hub".to_owned();
    assert_eq!(hub.forced_command(&key), None);
    assert!(hub.answer(&format!("hub {key}")).unwrap().is_some());
}

#[test]
fn a_key_that_does_not_decode_is_a_fault_of_the_configuration() {
    let mut hub = Hub::new();
    let key = hub.key_of_alice("k");
    let base64 = key.split_once(' ').unwrap().1;
    for words in ["ssh-ed25519 not*base64", "ssh-ed25519 ", "ssh-ed25519 %k", &format!("ssh-rsa {base64}")] {
        assert!(matches!(hub.answer(&format!("git {words}")), Err(Fault::Key)), "{words}");
    }
}

#[test]
fn a_deploy_key_names_no_account() {
    use crate::db::NewRepository;
    use crate::{access::Visibility, config::ObjectFormat, repository::Directory};
    let mut hub = Hub::new();
    let words = hub.scratch.generate("k", "ed25519", "256");
    let (key, title) = (public(&words), "ci".parse().unwrap());
    let new = NewKey { key: &key, title: &title, scope: Scope::Read, expires_at: None, sources: None };
    let repository = NewRepository {
        path: "acme/x".parse().unwrap(),
        directory: Directory::of_id(1),
        visibility: Visibility::Private,
        object_format: ObjectFormat::Sha1,
        description: String::new(),
        created_by: None,
    };
    hub.change(|change| {
        change.add_repository(&repository)?;
        change.add_deploy_key(&repository.path, &new)
    });
    assert_eq!(hub.forced_command(&words), Some(format!("--deploy-key {}", fingerprint(&words))));
}

#[test]
fn a_database_that_does_not_answer_gives_no_identity() {
    let mut hub = Hub::new();
    let known = hub.key_of_alice("known");
    let unknown = hub.scratch.generate("unknown", "ed25519", "256");
    let zero = security_key(KeyType::Ed25519, &[&[0; 32]]);
    for breakage in ["text", "missing"] {
        hub.config.paths.database = hub.scratch.path(breakage);
        if breakage == "text" {
            fs::write(hub.scratch.path("text"), "not a database").unwrap();
        }
        for mode in [AnonymousMode::AnyKey, AnonymousMode::Login, AnonymousMode::Fallback, AnonymousMode::Off] {
            hub.config.access.anonymous = mode;
            for key in [&known, &unknown] {
                assert_eq!(hub.forced_command(key).as_deref(), Some("--unavailable"), "{breakage}");
            }
            assert!(matches!(hub.answer(&format!("git {zero}")), Err(Fault::Database(_))), "{breakage}");
        }
    }
}

#[test]
fn a_certificate_opens_its_principals_account_while_an_organization_has_its_ca() {
    let mut hub = Hub::new();
    let authority = hub.scratch.generate("ca", "ecdsa", "256");
    hub.scratch.generate("k", "ed25519", "256");
    let sign = |hub: &Hub, principals: &str, until: &str| {
        hub.scratch.ssh_keygen(&["-q", "-s", "ca", "-I", "badge", "-n", principals, "-V", until, "k.pub"]);
        let text = fs::read_to_string(hub.scratch.path("k-cert.pub")).unwrap();
        text.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ")
    };
    let certificate = sign(&hub, "alice", "-1m:+30m");
    let answer = |hub: &Hub, certificate: &str| hub.answer(&format!("git {certificate}")).unwrap();
    assert_eq!(answer(&hub, &certificate), None, "no organization has the CA");

    hub.change(|change| change.add_authority(&owner("acme"), &public(&authority), 3_600, None));
    let options = "cert-authority,principals=\"alice\",".to_owned();
    let forced_command = format!("alice --ca {}", fingerprint(&authority));
    assert_eq!(answer(&hub, &certificate), Some((options, forced_command)));
    for (principals, until, what) in [
        ("alice,root", "-1m:+30m", "two principals"),
        ("mallory", "-1m:+30m", "no member"),
        ("alice", "-1m:+9h", "longer than the authority may sign for"),
        ("alice", "-30m:-1m", "over"),
        ("alice", "always:forever", "for ever"),
    ] {
        assert_eq!(answer(&hub, &sign(&hub, principals, until)), None, "{what}");
    }
    hub.change(|change| change.revoke_certificate(&owner("acme"), "badge"));
    assert_eq!(answer(&hub, &certificate), None, "revoked");
}
