//! The file itself, in TOML. An unknown key, or a bad name, role or rule, is an error with line and column.
//!
//! Text enters, and a [`HubFile`] leaves. No name in the file becomes a path on disk.

use std::collections::HashSet;
use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, de};

use crate::access::rule::Rule;
use crate::access::{CollaboratorRole, GateMode, Role, Visibility};
use crate::commands::key::TitledKey;
use crate::config::ObjectFormat;
use crate::content::{ContentCheck, TypedValue};
use crate::name::{Grantee, Owner, RepoPath, TeamName, Title, fold};
use crate::report::when::parse_instant;

/// What a file says about a hub.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct HubFile {
    pub(super) hub: HubTable,
    pub(super) users: Entries<Owner, UserTable>,
    pub(super) organizations: Entries<Owner, OrganizationTable>,
    pub(super) repositories: Entries<RepoPath, RepositoryTable>,
}

/// `[hub]`
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct HubTable {
    pub(super) rules: Option<Vec<Word<Rule<Grantee>>>>,
    pub(super) checks: Checks,
}

/// `[users.NAME]`
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct UserTable {
    pub(super) may_create: Option<bool>,
    pub(super) rules: Option<Vec<Word<Rule<Grantee>>>>,
    pub(super) checks: Checks,
}

/// `[organizations.NAME]`
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct OrganizationTable {
    pub(super) members: Entries<Owner, Granted<Role>>,
    pub(super) teams: Entries<TeamName, TeamMembers>,
    pub(super) rules: Option<Vec<Word<Rule<Grantee>>>>,
    pub(super) checks: Checks,
}

/// `[repositories."PATH"]`
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RepositoryTable {
    pub(super) visibility: Option<Word<Visibility>>,
    pub(super) gate: Option<Word<GateMode>>,
    pub(super) gate_members: Option<bool>,
    pub(super) proposals: Option<bool>,
    pub(super) description: Option<Description>,
    pub(super) object_format: Option<Word<ObjectFormat>>,
    pub(super) created_by: Option<Word<Owner>>,
    pub(super) collaborators: Entries<Grantee, Granted<CollaboratorRole>>,
    pub(super) deploy_keys: Vec<DeployKey>,
    pub(super) rules: Option<Vec<Word<Rule<Grantee>>>>,
    pub(super) checks: Checks,
}

/// One of `deploy_keys`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeployKey {
    pub(super) key: KeyLine,
    pub(super) title: Option<Word<Title>>,
    #[serde(default)]
    pub(super) write: bool,
    pub(super) expires: Option<Instant>,
}

impl HubFile {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// The first error, with line and column.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
    }
}

/// A text that one of the project's types accepts.
pub(super) trait Text: Sized {
    /// Reads it, or says why not.
    fn read(text: &str) -> Result<Self, String>;
}

/// Reads a text by its type, with the text in the error.
fn named<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("{text:?}: {error}"))
}

/// Reads a word, with every word in the error.
fn one_of<T: FromStr + Display>(text: &str, all: &[T]) -> Result<T, String> {
    let words = || all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    text.parse().map_err(|_| format!("{text:?} is not one of {}", words()))
}

macro_rules! texts {
    ($($name:ty: $read:expr;)+) => {
        $(impl Text for $name {
            fn read(text: &str) -> Result<Self, String> {
                $read(text)
            }
        })+
    };
}

texts! {
    Owner: named;
    Grantee: named;
    TeamName: named;
    RepoPath: named;
    Title: named;
    Rule<Grantee>: named;
    Visibility: |text| one_of(text, Visibility::ALL);
    GateMode: |text| one_of(text, GateMode::ALL);
    Role: |text| one_of(text, Role::ALL);
    CollaboratorRole: |text| one_of(text, CollaboratorRole::ALL);
    ObjectFormat: |text| one_of(text, ObjectFormat::ALL);
    ContentCheck: |text| one_of(text, ContentCheck::ALL);
}

/// A value of the file, read by its type.
#[derive(Debug)]
pub(super) struct Word<T>(pub(super) T);

impl<'de, T: Text> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// An error of this visitor has the place of the text, also in an array.
        struct AsText<T>(PhantomData<T>);
        impl<T: Text> Visitor<'_> for AsText<T> {
            type Value = Word<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Word<T>, E> {
                T::read(text).map(Word).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(AsText(PhantomData))
    }
}

/// A description, which may be empty.
#[derive(Debug)]
pub(super) struct Description(pub(super) String);

impl<'de> Deserialize<'de> for Description {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if !text.is_empty() {
            Title::read(&text).map_err(D::Error::custom)?;
        }
        Ok(Self(text))
    }
}

/// A line of a public key file. Holding one tells you that the key is not weak.
#[derive(Debug)]
pub(super) struct KeyLine(pub(super) TitledKey);

impl<'de> Deserialize<'de> for KeyLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        TitledKey::parse(text.as_bytes(), None).map(Self).map_err(D::Error::custom)
    }
}

/// The first second in which a grant or key has ended: a date and time with its offset, or the last day in UTC.
#[derive(Debug, Clone, Copy)]
pub(super) struct Instant(pub(super) i64);

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = toml::value::Datetime::deserialize(deserializer)?.to_string();
        parse_instant(&text).map(Self).map_err(|error| D::Error::custom(format!("{text}: {error}")))
    }
}

/// A role, and when it ends: `"read"` or `{ role = "read", until = 2027-01-31 }`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Granted<R> {
    pub(super) role: R,
    pub(super) until: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "R: Text")]
struct GrantTable<R> {
    role: Word<R>,
    until: Option<Instant>,
}

impl<'de, R: Text> Deserialize<'de> for Granted<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<R>(PhantomData<R>);
        impl<'de, R: Text> Visitor<'de> for Either<R> {
            type Value = Granted<R>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a role, or a table with role and until")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Granted<R>, E> {
                R::read(text).map(|role| Granted { role, until: None }).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Granted<R>, A::Error> {
                let GrantTable { role, until } = GrantTable::<R>::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Granted { role: role.0, until: until.map(|end| end.0) })
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

/// The members of a team: `["alice", { user = "bob", until = 2027-01-31 }]`. Holding one tells you that no user is in
/// it twice.
#[derive(Debug, Default)]
pub(super) struct TeamMembers(pub(super) Vec<TeamMember>);

/// One of the members of a team.
#[derive(Debug)]
pub(super) struct TeamMember {
    pub(super) user: Owner,
    pub(super) until: Option<i64>,
}

impl<'de> Deserialize<'de> for TeamMember {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct MemberTable {
            user: Word<Owner>,
            until: Option<Instant>,
        }
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = TeamMember;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a user, or a table with user and until")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<TeamMember, E> {
                Owner::read(text).map(|user| TeamMember { user, until: None }).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TeamMember, A::Error> {
                let MemberTable { user, until } = MemberTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(TeamMember { user: user.0, until: until.map(|end| end.0) })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl<'de> Deserialize<'de> for TeamMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = Vec::<TeamMember>::deserialize(deserializer)?;
        let mut seen = HashSet::new();
        match members.iter().find(|member| !seen.insert(member.user.folded())) {
            Some(TeamMember { user, .. }) => {
                Err(D::Error::custom(format!("{user} is in this team twice: upper and lower case are equal")))
            }
            None => Ok(Self(members)),
        }
    }
}

/// The values of checks that a scope sets: `{ blob-size = "10M" }`.
#[derive(Debug, Default)]
pub(super) struct Checks(pub(super) Vec<(ContentCheck, TypedValue)>);

impl<'de> Deserialize<'de> for Checks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Value(ContentCheck);
        impl<'de> DeserializeSeed<'de> for Value {
            type Value = TypedValue;

            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<TypedValue, D::Error> {
                let text = String::deserialize(deserializer)?;
                TypedValue::parse(self.0, &text).map_err(D::Error::custom)
            }
        }
        struct Table;
        impl<'de> Visitor<'de> for Table {
            type Value = Checks;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of checks and their values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Checks, A::Error> {
                let mut checks = Vec::new();
                while let Some(Word(check)) = map.next_key()? {
                    checks.push((check, map.next_value_seed(Value(check))?));
                }
                Ok(Checks(checks))
            }
        }
        deserializer.deserialize_map(Table)
    }
}

/// A name by which entries are found, in upper or lower case.
pub(super) trait Key: Text + Display {
    /// The name for comparison.
    fn folded(&self) -> String;
}

impl Key for Owner {
    fn folded(&self) -> String {
        self.folded()
    }
}

impl Key for RepoPath {
    fn folded(&self) -> String {
        self.folded()
    }
}

impl Key for TeamName {
    fn folded(&self) -> String {
        self.folded()
    }
}

impl Key for Grantee {
    fn folded(&self) -> String {
        fold(&self.to_string())
    }
}

/// The entries of a table. Holding one tells you that no two names differ only in case.
#[derive(Debug)]
pub(super) struct Entries<K, V>(pub(super) Vec<(K, V)>);

impl<K, V> Default for Entries<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, K: Key, V: Deserialize<'de>> Deserialize<'de> for Entries<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Reads a name that is not in the table yet.
        struct NewKey<'a, K>(&'a mut HashSet<String>, PhantomData<K>);
        impl<'de, K: Key> DeserializeSeed<'de> for NewKey<'_, K> {
            type Value = K;

            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<K, D::Error> {
                let Word(key) = Word::<K>::deserialize(deserializer)?;
                if self.0.insert(key.folded()) {
                    Ok(key)
                } else {
                    Err(D::Error::custom(format!("{key} is in this table twice: upper and lower case are equal")))
                }
            }
        }
        struct Table<K, V>(PhantomData<(K, V)>);
        impl<'de, K: Key, V: Deserialize<'de>> Visitor<'de> for Table<K, V> {
            type Value = Entries<K, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<K, V>, A::Error> {
                let (mut seen, mut entries) = (HashSet::new(), Vec::new());
                while let Some(key) = map.next_key_seed(NewKey(&mut seen, PhantomData))? {
                    entries.push((key, map.next_value()?));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Table(PhantomData))
    }
}
