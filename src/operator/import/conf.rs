//! `gitolite.conf`: the rules that grants can express. Text enters; no I/O.
//!
//! Other rules are listed with their lines. If a rule that cannot be imported denies a user anything, the user gets no
//! grant on that repository. So an import never opens what was closed.

use std::collections::{BTreeMap, BTreeSet};

/// What a grant permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Permission {
    /// `R`
    Read,
    /// `RW`, which does not permit rewinding a branch.
    Write,
    /// `RW+`
    Rewind,
}

/// One user's permission on one repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Grant {
    pub(crate) repository: String,
    pub(crate) user: String,
    /// The highest of the rules that apply.
    pub(crate) permission: Permission,
    /// The line of that rule.
    pub(crate) line: usize,
}

/// A line that is not imported, or only in part, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Left {
    /// The number of the line, starting at 1.
    pub(crate) line: usize,
    /// What is not imported.
    pub(crate) what: String,
}

/// The content of a file.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Conf {
    /// Ordered by repository and user.
    pub(crate) grants: Vec<Grant>,
    /// Ordered by line.
    pub(crate) left: Vec<Left>,
}

/// A rule as written: its repositories and users.
struct Rule {
    line: usize,
    repositories: Vec<String>,
    permission: String,
    has_refexes: bool,
    users: Vec<String>,
}

/// All users, or all repositories.
const EVERYBODY: &str = "@all";
/// Special users of gitolite: roles of a repository, and other services.
const SPECIAL: [&str; 5] = ["CREATOR", "READERS", "WRITERS", "daemon", "gitweb"];
/// The repository with gitolite's own configuration.
const ADMIN: &str = "gitolite-admin";

type Groups = BTreeMap<String, Vec<String>>;

pub(crate) fn parse(text: &str) -> Conf {
    let mut conf = Conf::default();
    let mut groups = Groups::new();
    let mut rules = Vec::new();
    let mut repositories: Vec<String> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line_number = index + 1;
        let line = without_comment(line).trim();
        if line.is_empty() {
            continue;
        }
        let mut left = |what: String| conf.left.push(Left { line: line_number, what });
        let (before, after) = line.split_once('=').map_or((line, None), |(before, after)| (before, Some(after)));
        let words: Vec<&str> = before.split_whitespace().collect();
        let values = || after.unwrap_or_default().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        match (words.as_slice(), after) {
            (["repo", names @ ..], None) if !names.is_empty() => {
                repositories = names.iter().map(|name| (*name).to_owned()).collect();
            }
            ([group], Some(_)) if group.len() > 1 && group.starts_with('@') => {
                groups.entry((*group).to_owned()).or_default().extend(values());
            }
            ([permission, refexes @ ..], Some(_)) if is_permission(permission) => {
                let users = values();
                if repositories.is_empty() || users.is_empty() {
                    left("a rule without a repository or without users".to_owned());
                    continue;
                }
                rules.push(Rule {
                    line: line_number,
                    repositories: repositories.clone(),
                    permission: (*permission).to_owned(),
                    has_refexes: !refexes.is_empty(),
                    users,
                });
            }
            ([word @ ("option" | "config"), ..], Some(_)) | ([word @ ("include" | "subconf"), ..], None) => {
                left(format!("{word} has no counterpart here"));
            }
            ([_, ..], Some(value)) if value.trim_start().starts_with('"') => {
                left("a description for gitweb".to_owned());
            }
            _ => left("this is not a line of gitolite.conf".to_owned()),
        }
    }
    resolve(&rules, &groups, &mut conf);
    conf.left.sort();
    conf.left.dedup();
    conf
}

/// Turns rules into grants.
fn resolve(rules: &[Rule], groups: &Groups, conf: &mut Conf) {
    let mut grants: BTreeMap<(String, String), (Permission, usize)> = BTreeMap::new();
    // The users that a rule denies anything, by repository; `@all` means all users.
    let mut refused: BTreeSet<(String, String)> = BTreeSet::new();
    for rule in rules {
        let mut left = |what: String| conf.left.push(Left { line: rule.line, what });
        let (repositories, unknown_repositories) = expand(&rule.repositories, groups);
        let (users, unknown_users) = expand(&rule.users, groups);
        for group in unknown_repositories.union(&unknown_users) {
            left(format!("there is no group {group}"));
        }
        let permission = match (rule.permission.as_str(), rule.has_refexes) {
            ("-", _) => {
                left("a rule that denies: its users get no grants on these repositories".to_owned());
                for repository in &repositories {
                    // A pattern may match any repository.
                    let repository = if is_one(repository) { repository } else { EVERYBODY };
                    refused.extend(users.iter().map(|user| (repository.to_owned(), user.clone())));
                }
                continue;
            }
            (_, true) => {
                left(format!("{} for some refs only", rule.permission));
                continue;
            }
            ("R", false) => Permission::Read,
            ("RW", false) => Permission::Write,
            ("RW+", false) => Permission::Rewind,
            (other, false) => {
                left(format!("the permission {other} has no counterpart here"));
                continue;
            }
        };
        let (plain, others): (Vec<&String>, Vec<&String>) =
            repositories.iter().partition(|repository| is_one(repository));
        for pattern in others {
            left(format!("{pattern} matches more than one repository"));
        }
        for repository in plain {
            if repository == ADMIN {
                left(format!("{ADMIN} is gitolite's own repository"));
                continue;
            }
            for user in &users {
                if user == EVERYBODY || SPECIAL.contains(&user.as_str()) {
                    left(format!("{user} is not a user: open a repository to all with hubgate repo visibility"));
                    continue;
                }
                if !is_user(user) {
                    left(format!("{user} is not a user name"));
                    continue;
                }
                let grant = grants.entry((repository.clone(), user.clone())).or_insert((permission, rule.line));
                *grant = if permission > grant.0 { (permission, rule.line) } else { *grant };
            }
        }
    }
    for ((repository, user), (permission, line)) in grants {
        let is_refused = [&repository, EVERYBODY].into_iter().any(|repository| {
            [&user, EVERYBODY].into_iter().any(|user| refused.contains(&(repository.to_owned(), user.to_owned())))
        });
        if is_refused {
            let what = format!("{user} on {repository}: another rule denies something, which a grant cannot express");
            conf.left.push(Left { line, what });
        } else {
            conf.grants.push(Grant { repository, user, permission, line });
        }
    }
}

/// Whether a word names one repository and is not a pattern.
fn is_one(repository: &str) -> bool {
    repository.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte))
}

/// Whether gitolite accepts a word as a user's name.
fn is_user(user: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._@+-".contains(&byte);
    user.starts_with(|c: char| c.is_ascii_alphanumeric()) && user.bytes().all(is_plain)
}

/// The names that some words stand for, with nested groups expanded, and the groups that do not exist.
fn expand(words: &[String], groups: &Groups) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut names, mut unknown, mut seen) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut open: Vec<&String> = words.iter().collect();
    while let Some(word) = open.pop() {
        if !word.starts_with('@') || word == EVERYBODY {
            names.insert(word.clone());
        } else if let Some(members) = groups.get(word) {
            // A group is expanded once, even if it contains itself.
            if seen.insert(word) {
                open.extend(members);
            }
        } else {
            unknown.insert(word.clone());
        }
    }
    (names, unknown)
}

/// `-`, `C`, `R`, `RW`, `RW+`; C, D and M may follow the last two (gitolite's Conf.pm).
fn is_permission(word: &str) -> bool {
    let Some(rest) = word.strip_prefix("RW") else { return matches!(word, "-" | "C" | "R") };
    rest.strip_prefix('+').unwrap_or(rest).bytes().all(|byte| b"CDM".contains(&byte))
}

/// A line up to the first `#` outside double quotes.
fn without_comment(line: &str) -> &str {
    let mut is_quoted = false;
    for (index, c) in line.char_indices() {
        match c {
            '"' => is_quoted = !is_quoted,
            '#' if !is_quoted => return line.get(..index).unwrap_or(line),
            _ => {}
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# our hub
@staff   = alice bob   # both
@staff   = @interns
@interns = carol @staff
@repos   = acme/x acme/y

repo gitolite-admin
    RW+     =   alice

repo @repos
    RW+     =   alice
    RW      =   @staff
    R       =   @all dave

repo acme/secret
    -       =   bob
    RW      =   bob erin
    RW dev/ =   alice
    R       =   alice
    option deny-rules = 1

repo foo.*/[a-z]+
    - x     =   frank
    RW      =   alice
repo acme/z
    R       =   frank
    RWCD    =   alice
    R       =   @nobody
    config hooks.x = y
acme/z \"A # B\" = \"a description\"
what is this
include \"more.conf\"
";

    #[test]
    fn a_file_becomes_grants_and_a_list_of_the_rest() {
        let conf = parse(TEXT);
        let grants: Vec<String> = conf
            .grants
            .iter()
            .map(|grant| format!("{} {} {:?} {}", grant.repository, grant.user, grant.permission, grant.line))
            .collect();
        assert_eq!(
            grants,
            [
                "acme/secret alice Read 19",
                "acme/secret erin Write 17",
                "acme/x alice Rewind 11",
                "acme/x bob Write 12",
                "acme/x carol Write 12",
                "acme/x dave Read 13",
                "acme/y alice Rewind 11",
                "acme/y bob Write 12",
                "acme/y carol Write 12",
                "acme/y dave Read 13",
            ]
        );
        let left: Vec<(usize, &str)> = conf.left.iter().map(|left| (left.line, left.what.as_str())).collect();
        let everybody = "@all is not a user: open a repository to all with hubgate repo visibility";
        let refuses = "a rule that denies: its users get no grants on these repositories";
        assert_eq!(
            left,
            [
                (8, "gitolite-admin is gitolite's own repository"),
                (13, everybody),
                (16, refuses),
                (17, "bob on acme/secret: another rule denies something, which a grant cannot express"),
                (18, "RW for some refs only"),
                (20, "option has no counterpart here"),
                (23, refuses),
                (24, "foo.*/[a-z]+ matches more than one repository"),
                (26, "frank on acme/z: another rule denies something, which a grant cannot express"),
                (27, "the permission RWCD has no counterpart here"),
                (28, "there is no group @nobody"),
                (29, "config has no counterpart here"),
                (30, "a description for gitweb"),
                (31, "this is not a line of gitolite.conf"),
                (32, "include has no counterpart here"),
            ]
        );
    }

    #[test]
    fn a_user_that_a_rule_denies_anything_gets_no_grant() {
        for refusal in
            ["repo a/x\n - = alice", "repo @all\n - x = alice", "repo a/.*\n - = @all", "@g = alice\nrepo a/x\n - = @g"]
        {
            for text in [format!("repo a/x\n RW+ = alice\n{refusal}\n"), format!("{refusal}\nrepo a/x\n RW+ = alice\n")]
            {
                assert_eq!(parse(&text).grants, [], "{text}");
            }
        }
        assert_eq!(parse("repo a/x\n RW+ = alice\nrepo a/y\n - = alice\n").grants.len(), 1);
    }

    #[test]
    fn a_rule_needs_a_repository_and_users() {
        for text in ["RW = alice", "repo a/x\nRW =", "@ = x", "repo", "R", "= x", "\u{feff}repo a/x"] {
            let conf = parse(text);
            assert!(conf.grants.is_empty() && conf.left.len() == 1, "{text}: {conf:?}");
        }
        assert_eq!(parse("\n\n# nothing\n"), Conf::default());
    }
}
