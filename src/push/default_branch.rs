//! Which branch HEAD names: the branch that a clone checks out. No I/O here.

/// The file in a repository that says that a person, or the source of an import, chose its default branch.
pub const MARK: &str = "default-branch-chosen";

/// Branches that tools make, which are no branch to work on.
const TOOLS: [&str; 5] = ["gh-pages", "git-annex", "synced/", "dependabot/", "renovate/"];

/// HEAD of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefaultBranch<'a> {
    /// The branch that HEAD names, without `refs/heads/`.
    pub name: &'a str,
    /// Whether that branch exists.
    pub exists: bool,
    /// Whether it was chosen, so that it does not follow pushes.
    pub is_chosen: bool,
}

/// How well a branch suits as default branch. The first is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Configured,
    Main,
    Master,
    People,
    Tool,
}

impl Rank {
    fn of(name: &str, configured: &str) -> Self {
        match name {
            name if name == configured => Self::Configured,
            "main" => Self::Main,
            "master" => Self::Master,
            name if is_of_a_tool(name) => Self::Tool,
            _ => Self::People,
        }
    }
}

fn is_of_a_tool(name: &str) -> bool {
    TOOLS.iter().any(|tool| name == *tool || (tool.ends_with('/') && name.starts_with(tool)))
}

/// The branch that HEAD must name after a push that created `branches`, if HEAD must move. `configured` is the branch
/// of new repositories. All names are without `refs/heads/`.
///
/// HEAD leaves a branch that does not exist. For a better one, it also leaves a branch that is neither the configured
/// one nor `main` nor `master`, unless the branch was chosen. Of equally good branches it takes the first.
#[must_use]
pub fn followed<'a>(
    head: DefaultBranch<'_>,
    configured: &str,
    branches: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let rank = |name: &str| Rank::of(name, configured);
    let best = branches.into_iter().min_by_key(|name| rank(name))?;
    let stays = head.exists && (head.is_chosen || rank(head.name) < Rank::People || rank(head.name) <= rank(best));
    (!stays).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_follows_pushes_until_a_preferred_branch_exists() {
        for (head, exists, branches, expected) in [
            // The first push.
            ("main", false, &["dev", "main"][..], Some("main")),
            ("main", false, &["dev", "master"], Some("master")),
            ("main", false, &["gh-pages", "synced/main", "git-annex", "work"], Some("work")),
            ("main", false, &["dependabot/x", "gh-pages"], Some("dependabot/x")),
            ("main", false, &["a", "b"], Some("a")),
            ("main", false, &["trunk", "main"], Some("trunk")),
            ("main", false, &[], None),
            // Later ones.
            ("work", true, &["main"], Some("main")),
            ("work", true, &["other"], None),
            ("work", true, &["gh-pages"], None),
            ("gh-pages", true, &["work"], Some("work")),
            ("gh-pages", true, &["synced/main"], None),
            ("main", true, &["trunk"], None),
            ("master", true, &["main"], None),
            ("trunk", true, &["main"], None),
        ] {
            let found =
                followed(DefaultBranch { name: head, exists, is_chosen: false }, "trunk", branches.iter().copied());
            assert_eq!(found, expected, "{head} {exists} {branches:?}");
        }
    }

    #[test]
    fn a_chosen_branch_stays_while_it_exists() {
        let head = DefaultBranch { name: "work", exists: true, is_chosen: true };
        assert_eq!(followed(head, "main", ["main"]), None);
        assert_eq!(followed(DefaultBranch { exists: false, ..head }, "main", ["main"]), Some("main"));
    }
}
