//! Random groups and rules: imported, changed here by random commands, and imported again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;

use super::{Gitolite, Question, USERS, add_repository, permitted, working_copy};
use crate::harness::{Hub, trials};

trials![a_second_import_gives_nothing_that_gitolite_refuses_whatever_was_changed_here_about_teams];

const GROUPS: [&str; 4] = ["g1", "g2", "g3", "g4"];
const PEOPLE: [&str; 6] = ["alice", "bob", "carol", "dave", "erin", "frank"];
const REPOSITORIES: [&str; 3] = ["a", "b", "c"];
const REFS: [&str; 5] = ["heads/master", "heads/dev/a", "heads/x", "heads/u/alice/x", "tags/v1"];

/// Random numbers, equal for equal seeds (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        let index = self.below(u64::try_from(of.len()).expect("a length"));
        of[usize::try_from(index).expect("an index")]
    }

    /// Each of some words with a chance of one in `rarity`, and at least one of them.
    fn some(&mut self, of: &[&str], rarity: u64) -> String {
        let mut words: Vec<&str> = of.iter().copied().filter(|_| self.below(rarity) == 0).collect();
        if words.is_empty() {
            words.push(self.one(of));
        }
        words.join(" ")
    }

    fn conf(&mut self) -> String {
        let mut conf = String::new();
        for (number, group) in GROUPS.into_iter().enumerate() {
            let nested =
                if number > 0 && self.below(3) == 0 { format!(" @{}", GROUPS[number - 1]) } else { String::new() };
            let _ = writeln!(conf, "@{group} = {}{nested}", self.some(&PEOPLE, 3));
        }
        for repository in REPOSITORIES {
            let _ = writeln!(conf, "repo {repository}");
            if self.below(5) == 0 {
                conf.push_str("    option deny-rules = 1\n");
            }
            for _ in 0..2 + self.below(4) {
                let permission = self.one(&["R", "RW", "RW", "RW+", "RW+", "-", "RWC"]);
                let refex = match (permission, self.below(2)) {
                    ("R", _) | (_, 0) => "",
                    _ => self.one(&["master", "dev/", "refs/tags/", "u/USER/", "x$"]),
                };
                let mut users = self.some(&["@g1", "@g2", "@g3", "@g4", "alice", "bob", "carol"], 4);
                if self.below(15) == 0 {
                    users.push_str(" @all");
                }
                let _ = writeln!(conf, "    {permission} {refex} = {users}");
            }
        }
        if self.below(2) == 0 {
            let _ = writeln!(conf, "@{} = {}", self.one(&GROUPS), self.one(&PEOPLE));
        }
        conf
    }

    /// A command that takes something from a team or a user of an organization.
    fn removal(&mut self, of: &str) -> Vec<String> {
        let (team, user, path) = (self.team(of), self.one(&PEOPLE), format!("{of}/{}", self.one(&REPOSITORIES)));
        let words = match self.below(6) {
            0 | 1 => format!("team member remove {team} {user}"),
            2 => format!("org member remove {of} {user}"),
            3 => format!("repo collaborator remove {path} @{team}"),
            4 => format!("repo collaborator remove {path} {user}"),
            _ => format!("team remove {team} --yes"),
        };
        words.split(' ').map(str::to_owned).collect()
    }

    /// Another command about a team or a repository.
    fn change(&mut self, of: &str) -> Vec<String> {
        let (team, user, path) = (self.team(of), self.one(&PEOPLE), format!("{of}/{}", self.one(&REPOSITORIES)));
        let words = match self.below(7) {
            0 => format!("team rename {team} {}x", self.one(&GROUPS)),
            1 => format!("org member set {of} {user} no_access"),
            2 | 3 => format!("team member add {team} {user}"),
            4 => format!("repo collaborator set {path} @{team} {}", self.one(&["read", "write", "admin"])),
            5 => format!("rule remove {path} 1"),
            _ => {
                let words = format!("rule add {path}");
                let rule =
                    format!("{} {} ** @{team}", self.one(&["allow", "deny"]), self.one(&["all", "create", "force"]));
                return words.split(' ').map(str::to_owned).chain([rule]).collect();
            }
        };
        words.split(' ').map(str::to_owned).collect()
    }

    fn team(&mut self, of: &str) -> String {
        let end = if self.below(4) == 0 { "x" } else { "" };
        format!("{of}/{}{end}", self.one(&GROUPS))
    }
}

fn questions() -> Vec<Question> {
    let mut all = Vec::new();
    for repository in REPOSITORIES {
        for user in PEOPLE.into_iter().chain(["mallory"]) {
            let (user, repository) = (user.to_owned(), repository.to_owned());
            let ask = |action, ref_name: &str| Question {
                user: user.clone(),
                repository: repository.clone(),
                action,
                ref_name: ref_name.to_owned(),
            };
            all.push(ask("fetch", ""));
            for name in REFS {
                let name = format!("refs/{name}");
                all.extend(["create", "update", "force", "delete"].map(|action| ask(action, &name)));
            }
        }
    }
    all
}

/// One hub: a configuration is imported, changed here, and imported again, or another one is.
fn try_seed(hub: &Hub, gitolite: &Gitolite, seed: u64) {
    let mut random = Random(seed);
    let organization = format!("seed{seed}");
    hub.did(&["org", "add", &organization, "--admin", "boss"]);
    let mut paths = BTreeMap::new();
    for repository in REPOSITORIES {
        let path = format!("{organization}/{repository}");
        add_repository(hub, &path);
        paths.insert(repository.to_owned(), path);
    }
    let copy = hub.path(&organization);
    let import = |conf: &str| {
        let case = hub.path(&format!("{organization}-conf"));
        fs::create_dir_all(&case).expect("a directory");
        fs::write(case.join("gitolite.conf"), conf).expect("a file");
        let _ = fs::remove_dir_all(&copy);
        working_copy(&case, &copy);
        let report =
            hub.did(&["import", "gitolite", copy.to_str().expect("UTF-8"), "--owner", &organization, "--verbose"]);
        gitolite.compile(&copy, "");
        report
    };
    let first = random.conf();
    let mut story = format!("{first}\n{}", import(&first));
    let only_removes = random.below(2) == 0;
    for _ in 0..=random.below(6) {
        let words = if only_removes || random.below(3) == 0 {
            random.removal(&organization)
        } else {
            random.change(&organization)
        };
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        // Many of them name what is not here.
        let outcome = hub.hubgate(&words);
        assert!(outcome.status < 3, "{outcome}");
        let _ = writeln!(story, "{} -> {}", words.join(" "), outcome.status);
    }
    let questions = questions();
    let before = permitted(hub, &questions, &paths);
    let second = if only_removes { first } else { random.conf() };
    let _ = write!(story, "{second}\n{}", import(&second));
    let after = permitted(hub, &questions, &paths);
    let lines = questions.iter().fold(String::new(), |mut text, question| {
        let Question { user, repository, action, ref_name } = question;
        let _ = writeln!(text, "{user} {repository} {action} {ref_name}");
        text
    });
    let answers = gitolite.answers(&lines);
    let allowed: BTreeSet<&Question> =
        questions.iter().zip(&answers).filter(|(_, place)| *place != "-").map(|(question, _)| question).collect();
    for question in after.difference(&before) {
        assert!(!only_removes, "seed {seed}: {question:?} came back: {story}");
        assert!(allowed.contains(question), "seed {seed}: gitolite refuses {question:?}: {story}");
    }
}

fn a_second_import_gives_nothing_that_gitolite_refuses_whatever_was_changed_here_about_teams() {
    let hub = Hub::new();
    hub.did(&["user", "add", "boss"]);
    let gitolite = Gitolite::new(hub.path("home"));
    assert!(PEOPLE.iter().all(|user| USERS.contains(user)));
    let number = std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(10);
    let first = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    for seed in first..first + number {
        try_seed(&hub, &gitolite, seed);
    }
}
