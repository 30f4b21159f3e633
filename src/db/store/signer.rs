//! The keys with which the accounts that may write somewhere sign.

use super::list::Each;
use super::{ChangeError, OwnerKind, RepositoryRow};
use crate::db::emails::{EmailState, Emails, stored_emails};
use crate::db::engine::{Row, values};
use crate::db::{Error, View};
use crate::key::PublicKey;
use crate::name::{Email, Owner};

/// A key of an account, and when its signatures count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The account.
    pub user: Owner,
    /// The addresses that the operator has confirmed for the account.
    pub emails: Vec<Email>,
    /// The key.
    pub key: PublicKey,
    /// The first second in which a signature counts.
    pub added_at: i64,
    /// The first second in which a signature no longer counts.
    pub until: Option<i64>,
}

/// Where the accounts may write.
#[derive(Debug, Clone, Copy)]
pub enum WritesTo<'a> {
    /// Anywhere.
    Hub,
    /// To at least one repository of this owner.
    Owner(&'a Owner),
    /// To this repository.
    Repository(&'a RepositoryRow),
}

/// The keys of accounts that sign. A compromised key has signed nothing that counts, because its holder is not known. A
/// key of scope `read` writes nothing. SQLite joins in the order of a CROSS JOIN, so that rows come in that order.
const KEYS: &str =
    "key k WHERE k.owner_id = u.id AND k.scope = 'write' AND coalesce(k.removal, 'ordinary') = 'ordinary'
    AND u.kind = 'user' AND u.folded IS NOT NULL AND u.disabled IS NULL";
const COLUMNS: &str = "u.name, u.emails, k.type, k.blob, k.added_at, k.expires_at, k.removed_at";
const ORDER: &str = "k.added_at, k.fingerprint";
/// The members whose role lets them write to the repository `?3` of the owner `?1`.
const MEMBER: &str = "m.organization_id = ?1 AND (m.until IS NULL OR m.until > ?2) AND (m.role IN ('write', 'admin')
    OR m.role = 'contributor' AND m.user_id IN (SELECT created_by FROM repository WHERE MADE))";
/// The roles of collaborators that write.
const COLLABORATOR: &str = "c.role IN ('write', 'admin') AND (c.until IS NULL OR c.until > ?2)";

/// The statement for every account of the hub.
fn of_hub() -> String {
    format!("SELECT {COLUMNS} FROM owner u CROSS JOIN {KEYS} AND u.folded > '' ORDER BY u.folded, {ORDER}")
}

/// The statements for the repository `?3` of the owner `?1` at the second `?2`, or for all repositories of the owner.
/// No account is in two of them.
fn of_owner(kind: OwnerKind, has_repository: bool) -> Vec<String> {
    let (made, granted) = if has_repository {
        ("id = ?3", "c.repository_id = ?3")
    } else {
        let all = "c.repository_id IN (SELECT id FROM repository WHERE owner_id = ?1 AND folded IS NOT NULL)";
        ("owner_id = ?1 AND folded IS NOT NULL", all)
    };
    let member = MEMBER.replace("MADE", made);
    let others = format!("u.id <> ?1 AND NOT EXISTS (SELECT 1 FROM member m WHERE m.user_id = u.id AND {member})");
    let collaborators = if has_repository {
        format!(
            "SELECT {COLUMNS} FROM collaborator c CROSS JOIN owner u CROSS JOIN {KEYS} AND u.id = c.user_id AND {granted} AND {COLLABORATOR}
             AND {others} ORDER BY c.user_id, {ORDER}"
        )
    } else {
        format!(
            "SELECT {COLUMNS} FROM owner u CROSS JOIN {KEYS} AND {others}
             AND u.id IN (SELECT c.user_id FROM collaborator c WHERE {granted} AND {COLLABORATOR})
             ORDER BY u.id, {ORDER}"
        )
    };
    let of_teams = format!(
        "SELECT {COLUMNS} FROM member n CROSS JOIN owner u CROSS JOIN {KEYS} AND u.id = n.user_id
         AND n.organization_id = ?1 AND (n.until IS NULL OR n.until > ?2) AND {others}
         AND NOT EXISTS (SELECT 1 FROM collaborator c WHERE c.user_id = u.id AND {granted} AND {COLLABORATOR})
         AND EXISTS (SELECT 1 FROM member y CROSS JOIN owner t CROSS JOIN collaborator c
             WHERE y.user_id = u.id AND (y.until IS NULL OR y.until > ?2) AND t.id = y.organization_id
             AND t.team_of = ?1 AND c.user_id = t.id AND {granted} AND {COLLABORATOR})
         ORDER BY n.user_id, {ORDER}"
    );
    match kind {
        OwnerKind::User => {
            let own = format!("SELECT {COLUMNS} FROM owner u CROSS JOIN {KEYS} AND u.id = ?1 ORDER BY {ORDER}");
            vec![own, collaborators]
        }
        OwnerKind::Organization => {
            let members = format!(
                "SELECT {COLUMNS} FROM member m CROSS JOIN owner u CROSS JOIN {KEYS} AND u.id = m.user_id AND {member}
                 ORDER BY m.user_id, {ORDER}"
            );
            vec![members, collaborators, of_teams]
        }
    }
}

impl View<'_> {
    /// The keys of the accounts that may write to a place at a second, in parts that are each in the order of an index.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn signers(&self, place: WritesTo<'_>, now: i64, each: Each<'_, Signer>) -> Result<(), ChangeError> {
        let (repository, owner) = match place {
            WritesTo::Hub => return Ok(self.connection.each(&of_hub(), &[], |row| next(row, each))?),
            WritesTo::Owner(owner) => (None, self.owner(owner)?),
            WritesTo::Repository(row) => (Some(row.id), self.owner(&row.path.owner)?),
        };
        let mut is_wanted = true;
        for query in of_owner(owner.kind, repository.is_some()) {
            if is_wanted {
                let values = values![owner.id, now, repository];
                // A statement gets no value that it does not name.
                let used = (1..=values.len()).rev().find(|number| query.contains(&format!("?{number}")));
                let values = values.get(..used.unwrap_or_default()).unwrap_or_default();
                self.connection.each(&query, values, |row| {
                    let flow = next(row, each)?;
                    is_wanted = flow.is_continue();
                    Ok(flow)
                })?;
            }
        }
        Ok(())
    }

    /// How SQLite would run the statements, one line a step.
    #[cfg(test)]
    pub(in crate::db) fn plans_of_signers(&self) -> Result<Vec<Vec<String>>, Error> {
        let of_owners = [(OwnerKind::User, true), (OwnerKind::Organization, true), (OwnerKind::Organization, false)];
        let statements = of_owners.into_iter().flat_map(|(kind, has_repository)| of_owner(kind, has_repository));
        statements.chain([of_hub()]).map(|statement| self.connection.plan(&statement)).collect()
    }
}

fn next(row: &Row<'_>, each: Each<'_, Signer>) -> Result<std::ops::ControlFlow<()>, Error> {
    let Emails(emails) = stored_emails(row, "emails")?;
    let confirmed = emails.into_iter().filter(|email| email.state == EmailState::Confirmed);
    let key = PublicKey::from_blob(row.word("type")?, row.get("blob")?);
    let ends: [Option<i64>; 2] = [row.get("expires_at")?, row.get("removed_at")?];
    let signer = Signer {
        user: row.word("name")?,
        emails: confirmed.map(|email| email.address).collect(),
        key: key.map_err(|_| Error::Value("blob".to_owned()))?,
        added_at: row.get("added_at")?,
        until: ends.into_iter().flatten().min(),
    };
    // A key that was removed at once has signed nothing.
    let is_empty = signer.until.is_some_and(|until| until <= signer.added_at);
    Ok(if is_empty { std::ops::ControlFlow::Continue(()) } else { each(signer) })
}
