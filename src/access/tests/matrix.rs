//! Who may do what, as a table written by hand, checked against every case.

use super::{ACCOUNT, NOW, OWNER, REPOSITORY, account, for_good, repository};
use crate::access::{
    Access, CollaboratorRole, Decision, Denial, Gate, GateRequest, Grant, Identity, RepositoryFacts, Role, Scope,
    Visibility, decide,
};

/// A row for an identity and its rights. `*` stands for the rest of a word, `|` for "or". Each case matches one row.
///
/// A cell gives the result of a fetch, a push and an administration. `F`, `W`, `A`: allowed; `-`: no such repository;
/// `r`: no write access; `g`, `p`, `x`: gated with no request, a pending request or a rejected request; `z`: frozen.
const TABLE: &str = "
identity              rights             public gated members private internal  frozen: public gated members private internal
anonymous             *                    Frr    ggg   ggg     ---      ---              Frr    ggg   ggg     ---      ---

account               owner                FWA    FWA   FWA     FWA      FWA              Fzz    Fzz   Fzz     Fzz      Fzz
account|certificate   stranger             Frr    ggg   ggg     ---      Frr              Frr    ggg   ggg     ---      Frr
account|certificate   no_access            Frr    ggg   ggg     ---      Frr              Frr    ggg   ggg     ---      Frr
account|certificate   read                 Frr    Frr   ggg     Frr      Frr              Frr    Frr   ggg     Frr      Frr
account|certificate   contributor          Frr    Frr   Frr     Frr      Frr              Frr    Frr   Frr     Frr      Frr
account|certificate   contributor-own      FWr    FWr   FWr     FWr      FWr              Fzr    Fzr   Fzr     Fzr      Fzr
account|certificate   write                FWr    FWr   FWr     FWr      FWr              Fzr    Fzr   Fzr     Fzr      Fzr
account|certificate   admin                FWA    FWA   FWA     FWA      FWA              Fzz    Fzz   Fzz     Fzz      Fzz
account|certificate   created              Frr    ggg   ggg     ---      Frr              Frr    ggg   ggg     ---      Frr
account|certificate   read-created         Frr    Frr   ggg     Frr      Frr              Frr    Frr   ggg     Frr      Frr
account|certificate   collaborator-read    Frr    Frr   Frr     Frr      Frr              Frr    Frr   Frr     Frr      Frr
account|certificate   collaborator-write   FWr    FWr   FWr     FWr      FWr              Fzr    Fzr   Fzr     Fzr      Fzr
account|certificate   collaborator-admin   FWA    FWA   FWA     FWA      FWA              Fzz    Fzz   Fzz     Fzz      Fzz
account|certificate   team-read            Frr    Frr   Frr     Frr      Frr              Frr    Frr   Frr     Frr      Frr
account|certificate   team-write           FWr    FWr   FWr     FWr      FWr              Fzr    Fzr   Fzr     Fzr      Fzr
account|certificate   team-admin           FWA    FWA   FWA     FWA      FWA              Fzz    Fzz   Fzz     Fzz      Fzz
account|certificate   former-team-*        Frr    ggg   ggg     ---      Frr              Frr    ggg   ggg     ---      Frr
account|certificate   gate-pending         Frr    ppp   ppp     ---      Frr              Frr    ppp   ppp     ---      Frr
account|certificate   gate-accepted        Frr    Frr   Frr     ---      Frr              Frr    Frr   Frr     ---      Frr
account|certificate   gate-rejected        Frr    xxx   xxx     ---      Frr              Frr    xxx   xxx     ---      Frr
account|certificate   expired-*            Frr    ggg   ggg     ---      Frr              Frr    ggg   ggg     ---      Frr

account-read          owner                Frr    Frr   Frr     Frr      Frr              Frr    Frr   Frr     Frr      Frr
account-read          stranger             Frr    ggg   ggg     ---      Frr              Frr    ggg   ggg     ---      Frr
account-read          no_access            Frr    ggg   ggg     ---      Frr              Frr    ggg   ggg     ---      Frr
account-read          read                 Frr    Frr   ggg     Frr      Frr              Frr    Frr   ggg     Frr      Frr
account-read          contributor          Frr    Frr   Frr     Frr      Frr              Frr    Frr   Frr     Frr      Frr
account-read          contributor-own      Frr    Frr   Frr     Frr      Frr              Frr    Frr   Frr     Frr      Frr
account-read          write                Frr    Frr   Frr     Frr      Frr              Frr    Frr   Frr     Frr      Frr
account-read          admin                Frr    Frr   Frr     Frr      Frr              Frr    Frr   Frr     Frr      Frr
account-read          created              Frr    ggg   ggg     ---      Frr              Frr    ggg   ggg     ---      Frr
account-read          read-created         Frr    Frr   ggg     Frr      Frr              Frr    Frr   ggg     Frr      Frr
account-read          collaborator-*       Frr    Frr   Frr     Frr      Frr              Frr    Frr   Frr     Frr      Frr
account-read          team-*               Frr    Frr   Frr     Frr      Frr              Frr    Frr   Frr     Frr      Frr
account-read          former-team-*        Frr    ggg   ggg     ---      Frr              Frr    ggg   ggg     ---      Frr
account-read          gate-pending         Frr    ppp   ppp     ---      Frr              Frr    ppp   ppp     ---      Frr
account-read          gate-accepted        Frr    Frr   Frr     ---      Frr              Frr    Frr   Frr     ---      Frr
account-read          gate-rejected        Frr    xxx   xxx     ---      Frr              Frr    xxx   xxx     ---      Frr
account-read          expired-*            Frr    ggg   ggg     ---      Frr              Frr    ggg   ggg     ---      Frr

certificate-elsewhere *                    Frr    ggg   ggg     ---      ---              Frr    ggg   ggg     ---      ---

deploy-key-read       *                    Frr    Frr   Frr     Frr      Frr              Frr    Frr   Frr     Frr      Frr
deploy-key-write      *                    FWr    FWr   FWr     FWr      FWr              Fzr    Fzr   Fzr     Fzr      Fzr
deploy-key-elsewhere* *                    Frr    ggg   ggg     ---      ---              Frr    ggg   ggg     ---      ---
";

pub(super) fn identities() -> Vec<(&'static str, Identity)> {
    let full = account(Scope::Write);
    let deploy_key = |repository, scope| Identity::DeployKey { repository, scope };
    vec![
        ("anonymous", Identity::Anonymous),
        ("account", Identity::Account(full.clone())),
        ("account-read", Identity::Account(account(Scope::Read))),
        ("certificate", Identity::Certificate { account: full.clone(), organization: OWNER }),
        ("certificate-elsewhere", Identity::Certificate { account: full, organization: OWNER + 1 }),
        ("deploy-key-read", deploy_key(REPOSITORY, Scope::Read)),
        ("deploy-key-write", deploy_key(REPOSITORY, Scope::Write)),
        ("deploy-key-elsewhere-read", deploy_key(REPOSITORY + 1, Scope::Read)),
        ("deploy-key-elsewhere-write", deploy_key(REPOSITORY + 1, Scope::Write)),
    ]
}

/// The rights that an account can have on a repository. Each case has at most one grant with an effect, which is valid
/// without end or ended at this second.
pub(super) fn all_rights() -> Vec<(String, RepositoryFacts)> {
    let none = repository(Visibility::Public, Gate::Open);
    let mut all = vec![("stranger".to_owned(), none.clone())];
    all.push(("owner".to_owned(), RepositoryFacts { owner: ACCOUNT, ..none.clone() }));
    for role in Role::ALL {
        let expired = Some(Grant { value: *role, until: Some(NOW) });
        all.push((role.to_string(), RepositoryFacts { role: Some(for_good(*role)), ..none.clone() }));
        all.push((format!("expired-{role}"), RepositoryFacts { role: expired, ..none.clone() }));
    }
    let created = RepositoryFacts { created_by_account: true, ..none.clone() };
    let expired = Some(Grant { value: Role::Contributor, until: Some(NOW) });
    for (name, role) in [
        ("created", None),
        ("read-created", Some(for_good(Role::Read))),
        ("contributor-own", Some(for_good(Role::Contributor))),
        ("expired-contributor-own", expired),
    ] {
        all.push((name.to_owned(), RepositoryFacts { role, ..created.clone() }));
    }
    for role in CollaboratorRole::ALL {
        let expired = Some(Grant { value: *role, until: Some(NOW) });
        all.push((
            format!("collaborator-{role}"),
            RepositoryFacts { collaborator: Some(for_good(*role)), ..none.clone() },
        ));
        all.push((format!("expired-collaborator-{role}"), RepositoryFacts { collaborator: expired, ..none.clone() }));
    }
    let no_access = RepositoryFacts { role: Some(for_good(Role::NoAccess)), ..none.clone() };
    let ended = Some(Grant { value: Role::Admin, until: Some(NOW) });
    for role in CollaboratorRole::ALL {
        let (team, expired) = (Some(for_good(*role)), Some(Grant { value: *role, until: Some(NOW) }));
        all.push((format!("team-{role}"), RepositoryFacts { team, ..no_access.clone() }));
        all.push((format!("expired-team-{role}"), RepositoryFacts { team: expired, ..no_access.clone() }));
        // A team counts only while the account is a member of the organization.
        all.push((format!("former-team-{role}"), RepositoryFacts { team, ..none.clone() }));
        all.push((format!("expired-member-team-{role}"), RepositoryFacts { team, role: ended, ..none.clone() }));
    }
    for (name, gate_request) in
        [("pending", GateRequest::Pending), ("accepted", GateRequest::Accepted), ("rejected", GateRequest::Rejected)]
    {
        let expired = Some(Grant { value: gate_request, until: Some(NOW) });
        let gate_request = Some(for_good(gate_request));
        all.push((format!("gate-{name}"), RepositoryFacts { gate_request, ..none.clone() }));
        all.push((format!("expired-gate-{name}"), RepositoryFacts { gate_request: expired, ..none.clone() }));
    }
    all
}

/// The results of a fetch, a push and an administration.
fn cell(identity: &Identity, repository: &RepositoryFacts) -> String {
    let letter = |(needed, allowed)| match decide(identity, Some(repository), needed, NOW) {
        Decision::Allow(access) => {
            assert!(access >= needed);
            allowed
        }
        Decision::Deny(Denial::NoRepository) => '-',
        Decision::Deny(Denial::ReadOnly) => 'r',
        Decision::Deny(Denial::Gated(GateRequest::None)) => 'g',
        Decision::Deny(Denial::Gated(GateRequest::Pending)) => 'p',
        Decision::Deny(Denial::Gated(GateRequest::Rejected)) => 'x',
        Decision::Deny(Denial::Gated(GateRequest::Accepted)) => '?',
        Decision::Deny(Denial::Frozen) => 'z',
    };
    [(Access::Fetch, 'F'), (Access::Write, 'W'), (Access::Admin, 'A')].map(letter).iter().collect()
}

/// The cells of one identity and its rights, from left to right.
fn cells(identity: &Identity, facts: &RepositoryFacts) -> Vec<String> {
    let columns = [
        (Visibility::Public, Gate::Open),
        (Visibility::Public, Gate::Closed),
        (Visibility::Public, Gate::ClosedToMembers),
        (Visibility::Private, Gate::Open),
        (Visibility::Internal, Gate::Open),
    ];
    let frozen = [None, Some("moving".to_owned())];
    let repositories = frozen.iter().flat_map(|frozen| {
        columns.map(|(visibility, gate)| RepositoryFacts { visibility, gate, frozen: frozen.clone(), ..facts.clone() })
    });
    repositories.map(|repository| cell(identity, &repository)).collect()
}

pub(super) fn matches(pattern: &str, word: &str) -> bool {
    pattern.split('|').any(|one| one.strip_suffix('*').map_or(one == word, |start| word.starts_with(start)))
}

#[test]
fn decisions_match_the_table() {
    let lines = TABLE.lines().skip(2).filter(|line| !line.is_empty());
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split_whitespace().collect()).collect();
    let mut used = vec![false; rows.len()];
    for (name, identity) in identities() {
        for (rights, facts) in all_rights() {
            // A certificate of an organization never applies to a repository that its account owns.
            if name == "certificate" && facts.owner == ACCOUNT {
                continue;
            }
            let of_case = |row: &Vec<&str>| matches(row[0], name) && matches(row[1], &rights);
            let found: Vec<usize> = (0..rows.len()).filter(|index| of_case(&rows[*index])).collect();
            assert_eq!(found.len(), 1, "rows for {name} {rights}");
            used[found[0]] = true;
            assert_eq!(cells(&identity, &facts), rows[found[0]][2..], "{name} {rights}");
        }
    }
    assert!(used.iter().all(|used| *used), "a row without a case: {used:?}");
}

#[test]
fn a_gate_counts_only_while_the_repository_is_public() {
    for gate in [Gate::Open, Gate::Closed, Gate::ClosedToMembers] {
        for (name, identity) in identities() {
            for (rights, facts) in all_rights() {
                for visibility in [Visibility::Internal, Visibility::Private] {
                    let open = RepositoryFacts { visibility, ..facts.clone() };
                    let gated = RepositoryFacts { gate, ..open.clone() };
                    assert_eq!(cell(&identity, &gated), cell(&identity, &open), "{name} {rights} {gate:?}");
                }
            }
        }
    }
}

#[test]
fn an_internal_repository_is_like_a_public_one_to_accounts_and_like_a_private_one_to_others() {
    for (name, identity) in identities() {
        for (rights, facts) in all_rights() {
            let of = |visibility| cell(&identity, &RepositoryFacts { visibility, gate: Gate::Open, ..facts.clone() });
            let is_account = identity.account_at(facts.owner).is_some();
            let like = if is_account { Visibility::Public } else { Visibility::Private };
            assert_eq!(of(Visibility::Internal), of(like), "{name} {rights}");
        }
    }
}
