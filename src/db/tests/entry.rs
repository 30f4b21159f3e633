//! Gates, invitations, deploy keys and authorities.

use super::{Hub, add_deploy_key, add_key, code, fingerprint, key, owner, path};
use crate::access::{GateMode, GateRequest, Removal, Role};
use crate::clock::now;
use crate::db::{
    AuthorityRange, Change, ChangeError, Code, Holder, HolderId, KeyRange, KeyRow, OwnerKind, Period, all,
};
use crate::key::Fingerprint;
use crate::name::Owner;

#[test]
fn a_request_is_made_once_and_answered_by_the_mode_of_the_gate() {
    let mut hub = Hub::new();
    let (x, bob) = (path("acme/x"), owner("bob"));
    let ask = |change: &Change<'_>| change.request_access(&x, &bob);
    assert_eq!(hub.refusal(ask), "acme/x has no gate: access needs no request");
    for (mode, expected) in [(GateMode::Manual, GateRequest::Pending), (GateMode::Auto, GateRequest::Accepted)] {
        hub.change(|change| change.set_gate(&x, mode, false)).unwrap();
        let row = hub.store.view().repository(&x).unwrap();
        assert_eq!((row.gate, row.gate_members), (mode, false));
        let before = hub.dump().len();
        assert_eq!(hub.change(ask).unwrap(), expected);
        assert_eq!(hub.dump().len(), before + 2, "a request and its audit row");
        assert_eq!(hub.change(ask).unwrap(), expected);
        assert_eq!(hub.dump().len(), before + 2, "asked again, nothing changes");
        hub.change(|change| change.answer_access(&x, &bob, GateRequest::None, None)).unwrap();
    }
    let take_back = |change: &Change<'_>| change.answer_access(&x, &bob, GateRequest::None, None);
    assert_eq!(hub.refusal(take_back), "there is no request of bob on acme/x");
}

#[test]
fn an_answer_applies_until_it_ends_or_is_withdrawn() {
    let mut hub = Hub::new();
    let (x, bob) = (path("acme/x"), owner("bob"));
    hub.change(|change| change.set_gate(&x, GateMode::Manual, false)).unwrap();
    let mut asked_after = |state, until| {
        hub.change(|change| change.answer_access(&x, &bob, state, until)).unwrap();
        hub.change(|change| change.request_access(&x, &bob)).unwrap()
    };
    assert_eq!(asked_after(GateRequest::Rejected, None), GateRequest::Rejected);
    assert_eq!(asked_after(GateRequest::Accepted, None), GateRequest::Accepted);
    assert_eq!(asked_after(GateRequest::Accepted, Some(now() + 1_000)), GateRequest::Accepted);
    assert_eq!(asked_after(GateRequest::Accepted, Some(now())), GateRequest::Pending);
    let id = hub.store.view().repository(&x).unwrap().id;
    let requests = all(|each| hub.store.view().gate_requests(id, None, each)).unwrap();
    let requests: Vec<_> = requests.iter().map(|one| (one.user.as_str(), one.state, one.until)).collect();
    assert_eq!(requests, [("bob", GateRequest::Pending, None)]);
}

#[test]
fn a_code_is_128_random_bits_in_32_digits() {
    let [one, other] = [(), ()].map(|()| Code::random().unwrap());
    assert_ne!(one, other);
    assert_eq!(Code::parse(&one.as_str().to_uppercase()), Some(one.clone()));
    let bad = [&one.as_str()[1..], &format!("{}0", one.as_str()), &"g".repeat(32), "", &"é".repeat(16)];
    for text in bad {
        assert_eq!(Code::parse(text), None, "{text:?}");
    }
}

/// Uses a code.
fn join(change: &Change<'_>, number: u8, with: u8) -> Result<Option<KeyRow>, ChangeError> {
    change.join(&code(number), &key(with), &"new".parse().unwrap())
}

#[test]
fn an_invitation_is_used_once_and_in_time() {
    let mut hub = Hub::new();
    hub.change(|change| {
        change.invite(&owner("bob"), &code(1), now() + 1_000)?;
        change.invite(&owner("bob"), &code(2), now())
    })
    .unwrap();
    assert!(!hub.dump().iter().any(|row| row.contains(code(1).as_str())), "a code is stored as its hash");
    let joined = hub.change(|change| join(change, 1, 2)).unwrap().unwrap();
    assert_eq!((joined.holder, joined.title.as_str()), (Holder::Account(owner("bob")), "new"));
    for (number, why) in [(1, "used"), (2, "over"), (3, "wrong")] {
        let before = hub.dump();
        assert_eq!(hub.change(|change| join(change, number, 4)).unwrap(), None, "{why}");
        assert_eq!(hub.dump(), before, "{why}");
    }
}

#[test]
fn an_invitation_does_not_outlive_its_account_or_bring_a_key_that_is_in_use() {
    let mut hub = Hub::new();
    hub.change(|change| change.invite(&owner("bob"), &code(1), i64::MAX)).unwrap();
    let in_use = format!("the key {} is already in use: it is \"laptop\" of alice", fingerprint(1));
    assert_eq!(hub.refusal(|change| join(change, 1, 1)), in_use);
    hub.change(|change| change.set_disabled(&owner("bob"), Some("left"))).unwrap();
    assert_eq!(hub.change(|change| join(change, 1, 2)).unwrap(), None);
    hub.change(|change| {
        change.set_disabled(&owner("bob"), None)?;
        change.remove_owner(OwnerKind::User, &owner("bob"), None)?;
        change.release_name(&owner("bob"))?;
        change.add_owner(OwnerKind::User, &owner("bob"), true)
    })
    .unwrap();
    assert_eq!(hub.change(|change| join(change, 1, 2)).unwrap(), None, "another bob");
}

#[test]
fn a_key_opens_an_account_or_a_repository_and_never_both() {
    let mut hub = Hub::new();
    hub.change(|change| add_deploy_key(change, "acme/x", 2)).unwrap();
    let id = hub.store.view().repository(&path("acme/x")).unwrap().id;
    let deployed = |hub: &Hub| {
        let (range, holder) = (KeyRange::default(), HolderId::Repository(id));
        all(|each| hub.store.view().keys_of(holder, &range, each)).unwrap()
    };
    let holders: Vec<_> = deployed(&hub).into_iter().map(|row| row.holder).collect();
    assert_eq!(holders, [Holder::Repository(path("acme/x"))]);
    assert_eq!(hub.keys(None).len(), 1, "deploy keys are listed by repository");
    let of = |number, what| format!("the key {} is already in use: it is {what}", fingerprint(number));
    assert_eq!(hub.refusal(|change| add_key(change, "alice", 2)), of(2, "\"ci\" of acme/x"));
    assert_eq!(hub.refusal(|change| add_deploy_key(change, "acme/x", 2)), of(2, "\"ci\" of acme/x"));
    assert_eq!(hub.refusal(|change| add_deploy_key(change, "acme/x", 1)), of(1, "\"laptop\" of alice"));
    assert_eq!(hub.refusal(|change| add_deploy_key(change, "acme/z", 3)), "there is no repository acme/z");
    // After its removal, the key may be added to the other.
    hub.change(|change| change.remove_key(&fingerprint(2), Removal::Ordinary)).unwrap();
    let moved = hub.change(|change| add_key(change, "bob", 2)).unwrap();
    assert_eq!((moved.holder, moved.title.as_str()), (Holder::Account(owner("bob")), "laptop"));
    assert!(deployed(&hub).is_empty());
}

#[test]
fn an_authority_belongs_to_one_organization_and_is_no_other_key() {
    let mut hub = Hub::new();
    let acme = owner("acme");
    let in_use = |number| format!("the key {} is already in use", fingerprint(number));
    assert_eq!(hub.refusal(|change| change.add_authority(&acme, &key(1), 900, None)), in_use(1));
    let user = "there is no organization bob: bob is a user";
    assert_eq!(hub.refusal(|change| change.add_authority(&owner("bob"), &key(2), 900, None)), user);
    hub.change(|change| {
        change.add_owner(OwnerKind::Organization, &owner("initech"), true)?;
        change.set_member(&owner("initech"), &owner("bob"), Role::Admin, None)?;
        change.add_authority(&acme, &key(2), 900, None).map(drop)
    })
    .unwrap();
    assert_eq!(hub.refusal(|change| change.add_authority(&owner("initech"), &key(2), 900, None)), in_use(2));
    assert_eq!(authorities(&hub, &acme, now()), [(fingerprint(2), 900)]);

    let missing = format!("there is no authority {} of initech", fingerprint(2));
    assert_eq!(hub.refusal(|change| change.remove_authority(&owner("initech"), &fingerprint(2))), missing);
    hub.refusal(|change| change.revoke_certificate(&owner("initech"), "badge"));
    hub.change(|change| change.remove_authority(&acme, &fingerprint(2))).unwrap();
    assert_eq!(authorities(&hub, &acme, now()), []);
    hub.change(|change| change.add_authority(&owner("initech"), &key(2), 60, None)).unwrap();
    assert_eq!(authorities(&hub, &owner("initech"), now()), [(fingerprint(2), 60)]);
}

/// The authorities of an organization at a second: fingerprint and longest lifetime.
fn authorities(hub: &Hub, organization: &Owner, now: i64) -> Vec<(Fingerprint, i64)> {
    let view = hub.store.view();
    let id = view.owner(organization).unwrap().id;
    let range = AuthorityRange { now, after: None, ending: None };
    let rows = all(|each| view.authorities(Some(id), &range, each)).unwrap();
    rows.iter().map(|row| (row.fingerprint, row.max_ttl)).collect()
}

#[test]
fn an_authority_with_an_end_is_in_use_until_then() {
    let mut hub = Hub::new();
    let (acme, end) = (owner("acme"), now() + 1_000);
    hub.change(|change| change.add_authority(&acme, &key(2), 900, Some(end))).unwrap();
    let in_use = format!("the key {} is already in use", fingerprint(2));
    assert_eq!(hub.refusal(|change| change.add_authority(&acme, &key(2), 60, None)), in_use);
    let signs = format!("{in_use}: it signs the certificates of an organization");
    assert_eq!(hub.refusal(|change| add_key(change, "bob", 2)), signs);
    let has = |hub: &Hub, now| hub.reader().ask(|view| view.has_authorities(now)).unwrap();
    assert_eq!((has(&hub, end - 1), has(&hub, end)), (true, false));
    // A program that does not know ends asks for this, so it accepts no certificate.
    let known = "SELECT count(*) AS number FROM authority WHERE removed_at IS NULL";
    assert_eq!(hub.store.view().connection.number(known, &[]).unwrap(), 0);
    assert_eq!(authorities(&hub, &acme, end - 1), [(fingerprint(2), 900)]);
    assert_eq!(authorities(&hub, &acme, end), []);
    // It may be removed before its end, and added again after it.
    hub.change(|change| change.remove_authority(&acme, &fingerprint(2))).unwrap();
    hub.refusal(|change| change.remove_authority(&acme, &fingerprint(2)));
    hub.change(|change| change.add_authority(&acme, &key(2), 60, Some(now() - 1))).unwrap();
    hub.refusal(|change| change.remove_authority(&acme, &fingerprint(2)));
    hub.change(|change| add_key(change, "bob", 2)).unwrap();
}

#[test]
fn a_list_of_authorities_has_those_that_sign_and_continues_behind_each() {
    let mut hub = Hub::new();
    let start = now();
    hub.change(|change| {
        change.add_owner(OwnerKind::Organization, &owner("Initech"), true)?;
        for (number, organization, days) in [(5, "initech", 9), (2, "acme", 20), (4, "acme", 10), (3, "acme", -1)] {
            change.add_authority(&owner(organization), &key(number), 60, Some(start + days * 86_400))?;
        }
        change.add_authority(&owner("acme"), &key(6), 60, None).map(drop)
    })
    .unwrap();
    let view = hub.store.view();
    let list = |organization: Option<&str>, after, ending| {
        let id = organization.map(|name| view.owner(&owner(name)).unwrap().id);
        let range = AuthorityRange { now: start, after, ending };
        all(|each| view.authorities(id, &range, each))
            .map(|rows| rows.iter().map(|row| (row.organization.to_string(), row.fingerprint)).collect::<Vec<_>>())
    };
    for organization in [None, Some("acme")] {
        let whole = list(organization, None, None).unwrap();
        assert_eq!(whole.len(), if organization.is_none() { 4 } else { 3 });
        assert!(whole.is_sorted_by_key(|(organization, _)| organization.to_lowercase()));
        for (index, (_, row)) in whole.iter().enumerate() {
            assert_eq!(list(organization, Some(*row), None).unwrap(), whole[index + 1..]);
        }
    }
    let ending = |days: i64| Some(Period { after: start, until: start + days * 86_400 });
    assert_eq!(list(None, None, ending(10)).unwrap().len(), 2);
    assert_eq!(list(Some("acme"), None, ending(10)).unwrap(), [("acme".to_owned(), fingerprint(4))]);
    // One that has ended, of another organization, or unknown is no row.
    for number in [3, 5, 7] {
        assert!(matches!(list(Some("acme"), Some(fingerprint(number)), None), Err(ChangeError::NotFound(_))));
    }
}
