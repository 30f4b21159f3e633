//! The steps that make the schema.

/// The steps, in order: `STEPS[n]` turns version n into version n + 1.
///
/// `folded` is the name in ASCII lower case. It is NULL in a removed row, so that the name is free and the row stays.
/// The `removed_at` of an `authority` may lie ahead: then the authority expires at that second. A program that does not
/// know this accepts no certificate of it.
/// `former_name` leads to an owner from a name that is not its present one. It reserves the names of renamed and
/// removed owners, and the addresses of users, in lower case. Only an address has an `@`. Times are whole seconds
/// UTC since 1970.
///
/// `rules` is a scope's rules for refs, a line each; NULL if there are none. `checks` is the values that a scope sets
/// for checks of the content of pushes. `emails` is the e-mail addresses of a user, a line each. Columns cost a session
/// less than a table.
///
/// A repository that is `internal` is `private` too: that is what older programs read. `repository_shown` takes the
/// place of an index, without which they are only slower.
///
/// `proposals` is whether a repository accepts proposals; NULL if the configuration decides. A proposal's number is
/// given once, so its row stays. Its commit is in the repository, as `refs/pr/NUMBER`.
///
/// A team is a row of `owner`, of kind organization, whose `team_of` is its organization. Its `folded` is the number of
/// the organization, `/`, and the name, so that no name of an account finds it. Its members are rows of `member` with
/// the role `no_access`, and its roles on repositories are rows of `collaborator`. A program that does not know teams
/// asks for the members of the owner of a repository, and for the collaborator that is the account itself: it finds
/// neither row.
///
/// `audit_about` leads from a name, in lower case, to the changes that mention it; the empty name leads to all changes.
pub(in crate::db) const STEPS: [&str; 4] = [
    "
CREATE TABLE hubgate (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    min_reader INTEGER NOT NULL
) STRICT;
INSERT INTO hubgate (id, version, min_reader) VALUES (1, 0, 0);

CREATE TABLE owner (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    folded TEXT UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('user', 'organization')),
    may_create INTEGER NOT NULL,
    disabled TEXT,
    quota INTEGER,
    created_at INTEGER NOT NULL,
    removed_at INTEGER
) STRICT;

CREATE TABLE former_name (
    folded TEXT PRIMARY KEY,
    owner_id INTEGER REFERENCES owner (id),
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE key (
    fingerprint BLOB PRIMARY KEY CHECK (length(fingerprint) = 32),
    owner_id INTEGER REFERENCES owner (id),
    repository_id INTEGER REFERENCES repository (id),
    type TEXT NOT NULL,
    blob BLOB NOT NULL,
    title TEXT NOT NULL,
    scope TEXT NOT NULL CHECK (scope IN ('read', 'write')),
    sources TEXT,
    added_at INTEGER NOT NULL,
    expires_at INTEGER,
    removal TEXT CHECK (removal IN ('ordinary', 'compromised')),
    removed_at INTEGER,
    CHECK ((owner_id IS NULL) <> (repository_id IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX key_owner ON key (owner_id);
CREATE INDEX key_repository ON key (repository_id) WHERE repository_id IS NOT NULL;

CREATE TABLE repository (
    id INTEGER PRIMARY KEY,
    owner_id INTEGER NOT NULL REFERENCES owner (id),
    kind TEXT NOT NULL CHECK (kind IN ('model', 'dataset', 'space')),
    name TEXT NOT NULL,
    folded TEXT,
    directory TEXT NOT NULL,
    visibility TEXT NOT NULL CHECK (visibility IN ('public', 'private')),
    gate TEXT NOT NULL DEFAULT 'none' CHECK (gate IN ('none', 'auto', 'manual')),
    gate_members INTEGER NOT NULL DEFAULT 0,
    quota INTEGER,
    object_format TEXT NOT NULL CHECK (object_format IN ('sha1', 'sha256')),
    description TEXT NOT NULL,
    frozen TEXT,
    created_by INTEGER REFERENCES owner (id),
    created_at INTEGER NOT NULL,
    removed_at INTEGER,
    UNIQUE (owner_id, kind, folded)
) STRICT;

CREATE TABLE member (
    organization_id INTEGER NOT NULL REFERENCES owner (id),
    user_id INTEGER NOT NULL REFERENCES owner (id),
    role TEXT NOT NULL CHECK (role IN ('no_access', 'read', 'contributor', 'write', 'admin')),
    until INTEGER,
    PRIMARY KEY (organization_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_user ON member (user_id);

CREATE TABLE collaborator (
    repository_id INTEGER NOT NULL REFERENCES repository (id),
    user_id INTEGER NOT NULL REFERENCES owner (id),
    role TEXT NOT NULL CHECK (role IN ('read', 'write', 'admin')),
    until INTEGER,
    PRIMARY KEY (repository_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE former_path (
    owner_id INTEGER NOT NULL REFERENCES owner (id),
    kind TEXT NOT NULL,
    folded TEXT NOT NULL,
    repository_id INTEGER NOT NULL REFERENCES repository (id),
    since INTEGER NOT NULL,
    PRIMARY KEY (owner_id, kind, folded)
) STRICT, WITHOUT ROWID;

CREATE TABLE gate_request (
    repository_id INTEGER NOT NULL REFERENCES repository (id),
    user_id INTEGER NOT NULL REFERENCES owner (id),
    state TEXT NOT NULL CHECK (state IN ('pending', 'accepted', 'rejected')),
    until INTEGER,
    at INTEGER NOT NULL,
    PRIMARY KEY (repository_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE invite (
    code BLOB PRIMARY KEY CHECK (length(code) = 32),
    user_id INTEGER NOT NULL REFERENCES owner (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE authority (
    fingerprint BLOB PRIMARY KEY CHECK (length(fingerprint) = 32),
    organization_id INTEGER NOT NULL REFERENCES owner (id),
    type TEXT NOT NULL,
    blob BLOB NOT NULL,
    max_ttl INTEGER NOT NULL,
    added_at INTEGER NOT NULL,
    removed_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE revocation (
    authority BLOB NOT NULL REFERENCES authority (fingerprint),
    what TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (authority, what)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    event TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
",
    "
CREATE TABLE audit_about (
    name TEXT NOT NULL,
    at INTEGER NOT NULL,
    event INTEGER NOT NULL,
    PRIMARY KEY (name, at, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX repository_public ON repository (owner_id, kind, folded) WHERE visibility = 'public';
CREATE INDEX collaborator_user ON collaborator (user_id);
",
    "
ALTER TABLE hubgate ADD COLUMN rules TEXT;
ALTER TABLE owner ADD COLUMN rules TEXT;
ALTER TABLE repository ADD COLUMN rules TEXT;
ALTER TABLE hubgate ADD COLUMN checks TEXT;
ALTER TABLE owner ADD COLUMN checks TEXT;
ALTER TABLE repository ADD COLUMN checks TEXT;
",
    "
ALTER TABLE repository ADD COLUMN internal INTEGER NOT NULL DEFAULT 0
    CHECK (internal = 0 OR internal = 1 AND visibility = 'private');
DROP INDEX IF EXISTS repository_public;
CREATE INDEX repository_shown ON repository (owner_id, internal, kind, folded)
    WHERE visibility = 'public' OR internal = 1;
ALTER TABLE owner ADD COLUMN emails TEXT;
ALTER TABLE owner ADD COLUMN team_of INTEGER REFERENCES owner (id);

CREATE TABLE proposal (
    repository_id INTEGER NOT NULL REFERENCES repository (id),
    number INTEGER NOT NULL,
    author_id INTEGER NOT NULL REFERENCES owner (id),
    branch TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    closed_at INTEGER,
    PRIMARY KEY (repository_id, number)
) STRICT, WITHOUT ROWID;
ALTER TABLE repository ADD COLUMN proposals INTEGER;
",
];
