use proptest::prelude::{Strategy, any};
use proptest::{prop_assert, prop_assert_eq, prop_oneof, sample};

use super::{HubScope, Name, NameError, Owner, RESERVED_OWNERS, RepoKind, RepoPath, Shown, Title, fold, is_invisible};
use crate::tests::{HostileInput, holds, hostile_inputs};

#[test]
fn owners_and_names_are_path_components() {
    let (longest, longer) = ("a".repeat(96), "a".repeat(97));
    for (text, expected) in [
        ("a", Ok(())),
        ("0", Ok(())),
        ("_", Ok(())),
        ("A1_b.c-d", Ok(())),
        ("a.-b", Ok(())),
        ("a-.b", Ok(())),
        ("a__b", Ok(())),
        ("git", Ok(())),
        ("agit", Ok(())),
        ("x.git.y", Ok(())),
        ("x.gitx", Ok(())),
        (&longest, Ok(())),
        ("", Err(NameError::Empty)),
        (&longer, Err(NameError::TooLong(96))),
        ("a b", Err(NameError::Character)),
        ("a/b", Err(NameError::Character)),
        ("a\\b", Err(NameError::Character)),
        ("a\"", Err(NameError::Character)),
        ("a'", Err(NameError::Character)),
        ("a=b", Err(NameError::Character)),
        ("a\0", Err(NameError::Character)),
        ("a\n", Err(NameError::Character)),
        ("\u{430}lice", Err(NameError::Character)),
        (".a", Err(NameError::Edge)),
        ("a.", Err(NameError::Edge)),
        ("-a", Err(NameError::Edge)),
        ("a-", Err(NameError::Edge)),
        ("..", Err(NameError::Edge)),
        (".git", Err(NameError::Edge)),
        ("a..b", Err(NameError::Doubled)),
        ("a--b", Err(NameError::Doubled)),
    ] {
        assert_eq!(text.parse::<Owner>().map(drop), expected, "owner {text:?}");
        assert_eq!(text.parse::<Name>().map(drop), expected, "name {text:?}");
    }
}

#[test]
fn a_name_must_not_end_in_git_but_an_owner_may() {
    for text in ["x.git", "x.GIT", "x.gIt", "x.y.git"] {
        assert_eq!(text.parse::<Name>(), Err(NameError::GitSuffix), "{text}");
        assert!(text.parse::<Owner>().is_ok(), "{text}");
    }
}

#[test]
fn a_new_account_has_at_most_40_characters_and_no_reserved_name() {
    assert!(Owner::new_account(&"a".repeat(40)).is_ok());
    assert_eq!(Owner::new_account(&"a".repeat(41)), Err(NameError::TooLong(40)));
    assert_eq!(Owner::new_account(""), Err(NameError::Empty));
    let design = "anonymous models datasets spaces kernels buckets root git hubgate admin";
    assert_eq!(RESERVED_OWNERS.to_vec(), design.split(' ').collect::<Vec<_>>());
    for word in RESERVED_OWNERS {
        for text in [word.to_owned(), word.to_uppercase(), format!("{}{}", word[..1].to_uppercase(), &word[1..])] {
            assert_eq!(Owner::new_account(&text), Err(NameError::Reserved), "{text}");
            // A client may name such an owner; the owner does not exist.
            assert!(text.parse::<Owner>().is_ok(), "{text}");
        }
        assert!(Owner::new_account(&format!("{word}2")).is_ok(), "{word}2");
    }
}

#[test]
fn every_hostile_user_gets_the_expected_verdict() {
    let rows = hostile_inputs("user");
    assert_eq!(rows.len(), 17);
    for HostileInput { input, accepted, row, .. } in rows {
        let owner = std::str::from_utf8(&input).ok().and_then(|text| Owner::new_account(text).ok());
        assert_eq!(owner.is_some(), accepted, "{row}");
        if let Some(owner) = owner {
            assert_eq!(row["normalized"]["user"], owner.as_str());
        }
    }
}

#[test]
fn a_path_from_the_wire_loses_one_slash_at_each_end_and_one_suffix() {
    for (text, expected) in [
        ("alice/x", Ok("alice/x")),
        ("/alice/x", Ok("alice/x")),
        ("alice/x/", Ok("alice/x")),
        ("alice/x.git", Ok("alice/x")),
        ("/alice/x.git/", Ok("alice/x")),
        ("datasets/alice/x.git", Ok("datasets/alice/x")),
        ("/spaces/Alice/X", Ok("spaces/Alice/X")),
        ("alice/datasets", Ok("alice/datasets")),
        ("models/x", Ok("models/x")),
        ("//alice/x", Err(NameError::Shape)),
        ("alice//x", Err(NameError::Shape)),
        ("alice/x//", Err(NameError::Shape)),
        ("alice/x/.git", Err(NameError::Shape)),
        ("alice/x.git//", Err(NameError::Shape)),
        ("alice/x.git.git", Err(NameError::GitSuffix)),
        ("alice/x.GIT", Err(NameError::GitSuffix)),
        ("", Err(NameError::Shape)),
        ("/", Err(NameError::Shape)),
        ("alice", Err(NameError::Shape)),
        ("alice/", Err(NameError::Shape)),
        ("/alice", Err(NameError::Shape)),
        ("alice/.git", Err(NameError::Empty)),
        ("alice/x/y", Err(NameError::Shape)),
        ("models/alice/x", Err(NameError::Shape)),
        ("datasets/alice", Err(NameError::Shape)),
        ("spaces/alice", Err(NameError::Shape)),
        ("datasets/datasets/x", Err(NameError::Shape)),
        ("datasets/spaces/x", Err(NameError::Shape)),
        ("spaces/datasets/x", Err(NameError::Shape)),
        ("Datasets/alice/x", Err(NameError::Shape)),
        ("datasets/alice/x/y", Err(NameError::Shape)),
        ("../bob/secret", Err(NameError::Shape)),
        ("../secret", Err(NameError::Edge)),
        ("alice/..", Err(NameError::Edge)),
        ("~alice/x", Err(NameError::Character)),
    ] {
        assert_eq!(RepoPath::from_wire(text).map(|path| path.to_string()), expected.map(str::to_owned), "{text:?}");
    }
}

#[test]
fn a_path_has_no_slash_at_its_ends_and_no_git_suffix() {
    for text in ["/alice/x", "alice/x/", "alice/x.git"] {
        assert!(text.parse::<RepoPath>().is_err(), "{text}");
    }
}

#[test]
fn case_is_kept_and_ignored_in_comparison() {
    let path: RepoPath = "Alice/My.Model".parse().unwrap();
    assert_eq!(path.to_string(), "Alice/My.Model");
    assert_eq!((path.owner.as_str(), path.name.as_str()), ("Alice", "My.Model"));
    assert_eq!((path.owner.folded(), path.name.folded()), ("alice".to_owned(), "my.model".to_owned()));
    assert_eq!("datasets/Alice/My.Model".parse::<RepoPath>().unwrap().folded(), "datasets/alice/my.model");
    // Turkish, German and Greek have their own rules for lower case; the hub folds ASCII only.
    assert_eq!(fold("IİẞΣ"), "iİẞΣ");
}

#[test]
fn a_title_is_one_printable_line() {
    let (longest, longer, wide) = ("a".repeat(255), "a".repeat(256), "é".repeat(128));
    for text in ["a", " ", "alice's \"laptop\" \\ #2", "Ключ 日本 🎉", &longest] {
        assert_eq!(text.parse::<Title>().unwrap().as_str(), text);
    }
    for text in ["", &longer, &wide] {
        assert_eq!(text.parse::<Title>(), Err(NameError::TitleLength), "{text:?}");
    }
}

#[test]
fn a_title_cannot_act_on_a_terminal_or_hide() {
    for (c, what) in [
        ('\0', "nothing"),
        ('\t', "tab"),
        ('\n', "newline"),
        ('\r', "carriage return"),
        ('\u{8}', "backspace"),
        ('\u{1b}', "escape"),
        ('\u{7f}', "delete"),
        ('\u{85}', "next line"),
        ('\u{9b}', "the one-byte form of escape ["),
        ('\u{ad}', "soft hyphen"),
        ('\u{61c}', "Arabic letter mark"),
        ('\u{200b}', "blank of no width"),
        ('\u{200f}', "right-to-left mark"),
        ('\u{2028}', "line separator"),
        ('\u{202e}', "right-to-left override"),
        ('\u{2066}', "isolate"),
        ('\u{3164}', "filler"),
        ('\u{e000}', "private use"),
        ('\u{f8ff}', "private use"),
        ('\u{fdd0}', "no character"),
        ('\u{fe0f}', "variation selector"),
        ('\u{feff}', "byte order mark"),
        ('\u{fffe}', "no character"),
        ('\u{1fffe}', "no character"),
        ('\u{e0041}', "tag"),
        ('\u{f0000}', "private use"),
        ('\u{10ffff}', "no character"),
    ] {
        assert_eq!(format!("a{c}b").parse::<Title>(), Err(NameError::TitleCharacter), "{what}");
    }
}

#[test]
fn every_error_is_one_line_without_a_full_stop() {
    for error in [
        NameError::Empty,
        NameError::TooLong(96),
        NameError::Character,
        NameError::Edge,
        NameError::Doubled,
        NameError::GitSuffix,
        NameError::Reserved,
        NameError::Shape,
        NameError::TitleCharacter,
        NameError::TitleLength,
    ] {
        let text = error.to_string();
        assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && !text.ends_with('.'), "{text}");
    }
}

/// Valid names, nearly valid names and arbitrary texts.
fn nearly_a_name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[A-Za-z0-9._-]{0,12}",
        2 => "[A-Za-z0-9_][A-Za-z0-9._-]{90,98}",
        2 => "[a-z]{1,4}[ -~]{0,2}[a-z]{0,4}(\\.git)?",
        1 => any::<String>(),
    ]
}

#[test]
fn an_accepted_name_has_no_dangerous_character() {
    let accepted = holds(4_000, &nearly_a_name(), |text| {
        let (owner, name) = (text.parse::<Owner>(), text.parse::<Name>());
        if let Ok(owner) = &owner {
            let text = owner.to_string();
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)));
            prop_assert!((1..=96).contains(&text.len()) && !text.contains("..") && !text.contains("--"));
            prop_assert!(!text.starts_with(['.', '-']) && !text.ends_with(['.', '-']));
            prop_assert_eq!(owner.as_str(), &text);
        }
        // A valid name is also a valid owner, except that a name must not end in `.git`.
        let suffix = text.to_ascii_lowercase().ends_with(".git");
        prop_assert_eq!(name.is_ok(), owner.is_ok() && !suffix);
        prop_assert!(Owner::new_account(&text).is_err() || owner.is_ok() && text.len() <= 40);
        Ok(owner.is_ok())
    });
    assert!((800..3_200).contains(&accepted), "{accepted} accepted");
}

#[test]
fn an_accepted_title_is_the_unchanged_text_on_one_line() {
    let texts = prop_oneof![
        3 => "[ -~é日🎉]{0,20}",
        2 => "[a-z]{0,3}[\n\r\t\u{1b}\u{85}\u{202e}\u{e000}][a-z]{0,3}",
        1 => "[a-zé]{120,260}",
        1 => any::<String>(),
    ];
    let accepted = holds(4_000, &texts, |text| {
        let title = text.parse::<Title>();
        if let Ok(title) = &title {
            prop_assert!((1..=255).contains(&text.len()));
            prop_assert!(!text.contains(char::is_control) && text.lines().count() == 1);
            prop_assert_eq!(title.to_string(), text);
        }
        Ok(title.is_ok())
    });
    assert!((800..3_200).contains(&accepted), "{accepted} accepted");
}

#[test]
fn a_shown_text_is_one_line_that_hides_nothing() {
    assert_eq!(Shown("a\u{202e}b\nc").to_string(), r"a\u{202e}b\u{a}c");
    let texts = prop_oneof!["[ -~é日🎉]{0,20}", "[a-z]{0,3}[\n\t\u{1b}\u{202e}\u{e000}][a-z]{0,3}", any::<String>()];
    let changed = holds(2_000, &texts, |text| {
        let shown = Shown(&text).to_string();
        prop_assert!(!shown.chars().any(|c| c.is_control() || is_invisible(c)));
        // A text that can be a title stays as it is.
        let is_plain = text.parse::<Title>().is_ok();
        prop_assert!(!is_plain || shown == text);
        Ok(shown != text)
    });
    assert!((500..1_500).contains(&changed), "{changed} changed");
}

#[test]
fn a_path_reads_back_as_it_was_written() {
    let component = || "[A-Za-z0-9_]([A-Za-z0-9._-]{0,6}[A-Za-z0-9_])?";
    let kind = sample::select(RepoKind::ALL.to_vec());
    let read = holds(1_000, &(kind, component(), component()), |(kind, owner, name)| {
        let (Ok(owner), Ok(name)) = (owner.parse(), name.parse()) else { return Ok(false) };
        let path = RepoPath { kind, owner, name };
        prop_assert_eq!(path.to_string().parse::<RepoPath>(), Ok(path.clone()));
        prop_assert_eq!(RepoPath::from_wire(&format!("/{path}.git/")), Ok(path));
        Ok(true)
    });
    assert!(read > 500, "{read} read");
}

#[test]
fn a_scope_is_the_hub_an_owner_or_a_repository() {
    let owner = |name: &str| HubScope::Owner(name.parse().unwrap());
    for (text, scope, printed) in [
        ("hub", HubScope::Hub, "hub"),
        ("HUB", HubScope::Hub, "hub"),
        ("acme", owner("acme"), "acme"),
        ("acme/", owner("acme"), "acme"),
        ("Hub/", owner("Hub"), "Hub/"),
        ("acme/x", HubScope::Repository("acme/x".parse().unwrap()), "acme/x"),
        ("datasets/acme/x", HubScope::Repository("datasets/acme/x".parse().unwrap()), "datasets/acme/x"),
    ] {
        assert_eq!(text.parse(), Ok(scope.clone()), "{text}");
        assert_eq!(scope.to_string(), printed);
        assert_eq!(scope.phrase(), if scope == HubScope::Hub { "the hub" } else { printed.trim_end_matches('/') });
        assert_eq!(printed.parse(), Ok(scope));
    }
    for bad in ["", "/", "acme/x/", "datasets/x", "a b", "acme//"] {
        assert!(bad.parse::<HubScope>().is_err(), "{bad:?}");
    }
}
