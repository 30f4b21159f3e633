mod admission;
mod matrix;
mod proposals;
mod rights;

use super::{
    Access, Account, CollaboratorRole, Decision, Denial, Gate, GateRequest, Grant, Identity, RepositoryFacts, Role,
    Scope, Visibility, access, decide,
};
use crate::request::{Operation, Service};

/// The time in every test.
const NOW: i64 = 1_000_000;

/// The ids of the session's account, of the repository, and of its owner, which is an organization or another user.
const ACCOUNT: i64 = 7;
const REPOSITORY: i64 = 70;
const OWNER: i64 = 9;

fn account(scope: Scope) -> Account {
    Account { id: ACCOUNT, name: "alice".parse().unwrap(), scope }
}

/// A repository without grants.
fn repository(visibility: Visibility, gate: Gate) -> RepositoryFacts {
    RepositoryFacts {
        id: REPOSITORY,
        owner: OWNER,
        visibility,
        gate,
        frozen: None,
        accepts_proposals: false,
        created_by_account: false,
        role: None,
        collaborator: None,
        team: None,
        gate_request: None,
    }
}

fn for_good<T>(value: T) -> Grant<T> {
    Grant { value, until: None }
}

/// Every combination of visibility, gate and the account's rights on a repository.
fn all_facts() -> Vec<RepositoryFacts> {
    let gates = [Gate::Open, Gate::Closed, Gate::ClosedToMembers];
    let requests = [None, Some(GateRequest::Pending), Some(GateRequest::Accepted), Some(GateRequest::Rejected)];
    let requests = requests.map(|request| request.map(for_good));
    let roles = Role::ALL.iter().map(|role| Some(for_good(*role))).chain([None]);
    let grants = CollaboratorRole::ALL.iter().map(|role| Some(for_good(*role))).chain([None]);
    let mut all: Vec<_> = Visibility::ALL.iter().flat_map(|seen| gates.map(|gate| repository(*seen, gate))).collect();
    all = all
        .iter()
        .flat_map(|one| requests.map(|gate_request| RepositoryFacts { gate_request, ..one.clone() }))
        .collect();
    all = all.iter().flat_map(|one| [ACCOUNT, OWNER].map(|owner| RepositoryFacts { owner, ..one.clone() })).collect();
    all = all
        .iter()
        .flat_map(|one| [true, false].map(|created_by_account| RepositoryFacts { created_by_account, ..one.clone() }))
        .collect();
    all = all.iter().flat_map(|one| roles.clone().map(|role| RepositoryFacts { role, ..one.clone() })).collect();
    all.iter()
        .flat_map(|one| grants.clone().map(|collaborator| RepositoryFacts { collaborator, ..one.clone() }))
        .flat_map(|one| grants.clone().map(move |team| RepositoryFacts { team, ..one.clone() }))
        .collect()
}

#[test]
fn each_service_and_operation_has_the_access_that_it_needs() {
    let services = Service::ALL.iter().map(|service| (service.as_str(), service.needs()));
    let operations = Operation::ALL.iter().map(|operation| (operation.as_str(), operation.needs()));
    assert_eq!(
        services.chain(operations).collect::<Vec<_>>(),
        [
            ("upload-pack", Access::Fetch),
            ("receive-pack", Access::Propose),
            ("upload-archive", Access::Fetch),
            ("download", Access::Fetch),
            ("upload", Access::Write),
        ]
    );
}

#[test]
fn each_level_of_access_contains_the_one_before() {
    let levels = [Access::None, Access::Fetch, Access::Propose, Access::Write, Access::Admin];
    assert!(levels.is_sorted_by(|lower, higher| lower < higher));
}

#[test]
fn the_highest_grant_applies_and_no_grant_removes_rights() {
    let identity = Identity::Account(account(Scope::Write));
    let cases = all_facts();
    assert_eq!(cases.len(), 3 * 3 * 4 * 2 * 2 * 6 * 4 * 4);
    for all in cases {
        let none = RepositoryFacts {
            owner: OWNER,
            role: None,
            collaborator: None,
            team: None,
            gate_request: None,
            ..all.clone()
        };
        let owner = RepositoryFacts { owner: all.owner, ..none.clone() };
        let role = RepositoryFacts { role: all.role, ..none.clone() };
        let collaborator = RepositoryFacts { collaborator: all.collaborator, ..none.clone() };
        // A team counts for a member, whatever the member's role is.
        let member = all.role.map(|_| for_good(Role::NoAccess));
        let team = RepositoryFacts { team: all.team, role: member, ..none.clone() };
        let gate = RepositoryFacts { gate_request: all.gate_request, ..none.clone() };
        let single = [none, owner, role, collaborator, team, gate].map(|one| access(&identity, &one, NOW));
        assert_eq!(Some(access(&identity, &all, NOW)), single.into_iter().max(), "{all:?}");
    }
}

#[test]
fn a_key_of_scope_read_gives_exactly_fetch_where_its_account_has_access() {
    let full = Identity::Account(account(Scope::Write));
    let read = Identity::Account(account(Scope::Read));
    for facts in all_facts() {
        let expected = access(&full, &facts, NOW).min(Access::Fetch);
        assert_eq!(access(&read, &facts, NOW), expected, "{facts:?}");
    }
}

#[test]
fn a_frozen_repository_allows_only_fetch() {
    let identity = Identity::Account(account(Scope::Write));
    for facts in all_facts() {
        let frozen = RepositoryFacts { frozen: Some("moving".to_owned()), ..facts.clone() };
        let decide = |repository, needed| decide(&identity, Some(repository), needed, NOW);
        assert_eq!(decide(&frozen, Access::Fetch), decide(&facts, Access::Fetch), "{facts:?}");
        for needed in [Access::Write, Access::Admin] {
            match (decide(&facts, needed), decide(&frozen, needed)) {
                (Decision::Allow(_), after) => assert_eq!(after, Decision::Deny(Denial::Frozen), "{facts:?}"),
                (denied, after) => assert_eq!(after, denied, "{facts:?}"),
            }
        }
    }
}

#[test]
fn a_private_or_internal_repository_looks_missing_to_everyone_without_access() {
    for facts in all_facts().iter().filter(|facts| facts.visibility != Visibility::Public) {
        let account = account(Scope::Write);
        let identities = [
            Identity::Account(account.clone()),
            Identity::Certificate { account, organization: facts.owner },
            Identity::Anonymous,
            Identity::DeployKey { repository: REPOSITORY + 1, scope: Scope::Write },
        ];
        for identity in identities {
            for needed in [Access::Fetch, Access::Write, Access::Admin] {
                let missing = decide(&identity, None, needed, NOW);
                assert_eq!(missing, Decision::Deny(Denial::NoRepository));
                if access(&identity, facts, NOW) == Access::None {
                    assert_eq!(decide(&identity, Some(facts), needed, NOW), missing, "{identity:?} {facts:?}");
                }
            }
        }
    }
}

#[test]
fn a_grant_is_valid_until_the_second_of_its_end() {
    let identity = Identity::Account(account(Scope::Write));
    let private = repository(Visibility::Private, Gate::Open);
    for (until, expected) in [
        (None, Access::Write),
        (Some(NOW + 1), Access::Write),
        (Some(NOW), Access::None),
        (Some(NOW - 1), Access::None),
    ] {
        let role = RepositoryFacts { role: Some(Grant { value: Role::Write, until }), ..private.clone() };
        let collaborator = Some(Grant { value: CollaboratorRole::Write, until });
        let collaborator = RepositoryFacts { collaborator, ..private.clone() };
        let (member, team) = (Some(for_good(Role::NoAccess)), Some(for_good(CollaboratorRole::Write)));
        let by_team = RepositoryFacts {
            role: member,
            team: Some(Grant { value: CollaboratorRole::Write, until }),
            ..private.clone()
        };
        let in_team = RepositoryFacts { role: Some(Grant { value: Role::NoAccess, until }), team, ..private.clone() };
        for facts in [role, collaborator, by_team, in_team] {
            assert_eq!(access(&identity, &facts, NOW), expected, "{until:?}");
        }
    }
}
