//! Teams in the database.

use super::{Hub, NOW, add_key, add_repository, fingerprint, grantee, owner, path, team};
use crate::access::{CollaboratorRole, Grant, Role};
use crate::db::{Error, OwnerKind, all};
use crate::name::{TeamName, TeamPath};

/// A hub where bob is a member of acme without access, has a key, and belongs to the teams acme/devs and acme/ops.
fn hub() -> Hub {
    let mut hub = Hub::new();
    hub.change(|change| {
        add_key(change, "bob", 2)?;
        change.set_member(&owner("acme"), &owner("bob"), Role::NoAccess, None)?;
        for name in ["acme/devs", "acme/ops"] {
            change.add_team(&team(name))?;
            change.add_team_member(&team(name), &owner("bob"), None)?;
        }
        Ok(())
    })
    .unwrap();
    hub
}

impl Hub {
    /// The best role of bob's teams on acme/x at a second, in a session and in a list.
    fn team_of_bob(&self, now: i64) -> Option<Grant<CollaboratorRole>> {
        let x = path("acme/x");
        self.reader()
            .ask(|view| {
                let session = view.session(Some(&fingerprint(2)), Some(&x), now)?.repository.unwrap().facts;
                let account = view.session_of_account(&owner("bob"), Some(&x), now)?.1.unwrap().facts;
                assert_eq!(account, session);
                Ok::<_, Error>(session.team)
            })
            .unwrap()
    }

    fn grant(&mut self, name: &str, role: CollaboratorRole, until: Option<i64>) {
        self.change(|change| change.set_collaborator(&path("acme/x"), &grantee(name), role, until)).unwrap();
    }

    fn add_to(&mut self, name: &str, until: Option<i64>) {
        self.change(|change| change.add_team_member(&team(name), &owner("bob"), until)).unwrap();
    }

    /// The teams of acme.
    fn teams(&self) -> Vec<String> {
        let acme = self.store.view().owner(&owner("acme")).unwrap().id;
        let rows = all(|each| self.store.view().teams_of(acme, None, each)).unwrap();
        rows.iter().map(|row| row.path.to_string()).collect()
    }
}

fn role(value: CollaboratorRole, until: Option<i64>) -> Grant<CollaboratorRole> {
    Grant { value, until }
}

#[test]
fn the_best_role_of_the_teams_counts_until_the_first_of_its_ends() {
    use CollaboratorRole::{Admin, Read, Write};
    let mut hub = hub();
    assert_eq!(hub.team_of_bob(NOW), None);
    hub.grant("@acme/devs", Read, None);
    assert_eq!(hub.team_of_bob(NOW), Some(role(Read, None)));
    hub.grant("@ACME/Ops", Admin, Some(NOW + 1));
    assert_eq!(hub.team_of_bob(NOW), Some(role(Admin, Some(NOW + 1))));
    assert_eq!(hub.team_of_bob(NOW + 1), Some(role(Read, None)), "at the second of the end, the other team is left");
    hub.grant("@acme/devs", Write, Some(NOW + 9));
    for (until, expected) in [(Some(NOW + 5), NOW + 5), (Some(NOW + 20), NOW + 9), (None, NOW + 9)] {
        hub.add_to("acme/devs", until);
        assert_eq!(hub.team_of_bob(NOW + 1), Some(role(Write, Some(expected))), "{until:?}");
        assert_eq!(hub.team_of_bob(expected), None, "{until:?}");
    }
    // Among equal roles, the one that ends last.
    hub.grant("@acme/ops", Write, Some(NOW + 30));
    assert_eq!(hub.team_of_bob(NOW), Some(role(Write, Some(NOW + 30))));
    hub.grant("@acme/ops", Write, None);
    assert_eq!(hub.team_of_bob(NOW), Some(role(Write, None)));
    let acme = hub.store.view().repository(&path("acme/x")).unwrap().id;
    let bob = hub.store.view().owner(&owner("bob")).unwrap().id;
    let grants = hub.store.view().grants_by_teams(acme, bob, NOW + 9).unwrap();
    assert_eq!(grants.iter().map(|grant| grant.team.to_string()).collect::<Vec<_>>(), ["acme/ops"]);
}

#[test]
fn a_file_of_signers_has_the_members_of_teams_that_write_once() {
    let mut hub = hub();
    let signers = |hub: &Hub, now| {
        let view = hub.store.view();
        let row = view.repository(&path("acme/x")).unwrap();
        let mut found = Vec::new();
        for place in [crate::db::WritesTo::Repository(&row), crate::db::WritesTo::Owner(&owner("acme"))] {
            let signers = all(|each| view.signers(place, now, each)).unwrap();
            found.push(signers.iter().map(|signer| signer.user.to_string()).collect::<Vec<_>>().join(" "));
        }
        assert_eq!(found[0], found[1]);
        found.remove(0)
    };
    hub.grant("@acme/devs", CollaboratorRole::Read, None);
    assert_eq!(signers(&hub, NOW), "alice");
    hub.grant("@acme/devs", CollaboratorRole::Write, Some(NOW + 9));
    hub.grant("@acme/ops", CollaboratorRole::Admin, Some(NOW + 5));
    assert_eq!(signers(&hub, NOW), "alice bob");
    assert_eq!(signers(&hub, NOW + 9), "alice");
    hub.grant("bob", CollaboratorRole::Write, None);
    assert_eq!(signers(&hub, NOW), "alice bob");
    hub.change(|change| change.set_member(&owner("acme"), &owner("bob"), Role::Write, None)).unwrap();
    assert_eq!(signers(&hub, NOW), "alice bob");
}

#[test]
fn a_session_is_one_row_whatever_the_number_of_teams() {
    let mut hub = hub();
    hub.change(|change| {
        for number in 0..50 {
            let name = format!("acme/t{number}");
            change.add_team(&team(&name))?;
            change.add_team_member(&team(&name), &owner("bob"), None)?;
            let role = if number == 31 { CollaboratorRole::Write } else { CollaboratorRole::Read };
            change.set_collaborator(&path("acme/x"), &grantee(&format!("@{name}")), role, None)?;
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(hub.team_of_bob(NOW), Some(role(CollaboratorRole::Write, None)));
    let rows = hub.store.view().rows_of_session(&fingerprint(2), &path("acme/x"), NOW).unwrap();
    assert_eq!(rows, 1);
}

#[test]
fn a_leaver_is_one_row() {
    let mut hub = hub();
    hub.grant("@acme/devs", CollaboratorRole::Write, None);
    let (acme, bob) = (owner("acme"), owner("bob"));
    hub.change(|change| change.remove_member(&acme, &bob)).unwrap();
    let detail = r#"{"before":{"role":"no_access","until":null},"teams":["devs","ops"],"user":"bob"}"#;
    assert_eq!(hub.last_event(), format!("org.remove_user acme {detail}"));
    assert_eq!((hub.team_of_bob(NOW), hub.count("member")), (None, 1));
    // A later membership begins without teams, also after one that has ended.
    for until in [Some(1), None] {
        hub.change(|change| change.set_member(&acme, &bob, Role::NoAccess, until)).unwrap();
        assert_eq!(hub.team_of_bob(NOW), None);
    }
    hub.add_to("acme/devs", None);
    assert_eq!(hub.team_of_bob(NOW), Some(role(CollaboratorRole::Write, None)));
    hub.change(|change| change.set_member(&acme, &bob, Role::Read, Some(1))).unwrap();
    hub.change(|change| change.set_member(&acme, &bob, Role::Read, None)).unwrap();
    assert_eq!(hub.team_of_bob(NOW), None, "the membership had ended");
    hub.add_to("acme/devs", None);
    hub.change(|change| change.remove_owner(OwnerKind::User, &bob, None)).unwrap();
    assert_eq!(hub.count("member WHERE role = 'no_access'"), 0);
}

#[test]
fn only_members_of_the_organization_belong_to_its_teams() {
    let mut hub = hub();
    let said = "carol is not a member of acme: first give a role with: org member set acme carol no_access";
    hub.change(|change| change.add_owner(OwnerKind::User, &owner("carol"), true)).unwrap();
    for until in [None, Some(1)] {
        if until.is_some() {
            hub.change(|change| change.set_member(&owner("acme"), &owner("carol"), Role::Read, until)).unwrap();
        }
        assert_eq!(hub.refusal(|change| change.add_team_member(&team("acme/devs"), &owner("carol"), None)), said);
    }
    let said = "there is no member carol of acme/devs";
    assert_eq!(hub.refusal(|change| change.remove_team_member(&team("acme/devs"), &owner("carol"))), said);
    // The row of a team is no account.
    let said = "there is no user devs";
    assert_eq!(hub.refusal(|change| change.add_team_member(&team("acme/ops"), &owner("devs"), None)), said);
}

#[test]
fn a_team_has_a_role_only_on_repositories_of_its_organization() {
    let mut hub = hub();
    hub.change(|change| {
        change.add_owner(OwnerKind::Organization, &owner("other"), true)?;
        change.set_member(&owner("other"), &owner("bob"), Role::Admin, None)?;
        change.add_team(&team("other/devs"))?;
        add_repository(change, "alice/own", 7)?;
        add_repository(change, "acme/team", 8).map(drop)
    })
    .unwrap();
    for (repository, who) in [("acme/x", "@other/devs"), ("acme/x", "@other/nobody"), ("alice/own", "@acme/devs")] {
        let set = |change: &crate::db::Change<'_>| {
            change.set_collaborator(&path(repository), &grantee(who), CollaboratorRole::Read, None)
        };
        assert_eq!(
            hub.refusal(set),
            format!("only teams of the organization that owns {repository} can have a role there")
        );
    }
    let nobody = |change: &crate::db::Change<'_>| {
        change.set_collaborator(&path("acme/x"), &grantee("@acme/nobody"), CollaboratorRole::Read, None)
    };
    assert_eq!(hub.refusal(nobody), "there is no team acme/nobody");
    // The role ends with the move, and does not come back.
    hub.grant("@acme/devs", CollaboratorRole::Write, None);
    hub.change(|change| change.rename_repository(&path("acme/x"), &path("acme/y"))).unwrap();
    assert_eq!(hub.count("collaborator"), 1);
    hub.change(|change| change.rename_repository(&path("acme/y"), &path("other/x"))).unwrap();
    assert_eq!(hub.last_event(), r#"repo.move acme/y {"before":"acme/y","path":"other/x","teams":["@acme/devs"]}"#);
    assert_eq!(hub.count("collaborator"), 0);
    // A role in a row that hubgate does not write gives nothing.
    hub.change(|change| change.rename_repository(&path("other/x"), &path("acme/x"))).unwrap();
    hub.grant("@acme/devs", CollaboratorRole::Write, None);
    assert_eq!(hub.team_of_bob(NOW), Some(role(CollaboratorRole::Write, None)));
    hub.tamper("UPDATE owner SET team_of = (SELECT id FROM owner WHERE name = 'other') WHERE name = 'devs'");
    assert_eq!(hub.team_of_bob(NOW), None);
}

#[test]
fn a_restored_repository_has_the_roles_of_teams_only_with_the_same_owner() {
    for (to, expected) in [("acme/back", 1), ("alice/back", 0)] {
        let mut hub = hub();
        hub.grant("@acme/devs", CollaboratorRole::Write, None);
        let id = hub.store.view().repository(&path("acme/x")).unwrap().id;
        hub.change(|change| change.remove_repository(&path("acme/x"))).unwrap();
        hub.change(|change| change.restore_repository(id, &path(to))).unwrap();
        assert_eq!(hub.count("collaborator"), expected, "{to}");
    }
}

#[test]
fn a_team_is_no_account_and_no_organization() {
    let mut hub = hub();
    let view = hub.store.view();
    assert!(view.owner(&owner("devs")).is_err());
    let organizations = all(|each| view.owners(OwnerKind::Organization, None, each)).unwrap();
    assert_eq!(organizations.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["acme"]);
    assert_eq!((view.counts().unwrap().organizations, view.counts().unwrap().teams), (1, 2));
    let members = all(|each| view.memberships(None, None, each)).unwrap();
    assert_eq!(members.len(), 2, "{members:?}");
    let bob = view.user_details(&owner("bob")).unwrap();
    assert_eq!(bob.memberships.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["acme"]);
    assert_eq!(
        view.teams_of_user(bob.owner.id).unwrap().iter().map(|one| one.team.to_string()).collect::<Vec<_>>(),
        ["acme/devs", "acme/ops"]
    );
    assert_eq!(hub.teams(), ["acme/devs", "acme/ops"]);
    // A user of the same name, and a team of the same name in another organization, are not this team.
    hub.change(|change| {
        change.add_owner(OwnerKind::User, &owner("devs"), true)?;
        change.add_owner(OwnerKind::Organization, &owner("ops"), true)?;
        change.add_team(&team("ops/devs")).map(drop)
    })
    .unwrap();
    assert_eq!(hub.teams(), ["acme/devs", "acme/ops"]);
    let said = "there is no team alice/devs";
    assert_eq!(hub.refusal(|change| change.rename_team(&team("alice/devs"), &name("x"))), said);
    let said = "there is no organization alice: alice is a user";
    assert_eq!(hub.refusal(|change| change.add_team(&team("alice/devs"))), said);
}

fn name(text: &str) -> TeamName {
    text.parse().unwrap()
}

#[test]
fn a_team_keeps_its_members_and_roles_under_another_name_and_loses_them_with_its_removal() {
    let mut hub = hub();
    hub.grant("@acme/devs", CollaboratorRole::Write, None);
    for taken in ["acme/DEVS", "ACME/devs"] {
        assert_eq!(hub.refusal(|change| change.add_team(&team(taken))), "there is already a team acme/devs");
    }
    let said = "there is already a team acme/ops";
    assert_eq!(hub.refusal(|change| change.rename_team(&team("acme/devs"), &name("OPS"))), said);
    hub.change(|change| change.rename_team(&team("acme/devs"), &name("Builders"))).unwrap();
    let detail = r#"{"before":"@acme/devs","name":"Builders","organization":"acme"}"#;
    assert_eq!(hub.last_event(), format!("team.rename @acme/Builders {detail}"));
    hub.change(|change| change.rename_team(&team("acme/builders"), &name("BUILDERS"))).unwrap();
    hub.change(|change| change.rename_owner(OwnerKind::Organization, &owner("acme"), &owner("zeta"))).unwrap();
    let rows = hub.store.view().collaborators(&hub.store.view().repository(&path("zeta/x")).unwrap()).unwrap();
    assert_eq!(rows.iter().map(|row| row.user.to_string()).collect::<Vec<_>>(), ["@zeta/BUILDERS"]);
    hub.change(|change| change.rename_owner(OwnerKind::Organization, &owner("zeta"), &owner("acme"))).unwrap_err();
    let removed = hub.change(|change| change.remove_team(&team("zeta/builders"))).unwrap();
    let detail = r#"{"organization":"zeta","repositories":[{"path":"zeta/x","role":"write"}],"users":["bob"]}"#;
    assert_eq!(hub.last_event(), format!("team.delete @zeta/BUILDERS {detail}"));
    assert_eq!(removed.path.to_string(), "zeta/BUILDERS");
    // Another team of this name is another team.
    let again: TeamPath = team("zeta/builders");
    hub.change(|change| change.add_team(&again)).unwrap();
    let id = hub.store.view().team(&again).unwrap().id;
    assert_ne!(id, removed.id);
    assert_eq!(hub.count(&format!("member WHERE organization_id IN ({id}, {})", removed.id)), 0);
    assert_eq!(hub.count("collaborator"), 0);
}

#[test]
fn the_teams_of_a_removed_organization_give_nothing() {
    let mut hub = hub();
    hub.grant("@acme/devs", CollaboratorRole::Admin, None);
    let id = hub.store.view().repository(&path("acme/x")).unwrap().id;
    hub.change(|change| change.remove_owner(OwnerKind::Organization, &owner("acme"), Some(&owner("alice")))).unwrap();
    assert_eq!(hub.store.view().repository_of_row(id).unwrap().unwrap().path.to_string(), "alice/x");
    let left = (hub.count("member"), hub.count("collaborator"), hub.count("owner WHERE folded LIKE '%/%'"));
    assert_eq!(left, (0, 0, 0));
}

#[test]
fn each_list_of_teams_begins_behind_its_position() {
    let mut hub = hub();
    hub.change(|change| {
        change.add_owner(OwnerKind::User, &owner("0zero"), true)?;
        for user in ["@acme/ops", "@acme/devs", "bob", "0zero"] {
            change.set_collaborator(&path("acme/x"), &grantee(user), CollaboratorRole::Read, Some(9))?;
        }
        change.add_team_member(&team("acme/ops"), &owner("alice"), Some(9))
    })
    .unwrap();
    let view = hub.store.view();
    let acme = view.owner(&owner("acme")).unwrap().id;
    let teams = |after: Option<&str>| {
        let after = after.map(name);
        let rows = all(|each| view.teams_of(acme, after.as_ref(), each)).unwrap();
        rows.iter().map(|row| row.path.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!((teams(None), teams(Some("devs"))), (vec!["devs".to_owned(), "ops".to_owned()], vec!["ops".to_owned()]));
    let ops = view.team(&team("acme/ops")).unwrap().id;
    let members = |after: Option<&str>| {
        let after = after.map(owner);
        let rows = all(|each| view.team_members(ops, after.as_ref(), None, each)).unwrap();
        let of_all = all(|each| {
            let after = after.clone().map(|user| crate::db::GrantPosition { object: team("acme/ops"), user });
            view.members_of_all_teams(after.as_ref(), None, each).map_err(|error| panic!("{error}"))
        });
        let of_all: Result<Vec<_>, Error> = of_all;
        assert!(of_all.unwrap().ends_with(&rows));
        rows.iter().map(|row| row.user.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(members(None), ["alice", "bob"]);
    assert_eq!(members(Some("alice")), ["bob"]);
    let x = view.repository(&path("acme/x")).unwrap().id;
    let everyone = ["@acme/devs", "@acme/ops", "0zero", "bob"];
    let listed = |with_teams: bool, after: Option<&str>| {
        let after = after.map(grantee);
        let rows = all(|each| view.collaborations_of(x, with_teams, after.as_ref(), None, each)).unwrap();
        rows.iter().map(|row| row.user.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(listed(true, None), everyone);
    for (index, who) in everyone.iter().enumerate() {
        assert_eq!(listed(true, Some(who)), everyone[index + 1..], "{who}");
        let position: crate::db::GrantPosition<_, _> = format!("acme/x/{who}").parse().unwrap();
        assert_eq!((&position.object, &position.user), (&path("acme/x"), &grantee(who)));
        assert!(all(|each| view.collaborations(Some(&position), None, each)).unwrap().len() < everyone.len());
    }
    assert_eq!(listed(false, None), ["0zero", "bob"]);
}

#[test]
fn a_list_of_repositories_has_those_of_the_teams_once() {
    let mut hub = hub();
    hub.grant("@acme/devs", CollaboratorRole::Read, None);
    hub.grant("@acme/ops", CollaboratorRole::Write, None);
    hub.grant("bob", CollaboratorRole::Read, None);
    hub.change(|change| add_repository(change, "acme/hidden", 7)).unwrap();
    let view = hub.store.view();
    let [acme, bob] = ["acme", "bob"].map(|name| view.owner(&owner(name)).unwrap().id);
    let seen_by = crate::db::SeenBy {
        owner: acme,
        account: Some(bob),
        deployed: None,
        is_insider: false,
        sees_internal: true,
        now: NOW,
    };
    let rows = all(|each| view.visible_repositories(&seen_by, None, each)).unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].0.path.to_string(), rows[0].1.team),
        ("acme/x".to_owned(), Some(role(CollaboratorRole::Write, None)))
    );
}

#[test]
fn an_organization_has_at_most_so_many_teams() {
    let mut hub = Hub::new();
    hub.change(|change| {
        change.add_owner(OwnerKind::Organization, &owner("initech"), true)?;
        (0..1_000).try_for_each(|number| change.add_team(&team(&format!("acme/t{number}"))).map(drop))
    })
    .unwrap();
    let many = hub.refusal(|change| change.add_team(&team("acme/more")).map(drop));
    assert_eq!(many, "acme would have more than 1000 teams");
    hub.change(|change| change.add_team(&team("initech/more"))).unwrap();
    hub.change(|change| change.remove_team(&team("acme/t0"))).unwrap();
    hub.change(|change| change.add_team(&team("acme/more"))).unwrap();
}
