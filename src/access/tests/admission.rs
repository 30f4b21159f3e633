use super::{NOW, account};
use crate::access::{Identity, KeyFacts, NotAdmitted, Removal, Scope, identify};
use crate::key::Fingerprint;
use crate::request::Form;

fn form(user: &str) -> Form {
    Form::Account(user.parse().unwrap(), Fingerprint::from_bytes([1; 32]))
}

/// A key that is good, on the account of alice.
fn good() -> KeyFacts {
    KeyFacts { account: account(Scope::Write), expires_at: None, removed: None, disabled: None }
}

fn identify_alice(key: &KeyFacts) -> Result<Identity, NotAdmitted> {
    identify(&form("alice"), Some(key), NOW)
}

#[test]
fn an_account_is_admitted_by_a_good_key_of_its_own() {
    assert_eq!(identify_alice(&good()), Ok(Identity::Account(account(Scope::Write))));
    let read = KeyFacts { account: account(Scope::Read), ..good() };
    assert_eq!(identify_alice(&read), Ok(Identity::Account(account(Scope::Read))));
}

#[test]
fn a_key_that_is_not_good_is_refused_with_the_reason() {
    let disabled = || Some("left the company".to_owned());
    let removed = |removal| KeyFacts { removed: Some(removal), ..good() };
    for (what, key, expected) in [
        ("removed", removed(Removal::Ordinary), NotAdmitted::NoLongerOnAccount),
        ("compromised", removed(Removal::Compromised), NotAdmitted::Compromised),
        (
            "compromised, whatever else",
            KeyFacts { disabled: disabled(), expires_at: Some(0), ..removed(Removal::Compromised) },
            NotAdmitted::Compromised,
        ),
        (
            "removed, of a disabled account: no longer its key",
            KeyFacts { disabled: disabled(), ..removed(Removal::Ordinary) },
            NotAdmitted::NoLongerOnAccount,
        ),
        ("expired", KeyFacts { expires_at: Some(NOW - 9), ..good() }, NotAdmitted::Expired(NOW - 9)),
        ("disabled", KeyFacts { disabled: disabled(), ..good() }, NotAdmitted::Disabled("left the company".to_owned())),
        (
            "disabled and expired",
            KeyFacts { disabled: disabled(), expires_at: Some(0), ..good() },
            NotAdmitted::Disabled("left the company".to_owned()),
        ),
    ] {
        assert_eq!(identify_alice(&key), Err(expected), "{what}");
    }
}

#[test]
fn a_key_is_good_until_the_second_of_its_end() {
    for (end, admitted) in [(NOW + 1, true), (NOW, false), (NOW - 1, false)] {
        let key = KeyFacts { expires_at: Some(end), ..good() };
        let expected =
            if admitted { Ok(Identity::Account(account(Scope::Write))) } else { Err(NotAdmitted::Expired(end)) };
        assert_eq!(identify_alice(&key), expected, "{end}");
    }
}

#[test]
fn a_key_without_a_row_is_on_no_account() {
    assert_eq!(identify(&form("alice"), None, NOW), Err(NotAdmitted::NoLongerOnAccount));
}

#[test]
fn a_forced_command_cannot_lend_a_key_to_another_account() {
    for user in ["bob", "Alice", "ALICE", "alice_"] {
        assert_eq!(identify(&form(user), Some(&good()), NOW), Err(NotAdmitted::OtherAccount), "{user}");
        // Not even to say that the other account's key is over.
        let expired = KeyFacts { expires_at: Some(0), disabled: Some(String::new()), ..good() };
        assert_eq!(identify(&form(user), Some(&expired), NOW), Err(NotAdmitted::OtherAccount), "{user}");
    }
}

#[test]
fn anonymous_stays_anonymous_whatever_account_the_key_has_joined() {
    let anonymous = Form::Anonymous(Fingerprint::from_bytes([1; 32]));
    let expired = KeyFacts { expires_at: Some(0), disabled: Some("left".to_owned()), ..good() };
    let removed = KeyFacts { removed: Some(Removal::Ordinary), ..good() };
    for key in [None, Some(&good()), Some(&expired), Some(&removed)] {
        assert_eq!(identify(&anonymous, key, NOW), Ok(Identity::Anonymous), "{key:?}");
    }
}

#[test]
fn a_compromised_key_is_not_even_anonymous() {
    let anonymous = Form::Anonymous(Fingerprint::from_bytes([1; 32]));
    let compromised = KeyFacts { removed: Some(Removal::Compromised), ..good() };
    assert_eq!(identify(&anonymous, Some(&compromised), NOW), Err(NotAdmitted::Compromised));
}
