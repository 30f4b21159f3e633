use super::{Hub, add_repository, owner, path, session};
use crate::db::OwnerKind;

/// Where a path leads.
fn found(hub: &Hub, text: &str) -> Option<String> {
    session(hub, 1, Some(text)).repository.map(|repository| repository.path.to_string())
}

#[test]
fn the_old_path_of_a_renamed_repository_leads_to_it_until_the_path_is_in_use_again() {
    let mut hub = Hub::new();
    hub.change(|change| change.rename_repository(&path("acme/x"), &path("acme/y"))).unwrap();
    hub.change(|change| change.rename_repository(&path("acme/y"), &path("bob/Z"))).unwrap();
    for old in ["acme/x", "ACME/Y", "bob/z"] {
        assert_eq!(found(&hub, old).as_deref(), Some("bob/Z"), "{old}");
    }
    assert_eq!(found(&hub, "datasets/acme/x"), None);
    hub.change(|change| add_repository(change, "acme/X", 2)).unwrap();
    assert_eq!(found(&hub, "acme/x").as_deref(), Some("acme/X"));
    // The old path leads nowhere after the new repository is removed.
    hub.change(|change| change.remove_repository(&path("acme/x"))).unwrap();
    assert_eq!(found(&hub, "acme/x"), None);
    hub.change(|change| change.remove_repository(&path("bob/z"))).unwrap();
    assert_eq!(found(&hub, "acme/y"), None);
}

#[test]
fn a_path_from_which_a_repository_has_moved_names_that_repository() {
    let mut hub = Hub::new();
    let x = hub.store.view().repository(&path("acme/x")).unwrap().id;
    let moved = |hub: &Hub, text: &str| session(hub, 1, Some(text)).place.unwrap().moved.map(|facts| facts.id);
    assert_eq!(["acme/x", "ACME/X", "acme/nothing"].map(|text| moved(&hub, text)), [None; 3]);
    hub.change(|change| change.rename_repository(&path("acme/x"), &path("acme/y"))).unwrap();
    assert_eq!(["acme/x", "acme/y"].map(|text| moved(&hub, text)), [Some(x), None]);
    // The repository gets another owner and keeps its name.
    hub.change(|change| change.rename_repository(&path("acme/y"), &path("bob/y"))).unwrap();
    assert_eq!(["acme/x", "acme/y", "bob/y"].map(|text| moved(&hub, text)), [Some(x), Some(x), None]);
}

#[test]
fn a_repository_that_comes_back_to_its_old_path_has_no_loop() {
    let mut hub = Hub::new();
    for (old, new) in [("acme/x", "acme/y"), ("acme/y", "acme/x"), ("acme/x", "acme/X")] {
        hub.change(|change| change.rename_repository(&path(old), &path(new))).unwrap();
        assert_eq!([old, "acme/y"].map(|text| found(&hub, text)), [new, new].map(|text| Some(text.to_owned())));
    }
}

#[test]
fn the_old_name_of_an_owner_leads_to_the_new_one_until_it_is_released() {
    let mut hub = Hub::new();
    let rename = |hub: &mut Hub, old: &str, new: &str| {
        hub.change(|change| change.rename_owner(OwnerKind::Organization, &owner(old), &owner(new))).unwrap();
    };
    rename(&mut hub, "acme", "Initech");
    rename(&mut hub, "initech", "Hooli");
    hub.change(|change| change.rename_repository(&path("hooli/x"), &path("hooli/y"))).unwrap();
    for old in ["acme/x", "initech/y", "hooli/x"] {
        assert_eq!(found(&hub, old).as_deref(), Some("Hooli/y"), "{old}");
    }
    hub.change(|change| change.release_name(&owner("acme"))).unwrap();
    assert_eq!(found(&hub, "acme/x"), None);
    // The names of a removed owner lead to the repositories that the heir got, until they are released.
    hub.change(|change| change.remove_owner(OwnerKind::Organization, &owner("hooli"), Some(&owner("alice")))).unwrap();
    for old in ["initech/y", "hooli/y", "hooli/x", "alice/y"] {
        assert_eq!(found(&hub, old).as_deref(), Some("alice/y"), "{old}");
    }
    hub.change(|change| change.release_name(&owner("hooli"))).unwrap();
    assert_eq!(found(&hub, "hooli/y"), None);
}
