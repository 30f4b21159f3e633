use super::*;
use crate::access::rule::Rule;
use crate::name::Owner;

fn source(files: &[(&str, &str)]) -> Source {
    let files = files.iter().map(|(name, text)| ((*name).to_owned(), Ok((*text).to_owned()))).collect();
    Source { files, ..Source::default() }
}

fn conf(text: &str) -> Conf {
    read(&source(&[("gitolite.conf", text)]))
}

fn line(rule: &RuleText) -> String {
    let who = match &rule.who {
        Who::Everyone => "@everyone".to_owned(),
        Who::Users(named) => named.users.join(" "),
    };
    format!("{} {} {} {who}", rule.verdict, rule.actions, rule.pattern)
}

/// The people of a repository, with a `+` for those who may push, and its rules.
fn of(conf: &Conf, name: &str) -> (String, Vec<String>) {
    let repository = conf.repositories.iter().find(|repository| repository.name == name).expect("a repository");
    let people =
        repository.people.iter().map(|person| format!("{}{}", person.name, if person.writes { "+" } else { "" }));
    let rules: Vec<String> = repository.rules.iter().map(line).collect();
    for rule in &rules {
        rule.parse::<Rule<Owner>>().unwrap_or_else(|error| panic!("{rule}: {error}"));
    }
    (people.collect::<Vec<_>>().join(" "), rules)
}

fn lost(conf: &Conf) -> Vec<(Kind, usize)> {
    conf.lost.iter().map(|lost| (lost.kind, lost.place.line)).collect()
}

/// The closing rules of a repository where some may push and not rewind.
const NO_TAG: &str = "deny update refs/tags/** @everyone";
const NO_INNER_TAG: &str = "deny update refs/**refs/tags/** @everyone";
const END: &str = "deny all ** @everyone";

#[test]
fn letters_become_actions_with_gitolites_meaning() {
    let text = "repo full\n RW+ = alice bob\n R = carol\n\
                repo plain\n RW = alice\n\
                repo mixed\n RW+ = alice\n RW = bob\n R = carol\n\
                repo create\n RW+C = alice\n RW+ = bob\n RW = carol\n\
                repo delete\n RW+D = alice\n RWD = bob\n RW+ = carol\n\
                repo both\n RW+CD = alice\n RWDC = bob\n";
    let conf = conf(text);
    assert_eq!(of(&conf, "full"), ("alice+ bob+ carol".to_owned(), Vec::new()));
    assert_eq!(
        of(&conf, "plain"),
        (
            "alice+".to_owned(),
            vec![NO_TAG.into(), NO_INNER_TAG.into(), "allow create,update ** alice".into(), END.into()]
        )
    );
    assert_eq!(
        of(&conf, "mixed").1,
        [
            "allow update refs/tags/** alice",
            NO_TAG,
            NO_INNER_TAG,
            "allow all ** alice",
            "allow create,update ** bob",
            END
        ]
    );
    assert_eq!(
        of(&conf, "create").1,
        [
            "allow update refs/tags/** alice bob",
            NO_TAG,
            NO_INNER_TAG,
            "allow all ** alice",
            "allow update,force,delete ** bob",
            "allow update ** carol",
            END
        ]
    );
    assert_eq!(
        of(&conf, "delete").1[3..],
        ["allow all ** alice", "allow create,update,delete ** bob", "allow create,update,force ** carol", END]
    );
    assert_eq!(of(&conf, "both").1[3..], ["allow all ** alice", "allow create,update,delete ** bob", END]);
    assert_eq!((&conf.lost, &conf.unread), (&Vec::new(), &Vec::new()));
}

#[test]
fn a_refex_is_a_pattern_and_reads_whatever_it_is() {
    let text = "repo r\n\
                \x20 - master = bob\n\
                \x20 RW+ dev/ refs/tags/v[0-9] = alice\n\
                \x20 RW master$ = bob @all\n\
                \x20 RW+ users/USER/ = @all\n\
                \x20 RW refs/tags/ = carol\n\
                \x20 RW [^m] = dave\n";
    let conf = conf(text);
    let (people, rules) = of(&conf, "r");
    assert_eq!(people, "alice+ bob+ carol+ dave+");
    assert_eq!(
        rules,
        [
            "deny all refs/heads/master** bob",
            "allow all refs/heads/dev/** alice",
            "allow all refs/tags/v0** alice",
            "allow all refs/tags/v1** alice",
            "allow all refs/tags/v2** alice",
            "allow all refs/tags/v3** alice",
            "allow all refs/tags/v4** alice",
            "allow all refs/tags/v5** alice",
            "allow all refs/tags/v6** alice",
            "allow all refs/tags/v7** alice",
            "allow all refs/tags/v8** alice",
            "allow all refs/tags/v9** alice",
            "allow create,update refs/heads/master @everyone",
            "allow all refs/heads/users/{user}/** @everyone",
            "allow create refs/tags/** carol",
            END
        ]
    );
    assert_eq!(lost(&conf), [(Kind::Everybody, 4), (Kind::Refex, 7)]);
    // Without another rule, the user may only read.
    let conf = self::conf("repo r\n RW [^m] = dave\n");
    assert_eq!(of(&conf, "r"), ("dave".to_owned(), Vec::new()));
    assert_eq!(lost(&conf), [(Kind::Push, 2), (Kind::Refex, 2)]);
}

#[test]
fn a_rule_that_denies_takes_only_what_it_concerns() {
    let conf = conf("repo r\n R = @all\n - master = @all\n - VREF/NAME/doc/ = bob\n RW = alice bob\n");
    let (people, rules) = of(&conf, "r");
    assert_eq!((people.as_str(), files_of(&conf, "r").as_str()), ("alice+ bob+", "deny doc/* bob"));
    assert!(rules.contains(&"deny all refs/heads/master** @everyone".to_owned()));
    assert_eq!(lost(&conf), []);
    let conf = self::conf("repo r\n R = @all\n - master = @all\n - VREF/COUNT/9 = bob\n RW = alice bob\n");
    let (people, rules) = of(&conf, "r");
    assert_eq!((people.as_str(), rules[0].as_str()), ("alice+ bob", "deny all ** bob"));
    assert_eq!(lost(&conf), [(Kind::Push, 5), (Kind::Check, 4)]);
    assert_eq!(conf.repositories[0].everyone_reads.as_ref().map(|place| place.line), Some(2));
    // Visibility has no exceptions.
    let conf = self::conf("repo r\n option deny-rules = 1\n - = bob\n R = @all\n");
    assert_eq!((conf.repositories[0].everyone_reads.clone(), lost(&conf)), (None, vec![(Kind::Everybody, 4)]));
    // With the option, a rule that denies counts before git runs, and all rules read.
    for (text, people) in [
        ("repo r\n - master = bob\n RW = bob\n option deny-rules = 1\n", ""),
        ("repo r\n RW = bob\n - master = bob\n option deny-rules = 1\n", "bob+"),
        ("repo r\n - = bob\n RW = bob\n option deny-rules = 1\n option deny-rules = 0\n", "bob"),
        ("repo @all\n option deny-rules = 1\nrepo r\n - = @x\n RW = bob\n", ""),
    ] {
        assert_eq!(of(&self::conf(text), "r").0, people, "{text}");
    }
}

/// The rules for files of a repository.
fn files_of(conf: &Conf, name: &str) -> String {
    let repository = conf.repositories.iter().find(|repository| repository.name == name).unwrap();
    let line = |path: &PathText| {
        let who = match &path.who {
            Who::Everyone => "@everyone".to_owned(),
            Who::Users(named) => named.users.join(" "),
        };
        format!("{} {} {who}", path.verdict, path.pattern)
    };
    repository.paths.iter().map(line).collect::<Vec<_>>().join("; ")
}

#[test]
fn rules_for_files_become_rules_for_paths_and_other_checks_block_the_users_that_they_can_refuse() {
    for (rules, people, paths) in [
        ("RW+ = alice bob\n - NAME/doc/ = bob", "alice+ bob+", "deny doc/* bob"),
        ("RW+ NAME/ = alice\n - NAME/x = @all\n RW+ = alice bob", "alice+ bob+", "allow ** alice; deny x** bob"),
        ("RW+ NAME/x.c = alice\n - NAME/x.c = @all\n RW+ = alice bob", "alice+ bob+", "deny x**c** bob"),
        ("- NAME/x = @all\n RW+ NAME/ = alice\n RW+ = alice", "alice+", "deny x** @everyone; allow ** alice"),
        ("RW+ NAME/x = bob\n - NAME/ = @all\n RW+ = bob", "bob+", "allow x** bob; deny ** @everyone"),
        ("RW+ NAME/x = bob\n RW+ = bob", "bob+", ""),
        ("RW+ NAME/x$ = bob\n - NAME/ = bob\n RW+ = bob", "bob+", "deny ** bob"),
        ("- NAME/u/USER/ = bob\n RW+ = alice bob", "alice+ bob", ""),
        ("- NAME/[ab] = bob\n - NAME/c = bob\n RW+ = alice bob", "alice+ bob", "deny c** bob"),
        ("- VREF/COUNT/9 = bob\n RW+ = alice bob", "alice+ bob", ""),
        ("- NAME/x = READERS\n RW+ = bob", "bob+", "deny x** @everyone"),
        ("RW+ NAME/ = WRITERS\n - NAME/x = @all\n RW+ = bob", "bob+", "deny x** @everyone"),
        ("R = alice\n RW VREF/X/ = bob\n RW+ = alice bob", "alice+ bob+", ""),
    ] {
        let conf = conf(&format!("repo r\n {rules}\n"));
        assert_eq!((of(&conf, "r").0.as_str(), files_of(&conf, "r").as_str()), (people, paths), "{rules}");
    }
    // Who may push checked files may not rewind with them.
    let conf = conf("repo r\n RW NAME/ = alice\n - NAME/ = @all\n RW+ = alice\n");
    assert_eq!(files_of(&conf, "r"), "allow ** alice; deny ** @everyone");
    assert_eq!(
        of(&conf, "r"),
        (
            "alice+".to_owned(),
            vec![
                "deny force,delete ** alice".into(),
                "deny update refs/tags/** alice".into(),
                "deny update refs/**refs/tags/** alice".into(),
                "allow all ** alice".into(),
                END.into()
            ]
        )
    );
}

#[test]
fn a_group_in_a_group_has_the_members_of_its_line_and_a_group_in_a_rule_the_last_ones() {
    let text = "@a = alice\n@b = @a bob\n@a = carol\n@c = @all\nrepo @r x\n R = @b\n RW+ = @a\n R = @c\n@r = y\n";
    let conf = conf(text);
    for name in ["x", "y"] {
        assert_eq!(of(&conf, name).0, "alice+ bob carol+");
    }
    assert_eq!(lost(&conf), []);
}

#[test]
fn rules_deny_everything_to_users_that_an_option_denies_everything() {
    let conf = conf("repo r\n option deny-rules = 1\n - x = bob\n RW+ = alice bob\n");
    let (people, rules) = of(&conf, "r");
    let closed: Vec<String> = conf.repositories[0].closed_rules.iter().map(line).collect();
    assert_eq!((people.as_str(), rules), ("alice+", Vec::new()));
    assert_eq!(closed, ["deny all ** bob", "deny all refs/heads/x** bob", "allow all ** alice bob", END]);
}

#[test]
fn groups_of_users_are_kept_beside_the_users() {
    let text = "@a = alice gitweb\n@b = @a bob @all\n@a = carol\n@r = x\n@unused = dave\n\
                repo @r\n - master = @a bob\n RW+ = @b\n R = @a @all daemon erin\n";
    let conf = conf(text);
    let groups: Vec<String> = conf
        .groups
        .iter()
        .map(|(group, users)| format!("{group}: {}", users.iter().map(|user| &**user).collect::<Vec<_>>().join(" ")))
        .collect();
    assert_eq!(groups, ["@a: alice carol", "@b: alice bob"]);
    let repository = conf.repositories.iter().find(|repository| repository.name == "x").unwrap();
    let named: Vec<(&Name, bool)> = repository.named.iter().map(|(name, right)| (name, right.writes)).collect();
    let [a, b, erin] = ["@a", "@b", "erin"].map(Rc::<str>::from);
    let expected = [(Name::All, false), (Name::Group(a), false), (Name::Group(b), true), (Name::User(erin), false)];
    assert_eq!(named, expected.each_ref().map(|(name, writes)| (name, *writes)));
    let Who::Users(who) = &repository.rules[0].who else { panic!("{repository:?}") };
    let names = |names: &BTreeSet<Rc<str>>| names.iter().map(|name| &**name).collect::<Vec<_>>().join(" ");
    assert_eq!((names(&who.groups), names(&who.alone)), ("@a".to_owned(), "bob".to_owned()));
}

#[test]
fn a_group_that_is_not_known_gives_nothing_and_denies_everybody() {
    for group in ["@nobody", "CREATOR", "READERS", "@WRITERS"] {
        let conf = conf(&format!("repo r\n RW+ = {group} alice\n"));
        assert_eq!(of(&conf, "r"), ("alice+".to_owned(), Vec::new()), "{group}");
        let conf = self::conf(&format!("repo r\n - master = {group}\n RW+ = alice\n"));
        assert_eq!(of(&conf, "r").1[0], "deny all refs/heads/master** @everyone", "{group}");
        assert_eq!(lost(&conf), [(Kind::Group, 2)], "{group}");
    }
    let mut source = source(&[("gitolite.conf", "@d = dave\nrepo r\n - master = @d\n RW+ = @d @e\n")]);
    source.directories = BTreeMap::from([("d".to_owned(), BTreeSet::from(["erin".to_owned()]))]);
    let conf = read(&source);
    assert_eq!(of(&conf, "r").0, "dave+");
    assert_eq!(of(&conf, "r").1[0], "deny all refs/heads/master** dave erin");
    assert_eq!(lost(&conf), [(Kind::Group, 4), (Kind::Directory, 3), (Kind::Directory, 4)]);
    // With gitolite's own configuration, both are known.
    source.enabled = Some(BTreeSet::new());
    let conf = read(&source);
    assert_eq!(
        (of(&conf, "r").0.as_str(), of(&conf, "r").1[0].as_str()),
        ("dave+", "deny all refs/heads/master** dave")
    );
    source.enabled = Some(BTreeSet::from(["keysubdirs-as-groups".to_owned()]));
    let conf = read(&source);
    assert_eq!((of(&conf, "r").0.as_str(), lost(&conf)), ("dave+ erin+", Vec::new()));
}

#[test]
fn rules_for_a_pattern_concern_the_repositories_that_are_named() {
    let text = "repo foo/..*\n - master = bob\n R = carol\n\
                repo CREATOR/..*\n - = dave\n RW+ = erin\n\
                repo @all\n R = frank\n\
                @p = foo/b.*\nrepo @p\n R = grace\n\
                repo foo/bar foo/x\n RW+ = bob dave\n";
    let conf = conf(text);
    assert_eq!(of(&conf, "foo/bar").0, "bob+ carol dave frank grace");
    assert_eq!(of(&conf, "foo/x").0, "bob+ carol dave frank");
    assert_eq!(of(&conf, "foo/x").1[..2], ["deny all refs/heads/master** bob", "deny all ** dave"]);
    assert!(lost(&conf).contains(&(Kind::Pattern, 6)));
    // What is not understood may be any repository.
    let conf = self::conf("repo foo(x\n - = bob\nrepo r\n RW+ = bob\n");
    assert_eq!(conf.unread.len(), 1, "{conf:?}");
    let conf = self::conf("repo f(x\n - = bob\n RW = dave\nrepo r\n RW+ = bob\n");
    assert_eq!((of(&conf, "r").0.as_str(), conf.unread.len()), ("bob", 1));
}

#[test]
fn rules_about_merges_and_for_services_are_reported() {
    let conf = conf("repo r\n RW+M = alice\n RW+ = bob\n R = daemon gitweb\n");
    assert_eq!(of(&conf, "r").0, "alice+ bob+");
    assert!(of(&conf, "r").1.contains(&"allow create,delete ** bob".to_owned()));
    assert_eq!(lost(&conf), [(Kind::Merge, 3), (Kind::Service, 4)]);
}

#[test]
fn a_subconf_has_rules_for_its_own_repositories_alone() {
    let text = "@sub = own [a-z]*/own\nsubconf \"sub.conf\"\nrepo other\n R = alice\n";
    let sub = "@other = other\nrepo own a/own other\n RW+ = bob\nrepo @other @sub.other\n RW+ = carol\n";
    let conf = read(&source(&[("gitolite.conf", text), ("sub.conf", sub)]));
    for (name, people) in [("own", "bob+"), ("a/own", "bob+"), ("other", "alice")] {
        assert_eq!(of(&conf, name).0, people, "{name}");
    }
    assert!(!conf.ignored.is_empty(), "{conf:?}");
}

#[test]
fn what_gitolite_would_not_accept_is_not_read() {
    for text in [
        "@a = @b",
        "@a = !x",
        "repo !x",
        "repo r\n R = !x",
        "repo r\n RW !x = a",
        "repo r\n RW @x = a",
        "what is this",
        "repo r\n RWM+ = a",
        "\u{feff}repo r",
    ] {
        assert_eq!(conf(text).unread.len(), 1, "{text}");
    }
    let conf = conf("repo r\n config hooks.x = y\n desc = \"a\"\n option x = y\nr \"A\" = \"b\"\n");
    assert_eq!((conf.settings, conf.unread), (2, Vec::new()));
    assert_eq!(self::conf("\n\n# nothing\n"), Conf::default());
}

#[test]
fn users_who_may_create_repositories_are_found() {
    let conf = conf("@c = carol\nrepo x/.*\n C = alice @c\n RW+C = bob\n");
    assert_eq!(conf.creators, (BTreeSet::from(["alice".into(), "carol".into()]), false));
    assert!(self::conf("repo x/.*\n C = @all\n").creators.1);
}

#[test]
fn a_user_who_is_denied_everything_may_not_write_whatever_rules_follow() {
    for text in ["RW = admin\n RW+ = admin\n", "RW+ refs/tags/v = admin\n RW = admin\n", "RW+CD = admin\n"] {
        let conf = conf(&format!("repo @all\n - = @all\nrepo b/y\n {text}"));
        assert_eq!(of(&conf, "b/y").0, "admin", "{text}");
    }
}

#[test]
fn the_last_description_of_a_repository_counts() {
    let conf = conf(
        "@g = b c\nrepo a @g\n R = alice\n desc = \"One  text\"\nrepo b\n config gitweb.description = 'Two'\n\
         repo c\n config gitweb.description = \"\"\nd \"Owner\" = \"Three\"\ne = \"Four # of them\"\nrepo f\n R = bob\n\
         repo [g-h]\n desc = Five\nrepo h\n R = bob\n",
    );
    let found: Vec<(&str, Option<&str>)> = conf
        .repositories
        .iter()
        .map(|repository| (repository.name.as_str(), repository.description.as_deref()))
        .collect();
    let expected = [
        ("a", Some("One text")),
        ("b", Some("Two")),
        ("c", None),
        ("d", Some("Three")),
        ("e", Some("Four # of them")),
        ("f", None),
        ("h", Some("Five")),
    ];
    assert_eq!(found, expected);
    assert_eq!((conf.settings, conf.unread), (0, Vec::new()));
}
