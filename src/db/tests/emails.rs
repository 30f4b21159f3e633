//! E-mail addresses of users, and the keys with which accounts sign.

use super::*;
use crate::access::{CollaboratorRole, Removal};
use crate::db::{Signer, WritesTo};
use crate::name::{Email, HubScope};

fn email(text: &str) -> Email {
    text.parse().unwrap()
}

impl Hub {
    /// The addresses of all users, as `USER ADDRESS STATE`.
    fn emails(&self) -> Vec<String> {
        let rows = all(|each| self.store.view().emails(None, each)).unwrap();
        rows.iter().map(|row| format!("{} {} {}", row.user, row.email.address, row.email.state)).collect()
    }

    /// The row of the user that an address names.
    fn named(&self, address: &str) -> Option<i64> {
        self.reader().ask(|view| view.user_with_email(&email(address))).unwrap()
    }

    /// The users in a file of signers, with the numbers of their keys.
    fn signers(&self, scope: &str, now: i64) -> Vec<String> {
        let view = self.store.view();
        let signers: Vec<Signer> = match scope.parse().unwrap() {
            HubScope::Hub => all(|each| view.signers(WritesTo::Hub, now, each)),
            HubScope::Owner(owner) => all(|each| view.signers(WritesTo::Owner(&owner), now, each)),
            HubScope::Repository(path) => {
                let row = view.repository(&path).unwrap();
                all(|each| view.signers(WritesTo::Repository(&row), now, each))
            }
        }
        .unwrap();
        let number = |signer: &Signer| *signer.key.blob().last().unwrap();
        signers.iter().map(|signer| format!("{} {}", signer.user, number(signer))).collect()
    }
}

#[test]
fn an_address_names_an_account_only_after_the_operator_confirmed_it() {
    let mut hub = Hub::new();
    let alice = hub.store.view().user(&owner("alice")).unwrap().id;
    hub.change(|change| change.claim_email(&owner("bob"), &email("Alice@example.org"))).unwrap();
    assert_eq!(hub.last_event(), r#"user.add_email bob {"email":"Alice@example.org","state":"claimed"}"#);
    assert_eq!(hub.named("alice@example.org"), None, "a claim names nobody");
    let taken = hub.refusal(|change| change.claim_email(&owner("alice"), &email("alice@EXAMPLE.org")));
    assert_eq!(taken, "the address alice@EXAMPLE.org is already in use: ask the operator");
    // A confirmation by the operator ends the claim.
    hub.change(|change| change.confirm_email(&owner("alice"), &email("alice@example.org"))).unwrap();
    assert_eq!(
        (hub.emails(), hub.named("ALICE@example.org")),
        (vec!["alice alice@example.org confirmed".into()], Some(alice))
    );
    let taken = hub.refusal(|change| change.confirm_email(&owner("bob"), &email("alice@example.org")));
    let free = "to free it run hubgate user email remove alice alice@example.org";
    assert_eq!(taken, format!("the address alice@example.org is already in use by alice: {free}"));
    let own = hub.refusal(|change| change.confirm_email(&owner("alice"), &email("Alice@example.org")));
    assert_eq!(own, "alice has the address Alice@example.org already");
    let other = hub.refusal(|change| change.remove_email(&owner("bob"), &email("alice@example.org")));
    assert_eq!(other, "there is no address alice@example.org of bob");
    hub.change(|change| change.remove_email(&owner("alice"), &email("ALICE@example.org"))).unwrap();
    assert_eq!((hub.emails(), hub.named("alice@example.org")), (vec![], None));
    hub.change(|change| change.claim_email(&owner("bob"), &email("alice@example.org"))).unwrap();
    hub.change(|change| change.confirm_email(&owner("bob"), &email("alice@example.org"))).unwrap();
    assert_eq!(hub.emails(), ["bob alice@example.org confirmed"]);
    let organization = hub.refusal(|change| change.confirm_email(&owner("acme"), &email("acme@example.org")));
    assert_eq!(organization, "there is no user acme: acme is an organization");
}

#[test]
fn addresses_stay_with_a_renamed_account_and_go_with_a_removed_one() {
    let mut hub = Hub::new();
    let bob = hub.store.view().user(&owner("bob")).unwrap().id;
    for address in ["bob@example.org", "b@example.org"] {
        hub.change(|change| change.confirm_email(&owner("bob"), &email(address))).unwrap();
    }
    hub.change(|change| change.rename_owner(OwnerKind::User, &owner("bob"), &owner("robert"))).unwrap();
    assert_eq!(hub.emails(), ["robert b@example.org confirmed", "robert bob@example.org confirmed"]);
    assert_eq!(hub.named("bob@example.org"), Some(bob));
    hub.change(|change| change.remove_owner(OwnerKind::User, &owner("robert"), None)).unwrap();
    assert_eq!(
        (hub.emails(), hub.named("bob@example.org"), hub.count("former_name WHERE folded LIKE '%@%'")),
        (vec![], None, 0)
    );
    hub.change(|change| change.claim_email(&owner("alice"), &email("bob@example.org"))).unwrap();
    for number in 1..32 {
        let address = email(&format!("alice{number}@example.org"));
        hub.change(|change| change.claim_email(&owner("alice"), &address)).unwrap();
    }
    let many = hub.refusal(|change| change.claim_email(&owner("alice"), &email("more@example.org")));
    assert_eq!(many, "alice would have more than 32 addresses");
}

#[test]
fn a_list_of_addresses_continues_behind_its_last_row() {
    let mut hub = Hub::new();
    for (user, address) in [("bob", "a@x"), ("alice", "c@x"), ("alice", "b@x"), ("bob", "d@x")] {
        hub.change(|change| change.claim_email(&owner(user), &email(address))).unwrap();
    }
    let lines = hub.emails();
    assert_eq!(lines, ["alice b@x claimed", "alice c@x claimed", "bob a@x claimed", "bob d@x claimed"]);
    for (index, position) in ["alice/b@x", "Alice/C@x", "bob/a@x", "bob/d@x"].into_iter().enumerate() {
        let rows = all(|each| hub.store.view().emails(Some(&position.parse().unwrap()), each)).unwrap();
        assert_eq!(rows.len(), lines.len() - index - 1, "{position}");
    }
    let after = email("b@x");
    let rows = all(|each| hub.store.view().emails_of(&owner("alice"), Some(&after), each)).unwrap();
    assert_eq!(rows.len(), 1);
}

#[test]
fn a_file_of_signers_has_the_live_keys_of_those_who_may_write() {
    let mut hub = Hub::new();
    hub.change(|change| {
        for (user, number) in [("bob", 2), ("carol", 3), ("dave", 4), ("eve", 5)] {
            if user != "bob" {
                change.add_owner(OwnerKind::User, &owner(user), true)?;
            }
            add_key(change, user, number)?;
        }
        add_key(change, "alice", 6)?;
        add_key(change, "alice", 7)?;
        add_deploy_key(change, "acme/x", 8)?;
        let (key, title) = (key(9), "ci".parse().unwrap());
        let new = NewKey { key: &key, title: &title, scope: Scope::Read, expires_at: None, sources: None };
        change.add_key(&owner("alice"), &new)?;
        change.remove_key(&fingerprint(6), Removal::Compromised)?;
        change.set_member(&owner("acme"), &owner("bob"), Role::Write, Some(1_000))?;
        change.set_member(&owner("acme"), &owner("carol"), Role::Contributor, None)?;
        change.set_collaborator(&path("acme/x"), &grantee("dave"), CollaboratorRole::Write, None)?;
        change.set_collaborator(&path("acme/x"), &grantee("alice"), CollaboratorRole::Admin, None)?;
        change.set_collaborator(&path("acme/x"), &grantee("eve"), CollaboratorRole::Read, None)?;
        let own = NewRepository { created_by: Some(owner("carol")), ..new_repository("acme/y", 2) };
        change.add_repository(&own)?;
        add_repository(change, "bob/z", 3)
    })
    .unwrap();
    assert_eq!(hub.signers("acme/x", 999), ["alice 1", "alice 7", "bob 2", "dave 4"]);
    assert_eq!(hub.signers("acme/x", 1_000), ["alice 1", "alice 7", "dave 4"]);
    assert_eq!(hub.signers("acme/y", 1_000), ["alice 1", "alice 7", "carol 3"]);
    assert_eq!(hub.signers("bob/z", 0), ["bob 2"]);
    assert_eq!(hub.signers("acme", 1_000), ["alice 1", "alice 7", "carol 3", "dave 4"]);
    assert_eq!(hub.signers("hub", 0), ["alice 1", "alice 7", "bob 2", "carol 3", "dave 4", "eve 5"]);
    hub.change(|change| change.set_disabled(&owner("dave"), Some("away"))).unwrap();
    assert_eq!(hub.signers("acme", 1_000), ["alice 1", "alice 7", "carol 3"]);
}

#[test]
fn a_commit_is_signed_for_an_account_by_its_live_keys_alone() {
    let mut hub = Hub::new();
    hub.change(|change| {
        add_key(change, "bob", 2)?;
        add_key(change, "bob", 3)?;
        add_deploy_key(change, "acme/x", 4)
    })
    .unwrap();
    let bob = hub.store.view().user(&owner("bob")).unwrap().id;
    let accounts = |hub: &Hub| {
        let view = hub.store.view();
        [2, 3, 4, 5].map(|number| view.signer(&fingerprint(number)).unwrap().map(|facts| facts.account))
    };
    assert_eq!(accounts(&hub), [Some(bob), Some(bob), None, None], "a deploy key and an unknown key sign for nobody");
    for (number, removal) in [(2, Removal::Ordinary), (3, Removal::Compromised)] {
        hub.change(|change| change.remove_key(&fingerprint(number), removal)).unwrap();
    }
    assert_eq!(accounts(&hub), [None; 4], "removed keys sign for nobody");
    hub.change(|change| add_key(change, "bob", 5)).unwrap();
    assert_eq!(accounts(&hub), [None, None, None, Some(bob)]);
    hub.change(|change| change.set_disabled(&owner("bob"), Some("away"))).unwrap();
    assert_eq!(accounts(&hub), [None; 4], "a disabled account signs nothing");
    hub.change(|change| change.set_disabled(&owner("bob"), None)).unwrap();
    hub.change(|change| change.remove_owner(OwnerKind::User, &owner("bob"), None)).unwrap();
    assert_eq!(accounts(&hub), [None; 4], "a removed account signs nothing");
}

#[test]
fn no_statement_of_signers_reads_what_it_does_not_need() {
    let hub = Hub::new();
    for (index, plan) in hub.store.view().plans_of_signers().unwrap().into_iter().enumerate() {
        let scans = plan.iter().filter(|step| step.starts_with("SCAN") && !step.starts_with("SCAN CONSTANT ROW"));
        assert_eq!(scans.count(), 0, "{plan:#?}");
        let sorts = plan.iter().filter(|step| *step == "USE TEMP B-TREE FOR ORDER BY");
        // The first statement sorts the keys of one user.
        assert_eq!(sorts.count(), usize::from(index == 0), "{plan:#?}");
    }
}
