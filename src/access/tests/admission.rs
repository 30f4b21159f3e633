use super::{NOW, account};
use crate::access::{
    AuthorityFacts, BadCertificate, CertificateFacts, Grant, Identity, KeyFacts, KeyHolder, NotAdmitted, Removal, Role,
    Scope, identify, identify_certificate,
};
use crate::key::Fingerprint;
use crate::request::ForcedCommand;

fn forced_command(user: &str) -> ForcedCommand {
    ForcedCommand::Account(user.parse().unwrap(), Fingerprint::from_bytes([1; 32]))
}

/// The address of every session in these tests.
const ADDRESS: &str = "192.0.2.7";

/// A key on alice's account, valid except for the given scope and reason.
fn key(scope: Scope, disabled: Option<&str>) -> KeyFacts {
    let holder = KeyHolder::Account { account: account(scope), disabled: disabled.map(str::to_owned) };
    KeyFacts { holder, sources: None, expires_at: None, removed: None }
}

fn valid_key() -> KeyFacts {
    key(Scope::Write, None)
}

fn deploy_key() -> KeyFacts {
    let holder = KeyHolder::Repository { id: 70, path: "acme/x".parse().unwrap(), scope: Scope::Read };
    KeyFacts { holder, ..valid_key() }
}

fn admit(forced_command: &ForcedCommand, key: Option<&KeyFacts>) -> Result<Identity, NotAdmitted> {
    identify(forced_command, key, ADDRESS, NOW)
}

fn identify_alice(key: &KeyFacts) -> Result<Identity, NotAdmitted> {
    admit(&forced_command("alice"), Some(key))
}

#[test]
fn an_account_is_admitted_by_its_own_valid_key() {
    assert_eq!(identify_alice(&valid_key()), Ok(Identity::Account(account(Scope::Write))));
    assert_eq!(identify_alice(&key(Scope::Read, None)), Ok(Identity::Account(account(Scope::Read))));
}

#[test]
fn an_invalid_key_is_refused_with_the_reason() {
    let disabled = || key(Scope::Write, Some("left the company"));
    let removed = |removal| KeyFacts { removed: Some(removal), ..valid_key() };
    for (what, key, expected) in [
        ("removed", removed(Removal::Ordinary), NotAdmitted::NoLongerOn),
        ("compromised", removed(Removal::Compromised), NotAdmitted::Compromised),
        (
            "compromised, whatever else",
            KeyFacts { removed: Some(Removal::Compromised), expires_at: Some(0), ..disabled() },
            NotAdmitted::Compromised,
        ),
        (
            "removed, of a disabled account: no longer its key",
            KeyFacts { removed: Some(Removal::Ordinary), ..disabled() },
            NotAdmitted::NoLongerOn,
        ),
        ("expired", KeyFacts { expires_at: Some(NOW - 9), ..valid_key() }, NotAdmitted::Expired(NOW - 9)),
        ("disabled", disabled(), NotAdmitted::Disabled("left the company".to_owned())),
        (
            "disabled and expired",
            KeyFacts { expires_at: Some(0), ..disabled() },
            NotAdmitted::Disabled("left the company".to_owned()),
        ),
    ] {
        assert_eq!(identify_alice(&key), Err(expected), "{what}");
    }
}

#[test]
fn a_key_is_valid_until_the_second_of_its_end() {
    for (end, admitted) in [(NOW + 1, true), (NOW, false), (NOW - 1, false)] {
        let key = KeyFacts { expires_at: Some(end), ..valid_key() };
        let expected =
            if admitted { Ok(Identity::Account(account(Scope::Write))) } else { Err(NotAdmitted::Expired(end)) };
        assert_eq!(identify_alice(&key), expected, "{end}");
    }
}

#[test]
fn a_key_without_a_row_is_on_no_account() {
    assert_eq!(admit(&forced_command("alice"), None), Err(NotAdmitted::NoLongerOn));
}

#[test]
fn a_forced_command_cannot_lend_a_key_to_another_account() {
    for user in ["bob", "Alice", "ALICE", "alice_"] {
        assert_eq!(admit(&forced_command(user), Some(&valid_key())), Err(NotAdmitted::OtherAccount), "{user}");
        // The error does not even reveal that the other account's key has expired.
        let expired = KeyFacts { expires_at: Some(0), ..key(Scope::Write, Some("")) };
        assert_eq!(admit(&forced_command(user), Some(&expired)), Err(NotAdmitted::OtherAccount), "{user}");
    }
}

#[test]
fn an_anonymous_session_stays_anonymous_after_its_key_joined_an_account() {
    let anonymous = ForcedCommand::Anonymous(Fingerprint::from_bytes([1; 32]));
    let expired = KeyFacts { expires_at: Some(0), ..key(Scope::Write, Some("left")) };
    let removed = KeyFacts { removed: Some(Removal::Ordinary), ..valid_key() };
    for key in [None, Some(&valid_key()), Some(&expired), Some(&removed)] {
        assert_eq!(admit(&anonymous, key), Ok(Identity::Anonymous), "{key:?}");
    }
}

#[test]
fn a_compromised_key_is_not_even_anonymous() {
    let anonymous = ForcedCommand::Anonymous(Fingerprint::from_bytes([1; 32]));
    let compromised = KeyFacts { removed: Some(Removal::Compromised), ..valid_key() };
    assert_eq!(admit(&anonymous, Some(&compromised)), Err(NotAdmitted::Compromised));
}

#[test]
fn a_deploy_key_is_admitted_only_as_a_deploy_key() {
    let deploy = ForcedCommand::DeployKey(Fingerprint::from_bytes([1; 32]));
    let expected = Ok(Identity::DeployKey { repository: 70, scope: Scope::Read });
    assert_eq!(admit(&deploy, Some(&deploy_key())), expected);
    assert_eq!(admit(&deploy, Some(&valid_key())), Err(NotAdmitted::OtherAccount));
    assert_eq!(identify_alice(&deploy_key()), Err(NotAdmitted::OtherAccount));
    assert_eq!(admit(&deploy, None), Err(NotAdmitted::NoLongerOn));
    let expired = KeyFacts { expires_at: Some(NOW), ..deploy_key() };
    assert_eq!(admit(&deploy, Some(&expired)), Err(NotAdmitted::Expired(NOW)));
}

#[test]
fn a_key_with_sources_is_valid_only_from_them() {
    for (sources, admitted) in [
        ("192.0.2.0/24", true),
        ("192.0.2.7", true),
        ("2001:db8::/32,192.0.2.0/28", true),
        ("192.0.3.0/24", false),
        ("2001:db8::/32", false),
    ] {
        let key = KeyFacts { sources: Some(sources.parse().unwrap()), ..valid_key() };
        let refused = Err(NotAdmitted::Address(ADDRESS.to_owned()));
        let expected = if admitted { Ok(Identity::Account(account(Scope::Write))) } else { refused };
        assert_eq!(identify_alice(&key), expected, "{sources}");
    }
    // An unknown address is not in any network.
    let key = KeyFacts { sources: Some("0.0.0.0/0,::/0".parse().unwrap()), ..valid_key() };
    assert!(matches!(identify(&forced_command("alice"), Some(&key), "unknown", NOW), Err(NotAdmitted::Address(_))));
}

/// A certificate that is valid for another hour, by a CA that may sign for a day.
fn certificate() -> CertificateFacts {
    CertificateFacts {
        authority: Some(AuthorityFacts { organization: 9, max_ttl: 86_400, until: Some(NOW + 1) }),
        account: Some((account(Scope::Write), None)),
        member: Some(Grant { value: Role::Read, until: None }),
        revoked: false,
        compromised: false,
        validity: (NOW - 3_600, NOW + 3_600),
    }
}

#[test]
fn a_certificate_ends_with_the_first_of_its_parts() {
    let facts = |authority, member, end| {
        let authority = Some(AuthorityFacts { organization: 9, max_ttl: 9, until: authority });
        let member = Some(Grant { value: Role::Read, until: member });
        CertificateFacts { authority, member, validity: (0, end), ..certificate() }.until()
    };
    assert_eq!(facts(None, None, 3), 3);
    assert_eq!((facts(Some(1), Some(2), 3), facts(Some(2), Some(1), 3), facts(Some(9), Some(8), 3)), (1, 1, 3));
}

#[test]
fn a_certificate_is_valid_only_if_each_of_its_parts_is() {
    let accepted = Ok(Identity::Certificate { account: account(Scope::Write), organization: 9 });
    assert_eq!(identify_certificate(&certificate(), NOW), accepted);
    let longest_from_now = CertificateFacts { validity: (NOW, NOW + 86_400), ..certificate() };
    assert_eq!(identify_certificate(&longest_from_now, NOW), accepted);
    let bad = |why| Err(NotAdmitted::Certificate(why));
    let ended = Some(Grant { value: Role::Admin, until: Some(NOW) });
    let authority = certificate().authority.unwrap();
    for (what, facts, expected) in [
        ("no authority", CertificateFacts { authority: None, ..certificate() }, bad(BadCertificate::Authority)),
        (
            "an authority no longer",
            CertificateFacts { authority: Some(AuthorityFacts { until: Some(NOW), ..authority }), ..certificate() },
            bad(BadCertificate::AuthorityEnded),
        ),
        ("no account", CertificateFacts { account: None, ..certificate() }, bad(BadCertificate::Member)),
        ("no member", CertificateFacts { member: None, ..certificate() }, bad(BadCertificate::Member)),
        ("a member no longer", CertificateFacts { member: ended, ..certificate() }, bad(BadCertificate::Member)),
        ("revoked", CertificateFacts { revoked: true, ..certificate() }, bad(BadCertificate::Revoked)),
        (
            "longer than the CA allows",
            CertificateFacts { validity: (NOW, NOW + 86_401), ..certificate() },
            bad(BadCertificate::Lifetime),
        ),
        (
            "without an end",
            CertificateFacts { validity: (0, i64::MAX), ..certificate() },
            bad(BadCertificate::Lifetime),
        ),
        ("expired", CertificateFacts { validity: (NOW - 3_600, NOW), ..certificate() }, bad(BadCertificate::Expired)),
        (
            "not yet",
            CertificateFacts { validity: (NOW + 1, NOW + 3_600), ..certificate() },
            bad(BadCertificate::NotYet),
        ),
        ("compromised", CertificateFacts { compromised: true, ..certificate() }, bad(BadCertificate::Compromised)),
        (
            "disabled",
            CertificateFacts { account: Some((account(Scope::Write), Some("left".to_owned()))), ..certificate() },
            Err(NotAdmitted::Disabled("left".to_owned())),
        ),
    ] {
        assert_eq!(identify_certificate(&facts, NOW), expected, "{what}");
    }
}
