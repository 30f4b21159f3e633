//! Whether sshd lets the hub's logins in at all: `DenyUsers`, `AllowUsers`, `DenyGroups` and `AllowGroups`.

use std::collections::BTreeMap;
use std::path::Path;

use super::files::{Line, matches};
use super::fix::{Problem, Server};
use crate::operator::failure::Failure;
use crate::operator::openssh::Settings;
use crate::passwd;

/// A login account and its groups, the primary one first.
struct Account<'a> {
    login: &'a str,
    groups: Vec<String>,
}

/// A directive that lets logins in or keeps them out (sshd's auth.c, `allowed_user`).
#[derive(Debug, Clone, Copy)]
struct Directive {
    name: &'static str,
    allows: bool,
    of_groups: bool,
}

const DIRECTIVES: [Directive; 4] = [
    Directive { name: "DenyUsers", allows: false, of_groups: false },
    Directive { name: "AllowUsers", allows: true, of_groups: false },
    Directive { name: "DenyGroups", allows: false, of_groups: true },
    Directive { name: "AllowGroups", allows: true, of_groups: true },
];

impl Directive {
    fn keyword(self) -> String {
        self.name.to_ascii_lowercase()
    }

    /// Whether a pattern means the account. A pattern for some addresses lets in, and does not keep out.
    fn means(self, pattern: &str, account: &Account<'_>) -> bool {
        if self.of_groups {
            return account.groups.iter().any(|group| matches(pattern, group));
        }
        match pattern.rsplit_once('@') {
            Some((user, host)) => matches(user, account.login) && (self.allows || host == "*"),
            None => matches(pattern, account.login),
        }
    }

    fn keeps_out(self, settings: &Settings, account: &Account<'_>) -> bool {
        let keyword = self.keyword();
        let mut patterns = settings.values(&keyword).peekable();
        if self.of_groups && account.groups.is_empty() {
            return false;
        }
        if self.allows {
            patterns.peek().is_some() && !patterns.any(|pattern| self.means(pattern, account))
        } else {
            patterns.any(|pattern| self.means(pattern, account))
        }
    }
}

/// The directives that keep a login out.
pub(super) fn problems(
    server: &Server<'_>,
    lines: &[Line],
    of_logins: &[(&str, Settings)],
) -> Result<Vec<Problem>, Failure> {
    let mut problems = Vec::new();
    for directive in DIRECTIVES {
        let mut out = Vec::new();
        for (login, settings) in of_logins {
            let groups = passwd::find(login)?.map(|login| passwd::group_names(&login)).transpose()?.unwrap_or_default();
            let account = Account { login, groups };
            if directive.keeps_out(settings, &account) {
                out.push(account);
            }
        }
        if !out.is_empty() {
            problems.push(problem(server, lines, directive, &out));
        }
    }
    Ok(problems)
}

fn problem(server: &Server<'_>, lines: &[Line], directive: Directive, out: &[Account<'_>]) -> Problem {
    let logins: Vec<&str> = out.iter().map(|account| account.login).collect();
    let applies =
        |line: &&Line| line.keyword == directive.keyword() && logins.iter().any(|login| line.may_apply(login));
    // sshd uses the global lines only if no Match block has one.
    let has_block = lines.iter().filter(applies).any(|line| !line.blocks.is_empty());
    let lines: Vec<&Line> = lines.iter().filter(applies).filter(|line| line.blocks.is_empty() != has_block).collect();
    let who = logins.join(" and ");
    let text = if directive.allows {
        format!("sshd refuses {who}: {} does not name the account", directive.name)
    } else {
        format!("sshd refuses {who}: {} names the account", directive.name)
    };
    let text = if directive.of_groups { text.replace("the account", "its group") } else { text };
    let Some(last) = lines.last() else { return Problem::new(text, format!("correct {}", directive.name)) };
    if directive.allows {
        let mut names: Vec<&str> = if directive.of_groups {
            out.iter().filter_map(|account| account.groups.first()).map(String::as_str).collect()
        } else {
            logins
        };
        names.dedup();
        let line = format!("{}a{} {}", last.number, directive.name, names.join(" "));
        return Problem::new(text, server.edit(&last.file, &[line]));
    }
    let means = |pattern: &str| out.iter().any(|account| directive.means(pattern, account));
    if let Some(pattern) =
        lines.iter().flat_map(|line| line.words()).find(|word| means(word) && word.contains(['*', '?']))
    {
        // Without the pattern, sshd would let in other accounts too.
        let fix = format!(
            "replace the pattern {pattern} in line {} of {}, or run a second sshd: hubgate sshd-config --standalone --install",
            last.number,
            last.file.display()
        );
        return Problem::new(text, fix);
    }
    if directive.of_groups {
        let denied: Vec<&str> = lines.iter().flat_map(|line| line.words()).filter(|word| means(word)).collect();
        let is_primary =
            |group: &&str| out.iter().any(|account| account.groups.first().is_some_and(|own| own == group));
        if !denied.iter().any(is_primary) {
            let leave = |account: &Account<'_>| {
                let in_it = denied.iter().filter(|group| account.groups.iter().any(|own| own == *group));
                in_it.map(|group| format!("gpasswd --delete {} {group}", account.login)).collect::<Vec<_>>()
            };
            return Problem::new(text, out.iter().flat_map(leave).collect::<Vec<_>>().join(" && "));
        }
    }
    let mut edits: BTreeMap<&Path, Vec<String>> = BTreeMap::new();
    for line in lines {
        let rest: Vec<&str> = line.words().filter(|word| !means(word)).collect();
        let edit = match rest.len() {
            0 => format!("{}d", line.number),
            count if count == line.words().count() => continue,
            _ => format!("{}c{} {}", line.number, directive.name, rest.join(" ")),
        };
        edits.entry(&line.file).or_default().push(edit);
    }
    let fixes: Vec<String> = edits.into_iter().map(|(file, edits)| server.edit(file, &edits)).collect();
    Problem::new(text, fixes.join(" && "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sshd_admits_by_user_and_group_as_its_manual_says() {
        let account = Account { login: "git", groups: vec!["git".to_owned(), "staff".to_owned()] };
        for (settings, expected) in [
            ("allowusers alice\nallowusers git\n", ""),
            ("allowusers g*\n", ""),
            ("allowusers git@10.0.0.0/8\n", ""),
            ("allowusers alice\nallowusers bob\n", "AllowUsers"),
            ("denyusers git@10.0.0.0/8\ndenyusers gitea\n", ""),
            ("denyusers git\nallowusers git\n", "DenyUsers"),
            ("denyusers g?t@*\n", "DenyUsers"),
            ("allowgroups staff\n", ""),
            ("allowgroups ssh-users\n", "AllowGroups"),
            ("denygroups staff\n", "DenyGroups"),
            ("denyusers *\ndenygroups *\nallowgroups x\nallowusers x\n", "DenyUsers AllowUsers DenyGroups AllowGroups"),
        ] {
            let parsed = Settings::parse(settings);
            let out: Vec<&str> = DIRECTIVES
                .into_iter()
                .filter(|directive| directive.keeps_out(&parsed, &account))
                .map(|directive| directive.name)
                .collect();
            assert_eq!(out.join(" "), expected, "{settings}");
        }
    }
}
