//! Requests and identities: `SSH_ORIGINAL_COMMAND`, git's quoting, the forced command, `GIT_PROTOCOL`.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use arbitrary::Unstructured;
use hubgate::fuzzing::{account_arguments, handed_over};
use hubgate::git::Serving;
use hubgate::name::RepoPath;
use hubgate::request::{
    ANONYMOUS, AccountCommand, Arguments, ForcedCommand, LfsProgram, Request, Service, UNAVAILABLE, is_plain_path,
    unquote,
};

use crate::input::one_of;
use crate::oracle::{posix_words, shell_word};

/// Arbitrary bytes as `SSH_ORIGINAL_COMMAND`.
///
/// An accepted command is what a POSIX shell would run: a known verb, one path, and an operation for LFS. Its canonical
/// form means the same, and nothing can be appended.
pub fn ssh_original_command(data: &[u8]) -> bool {
    let Ok(request) = Request::parse(Some(data)) else {
        assert!(!data.is_empty() && data != b"help");
        return false;
    };
    let command = std::str::from_utf8(data).expect("accepted bytes are ASCII");
    let (canonical, operation) = match &request {
        Request::Greeting => {
            assert!(data.is_empty());
            return false;
        }
        Request::Help => {
            assert_eq!(command, "help");
            return true;
        }
        Request::Account(account) => {
            // Words for `services`: one line, and not a git verb.
            assert!(data.len() <= 4096 && !command.contains(char::is_control) && !command.starts_with("git"));
            assert!(command.starts_with(|c: char| c.is_ascii_lowercase()));
            split_words(account, command);
            assert!(Request::parse(Some(format!("{command}\n").as_bytes())).is_err());
            return true;
        }
        Request::Git(service, path) => (format!("git {service} {path}"), None),
        Request::Lfs(program, operation, path) => {
            let program = match program {
                LfsProgram::Authenticate => "authenticate",
                LfsProgram::Transfer => "transfer",
            };
            (format!("git-lfs-{program} '{path}' {operation}"), Some(operation.as_str()))
        }
    };
    assert!(data.len() <= 1024 && data.iter().all(|byte| matches!(byte, b' '..=b'~')));
    assert_eq!(Request::parse(Some(canonical.as_bytes())), Ok(request.clone()));

    let mut words = posix_words(command).expect("an accepted command is plain words to a shell");
    if words[0] == "git" {
        words.remove(0);
        words[0].insert_str(0, "git-");
    }
    let path = request.path().expect("all others have a path");
    let [verb, word, rest @ ..] = words.as_slice() else { panic!("{words:?}") };
    assert_eq!(verb, &format!("git-{}", request.verb()));
    assert_eq!(RepoPath::from_wire(word).as_ref(), Ok(path));
    assert_eq!(rest.first().map(String::as_str), operation);
    assert!(rest.len() <= 1 && !word.starts_with('-') && !word.contains(".."), "{words:?}");
    for component in [path.owner.as_str(), path.name.as_str()] {
        assert!(word.contains(component) && !component.contains('/'));
    }

    for more in [" x", "\n", "\0", "\t", " ", ";id", "'", "\\", "$(id)", " --strict", "\u{7f}"] {
        let longer = format!("{command}{more}");
        assert!(Request::parse(Some(longer.as_bytes())).is_err(), "{longer:?}");
    }
    true
}

/// Any bytes as a whole account command, through the gateway's reading and `services`' parse of its words.
///
/// `services` receives the words that the gateway read. Quoting does not change what they mean, and free text stays as
/// it was typed. A refusal cannot act on the client's terminal.
pub fn account_command(data: &[u8]) -> bool {
    let Ok(Request::Account(account)) = Request::parse(Some(data)) else { return false };
    let line = std::str::from_utf8(data).expect("an account command is UTF-8");
    assert_eq!(handed_over(&account).as_ref(), Some(&account));
    let arguments = account_arguments(&account);
    if let Err(text) = &arguments {
        assert!(!text.is_empty() && !text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    }
    if let Ok(Request::Account(again)) = Request::parse(Some(quoted_line(&account).as_bytes())) {
        assert_eq!(account_arguments(&again), arguments);
    }
    let Ok(arguments) = arguments else { return false };
    // A title is the rest of the line, unless words of it are quoted, or look like options.
    if let Some(title) = free_text(line).filter(|text| !text.contains(['\'', '-']) && !text.is_empty()) {
        let words: Vec<&str> = title.split(' ').collect();
        assert!(arguments.contains(&format!("title: {words:?}")), "{arguments}");
    }
    true
}

/// The free text at the end of a command that renames a key.
fn free_text(line: &str) -> Option<&str> {
    let rest = line.trim_end_matches(' ').strip_prefix("key rename SHA256:")?;
    rest.split_once(' ').map(|(_, text)| text)
}

/// The command with each word behind the noun quoted as git quotes it.
fn quoted_line(account: &AccountCommand) -> String {
    let words = account.words().enumerate();
    words.map(|(place, word)| if place == 0 { word.to_owned() } else { quote(word) }).collect::<Vec<_>>().join(" ")
}

/// Each word is part of the line, and the words in git's quoting read back unchanged.
fn split_words(account: &AccountCommand, command: &str) {
    let words: Vec<&str> = account.words().collect();
    assert_eq!(words[0], account.noun().as_str());
    if !command.contains('\'') {
        assert_eq!(words.join(" "), command.trim_end_matches(' '));
    }
    let again = quoted_line(account);
    if again.len() <= 4096 {
        assert_eq!(Request::parse(Some(again.as_bytes())), Ok(Request::Account(account.clone())));
    }
}

/// git's quoting (quote.c, `sq_quote_buf`), implemented independently.
fn quote(text: &str) -> String {
    let inside: String = text
        .chars()
        .map(|c| match c {
            '\'' | '!' => format!("'\\{c}'"),
            c => c.to_string(),
        })
        .collect();
    format!("'{inside}'")
}

/// Arbitrary text: quoted by git, as a quoted word, and inside quotes.
///
/// Quoting is undone, and `/bin/sh` reads every accepted word in the same way.
pub fn git_quoting(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let quoted = quote(text);
    assert_eq!(unquote(&quoted).as_deref(), Some(text), "{quoted:?}");
    assert!(quoted_word(&quoted));
    let (outside, inside) = (quoted_word(text), quoted_word(&format!("'{text}'")));
    outside || inside
}

/// Whether a text is a quoted word. Checks that the shell agrees.
fn quoted_word(word: &str) -> bool {
    let Some(text) = unquote(word) else { return false };
    assert!(word.starts_with('\'') && word.ends_with('\'') && word.len() > 1);
    assert_eq!(posix_words(word), Some(vec![text.clone()]), "{word:?}");
    if !word.contains('\0') {
        if let Some(shell) = shell_word(word) {
            assert_eq!(shell, text, "{word:?}");
        }
    }
    true
}

/// Arbitrary bytes as the gateway's arguments: words separated by NUL, words separated by blanks, and one string after
/// `-c`.
///
/// [`ForcedCommand`] writes accepted arguments byte for byte, and both forms mean the same.
pub fn forced_command(data: &[u8]) -> bool {
    let raw: Vec<&[u8]> = data.split(|byte| *byte == 0).collect();
    let raw = Arguments::parse(&raw);
    if let Some(arguments) = &raw {
        sound_arguments(arguments);
    }
    let words: Vec<&[u8]> = data.split(|byte| *byte == b' ').collect();
    let words = Arguments::parse(&words);
    let command = [b"/usr/libexec/hubgate/gateway ", data].concat();
    let string = Arguments::parse(&[b"-c", &command]);
    assert!(string.as_ref().is_none_or(|arguments| arguments.login_shell));
    assert_eq!(words, string.map(|arguments| Arguments { login_shell: false, ..arguments }));
    if let Some(arguments) = &words {
        let written = sound_arguments(arguments);
        assert_eq!(written.as_bytes(), data);
    }
    if let Some(arguments) = Arguments::parse(&[b"-c", data]) {
        assert!(arguments.login_shell);
        let written = sound_arguments(&arguments);
        assert!(data.ends_with(written.as_bytes()) && data.starts_with(b"/"));
        return true;
    }
    words.is_some() || raw.is_some()
}

/// Checks accepted arguments. Returns them as written.
fn sound_arguments(arguments: &Arguments) -> String {
    let Arguments { config, forced_command, login_shell: _ } = arguments;
    let option = config.as_ref().map_or(String::new(), |file| format!("--config {file} "));
    let words = forced_command.as_ref().map_or(UNAVAILABLE.to_owned(), ForcedCommand::to_string);
    let written = format!("{option}{words}");
    assert!(written.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" ._/-:+".contains(&byte)), "{written:?}");
    assert!(config.as_ref().is_none_or(|file| is_plain_path(file.as_bytes())));
    if let Some(ForcedCommand::Account(user, _) | ForcedCommand::Certificate(user, _)) = forced_command {
        assert_ne!(user.as_str(), ANONYMOUS);
    }
    let words: Vec<&[u8]> = written.split(' ').map(str::as_bytes).collect();
    let again = Arguments::parse(&words).expect("what is written reads");
    assert_eq!((&again.config, &again.forced_command, again.login_shell), (config, forced_command, false));
    written
}

/// A service, and arbitrary bytes as `GIT_PROTOCOL`, the only variable that a client may set.
///
/// git gets the value unchanged or not at all, and nothing else in the command changes.
pub fn git_environment(data: &[u8]) -> bool {
    let mut u = Unstructured::new(data);
    let service = one_of(&mut u, Service::ALL);
    let protocol = OsStr::from_bytes(u.take_rest());
    let serving = |protocol| {
        let (git, hooks) = (Path::new("/usr/bin/git"), Path::new("/usr/libexec/hubgate/hooks"));
        Serving { git, service, protocol, hooks, push_bytes: 1 << 30 }.command()
    };
    let (with, without) = (serving(Some(protocol)), serving(None));
    assert_eq!(with.get_program(), without.get_program());
    assert!(with.get_args().eq(without.get_args()));
    let environment = |command: &std::process::Command| -> BTreeMap<OsString, Option<OsString>> {
        command.get_envs().map(|(name, value)| (name.to_owned(), value.map(OsStr::to_owned))).collect()
    };
    let (mut with, without) = (environment(&with), environment(&without));
    let passed_on = with.remove(OsStr::new("GIT_PROTOCOL"));
    assert_eq!(with, without);
    assert!(!without.contains_key(OsStr::new("GIT_PROTOCOL")));
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"=:._-".contains(byte);
    let expected = (1..=64).contains(&protocol.len()) && protocol.as_bytes().iter().all(plain);
    assert_eq!(passed_on, expected.then(|| Some(protocol.to_owned())));
    expected
}
