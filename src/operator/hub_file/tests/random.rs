//! Hubs made at random.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::hub::{CREATING, Hub, LATER, PRUNING, READING, add_repository, key, owner, path, scope, set_check};
use crate::access::{Access, CollaboratorRole, GateMode, GateRequest, Removal, Role, Scope, Visibility};
use crate::clock::now;
use crate::commands::Refused;
use crate::content::ContentCheck;
use crate::db::{Change, ChangeError, NewKey, OwnerKind, WritesTo, all};
use crate::tests::holds;

/// One change of a random hub. A refused change is left out.
#[derive(Debug, Clone)]
enum Op {
    Repository(&'static str, Visibility),
    Visibility(&'static str, Visibility),
    Gate(&'static str, GateMode, bool),
    Description(&'static str, &'static str),
    Member(&'static str, &'static str, Role, Option<i64>),
    Collaborator(&'static str, &'static str, CollaboratorRole, Option<i64>),
    Accept(&'static str, &'static str),
    Rule(&'static str, &'static str),
    Check(&'static str, ContentCheck, &'static str),
    Proposals(&'static str, Option<bool>),
    DeployKey(usize, bool, &'static str, Option<i64>),
    RemoveKey(usize),
    Team(&'static str),
    TeamMember(&'static str, &'static str, Option<i64>),
    RemoveTeamMember(&'static str, &'static str),
    RemoveTeam(&'static str),
    MayCreate(&'static str, bool),
    RemoveUser(&'static str),
}

const USERS: [&str; 4] = ["alice", "Bob", "c.d", "eve-1"];
const ORGANIZATIONS: [&str; 3] = ["acme", "Initech", "hub"];
const PATHS: [&str; 7] =
    ["acme/x", "acme/y.z", "datasets/acme/x", "Initech/Big", "spaces/hub/s", "alice/own", "c.d/own"];
const SCOPES: [&str; 7] = ["hub", "acme", "hub/", "alice", "acme/x", "Initech/Big", "c.d"];
const TEAMS: [&str; 3] = ["acme/devs", "acme/Ops.2", "Initech/devs"];
/// Who can have a role on a repository.
const GRANTEES: [&str; 7] = ["alice", "Bob", "c.d", "eve-1", "@acme/devs", "@ACME/ops.2", "@initech/devs"];
const RULES: [&str; 9] = [
    "deny force,delete refs/heads/main @everyone",
    "allow all refs/heads/users/{user}/** @write",
    "final deny create refs/tags/** @deploy-keys alice",
    "allow all ** Bob c.d",
    "deny all ** eve-1",
    "deny all ** @everyone",
    "deny force ** @acme/devs Bob",
    "allow create refs/heads/** @ACME/ops.2",
    "final deny all refs/heads/x @initech/devs",
];
const CHECKS: [(ContentCheck, &str); 8] = [
    (ContentCheck::BlobSize, "500"),
    (ContentCheck::BlobSize, "off"),
    (ContentCheck::Binary, "on"),
    (ContentCheck::LfsLocks, "on"),
    (ContentCheck::Author, "*@a.b"),
    (ContentCheck::Signed, "pusher"),
    (ContentCheck::Signed, "hub refs/heads/main refs/tags/**"),
    (ContentCheck::Path, "off"),
];
const PATH_RULES: [&str; 5] = [
    "allow docs Bob; deny docs/** @everyone",
    "deny **/*.pem eve-1",
    "deny Users/{user} eve-1 c.d; allow ** @write",
    "allow a @admin",
    "allow docs/** @acme/devs; deny docs/** @everyone",
];
const DESCRIPTIONS: [&str; 4] = ["", "a \"quoted\" \\ text", "ünïcödé = [x]", "# no comment"];

impl Op {
    fn run(&self, change: &Change<'_>) -> Result<(), ChangeError> {
        match *self {
            Self::Repository(path, visibility) => add_repository(change, path, visibility, None),
            Self::Visibility(at, visibility) => change.set_visibility(&path(at), visibility),
            Self::Gate(at, mode, members) => change.set_gate(&path(at), mode, members),
            Self::Description(at, text) => change.set_description(&path(at), text),
            Self::Member(organization, user, role, until) => {
                change.set_member(&owner(organization), &owner(user), role, until)
            }
            Self::Collaborator(at, user, role, until) => {
                change.set_collaborator(&path(at), &user.parse().unwrap(), role, until)
            }
            Self::Accept(at, user) => change.answer_access(&path(at), &owner(user), GateRequest::Accepted, None),
            Self::Rule(at, rule) => change.add_rule(&scope(at), &rule.parse().unwrap(), None).map(drop),
            Self::Check(at, check, value) => set_check(change, at, check, value),
            Self::Proposals(at, accepts) => change.set_proposals(&path(at), accepts),
            Self::DeployKey(index, write, title, expires_at) => {
                let scope = if write { Scope::Write } else { Scope::Read };
                let (key, title) = (key(u8::try_from(index + 20).unwrap()), title.parse().unwrap());
                let new = NewKey { key: &key, title: &title, scope, expires_at, sources: None };
                change.add_deploy_key(&path(PATHS[index]), &new).map(drop)
            }
            Self::RemoveKey(index) => {
                change.remove_key(&key(u8::try_from(index + 20).unwrap()).fingerprint(), Removal::Ordinary).map(drop)
            }
            Self::Team(team) => change.add_team(&team.parse().unwrap()).map(drop),
            Self::TeamMember(team, user, until) => change.add_team_member(&team.parse().unwrap(), &owner(user), until),
            Self::RemoveTeamMember(team, user) => change.remove_team_member(&team.parse().unwrap(), &owner(user)),
            Self::RemoveTeam(team) => change.remove_team(&team.parse().unwrap()).map(drop),
            Self::MayCreate(user, may) => change.set_may_create(&owner(user), may),
            Self::RemoveUser(user) => change.remove_owner(OwnerKind::User, &owner(user), None),
        }
    }
}

fn one<T: Clone + std::fmt::Debug + 'static>(values: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(values)
}

fn until() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![4 => Just(None), 1 => Just(Some(LATER)), 1 => Just(Some(86_400))]
}

fn op() -> impl Strategy<Value = Op> {
    let titles: &'static [&'static str] = &["ci", "a \"b\" \\"];
    prop_oneof![
        4 => (one(&PATHS), one(Visibility::ALL)).prop_map(|(path, visibility)| Op::Repository(path, visibility)),
        1 => (one(&PATHS), one(Visibility::ALL)).prop_map(|(path, visibility)| Op::Visibility(path, visibility)),
        2 => (one(&PATHS), one(GateMode::ALL), any::<bool>()).prop_map(|(path, mode, all)| Op::Gate(path, mode, all)),
        1 => (one(&PATHS), one(&DESCRIPTIONS)).prop_map(|(path, text)| Op::Description(path, text)),
        4 => (one(&ORGANIZATIONS), one(&USERS), one(Role::ALL), until())
            .prop_map(|(organization, user, role, until)| Op::Member(organization, user, role, until)),
        6 => (one(&PATHS), one(&GRANTEES), one(CollaboratorRole::ALL), until())
            .prop_map(|(path, user, role, until)| Op::Collaborator(path, user, role, until)),
        1 => (one(&PATHS), one(&USERS)).prop_map(|(path, user)| Op::Accept(path, user)),
        5 => (one(&SCOPES), one(&RULES)).prop_map(|(scope, rule)| Op::Rule(scope, rule)),
        3 => (one(&SCOPES), one(&CHECKS)).prop_map(|(scope, (check, value))| Op::Check(scope, check, value)),
        3 => (one(&SCOPES), one(&PATH_RULES)).prop_map(|(scope, rules)| Op::Check(scope, ContentCheck::Path, rules)),
        5 => (one(&PATHS), one(&[None, Some(true), Some(false)]))
            .prop_map(|(path, accepts)| Op::Proposals(path, accepts)),
        3 => (0..PATHS.len(), any::<bool>(), one(titles), until())
            .prop_map(|(index, write, title, until)| Op::DeployKey(index, write, title, until)),
        1 => (0..PATHS.len()).prop_map(Op::RemoveKey),
        1 => one(&TEAMS).prop_map(Op::Team),
        5 => (one(&TEAMS), one(&USERS), until()).prop_map(|(team, user, until)| Op::TeamMember(team, user, until)),
        1 => (one(&TEAMS), one(&USERS)).prop_map(|(team, user)| Op::RemoveTeamMember(team, user)),
        1 => one(&TEAMS).prop_map(Op::RemoveTeam),
        1 => (one(&USERS), any::<bool>()).prop_map(|(user, may)| Op::MayCreate(user, may)),
        1 => Just(Op::RemoveUser("eve-1")),
    ]
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    proptest::collection::vec(op(), 0..60)
}

fn random_hub(ops: &[Op]) -> Hub {
    let mut hub = Hub::new();
    hub.change(|change| {
        for user in USERS {
            change.add_owner(OwnerKind::User, &owner(user), true)?;
        }
        for organization in ORGANIZATIONS {
            change.add_owner(OwnerKind::Organization, &owner(organization), true)?;
            change.set_member(&owner(organization), &owner("alice"), Role::Admin, None)?;
        }
        for team in TEAMS {
            change.add_team(&team.parse().unwrap())?;
        }
        for (at, team) in [("acme/x", "@acme/devs"), ("Initech/Big", "@Initech/devs")] {
            add_repository(change, at, Visibility::Private, None)?;
            change.set_collaborator(&path(at), &team.parse().unwrap(), CollaboratorRole::Read, None)?;
        }
        for op in ops {
            if let Err(ChangeError::Database(error)) = op.run(change) {
                return Err(error.into());
            }
        }
        Ok(())
    })
    .unwrap();
    hub
}

#[test]
fn export_apply_and_export_again_give_the_same_file_for_random_hubs() {
    let (with_paths, with_proposals, with_teams) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let with_keys = holds(180, &ops(), |ops| {
        let mut first = random_hub(&ops);
        let text = first.export();
        let events = first.events();
        for reading in [READING, PRUNING] {
            let again = first.apply(&text, reading).unwrap();
            prop_assert!(!again.changes(), "{}\n{text}", again.report(true).text);
        }
        prop_assert_eq!(first.events(), events);
        let mut second = Hub::new();
        second.applied(&text, CREATING);
        prop_assert_eq!(&second.export(), &text);
        second.applied(&text, PRUNING);
        prop_assert_eq!(&second.export(), &text);
        let count = |of: &Cell<u32>, is_there| of.set(of.get() + u32::from(is_there));
        count(&with_paths, text.contains("path = \"allow docs Bob"));
        count(&with_proposals, text.contains("proposals"));
        count(&with_teams, text.contains("\"@") && text.contains("teams."));
        Ok(text.contains("deploy_keys") && text.contains("rules"))
    });
    let all = [with_keys, with_paths.get(), with_proposals.get(), with_teams.get()];
    assert!(all.iter().all(|count| *count > 10), "{all:?}");
}

#[test]
fn one_random_hub_becomes_another_and_the_rights_are_those_that_the_policy_gives() {
    let changed = holds(60, &(ops(), ops()), |(from, to)| {
        let mut hub = random_hub(&from);
        let text = random_hub(&to).export();
        let before = hub.accesses();
        let outcome = match hub.plan(&text, PRUNING) {
            // A name of a removed user is reserved.
            Err(Refused::Change(_)) => return Ok(false),
            outcome => outcome.unwrap(),
        };
        hub.applied(&text, PRUNING);
        prop_assert_eq!(&hub.export(), &text);
        let after = hub.accesses();
        let rights: BTreeMap<(String, String), (String, String)> = outcome
            .rights
            .json()
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|line| {
                let word = |name: &str| line[name].as_str().unwrap().to_owned();
                let change = (word("before"), word("after"));
                let paths: Vec<String> = serde_json::from_value(line["repositories"].clone()).unwrap();
                paths.into_iter().map(move |path| ((line["who"].as_str().unwrap().to_owned(), path), change.clone()))
            })
            .collect();
        let none = Access::None;
        let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        for key @ (who, path) in keys {
            let of = |map: &BTreeMap<(String, String), Access>, who: &str| {
                format!("{:?}", map.get(&(who.to_owned(), path.clone())).unwrap_or(&none)).to_lowercase()
            };
            let change = (of(&before, who), of(&after, who));
            let said = rights.get(key).or_else(|| rights.get(&("every account".to_owned(), path.clone())));
            let said = said.or_else(|| rights.get(&("everyone".to_owned(), path.clone())));
            if who == "everyone" {
                prop_assert_eq!(rights.contains_key(key), change.0 != change.1, "{:?} {:?}", key, change);
            } else if change.0 == change.1 {
                prop_assert!(!rights.contains_key(key), "{:?} {:?}", key, rights);
            } else {
                prop_assert_eq!(said, Some(&change), "{:?}", key);
            }
        }
        Ok(!rights.is_empty())
    });
    assert!(changed > 20, "{changed}");
}

#[test]
fn the_signers_of_a_random_hub_are_the_accounts_that_may_write() {
    let with_writers = holds(60, &ops(), |ops| {
        let mut hub = random_hub(&ops);
        hub.change(|change| {
            for (number, user) in (60..).zip(USERS) {
                let (key, title) = (key(number), "laptop".parse().unwrap());
                let new = NewKey { key: &key, title: &title, scope: Scope::Write, expires_at: None, sources: None };
                match change.add_key(&owner(user), &new) {
                    Err(ChangeError::NotFound(_)) => {}
                    added => drop(added?),
                }
            }
            // The end of a role in the organization ends what teams give.
            let (acme, bob) = (owner("acme"), owner("Bob"));
            let steps = [
                change.set_member(&acme, &bob, Role::NoAccess, None),
                change.add_team_member(&"acme/devs".parse().unwrap(), &bob, None),
                change.set_collaborator(&path("acme/x"), &"@acme/devs".parse().unwrap(), CollaboratorRole::Write, None),
                if ops.len() % 2 == 0 { change.set_member(&acme, &bob, Role::Read, Some(86_400)) } else { Ok(()) },
            ];
            let of_database = |step| matches!(&step, Err(ChangeError::Database(_))).then(|| step);
            steps.into_iter().find_map(of_database).unwrap_or(Ok(()))
        })
        .unwrap();
        let accesses = hub.accesses();
        let view = hub.store.view();
        let signers = |place: WritesTo<'_>| {
            let signers = all(|each| view.signers(place, now(), each)).unwrap();
            let users: BTreeSet<String> = signers.iter().map(|signer| signer.user.to_string()).collect();
            assert_eq!(users.len(), signers.len(), "each key once");
            users
        };
        let mut of_owners: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in all(|each| view.repositories(None, each)).unwrap() {
            let path = row.path.to_string();
            let writers = accesses.iter().filter(|((_, at), access)| *at == path && **access >= Access::Write);
            let writers: BTreeSet<String> = writers.map(|((user, _), _)| user.clone()).collect();
            prop_assert_eq!(&signers(WritesTo::Repository(&row)), &writers, "{}", path);
            of_owners.entry(row.path.owner.to_string()).or_default().extend(writers);
        }
        let is_shared = of_owners.values().any(|writers| writers.len() > 1);
        for (name, mut writers) in of_owners {
            // They may write to each repository that the organization will have.
            if let Ok(organization) = view.organization_details(&owner(&name)) {
                let live = organization.members.iter().filter(|member| member.until.is_none_or(|end| now() < end));
                let by_role = live.filter(|member| matches!(member.role, Role::Write | Role::Admin));
                writers.extend(by_role.map(|member| member.name.to_string()));
            }
            prop_assert_eq!(signers(WritesTo::Owner(&owner(&name))), writers, "{}", name);
        }
        Ok(is_shared)
    });
    assert!(with_writers > 10, "{with_writers}");
}
