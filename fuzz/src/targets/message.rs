//! Messages to peers.

use arbitrary::Unstructured;
use hubgate::access::{BadCertificate, GateRequest, NotAdmitted};
use hubgate::config::Config;
use hubgate::key::Fingerprint;
use hubgate::message::{Answer, FaultKind, Refusal, Messages, Status};
use hubgate::name::{Owner, RepoPath, Title};
use hubgate::request::{BadRequest, ForcedCommand};

use crate::input::{self, one_of};

/// A hub, an account, a title and a reason, with any text that the configuration and the database permit.
///
/// Every answer consists of lines without control characters and with hubgate's prefix, and names no path of the
/// server. Missing, hidden and invalid repositories get the same bytes.
pub fn answers(data: &[u8]) -> bool {
    let mut u = Unstructured::new(data);
    let mut config = Config::default();
    input::text(&mut u).clone_into(&mut config.hub.name);
    input::text(&mut u).clone_into(&mut config.hub.host);
    input::text(&mut u).clone_into(&mut config.hub.keys_help);
    if hubgate::fuzzing::check_config(&config).is_err() {
        config = Config::default();
    }
    let given = String::from_utf8_lossy(data);
    let key = Fingerprint::of_blob(data);
    let forced_command = match (u.arbitrary::<u8>().unwrap_or(0) % 4, input::text(&mut u).parse::<Owner>()) {
        (0, Ok(user)) => ForcedCommand::Certificate(user, key),
        (1, _) => ForcedCommand::DeployKey(key),
        (_, Ok(user)) => ForcedCommand::Account(user, key),
        (_, Err(_)) => ForcedCommand::Anonymous(key),
    };
    let path: RepoPath = input::text(&mut u).parse().unwrap_or_else(|_| "datasets/acme/squad".parse().expect("a path"));
    let title: Option<Title> = input::text(&mut u).parse().ok();
    let end = u.arbitrary::<i64>().unwrap_or(0);
    let request =
        one_of(&mut u, &[GateRequest::None, GateRequest::Pending, GateRequest::Accepted, GateRequest::Rejected]);
    let reason = String::from_utf8_lossy(u.take_rest()).into_owned();

    let deployed = matches!(forced_command, ForcedCommand::DeployKey(_)).then_some(&path);
    let messages = Messages { title: title.as_ref(), deployed, ..Messages::new(&config, &forced_command) };
    let greeting = messages.greeting();
    assert!(greeting.out.ends_with('\n') && greeting.out.lines().count() == 1 && greeting.status == Status::Done);
    assert!(!greeting.out.trim_end_matches('\n').contains(char::is_control), "{greeting:?}");
    assert!(greeting.out.starts_with("Hi "));
    sound(&greeting, &config, &given);

    for refusal in [
        Refusal::Bad(BadRequest::Syntax),
        Refusal::Bad(BadRequest::Verb),
        Refusal::NotSupported,
        Refusal::ReadOnly(path.clone()),
        Refusal::Gated(path.clone(), request),
        Refusal::Frozen(path.clone(), reason.clone()),
        Refusal::NotAdmitted(NotAdmitted::NoLongerOn),
        Refusal::NotAdmitted(NotAdmitted::Address(reason.clone())),
        Refusal::NotAdmitted(NotAdmitted::Certificate(BadCertificate::Member)),
        Refusal::NotAdmitted(NotAdmitted::Expired(end)),
        Refusal::NotAdmitted(NotAdmitted::Disabled(reason)),
        Refusal::NotAdmitted(NotAdmitted::Compromised),
        Refusal::NotAdmitted(NotAdmitted::OtherAccount),
    ] {
        let answer = messages.refusal(&refusal);
        sound(&answer, &config, &given);
        assert!(answer.out.is_empty() && answer.status != Status::Done && answer.status != Status::Fault);
        assert!(!refusal.reason().contains(|c: char| c != '-' && !c.is_ascii_lowercase()));
    }
    let missing = messages.refusal(&Refusal::NoRepository);
    sound(&missing, &config, &given);
    assert_eq!(messages.refusal(&Refusal::Bad(BadRequest::Path)), missing);

    for kind in [FaultKind::Unavailable, FaultKind::Broken] {
        let answer = Answer::fault(kind, "0123456789abcdef");
        sound(&answer, &config, &given);
        assert!(answer.err.len() == 1 && answer.status.code() == 128);
    }
    title.is_some()
}

/// Checks an answer. Only text that was `given` may contain a path of the server.
fn sound(answer: &Answer, config: &Config, given: &str) {
    let text = answer.stderr();
    assert!(text.is_empty() || text.ends_with('\n'));
    assert_eq!(text.matches('\n').count(), answer.err.len(), "{text:?}");
    assert!(text.lines().all(|line| line.starts_with("hubgate: ")), "{text:?}");
    assert!(!text.replace('\n', "").contains(char::is_control), "{text:?}");
    let places = [&config.paths.database, &config.paths.repositories, &config.paths.git, &config.log.socket];
    for place in places.map(|place| place.to_string_lossy()) {
        assert!(!text.contains(&*place) || given.contains(&*place), "{text:?}");
    }
}
