//! Lines of another git server's `authorized_keys` file. Bytes enter; no I/O.

use crate::access::Sources;
use crate::key::{KeyError, PublicKey};
use crate::name::Title;

/// Options that change only features that no session here has (sshd(8)).
const WITHOUT_EFFECT: [&str; 15] = [
    "restrict",
    "no-agent-forwarding",
    "no-port-forwarding",
    "no-pty",
    "no-user-rc",
    "no-x11-forwarding",
    "agent-forwarding",
    "port-forwarding",
    "pty",
    "user-rc",
    "x11-forwarding",
    "environment",
    "permitopen",
    "permitlisten",
    "tunnel",
];
/// Programs whose first argument is the user. The file name of the key may follow.
const BY_USER: [&str; 3] = ["gitolite-shell", "gl-auth-command", "gitosis-serve"];
/// The program whose one argument is the number of a key.
const GITLAB: &str = "gitlab-shell";
/// Programs that are called as `gitea --config='/etc/gitea/app.ini' serv key-42`, or with the setting behind it.
const BY_SERV: [&str; 3] = ["gitea", "forgejo", "gogs"];

/// A line that can be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) key: PublicKey,
    pub(super) comment: Option<Title>,
    pub(super) sources: Option<Sources>,
    /// `YYYYMMDD` or `YYYYMMDDHHMM[SS]`, with a `Z` for UTC, as sshd writes it.
    pub(super) expiry: Option<String>,
    pub(super) names: Names,
}

/// The user that the forced command of a line names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Names {
    /// No forced command.
    Nobody,
    /// A user of gitolite or gitosis.
    User(String),
    /// `key-42`: the id of a row in another server's database.
    Row(String),
}

impl Line {
    /// Reads the comment as `NAME [TITLE]` or `NAME@HOST [TITLE]`, unless a forced command names the user. Without a
    /// title, the whole comment is the title.
    ///
    /// # Errors
    /// Why the comment names no user.
    pub(super) fn in_plain_form(self) -> Result<Self, BadLine> {
        if self.names != Names::Nobody {
            return Ok(self);
        }
        let comment = self.comment.as_ref().map(Title::as_str).unwrap_or_default().to_owned();
        let (first, title) = comment.split_once(' ').unwrap_or((&comment, ""));
        let name = first.split('@').next().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| "no name of an account comes after the key".to_owned())?;
        let title = match title.trim() {
            "" => self.comment,
            title => Some(title.parse().map_err(|error| format!("{title:?} is not a title: {error}"))?),
        };
        Ok(Self { names: Names::User(name.to_owned()), comment: title, ..self })
    }
}

/// Why a line cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BadLine {
    /// Its key is of the type `ssh-dss`. The text names the holder of the key for the report, by the command or the
    /// comment.
    Dsa(String),
    Other(String),
}

impl From<String> for BadLine {
    fn from(why: String) -> Self {
        Self::Other(why)
    }
}

/// Reads one line; `None` for a blank line or a comment.
///
/// # Errors
/// Why the line cannot be imported.
pub(super) fn parse(line: &[u8]) -> Result<Option<Line>, BadLine> {
    let line = line.trim_ascii();
    if line.is_empty() || line.starts_with(b"#") {
        return Ok(None);
    }
    let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned())?;
    // If the first word is not a key type, options come first.
    match PublicKey::parse_line(line) {
        Ok((key, comment)) => {
            return Ok(Some(Line { key, comment, sources: None, expiry: None, names: Names::Nobody }));
        }
        Err(KeyError::Dsa) => return Err(BadLine::Dsa(holder_of_dsa("", text))),
        Err(_) => {}
    }
    let end = end_of_options(text);
    let (options, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let (key, comment) = match PublicKey::parse_line(rest.as_bytes()) {
        Ok(found) => found,
        // For a line without options, the errors of a whole line are more helpful.
        Err(error) if rest.trim().is_empty() || !options.contains(['=', ',', '-']) => {
            return Err(PublicKey::parse_line(line).err().unwrap_or(error).to_string().into());
        }
        Err(KeyError::Dsa) => return Err(BadLine::Dsa(holder_of_dsa(options, rest))),
        Err(error) => return Err(error.to_string().into()),
    };
    let mut found = Line { key, comment, sources: None, expiry: None, names: Names::Nobody };
    for option in split_options(options) {
        take_option(&mut found, &option)?;
    }
    Ok(Some(found))
}

/// The holder of a DSA key, by the command of its line, or else by its comment.
fn holder_of_dsa(options: &str, key: &str) -> String {
    let mut commands = split_options(options).into_iter().filter_map(|option| {
        let (name, value) = option.split_once('=')?;
        name.eq_ignore_ascii_case("command").then(|| forced_command(&unquoted(value)))
    });
    match commands.next_back() {
        Some(Ok(Names::User(name) | Names::Row(name))) => name,
        Some(Ok(Names::Nobody) | Err(_)) | None => {
            let comment = key.split([' ', '\t']).filter(|word| !word.is_empty()).skip(2).collect::<Vec<_>>().join(" ");
            if comment.is_empty() { "a key without a name".to_owned() } else { comment }
        }
    }
}

fn take_option(line: &mut Line, option: &str) -> Result<(), String> {
    let (name, value) = option.split_once('=').unwrap_or((option, ""));
    let value = unquoted(value);
    let twice = || Err(format!("the option {name} stands twice, which sshd refuses or reads in its own way"));
    match name.to_ascii_lowercase().as_str() {
        "command" if !matches!(line.names, Names::Nobody) => return twice(),
        "from" if line.sources.is_some() => return twice(),
        "expiry-time" if line.expiry.is_some() => return twice(),
        "command" => line.names = forced_command(&value)?,
        "from" => {
            let sources = value.parse().map_err(|_| format!("from=\"{value}\" has entries that are not networks"))?;
            line.sources = Some(sources);
        }
        "expiry-time" => line.expiry = Some(value),
        "cert-authority" => return Err("it is a certificate authority: add it with hubgate org ca add".to_owned()),
        name if WITHOUT_EFFECT.contains(&name) => {}
        _ => return Err(format!("the option {name} has no counterpart here")),
    }
    Ok(())
}

/// The user or the key that a forced command names. Only the old server writes commands, so that the owner of a key
/// cannot choose the name. The name of a program alone does not make it a git server: the whole form must be known.
fn forced_command(command: &str) -> Result<Names, String> {
    let words = shlex::split(command).unwrap_or_default();
    let (program, arguments) = words.split_first().map_or(("", &[][..]), |(program, rest)| (program.as_str(), rest));
    let program = program.rsplit('/').next().unwrap_or_default();
    let row = |word: &String| {
        let number = word.strip_prefix("key-").unwrap_or_default();
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| Names::Row(word.clone()))
    };
    let is_setting = |word: &&String| word.starts_with("--") && word.contains('=');
    let names = match arguments {
        [user] | [user, _] if BY_USER.contains(&program) => Some(Names::User(user.clone())),
        [key] if program == GITLAB => row(key),
        _ if BY_SERV.contains(&program) => {
            match arguments.iter().filter(|word| !is_setting(word)).collect::<Vec<_>>().as_slice() {
                [verb, key] if *verb == "serv" => row(key),
                _ => None,
            }
        }
        _ => None,
    };
    names.ok_or_else(|| format!("its command is not of a known git server: {command}"))
}

/// The end of the options: the first blank outside quotes (sshd's auth-options.c).
fn end_of_options(text: &str) -> usize {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (index, c) in text.char_indices() {
        match c {
            ' ' | '\t' if !is_quoted => return index,
            '"' if !is_escaped => is_quoted = !is_quoted,
            _ => {}
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    text.len()
}

/// Splits options at commas outside quotes.
fn split_options(options: &str) -> Vec<String> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let mut split = vec![String::new()];
    for c in options.chars() {
        match (c, split.last_mut()) {
            (',', _) if !is_quoted => split.push(String::new()),
            (_, Some(option)) => option.push(c),
            (_, None) => {}
        }
        if c == '"' && !is_escaped {
            is_quoted = !is_quoted;
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    split
}

fn unquoted(value: &str) -> String {
    let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    inner.replace("\\\"", "\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJp7GzoqcZFqmnsbOipxkWqaexs6KnGRapp7GzoqcZFq";

    fn read(line: &str) -> Line {
        parse(line.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn a_line_names_the_user_or_the_key_that_its_server_names() {
        let (user, row) = (|name: &str| Names::User(name.to_owned()), |name: &str| Names::Row(name.to_owned()));
        for (command, names) in [
            // gitolite 3, and 3 with the option to name the file.
            ("/home/git/bin/gitolite-shell alice", user("alice")),
            ("/usr/share/gitolite3/gitolite-shell bob keydir/bob@desk.pub", user("bob")),
            // gitolite 1 and 2.
            ("/home/git/.gitolite/src/gl-auth-command alice", user("alice")),
            ("gitosis-serve alice@desk", user("alice@desk")),
            ("/usr/bin/gitosis-serve alice", user("alice")),
            ("/opt/gitlab/embedded/service/gitlab-shell/bin/gitlab-shell key-42", row("key-42")),
            // Gitea since 1.12 and Forgejo, then Gogs and Gitea before.
            ("/usr/bin/gitea --config='/etc/gitea/app.ini' serv key-3", row("key-3")),
            ("/usr/local/bin/forgejo --config=/etc/forgejo/app.ini serv key-3", row("key-3")),
            ("/app/gogs/gogs serv key-7 --config='/data/gogs/conf/app.ini'", row("key-7")),
            ("/usr/bin/gitea serv key-3", row("key-3")),
        ] {
            let line = read(&format!("command=\"{command}\",no-port-forwarding,no-pty {KEY} mallory@laptop"));
            assert_eq!((line.names, line.comment.unwrap().as_str()), (names, "mallory@laptop"), "{command}");
        }
        for command in [
            "",
            "/usr/bin/backup key-2",
            "/bin/sh -c key-2",
            "gitlab-shell username-alice",
            "gitlab-shell key-",
            "gitlab-shell key-2x",
            "gitlab-shell key-2 key-3",
            "gitlab-shell -c key-2",
            "gitea key-2",
            "gitea serv",
            "gitea serv key-2 key-3",
            "gitea dump key-2",
            "gitea serv alice",
            "my-gitea serv key-2",
            "gitolite-shell",
            "gitolite-shell alice bob carol",
            "env gitolite-shell alice",
            "gitosis-serve",
        ] {
            let left = parse(format!("command=\"{command}\" {KEY} alice").as_bytes());
            let why = format!("its command is not of a known git server: {command}");
            assert_eq!(left, Err(BadLine::Other(why)), "{command}");
        }
        assert_eq!(read(&format!("restrict {KEY} alice")).names, Names::Nobody);
        assert_eq!(read(KEY).names, Names::Nobody);
        assert_eq!(
            read(&format!("from=\"192.0.2.0/24,2001:db8::1\" {KEY}")).sources.unwrap().to_string(),
            "192.0.2.0/24,2001:db8::1/128"
        );
        assert_eq!(read(&format!("expiry-time=\"20270131\" {KEY}")).expiry.as_deref(), Some("20270131"));
        for twice in [
            "expiry-time=\"20200101Z\",expiry-time=\"20990101Z\"",
            "from=\"10.0.0.0/8\",FROM=\"0.0.0.0/0\"",
            "command=\"gitolite-shell alice\",command=\"gitolite-shell bob\"",
        ] {
            let Err(BadLine::Other(why)) = parse(format!("{twice} {KEY}").as_bytes()) else { panic!("{twice}") };
            assert!(why.contains("stands twice"), "{why}");
        }
        assert_eq!(parse(b"  # a comment"), Ok(None));
        assert_eq!(parse(b""), Ok(None));
    }

    #[test]
    fn a_line_in_the_plain_form_names_a_user_and_a_title() {
        for (comment, name, title) in [
            ("alice", "alice", "alice"),
            ("alice@desk", "alice", "alice@desk"),
            ("alice The old computer", "alice", "The old computer"),
            ("alice@desk  Zweiter Rechner ", "alice", "Zweiter Rechner"),
        ] {
            let line = read(&format!("{KEY} {comment}")).in_plain_form().unwrap();
            let title: Title = title.parse().unwrap();
            assert_eq!((line.names, line.comment), (Names::User(name.to_owned()), Some(title)), "{comment}");
        }
        let forced = read(&format!("command=\"gitolite-shell bob\" {KEY} alice@desk")).in_plain_form().unwrap();
        assert_eq!((forced.names, forced.comment.unwrap().as_str()), (Names::User("bob".to_owned()), "alice@desk"));
        for comment in ["", "@desk", "@desk alice"] {
            assert!(read(&format!("{KEY} {comment}")).in_plain_form().is_err(), "{comment}");
        }
    }

    #[test]
    fn a_line_is_left_out_if_its_import_would_lose_a_restriction() {
        for (line, why) in [
            (format!("command=\"/usr/bin/backup \\\"x\\\" a\" {KEY}"), "its command is not of a known git server"),
            (format!("command=\"/bin/sh -c 'id'\" {KEY}"), "its command is not of a known git server"),
            (format!("from=\"*.example.com\" {KEY}"), "has entries that are not networks"),
            (format!("from=\"!192.0.2.1,192.0.2.0/24\" {KEY}"), "has entries that are not networks"),
            (format!("cert-authority,principals=\"x\" {KEY}"), "hubgate org ca add"),
            (format!("verify-required {KEY}"), "verify-required has no counterpart"),
            (format!("command=\"x {KEY}"), ""),
            ("not a key at all".to_owned(), ""),
        ] {
            let Err(BadLine::Other(error)) = parse(line.as_bytes()) else { panic!("{line}") };
            assert!(error.contains(why), "{line}: {error}");
        }
        assert!(parse(b"\xff\xfe").is_err());
    }

    #[test]
    fn a_dsa_key_is_named_as_one_with_its_holder() {
        const DSA: &str = "ssh-dss AAAAB3NzaC1kc3M=";
        for (line, holder) in [
            (format!("{DSA} bob@old desk"), "bob@old desk"),
            (format!("  {DSA}"), "a key without a name"),
            (format!("command=\"gitolite-shell alice\",no-pty {DSA} bob"), "alice"),
            (format!("command=\"gitlab-shell key-7\",no-pty {DSA} bob"), "key-7"),
            (format!("command=\"/usr/bin/backup\" {DSA} bob"), "bob"),
            (format!("no-pty {DSA} bob"), "bob"),
        ] {
            assert_eq!(parse(line.as_bytes()), Err(BadLine::Dsa(holder.to_owned())), "{line}");
        }
    }
}
