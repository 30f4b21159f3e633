//! Why sshd would not serve the hub's logins as hubgate needs it: one problem per cause, with a command that fixes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use super::admission;
use super::files::{Line, lines};
use super::fix::{Problem, Server};
use crate::operator::failure::Failure;
use crate::operator::openssh::{Settings, settings};

/// Settings of the whole server. A Match block cannot change them.
const GLOBAL: [&str; 3] = ["logingracetime", "maxstartups", "usepam"];
/// Settings of the whole server that an operator may choose differently.
const MAY_DIFFER: [&str; 2] = ["logingracetime", "maxstartups"];
/// The danger of other values of these settings.
const DANGERS: [(&str, &str); 5] = [
    ("acceptenv", "a client could set variables of the programs, such as LD_PRELOAD"),
    ("authorizedkeysfile", "a key in a file opens the account without asking hubgate"),
    ("trustedusercakeys", "a certificate opens the account without asking hubgate"),
    ("permituserrc", "a file in the home directory runs before the gateway"),
    ("exposeauthinfo", "the gateway cannot see which key was proven"),
];

/// Where a fix changes the configuration. One place with several wrong settings is one cause.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// The file that hubgate writes as a whole.
    Own,
    File(PathBuf),
}

impl Server<'_> {
    /// All problems.
    pub(in crate::operator) fn problems(&self) -> Result<Vec<Problem>, Failure> {
        let lines = lines(self.file);
        let mut of_logins = Vec::new();
        for login in self.block.logins() {
            match settings(self.sshd, self.file, login)? {
                Ok(settings) => of_logins.push((login, settings)),
                Err(complaint) => {
                    let problem = self.include_in_match(&lines);
                    return Ok(vec![problem.unwrap_or_else(|| self.unreadable(&complaint))]);
                }
            }
        }
        let mut problems = admission::problems(self, &lines, &of_logins)?;
        if of_logins.iter().all(|(login, settings)| Self::has_no_block(&lines, login, settings)) {
            problems.push(self.include_in_match(&lines).unwrap_or_else(|| self.no_block(&lines)));
            return Ok(problems);
        }
        problems.extend(self.differences(&lines, &of_logins));
        // sshd rejects every key if it cannot read the list of revoked keys.
        let revoked: BTreeSet<&str> =
            of_logins.iter().filter_map(|(_, settings)| settings.value("revokedkeys")).collect();
        for file in revoked.into_iter().filter(|file| File::open(file).is_err()) {
            let text = format!("sshd rejects every key, because it cannot read the RevokedKeys {file}");
            problems.push(Problem::new(text, format!("touch {file}")));
        }
        // A Match block cannot turn it off.
        let is_on =
            |(_, settings): &(&str, Settings)| settings.value("permituserenvironment").is_some_and(|on| on != "no");
        if let Some(line) =
            lines.iter().find(|line| line.keyword == "permituserenvironment" && of_logins.iter().any(is_on))
        {
            let text = "PermitUserEnvironment lets a file in the home directory set variables";
            let script = format!("{}cPermitUserEnvironment no", line.number);
            problems.push(Problem::new(text, self.edit(&line.file, &[script])));
        }
        Ok(problems)
    }

    /// sshd does not start with this configuration.
    fn unreadable(&self, complaint: &str) -> Problem {
        // `FILE: line 7: ...` or `FILE line 7: ...`
        let place = complaint.lines().find_map(|line| {
            let (file, rest) = line.split_once(": line ").or_else(|| line.split_once(" line "))?;
            let number: usize = rest.split_once(':').map_or(rest, |(number, _)| number).parse().ok()?;
            Path::new(file).is_absolute().then_some((file, number))
        });
        let fix = match place {
            Some((file, number)) => self.edit(Path::new(file), &[format!("{number}s/^/#/")]),
            None if complaint.contains("no hostkeys available") => "ssh-keygen -A".to_owned(),
            None => format!("sshd -t -f {}", self.file.display()),
        };
        Problem::new(format!("sshd -T: {}", complaint.split_whitespace().collect::<Vec<_>>().join(" ")), fix)
    }

    /// Whether sshd asks another program about keys, and no other Match block is the reason.
    fn has_no_block(lines: &[Line], login: &str, settings: &Settings) -> bool {
        let asks = settings.values("authorizedkeyscommand").next().is_some_and(is_helper);
        let mut others = lines.iter().filter(|line| line.keyword == "authorizedkeyscommand" && line.may_apply(login));
        !asks && !others.any(|line| !is_helper(&line.value) && !line.blocks.is_empty())
    }

    /// An `Include` of hubgate's file in a Match block: sshd rejects the file, or applies it to other logins only.
    fn include_in_match(&self, lines: &[Line]) -> Option<Problem> {
        let own = self.own_file();
        let line = lines.iter().find(|line| !line.blocks.is_empty() && line.includes().contains(&own))?;
        let (file, number) = (line.file.display(), line.number);
        let text = format!("line {number} of {file} includes {} in a Match block", own.display());
        let scripts = [format!("1iInclude {}", line.value), format!("{number}s/^/#/")];
        Some(Problem::new(text, self.edit(&line.file, &scripts)))
    }

    fn no_block(&self, lines: &[Line]) -> Problem {
        let (file, own, login) = (self.file.display(), self.own_file(), self.block.login);
        if self.is_standalone() || lines.iter().any(|line| line.file == own) {
            return Problem::new(format!("{} has no block for {login}", own.display()), self.write());
        }
        let pattern = own.with_file_name("*.conf");
        let include = format!("Include {}", pattern.display());
        // At the beginning, because a later `Include` could be in a Match block.
        let add = self.edit(self.file, &[format!("1i{include}")]);
        if own.exists() {
            let text = format!("{file} has no line {include}, so sshd does not read {}", own.display());
            return Problem::new(text, add);
        }
        let has_include =
            lines.iter().any(|line| line.blocks.is_empty() && line.words().any(|word| pattern.ends_with(word)));
        let fix = if has_include { self.write() } else { format!("{add} && {}", self.write()) };
        Problem::new(format!("sshd has no block for {login}"), fix)
    }

    /// The settings that differ from the block, grouped by the place of the fix.
    fn differences(&self, lines: &[Line], of_logins: &[(&str, Settings)]) -> Vec<Problem> {
        let mut found: BTreeMap<(Place, bool), (Vec<String>, Vec<String>)> = BTreeMap::new();
        let mut seen = Vec::new();
        for (login, settings) in of_logins {
            for (keyword, value) in self.block.wanted() {
                let name = keyword.to_ascii_lowercase();
                let values: Vec<&str> = settings.values(&name).collect();
                if values == [value.as_str()] {
                    continue;
                }
                let values = if values.is_empty() { "nothing".to_owned() } else { values.join(" ") };
                let mut text = format!("{name} should be {value}, sshd has {values}");
                if seen.contains(&text) {
                    continue;
                }
                seen.push(text.clone());
                if let Some((_, danger)) = DANGERS.iter().find(|(keyword, _)| *keyword == name) {
                    text = format!("{text}: {danger}");
                }
                if *login != self.block.login {
                    text = format!("for {login}, {text}");
                }
                let may_stay = MAY_DIFFER.contains(&name.as_str());
                let (place, edits) = self.fix(lines, login, &format!("{keyword} {value}"));
                let (texts, all) = found.entry((place, may_stay)).or_default();
                texts.push(text);
                all.extend(edits);
            }
        }
        let problem = |((place, may_stay), (texts, edits)): ((Place, bool), (Vec<String>, Vec<String>))| {
            let fix = match place {
                Place::Own => self.write(),
                Place::File(file) => self.edit(&file, &edits),
            };
            Problem { texts, fix, may_stay }
        };
        found.into_iter().map(problem).collect()
    }

    /// Where a directive must change, and how. The first line that applies decides; sshd prefers those in Match blocks.
    fn fix(&self, lines: &[Line], login: &str, right: &str) -> (Place, Vec<String>) {
        let (keyword, value) = right.split_once(' ').unwrap_or((right, ""));
        let name = keyword.to_ascii_lowercase();
        let is_global = GLOBAL.contains(&name.as_str());
        let drop_in = self.own_file();
        let logins: Vec<&str> = self.block.logins().collect();
        let is_other = |line: &&Line| {
            line.keyword == name && line.value != value && line.blocks.is_empty() == is_global && line.may_apply(login)
        };
        if let Some(line) = lines.iter().find(is_other).filter(|line| line.file != drop_in) {
            let number = line.number;
            // A later line has the right value.
            let is_right = |line: &Line| line.keyword == name && line.value == value && line.may_apply(login);
            let edit = if is_global {
                format!("{number}c{right}")
            } else if !lines.iter().any(is_right) && line.is_only_for(&logins) {
                format!("{number}c\\    {right}")
            } else {
                format!("{number}s/^/#/")
            };
            return (Place::File(line.file.clone()), vec![edit]);
        }
        if self.is_standalone() || lines.iter().any(|line| line.file == drop_in) {
            return (Place::Own, Vec::new());
        }
        let block = |line: &&Line| line.keyword == "authorizedkeyscommand" && line.is_only_for(&logins);
        match lines.iter().find(block) {
            _ if is_global => (Place::File(self.file.to_owned()), vec![format!("1i{right}")]),
            Some(line) => (Place::File(line.file.clone()), vec![format!("{}a\\    {right}", line.number)]),
            None => (Place::Own, Vec::new()),
        }
    }
}

/// Whether a command line starts hubgate's helper.
pub(in crate::operator) fn is_helper(command: &str) -> bool {
    let program = command.split_whitespace().next().unwrap_or_default();
    Path::new(program).file_name().is_some_and(|name| name == "authorized-keys")
}
