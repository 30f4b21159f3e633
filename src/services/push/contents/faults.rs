//! What can be wrong with the content of a push, and how a client reads it. No I/O here.

use std::collections::HashMap;
use std::io;

use crate::content::Patterns;
use crate::git::pack::BadPack;
use crate::lfs::Pointer;
use crate::name::Shown;
use crate::push::canonical::canonical;

/// Why the content of a push cannot be checked.
#[derive(Debug, thiserror::Error)]
pub(in crate::services::push) enum Error {
    #[error("cannot run git or read its output: {0}")]
    Git(io::Error),
    #[error("git cannot list the objects of the push")]
    Objects,
    #[error(transparent)]
    Pack(#[from] BadPack),
    #[error("cannot read the LFS objects: {0}")]
    Store(io::Error),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Git(error)
    }
}

/// What is wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// A blob has so many bytes, of at most so many.
    Large(u64, u64),
    /// An LFS pointer whose object is not stored here.
    Missing(Pointer),
    /// A blob is not text.
    Binary,
    /// A directory has so many entries, of at most so many.
    Entries(u64, u64),
    /// A directory has two names that are one on some systems.
    Collision(String, String),
    /// A commit is by someone with the first e-mail address, and only those like the second are accepted.
    Author(String, String),
}

/// An object with a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) object: String,
    pub(super) fault: Fault,
}

/// The kinds of faults, each with one remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Move the files to Git LFS.
    Migrate,
    /// Upload the LFS objects.
    Upload,
    /// Split the directory.
    Split,
    /// Rename a file.
    Rename,
    /// Rewrite the commits.
    Amend,
}

impl Remedy {
    pub(super) const ALL: [Self; 5] = [Self::Migrate, Self::Upload, Self::Split, Self::Rename, Self::Amend];
}

impl Fault {
    pub(super) fn remedy(&self) -> Remedy {
        match self {
            Self::Large(..) | Self::Binary => Remedy::Migrate,
            Self::Missing(_) => Remedy::Upload,
            Self::Entries(..) => Remedy::Split,
            Self::Collision(..) => Remedy::Rename,
            Self::Author(..) => Remedy::Amend,
        }
    }

    /// The sentence for a fault at a path. An empty path is the repository's uppermost directory.
    pub(super) fn at(&self, path: &str) -> String {
        let shown = Shown(path);
        let directory = if path.is_empty() { "the uppermost directory".to_owned() } else { format!("{shown}/") };
        match self {
            Self::Large(size, most) => {
                format!("{shown} has {size} bytes, and a file outside Git LFS has at most {most}")
            }
            Self::Missing(Pointer { oid, .. }) => {
                format!("{shown} is an LFS pointer, but its object {oid} is not here")
            }
            Self::Binary => format!("{shown} is not text, and such files belong in Git LFS here"),
            Self::Entries(entries, most) => format!("{directory} has {entries} entries, of at most {most}"),
            Self::Collision(one, two) => {
                format!("{directory} has {} and {}, which are one name on macOS or Windows", Shown(one), Shown(two))
            }
            Self::Author(email, accepted) => {
                format!("its author or committer is {}, and this repository accepts {accepted}", Shown(email))
            }
        }
    }

    /// The sentence for a fault whose path was not found.
    pub(super) fn somewhere(&self, object: &str) -> String {
        match self {
            Self::Missing(Pointer { oid, size }) => {
                format!("the object {oid} of {size} bytes is not here, and this push has an LFS pointer to it")
            }
            Self::Large(size, most) => {
                format!("the object {object} has {size} bytes, and a file outside Git LFS has at most {most}")
            }
            Self::Binary => format!("the object {object} is not text, and such files belong in Git LFS here"),
            Self::Entries(entries, most) => {
                format!("the directory {object} has {entries} entries, of at most {most}")
            }
            Self::Collision(one, two) => format!(
                "the directory {object} has {} and {}, which are one name on macOS or Windows",
                Shown(one),
                Shown(two)
            ),
            Self::Author(..) => format!("commit {object}: {}", self.at("")),
        }
    }
}

impl Remedy {
    /// What the client can do about the faults with this remedy at these paths.
    pub(super) fn line(self, paths: &[&str]) -> String {
        match self {
            Self::Upload => "upload the objects, then push again: git lfs push --all origin".to_owned(),
            Self::Migrate => format!("move the files to Git LFS, then push again: {}", migrate(paths)),
            Self::Split => "put the files into subdirectories in every commit of this push".to_owned(),
            Self::Rename => "rename one of each pair in every commit of this push".to_owned(),
            Self::Amend => {
                "set user.email and rewrite the commits, with --root in place of @{upstream} if nothing was pushed \
                 before: git rebase -r --exec 'git commit --amend --no-edit --allow-empty --reset-author' @{upstream}"
                    .to_owned()
            }
        }
    }
}

/// The command that moves files to Git LFS, as a shell reads it.
fn migrate(paths: &[&str]) -> String {
    let is_plain = |path: &str| path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/+@ ".contains(&byte));
    if paths.is_empty() || !paths.iter().all(|path| is_plain(path)) {
        // Of other paths, git-lfs could read parts as patterns.
        return "git lfs migrate import --include=\"*.ENDING\", with the endings of the files".to_owned();
    }
    format!("git lfs migrate import --include=\"{}\"", paths.join(","))
}

/// The entries of a directory's bytes: their names. An incomplete last one is left out.
pub(super) fn entries(tree: &[u8], id_bytes: usize) -> impl Iterator<Item = &[u8]> {
    let mut rest = tree;
    std::iter::from_fn(move || {
        // `MODE NAME`, a null byte, and the id.
        let end = rest.iter().position(|byte| *byte == 0)?;
        let (mode_and_name, after) = rest.split_at_checked(end)?;
        let name = mode_and_name.get(mode_and_name.iter().position(|byte| *byte == b' ')? + 1..)?;
        rest = after.get(1 + id_bytes..)?;
        Some(name)
    })
}

/// The first two names of a directory that macOS or Windows takes for one: they differ only in case or in their Unicode
/// normalization form.
pub(super) fn collision<'a, N: Iterator<Item = &'a [u8]>>(names: impl Fn() -> N) -> Option<(String, String)> {
    if !may_collide(&names) {
        return None;
    }
    let mut seen = HashMap::new();
    for name in names() {
        if let Some(other) = seen.insert(folded(name), name) {
            let text = |name| String::from_utf8_lossy(name).into_owned();
            return Some((text(other), text(name)));
        }
    }
    None
}

/// A name as macOS and Windows compare it.
fn folded(name: &[u8]) -> Vec<u8> {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    canonical(&canonical(&String::from_utf8_lossy(name)).to_lowercase()).into_bytes()
}

/// Whether two names of a directory can be one.
///
/// Most names are lower-case ASCII. Such a name is another one's only if that one is not, so these few are compared
/// with all.
fn may_collide<'a, N: Iterator<Item = &'a [u8]>>(names: impl Fn() -> N) -> bool {
    let is_as_folded = |name: &[u8]| !name.iter().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii());
    let mut others: Vec<Vec<u8>> = names().filter(|name| !is_as_folded(name)).map(folded).collect();
    if others.is_empty() {
        return false;
    }
    others.sort_unstable();
    let are_two = others.windows(2).any(|pair| pair.first() == pair.last());
    are_two || names().any(|name| is_as_folded(name) && others.binary_search_by(|other| (**other).cmp(name)).is_ok())
}

/// Whether the beginning of a blob is not text, as git decides it (xdiff-interface.c, `buffer_is_binary`).
pub(super) fn is_binary(beginning: &[u8]) -> bool {
    beginning.contains(&0)
}

/// The e-mail address of the author or of the committer of a commit, if the patterns do not accept it.
pub(super) fn refused_address(commit: &[u8], accepted: &Patterns) -> Option<String> {
    let text = String::from_utf8_lossy(commit);
    let head = text.split("\n\n").next().unwrap_or_default();
    let people = head.lines().filter(|line| line.starts_with("author ") || line.starts_with("committer "));
    let address = |line: &str| {
        let (_, rest) = line.split_once('<').unwrap_or_default();
        rest.split_once('>').map_or_else(String::new, |(address, _)| address.to_owned())
    };
    let mut count = 0;
    let refused = people.map(address).inspect(|_| count += 1).find(|address| !accepted.match_any(address));
    // git refuses commits without an author or a committer; nothing is accepted unread.
    refused.or_else(|| (count < 2).then(String::new))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::collection::hash_set;
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn tree(names: &[&str]) -> Vec<u8> {
        names.iter().flat_map(|name| [b"100644 ", name.as_bytes(), b"\0", &[b'x'; 20]].concat()).collect()
    }

    #[test]
    fn the_names_of_a_directory_are_read_to_its_end_or_to_where_it_is_cut() {
        let bytes = tree(&["a b", "c"]);
        assert_eq!(entries(&bytes, 20).collect::<Vec<_>>(), [b"a b".as_slice(), b"c"]);
        for length in 0..bytes.len() {
            assert!(entries(&bytes[..length], 20).count() < 2, "{length}");
        }
        assert_eq!(entries(b"no end", 20).count(), 0);
    }

    #[test]
    fn names_collide_by_case_and_by_normalization_form() {
        let collide = |names: &[&str]| collision(|| names.iter().map(|name| name.as_bytes())).is_some();
        assert!(collide(&["README", "b", "Readme"]) && collide(&["caf\u{e9}", "cafe\u{301}"]));
        assert!(collide(&["\u{c9}t\u{e9}", "e\u{301}te\u{301}"]));
        assert!(collide(&["B", "a", "b"]) && collide(&["A", "B", "C", "b"]));
        assert!(!collide(&["a", "b", "ab"]) && !collide(&[]) && !collide(&["a"]) && !collide(&["A", "B", "c"]));
        let bytes = |names: &[&'static [u8]]| collision(|| names.iter().copied());
        // A name that is not UTF-8 is no file of macOS.
        assert!(bytes(&[b"a\xff", b"A\xfe"]).is_some());
    }

    proptest! {
        #[test]
        fn few_names_are_compared_and_all_collisions_found(names in hash_set("[abAB\u{e9}\u{c9}e\u{301}\u{df}]{1,3}", 0..12)) {
            let names: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
            let distinct: HashSet<Vec<u8>> = names.iter().map(|name| folded(name)).collect();
            let found = collision(|| names.iter().copied());
            prop_assert_eq!(found.is_some(), distinct.len() < names.len());
            if let Some((one, other)) = found {
                prop_assert!(one != other && folded(one.as_bytes()) == folded(other.as_bytes()));
            }
        }
    }

    #[test]
    fn a_commit_is_refused_for_its_author_and_for_its_committer() {
        let accepted: Patterns = "*@good".parse().unwrap();
        let commit = |author: &str, committer: &str| {
            format!("tree x\nauthor {author} 0 +0000\ncommitter {committer} 0 +0000\n\nauthor X <x@bad>\n").into_bytes()
        };
        assert_eq!(refused_address(&commit("A <a@good>", "B <b@good>"), &accepted), None);
        assert_eq!(refused_address(&commit("A <a@bad>", "B <b@good>"), &accepted).as_deref(), Some("a@bad"));
        assert_eq!(refused_address(&commit("A <a@good>", "B <b@bad>"), &accepted).as_deref(), Some("b@bad"));
        assert_eq!(refused_address(&commit("A <a@good>", "B b@good"), &accepted).as_deref(), Some(""));
        assert_eq!(refused_address(b"tree x\nauthor A <a@good> 0 +0000\n\n", &accepted).as_deref(), Some(""));
    }

    #[test]
    fn the_command_that_moves_files_names_only_plain_paths() {
        let line = |paths: &[&str]| Remedy::Migrate.line(paths);
        assert!(line(&["a.bin", "b c/d.bin"]).ends_with(": git lfs migrate import --include=\"a.bin,b c/d.bin\""));
        for path in ["a$(id)", "a\"b", "*", "a,b", "\u{202e}"] {
            assert!(line(&["a.bin", path]).contains("\"*.ENDING\""), "{path}");
        }
    }
}
