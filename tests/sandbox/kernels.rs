//! Kernels that do not support the whole sandbox: what is served and what is logged.

use std::path::Path;

use hubgate::sandbox::Mode;

use crate::inside::{Session, kernel_abi, word};
use crate::store::Store;

pub(crate) const TRIALS: &[(&str, fn())] = &[
    ("landlock_1_confines_a_fetch_but_not_a_push_and_is_logged", landlock_1),
    ("a_kernel_without_landlock_serves_and_is_logged", without_landlock),
    ("a_kernel_without_seccomp_serves_and_is_logged", without_seccomp),
    ("mode_required_serves_only_in_the_whole_sandbox", required),
    ("mode_off_has_no_sandbox_and_is_logged", off),
];

/// A missing feature, and the words that the log shows for a fetch and a push.
struct Lacking {
    key: &'static str,
    value: &'static str,
    fetch: String,
    push: String,
}

impl Lacking {
    /// Checks that mode `best-effort` serves a fetch and a push.
    fn is_served(&self) {
        let store = Store::new();
        let session = store.session(Mode::BestEffort).with(self.key, self.value);
        let url = Store::url(&store.own());
        let commit = store.commit("work", "file", "one");
        store.git_by(&session, &["-C", "work", "push", "--quiet", &url, "main"]);
        assert_eq!(store.told(), format!("{}\n", self.push));
        store.git_by(&session, &["clone", "--quiet", &url, "clone"]);
        assert_eq!(store.told(), format!("{}\n", self.fetch));
        assert!(store.refs().contains(&commit));
    }
}

fn landlock_1() {
    let fetch = word(1);
    let push = if kernel_abi() == 0 { word(0) } else { "no-landlock(abi1)+seccomp".to_owned() };
    Lacking { key: "abi", value: "1", fetch, push }.is_served();
}

fn without_landlock() {
    for (value, errno) in [("landlock", "ENOSYS"), ("landlock-off", "EOPNOTSUPP")] {
        let word = format!("no-landlock({errno})+seccomp");
        Lacking { key: "missing", value, fetch: word.clone(), push: word }.is_served();
    }
}

fn without_seccomp() {
    let word = word(7).replace("+seccomp", "+no-seccomp(EINVAL)");
    Lacking { key: "missing", value: "seccomp", fetch: word.clone(), push: word }.is_served();
}

fn required() {
    if kernel_abi() < 2 {
        return;
    }
    let store = Store::new();
    let url = Store::url(&store.own());
    let whole = store.session(Mode::Required);
    store.commit("work", "file", "one");
    store.git_by(&whole, &["-C", "work", "push", "--quiet", &url, "main"]);
    store.git_by(&whole, &["clone", "--quiet", &url, "clone"]);
    assert_eq!(store.told(), format!("{}\n", word(7)).repeat(2));

    store.git_by(&whole.clone().with("abi", 1), &["ls-remote", "--quiet", &url]);
    assert_eq!(store.told(), word(1) + "\n");
    store.commit("work", "file", "two");
    let refs = store.refs();
    let landlock = "[sandbox] mode is \"required\", but Landlock is not available: ";
    let seccomp = "[sandbox] mode is \"required\", but system calls cannot be filtered: ";
    for (key, value, why) in [
        ("abi", "1", landlock.to_owned() + "abi1"),
        ("abi", "0", landlock.to_owned() + "ENOSYS"),
        ("missing", "landlock", landlock.to_owned() + "ENOSYS"),
        ("missing", "landlock-off", landlock.to_owned() + "EOPNOTSUPP"),
        ("missing", "seccomp", seccomp.to_owned() + "EINVAL: Invalid argument"),
    ] {
        let session = whole.clone().with(key, value);
        store.refused_by(&session, &["-C", "work", "push", "--quiet", &url, "main"]);
        assert_eq!(store.told(), why.clone() + "\n");
        if (key, value) != ("abi", "1") {
            store.refused_by(&session, &["ls-remote", &url]);
            assert_eq!(store.told(), why + "\n");
        }
    }
    assert_eq!(store.refs(), refs);
}

fn off() {
    let store = Store::new();
    let session: Session = store.session(Mode::Off);
    store.git_by(&session, &["ls-remote", &Store::url(Path::new(&store.own()))]);
    assert_eq!(store.told(), "off\n");
}
