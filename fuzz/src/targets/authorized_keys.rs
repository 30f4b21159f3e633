//! The two texts between sshd and the programs: the helper's line, and the file of `SSH_USER_AUTH`.

use arbitrary::Unstructured;
use base64ct::{Base64, Encoding};
use hubgate::config::DEFAULT_PATH;
use hubgate::key::{Fingerprint, KeyType, OfferedCertificate, OfferedKey};
use hubgate::name::Owner;
use hubgate::request::{ANONYMOUS, Arguments, ForcedCommand, UNAVAILABLE, is_plain_path};

use crate::input::{self, is_plain, one_of};
use crate::oracle::openssh_reads;

/// A key, an account, a configuration file and a path of the gateway, each with arbitrary valid text.
///
/// The line has exactly one shape. As sshd reads it, it restricts everything, runs the gateway for that account and
/// key, and admits that key.
pub fn authorized_keys_line(data: &[u8]) -> bool {
    let mut u = Unstructured::new(data);
    let key_type = one_of(&mut u, &KeyType::ALL);
    let owner = input::text(&mut u);
    let (config, gateway) = (input::text(&mut u), input::text(&mut u));
    // As Config::load and the helper require.
    let config = if is_plain_path(config.as_bytes()) { Some(config) } else { None };
    let gateway = if is_plain_path(gateway.as_bytes()) { gateway } else { "/usr/libexec/hubgate/gateway" };
    let blob = [&input::blob(&[key_type.as_str().as_bytes()]), u.take_rest()].concat();
    let base64 = Base64::encode_string(&blob);
    let key = OfferedKey::parse(key_type.as_str().as_bytes(), base64.as_bytes()).expect("its head is right");
    let forced_command = match (owner, owner.parse::<Owner>()) {
        (UNAVAILABLE, _) => None,
        ("--deploy-key", _) => Some(ForcedCommand::DeployKey(key.fingerprint())),
        // An account cannot have this name.
        (ANONYMOUS, _) | (_, Err(_)) => Some(ForcedCommand::Anonymous(key.fingerprint())),
        (_, Ok(owner)) => Some(ForcedCommand::Account(owner, key.fingerprint())),
    };
    let words = forced_command.as_ref().map_or(UNAVAILABLE.to_owned(), ForcedCommand::to_string);

    let line = hubgate::fuzzing::key_line(gateway, config, words, &key);
    let inner = line.strip_suffix('\n').expect("a line ends");
    assert!(is_plain(inner) && !inner.contains(['\\', '\'', '$', '`', ';', '%', '#']), "{line:?}");
    let (options, words) = sshd_reads(inner).expect("sshd reads the line");
    assert_eq!(options.len(), 2, "{line:?}");
    assert_eq!((options[0].as_str(), words), ("restrict", format!("{key_type} {base64}").as_str()));
    let command = options[1].strip_prefix("command=").expect("a forced command");

    // As login shell the gateway gets the command as one string; /bin/sh would split it at blanks.
    let arguments = Arguments::parse(&[b"-c", command.as_bytes()]).expect("the gateway reads its command");
    let expected = config.filter(|file| *file != DEFAULT_PATH);
    assert_eq!((arguments.config.as_deref(), &arguments.forced_command), (expected, &forced_command));
    let shell = crate::oracle::posix_words(&command.replace([':', '+'], "")).expect("harmless to a shell");
    let split: Vec<&str> = command.split(' ').collect();
    assert_eq!((shell.len(), split[0]), (split.len(), gateway));

    if key.is_sound() {
        let bits = hubgate::key::PublicKey::from_blob(key_type, blob).expect("it is sound").bits().unwrap_or(256);
        openssh_reads(&line, bits, &key.fingerprint().to_string());
    }
    matches!(forced_command, Some(ForcedCommand::Account(..)))
}

/// Reads a line as sshd does (OpenSSH 9.2: auth2-pubkeyfile.c, auth-options.c, misc.c `opt_dequote`): the options with
/// unquoted values, and the rest.
pub(crate) fn sshd_reads(line: &str) -> Option<(Vec<String>, &str)> {
    let mut options = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' if characters.next_if(|(_, next)| *next == '"').is_some() => options.last_mut()?.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => options.push(String::new()),
            ' ' | '\t' if !quoted => return Some((options, line.get(at..)?.trim_start_matches([' ', '\t']))),
            c => options.last_mut()?.push(c),
        }
    }
    None
}

/// A key, or a certificate.
type Proven = Result<Fingerprint, OfferedCertificate>;

/// Arbitrary bytes as the file of `SSH_USER_AUTH`, and as the text after `publickey ` there.
///
/// Only one line of three words proves a key.
pub fn ssh_user_auth(data: &[u8]) -> bool {
    let line = [b"publickey ", data].concat();
    let (whole, rest) = (proven(data), proven(&line));
    for (text, key) in [(data, &whole), (line.as_slice(), &rest)] {
        if key.is_some() {
            let text = text.trim_ascii_end();
            assert_eq!(proven(&[text, b"\n", text, b"\n"].concat()), None);
            assert_eq!(proven(&[text, b"\nkeyboard-interactive\n"].concat()), None);
            assert_eq!(proven(&[b"password\n", text].concat()), None);
        }
    }
    whole.or(rest).is_some()
}

/// The gateway's result, compared with an independent parser of lines and words.
fn proven(text: &[u8]) -> Option<Proven> {
    let proven = hubgate::fuzzing::proven(text);
    let lines: Vec<&[u8]> = text.strip_suffix(b"\n").unwrap_or(text).split(|byte| *byte == b'\n').collect();
    let expected = match lines.as_slice() {
        [line] => match line.split(|byte| *byte == b' ').collect::<Vec<_>>().as_slice() {
            [b"publickey", key_type, base64] => match OfferedKey::parse(key_type, base64) {
                Ok(key) => Some(Ok(key.fingerprint())),
                Err(_) => OfferedCertificate::parse(key_type, base64).ok().map(Err),
            },
            _ => None,
        },
        _ => None,
    };
    assert_eq!(proven, expected, "{:?}", String::from_utf8_lossy(text));
    proven
}
