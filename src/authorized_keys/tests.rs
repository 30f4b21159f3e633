mod answers;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64ct::{Base64, Encoding};
use proptest::{option, prop_assert, prop_assert_eq, sample};
use tempfile::TempDir;

use super::{Fault, KeyLine, run};
use crate::config::DEFAULT_PATH;
use crate::key::{KeyType, OfferedKey};
use crate::request::{Arguments, ForcedCommand, UNAVAILABLE};
use crate::tests::holds;

const GATEWAY: &str = "/usr/libexec/hubgate/gateway";

/// A temporary directory in which ssh-keygen works.
struct Scratch(TempDir);

impl Scratch {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The output of ssh-keygen.
    fn ssh_keygen(&self, words: &[&str]) -> String {
        let output = Command::new("ssh-keygen").args(words).current_dir(self.0.path()).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Makes a key pair with this name. Returns its public half as `TYPE BASE64`.
    fn generate(&self, name: &str, key_type: &str, bits: &str) -> String {
        self.ssh_keygen(&["-q", "-t", key_type, "-b", bits, "-f", name, "-N", "", "-C", ""]);
        fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap().trim().to_owned()
    }
}

/// A key as sshd offers it, from `TYPE BASE64`.
fn offered(words: &str) -> OfferedKey {
    let (key_type, base64) = words.split_once(' ').unwrap();
    OfferedKey::parse(key_type.as_bytes(), base64.as_bytes()).unwrap()
}

/// The parts of a line, split independently: the options before `restrict`, the command, and the key.
fn pieces(line: &str) -> (&str, &str, &str) {
    let (options, rest) = line.split_once("restrict,command=\"").unwrap();
    let (command, key) = rest.split_once("\" ").unwrap();
    (options, command, key.strip_suffix('\n').unwrap())
}

/// A key of a security key: some fields before the application.
fn security_key(key_type: KeyType, fields: &[&[u8]]) -> String {
    let all = [key_type.as_str().as_bytes()].into_iter().chain(fields.iter().copied());
    let blob: Vec<u8> =
        all.flat_map(|field| [&u32::try_from(field.len()).unwrap().to_be_bytes(), field].concat()).collect();
    format!("{key_type} {}", Base64::encode_string(&blob))
}

#[test]
fn the_output_is_one_line_of_this_shape_with_exactly_this_key() {
    let scratch = Scratch::new();
    let point = Base64::decode_vec(scratch.generate("point", "ed25519", "256").split_once(' ').unwrap().1).unwrap();
    let keys = [
        scratch.generate("ed25519", "ed25519", "256"),
        scratch.generate("p256", "ecdsa", "256"),
        scratch.generate("p384", "ecdsa", "384"),
        scratch.generate("p521", "ecdsa", "521"),
        scratch.generate("rsa", "rsa", "2048"),
        security_key(KeyType::SkEd25519, &[&point[19..], b"ssh:"]),
    ];
    let user = "[A-Za-z0-9_]([A-Za-z0-9._-]{0,6}[A-Za-z0-9_])?";
    let config = option::of("(/[A-Za-z0-9._-]{1,9}){1,3}");
    let kind = sample::select(vec!["account", "anonymous", "deploy key", "unavailable"]);
    let values = (user, sample::select(keys.to_vec()), config, kind);
    let written = holds(150, &values, |(user, words, config, kind)| {
        let Ok(user) = user.parse() else { return Ok(false) };
        let key = offered(&words);
        let fingerprint = key.fingerprint();
        let forced_command = match kind {
            "account" => Some(ForcedCommand::Account(user, fingerprint)),
            "anonymous" => Some(ForcedCommand::Anonymous(fingerprint)),
            "deploy key" => Some(ForcedCommand::DeployKey(fingerprint)),
            _ => None,
        };
        let text = forced_command.as_ref().map_or(UNAVAILABLE.to_owned(), ForcedCommand::to_string);
        let line = KeyLine::of_key(text.clone(), &key).text(GATEWAY, config.as_deref());

        prop_assert!(line.ends_with('\n') && line.lines().count() == 1, "{}", line);
        prop_assert!(line.trim_end().bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'\\'), "{}", line);
        prop_assert_eq!(line.matches('"').count(), 2);
        let option = config.as_ref().map_or(String::new(), |file| format!("--config {file} "));
        let (options, command, end) = pieces(&line);
        prop_assert_eq!((options, end), ("", words.as_str()));
        prop_assert_eq!(command, format!("{GATEWAY} {option}{text}"));
        // The gateway reads what the helper wrote.
        let arguments = Arguments::parse(&[b"-c", command.as_bytes()]);
        prop_assert_eq!(arguments, Some(Arguments { config, forced_command, login_shell: true }));
        // OpenSSH reads it too.
        fs::write(scratch.path("line"), &line).unwrap();
        let listed = scratch.ssh_keygen(&["-l", "-f", "line"]);
        prop_assert_eq!(listed.lines().count(), 1);
        prop_assert_eq!(listed.split(' ').nth(1).map(str::to_owned), Some(fingerprint.to_string()));
        Ok(true)
    });
    assert!(written > 100, "{written} written");
}

#[test]
fn the_default_configuration_file_is_not_passed_on() {
    let key = offered(&Scratch::new().generate("k", "ed25519", "256"));
    let line = |config| KeyLine::of_key("x".to_owned(), &key).text(GATEWAY, config);
    assert_eq!(pieces(&line(None)).1, format!("{GATEWAY} x"));
    assert_eq!(line(Some(DEFAULT_PATH)), line(None));
    assert_eq!(pieces(&line(Some("/etc/other.toml"))).1, format!("{GATEWAY} --config /etc/other.toml x"));
}

#[test]
#[ignore = "needs root"]
fn other_words_than_login_type_and_key_are_a_fault() {
    let run = |words: &[&str]| {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        run(&words, &mut PathBuf::new())
    };
    for words in [
        vec![],
        vec!["git"],
        vec!["git", "ssh-ed25519"],
        vec!["git", "ssh-ed25519", "AAAA", "more"],
        // How sshd 9.2 reads a comment after the directive.
        vec!["git", "ssh-ed25519", "AAAA", "#", "the", "hub"],
        vec!["--config"],
        vec!["--config", "/etc/x"],
        vec!["--config", "/etc/x", "git", "ssh-ed25519"],
        vec!["git", "ssh-ed25519", "AAAA", "--config", "/etc/x"],
    ] {
        assert!(matches!(run(&words), Err(Fault::Usage)), "{words:?}");
    }
    assert!(matches!(super::run(&[b"--config", b"/\xff", b"a", b"b", b"c"], &mut PathBuf::new()), Err(Fault::Usage)));
    // The check comes before anything is read, for every key.
    for words in [vec!["git", "ssh-ed25519", "AAAA"], vec!["--config", "/etc/x", "git", "ssh-ed25519", "AAAA"]] {
        assert!(matches!(run(&words), Err(Fault::Root)), "{words:?}");
    }
    assert!(!Path::new("/etc/x").exists());
}
