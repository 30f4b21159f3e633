//! `gitolite.conf`: who may do what there, as far as it can be said in grants. Text enters, no I/O.
//!
//! What it says otherwise is listed with its line, and who is refused something by a line that cannot be carried over
//! gets nothing on that repository: an import never opens what was closed.

use std::collections::{BTreeMap, BTreeSet};

/// What a grant lets its user do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Permission {
    /// `R`
    Read,
    /// `RW`, which lets nobody rewind a branch.
    Write,
    /// `RW+`
    Rewind,
}

/// One user's permission on one repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Grant {
    /// As the file has it.
    pub(crate) repository: String,
    /// As the file has it.
    pub(crate) user: String,
    /// The highest of the rules.
    pub(crate) permission: Permission,
    /// The line of that rule.
    pub(crate) line: usize,
}

/// A line that is not carried over, or not as a whole, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Left {
    /// Counted from 1.
    pub(crate) line: usize,
    /// What stays behind.
    pub(crate) what: String,
}

/// What a file comes to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Conf {
    /// By repository and user.
    pub(crate) grants: Vec<Grant>,
    /// By line.
    pub(crate) left: Vec<Left>,
}

/// A rule as it stands: of which repositories, for whom.
struct Rule {
    line: usize,
    repositories: Vec<String>,
    permission: String,
    has_refexes: bool,
    users: Vec<String>,
}

/// Every user, or every repository.
const EVERYBODY: &str = "@all";
/// Users that gitolite itself makes out of a repository's creator or of other services.
const SPECIAL: [&str; 5] = ["CREATOR", "READERS", "WRITERS", "daemon", "gitweb"];
/// The repository that gitolite keeps its own configuration in.
const ADMIN: &str = "gitolite-admin";

type Groups = BTreeMap<String, Vec<String>>;

/// Reads a file.
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
            _ => left("this is no line of gitolite.conf".to_owned()),
        }
    }
    resolve(&rules, &groups, &mut conf);
    conf.left.sort();
    conf.left.dedup();
    conf
}

/// Makes grants of rules.
fn resolve(rules: &[Rule], groups: &Groups, conf: &mut Conf) {
    let mut grants: BTreeMap<(String, String), (Permission, usize)> = BTreeMap::new();
    // Whom a rule refuses something, by repository; `@all` is everybody.
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
                left("a rule that refuses: whom it names gets nothing on these repositories".to_owned());
                for repository in &repositories {
                    // A pattern may mean any.
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
            left(format!("{pattern} stands for more than one repository"));
        }
        for repository in plain {
            if repository == ADMIN {
                left(format!("{ADMIN} is gitolite's own"));
                continue;
            }
            for user in &users {
                if user == EVERYBODY || SPECIAL.contains(&user.as_str()) {
                    left(format!("{user} is no user: hubgate repo visibility shows a repository to everybody"));
                    continue;
                }
                if !is_user(user) {
                    left(format!("{user} is no name of a user"));
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
            let what = format!("{user} on {repository}: another rule refuses something, which no grant can");
            conf.left.push(Left { line, what });
        } else {
            conf.grants.push(Grant { repository, user, permission, line });
        }
    }
}

/// Whether a word names one repository, and not by a pattern.
fn is_one(repository: &str) -> bool {
    repository.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte))
}

/// What gitolite takes for a user's name.
fn is_user(user: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._@+-".contains(&byte);
    user.starts_with(|c: char| c.is_ascii_alphanumeric()) && user.bytes().all(is_plain)
}

/// The names that some words stand for, through groups of groups, and the groups that are not there.
fn expand(words: &[String], groups: &Groups) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut names, mut unknown, mut seen) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut open: Vec<&String> = words.iter().collect();
    while let Some(word) = open.pop() {
        if !word.starts_with('@') || word == EVERYBODY {
            names.insert(word.clone());
        } else if let Some(members) = groups.get(word) {
            // A group that names itself says nothing more the second time.
            if seen.insert(word) {
                open.extend(members);
            }
        } else {
            unknown.insert(word.clone());
        }
    }
    (names, unknown)
}

/// `-`, `C`, `R`, `RW`, `RW+`, with C, D and M behind the latter two (gitolite's Conf.pm).
fn is_permission(word: &str) -> bool {
    let Some(rest) = word.strip_prefix("RW") else { return matches!(word, "-" | "C" | "R") };
    rest.strip_prefix('+').unwrap_or(rest).bytes().all(|byte| b"CDM".contains(&byte))
}

/// A line up to the first `#` that is not within double quotes.
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
    fn a_file_becomes_grants_and_a_list() {
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
        let everybody = "@all is no user: hubgate repo visibility shows a repository to everybody";
        let refuses = "a rule that refuses: whom it names gets nothing on these repositories";
        assert_eq!(
            left,
            [
                (8, "gitolite-admin is gitolite's own"),
                (13, everybody),
                (16, refuses),
                (17, "bob on acme/secret: another rule refuses something, which no grant can"),
                (18, "RW for some refs only"),
                (20, "option has no counterpart here"),
                (23, refuses),
                (24, "foo.*/[a-z]+ stands for more than one repository"),
                (26, "frank on acme/z: another rule refuses something, which no grant can"),
                (27, "the permission RWCD has no counterpart here"),
                (28, "there is no group @nobody"),
                (29, "config has no counterpart here"),
                (30, "a description for gitweb"),
                (31, "this is no line of gitolite.conf"),
                (32, "include has no counterpart here"),
            ]
        );
    }

    #[test]
    fn whoever_is_refused_something_gets_nothing() {
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
