//! The policy: arbitrary facts and identities, compared with the promises of the table and with an independent table.

use std::net::IpAddr;

use arbitrary::Unstructured;
use hubgate::access::{
    Access, Account, AuthorityFacts, CertificateFacts, CollaboratorRole, Decision, Denial, Gate, GateRequest, Grant,
    Identity, KeyFacts, KeyHolder, NotAdmitted, Removal, RepositoryFacts, Role, Scope, Sources, Visibility, decide,
    identify, identify_certificate,
};
use hubgate::key::Fingerprint;
use hubgate::name::Owner;
use hubgate::request::ForcedCommand;

use crate::input::one_of;

const NEEDS: [Access; 4] = [Access::Fetch, Access::Propose, Access::Write, Access::Admin];
const GATES: [Gate; 3] = [Gate::Open, Gate::Closed, Gate::ClosedToMembers];
const REQUESTS: [GateRequest; 3] = [GateRequest::Pending, GateRequest::Accepted, GateRequest::Rejected];
/// Few values, so that ids and times are often equal.
const ROWS: [i64; 3] = [1, 2, 3];
const INSTANTS: [i64; 5] = [i64::MIN, 0, 1_000, 1_001, i64::MAX];

/// An identity, a repository's facts, a key's facts, and a time.
///
/// A grant never lowers access; a key of scope `read` never writes; a private repository without a grant looks missing.
/// An identity without rights there has only what every identity has. The decision equals that of a second table.
pub fn session_matrix(data: &[u8]) -> bool {
    let mut u = Unstructured::new(data);
    let now = one_of(&mut u, &INSTANTS);
    let identity = identity(&mut u);
    let facts = repository(&mut u);
    let allowed = NEEDS.map(|needed| matches!(decided(&identity, &facts, needed, now), Decision::Allow(_)));
    identification(&mut u, now);
    certification(&mut u, now);

    // Higher needs never have better results, and a missing repository is always denied.
    assert!(allowed.is_sorted_by(|fetch, write| fetch >= write), "{allowed:?}");
    for needed in NEEDS {
        assert_eq!(decide(&identity, None, needed, now), Decision::Deny(Denial::NoRepository));
        let anybody = decide(&Identity::Anonymous, Some(&facts), needed, now);
        let theirs = decide(&identity, Some(&facts), needed, now);
        assert!(rank(theirs) >= rank(anybody), "{identity:?} {facts:?}");
        if is_stranger(&identity, &facts) {
            assert_eq!(theirs, anybody, "{identity:?} {facts:?}");
        }
        for better in better_facts(&facts) {
            assert!(rank(decide(&identity, Some(&better), needed, now)) >= rank(theirs), "{facts:?} {better:?}");
        }
        let mut closed = facts.clone();
        (closed.visibility, closed.role, closed.collaborator) = (Visibility::Private, None, None);
        // Without a role, the account is no member, and its teams give nothing.
        if owner_of(&identity) != Some(facts.owner) && !matches!(identity, Identity::DeployKey { .. }) {
            let missing = Decision::Deny(Denial::NoRepository);
            assert_eq!(decide(&identity, Some(&closed), needed, now), missing);
        }
        let mut frozen = facts.clone();
        frozen.frozen = Some("migration".to_owned());
        let verdict = decide(&identity, Some(&frozen), needed, now);
        assert!(needed == Access::Fetch || !matches!(verdict, Decision::Allow(_)));
        assert!(needed > Access::Fetch || verdict == theirs);
    }
    allowed[0]
}

/// Decides, and compares the decision with the second table.
fn decided(identity: &Identity, facts: &RepositoryFacts, needed: Access, now: i64) -> Decision {
    let decision = decide(identity, Some(facts), needed, now);
    let access = granted(identity, facts, now);
    let expected = if access == Access::None && facts.visibility != Visibility::Public {
        Decision::Deny(Denial::NoRepository)
    } else if access == Access::None {
        let request = facts.gate_request.filter(|grant| grant.until.is_none_or(|end| end > now));
        let asked = request.filter(|_| !is_stranger(identity, facts)).map_or(GateRequest::None, |grant| grant.value);
        Decision::Deny(Denial::Gated(asked))
    } else if access < needed {
        Decision::Deny(Denial::ReadOnly)
    } else if needed > Access::Fetch && facts.frozen.is_some() {
        Decision::Deny(Denial::Frozen)
    } else {
        Decision::Allow(access)
    };
    assert_eq!(decision, expected, "{identity:?} {facts:?} {needed:?} {now}");
    if scope_of(identity) == Some(Scope::Read) {
        assert!(!matches!(decision, Decision::Allow(access) if access > Access::Fetch));
    }
    decision
}

/// The access according to DESIGN's table, one row for each kind of grant.
fn granted(identity: &Identity, facts: &RepositoryFacts, now: i64) -> Access {
    let is_public = facts.visibility == Visibility::Public;
    let mut ways = vec![(is_public && facts.gate == Gate::Open, Access::Fetch)];
    if let Identity::DeployKey { repository, scope } = identity {
        ways.push((*repository == facts.id, Access::Fetch));
        ways.push((*repository == facts.id && *scope == Scope::Write, Access::Write));
    } else if !is_stranger(identity, facts) {
        let live = |until: Option<i64>| until.is_none_or(|end| end > now);
        let role = facts.role.filter(|grant| live(grant.until)).map(|grant| grant.value);
        let given = facts.collaborator.filter(|grant| live(grant.until)).map(|grant| grant.value);
        let team = facts.team.filter(|grant| role.is_some() && live(grant.until)).map(|grant| grant.value);
        let request = facts.gate_request.filter(|grant| live(grant.until)).map(|grant| grant.value);
        let shut_out = is_public && facts.gate == Gate::ClosedToMembers;
        ways.extend([
            (facts.visibility == Visibility::Internal, Access::Fetch),
            (owner_of(identity) == Some(facts.owner), Access::Admin),
            (role == Some(Role::Read) && !shut_out, Access::Fetch),
            (role == Some(Role::Contributor), Access::Fetch),
            (role == Some(Role::Contributor) && facts.created_by_account, Access::Write),
            (role == Some(Role::Write), Access::Write),
            (role == Some(Role::Admin), Access::Admin),
            (given == Some(CollaboratorRole::Read), Access::Fetch),
            (given == Some(CollaboratorRole::Write), Access::Write),
            (given == Some(CollaboratorRole::Admin), Access::Admin),
            (team == Some(CollaboratorRole::Read), Access::Fetch),
            (team == Some(CollaboratorRole::Write), Access::Write),
            (team == Some(CollaboratorRole::Admin), Access::Admin),
            (is_public && request == Some(GateRequest::Accepted), Access::Fetch),
        ]);
    }
    let highest = ways.into_iter().filter(|(applies, _)| *applies).map(|(_, access)| access).max();
    let limit = if scope_of(identity) == Some(Scope::Read) { Access::Fetch } else { Access::Admin };
    let access = highest.unwrap_or(Access::None).min(limit);
    let is_author = matches!(identity, Identity::Account(account) if account.scope == Scope::Write);
    if access == Access::Fetch && is_author && facts.accepts_proposals { Access::Propose } else { access }
}

/// Whether no right of an account applies to this repository.
fn is_stranger(identity: &Identity, facts: &RepositoryFacts) -> bool {
    match identity {
        Identity::Account(_) => false,
        Identity::Certificate { organization, .. } => *organization != facts.owner,
        Identity::DeployKey { repository, .. } => *repository != facts.id,
        Identity::Anonymous => true,
    }
}

fn owner_of(identity: &Identity) -> Option<i64> {
    match identity {
        Identity::Account(account) | Identity::Certificate { account, .. } => Some(account.id),
        Identity::DeployKey { .. } | Identity::Anonymous => None,
    }
}

fn scope_of(identity: &Identity) -> Option<Scope> {
    match identity {
        Identity::Account(account) | Identity::Certificate { account, .. } => Some(account.scope),
        Identity::DeployKey { scope, .. } => Some(*scope),
        Identity::Anonymous => None,
    }
}

/// The access that a decision gives, for comparison.
fn rank(decision: Decision) -> Access {
    match decision {
        Decision::Allow(access) => access,
        Decision::Deny(_) => Access::None,
    }
}

/// The same facts with one more, higher or longer grant.
fn better_facts(facts: &RepositoryFacts) -> Vec<RepositoryFacts> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut RepositoryFacts)| {
        let mut better = facts.clone();
        change(&mut better);
        all.push(better);
    };
    for role in Role::ALL.iter().filter(|role| facts.role.is_none_or(|grant| grant.value <= **role)) {
        with(&|facts| facts.role = Some(Grant { value: *role, until: facts.role.and_then(|grant| grant.until) }));
        with(&|facts| facts.role = Some(Grant { value: *role, until: None }));
    }
    for role in CollaboratorRole::ALL.iter().filter(|role| facts.collaborator.is_none_or(|grant| grant.value <= **role))
    {
        with(&|facts| facts.collaborator = Some(Grant { value: *role, until: None }));
    }
    with(&|facts| facts.created_by_account = true);
    with(&|facts| facts.gate = Gate::Open);
    with(&|facts| facts.gate_request = Some(Grant { value: GateRequest::Accepted, until: None }));
    with(&|facts| facts.frozen = None);
    with(&|facts| facts.accepts_proposals = true);
    all
}

/// Networks and an address inside or outside them.
const SOURCES: [(&str, &str); 3] = [
    ("192.0.2.0/24", "192.0.2.7"),
    ("2001:db8::/32,198.51.100.1", "2001:db8::1%eth0"),
    ("198.51.100.1", "198.51.100.1"),
];

/// Checks that a session has an account only with the account's own valid key, from a permitted address, and with the
/// right forced command.
fn identification(u: &mut Unstructured<'_>, now: i64) {
    let disabled = one_of(u, &[None, Some("left")]).map(str::to_owned);
    let holder = if one_of(u, &[true, true, false]) {
        KeyHolder::Account { account: account(u), disabled: disabled.clone() }
    } else {
        KeyHolder::Repository {
            id: one_of(u, &ROWS),
            path: "acme/squad".parse().expect("a path"),
            scope: one_of(u, Scope::ALL),
        }
    };
    let (networks, address) = (one_of(u, &SOURCES).0, one_of(u, &SOURCES).1);
    let is_source = SOURCES.contains(&(networks, address)) || address == "198.51.100.1" && networks.contains(address);
    let sources: Option<Sources> = one_of(u, &[true, false]).then(|| networks.parse().expect("networks"));
    let facts = KeyFacts {
        holder: holder.clone(),
        sources: sources.clone(),
        expires_at: instant(u),
        removed: one_of(u, &[None, None, Some(Removal::Ordinary), Some(Removal::Compromised)]),
    };
    let key = Fingerprint::of_blob(b"");
    let user: Owner = one_of(u, &["alice", "Alice", "bob"]).parse().expect("a name");
    let forced_command = match u.arbitrary::<u8>().unwrap_or(0) % 4 {
        0 | 1 => ForcedCommand::Account(user.clone(), key),
        2 => ForcedCommand::DeployKey(key),
        _ => ForcedCommand::Anonymous(key),
    };
    for known in [Some(&facts), None] {
        let compromised = known.is_some_and(|key| key.removed == Some(Removal::Compromised));
        let good = known.is_some_and(|key| {
            key.removed.is_none() && key.expires_at.is_none_or(|end| now < end) && (sources.is_none() || is_source)
        });
        let expected = match (&forced_command, &holder) {
            (ForcedCommand::Anonymous(_), _) => (!compromised).then_some(Identity::Anonymous),
            (ForcedCommand::Account(user, _), KeyHolder::Account { account, disabled }) => {
                (good && disabled.is_none() && *user == account.name).then(|| Identity::Account(account.clone()))
            }
            (ForcedCommand::DeployKey(_), KeyHolder::Repository { id, scope, .. }) => {
                good.then_some(Identity::DeployKey { repository: *id, scope: *scope })
            }
            _ => None,
        };
        let found = identify(&forced_command, known, address, now);
        assert_eq!(found.clone().ok(), expected, "{forced_command:?} {known:?} {address} {now}");
        assert_eq!(found == Err(NotAdmitted::Compromised), compromised);
        // A certificate's forced command needs a certificate, not a key.
        assert!(identify(&ForcedCommand::Certificate(user.clone(), key), known, address, now).is_err());
    }
}

/// Checks the same for a certificate.
fn certification(u: &mut Unstructured<'_>, now: i64) {
    let facts = CertificateFacts {
        authority: one_of(u, &[true, true, false]).then(|| AuthorityFacts {
            organization: one_of(u, &ROWS),
            max_ttl: one_of(u, &[0, 1_000, i64::MAX]),
            until: instant(u),
        }),
        account: one_of(u, &[true, true, false])
            .then(|| (account(u), one_of(u, &[None, Some("left")]).map(str::to_owned))),
        member: grant(u, Role::ALL),
        revoked: one_of(u, &[false, false, true]),
        compromised: one_of(u, &[false, false, true]),
        // A certificate has no times before 1970.
        validity: (one_of(u, &INSTANTS[1..]), one_of(u, &INSTANTS[1..])),
    };
    let CertificateFacts { authority, account, member, revoked, compromised, validity: (start, end) } = &facts;
    let expected = match (authority, account, member) {
        (Some(AuthorityFacts { organization, max_ttl, until }), Some((account, None)), Some(member))
            if member.until.is_none_or(|end| now < end)
                && until.is_none_or(|end| now < end)
                && !revoked
                && !compromised
                && (*start..*end).contains(&now)
                && i128::from(*end) - i128::from(*start) <= i128::from(*max_ttl) =>
        {
            Some(Identity::Certificate { account: account.clone(), organization: *organization })
        }
        _ => None,
    };
    assert_eq!(identify_certificate(&facts, now).ok(), expected, "{facts:?} {now}");
}

/// A list of networks and an address, on two lines.
///
/// A list reads back as it was written and contains the first and the last address of each network. A text that is not
/// an address is in no list.
pub fn sources(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let (list, address) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(sources) = list.parse::<Sources>() else { return false };
    let written = sources.to_string();
    assert_eq!(written.parse().as_ref(), Ok(&sources));
    assert!(written.bytes().all(|byte| byte.is_ascii_hexdigit() || b".:/,".contains(&byte)), "{written:?}");
    for network in written.split(',') {
        let (first, length) = network.split_once('/').expect("a length");
        assert!(sources.admit(first) && sources.admit(&format!("{first}%eth0")), "{network}");
        assert!(length.parse::<u8>().is_ok_and(|length| length <= if first.contains(':') { 128 } else { 32 }));
    }
    let is_address = address.split('%').next().is_some_and(|address| address.parse::<IpAddr>().is_ok());
    assert!(is_address || !sources.admit(address), "{address:?}");
    true
}

fn account(u: &mut Unstructured<'_>) -> Account {
    let name: Owner = one_of(u, &["alice", "bob"]).parse().expect("a name");
    Account { id: one_of(u, &ROWS), name, scope: one_of(u, Scope::ALL) }
}

fn identity(u: &mut Unstructured<'_>) -> Identity {
    match u.arbitrary::<u8>().unwrap_or(0) % 4 {
        0 => Identity::Account(account(u)),
        1 => Identity::Certificate { account: account(u), organization: one_of(u, &ROWS) },
        2 => Identity::DeployKey { repository: one_of(u, &ROWS), scope: one_of(u, Scope::ALL) },
        _ => Identity::Anonymous,
    }
}

fn instant(u: &mut Unstructured<'_>) -> Option<i64> {
    one_of(u, &[true, false]).then(|| one_of(u, &INSTANTS))
}

fn grant<T: Copy>(u: &mut Unstructured<'_>, values: &[T]) -> Option<Grant<T>> {
    one_of(u, &[true, false]).then(|| Grant { value: one_of(u, values), until: instant(u) })
}

fn repository(u: &mut Unstructured<'_>) -> RepositoryFacts {
    RepositoryFacts {
        id: one_of(u, &ROWS),
        owner: one_of(u, &ROWS),
        visibility: one_of(u, Visibility::ALL),
        gate: one_of(u, &GATES),
        frozen: one_of(u, &[None, Some("quota")]).map(str::to_owned),
        accepts_proposals: one_of(u, &[true, false]),
        created_by_account: one_of(u, &[true, false]),
        role: grant(u, Role::ALL),
        collaborator: grant(u, CollaboratorRole::ALL),
        team: grant(u, CollaboratorRole::ALL),
        gate_request: grant(u, &REQUESTS),
    }
}
