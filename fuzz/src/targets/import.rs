//! The configuration of another server.

use std::collections::BTreeMap;

use hubgate::access::rule::Pattern;

use crate::gitolite::{Conf, Source, read};

/// Arbitrary text as a `gitolite.conf` that may include itself and a second file.
///
/// Each result names a line of a file, and each rule has a pattern. If a rule denies everything to all users before any
/// other rule, no user may push, and the same users may read.
pub fn gitolite_conf(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let of = |text: &str| -> Conf {
        let (first, second) = text.split_once("\0").unwrap_or((text, ""));
        let files = [("gitolite.conf", first), ("b.conf", second)];
        let files = files.into_iter().map(|(name, text)| (name.to_owned(), Ok(text.to_owned())));
        read(&Source { files: files.collect(), directories: BTreeMap::new(), enabled: None })
    };
    let conf = of(text);
    let lines = text.split('\n').count();
    let people = |conf: &Conf| -> Vec<(String, String)> {
        let all = conf.repositories.iter().map(|repository| (repository, &repository.people));
        all.flat_map(|(repository, people)| people.iter().map(|one| (repository.name.clone(), one.name.to_string())))
            .collect()
    };
    for repository in &conf.repositories {
        for rule in &repository.rules {
            assert!(rule.pattern.parse::<Pattern>().is_ok(), "{rule:?}");
        }
        assert!(repository.people.iter().all(|person| (1..=lines).contains(&person.place.line)), "{repository:?}");
        assert!(repository.people.iter().all(|person| !person.name.starts_with('@')), "{repository:?}");
    }
    assert!(conf.lost.iter().all(|lost| (1..=lines).contains(&lost.place.line) && !lost.what.is_empty()));
    assert_eq!(of(text), conf);
    let denied = of(&format!("repo @all\n    - = @all\n{text}"));
    let is_quiet = conf.repositories.iter().flat_map(|repository| &repository.people).all(|person| !person.writes);
    assert!(denied.repositories.iter().flat_map(|repository| &repository.people).all(|person| !person.writes));
    // The text may say that rules that deny count before git runs, or begin with rules for no repository. gitolite
    // ignores a line `repo` without names.
    let names_first = text.trim_start().lines().next().and_then(|line| line.strip_prefix("repo "));
    if !text.contains("deny-rules") && names_first.is_some_and(|names| !names.trim().is_empty()) {
        assert_eq!(people(&denied), people(&conf));
    }
    !conf.repositories.is_empty() && !is_quiet
}
