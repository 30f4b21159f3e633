//! Lists: which rows they have, in which order, and what they cost.

use std::ops::ControlFlow;

use super::{Hub, add_key, add_repository, fingerprint, grantee, key, owner, path};
use crate::access::{CollaboratorRole, Removal, Role, Scope};
use crate::db::store::statements_of_lists;
use crate::db::{
    Change, ChangeError, Direction, GrantPosition, HolderId, KeyRange, NewKey, OwnerKind, Period, VERSION, all,
};
use crate::name::{Grantee, Owner, RepoPath};
use crate::repository::Directory;

/// A hub with more users, each with keys and repositories, in an order that is not that of the names.
fn hub() -> Hub {
    let mut hub = Hub::new();
    hub.change(|change| {
        for (number, name) in (10..).step_by(10).zip(["zed", "Carol", "yves"]) {
            change.add_owner(OwnerKind::User, &owner(name), true)?;
            for (step, kind) in (1..).zip(["", "datasets/", "spaces/"]) {
                add_key(change, name, number + step)?;
                add_repository(
                    change,
                    &format!("{kind}{name}/{}", ["b", "a", "c"][usize::from(step) % 3]),
                    u128::from(number + step),
                )?;
            }
        }
        Ok(())
    })
    .unwrap();
    hub
}

/// Compares a list that begins behind each of its rows with the whole list.
fn check_positions(list: &dyn Fn(Option<&str>) -> Vec<String>) {
    let whole = list(None);
    assert!(whole.len() >= 5, "{whole:?}");
    for (index, row) in whole.iter().enumerate() {
        assert_eq!(list(Some(row)), whole[index + 1..], "{row}");
    }
}

#[test]
fn a_list_that_continues_behind_any_row_has_exactly_the_other_rows() {
    let hub = hub();
    let view = hub.store.view();
    let users = |after: Option<&str>| {
        let after = after.map(owner);
        let rows = all(|each| view.owners(OwnerKind::User, after.as_ref(), each)).unwrap();
        rows.iter().map(|row| row.name.to_string()).collect::<Vec<_>>()
    };
    let repositories = |after: Option<&str>| {
        let after = after.map(path);
        let rows = all(|each| view.repositories(after.as_ref(), each)).unwrap();
        rows.iter().map(|row| row.path.to_string()).collect::<Vec<_>>()
    };
    let keys = |after: Option<&str>| {
        let range = KeyRange { after: after.map(|after| after.parse().unwrap()), ending: None };
        let rows = all(|each| view.keys(&range, each)).unwrap();
        rows.iter().map(|row| row.fingerprint.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(users(None), ["alice", "bob", "Carol", "yves", "zed"]);
    check_positions(&users);
    check_positions(&repositories);
    check_positions(&keys);
    let carol = view.owner(&owner("carol")).unwrap().id;
    let of_carol = all(|each| view.repositories_of(carol, None, each)).unwrap();
    for (index, row) in of_carol.iter().enumerate() {
        let rest = all(|each| view.repositories_of(carol, Some(&row.path), each)).unwrap();
        assert_eq!(rest, of_carol[index + 1..]);
    }
    let missing = KeyRange { after: Some(fingerprint(200)), ending: None };
    assert!(matches!(all(|each| view.keys(&missing, each)), Err(ChangeError::NotFound(_))));
}

#[test]
fn a_position_in_a_list_is_a_row_of_this_list() {
    let mut hub = hub();
    hub.change(|change| {
        let (key, title) = (key(90), "deploy".parse().unwrap());
        let new = NewKey { key: &key, title: &title, scope: Scope::Read, expires_at: None, sources: None };
        change.add_deploy_key(&path("zed/a"), &new)?;
        change.remove_key(&fingerprint(12), Removal::Ordinary)
    })
    .unwrap();
    let view = hub.store.view();
    let refusal = |error: ChangeError| matches!(error, ChangeError::NotFound(_)).then(|| error.to_string());
    // The same words for a key of another account, a deploy key, and a key that the hub never had.
    let zed = HolderId::Account(view.owner(&owner("zed")).unwrap().id);
    let of_zed = |number: u8| {
        let range = KeyRange { after: Some(fingerprint(number)), ending: None };
        all(|each| view.keys_of(zed, &range, each)).map(|rows| rows.len())
    };
    for number in [1, 21, 90, 200] {
        let expected = format!("there is no key {} here", fingerprint(number));
        assert_eq!(refusal(of_zed(number).unwrap_err()), Some(expected), "{number}");
    }
    // A removed key is a row.
    assert_eq!([11, 12, 13].map(|number| of_zed(number).unwrap()).iter().sum::<usize>(), 2 + 1);
    for number in [90, 200] {
        let range = KeyRange { after: Some(fingerprint(number)), ending: None };
        let listed = all(|each| view.keys(&range, each));
        assert!(refusal(listed.unwrap_err()).is_some(), "{number}");
    }
    for directory in [Directory::of_id(11), Directory::of_id(0xdead)] {
        let listed = all(|each| view.removed_repositories(Some(&directory), each));
        let expected = format!("there is no removed repository in {}", directory.id());
        assert_eq!(refusal(listed.unwrap_err()), Some(expected));
    }
}

#[test]
fn what_expires_in_a_period_is_listed_and_nothing_else() {
    let mut hub = Hub::new();
    let until = |day: i64| Some(day * 86_400);
    hub.change(|change| {
        for (number, day) in [(2, Some(9)), (3, Some(10)), (4, Some(20)), (5, Some(21)), (6, None), (7, Some(15))] {
            let (key, title) = (key(number), format!("k{number}").parse().unwrap());
            let expires_at = day.and_then(until);
            let new = NewKey { key: &key, title: &title, scope: Scope::Read, expires_at, sources: None };
            change.add_key(&owner("bob"), &new)?;
        }
        change.remove_key(&fingerprint(7), Removal::Ordinary)?;
        change.set_member(&owner("acme"), &owner("bob"), Role::Read, until(15))?;
        change.set_collaborator(&path("acme/x"), &grantee("bob"), CollaboratorRole::Read, until(16))
    })
    .unwrap();
    let view = hub.store.view();
    let [acme, bob] = ["acme", "bob"].map(|name| view.owner(&owner(name)).unwrap().id);
    let repository = view.repository(&path("acme/x")).unwrap().id;
    let found = |after: i64, until: i64| {
        let ending = Some(Period { after: after * 86_400, until: until * 86_400 });
        let range = KeyRange { after: None, ending };
        let keys = [
            all(|each| view.keys(&range, each)).unwrap(),
            all(|each| view.keys_of(HolderId::Account(bob), &range, each)).unwrap(),
        ];
        assert_eq!(keys[0], keys[1]);
        let members = all(|each| view.memberships(None, ending, each)).unwrap();
        assert_eq!(members, all(|each| view.memberships_of(acme, None, ending, each)).unwrap());
        let grants = all(|each| view.collaborations(None, ending, each)).unwrap();
        assert_eq!(grants, all(|each| view.collaborations_of(repository, true, None, ending, each)).unwrap());
        let titles: Vec<String> = keys[0].iter().map(|key| key.title.to_string()).collect();
        (titles.join(" "), members.len(), grants.len())
    };
    assert_eq!(found(9, 20), ("k3 k4".to_owned(), 1, 1));
    assert_eq!(found(8, 14), ("k2 k3".to_owned(), 0, 0));
    assert_eq!(found(15, 21), ("k4 k5".to_owned(), 0, 1));
    // Without a period, everything is listed.
    assert_eq!(all(|each| view.memberships(None, None, each)).unwrap().len(), 2);
    let behind: GrantPosition<Owner> = "acme/alice".parse().unwrap();
    let behind = all(|each| view.memberships(Some(&behind), None, each)).unwrap();
    assert_eq!(behind.iter().map(|row| row.user.as_str()).collect::<Vec<_>>(), ["bob"]);
    let last: GrantPosition<RepoPath, Grantee> = "acme/x/bob".parse().unwrap();
    assert_eq!(all(|each| view.collaborations(Some(&last), None, each)).unwrap(), []);
}

#[test]
fn a_list_is_one_state_of_the_database_while_it_is_read() {
    let hub = hub();
    let other = crate::db::Store::open(&hub.path()).unwrap();
    let mut other = Some(other);
    let mut seen = Vec::new();
    hub.store
        .read(|view| {
            view.repositories(None, &mut |row| {
                // The first row is read. This change is not part of the list, and does not wait for it.
                if let Some(mut other) = other.take() {
                    let change = |change: &Change<'_>| {
                        change.remove_repository(&path("zed/a"))?;
                        add_repository(change, "zed/new", 999)
                    };
                    other.change("operator:test", change).unwrap();
                }
                seen.push(row.path.to_string());
                ControlFlow::Continue(())
            })
        })
        .unwrap();
    let is_old = seen.iter().all(|path| path != "zed/new") && hub.paths().contains(&"zed/new".to_owned());
    assert!(is_old, "{seen:?}");
    assert_eq!(seen.len(), 10);
}

#[test]
fn no_list_of_everything_reads_or_sorts_all_rows_before_the_first() {
    let hub = Hub::new();
    for (statement, first) in statements_of_lists() {
        let plan = hub.store.view().connection.plan(&statement).unwrap();
        assert!(plan[0].starts_with(first), "{statement}: {plan:#?}");
        // Rows of one owner are sorted at a time.
        let sorts =
            |line: &String| line.contains("TEMP B-TREE") && !line.contains("LAST") && !line.contains("RIGHT PART");
        assert!(!plan.iter().any(sorts), "{statement}: {plan:#?}");
    }
}

#[test]
fn a_removed_repository_is_found_by_its_last_path() {
    let mut hub = hub();
    hub.change(|change| {
        change.rename_repository(&path("Carol/a"), &path("Carol/Last"))?;
        change.remove_repository(&path("carol/last"))?;
        add_repository(change, "carol/last", 500)?;
        change.remove_repository(&path("carol/last"))?;
        for path in ["datasets/carol/c", "spaces/carol/b"] {
            change.remove_repository(&path.parse().unwrap())?;
        }
        change.remove_owner(OwnerKind::User, &owner("carol"), None)
    })
    .unwrap();
    let view = hub.store.view();
    let found = |text: &str| view.removed_from(&path(text)).unwrap().iter().map(|one| one.row.id).collect::<Vec<_>>();
    assert_eq!(found("CAROL/last").len(), 2);
    assert_eq!(found("carol/a"), [0; 0]);
    assert_eq!(found("datasets/carol/last"), [0; 0]);
    assert_eq!(found("datasets/carol/c").len(), 1);
    let whole = all(|each| view.removed_repositories(None, each)).unwrap();
    assert_eq!(whole.len(), 4);
    for (index, removed) in whole.iter().enumerate() {
        let rest = all(|each| view.removed_repositories(Some(&removed.row.directory), each)).unwrap();
        assert_eq!(rest, whole[index + 1..]);
    }
    let plan = view.plan_of_removed().unwrap();
    assert!(plan.iter().any(|line| line.contains("(owner_id=? AND kind=? AND folded=?)")), "{plan:#?}");
}

#[test]
fn an_event_is_found_by_every_name_in_it() {
    let mut hub = Hub::new();
    let start = hub.store.view().last_event().unwrap();
    let actor = format!("alice {} sid=00", fingerprint(1));
    hub.store.change(&actor, |change| add_key(change, "bob", 2)).unwrap();
    hub.store.change(&actor, |change| change.rename_repository(&path("acme/x"), &path("bob/Y"))).unwrap();
    let about = |name: &str| {
        let order = Direction::NewestFirst;
        let events = all(|each| hub.store.view().events(0, Some(name), order, each)).unwrap();
        events.into_iter().filter(|event| event.id > start).map(|event| event.event).collect::<Vec<_>>()
    };
    let (added, moved) = (vec!["key.add".to_owned()], vec!["repo.move".to_owned()]);
    for name in ["bob", "BOB", &fingerprint(2).to_string()] {
        assert_eq!(about(name), added, "{name}");
    }
    for name in ["acme/x", "bob/y", "Bob/Y"] {
        assert_eq!(about(name), moved, "{name}");
    }
    for name in ["alice", &fingerprint(1).to_string()] {
        assert_eq!(about(name), [moved.clone(), added.clone()].concat(), "{name}");
    }
    // A title and a scope are no names.
    assert_eq!(about("laptop"), [""; 0]);
    assert_eq!(about("write"), [""; 0]);
}

#[test]
fn events_that_another_version_wrote_are_found_after_a_migration() {
    let mut hub = Hub::new();
    let all_events = hub.events(0);
    hub.tamper("DELETE FROM audit_about WHERE event > 2");
    assert_ne!(hub.events(0), all_events);
    hub.go_back_to(1);
    assert_eq!(hub.store.migrate().unwrap(), 1);
    assert_eq!(hub.events(0), all_events);
    // A program of the previous version writes a row without names.
    hub.tamper("INSERT INTO audit VALUES (NULL, 7, 'operator:old', 'user.create', 'dave', '{\"by\":\"carol\"}')");
    assert_eq!(hub.store.migrate().unwrap(), VERSION);
    for name in ["dave", "carol"] {
        let found = all(|each| hub.store.view().events(0, Some(name), Direction::OldestFirst, each)).unwrap();
        assert_eq!(found.len(), 1, "{name}");
    }
}
