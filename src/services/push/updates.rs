//! The refs that a push changes, and their order in the log. No I/O here.
//!
//! Refs that lost commits come first, so that a log daemon that drops lines of a large push drops those of harmless
//! refs.

use crate::push::Effect;

/// A ref that a push creates, updates or removes, as git tells a hook (githooks(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Update {
    pub(super) old: String,
    pub(super) new: String,
    pub(super) name: Vec<u8>,
}

impl Update {
    /// Reads a line of git's list.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let mut id = || {
            let word = words.next()?;
            word.iter().all(u8::is_ascii_hexdigit).then(|| String::from_utf8_lossy(word).into_owned())
        };
        let (old, new) = (id()?, id()?);
        Some(Self { old, new, name: words.next()?.to_owned() })
    }

    pub(super) fn removes(&self) -> bool {
        is_zero(&self.new)
    }

    pub(super) fn creates(&self) -> bool {
        is_zero(&self.old) && !self.removes()
    }

    /// What the push did to the ref. `contains` says whether the new commit contains the old one.
    fn effect(&self, contains: impl FnOnce(&str, &str) -> bool) -> Effect {
        match (is_zero(&self.old), is_zero(&self.new)) {
            (_, true) => Effect::Deleted,
            (true, false) => Effect::Created,
            (false, false) if contains(&self.new, &self.old) => Effect::Updated,
            (false, false) => Effect::Forced,
        }
    }
}

/// Whether an object id is the null id, which git gives for a ref that does not exist.
fn is_zero(id: &str) -> bool {
    id.bytes().all(|byte| byte == b'0')
}

/// The refs in the order of their lines in the log. `contains` says whether a new commit contains an old one.
pub(super) fn in_order(updates: &[Update], contains: impl Fn(&str, &str) -> bool) -> Vec<(Effect, &Update)> {
    let mut effects: Vec<_> = updates.iter().map(|update| (update.effect(&contains), update)).collect();
    // A stable sort: refs of one effect keep the client's order.
    effects.sort_by_key(|(effect, _)| *effect);
    effects
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_git_are_read_to_the_end_of_the_name() {
        let line = b"0000000000000000000000000000000000000000 89e6c98d92887913cadf06b2adb97f26cde4849b refs/heads/a b";
        let update = Update::parse(line).unwrap();
        assert_eq!((update.name.as_slice(), update.removes()), (b"refs/heads/a b".as_slice(), false));
        assert!(is_zero(&update.old));
        for bad in [&b""[..], b"0 1", b"x 1 refs/heads/a", b"01 g2 refs/heads/a"] {
            assert_eq!(Update::parse(bad), None);
        }
    }

    #[test]
    fn what_loses_commits_comes_before_what_does_not() {
        let effect = |line: &str, contains| Update::parse(line.as_bytes()).unwrap().effect(|_, _| contains);
        let effects = [
            effect("00 12 refs/heads/a", false),
            effect("12 13 refs/heads/a", true),
            effect("12 00 refs/heads/a", true),
            effect("12 13 refs/heads/a", false),
        ];
        assert_eq!(effects, [Effect::Created, Effect::Updated, Effect::Deleted, Effect::Forced]);
        let mut sorted = effects;
        sorted.sort();
        assert_eq!(sorted, [Effect::Deleted, Effect::Forced, Effect::Updated, Effect::Created]);
    }
}
