use super::{Hub, add_key, add_repository, fingerprint, grantee, new_repository, owner, path};
use crate::access::{Removal, Role};
use crate::db::{ChangeError, OwnerKind};

#[test]
fn one_account_has_a_name_in_any_letter_case_whatever_its_kind() {
    let mut hub = Hub::new();
    for kind in [OwnerKind::User, OwnerKind::Organization] {
        for (name, taken) in [("alice", "alice is in use by a user"), ("ACME", "acme is in use by an organization")] {
            assert_eq!(hub.refusal(|change| change.add_owner(kind, &owner(name), true)), format!("the name {taken}"));
        }
    }
    let rename =
        |change: &super::Change<'_>, new: &str| change.rename_owner(OwnerKind::User, &owner("bob"), &owner(new));
    assert_eq!(hub.refusal(|change| rename(change, "Alice")), "the name alice is in use by a user");
    // A change of case reserves no name.
    hub.change(|change| rename(change, "Bob")).unwrap();
    hub.change(|change| rename(change, "bob")).unwrap();
    assert_eq!(hub.store.view().owner(&owner("BOB")).unwrap().name, owner("bob"));
}

#[test]
fn a_former_name_is_reserved_until_it_is_released() {
    let mut hub = Hub::new();
    hub.change(|change| change.rename_owner(OwnerKind::User, &owner("bob"), &owner("robert"))).unwrap();
    hub.change(|change| change.add_owner(OwnerKind::User, &owner("carol"), true)).unwrap();
    hub.change(|change| change.remove_owner(OwnerKind::User, &owner("carol"), None)).unwrap();
    for name in ["Bob", "carol"] {
        let kept = format!("the name {name} belonged to an account before: to free it run hubgate user release {name}");
        assert_eq!(hub.refusal(|change| change.add_owner(OwnerKind::User, &owner(name), true)), kept);
        let rename = hub.refusal(|change| change.rename_owner(OwnerKind::User, &owner("alice"), &owner(name)));
        assert_eq!(rename, kept);
        hub.change(|change| change.release_name(&owner(name))).unwrap();
        let again = hub.refusal(|change| change.release_name(&owner(name)));
        assert_eq!(again, format!("there is no reserved name {name}"));
        hub.change(|change| change.add_owner(OwnerKind::User, &owner(name), true)).unwrap();
    }
}

#[test]
fn a_key_belongs_to_one_account() {
    let mut hub = Hub::new();
    let in_use = format!("the key {} is already in use: it is \"laptop\" of alice", fingerprint(1));
    for user in ["alice", "bob"] {
        assert_eq!(hub.refusal(|change| add_key(change, user, 1)), in_use);
    }
    assert_eq!(hub.refusal(|change| add_key(change, "acme", 2)), "there is no user acme: acme is an organization");
    assert_eq!(hub.refusal(|change| add_key(change, "nobody", 2)), "there is no user nobody");
}

#[test]
fn a_compromised_key_never_comes_back() {
    let mut hub = Hub::new();
    let compromised =
        format!("the key {} was removed as compromised and cannot come back: make a new one", fingerprint(1));
    // A removed key may later be marked as compromised, and not the reverse.
    hub.change(|change| change.remove_key(&fingerprint(1), Removal::Ordinary)).unwrap();
    hub.refusal(|change| change.remove_key(&fingerprint(1), Removal::Ordinary));
    hub.change(|change| change.remove_key(&fingerprint(1), Removal::Compromised)).unwrap();
    for removal in [Removal::Ordinary, Removal::Compromised] {
        let before = format!("the key {} was removed before (compromised)", fingerprint(1));
        assert_eq!(hub.refusal(|change| change.remove_key(&fingerprint(1), removal)), before);
    }
    for user in ["alice", "bob"] {
        assert_eq!(hub.refusal(|change| add_key(change, user, 1)), compromised);
    }
    // The key stays compromised when its account is removed.
    hub.change(|change| {
        change.set_member(&owner("acme"), &owner("bob"), Role::Admin, None)?;
        change.remove_owner(OwnerKind::User, &owner("alice"), None)
    })
    .unwrap();
    assert_eq!(hub.refusal(|change| add_key(change, "bob", 1)), compromised);
    hub.refusal(|change| change.remove_key(&fingerprint(9), Removal::Compromised));
    hub.refusal(|change| change.rename_key(&fingerprint(9), &"x".parse().unwrap()));
}

#[test]
fn one_repository_has_a_path_in_any_letter_case() {
    let mut hub = Hub::new();
    assert_eq!(hub.refusal(|change| add_repository(change, "acme/X", 2)), "there is already a model acme/X");
    assert_eq!(hub.refusal(|change| add_repository(change, "nobody/x", 2)), "there is no account nobody");
    hub.change(|change| add_repository(change, "acme/y", 2)).unwrap();
    let rename = |change: &super::Change<'_>, new: &str| change.rename_repository(&path("acme/y"), &path(new));
    assert_eq!(hub.refusal(|change| rename(change, "acme/X")), "there is already a model acme/X");
    let kind = "acme/y is a model: it cannot become a dataset";
    assert_eq!(hub.refusal(|change| rename(change, "datasets/acme/y")), kind);
    assert_eq!(hub.refusal(|change| rename(change, "nobody/y")), "there is no account nobody");
    hub.change(|change| rename(change, "acme/Y")).unwrap();
    for lost in ["acme/z", "datasets/acme/x", "nobody/x"] {
        let missing = format!("there is no repository {lost}");
        assert_eq!(hub.refusal(|change| change.remove_repository(&path(lost))), missing);
    }
}

#[test]
fn a_user_who_may_not_create_repositories_creates_none() {
    let mut hub = Hub::new();
    hub.change(|change| change.add_owner(OwnerKind::User, &owner("carol"), false)).unwrap();
    let refusal = hub.refusal(|change| add_repository(change, "carol/x", 2));
    assert_eq!(refusal, "the account carol may not create repositories");
    let mut by_nobody = new_repository("acme/y", 2);
    by_nobody.created_by = Some(owner("nobody"));
    assert_eq!(hub.refusal(|change| change.add_repository(&by_nobody)), "there is no user nobody");
}

/// Every change of the role of acme's only admin is rejected.
fn refusals(hub: &mut Hub, refused: &str) {
    let (acme, alice) = (owner("acme"), owner("alice"));
    for role in Role::ALL.iter().filter(|role| **role != Role::Admin) {
        assert_eq!(hub.refusal(|change| change.set_member(&acme, &alice, *role, None)), refused, "{role}");
    }
    assert_eq!(hub.refusal(|change| change.set_member(&acme, &alice, Role::Admin, Some(i64::MAX))), refused);
    assert_eq!(hub.refusal(|change| change.remove_member(&acme, &alice)), refused);
    assert_eq!(hub.refusal(|change| change.remove_owner(OwnerKind::User, &alice, None)), refused);
}

#[test]
fn an_organization_always_has_an_admin_whose_role_does_not_end() {
    let mut hub = Hub::new();
    let (acme, alice, bob) = (owner("acme"), owner("alice"), owner("bob"));
    let refused = "acme would have no admin: first give the role to another member";
    refusals(&mut hub, refused);
    // An admin whose role ends does not count, and neither does a member with another role.
    hub.change(|change| change.set_member(&acme, &bob, Role::Admin, Some(i64::MAX))).unwrap();
    refusals(&mut hub, refused);
    hub.change(|change| change.set_member(&acme, &bob, Role::Write, None)).unwrap();
    refusals(&mut hub, refused);
    hub.change(|change| change.set_member(&acme, &bob, Role::Admin, None)).unwrap();
    hub.change(|change| change.remove_member(&acme, &alice)).unwrap();
    assert_eq!(hub.refusal(|change| change.remove_member(&acme, &alice)), "there is no member alice of acme");
}

#[test]
fn an_owner_of_repositories_is_removed_only_with_an_heir() {
    let mut hub = Hub::new();
    let acme = owner("acme");
    let remove = |change: &super::Change<'_>, heir: Option<&str>| {
        change.remove_owner(OwnerKind::Organization, &owner("acme"), heir.map(owner).as_ref())
    };
    let refusal = hub.refusal(|change| remove(change, None));
    assert_eq!(refusal, "acme owns 1 repository: remove them first, or name the new owner with --transfer-to OWNER");
    assert_eq!(hub.refusal(|change| remove(change, Some("nobody"))), "there is no account nobody");
    hub.change(|change| add_repository(change, "bob/X", 2)).unwrap();
    let refusal = hub.refusal(|change| remove(change, Some("bob")));
    assert_eq!(refusal, "there is already a model bob/x");
    // An account cannot be its own heir.
    let refusal = hub.refusal(|change| remove(change, Some("Acme")));
    assert_eq!(refusal, "acme is the account to be removed: name another account with --transfer-to OWNER");
    assert_eq!(hub.store.view().organization_details(&acme).unwrap().repositories, 1);
}

#[test]
fn a_missing_grant_is_not_removed() {
    let mut hub = Hub::new();
    let (bob, x) = (owner("bob"), path("acme/x"));
    let refusal = hub.refusal(|change| change.remove_collaborator(&x, &grantee("bob")));
    assert_eq!(refusal, "there is no collaborator bob on acme/x");
    assert_eq!(hub.refusal(|change| change.remove_member(&owner("acme"), &bob)), "there is no member bob of acme");
    assert_eq!(
        hub.refusal(|change| change.set_disabled(&owner("acme"), Some("x"))),
        "there is no user acme: acme is an organization"
    );
    assert_eq!(hub.refusal(|change| change.release_name(&bob)), "there is no reserved name bob");
    assert!(matches!(hub.change(|change| change.owner(&owner("nobody"))), Err(ChangeError::NotFound(_))));
}

#[test]
fn a_fault_of_the_database_is_no_conflict() {
    let mut hub = Hub::new();
    hub.tamper("ALTER TABLE repository RENAME COLUMN description TO words");
    let added = hub.change(|change| add_repository(change, "acme/y", 2));
    assert!(matches!(added, Err(ChangeError::Database(_))), "{added:?}");
}
