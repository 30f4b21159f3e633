//! The lines of sshd's configuration files, in the order in which sshd reads them.
//!
//! `sshd -T` says which value a setting has. The files say which line gives it that value, so that a fix can name it.

use std::path::{Path, PathBuf};

/// The directory of relative paths in `Include` (sshd's servconf.c).
const SSHDIR: &str = "/etc/ssh";
/// How deep sshd follows `Include` (sshd's servconf.c, `SERVCONF_MAX_DEPTH`).
const DEPTH_MAX: usize = 16;

/// A directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) file: PathBuf,
    pub(super) number: usize,
    /// In lower case.
    pub(super) keyword: String,
    pub(super) value: String,
    /// The criteria of the Match blocks around it. An included file adds its own block to that of the `Include`.
    pub(super) blocks: Vec<String>,
}

impl Line {
    /// The words of the value. sshd reads no further than a comment.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.value.split_whitespace().take_while(|word| !word.starts_with('#')).map(|word| word.trim_matches('"'))
    }

    /// The files that the line includes.
    pub(super) fn includes(&self) -> Vec<PathBuf> {
        if self.keyword == "include" { self.words().flat_map(expand).collect() } else { Vec::new() }
    }

    /// Whether the line can apply to a login. Criteria other than the login's name are not compared.
    pub(super) fn may_apply(&self, login: &str) -> bool {
        self.blocks.iter().all(|block| {
            let words: Vec<&str> = block.split_whitespace().collect();
            let users = words.iter().position(|word| word.eq_ignore_ascii_case("user"));
            users.and_then(|at| words.get(at + 1)).is_none_or(|list| in_list(list, login))
        })
    }

    /// Whether the line is in a block for these logins and no other account.
    pub(super) fn is_only_for(&self, logins: &[&str]) -> bool {
        let [block] = self.blocks.as_slice() else { return false };
        let words: Vec<&str> = block.split_whitespace().collect();
        matches!(words.as_slice(), [user, list] if user.eq_ignore_ascii_case("user")
            && list.split(',').all(|name| logins.contains(&name)))
    }
}

/// All directives that sshd reads from a file and from the files that it includes.
pub(super) fn lines(file: &Path) -> Vec<Line> {
    let mut lines = Vec::new();
    read(file, &[], 0, &mut lines);
    lines
}

/// sshd itself reports a file that cannot be read.
fn read(file: &Path, outer: &[String], depth: usize, lines: &mut Vec<Line>) {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let mut blocks = outer.to_vec();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let is_gap = |c: char| c.is_whitespace() || c == '=';
        let (keyword, value) = line.split_once(is_gap).unwrap_or((line, ""));
        let line = Line {
            file: file.to_owned(),
            number,
            keyword: keyword.to_ascii_lowercase(),
            value: value.trim_start_matches(is_gap).to_owned(),
            blocks: blocks.clone(),
        };
        if line.keyword == "match" {
            blocks.truncate(outer.len());
            blocks.push(line.value.clone());
        }
        let included = if depth < DEPTH_MAX { line.includes() } else { Vec::new() };
        lines.push(line);
        for file in included {
            read(&file, &blocks, depth + 1, lines);
        }
    }
}

/// The files that a pattern of `Include` names. Only the last part of the path may be a pattern.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let path = Path::new(SSHDIR).join(pattern);
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Vec::new();
    };
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let fits = |file: &str| matches(name, file) && (name.starts_with('.') || !file.starts_with('.'));
    let mut files: Vec<PathBuf> =
        entries.filter(|entry| entry.file_name().to_str().is_some_and(fits)).map(|entry| entry.path()).collect();
    files.sort();
    files
}

/// Whether a list such as `git,!root,deploy-*` contains a name (`ssh_config(5)`, `PATTERNS`).
fn in_list(list: &str, name: &str) -> bool {
    let negated = |pattern: &str| pattern.strip_prefix('!').is_some_and(|pattern| matches(pattern, name));
    !list.split(',').any(negated) && list.split(',').any(|pattern| matches(pattern, name))
}

/// Whether a pattern with `*` and `?` matches a text.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('*') => text
            .char_indices()
            .map(|(at, _)| at)
            .chain([text.len()])
            .any(|at| text.get(at..).is_some_and(|tail| matches(rest.as_str(), tail))),
        Some(first) => {
            let mut tail = text.chars();
            tail.next().is_some_and(|c| first == '?' || first == c) && matches(rest.as_str(), tail.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_sshd() {
        for (pattern, text, expected) in [
            ("git", "git", true),
            ("git", "gitea", false),
            ("g*", "git", true),
            ("*", "", true),
            ("g?t", "git", true),
            ("g?t", "gt", false),
            ("*.conf", "50-hubgate.conf", true),
            ("*.conf", "50-hubgate.confx", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
        assert!(in_list("alice,git", "git") && in_list("g*", "git"));
        assert!(!in_list("g*,!git", "git") && !in_list("!alice", "git"));
    }

    #[test]
    fn lines_are_in_the_order_of_sshd_with_the_blocks_around_them() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        let shown = directory.path().display();
        let main = format!("# no\nInclude {shown}/d/*.conf\nMatch User bob\nAcceptEnv A # b\nInclude {shown}/d/b.*\n");
        std::fs::create_dir(place("d")).unwrap();
        std::fs::write(place("main"), main).unwrap();
        std::fs::write(place("d/b.conf"), "Match User git\n  PermitTTY = no\n").unwrap();
        std::fs::write(place("d/a.conf"), "Port 22\n").unwrap();
        std::fs::write(place("d/.hidden.conf"), "Port 23\n").unwrap();
        let found = lines(&place("main"));
        let shown: Vec<String> = found
            .iter()
            .filter(|line| line.keyword != "include")
            .map(|line| format!("{} {} {} {:?}", line.number, line.keyword, line.value, line.blocks))
            .collect();
        let expected = [
            "1 port 22 []",
            "1 match User git []",
            "2 permittty no [\"User git\"]",
            "3 match User bob []",
            "4 acceptenv A # b [\"User bob\"]",
            "1 match User git [\"User bob\"]",
            "2 permittty no [\"User bob\", \"User git\"]",
        ];
        assert_eq!(shown, expected);
        let env = found.iter().find(|line| line.keyword == "acceptenv").unwrap();
        assert_eq!(env.words().collect::<Vec<_>>(), ["A"]);
        assert!(env.may_apply("bob") && !env.may_apply("git") && env.is_only_for(&["bob", "git"]));
        assert!(!env.is_only_for(&["git"]));
    }
}
