use super::{Answer, FaultKind, Messages, Refusal, Status};
use crate::access::{AddedKey, BadCertificate, GateRequest, NotAdmitted};
use crate::config::{AccessPolicy, AnonymousMode, Config};
use crate::key::Fingerprint;
use crate::name::{RepoPath, Title};
use crate::request::{BadRequest, ForcedCommand};

const KEY: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const OTHER_KEY: &str = "hubgate: to use another key: ssh -o IdentitiesOnly=yes -i FILE git@hub.example\n";

fn key() -> Fingerprint {
    KEY.parse().unwrap()
}

fn alice() -> ForcedCommand {
    ForcedCommand::Account("alice".parse().unwrap(), key())
}

fn anonymous() -> ForcedCommand {
    ForcedCommand::Anonymous(key())
}

fn path() -> RepoPath {
    "datasets/acme/x".parse().unwrap()
}

/// The answer with the default configuration; a key on an account has the title "laptop".
fn answer(forced_command: &ForcedCommand, question: impl Fn(Messages<'_>) -> Answer) -> Answer {
    let title: Title = "laptop".parse().unwrap();
    let title = matches!(forced_command, ForcedCommand::Account(..)).then_some(&title);
    question(Messages { title, ..Messages::new(&Config::default(), forced_command) })
}

/// Standard error and status of a refusal. Standard output belongs to the protocol and must stay empty.
fn refused(forced_command: &ForcedCommand, refusal: &Refusal) -> (String, u8) {
    let answer = answer(forced_command, |messages| messages.refusal(refusal));
    assert_eq!(answer.out, "");
    (answer.stderr(), answer.status.code())
}

#[test]
fn each_exit_status_has_the_number_of_the_manual() {
    for (status, code) in
        [(Status::Done, 0), (Status::Refused, 1), (Status::Usage, 2), (Status::NotSupported, 127), (Status::Fault, 128)]
    {
        assert_eq!(status.code(), code);
    }
}

#[test]
fn a_known_key_is_greeted_with_its_account_name() {
    let answer = answer(&alice(), |messages| messages.greeting());
    assert_eq!(answer.out, "Hi alice, welcome to Example Hub.\n");
    assert_eq!((answer.stderr().as_str(), answer.status), ("", Status::Done));
}

#[test]
fn greetings_and_refusals_name_a_deploy_key_or_a_certificate() {
    let (config, deployed) = (Config::default(), path());
    let certificate = ForcedCommand::Certificate("alice".parse().unwrap(), key());
    let deploy_key = ForcedCommand::DeployKey(key());
    for (forced_command, deployed, name, you_are) in [
        (&certificate, None, "alice", "you are alice, by a certificate of KEY"),
        (
            &deploy_key,
            Some(&deployed),
            "deploy key of datasets/acme/x",
            "you are the deploy key of datasets/acme/x (KEY)",
        ),
        (&deploy_key, None, "deploy key", "you are the deploy key (KEY)"),
    ] {
        let messages = Messages { deployed, ..Messages::new(&config, forced_command) };
        assert_eq!(messages.greeting().out, format!("Hi {name}, welcome to Example Hub.\n"));
        assert_eq!(messages.greeting().stderr(), "");
        assert_eq!(messages.refusal(&Refusal::NoRepository).err[1..], [you_are.replace("KEY", KEY)]);
    }
}

#[test]
fn the_greeting_of_an_unknown_key_names_the_key_and_says_how_to_register_it() {
    let forced_command = anonymous();
    let mut config = Config::default();
    let answer = Messages::new(&config, &forced_command).greeting();
    assert_eq!(answer.out, "Hi anonymous, welcome to Example Hub.\n");
    assert_eq!(answer.stderr(), format!("hubgate: the key {KEY} is on no account here\n{OTHER_KEY}"));
    assert_eq!(answer.status, Status::Done);

    config.hub.keys_help = "https://hub.example/settings/keys".to_owned();
    let answer = Messages::new(&config, &forced_command).greeting();
    let help = "hubgate: add it to your account: https://hub.example/settings/keys";
    assert_eq!(answer.stderr(), format!("hubgate: the key {KEY} is on no account here\n{help}\n{OTHER_KEY}"));
}

#[test]
fn sessions_on_the_anonymous_login_or_without_a_key_read_why_they_are_anonymous() {
    let mut config = Config::default();
    config.access.anonymous = AnonymousMode::Login;
    config.hub.keys_help = "https://hub.example/keys".to_owned();
    let (by_login, by_pam) = (anonymous(), ForcedCommand::AuthInfo);
    let messages = Messages::new(&config, &by_login);
    let is = "every connection to anonymous@hub.example is anonymous";
    let more = "hubgate: to use a registered key: ssh git@hub.example\n";
    let add = "hubgate: add one to your account: https://hub.example/keys\n";
    assert_eq!(messages.greeting().stderr(), format!("hubgate: {is}\n{add}{more}"));
    let missing = messages.refusal(&Refusal::NoRepository).stderr();
    assert!(missing.ends_with(&format!("\nhubgate: you are anonymous: {is}\n{more}")), "{missing}");
    let moved = messages.notices(None, 0, Some(&path())).stderr();
    assert!(moved.contains("use anonymous@hub.example:datasets/acme/x"), "{moved}");
    let gated = messages.refusal(&Refusal::Gated(path(), GateRequest::None)).stderr();
    assert!(gated.contains("ask for it with: ssh git@hub.example access request datasets/acme/x"), "{gated}");
    // The anonymous login does not change what accounts read.
    let alice = alice();
    let messages = Messages { forced_command: &alice, ..messages };
    assert!(messages.notices(None, 0, Some(&path())).stderr().contains("use git@hub.example:datasets/acme/x"));

    let config = Config { access: AccessPolicy { anonymous: AnonymousMode::Fallback, ..config.access }, ..config };
    let messages = Messages::new(&config, &by_pam);
    let is = "none of your keys is on an account here";
    assert_eq!(messages.greeting().out, "Hi anonymous, welcome to Example Hub.\n");
    assert_eq!(messages.greeting().stderr(), format!("hubgate: {is}\n{add}{OTHER_KEY}"));
    let missing = messages.refusal(&Refusal::NoRepository).stderr();
    assert!(missing.ends_with(&format!("\nhubgate: you are anonymous: {is}\n{OTHER_KEY}")), "{missing}");
    let off = messages.refusal(&Refusal::NotAdmitted(NotAdmitted::NoLongerOn));
    assert_eq!(off.stderr(), "hubgate: sessions without a registered key are no longer accepted\n");
}

#[test]
fn help_goes_to_standard_output() {
    for forced_command in [alice(), anonymous()] {
        let answer = answer(&forced_command, |messages| messages.help());
        assert_eq!(
            answer.out,
            "This server speaks git over SSH:\n\
             \x20 git clone git@hub.example:OWNER/NAME              a model\n\
             \x20 git clone git@hub.example:datasets/OWNER/NAME     a dataset\n\
             \x20 git clone git@hub.example:spaces/OWNER/NAME       a space\n\
             \x20 ssh -T git@hub.example                            shows who you are\n\
             and has commands for your account, each with --help and --json:\n\
             \x20 ssh git@hub.example whoami\n\
             \x20 ssh git@hub.example key add [TITLE] < id_ed25519.pub    key list|rename|remove|release\n\
             \x20 ssh git@hub.example user email add|remove|list\n\
             \x20 ssh git@hub.example repo create|list|show|rename|visibility|describe|default-branch|remove|collaborator\n\
             \x20 ssh git@hub.example repo protect|unprotect PATH BRANCH    rule list|add|remove|move\n\
             \x20 ssh git@hub.example check list|set SCOPE\n\
             \x20 ssh git@hub.example allowed-signers PATH\n\
             \x20 ssh git@hub.example proposal list|show|close|reopen PATH [NUMBER]    repo proposals PATH on|off\n\
             \x20 ssh git@hub.example org member list|set|remove\n\
             \x20 ssh git@hub.example team add|list|show|rename|remove    team member list|add|remove\n\
             \x20 ssh git@hub.example access request|list|grant|reject|revoke\n\
             \x20 ssh git@hub.example explain PATH fetch|push\n\
             \x20 ssh git@hub.example join CODE\n"
        );
        assert_eq!((answer.stderr().as_str(), answer.status), ("", Status::Done));
    }
}

#[test]
fn each_refusal_has_a_text_a_status_and_a_word_for_the_log() {
    let not_supported = "command not supported: this server speaks git, git-lfs and its own commands \
                         (ssh git@hub.example help)";
    let ask = "access to datasets/acme/x is restricted: ask for it with: ssh git@hub.example access request \
               datasets/acme/x";
    let gated = |request| Refusal::Gated(path(), request);
    for (refusal, line, says_who, status, word) in [
        (Refusal::Bad(BadRequest::Syntax), "invalid command", false, 1, "syntax"),
        (Refusal::Bad(BadRequest::Verb), not_supported, false, 127, "verb"),
        (Refusal::NotSupported, not_supported, false, 127, "off"),
        (Refusal::Bad(BadRequest::Path), "repository not found, or you have no access to it", true, 1, "path"),
        (Refusal::NoRepository, "repository not found, or you have no access to it", true, 1, "no-repository"),
        (Refusal::ReadOnly(path()), "you have no write access to datasets/acme/x", true, 1, "read-only"),
        (gated(GateRequest::None), ask, true, 1, "gated"),
        (
            gated(GateRequest::Pending),
            "access to datasets/acme/x is restricted: your request is pending",
            true,
            1,
            "gated",
        ),
        (
            gated(GateRequest::Rejected),
            "access to datasets/acme/x is restricted: your request was rejected",
            true,
            1,
            "gated",
        ),
        (
            Refusal::TooManySessions,
            "too many sessions: wait until one of your sessions has ended",
            false,
            1,
            "too-many-sessions",
        ),
        (
            Refusal::Frozen(path(), "moving house".to_owned()),
            "datasets/acme/x is read-only: moving house",
            false,
            1,
            "frozen",
        ),
    ] {
        let you_are =
            if says_who { format!("hubgate: you are alice, by the key \"laptop\" ({KEY})\n") } else { String::new() };
        assert_eq!(refused(&alice(), &refusal), (format!("hubgate: {line}\n{you_are}"), status), "{refusal:?}");
        let nobody = format!("hubgate: you are anonymous: the key {KEY} is on no account here\n{OTHER_KEY}");
        let nobody = if says_who { nobody } else { String::new() };
        assert_eq!(refused(&anonymous(), &refusal), (format!("hubgate: {line}\n{nobody}"), status), "{refusal:?}");
        assert_eq!(refusal.reason(), word);
    }
}

#[test]
fn a_peer_that_may_create_the_missing_repository_is_told_how() {
    let (missing, status) = refused(&alice(), &Refusal::NoRepository);
    let create = "hubgate: create it with: ssh git@hub.example repo create datasets/acme/x\n";
    assert_eq!(refused(&alice(), &Refusal::NotCreated(path())), (missing + create, status));
    assert_eq!(Refusal::NotCreated(path()).reason(), Refusal::NoRepository.reason());
}

#[test]
fn notices_name_a_key_in_its_last_week_and_a_new_path() {
    let moved = path();
    // Noon of 2026-01-25, and the end of January.
    let (now, end) = (1_769_342_400, 1_769_904_000);
    let week = 7 * 86_400;
    let expires = format!("hubgate: the key \"laptop\" ({KEY}) expires on 2026-01-31\n");
    let is_now = "hubgate: this repository is now datasets/acme/x: use git@hub.example:datasets/acme/x\n";
    for (expires_at, moved, expected) in [
        (None, None, String::new()),
        (Some(end), None, expires.clone()),
        (None, Some(&moved), is_now.to_owned()),
        (Some(end), Some(&moved), format!("{expires}{is_now}")),
        (Some(now + week), None, String::new()),
        (Some(now - 1), None, String::new()),
    ] {
        let answer = answer(&alice(), |messages| messages.notices(expires_at, now, moved));
        assert_eq!((answer.out.as_str(), answer.stderr(), answer.status), ("", expected, Status::Done));
    }
}

#[test]
fn a_greeting_lists_the_newest_added_keys() {
    let added = |number: u8, added_at| AddedKey {
        fingerprint: Fingerprint::from_bytes([number; 32]),
        title: format!("key {number}").parse().unwrap(),
        added_at,
    };
    let said = |keys: &[AddedKey]| answer(&alice(), |messages| messages.added(keys.to_vec(), Vec::new())).stderr();
    assert_eq!(said(&[]), "");
    let line = |key: &AddedKey, day: &str| {
        let (title, fingerprint) = (&key.title, key.fingerprint);
        format!(
            "hubgate: the key \"{title}\" ({fingerprint}) was added on {day}: \
             if you do not know it: ssh git@hub.example key remove {fingerprint}\n"
        )
    };
    let keys = [added(1, 0), added(2, 86_400), added(3, 86_399), added(4, 1_767_225_600), added(5, 1)];
    assert_eq!(said(&keys[..1]), line(&keys[0], "1970-01-01"));
    let newest = line(&keys[3], "2026-01-01") + &line(&keys[1], "1970-01-02") + &line(&keys[2], "1970-01-01");
    assert_eq!(said(&keys), newest + "hubgate: and 2 more were added: ssh git@hub.example key list\n");
}

#[test]
fn a_bad_name_a_missing_repository_and_a_hidden_one_read_the_same() {
    for forced_command in [alice(), anonymous()] {
        assert_eq!(
            refused(&forced_command, &Refusal::Bad(BadRequest::Path)),
            refused(&forced_command, &Refusal::NoRepository)
        );
    }
}

#[test]
fn an_invalid_key_or_account_is_refused_with_the_reason() {
    // The end that `--expires 2026-01-31` sets: the key is valid until the last second of that day.
    let end_of_january = 1_769_904_000;
    for (reason, line, word) in [
        (NotAdmitted::NoLongerOn, format!("the key {KEY} is no longer on the account alice"), "key-removed"),
        (
            NotAdmitted::Expired(end_of_january),
            format!("the key \"laptop\" ({KEY}) expired on 2026-01-31"),
            "key-expired",
        ),
        (
            NotAdmitted::Expired(end_of_january - 86_400 / 2),
            format!("the key \"laptop\" ({KEY}) expired on 2026-01-31"),
            "key-expired",
        ),
        (
            NotAdmitted::Disabled("left the company".to_owned()),
            "the account alice is disabled: left the company".to_owned(),
            "account-disabled",
        ),
        (NotAdmitted::Compromised, format!("the key {KEY} was removed as compromised"), "key-compromised"),
    ] {
        let refusal = Refusal::NotAdmitted(reason);
        assert_eq!(refused(&alice(), &refusal), (format!("hubgate: {line}\n"), 1));
        assert_eq!(refusal.reason(), word);
    }
    let deploy_key = ForcedCommand::DeployKey(key());
    let certificate = ForcedCommand::Certificate("alice".parse().unwrap(), key());
    let address = || NotAdmitted::Address("192.0.2.1".to_owned());
    let invalid = "the certificate is not valid: ";
    for (forced_command, reason, line, word) in [
        (&alice(), address(), format!("the key \"laptop\" ({KEY}) may not be used from 192.0.2.1"), "key-address"),
        (&deploy_key, address(), format!("the key {KEY} may not be used from 192.0.2.1"), "key-address"),
        (&deploy_key, NotAdmitted::NoLongerOn, format!("the key {KEY} is no longer on the repository"), "key-removed"),
        (
            &certificate,
            NotAdmitted::Disabled("left".to_owned()),
            "the account alice is disabled: left".to_owned(),
            "account-disabled",
        ),
        (
            &certificate,
            NotAdmitted::Certificate(BadCertificate::Authority),
            format!("{invalid}its CA belongs to no organization here"),
            "certificate",
        ),
        (
            &certificate,
            NotAdmitted::Certificate(BadCertificate::Revoked),
            format!("{invalid}it was revoked"),
            "certificate",
        ),
        (
            &certificate,
            NotAdmitted::Certificate(BadCertificate::Lifetime),
            format!("{invalid}its lifetime is longer than its CA allows"),
            "certificate",
        ),
        (
            &certificate,
            NotAdmitted::Certificate(BadCertificate::Member),
            format!("{invalid}its principal is not a member of the organization"),
            "certificate",
        ),
    ] {
        let refusal = Refusal::NotAdmitted(reason);
        assert_eq!(refused(forced_command, &refusal), (format!("hubgate: {line}\n"), 1));
        assert_eq!(refusal.reason(), word);
    }
    let compromised = Refusal::NotAdmitted(NotAdmitted::Compromised);
    assert_eq!(refused(&anonymous(), &compromised), refused(&alice(), &compromised));
    assert_eq!(Refusal::NotAdmitted(NotAdmitted::OtherAccount).reason(), "other-account");
}

#[test]
fn a_key_without_a_known_title_is_named_by_its_fingerprint() {
    let (config, forced_command) = (Config::default(), alice());
    let messages = Messages::new(&config, &forced_command);
    let refusal = messages.refusal(&Refusal::NoRepository);
    assert_eq!(refusal.err.last().unwrap(), &format!("you are alice, by the key {KEY}"));
    let refusal = messages.refusal(&Refusal::NotAdmitted(NotAdmitted::Expired(1)));
    assert_eq!(refusal.err, [format!("the key {KEY} expired on 1970-01-01")]);
}

#[test]
fn an_end_beyond_the_calendar_does_not_panic() {
    for end in [i64::MIN, i64::MAX] {
        let (text, status) = refused(&alice(), &Refusal::NotAdmitted(NotAdmitted::Expired(end)));
        assert!(text.contains("expired on "), "{text}");
        assert_eq!(status, 1);
    }
}

#[test]
fn a_fault_says_one_fixed_sentence_and_a_reference() {
    for (kind, line) in [
        (FaultKind::Unavailable, "hubgate: temporarily unavailable, try again in a minute (reference 7f3a)\n"),
        (FaultKind::Broken, "hubgate: the server could not serve this request (reference 7f3a)\n"),
    ] {
        let answer = Answer::fault(kind, "7f3a");
        assert_eq!((answer.out.as_str(), answer.stderr().as_str(), answer.status), ("", line, Status::Fault));
    }
}

#[test]
fn an_operators_reason_cannot_act_on_the_peers_terminal_or_add_a_line() {
    let hostile = "a\x1b[2J\x07b\nhubgate: c\r\u{9b}d\u{7f}\te\0\u{202e}f";
    let frozen = Refusal::Frozen(path(), hostile.to_owned());
    let disabled = Refusal::NotAdmitted(NotAdmitted::Disabled(hostile.to_owned()));
    for (refusal, start) in [(frozen, "datasets/acme/x is read-only"), (disabled, "the account alice is disabled")] {
        let (text, _) = refused(&alice(), &refusal);
        let shown = r"a\u{1b}[2J\u{7}b\u{a}hubgate: c\u{d}\u{9b}d\u{7f}\u{9}e\u{0}\u{202e}f";
        assert_eq!(text, format!("hubgate: {start}: {shown}\n"));
    }
}

#[test]
fn every_command_and_url_names_a_port_that_is_not_22() {
    let with = |port: u16, mode: AnonymousMode| {
        let mut config = Config { access: AccessPolicy { anonymous: mode, proposals: false }, ..Config::default() };
        config.ssh.port = port;
        let texts = [alice(), anonymous()].map(|forced_command| {
            let messages = Messages::new(&config, &forced_command);
            let added = vec![AddedKey { fingerprint: key(), title: "laptop".parse().unwrap(), added_at: 0 }; 4];
            let refusals = [
                Refusal::Bad(BadRequest::Verb),
                Refusal::NotCreated(path()),
                Refusal::Reserved(path()),
                Refusal::Gated(path(), GateRequest::None),
            ];
            let answers = [
                messages.greeting(),
                messages.help(),
                messages.added(added, Vec::new()),
                messages.notices(None, 0, Some(&path())),
            ];
            let refused = refusals.iter().map(|refusal| messages.refusal(refusal));
            let said = answers.into_iter().chain(refused).map(|answer| answer.out.clone() + &answer.stderr());
            said.collect::<String>()
        });
        texts.concat()
    };
    for mode in [AnonymousMode::AnyKey, AnonymousMode::Login] {
        let (usual, other) = (with(22, mode), with(2222, mode));
        assert!(!usual.contains("-p ") && !usual.contains("ssh://"), "{usual}");
        // Each line with an address differs, except for the sentence about the connection itself.
        let lines: Vec<(&str, &str)> =
            usual.lines().zip(other.lines()).filter(|(line, _)| line.contains("@hub.example")).collect();
        assert!(lines.len() > 20, "{usual}");
        for (line, with_port) in lines.into_iter().filter(|(line, _)| !line.contains("every connection to")) {
            assert!(line != with_port && with_port.contains("2222"), "{with_port}");
        }
    }
}
