//! The check of paths: which accounts change which files.

use crate::harness::{Client, Hub, Outcome, refused, run, says, silent, trials};

trials![
    a_path_that_a_rule_denies_is_refused_whatever_changes_it,
    the_first_rule_that_names_account_and_path_decides,
    a_merge_that_drops_the_changes_of_others_changes_their_paths,
    rules_by_ref_compare_what_a_ref_has_before_and_after_a_push,
    a_merge_by_which_git_itself_changes_a_path_changes_it,
    the_commits_of_a_refused_ref_are_checked_too,
    a_proposal_is_checked_when_a_branch_takes_it_over,
    rules_for_paths_are_set_shown_and_stay_with_their_users,
];

/// A hub, and the clients of alice and bob, who may write and has cloned `alice/x`. There, a rule denies `.github`.
fn scene(rules: &str, options: &[&str]) -> (Hub, Client, Client) {
    let hub = Hub::new();
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    hub.repo("alice/x", options);
    hub.did(&["repo", "collaborator", "set", "alice/x", "bob", "write"]);
    for client in [&alice, &bob] {
        client.git(&["clone", "--quiet", &Client::url("alice/x"), "x"]).is(&silent());
        std::fs::create_dir_all(client.home.join("x/.github")).expect("a directory");
    }
    alice.commit("x", ".github/ci.yml", "steps\n");
    alice.commit("x", "file", "text\n");
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]).is(&silent());
    bob.git_in("x", &["pull", "--quiet", "origin", "main"]).succeeded();
    hub.did(&["check", "set", "alice/x", "path", rules]);
    (hub, alice, bob)
}

const GITHUB: &str = "allow .github/** @admin; deny .github/** @everyone";
const REMEDY: &str = "take these changes out of the commits of this push: git rebase -i @{upstream}";

fn push(client: &Client, to: &str) -> Outcome {
    client.git_in("x", &["push", "--quiet", "origin", &format!("HEAD:{to}")])
}

/// The sentences of a refused push.
#[track_caller]
fn refusal(client: &Client, to: &str) -> Vec<String> {
    let pushed = push(client, to);
    assert_eq!(pushed.status, 1, "{pushed}");
    let said = pushed.stderr();
    said.lines()
        .filter_map(|line| line.strip_prefix("remote: hubgate: "))
        .map(|line| line.trim_end().to_owned())
        .collect()
}

fn head(client: &Client) -> String {
    client.git_in("x", &["rev-parse", "HEAD"]).succeeded().stdout().trim_end().to_owned()
}

fn a_path_that_a_rule_denies_is_refused_whatever_changes_it() {
    for format in ["sha1", "sha256"] {
        let (_hub, alice, bob) = scene(GITHUB, &["--object-format", format]);
        let steps: [&[&[&str]]; 6] = [
            &[&["rm", "--quiet", ".github/ci.yml"]],
            &[&["mv", ".github/ci.yml", "elsewhere.yml"]],
            &[&["mv", "file", ".github/file"]],
            &[&["mv", "file", ".GitHub"]],
            &[&["update-index", "--chmod=+x", ".github/ci.yml"]],
            &[&["rm", "--quiet", "-r", ".github"], &["mv", "file", ".github"]],
        ];
        for step in steps {
            for words in step {
                bob.git_in("x", words).succeeded();
            }
            bob.git_in("x", &["commit", "--quiet", "-m", "change"]).succeeded();
            let commit = head(&bob);
            bob.git_in("x", &["reset", "--quiet", "--hard"]).succeeded();
            // A change that a later commit reverts is refused too.
            bob.git_in("x", &["revert", "--no-edit", "HEAD"]).succeeded();
            let said = refusal(&bob, "main");
            let at = format!("commit {commit}: bob may not change .");
            assert!(said.iter().any(|line| line.starts_with(&at) && line.ends_with(" (deny .github)")), "{said:#?}");
            assert_eq!(said.last().map(String::as_str), Some(REMEDY));
            bob.git_in("x", &["reset", "--quiet", "--hard", "HEAD~2"]).succeeded();
        }
        bob.commit("x", "file", "other text\n");
        push(&bob, "main").is(&silent());
        alice.commit("x", ".github/ci.yml", "more steps\n");
        push(&alice, "refs/heads/other").is(&silent());
    }
}

fn the_first_rule_that_names_account_and_path_decides() {
    let rules = "allow docs/** bob; allow users/{user}/** @write; deny docs/** @write; deny users/** @everyone; \
                 deny **/*.pem @deploy-keys";
    let (_hub, alice, bob) = scene(rules, &[]);
    for client in [&alice, &bob] {
        for directory in ["docs", "users/alice", "users/bob"] {
            std::fs::create_dir_all(client.home.join("x").join(directory)).expect("a directory");
        }
    }
    for (client, file, is_allowed) in [
        (&bob, "docs/a", true),
        (&alice, "docs/a", false),
        (&bob, "users/bob/a", true),
        (&bob, "users/alice/a", false),
        (&alice, "users/alice/a", true),
        (&alice, "users/bob/a", false),
        (&bob, "a.pem", true),
    ] {
        client.git_in("x", &["checkout", "--quiet", "-b", &format!("of-{}", file.replace('/', "-"))]).succeeded();
        // Commits of one second with the same content would be one commit, which is not new the second time.
        client.commit("x", file, &format!("of {:?}\n", client.user));
        let pushed = push(client, &format!("refs/heads/{}", file.replace('/', "-")));
        assert_eq!(pushed.status == 0, is_allowed, "{file}: {pushed}");
        client.git_in("x", &["checkout", "--quiet", "main"]).succeeded();
    }
}

fn a_merge_that_drops_the_changes_of_others_changes_their_paths() {
    let (_hub, alice, bob) = scene(GITHUB, &[]);
    bob.git_in("x", &["checkout", "--quiet", "-b", "feature"]).succeeded();
    bob.commit("x", "feature", "content\n");
    alice.commit("x", ".github/ci.yml", "new steps\n");
    push(&alice, "main").is(&silent());
    bob.git_in("x", &["fetch", "--quiet", "origin"]).succeeded();
    // A merge that keeps the changes of alice.
    bob.git_in("x", &["merge", "--quiet", "--no-edit", "origin/main"]).succeeded();
    push(&bob, "refs/heads/feature").is(&silent());
    // A merge that has her commit in its history, but drops its changes.
    bob.git_in("x", &["checkout", "--quiet", "-b", "dropping", "HEAD~1"]).succeeded();
    bob.commit("x", "more", "content\n");
    bob.git_in("x", &["merge", "--quiet", "--no-edit", "-s", "ours", "origin/main"]).succeeded();
    let said = refusal(&bob, "main");
    assert_eq!(
        said,
        [format!("commit {}: bob may not change .github/ci.yml (deny .github)", head(&bob)), REMEDY.to_owned()]
    );
    // The same with a merge of three parents.
    bob.git_in("x", &["checkout", "--quiet", "-b", "side", "HEAD~1"]).succeeded();
    bob.commit("x", "side", "content\n");
    let side = head(&bob);
    bob.git_in("x", &["checkout", "--quiet", "dropping~1"]).succeeded();
    bob.git_in("x", &["merge", "--quiet", "--no-edit", "-s", "ours", "origin/main", &side]).succeeded();
    let said = refusal(&bob, "main");
    let at = format!("commit {}: bob may not change .github/ci.yml (deny .github)", head(&bob));
    assert!(said.contains(&at), "{said:#?}");
}

fn rules_by_ref_compare_what_a_ref_has_before_and_after_a_push() {
    for format in ["sha1", "sha256"] {
        let (hub, alice, bob) = scene("by-ref; deny .github bob", &["--object-format", format]);
        let main = head(&alice);
        let refused = |branch: &str, path: &str| {
            let remedy = "leave these files as the ref has them, or ask the administrators of the repository";
            let to = format!("refs/heads/{branch}");
            let said = refusal(&bob, &to);
            let line = format!("{to}: bob may not change {path} (deny .github)");
            assert_eq!(said, [line, remedy.to_owned()], "{format}");
        };
        // A commit that changes a file, and one that changes it back.
        bob.commit("x", ".github/ci.yml", "other steps\n");
        refused("main", ".github/ci.yml");
        bob.git_in("x", &["revert", "--no-edit", "HEAD"]).succeeded();
        push(&bob, "main").is(&silent());
        // What the repository has already, by another branch.
        alice.git_in("x", &["pull", "--quiet", "origin", "main"]).succeeded();
        alice.commit("x", ".github/new.yml", "steps\n");
        push(&alice, "other").is(&silent());
        bob.git_in("x", &["fetch", "--quiet", "origin"]).succeeded();
        bob.git_in("x", &["checkout", "--quiet", "--detach", "origin/other"]).succeeded();
        refused("main", ".github/new.yml");
        // A new branch has all of its files, a removed one loses them, and a rewound one those of its commits.
        bob.git_in("x", &["checkout", "--quiet", "--detach", &main]).succeeded();
        refused("fresh", ".github/ci.yml");
        let removed = bob.git_in("x", &["push", "--quiet", "origin", ":other"]);
        assert!(removed.status == 1 && removed.stderr().contains("bob may not change .github/ci.yml"), "{removed}");
        let rewound = bob.git_in("x", &["push", "--quiet", "origin", "+HEAD:other"]);
        assert!(rewound.status == 1 && rewound.stderr().contains("bob may not change .github/new.yml"), "{rewound}");
        bob.git_in("x", &["push", "--quiet", "origin", "+HEAD:main"]).is(&silent());
        let shown = hub.did(&["check", "list", "alice/x"]);
        assert!(shown.contains("by-ref; deny .github bob"), "{shown}");
    }
}

/// Runs git commands in the client's clone, one a line, in which `_` is a blank within a word.
fn steps(client: &Client, lines: &str) {
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<String> = line.split(' ').map(|word| word.replace('_', " ")).collect();
        client.git_in("x", &words.iter().map(String::as_str).collect::<Vec<_>>()).succeeded();
    }
}

fn a_merge_by_which_git_itself_changes_a_path_changes_it() {
    let (_hub, alice, bob) = scene(GITHUB, &[]);
    let text: String = (0..20).map(|line| format!("step {line}\n")).collect();
    alice.commit("x", ".github/ci.yml", &text);
    push(&alice, "main").is(&silent());
    bob.git_in("x", &["pull", "--quiet", "origin", "main"]).succeeded();
    let path = |file: &str| bob.home.join("x").join(file);
    let refused = |about: &str| {
        let said = refusal(&bob, "refs/heads/new");
        let at = format!("commit {}: bob may not change .github/", head(&bob));
        assert!(
            said.iter().all(|line| line.starts_with(&at) || line == REMEDY) && said.len() > 1,
            "{about}: {said:#?}"
        );
        steps(&bob, "checkout --quiet main");
    };
    // A file with the same content has another history, in which the merge removes it: git takes it for renamed.
    steps(&bob, "checkout --quiet --orphan root\nrm --quiet -rf .");
    bob.commit("x", "copy", &text);
    steps(
        &bob,
        "checkout --quiet -b planted main
         merge --quiet --no-edit --allow-unrelated-histories root
         rm --quiet copy
         commit --quiet -m remove
         checkout --quiet root",
    );
    bob.commit("x", "copy", &text.replace("step 7\n", "other step\n"));
    steps(&bob, "checkout --quiet planted\nmerge --quiet --no-edit root");
    assert!(std::fs::read_to_string(path(".github/ci.yml")).expect("a file").contains("other step"));
    refused("a renamed file");
    // A directory that was moved where bob may not write, and a branch from before.
    steps(&bob, "checkout --quiet main");
    std::fs::create_dir(path("ci")).expect("a directory");
    bob.commit("x", "ci/run", &text);
    push(&bob, "main").is(&silent());
    alice.git_in("x", &["pull", "--quiet", "origin", "main"]).succeeded();
    steps(&alice, "mv ci/run .github/run\ncommit --quiet -m move");
    push(&alice, "main").is(&silent());
    steps(&bob, "checkout --quiet -b before main");
    bob.commit("x", "ci/run", &text.replace("step 7\n", "other step\n"));
    bob.commit("x", "ci/more", "more steps\n");
    steps(&bob, "fetch --quiet origin\n-c merge.directoryRenames=true merge --quiet --no-edit origin/main");
    assert!(path(".github/more").exists() && path(".github/run").exists(), "git has moved both");
    refused("a renamed directory");
    // The text of a conflict, as git writes it.
    for (client, branch) in [(&alice, "main"), (&bob, "conflict")] {
        client.git_in("x", &["checkout", "--quiet", "-B", branch]).succeeded();
    }
    alice.git_in("x", &["checkout", "--quiet", "-b", "rel"]).succeeded();
    alice.commit("x", ".github/ci.yml", "one\n");
    push(&alice, "rel").is(&silent());
    alice.git_in("x", &["checkout", "--quiet", "main"]).succeeded();
    alice.commit("x", ".github/ci.yml", "two\n");
    push(&alice, "main").is(&silent());
    steps(&bob, "fetch --quiet origin\ncheckout --quiet -B conflict origin/main");
    assert_eq!(bob.git_in("x", &["merge", "--quiet", "--no-edit", "origin/rel"]).status, 1);
    steps(&bob, "add .github/ci.yml\ncommit --quiet -m conflict");
    refused("a conflict");
}

fn the_commits_of_a_refused_ref_are_checked_too() {
    let (hub, _alice, bob) = scene(GITHUB, &[]);
    hub.did(&["rule", "add", "alice/x", "deny create refs/heads/closed @write"]);
    bob.commit("x", "file", "harmless\n");
    bob.git_in("x", &["branch", "harmless"]).succeeded();
    bob.commit("x", ".github/ci.yml", "bad steps\n");
    let push = |refs: [&str; 2]| bob.git_in("x", &[&["push", "--quiet", "origin"][..], &refs].concat());
    // Another session may change that answer before the refs move, so the commits would enter unchecked.
    let pushed = push(["harmless:refs/heads/open", "HEAD:refs/heads/closed"]);
    assert!(pushed.status == 1 && pushed.stderr().contains("bob may not change .github/ci.yml"), "{pushed}");
    assert_eq!(hub.git_in("alice/x", &["for-each-ref", "--format=%(refname)", "refs/heads"]), "refs/heads/main\n");
    push(["harmless:refs/heads/open", "harmless:refs/heads/closed"]);
    assert_eq!(
        hub.git_in("alice/x", &["for-each-ref", "--format=%(refname)", "refs/heads"]),
        "refs/heads/main\nrefs/heads/open\n"
    );
}

fn a_proposal_is_checked_when_a_branch_takes_it_over() {
    let (hub, alice, bob) = scene("off", &[]);
    bob.commit("x", ".github/ci.yml", "bad steps\n");
    push(&bob, "refs/heads/other").is(&silent());
    hub.git_in("alice/x", &["update-ref", "refs/pr/1", &head(&bob)]);
    hub.git_in("alice/x", &["update-ref", "-d", "refs/heads/other"]);
    alice.ssh(format!("check set alice/x path {GITHUB}")).succeeded();
    let said = refusal(&bob, "main");
    assert!(said[0].ends_with("bob may not change .github/ci.yml (deny .github)"), "{said:#?}");
}

fn rules_for_paths_are_set_shown_and_stay_with_their_users() {
    let (hub, alice, bob) = scene("allow docs bob; deny ** @write", &[]);
    let shown = "path of alice/x: allow docs bob; deny ** @write\n";
    alice.ssh("check set alice/x path allow docs/** bob; deny ** @write").is(&says(shown));
    hub.did(&["user", "rename", "bob", "robert"]);
    hub.did(&["user", "add", "bob2"]);
    let list = hub.did(&["check", "list", "alice/x"]);
    assert!(list.contains("path               allow docs robert; deny ** @write  repository\n"), "{list}");
    let export = hub.did(&["export"]);
    assert!(export.contains(r#""path":"allow docs robert; deny ** @write""#), "{export}");
    std::fs::create_dir_all(bob.home.join("x/docs")).expect("a directory");
    bob.commit("x", "docs/a", "content\n");
    push(&bob, "main").is(&silent());
    let bad = "hubgate: the value of path is rules such as: allow .github bob; deny .github @everyone, or off\n";
    for value in ["deny /a @write", "deny a", "on"] {
        alice.ssh(format!("check set alice/x path {value}")).is(&refused(bad).status(2));
    }
    let nobody = alice.ssh("check set alice/x path deny a nobody");
    assert!(nobody.status == 1 && nobody.stderr().contains("there is no user nobody"), "{nobody}");
    // Six changes, of which the client reads five.
    hub.did(&["check", "set", "alice/x", "path", "deny ** @write"]);
    for number in 0..6 {
        run(bob.git_command("x").args(["commit", "--quiet", "--allow-empty", "-m", "empty"])).succeeded();
        bob.commit("x", &format!("f{number}"), "content\n");
    }
    let said = refusal(&bob, "main");
    assert!(said.len() == 7 && said[5] == "1 more change of this push is refused", "{said:#?}");
}
