//! What an account may do beyond git, and from which addresses a key may be used.

use proptest::prelude::any;
use proptest::{collection, prop_assert_eq};

use super::{ACCOUNT, NOW, OWNER, account, all_facts, for_good, repository};
use crate::access::{
    Access, BadSources, CollaboratorRole, Gate, Grant, KeyFacts, KeyHolder, NotAdmitted, OwnerFacts, Removal,
    RepositoryFacts, Role, Scope, Sources, Visibility, access, administers, is_member, may_create, may_manage,
};
use crate::access::{BadCertificate, Identity};
use crate::key::Fingerprint;
use crate::request::ForcedCommand;
use crate::tests::holds;

#[test]
fn sources_are_addresses_and_networks_separated_by_commas() {
    for (text, inside, outside) in [
        ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
        ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
        ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
        ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
        ("fe80::/10", "fe80::1%eth0", "::1"),
        ("192.0.2.0/24,2001:db8::1", "2001:db8::1", "2001:db8::2"),
    ] {
        let sources: Sources = text.parse().unwrap();
        assert!(sources.admit(inside) && !sources.admit(outside), "{text}");
        assert_eq!(sources.to_string().parse(), Ok(sources), "{text}");
    }
    for address in ["", "unknown", "UNKNOWN", "192.0.2", "192.0.2.7 ", "%eth0"] {
        assert!(!"0.0.0.0/0,::/0".parse::<Sources>().unwrap().admit(address), "{address:?}");
    }
}

#[test]
fn a_text_that_is_not_a_list_of_networks_is_rejected() {
    for text in
        ["", ",", "192.0.2.0/24,", "192.0.2.0/33", "192.0.2.0/24 ", "192.0.2.0/24, ::1", "home", "*", "!::1", "1"]
    {
        assert_eq!(text.parse::<Sources>(), Err(BadSources), "{text:?}");
    }
}

#[test]
fn a_network_admits_the_addresses_with_its_prefix() {
    let admitted =
        holds(2_000, &(any::<[u8; 4]>(), 0..=32_u32, collection::vec(0..4_u8, 4)), |(net, length, change)| {
            let address: Vec<u8> = net.iter().zip(&change).map(|(byte, change)| byte ^ change).collect();
            let text = |bytes: &[u8]| bytes.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
            let number = |bytes: &[u8]| bytes.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
            let sources: Sources = format!("{}/{length}", text(&net)).parse().unwrap();
            let same = (number(&net) ^ number(&address)).leading_zeros() >= length;
            prop_assert_eq!(sources.admit(&text(&address)), same);
            Ok(same)
        });
    assert!((200..1_900).contains(&admitted), "{admitted} admitted");
}

/// What an account may do with an owner and with the owner's repository, by the account's role at the owner.
const TABLE: &str = "
role         creates  administers  manages  manages-own
none         no       no           no       no
no_access    no       no           no       no
read         no       no           no       no
contributor  yes      no           no       yes
write        yes      no           yes      yes
admin        yes      yes          yes      yes
";

#[test]
fn a_role_decides_who_creates_administers_and_manages() {
    let rows: Vec<Vec<&str>> = TABLE.lines().skip(2).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows.len(), Role::ALL.len() + 1);
    let account = account(Scope::Write);
    for row in rows {
        for until in [None, Some(NOW + 1), Some(NOW)] {
            let role = row[0].parse().ok().map(|value| Grant { value, until });
            let owner = OwnerFacts { id: OWNER, may_create: true, role };
            let others = RepositoryFacts { role, ..repository(Visibility::Private, Gate::Open) };
            let own = RepositoryFacts { created_by_account: true, ..others.clone() };
            let answers = [
                may_create(&account, &owner, NOW),
                administers(&account, &owner, NOW),
                may_manage(&account, &others, NOW),
                may_manage(&account, &own, NOW),
            ];
            let over = until == Some(NOW);
            assert_eq!(is_member(&owner, NOW), role.is_some() && !over, "{row:?}");
            assert_eq!(answers.to_vec(), row[1..].iter().map(|word| *word == "yes" && !over).collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_user_administers_their_own_name_and_creates_there_if_permitted() {
    let account = account(Scope::Write);
    for may in [true, false] {
        let own = OwnerFacts { id: ACCOUNT, may_create: may, role: None };
        assert_eq!((may_create(&account, &own, NOW), administers(&account, &own, NOW)), (may, true));
        let others = OwnerFacts { id: OWNER, ..own };
        assert!(!may_create(&account, &others, NOW) && !administers(&account, &others, NOW));
    }
}

#[test]
fn managers_may_write_and_administrators_may_manage() {
    for facts in all_facts() {
        let identity = Identity::Account(account(Scope::Write));
        let (access, manages) = (access(&identity, &facts, NOW), may_manage(&account(Scope::Write), &facts, NOW));
        assert!(!manages || access >= Access::Write, "{facts:?}");
        assert!(manages || access < Access::Admin, "{facts:?}");
        assert!(!may_manage(&account(Scope::Read), &facts, NOW), "{facts:?}");
    }
    // A collaborator with write access may not remove the repository.
    let private = repository(Visibility::Private, Gate::Open);
    let collaborator = RepositoryFacts { collaborator: Some(for_good(CollaboratorRole::Write)), ..private };
    assert!(!may_manage(&account(Scope::Write), &collaborator, NOW));
}

#[test]
fn a_key_has_the_forced_command_that_the_helper_would_print() {
    let key = Fingerprint::from_bytes([1; 32]);
    let of_account = KeyHolder::Account { account: account(Scope::Write), disabled: Some("left".to_owned()) };
    let of_repository = KeyHolder::Repository { id: 1, path: "acme/x".parse().unwrap(), scope: Scope::Read };
    let alice = ForcedCommand::Account("alice".parse().unwrap(), key);
    for (holder, forced_command) in [(of_account, alice), (of_repository, ForcedCommand::DeployKey(key))] {
        let facts = |removed| KeyFacts { holder: holder.clone(), sources: None, expires_at: Some(0), removed };
        assert_eq!(facts(None).forced_command(key), forced_command);
        assert_eq!(facts(Some(Removal::Compromised)).forced_command(key), forced_command);
        assert_eq!(facts(Some(Removal::Ordinary)).forced_command(key), ForcedCommand::Anonymous(key));
    }
}

#[test]
fn an_expired_key_may_still_be_released() {
    for (reason, expected) in [
        (NotAdmitted::Expired(0), true),
        (NotAdmitted::Disabled(String::new()), true),
        (NotAdmitted::Address(String::new()), true),
        (NotAdmitted::NoLongerOn, false),
        (NotAdmitted::Compromised, false),
        (NotAdmitted::OtherAccount, false),
        (NotAdmitted::Certificate(BadCertificate::Revoked), false),
    ] {
        assert_eq!(reason.leaves_release(), expected, "{reason:?}");
    }
}
