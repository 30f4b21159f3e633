//! Who may propose, as a table written by hand, checked against every case of the matrix.

use super::matrix::{all_rights, identities, matches};
use super::{ACCOUNT, NOW, OWNER, REPOSITORY, access, account, all_facts, decide, repository};
use crate::access::proposal::{Advance, Opening, ProposalFacts, author, may_advance, may_close, may_open};
use crate::access::{
    Access, Decision, Denial, Gate, Identity, RepositoryFacts, Scope, Visibility, depends_on_proposals,
};

/// A row for an identity and its rights, as in the matrix. A cell is for a repository that is public, gated, gated for
/// members too, and private; then for the same ones, frozen. All accept proposals.
///
/// `P` may propose and not write; `W` may write; `r` may only fetch; `g` is stopped by the gate; `-` sees no
/// repository; `z` is refused because the repository is frozen.
const TABLE: &str = "
anonymous             *                   rgg- rgg-
account               owner               WWWW zzzz
account               stranger            Pgg- zgg-
account               no_access           Pgg- zgg-
account               read                PPgP zzgz
account               contributor         PPPP zzzz
account               contributor-own     WWWW zzzz
account               write               WWWW zzzz
account               admin               WWWW zzzz
account               created             Pgg- zgg-
account               read-created        PPgP zzgz
account               collaborator-read   PPPP zzzz
account               collaborator-write  WWWW zzzz
account               collaborator-admin  WWWW zzzz
account               team-read           PPPP zzzz
account               team-write          WWWW zzzz
account               team-admin          WWWW zzzz
account               former-team-*       Pgg- zgg-
account               gate-pending        Pgg- zgg-
account               gate-accepted       PPP- zzz-
account               gate-rejected       Pgg- zgg-
account               expired-*           Pgg- zgg-
account-read          owner               rrrr rrrr
account-read          stranger            rgg- rgg-
account-read          no_access           rgg- rgg-
account-read          read                rrgr rrgr
account-read          contributor         rrrr rrrr
account-read          contributor-own     rrrr rrrr
account-read          write               rrrr rrrr
account-read          admin               rrrr rrrr
account-read          created             rgg- rgg-
account-read          read-created        rrgr rrgr
account-read          collaborator-*      rrrr rrrr
account-read          team-*              rrrr rrrr
account-read          former-team-*       rgg- rgg-
account-read          gate-accepted       rrr- rrr-
account-read          gate-pending        rgg- rgg-
account-read          gate-rejected       rgg- rgg-
account-read          expired-*           rgg- rgg-
certificate           stranger            rgg- rgg-
certificate           no_access           rgg- rgg-
certificate           read                rrgr rrgr
certificate           contributor         rrrr rrrr
certificate           contributor-own     WWWW zzzz
certificate           write               WWWW zzzz
certificate           admin               WWWW zzzz
certificate           created             rgg- rgg-
certificate           read-created        rrgr rrgr
certificate           collaborator-read   rrrr rrrr
certificate           collaborator-write  WWWW zzzz
certificate           collaborator-admin  WWWW zzzz
certificate           team-read           rrrr rrrr
certificate           team-write          WWWW zzzz
certificate           team-admin          WWWW zzzz
certificate           former-team-*       rgg- rgg-
certificate           gate-accepted       rrr- rrr-
certificate           gate-pending        rgg- rgg-
certificate           gate-rejected       rgg- rgg-
certificate           expired-*           rgg- rgg-
certificate-elsewhere *                   rgg- rgg-
deploy-key-read       *                   rrrr rrrr
deploy-key-write      *                   WWWW zzzz
deploy-key-elsewhere* *                   rgg- rgg-
";

fn letter(decision: Decision) -> char {
    match decision {
        Decision::Allow(Access::Propose) => 'P',
        Decision::Allow(Access::Write | Access::Admin) => 'W',
        Decision::Allow(Access::None | Access::Fetch) => '!',
        Decision::Deny(Denial::ReadOnly) => 'r',
        Decision::Deny(Denial::Gated(_)) => 'g',
        Decision::Deny(Denial::NoRepository) => '-',
        Decision::Deny(Denial::Frozen) => 'z',
    }
}

#[test]
fn who_may_propose_matches_the_table() {
    let rows = rows_of(TABLE);
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
            let cells = [None, Some("moving".to_owned())].map(|frozen| {
                let columns = [
                    (Visibility::Public, Gate::Open),
                    (Visibility::Public, Gate::Closed),
                    (Visibility::Public, Gate::ClosedToMembers),
                    (Visibility::Private, Gate::Open),
                ];
                let cell = |(visibility, gate)| {
                    let frozen = frozen.clone();
                    let facts = RepositoryFacts { visibility, gate, frozen, accepts_proposals: true, ..facts.clone() };
                    letter(decide(&identity, Some(&facts), Access::Propose, NOW))
                };
                columns.map(cell).iter().collect::<String>()
            });
            assert_eq!(cells, rows[found[0]][2..], "{name} {rights}");
        }
    }
    assert!(used.iter().all(|used| *used), "a row without a case: {used:?}");
}

#[test]
fn proposals_give_an_account_that_may_fetch_the_next_level_and_change_nothing_else() {
    let mut proposers = 0;
    for (_, identity) in identities() {
        for facts in all_facts() {
            let on = RepositoryFacts { accepts_proposals: true, ..facts.clone() };
            let (before, after) = (access(&identity, &facts, NOW), access(&identity, &on, NOW));
            let is_account = matches!(&identity, Identity::Account(account) if account.scope == Scope::Write);
            let expected = if is_account && before == Access::Fetch { Access::Propose } else { before };
            assert_eq!(after, expected, "{identity:?} {facts:?}");
            for needed in [Access::Fetch, Access::Write, Access::Admin] {
                let decided = |facts| match decide(&identity, Some(facts), needed, NOW) {
                    Decision::Allow(_) => None,
                    Decision::Deny(denial) => Some(denial),
                };
                assert_eq!(decided(&on), decided(&facts), "{identity:?} {facts:?} {needed:?}");
            }
            let is_asked = depends_on_proposals(&identity, &facts, NOW);
            assert_eq!(is_asked, before != after, "asked exactly where it matters: {identity:?} {facts:?}");
            proposers += u32::from(is_asked);
        }
    }
    assert!(proposers > 100, "{proposers}");
}

#[test]
fn what_no_identity_may_see_does_not_depend_on_proposals() {
    let private = repository(Visibility::Private, Gate::Open);
    for (name, identity) in identities() {
        if access(&identity, &private, NOW) == Access::None {
            assert!(!depends_on_proposals(&identity, &private, NOW), "{name}");
        }
    }
}

#[test]
fn a_proposal_is_opened_by_an_account_where_the_repository_accepts_it() {
    let write = Identity::Account(account(Scope::Write));
    for (identity, access, accepts, expected) in [
        (&write, Access::Propose, true, Opening::Allowed),
        (&write, Access::Write, true, Opening::Allowed),
        (&write, Access::Admin, true, Opening::Allowed),
        (&write, Access::Write, false, Opening::Off),
        (&write, Access::Fetch, false, Opening::Off),
        (&write, Access::Fetch, true, Opening::NoAuthor),
        (&write, Access::None, true, Opening::NoAuthor),
    ] {
        assert_eq!(may_open(identity, access, accepts), expected, "{access:?} {accepts}");
    }
    let full = account(Scope::Write);
    for other in [
        Identity::Account(account(Scope::Read)),
        Identity::Certificate { account: full, organization: OWNER },
        Identity::DeployKey { repository: REPOSITORY, scope: Scope::Write },
        Identity::Anonymous,
    ] {
        assert_eq!(may_open(&other, Access::Admin, true), Opening::NoAuthor, "{other:?}");
        assert_eq!(author(&other), None);
    }
}

/// For each access: pushing to an own and to a foreign proposal, each open and closed, and closing an own and a foreign
/// one. `+` may, `f` foreign, `c` closed, `-` may not.
const OF_PROPOSALS: &str = "
None    ff ff  --
Fetch   ff ff  --
Propose +c ff  +-
Write   +c +c  ++
Admin   +c +c  ++
";

#[test]
fn the_author_and_writers_push_to_a_proposal_until_it_is_closed() {
    let account = account(Scope::Write);
    let identity = Identity::Account(account.clone());
    let levels = [Access::None, Access::Fetch, Access::Propose, Access::Write, Access::Admin];
    let rows = rows_of(OF_PROPOSALS);
    assert_eq!(rows.len(), levels.len());
    for (access, row) in levels.into_iter().zip(rows) {
        assert_eq!(format!("{access:?}"), row[0]);
        let push = |identity: &Identity, author, is_closed| match may_advance(
            identity,
            access,
            Some(ProposalFacts { author, is_closed }),
        ) {
            Advance::Allowed => '+',
            Advance::Foreign => 'f',
            Advance::Closed => 'c',
            Advance::Unknown => '?',
        };
        let own: String = [false, true].map(|is_closed| push(&identity, ACCOUNT, is_closed)).iter().collect();
        let foreign: String = [false, true].map(|is_closed| push(&identity, OWNER, is_closed)).iter().collect();
        let close = [ACCOUNT, OWNER].map(|author| if may_close(&account, access, author) { '+' } else { '-' });
        assert_eq!([own, foreign.clone(), close.iter().collect()], row[1..], "{access:?}");
        // A session without an account has opened no proposal.
        let key = Identity::DeployKey { repository: ACCOUNT, scope: Scope::Write };
        let of_key: String = [false, true].map(|is_closed| push(&key, ACCOUNT, is_closed)).iter().collect();
        assert_eq!(of_key, foreign);
        assert_eq!(may_advance(&identity, access, None), Advance::Unknown);
    }
}

/// The words of each line.
fn rows_of(table: &str) -> Vec<Vec<&str>> {
    table.lines().filter(|line| !line.is_empty()).map(|line| line.split_whitespace().collect()).collect()
}
