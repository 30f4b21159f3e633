//! Whether one commit contains another one, in a list of commits with their parents. No I/O here.

use std::collections::{HashMap, HashSet};

/// The parents of commits, as `git rev-list --parents` lists them.
pub(super) struct Parents<'a>(HashMap<&'a str, Vec<&'a str>>);

impl<'a> Parents<'a> {
    /// Reads a list: on each line a commit and its parents.
    pub(super) fn read(listed: &'a str) -> Self {
        let line = |line: &'a str| {
            let mut ids = line.split(' ');
            ids.next().map(|commit| (commit, ids.collect()))
        };
        Self(listed.lines().filter_map(line).collect())
    }

    /// Whether the listed commits lead from a commit to an older one. If not, the older one may still be contained: the
    /// list is not whole, and the search ends after so many `steps`.
    pub(super) fn lead(&self, new: &str, old: &str, steps: &mut usize) -> bool {
        let mut seen = HashSet::new();
        let mut left = vec![new];
        while let Some(commit) = left.pop() {
            if commit == old {
                return true;
            }
            let Some(fewer) = steps.checked_sub(1) else { return false };
            *steps = fewer;
            let parents = self.0.get(commit).into_iter().flatten();
            left.extend(parents.copied().filter(|parent| seen.insert(*parent)));
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::Parents;

    #[test]
    fn a_commit_is_found_behind_merges_and_only_within_the_list_and_the_steps() {
        let parents = Parents::read("e d c\nd b\nc b\nb a\nz y\n");
        let leads = |new: &str, old: &str| parents.lead(new, old, &mut 100);
        assert!(leads("e", "a") && leads("e", "c") && leads("d", "b") && leads("a", "a"));
        assert!(!leads("a", "b") && !leads("z", "a") && !leads("e", "x") && !leads("x", "a"));
        assert!(!parents.lead("e", "a", &mut 2));
        assert!(!Parents::read("").lead("b", "a", &mut 100));
    }
}
