//! The file of `--map`: which account has which key. Text enters; no I/O.

use std::collections::BTreeMap;

use super::authorized_keys::{Line, Names};
use crate::name::Owner;

/// Accounts by the word by which another server names a key or its user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Map(BTreeMap<String, Owner>);

impl Map {
    /// Reads lines of `WORD NAME`. `#` begins a comment.
    ///
    /// # Errors
    /// The number of the first bad line, and why it is bad.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut map = BTreeMap::new();
        for (line, number) in text.lines().zip(1..) {
            let line = line.split_once('#').map_or(line, |(line, _)| line);
            let words: Vec<&str> = line.split_whitespace().collect();
            let (word, name) = match words.as_slice() {
                [] => continue,
                [word, name] => (*word, *name),
                _ => return Err(format!("line {number} is not WORD NAME, such as: key-42 alice")),
            };
            let name = Owner::new_account(name).map_err(|error| format!("line {number}: {name}: {error}"))?;
            if map.insert(word.to_owned(), name).is_some() {
                return Err(format!("line {number} names {word} again"));
            }
        }
        Ok(Self(map))
    }

    /// The account of a line: by what its command names, or by the fingerprint of a key without a command.
    pub(super) fn account(&self, line: &Line) -> Option<&Owner> {
        match &line.names {
            Names::User(word) | Names::Row(word) => self.0.get(word),
            Names::Nobody => self.0.get(&line.key.fingerprint().to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::authorized_keys::parse;
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJp7GzoqcZFqmnsbOipxkWqaexs6KnGRapp7GzoqcZFq";

    #[test]
    fn a_map_names_accounts_and_its_first_bad_line_is_an_error() {
        let line = |text: &str| parse(text.as_bytes()).ok().flatten().unwrap();
        let plain = line(&format!("{KEY} key-2"));
        let text = format!("# made by hand\n\nkey-2 alice\n  al@desk\tbob # old\n{} carol\n", plain.key.fingerprint());
        let map = Map::parse(&text).unwrap();
        for (before, account) in [
            ("command=\"gitlab-shell key-2\" ", Some("alice")),
            ("command=\"gitlab-shell key-3\" ", None),
            ("command=\"gitosis-serve al@desk\" ", Some("bob")),
            ("", Some("carol")),
        ] {
            let line = line(&format!("{before}{KEY} key-2"));
            assert_eq!(map.account(&line).map(Owner::as_str), account, "{before}");
        }
        assert_eq!(Map::parse("").unwrap().account(&plain), None, "a comment is no word of the map");
        for (text, why) in [
            ("key-1", "line 1 is not WORD NAME, such as: key-42 alice"),
            ("\nkey-1 alice bob", "line 2 is not WORD NAME, such as: key-42 alice"),
            ("key-1 alice\nkey-1 alice", "line 2 names key-1 again"),
            ("key-1 al/ice", "line 1: al/ice: "),
            ("key-1 root", "line 1: root: "),
        ] {
            assert!(Map::parse(text).unwrap_err().starts_with(why), "{text}");
        }
    }
}
