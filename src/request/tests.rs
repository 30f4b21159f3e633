mod forced_command;

use std::process::Command;

use proptest::prelude::{Strategy, any};
use proptest::{collection, prop_assert_eq, prop_oneof, sample};

use super::{BadRequest, LfsProgram, Operation, Request, Service, unquote};
use crate::name::RepoPath;
use crate::tests::{HostileInput, holds, hostile_inputs};

fn parse(command: &str) -> Result<Request, BadRequest> {
    Request::parse(Some(command.as_bytes()))
}

fn path(text: &str) -> RepoPath {
    text.parse().unwrap()
}

/// A plain command line with the same meaning.
fn canonical(request: &Request) -> Option<String> {
    Some(match request {
        Request::Greeting => return None,
        Request::Help => "help".to_owned(),
        Request::Account(_) => "whoami".to_owned(),
        Request::Git(service, path) => format!("git-{service} '{path}'"),
        Request::Lfs(LfsProgram::Authenticate, operation, path) => format!("git-lfs-authenticate {path} {operation}"),
        Request::Lfs(LfsProgram::Transfer, operation, path) => format!("git-lfs-transfer {path} {operation}"),
    })
}

#[test]
fn every_hostile_command_gets_the_expected_verdict() {
    let rows = hostile_inputs("soc");
    assert_eq!(rows.len(), 129);
    for HostileInput { input, accepted, message, row } in rows {
        let code = match Request::parse(Some(&input)) {
            Err(BadRequest::Syntax) => "E_SYNTAX",
            Err(BadRequest::Verb) => "E_VERB",
            Err(BadRequest::Path) => "E_NOREPO",
            Ok(request) => {
                assert!(accepted, "{row}");
                let expected = &row["normalized"];
                let path = request.path().unwrap();
                assert_eq!(format!("git-{}", request.verb()), expected["verb"], "{row}");
                assert_eq!(format!("{}/{}", path.owner, path.name), expected["repo"], "{row}");
                assert_eq!(path.kind.as_str(), expected["repo_type"], "{row}");
                let operation = match &request {
                    Request::Lfs(_, operation, _) => Some(operation.as_str()),
                    Request::Greeting | Request::Help | Request::Account(_) | Request::Git(..) => None,
                };
                assert_eq!(operation, expected["operation"].as_str(), "{row}");
                ""
            }
        };
        assert_eq!(code, message, "{row}");
    }
}

#[test]
fn each_verb_becomes_its_request() {
    use LfsProgram::{Authenticate, Transfer};
    for (command, verb, expected) in [
        ("help", "help", Request::Help),
        ("git-upload-pack 'a/x'", "upload-pack", Request::Git(Service::UploadPack, path("a/x"))),
        ("git receive-pack 'a/x'", "receive-pack", Request::Git(Service::ReceivePack, path("a/x"))),
        ("git-upload-archive /a/x", "upload-archive", Request::Git(Service::UploadArchive, path("a/x"))),
        (
            "git-lfs-authenticate datasets/a/x upload",
            "lfs-authenticate",
            Request::Lfs(Authenticate, Operation::Upload, path("datasets/a/x")),
        ),
        (
            "git lfs-transfer 'a/x.git' download",
            "lfs-transfer",
            Request::Lfs(Transfer, Operation::Download, path("a/x")),
        ),
    ] {
        let request = parse(command);
        assert_eq!(request.as_ref().map(Request::verb), Ok(verb));
        assert_eq!(request, Ok(expected), "{command}");
    }
}

#[test]
fn a_missing_or_empty_command_asks_for_the_greeting() {
    assert_eq!(Request::parse(None), Ok(Request::Greeting));
    assert_eq!(Request::parse(Some(b"")), Ok(Request::Greeting));
    assert_eq!(Request::Greeting.verb(), "greeting");
    assert_eq!((Request::Greeting.path(), Request::Help.path()), (None, None));
    for command in [" ", " help", "HELP", "help ", "help  "] {
        assert_eq!(parse(command), Err(BadRequest::Verb), "{command:?}");
    }
    for command in ["help key", "help key add"] {
        assert!(matches!(parse(command), Ok(Request::Account(_))), "{command:?}");
    }
}

#[test]
fn a_command_has_at_most_1024_bytes() {
    let command = |length: usize| format!("git-upload-pack {}", "a".repeat(length - "git-upload-pack ".len()));
    assert_eq!(parse(&command(1024)), Err(BadRequest::Path));
    assert_eq!(parse(&command(1025)), Err(BadRequest::Syntax));
}

#[test]
fn an_lfs_operation_is_download_or_upload() {
    for operation in ["", "foo", "Download", "downloads", "download ", " download", "download upload", "-h"] {
        for program in ["authenticate", "transfer"] {
            let command = format!("git-lfs-{program} a/x {operation}");
            assert_eq!(parse(&command), Err(BadRequest::Syntax), "{command:?}");
        }
    }
}

#[test]
fn a_path_cannot_be_an_option_in_any_quoting() {
    for word in ["-x", "--help", "'-x'", "'--help'", "-/x", "'-a/x'"] {
        assert_eq!(parse(&format!("git-upload-pack {word}")), Err(BadRequest::Syntax), "{word}");
    }
}

/// git's quoting, implemented independently (quote.c, `sq_quote_buf`).
fn quote(text: &str) -> String {
    let inside: String =
        text.chars().map(|c| if matches!(c, '\'' | '!') { format!("'\\{c}'") } else { c.to_string() }).collect();
    format!("'{inside}'")
}

/// The word as `/bin/sh` reads it.
fn shell(word: &str) -> String {
    let output = Command::new("/bin/sh").args(["-c", &format!("printf %s {word}")]).output().unwrap();
    assert!(output.status.success(), "{word:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn unquote_agrees_with_the_shell() {
    holds(300, &"[ -~é]{0,20}|['!a\\\\]{0,8}", |text| {
        let word = quote(&text);
        prop_assert_eq!(unquote(&word), Some(text.clone()));
        prop_assert_eq!(shell(&word), text);
        Ok(true)
    });
}

#[test]
fn a_text_that_unquote_accepts_is_one_word_to_the_shell() {
    // Mostly pieces of quoted words. No character of the alphabet is dangerous if the shell interprets it.
    let piece = sample::select(vec!["'", "\\", "!", "'\\''", "'\\!'", "a", " ", "$", "`", "\"", "\n", "#", "$(", "''"]);
    let words = collection::vec(piece, 0..6).prop_map(|pieces| format!("'{}'", pieces.concat()));
    let accepted = holds(1_500, &words, |word| {
        let text = unquote(&word);
        if let Some(text) = &text {
            prop_assert_eq!(&shell(&word), text);
        }
        Ok(text.is_some())
    });
    assert!((200..1_200).contains(&accepted), "{accepted} accepted");
}

#[test]
fn a_word_that_git_does_not_write_is_rejected() {
    assert_eq!(unquote("''").as_deref(), Some(""));
    assert_eq!(unquote("'a!b'").as_deref(), Some("a!b"), "dulwich");
    for word in ["", "'", "'''", "a", "'a", "a'", "'a'b", "'a''b'", "'a'\\''", "'a'\\'b'", "'a'\\a'b'", " 'a'", "'a' "]
    {
        assert_eq!(unquote(word), None, "{word}");
    }
}

/// Valid, nearly valid and arbitrary commands.
fn nearly_a_command() -> impl Strategy<Value = Vec<u8>> {
    let git = sample::select(vec!["git-upload-pack", "git receive-pack", "git-upload-archive", "git-shell"]);
    let lfs = sample::select(vec!["git-lfs-authenticate", "git lfs-transfer"]);
    let argument = || {
        prop_oneof![
            3 => "'/?((datasets|spaces)/)?[a-zA-Z0-9_]{1,4}/[a-zA-Z0-9._-]{1,4}(\\.git)?/?'",
            2 => "/?[a-z]{1,3}/[a-z0-9~-]{1,4}(\\.git)?",
            1 => "'[ -~]{0,9}'",
        ]
    };
    let blank = || prop_oneof![6 => " ", 1 => "  |\t|"];
    let operation = prop_oneof![4 => " (download|upload)", 1 => "| |\n| x|'"];
    let nearly = prop_oneof![
        (git, blank(), argument(), prop_oneof![6 => "", 1 => " |\n| x|'"]),
        (lfs, blank(), argument(), operation)
    ];
    let nearly = nearly.prop_map(|(verb, blank, argument, end)| format!("{verb}{blank}{argument}{end}").into_bytes());
    prop_oneof![5 => nearly, 1 => collection::vec(any::<u8>(), 0..60)]
}

#[test]
fn an_accepted_command_equals_its_canonical_form() {
    let accepted = holds(5_000, &nearly_a_command(), |command| {
        let request = Request::parse(Some(&command));
        let canonical = request.as_ref().ok().and_then(canonical);
        if let Some(canonical) = &canonical {
            prop_assert_eq!(parse(canonical), request);
        }
        Ok(canonical.is_some())
    });
    assert!((1_000..4_000).contains(&accepted), "{accepted} accepted");
}

#[test]
fn account_commands_are_recognized_by_their_first_word() {
    for command in ["whoami", "whoami --json", "key add my laptop", "repo create a/x --description größe", "join 00"]
    {
        let Ok(request @ Request::Account(words)) = &parse(command) else { panic!("{command}") };
        assert_eq!(request.verb(), "account");
        assert_eq!(words.words().collect::<Vec<_>>().join(" "), command);
        assert!(command.starts_with(words.noun().as_str()));
    }
    for (command, why) in [
        (&b"whoami\n"[..], BadRequest::Syntax),
        (b"key add \x1b[2J", BadRequest::Syntax),
        (b"key add \xff", BadRequest::Syntax),
        (b"keys", BadRequest::Verb),
        (b" key list", BadRequest::Verb),
        (b"invite bob", BadRequest::Verb),
    ] {
        assert_eq!(Request::parse(Some(command)), Err(why), "{command:?}");
    }
    let long = [b"repo create a/x --description ".as_slice(), &[b'x'; 5_000]].concat();
    assert_eq!(Request::parse(Some(&long)), Err(BadRequest::Syntax));
}

/// The words after `key rename SHA256:x`, joined as `services` joins them.
fn free_text(text: &str) -> Result<String, BadRequest> {
    match parse(&format!("key rename SHA256:x {text}"))? {
        Request::Account(command) => Ok(command.words().skip(3).collect::<Vec<_>>().join(" ")),
        request => panic!("{request:?}"),
    }
}

#[test]
fn free_text_over_ssh_arrives_as_it_was_typed() {
    for text in
        ["My #1 key", "see issue #5", "Alice's Mac", r#"the "blue" one"#, r"C:\keys", "two  blanks", "größe", ""]
    {
        assert_eq!(free_text(text).as_deref(), Ok(text));
    }
    for (quoted, text) in [
        ("'My #1 key'", "My #1 key"),
        (r"'Alice'\''s Mac'", "Alice's Mac"),
        (r"'wow'\!' yes' more", "wow! yes more"),
        ("'' x", " x"),
        ("a  ", "a"),
    ] {
        assert_eq!(free_text(quoted).as_deref(), Ok(text), "{quoted}");
    }
    for bad in ["'tis mine", "'a'b", r"'a'\", r"'a'\''", "'a' 'b", "'a'\t"] {
        assert_eq!(free_text(bad), Err(BadRequest::Syntax), "{bad}");
    }
}

#[test]
fn an_account_command_has_a_bounded_number_of_words() {
    assert!(free_text(&"w ".repeat(150)).is_ok());
    assert_eq!(free_text(&"w ".repeat(160)), Err(BadRequest::Syntax));
}

#[test]
fn only_key_release_is_a_release() {
    let is_release = |command: &str| matches!(parse(command), Ok(Request::Account(command)) if command.is_release());
    assert!(is_release("key release") && is_release("key release --yes"));
    for other in ["key list release", "key", "repo release", "key releases", "whoami"] {
        assert!(!is_release(other), "{other}");
    }
}

#[test]
fn a_command_line_is_split_as_git_quotes_it() {
    let words = collection::vec(prop_oneof!["[a-z#\"\\\\ '!é-]{0,6}", "[a-z]{1,3}"], 1..6);
    let quote = |word: &String| format!("'{}'", word.replace('\'', r"'\''").replace('!', r"'\!'"));
    holds(256, &words, |words: Vec<String>| {
        let line = words.iter().map(quote).collect::<Vec<_>>().join(" ");
        let Ok(Request::Account(command)) = parse(&format!("key {line}")) else { panic!("{line}") };
        prop_assert_eq!(command.words().skip(1).collect::<Vec<_>>(), words);
        Ok(true)
    });
}
