use super::{Hub, add_deploy_key, add_key, add_repository, code, fingerprint, grantee, key, owner, path};
use crate::access::{CollaboratorRole, GateMode, GateRequest, Removal, Role, Scope, Visibility};
use crate::clock::now;
use crate::db::{ChangeError, Event, Opens, OwnerKind, all};
use crate::quota::Quota;

/// A change, and its audit row: event, object, detail.
type Step = (fn(&super::Change<'_>) -> Result<(), ChangeError>, &'static str);

/// A history of accounts. `KEY` and `AUTHORITY` stand for the fingerprints of the second and third key.
const LIFE: &[Step] = &[
    (
        |change| change.add_owner(OwnerKind::User, &owner("Carol"), false).map(drop),
        r#"user.create Carol {"may_create":false}"#,
    ),
    (
        |change| change.add_owner(OwnerKind::Organization, &owner("Initech"), true).map(drop),
        r#"org.create Initech {"may_create":true}"#,
    ),
    (
        |change| change.set_member(&owner("initech"), &owner("carol"), Role::Read, Some(7)),
        r#"org.add_user Initech {"before":null,"role":"read","until":7,"user":"Carol"}"#,
    ),
    (
        |change| change.set_member(&owner("initech"), &owner("carol"), Role::Write, None),
        r#"org.change_role Initech {"before":{"role":"read","until":7},"role":"write","until":null,"user":"Carol"}"#,
    ),
    (
        |change| change.remove_member(&owner("initech"), &owner("carol")),
        r#"org.remove_user Initech {"before":{"role":"write","until":null},"user":"Carol"}"#,
    ),
    (
        |change| change.set_disabled(&owner("carol"), Some("on leave")),
        r#"user.disable Carol {"before":null,"reason":"on leave"}"#,
    ),
    (|change| change.set_disabled(&owner("carol"), None), r#"user.enable Carol {"before":"on leave","reason":null}"#),
    (
        |change| change.rename_owner(OwnerKind::User, &owner("carol"), &owner("Caroline")),
        r#"user.rename Carol {"before":"Carol","name":"Caroline"}"#,
    ),
    (|change| change.release_name(&owner("Carol")), r"owner.release Carol {}"),
    (
        |change| change.rename_key(&fingerprint(2), &"desktop".parse().unwrap()),
        r#"key.rename KEY {"after":"desktop","before":"laptop"}"#,
    ),
    (
        |change| add_repository(change, "bob/y", 2).map(drop),
        r#"repo.create bob/y {"created_by":"alice","directory":"00000000000000000000000000000002","object_format":"sha1","visibility":"private"}"#,
    ),
    (
        |change| change.set_visibility(&path("BOB/Y"), Visibility::Public),
        r#"repo.update_settings bob/y {"before":"private","visibility":"public"}"#,
    ),
    (
        |change| change.set_frozen(&path("bob/y"), Some("moving")),
        r#"repo.freeze bob/y {"before":null,"reason":"moving"}"#,
    ),
    (
        |change| change.note_default_branch(&path("bob/y"), Some("main"), "dev"),
        r#"repo.set_default_branch bob/y {"before":"main","branch":"dev"}"#,
    ),
    (|change| change.note_prune(&path("bob/y")), r"repo.prune bob/y {}"),
    (|change| change.set_frozen(&path("bob/y"), None), r#"repo.unfreeze bob/y {"before":"moving","reason":null}"#),
    (
        |change| change.set_collaborator(&path("bob/y"), &grantee("ALICE"), CollaboratorRole::Write, Some(9)),
        r#"repo.set_collaborator bob/y {"before":null,"role":"write","until":9,"user":"alice"}"#,
    ),
    (
        |change| change.remove_collaborator(&path("bob/y"), &grantee("alice")),
        r#"repo.remove_collaborator bob/y {"before":{"role":"write","until":9},"user":"alice"}"#,
    ),
    (
        |change| change.rename_repository(&path("bob/y"), &path("acme/Z")).map(drop),
        r#"repo.move bob/y {"before":"bob/y","path":"acme/Z"}"#,
    ),
    (
        |change| change.set_gate(&path("acme/z"), GateMode::Manual, true),
        r#"repo.update_settings acme/Z {"before":{"gate":"none","gate_members":false},"gate":"manual","gate_members":true}"#,
    ),
    (
        |change| change.request_access(&path("acme/z"), &owner("bob")).map(drop),
        r#"repo.request_access acme/Z {"state":"pending","user":"bob"}"#,
    ),
    (
        |change| change.answer_access(&path("acme/z"), &owner("bob"), GateRequest::Accepted, Some(9)),
        r#"repo.answer_access acme/Z {"before":{"state":"pending","until":null},"state":"accepted","until":9,"user":"bob"}"#,
    ),
    (
        |change| change.answer_access(&path("acme/z"), &owner("bob"), GateRequest::None, None),
        r#"repo.answer_access acme/Z {"before":{"state":"accepted","until":9},"state":"none","until":null,"user":"bob"}"#,
    ),
    (
        |change| change.remove_key(&fingerprint(2), Removal::Ordinary).map(drop),
        r#"key.remove KEY {"before":null,"holder":"bob","removal":"ordinary","title":"desktop"}"#,
    ),
    (
        |change| add_deploy_key(change, "acme/z", 2).map(drop),
        r#"deploy_key.add KEY {"expires_at":null,"repository":"acme/Z","scope":"read","title":"ci"}"#,
    ),
    (
        |change| change.remove_key(&fingerprint(2), Removal::Ordinary).map(drop),
        r#"key.remove KEY {"before":null,"holder":"acme/Z","removal":"ordinary","title":"ci"}"#,
    ),
    (
        |change| change.invite(&owner("BOB"), &code(7), i64::MAX),
        r#"user.invite bob {"expires_at":9223372036854775807}"#,
    ),
    (
        |change| change.join(&code(7), &key(2), &"new".parse().unwrap()).map(|joined| assert!(joined.is_some())),
        r#"key.add KEY {"expires_at":null,"scope":"write","sources":null,"title":"new","user":"bob"}"#,
    ),
    (
        |change| change.add_authority(&owner("acme"), &key(3), 900, None).map(drop),
        r#"org.add_authority acme {"expires_at":null,"fingerprint":"AUTHORITY","max_ttl":900}"#,
    ),
    (|change| change.revoke_certificate(&owner("acme"), "badge"), r#"org.revoke_certificate acme {"what":"badge"}"#),
    (
        |change| change.remove_authority(&owner("acme"), &fingerprint(3)),
        r#"org.remove_authority acme {"fingerprint":"AUTHORITY"}"#,
    ),
    (
        |change| change.remove_repository(&path("acme/z")),
        r#"repo.delete acme/Z {"directory":"00000000000000000000000000000002"}"#,
    ),
    (
        |change| {
            let removed = change.repository_in(&crate::repository::Directory::of_id(2))?;
            change.restore_repository(removed.unwrap().0.id, &path("acme/z")).map(drop)
        },
        r#"repo.restore acme/z {"directory":"00000000000000000000000000000002"}"#,
    ),
    (
        |change| change.set_repository_quota(&path("acme/z"), Quota::of_number(9)),
        r#"repo.set_quota acme/z {"before":null,"quota":9}"#,
    ),
    (
        |change| change.set_owner_quota(&owner("acme"), Quota::of_number(9)),
        r#"owner.set_quota acme {"before":null,"quota":9}"#,
    ),
    (|change| change.set_owner_quota(&owner("acme"), None), r#"owner.set_quota acme {"before":9,"quota":null}"#),
    (
        |change| change.remove_owner(OwnerKind::User, &owner("caroline"), None),
        r#"user.delete Caroline {"transfer_to":null}"#,
    ),
];

#[test]
fn each_change_leaves_one_row_that_says_who_did_what() {
    let mut hub = Hub::new();
    hub.change(|change| add_key(change, "bob", 2)).unwrap();
    let start = now();
    for (step, expected) in LIFE {
        let before = hub.events(0).len();
        hub.change(step).unwrap();
        assert_eq!(hub.events(0).len(), before + 1, "{expected}");
        let [key, authority] = [2, 3].map(|number| fingerprint(number).to_string());
        assert_eq!(hub.last_event(), expected.replace("KEY", &key).replace("AUTHORITY", &authority));
        let Event { at, actor, .. } = hub.events(0).pop().unwrap();
        assert!((start..=now()).contains(&at) && actor == "operator:test");
    }
    assert!(hub.events(now() + 1).is_empty());
}

#[test]
fn a_change_that_fails_late_leaves_nothing() {
    let mut hub = Hub::new();
    let refusal = hub.refusal(|change| {
        change.add_owner(OwnerKind::User, &owner("carol"), true)?;
        add_key(change, "carol", 2)?;
        change.user(&owner("nobody"))
    });
    assert_eq!(refusal, "there is no user nobody");
}

#[test]
fn accounts_are_found_in_any_letter_case_and_by_their_kind() {
    let hub = Hub::new();
    let alice = hub.store.view().user_details(&owner("ALICE")).unwrap();
    assert_eq!((alice.owner.name.as_str(), alice.keys, alice.repositories), ("alice", 1, 0));
    assert_eq!((alice.memberships[0].name.as_str(), alice.memberships[0].role), ("acme", Role::Admin));
    let acme = hub.store.view().organization_details(&owner("Acme")).unwrap();
    assert_eq!((acme.owner.kind, acme.repositories, acme.members.len()), (OwnerKind::Organization, 1, 1));
    assert_eq!(hub.store.view().owner(&owner("acme")).unwrap(), acme.owner);
    let names = |kind| {
        let owners = all(|each| hub.store.view().owners(kind, None, each)).unwrap();
        owners.into_iter().map(|one| one.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(OwnerKind::User), ["alice", "bob"]);
    assert_eq!(names(OwnerKind::Organization), ["acme"]);
    assert!(matches!(hub.store.view().user_details(&owner("acme")), Err(ChangeError::NotFound(_))));
    assert!(matches!(hub.store.view().organization_details(&owner("alice")), Err(ChangeError::NotFound(_))));
}

#[test]
fn a_repository_is_found_in_any_letter_case_and_by_its_kind() {
    let mut hub = Hub::new();
    hub.change(|change| add_repository(change, "datasets/acme/x", 2)).unwrap();
    let model = hub.store.view().repository(&path("ACME/X")).unwrap();
    assert_eq!((model.path.to_string().as_str(), model.visibility), ("acme/x", Visibility::Private));
    let dataset = hub.store.view().repository(&path("datasets/acme/X")).unwrap();
    assert_ne!(model.directory, dataset.directory);
    let acme = hub.store.view().owner(&owner("acme")).unwrap();
    let of_acme = all(|each| hub.store.view().repositories_of(acme.id, None, each)).unwrap();
    assert_eq!(of_acme, all(|each| hub.store.view().repositories(None, each)).unwrap());
    assert!(matches!(hub.store.view().repository(&path("spaces/acme/x")), Err(ChangeError::NotFound(_))));

    hub.change(|change| change.remove_repository(&path("acme/x"))).unwrap();
    assert!(matches!(hub.store.view().repository(&path("acme/x")), Err(ChangeError::NotFound(_))));
    assert_eq!(hub.paths(), [dataset.path.to_string()]);
    // Its directory is still in use, and its path is free.
    assert_eq!(all(|each| hub.store.view().directories(each)).unwrap().len(), 2);
    hub.change(|change| add_repository(change, "acme/x", 3)).unwrap();
}

#[test]
fn a_grant_replaces_the_one_before() {
    let mut hub = Hub::new();
    let set = |hub: &mut Hub, role, until| {
        hub.change(|change| change.set_collaborator(&path("acme/x"), &grantee("bob"), role, until)).unwrap();
    };
    set(&mut hub, CollaboratorRole::Admin, None);
    set(&mut hub, CollaboratorRole::Read, Some(7));
    let granted = hub.store.view().collaborators(&hub.store.view().repository(&path("acme/x")).unwrap()).unwrap();
    let granted: Vec<_> = granted.iter().map(|one| (one.user.to_string(), one.role, one.until)).collect();
    assert_eq!(granted, [("bob".to_owned(), CollaboratorRole::Read, Some(7))]);
}

#[test]
fn a_key_is_kept_whole() {
    let hub = Hub::new();
    let row = hub.store.view().key(&fingerprint(1)).unwrap();
    assert_eq!((row.title.as_str(), row.scope, row.expires_at, row.removal), ("laptop", Scope::Write, None, None));
    assert_eq!(hub.store.view().public_key(&fingerprint(1)).unwrap(), key(1));
    let alice = hub.store.view().owner(&owner("alice")).unwrap();
    assert_eq!(hub.keys(Some(alice.id)), [row]);
    assert!(matches!(hub.store.view().key(&fingerprint(2)), Err(ChangeError::NotFound(_))));
}

#[test]
fn a_removed_key_may_come_back_to_any_account() {
    let mut hub = Hub::new();
    hub.change(|change| change.remove_key(&fingerprint(1), Removal::Ordinary)).unwrap();
    let row = hub.store.view().key(&fingerprint(1)).unwrap();
    assert!(row.removal == Some(Removal::Ordinary) && row.removed_at.is_some());
    assert_eq!(hub.store.view().user_details(&owner("alice")).unwrap().keys, 0);
    hub.change(|change| add_key(change, "bob", 1)).unwrap();
    let row = hub.store.view().key(&fingerprint(1)).unwrap();
    assert_eq!((row.removal, row.removed_at), (None, None));
    assert_eq!(hub.reader().ask(|view| view.key_holder(&fingerprint(1))).unwrap(), Some(Opens::Account(owner("bob"))));
    assert_eq!(hub.keys(None).len(), 1);
}

#[test]
fn an_account_that_is_removed_leaves_no_key_role_or_grant() {
    let mut hub = Hub::new();
    hub.change(|change| {
        add_key(change, "bob", 2)?;
        change.set_member(&owner("acme"), &owner("bob"), Role::Write, None)?;
        change.set_collaborator(&path("acme/x"), &grantee("bob"), CollaboratorRole::Admin, None)?;
        change.set_gate(&path("acme/x"), GateMode::Manual, false)?;
        change.request_access(&path("acme/x"), &owner("bob"))?;
        change.rename_owner(OwnerKind::User, &owner("bob"), &owner("bobby"))?;
        change.rename_owner(OwnerKind::User, &owner("bobby"), &owner("bob2"))?;
        change.remove_owner(OwnerKind::User, &owner("bob2"), None)
    })
    .unwrap();
    let x = hub.store.view().repository(&path("acme/x")).unwrap();
    assert!(all(|each| hub.store.view().gate_requests(x.id, None, each)).unwrap().is_empty());
    // Its older names stay reserved, but lead to no account.
    assert_eq!(hub.count("former_name"), 3);
    assert_eq!(hub.count("former_name WHERE owner_id IS NOT NULL"), 0);
    assert_eq!(hub.reader().ask(|view| view.key_holder(&fingerprint(2))).unwrap(), None);
    assert_eq!(hub.store.view().key(&fingerprint(2)).unwrap().removal, Some(Removal::Ordinary));
    assert_eq!(hub.store.view().organization_details(&owner("acme")).unwrap().members.len(), 1);
    assert!(hub.store.view().collaborators(&hub.store.view().repository(&path("acme/x")).unwrap()).unwrap().is_empty());
    // A later account with this name is another account.
    hub.change(|change| {
        change.release_name(&owner("bob"))?;
        change.add_owner(OwnerKind::User, &owner("bob"), true)
    })
    .unwrap();
    assert_eq!(hub.count("former_name"), 2);
    let bob = hub.store.view().user_details(&owner("bob")).unwrap();
    assert_eq!((bob.keys, bob.memberships.len()), (0, 0));
}

#[test]
fn the_repositories_of_a_removed_account_go_to_its_heir() {
    let mut hub = Hub::new();
    hub.change(|change| {
        add_repository(change, "bob/y", 2)?;
        change.remove_owner(OwnerKind::User, &owner("bob"), Some(&owner("acme")))
    })
    .unwrap();
    assert_eq!(hub.store.view().repository(&path("acme/y")).unwrap().directory.id(), format!("{:032}", 2));
    hub.change(|change| change.remove_owner(OwnerKind::Organization, &owner("acme"), Some(&owner("alice")))).unwrap();
    assert_eq!(hub.paths(), ["alice/x", "alice/y"]);
    assert!(hub.store.view().user_details(&owner("alice")).unwrap().memberships.is_empty());
}

#[test]
fn an_old_path_ends_when_another_repository_gets_the_path() {
    let mut hub = Hub::new();
    hub.change(|change| {
        change.rename_repository(&path("acme/x"), &path("acme/y"))?;
        add_repository(change, "acme/z", 2)
    })
    .unwrap();
    assert_eq!(hub.count("former_path WHERE folded = 'x'"), 1);
    hub.change(|change| change.rename_repository(&path("acme/z"), &path("acme/X"))).unwrap();
    assert_eq!(hub.count("former_path WHERE folded = 'x'"), 0);
    // A new repository ends an old path too.
    assert_eq!(hub.count("former_path WHERE folded = 'z'"), 1);
    hub.change(|change| add_repository(change, "acme/z", 3)).unwrap();
    assert_eq!(hub.count("former_path"), 0);
}
