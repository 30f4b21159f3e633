//! `hubgate import gitolite` beside gitolite itself: no user may do here what gitolite refuses, and the report names
//! what is lost. The configurations are in `tests/data/gitolite`.

pub(crate) mod random;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64ct::{Base64, Encoding};
use hubgate::access::rule::Pattern;
use serde_json::Value;

use crate::harness::{Client, Hub, Key, Skip, run, run_with, trials};

trials![
    an_import_gives_nothing_that_gitolite_refuses_and_names_what_is_lost,
    a_push_of_files_is_refused_where_gitolite_refuses_it,
];

/// The line of an Ed25519 key without a comment. Keys of different names differ.
fn key_line(name: &str) -> String {
    let mut point = [7; 32];
    let bytes: Vec<u8> = name.bytes().take(31).collect();
    point[..bytes.len()].copy_from_slice(&bytes);
    let blob = [&[0, 0, 0, 11], b"ssh-ed25519".as_slice(), &[0, 0, 0, 32], &point].concat();
    format!("ssh-ed25519 {}\n", Base64::encode_string(&blob))
}

const USERS: [&str; 9] = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "alice.b", "mallory"];
/// Refs that rules in `tests/data/gitolite` tell apart.
const REFS: &str = "heads/master heads/master2 heads/dev heads/dev/a heads/dev/a/b heads/dev2 heads/test/x heads/main \
    heads/new/x heads/live heads/secret heads/personal/alice/x heads/personal/bob/x heads/personal/bob heads/feature/x \
    heads/feature heads/fix/a heads/fix/a/b heads/x/wip/y heads/x/y/wip/z heads/wip/z heads/a/done heads/a/b/done \
    heads/done heads/ax/b heads/a/b heads/b/a heads/release/1.0 heads/release/1x0 heads/rel-1 heads/rel- heads/rel \
    heads/v1.0 heads/v1x0 heads/v1.0/x heads/x heads/aster heads/mmaster heads/q/x heads/ab/c heads/users/alice.b/x \
    heads/users/alicexb/x heads/other/bob/x heads/u/alice/USER/x heads/u/alice/alice/x heads/u/USER heads/u/carol \
    heads/x/dave/y heads/x/dave/yz heads/x/alice.b/y heads/refs/tags/x heads/xrefs/tags/y heads/developer \
    tags/v tags/v1 tags/va tags/x tags/xy tags/no tags/y notes/commits notes/x";

/// A home directory of gitolite.
struct Gitolite {
    home: PathBuf,
}

impl Gitolite {
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", &self.home).current_dir(&self.home);
        command
    }

    fn new(home: PathBuf) -> Self {
        if !Path::new("/usr/share/gitolite3").exists() {
            Skip::now("there is no gitolite: apt-get install gitolite3");
        }
        fs::create_dir_all(&home).expect("a directory");
        fs::write(home.join("boss.pub"), key_line("boss")).expect("a file");
        fs::write(home.join(".gitconfig"), "[user]\n\tname = boss\n\temail = boss@example.com\n").expect("a file");
        let gitolite = Self { home };
        run(gitolite.command("gitolite").args(["setup", "-pk", "boss.pub"])).succeeded();
        gitolite
    }

    /// Reads a configuration as gitolite does. Returns the repositories.
    fn compile(&self, directory: &Path, enabled: &str) -> BTreeSet<String> {
        let features: String =
            enabled.split_whitespace().fold(String::new(), |text, word| text + &format!("'{word}', "));
        let rc = format!(
            "%RC = (\n    GIT_CONFIG_KEYS => '.*',\n    ROLES => {{ READERS => 1, WRITERS => 1 }},\n    \
             ENABLE => [ {features} ],\n);\n1;\n"
        );
        fs::write(self.home.join(".gitolite.rc"), rc).expect("a file");
        let base = self.home.join(".gitolite");
        let repositories = self.home.join("repositories");
        for old in [base.join("conf"), base.join("keydir"), repositories.clone()] {
            let _ = fs::remove_dir_all(old);
        }
        fs::create_dir(&repositories).expect("a directory");
        for name in ["conf", "keydir"] {
            run(self.command("cp").arg("-r").arg(directory.join(name)).arg(&base)).succeeded();
        }
        run(self.command("gitolite").arg("compile")).succeeded();
        let found = run(self.command("find").args(["repositories", "-name", "*.git", "-prune"])).succeeded().stdout();
        found.lines().map(|line| line["repositories/".len()..line.len() - ".git".len()].to_owned()).collect()
    }

    /// Those of [`USERS`] who belong to a group. None belongs to a group that gitolite does not know.
    fn members(&self, group: &str) -> BTreeSet<String> {
        let said = run(self.command("gitolite").args(["list-members", group])).stdout();
        said.split_whitespace().filter(|user| USERS.contains(user)).map(str::to_owned).collect()
    }

    /// Whether gitolite lets a user push from a working tree, with its own hook.
    fn pushes(&self, user: &str, tree: &Path, refspec: &str) -> bool {
        let ssh = self.home.join("ssh");
        let script =
            "#!/bin/sh\nexport SSH_ORIGINAL_COMMAND=\"$2\"\nexec /usr/share/gitolite3/gitolite-shell $PUSHER\n";
        fs::write(&ssh, script).expect("a file");
        fs::set_permissions(&ssh, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a mode");
        let mut git = self.command("git");
        git.current_dir(tree)
            .env("GIT_SSH", ssh)
            .env("GIT_SSH_VARIANT", "simple")
            .env("PUSHER", user)
            .env("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22");
        let outcome = run(git.args(["push", "--quiet", "gitolite:r", refspec]));
        // Anything else than a refusal is a fault of the test.
        assert!(outcome.status == 0 || outcome.stderr().contains("DENIED by"), "{user} {refspec}: {outcome}");
        outcome.status == 0
    }

    /// The places of the rules that permit what some lines say; `-` for what is refused.
    fn answers(&self, lines: &str) -> Vec<String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gitolite.pl");
        let outcome = run_with(self.command("perl").arg(script), lines.as_bytes());
        outcome.succeeded().stdout().lines().map(str::to_owned).collect()
    }
}

/// Makes a working copy of gitolite-admin from a directory in `tests/data/gitolite`.
fn working_copy(case: &Path, to: &Path) {
    fs::create_dir_all(to.join("keydir")).expect("a directory");
    run(Command::new("cp").arg("-r").arg(case).arg(to.join("conf"))).succeeded();
    let mut files: Vec<String> = USERS.iter().map(|user| (*user).to_owned()).collect();
    files.extend(fs::read_to_string(case.join("keydir")).unwrap_or_default().lines().map(str::to_owned));
    for file in files {
        let path = to.join("keydir").join(format!("{file}.pub"));
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, key_line(&file)).expect("a file");
    }
}

/// One thing that a user may do or not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Question {
    user: String,
    repository: String,
    action: &'static str,
    ref_name: String,
}

fn questions(repositories: &BTreeSet<String>) -> Vec<Question> {
    let refs: Vec<String> = REFS.split_whitespace().map(|name| format!("refs/{name}")).collect();
    let mut all = Vec::new();
    for repository in repositories {
        for user in USERS {
            let mut ask = |action, ref_name: &str| {
                let (user, repository) = (user.to_owned(), repository.clone());
                all.push(Question { user, repository, action, ref_name: ref_name.to_owned() });
            };
            ask("fetch", "");
            for name in &refs {
                for action in ["create", "update", "force", "delete"] {
                    ask(action, name);
                }
            }
        }
    }
    if !is_whole() {
        // Every ref, action, user and repository is still among them.
        all =
            all.into_iter().enumerate().filter(|(number, _)| number % 23 == 0).map(|(_, question)| question).collect();
    }
    all
}

/// Whether every question is asked, which takes minutes: `GITOLITE=all`.
fn is_whole() -> bool {
    std::env::var("GITOLITE").is_ok_and(|value| value == "all")
}

/// Adds a repository of an owner that has none of this name. It has no directory.
fn add_repository(hub: &Hub, path: &str) {
    let (owner, name) = path.split_once('/').expect("a path");
    hub.sql(&format!(
        "INSERT INTO repository (owner_id, kind, name, folded, directory, visibility, object_format, description,
                                 created_at)
         SELECT id, 'model', '{name}', '{name}', lower(hex(randomblob(16))), 'private', 'sha1', '', 0 FROM owner
         WHERE folded = '{owner}'"
    ));
}

/// What hubgate permits.
fn permitted(hub: &Hub, questions: &[Question], paths: &BTreeMap<String, String>) -> BTreeSet<Question> {
    // One command must not run for minutes.
    questions.chunks(5_000).flat_map(|some| permitted_at_once(hub, some, paths)).collect()
}

fn permitted_at_once(hub: &Hub, questions: &[Question], paths: &BTreeMap<String, String>) -> Vec<Question> {
    let lines = questions.iter().fold(String::new(), |mut text, question| {
        let Question { user, repository, action, ref_name } = question;
        let _ = writeln!(text, "{user} {action} {} {ref_name} = deny", paths[repository]);
        text
    });
    let file = hub.path("policy");
    fs::write(&file, lines).expect("a file");
    let outcome = hub.hubgate(&["--json", "policy", "test", file.to_str().expect("UTF-8")]);
    let answer: Value = serde_json::from_str(&outcome.stdout()).unwrap_or_else(|error| panic!("{error}: {outcome}"));
    assert_eq!(answer["bad"], serde_json::json!([]), "{outcome}");
    let failed = answer["failed"].as_array().expect("a list");
    let number = |line: &Value| usize::try_from(line["line"].as_u64().expect("a number")).expect("a number") - 1;
    failed.iter().map(|line| questions[number(line)].clone()).collect()
}

/// Whether a pattern of a rule matches a ref of a user. A pattern of files matches none.
fn matches(pattern: &str, ref_name: &str, user: &str) -> bool {
    let pattern: Option<Pattern> = pattern.replace("{user}", user).parse().ok();
    pattern.is_some_and(|pattern| pattern.matches(ref_name.as_bytes()))
}

/// Whether a ref begins as one of the refexes in the text of a rule does, as far as these are plain text.
fn starts_as_a_refex(rule: &str, ref_name: &str) -> bool {
    let (before, _) = rule.split_once(" = ").expect("a rule");
    let is_start = |refex: &str| {
        let end = refex.find(|c: char| !c.is_ascii_alphanumeric() && !"/_-".contains(c)).unwrap_or(refex.len());
        let plain = &refex[..end];
        let prefix = if refex.starts_with("refs/") { String::new() } else { "refs/heads/".to_owned() };
        ref_name.starts_with(&format!("{prefix}{plain}"))
    };
    let refexes: Vec<&str> = before.split(' ').skip(1).filter(|word| !word.is_empty()).collect();
    refexes.is_empty() || refexes.into_iter().any(is_start)
}

/// What the report of one import says is lost, and the rules of gitolite that it is about.
struct Losses<'a> {
    entries: &'a [Value],
    /// The places of the rules that concern a user or a group on a repository.
    rules: BTreeMap<(String, String), BTreeSet<String>>,
    /// The users of each group in the entries.
    members: BTreeMap<String, BTreeSet<String>>,
    /// The directory and the user of each file in `keydir` that is in a directory.
    keydir: Vec<(String, String)>,
}

impl<'a> Losses<'a> {
    fn new(gitolite: &Gitolite, case: &Path, entries: &'a [Value], repositories: &BTreeSet<String>) -> Self {
        let groups = entries.iter().filter_map(|entry| entry["why"].as_str()?.rsplit_once(" belong to "));
        let groups: BTreeSet<&str> = groups.map(|(_, group)| group).collect();
        let members = groups.iter().map(|group| ((*group).to_owned(), gitolite.members(group))).collect();
        let names: BTreeSet<&str> = USERS.into_iter().chain(groups).collect();
        let asked: Vec<(String, String)> = names
            .iter()
            .flat_map(|name| repositories.iter().map(|repository| ((*name).to_owned(), repository.clone())))
            .collect();
        let lines: String = asked.iter().map(|(name, repository)| format!("{name} {repository} rules -\n")).collect();
        let places = |line: String| line.split(' ').map(|place| format!("conf/{place}")).collect();
        let rules: BTreeMap<_, _> = asked.into_iter().zip(gitolite.answers(&lines).into_iter().map(places)).collect();
        let keydir = fs::read_to_string(case.join("keydir")).unwrap_or_default();
        let in_directory = |file: &str| {
            let (directory, user) = file.rsplit_once('/')?;
            let directory = directory.rsplit('/').next()?;
            Some((format!("@{directory}"), user.split('@').next()?.to_owned()))
        };
        Self { entries, rules, members, keydir: keydir.lines().filter_map(in_directory).collect() }
    }

    /// Whether an entry names the right, which a rule at a place gives, or says why it is lost.
    fn has(&self, question: &Question, place: &str) -> bool {
        self.entries.iter().any(|entry| self.names(entry, question, place))
    }

    fn names(&self, entry: &Value, question: &Question, place: &str) -> bool {
        let text = |name: &str| entry[name].as_str().expect("a text");
        let (kind, why, at) = (text("kind"), text("why"), text("place"));
        let Question { user, repository, ref_name, .. } = question;
        let is_by = |name: &str| {
            let rules = self.rules.get(&(name.to_owned(), repository.clone()));
            rules.is_some_and(|rules| rules.contains(at))
        };
        let has = |patterns: &str| patterns.split(' ').any(|pattern| matches(pattern, ref_name, user));
        match kind {
            "every-user" => why.rsplit(' ').next() == Some(repository),
            "push" | "no-account" => *why == format!("{user} on {repository}"),
            // Another rule denies more than in gitolite.
            "denied-refs" => {
                let patterns = why.rsplit_once(" denies ").and_then(|(_, said)| said.strip_suffix(" too"));
                is_by(user) && has(patterns.expect("patterns"))
            }
            // A rule checks files or other contents of this user.
            "checks" => is_by(user),
            "groups" => {
                let (text, group) = why.rsplit_once(" belong to ").expect("a group");
                let is_concerned = if text.ends_with(": nobody is known to") {
                    self.members[group].contains(user)
                } else {
                    starts_as_a_refex(text, ref_name)
                };
                is_by(group) && is_concerned
            }
            "directories" => {
                let is_added = |(directory, added): &(String, String)| {
                    added == user && why.split(' ').any(|word| word == directory)
                };
                self.keydir.iter().any(is_added) && USERS.iter().any(|user| is_by(user))
            }
            "refs" => {
                let patterns = why.rsplit_once(": ").expect("patterns").1;
                at == format!("conf/{place}") && (patterns == "no rule" || !has(patterns))
            }
            _ => at == format!("conf/{place}"),
        }
    }
}

/// Imports a case, asks both, and returns how much gitolite permits, how much hubgate does, and how many groups are
/// teams.
fn compare(hub: &Hub, gitolite: &Gitolite, case: &Path, with_rc: bool) -> [usize; 3] {
    let name = case.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
    let organization = format!("{name}{}", if with_rc { "-rc" } else { "" });
    let copy = hub.path(&organization);
    working_copy(case, &copy);
    let enabled = fs::read_to_string(case.join("enable")).unwrap_or_default();
    let repositories = gitolite.compile(&copy, &enabled);
    hub.did(&["org", "add", &organization, "--admin", "boss"]);
    let mut renames = Vec::new();
    let mut paths = BTreeMap::new();
    for repository in &repositories {
        let path = format!("{organization}/{}", repository.replace('/', "-"));
        add_repository(hub, &path);
        if repository.contains('/') {
            renames.extend(["--rename".to_owned(), format!("{repository}={path}")]);
        }
        paths.insert(repository.clone(), path);
    }
    let rc = gitolite.home.join(".gitolite.rc").display().to_string();
    let copy = copy.display().to_string();
    let mut words = vec!["--json", "import", "gitolite", &copy, "--owner", &organization];
    words.extend(renames.iter().map(String::as_str));
    if with_rc {
        words.extend(["--rc", &rc]);
    }
    let report: Value = serde_json::from_str(&hub.did(&words)).expect("JSON");
    for team in report["teams"].as_array().expect("a list") {
        let group = team["team"].as_str().and_then(|team| team.split('/').next_back()).expect("a team");
        let users: BTreeSet<String> = serde_json::from_value(team["users"].clone()).expect("names");
        let members = gitolite.members(&format!("@{group}"));
        // Without gitolite's own configuration, directories of keydir may add members.
        let may_have_fewer = !with_rc && case.join("keydir").exists();
        assert!(users == members || may_have_fewer && users.is_subset(&members), "{name}: {group}: {users:?}");
    }
    // Another run has nothing to do.
    let again: Value = serde_json::from_str(&hub.did(&words)).expect("JSON");
    for nothing in ["accounts", "keys", "members", "teams", "grants", "rules", "checks"] {
        assert_eq!(again[nothing], serde_json::json!([]), "{name}: {nothing}");
    }
    let questions = questions(&repositories);
    let lines = questions.iter().fold(String::new(), |mut text, question| {
        let Question { user, repository, action, ref_name } = question;
        let _ = writeln!(text, "{user} {repository} {action} {ref_name}");
        text
    });
    let answers = gitolite.answers(&lines);
    assert_eq!(answers.len(), questions.len(), "{name}");
    let here = permitted(hub, &questions, &paths);
    let losses = Losses::new(gitolite, case, report["lost"].as_array().expect("a list"), &repositories);
    let mut by_gitolite = 0;
    for (question, place) in questions.iter().zip(&answers) {
        by_gitolite += usize::from(place != "-");
        match (place.as_str(), here.contains(question)) {
            ("-", true) => panic!("{name}: gitolite refuses {question:?}"),
            ("-", false) | (_, true) => {}
            // The manual names these: nobody updates such a branch where some may not rewind.
            (_, false) if question.action == "update" && question.ref_name[5..].contains("refs/tags/") => {}
            (place, false) => {
                let is_named = losses.has(question, place);
                assert!(is_named, "{name}: not named: {question:?} by {place}: {:#?}", losses.entries);
            }
        }
    }
    [by_gitolite, here.len(), report["teams"].as_array().map_or(0, Vec::len)]
}

fn cases() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/gitolite");
    let mut cases: Vec<PathBuf> =
        fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path()).collect();
    cases.sort();
    cases
}

fn an_import_gives_nothing_that_gitolite_refuses_and_names_what_is_lost() {
    let hub = Hub::new();
    hub.did(&["user", "add", "boss"]);
    let gitolite = Gitolite::new(hub.path("home"));
    let mut all = [0, 0, 0];
    for case in cases() {
        let both = [false, true];
        let has_features = case.join("enable").exists() || case.ends_with("groups");
        for with_rc in if is_whole() || has_features { &both[..] } else { &both[..1] } {
            let found = compare(&hub, &gitolite, &case, *with_rc);
            let [by_gitolite, here, teams] = found;
            println!("{} {with_rc}: gitolite permits {by_gitolite}, hubgate {here}, {teams} teams", case.display());
            all = [0, 1, 2].map(|index| all[index] + found[index]);
        }
    }
    let [by_gitolite, here, teams] = all;
    assert!(by_gitolite > 500 && here * 10 > by_gitolite * 7 && teams > 60, "{all:?}");
}

const FILES: &str = "repo r\n    RW+ = alice bob carol dave\n    - NAME/doc/ = bob\n    RW+ VREF/NAME/src/ = carol\n    \
                     - VREF/NAME/ = carol\n    RW NAME/ = dave\n    - NAME/secret = @all\n";

/// Makes the working tree `r` with the branches `main`, `docs` and `sources`. Returns pushes, and what they do.
fn pushes(client: &Client) -> Vec<(String, String)> {
    let git = |words: &[&str]| client.git_in("r", words).succeeded().stdout().trim_end().to_owned();
    client.git(&["init", "--quiet", "--initial-branch=main", "r"]).succeeded();
    for directory in ["doc", "src"] {
        fs::create_dir_all(client.home.join("r").join(directory)).expect("a directory");
    }
    for file in ["doc/a", "src/a", "secret", "top"] {
        client.write(&format!("r/{file}"), "first\n");
    }
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "first"]);
    let first = git(&["rev-parse", "HEAD"]);
    client.commit("r", "top", "second\n");
    git(&["branch", "docs", &first]);
    git(&["checkout", "--quiet", "docs"]);
    client.commit("r", "doc/a", "second\n");
    git(&["checkout", "--quiet", "--orphan", "sources"]);
    git(&["rm", "--quiet", "--cached", "-r", "doc", "secret", "top"]);
    git(&["commit", "--quiet", "-m", "sources"]);
    git(&["clean", "--quiet", "-df"]);
    let mut pushes = Vec::new();
    let mut add = |what: &str, refspec: String| pushes.push((what.to_owned(), refspec));
    for file in ["top", "doc/a", "doc/new", "docs", "src/a", "src/new", "secret", "secrets", "sub/doc/a"] {
        git(&["checkout", "--quiet", "--detach", "main"]);
        for directory in ["doc", "src", "sub/doc"] {
            fs::create_dir_all(client.home.join("r").join(directory)).expect("a directory");
        }
        let id = client.commit("r", file, "changed\n");
        add(&format!("change {file}"), format!("{id}:refs/heads/main"));
        if matches!(file, "doc/a" | "secret") {
            git(&["revert", "--no-edit", "HEAD"]);
            let id = git(&["rev-parse", "HEAD"]);
            add(&format!("change {file} and back"), format!("{id}:refs/heads/main"));
        }
    }
    git(&["checkout", "--quiet", "--detach", "main"]);
    git(&["mv", "doc/a", "src/moved"]);
    git(&["commit", "--quiet", "-m", "move"]);
    add("move", format!("{}:refs/heads/main", git(&["rev-parse", "HEAD"])));
    add("rewind", format!("+{first}:refs/heads/main"));
    add("rewind docs", format!("+{first}:refs/heads/docs"));
    add("take over", "+docs:refs/heads/main".to_owned());
    add("new branch", "main:refs/heads/new".to_owned());
    add("new branch of sources", "sources:refs/heads/new".to_owned());
    add("delete docs", ":refs/heads/docs".to_owned());
    add("delete sources", ":refs/heads/sources".to_owned());
    add("tag", "sources:refs/tags/v1".to_owned());
    pushes
}

fn a_push_of_files_is_refused_where_gitolite_refuses_it() {
    let hub = Hub::new();
    let gitolite = Gitolite::new(hub.path("home"));
    let boss = hub.user("boss");
    hub.did(&["org", "add", "corp", "--admin", "boss"]);
    hub.empty_repo("corp/r", &["--private"]);
    let pushes = pushes(&boss);
    let tree = boss.home.join("r");
    boss.git_in("r", &["push", "--quiet", &Client::url("corp/r"), "--all"]).succeeded();
    let copy = hub.path("files");
    for name in ["conf", "keydir"] {
        fs::create_dir_all(copy.join(name)).expect("a directory");
    }
    fs::write(copy.join("conf/gitolite.conf"), FILES).expect("a file");
    let users: Vec<(&str, Key)> = ["alice", "bob", "carol", "dave"].map(|user| (user, Key::new(user))).into();
    for (user, key) in &users {
        fs::write(copy.join(format!("keydir/{user}.pub")), &key.line).expect("a file");
    }
    gitolite.compile(&copy, "");
    let bare = gitolite.home.join("repositories/r.git");
    let source = tree.display().to_string();
    let in_bare = |words: &[&str]| run(gitolite.command("git").arg("--git-dir").arg(&bare).args(words));
    in_bare(&["fetch", "--quiet", &source, "refs/heads/*:refs/heads/*"]).succeeded();
    let said = hub.did(&["import", "gitolite", copy.to_str().expect("UTF-8"), "--owner", "corp", "--verbose"]);
    let value = "by-ref; deny doc/* bob; allow src/* carol; deny ** carol; allow ** dave; deny secret** @everyone";
    assert!(said.contains(&format!("\npaths of corp/r: {value}\n")) && said.contains(", 1 check of paths;"), "{said}");
    let before = in_bare(&["for-each-ref", "--format=%(objectname) %(refname)"]).succeeded().stdout();
    let restore = |name: &str| {
        let id = before.lines().find_map(|line| line.strip_suffix(name)).map(str::trim_end);
        let words = id.map_or_else(|| ["update-ref", "-d", name], |id| ["update-ref", name, id]);
        in_bare(&words).succeeded();
        hub.git_in("corp/r", &words);
    };
    let (mut both, mut neither, mut fewer) = (0, 0, Vec::new());
    for (user, key) in users {
        let client = Client::new(&hub, Some(user), key);
        for (what, refspec) in &pushes {
            let there = gitolite.pushes(user, &tree, refspec);
            let outcome = client.git(&["-C", &source, "push", "--quiet", &Client::url("corp/r"), refspec]);
            match (there, outcome.status == 0) {
                (true, true) => both += 1,
                (false, false) => neither += 1,
                (true, false) => fewer.push(format!("{user}: {what}")),
                (false, true) => panic!("gitolite refuses {user}: {what}"),
            }
            restore(refspec.rsplit(':').next().expect("a ref"));
        }
    }
    // git hides the old name of a file from gitolite. Who may change files by RW may not rewind any.
    let expected =
        ["bob: move", "carol: move", "dave: rewind", "dave: rewind docs", "dave: take over", "dave: delete sources"];
    assert_eq!(fewer, expected, "both accept {both} and refuse {neither}");
    assert!(both > 40 && neither > 20, "{both} {neither}");
}
