//! Objects that git never writes, and that could harm a checkout. git's own check (git-fsck(1), "FSCK MESSAGES")
//! refuses a push of such an object, and nothing of the push stays.

use crate::harness::{Client, Hub, run_with, silent, trials};

trials![each_broken_object_is_refused_with_the_name_of_the_fault];

/// Makes arbitrary objects in a client's working tree.
struct Maker<'a>(&'a Client);

impl Maker<'_> {
    fn object(&self, kind: &str, bytes: &[u8]) -> String {
        let mut hash = self.0.git_command("x");
        let outcome = run_with(hash.args(["hash-object", "-t", kind, "--literally", "-w", "--stdin"]), bytes);
        outcome.succeeded().stdout().trim_end().to_owned()
    }

    /// A tree with these entries in this order; each has a mode and an object id.
    fn tree(&self, entries: &[(&str, &str, &str)]) -> String {
        let raw = |id: &str| -> Vec<u8> {
            (0..40).step_by(2).map(|at| u8::from_str_radix(&id[at..at + 2], 16).expect("hexadecimal")).collect()
        };
        let entry = |(mode, name, id): &(&str, &str, &str)| [format!("{mode} {name}\0").as_bytes(), &raw(id)].concat();
        self.object("tree", &entries.iter().flat_map(entry).collect::<Vec<u8>>())
    }

    fn commit(&self, tree: &str) -> String {
        let commit = self.0.git_in("x", &["commit-tree", "-m", "evil", tree]);
        commit.succeeded().stdout().trim_end().to_owned()
    }
}

fn each_broken_object_is_refused_with_the_name_of_the_fault() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let _master = alice.master();
    alice.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
    let make = Maker(&alice);
    let blob = make.object("blob", b"blob\n");
    let empty = make.tree(&[]);
    let file = |name: &str| make.tree(&[("100644", name, &blob)]);
    let modules = |text: &str| {
        let text = make.object("blob", format!("[submodule \"x\"]\n\turl = ok\n\tpath = x\n{text}").as_bytes());
        make.tree(&[("100644", ".gitmodules", &text)])
    };
    let link = make.object("blob", b"/etc/passwd");
    let trees = [
        // Names that a client's git would treat as its own files.
        ("hasDotgit", file(".git")),
        ("hasDotgit", file(".GIT")),
        ("hasDotgit", file("git~1")),
        ("hasDotgit", make.tree(&[("40000", ".git", &empty)])),
        ("hasDotgit", file(".g\u{200c}it")),
        ("hasDotdot", file("..")),
        ("hasDot", file(".")),
        ("fullPathname", file("a/b")),
        // Trees that two programs could read differently.
        ("treeNotSorted", make.tree(&[("100644", "b", &blob), ("100644", "a", &blob)])),
        ("duplicateEntries", make.tree(&[("100644", "a", &blob), ("100644", "a", &blob)])),
        // CVE-2018-11235, CVE-2018-17456, CVE-2020-5260 and similar: contents of `.gitmodules`.
        ("gitmodulesSymlink", make.tree(&[("120000", ".gitmodules", &link)])),
        ("gitmodulesName", modules("[submodule \"../../x\"]\n\turl = ok\n")),
        ("gitmodulesUrl", modules("[submodule \"y\"]\n\turl = -u./payload\n")),
        ("gitmodulesUrl", modules("[submodule \"y\"]\n\turl = https://a.example/%0ahost=b\n")),
        ("gitmodulesPath", modules("[submodule \"y\"]\n\turl = ok\n\tpath = -x\n")),
        ("gitmodulesUpdate", modules("[submodule \"y\"]\n\turl = ok\n\tupdate = !id\n")),
    ];
    let author = "A <a@example.com> 1700000000 +0000";
    let commit = |text: String| make.object("commit", format!("tree {empty}\n{text}\nevil\n").as_bytes());
    let commits = [
        ("missingAuthor", commit(format!("committer {author}\n"))),
        ("missingCommitter", commit(format!("author {author}\n"))),
        ("badDate", commit(format!("author A <a@example.com> x +0000\ncommitter {author}\n"))),
        ("missingEmail", commit(format!("author A\ncommitter {author}\n"))),
        ("nulInHeader", commit(format!("author A\0 <a@example.com> 1 +0000\ncommitter {author}\n"))),
    ];
    let trees = trees.into_iter().map(|(name, tree)| (name, make.commit(&tree)));
    let mut refused = 0;
    for (name, commit) in trees.chain(commits) {
        let push = ["push", "--quiet", "origin", &format!("{commit}:refs/heads/evil")];
        let outcome = alice.git_in("x", &push);
        assert!(outcome.status == 1 && outcome.stderr().contains(&format!(" {name}: ")), "{name}: {outcome}");
        refused += 1;
    }
    assert_eq!(refused, 21);
    let refs = hub.git_in("alice/x", &["for-each-ref"]);
    assert!(!refs.contains("evil"), "{refs}");
    // Without the fault, the push is accepted, so the check is what refuses it.
    let sound = make.commit(&modules(""));
    alice.git_in("x", &["push", "--quiet", "origin", &format!("{sound}:refs/heads/fine")]).is(&silent());
}
