//! `[lfs] mode = "http"` and `"off"`: tokens for an HTTP server, and refusals.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::tree;
use super::wire::Wire;
use crate::harness::{
    Background, Client, Hub, Key, Outcome, Setup, Skip, background, refused, run, says, trials, wait_for,
};
use crate::texts::{INVALID, not_found, read_only, you_are};

trials![
    an_http_server_accepts_the_hubs_tokens_from_a_real_client,
    giftless_from_pypi_accepts_the_hubs_tokens_for_one_repository_and_operation,
    an_audience_is_in_the_token_only_if_it_is_configured,
    a_token_names_account_repository_operation_and_end,
    a_token_needs_the_right_that_it_gives,
    the_output_of_the_operators_program_is_the_answer,
    a_token_that_cannot_be_made_is_a_fault_without_details,
    in_mode_http_transfer_is_refused_without_output,
    in_mode_off_both_programs_refuse,
];

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/clients/lfs_server.py");
const KEY: &str = "0123456789abcdef0123456789abcdef";

/// A hub with these lines in `[lfs]`; `{dir}` means its directory, which has the file `key` with the key for tokens.
fn hub(lfs: &str) -> Hub {
    let hub = Hub::new();
    fs::write(hub.path("key"), format!("{KEY}\n")).expect("a key");
    fs::set_permissions(hub.path("key"), Permissions::from_mode(0o640)).expect("a mode");
    chown(hub.path("key"), Some(0), Some(hub.login.gid)).expect("an owner");
    configure(&hub, lfs);
    hub
}

fn configure(hub: &Hub, lfs: &str) {
    let lfs = lfs.replace("{dir}", &hub.dir.display().to_string());
    hub.configure(&Setup { more: &format!("[lfs]\n{lfs}\n"), ..Setup::default() });
}

const HTTP: &str = "mode = \"http\"\nurl = \"https://lfs.test/{path}/info/lfs\"\njwt_key_file = \"{dir}/key\"";

/// The answer to `git-lfs-authenticate`, and the token's content.
#[track_caller]
fn token(hub: &Hub, outcome: &Outcome) -> (Value, Value) {
    outcome.is(&says(outcome.stdout()));
    let answer: Value = serde_json::from_slice(&outcome.stdout).expect("JSON");
    let token = answer["header"]["Authorization"].as_str().and_then(|value| value.strip_prefix("Bearer "));
    let mut python = Command::new("python3");
    let claims = run(python.args([SCRIPT, "claims"]).arg(hub.path("key")).arg(token.expect("a token")));
    let claims = serde_json::from_slice(&claims.succeeded().stdout).expect("JSON");
    (answer, claims)
}

/// The server of `lfs_server.py`, on its own port.
struct Server(u16, #[expect(dead_code, reason = "ends with this value")] Background);

impl Server {
    fn start(hub: &Hub) -> Self {
        let (objects, port) = (hub.path("objects"), hub.path("port"));
        fs::create_dir(&objects).expect("a directory");
        let mut command = Command::new("python3");
        command.args([SCRIPT, "serve"]).arg(objects).arg(hub.path("key")).arg(&port);
        let process = background(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()));
        Self(wait_for(|| fs::read_to_string(&port).unwrap_or_default().parse()), process)
    }
}

fn an_http_server_accepts_the_hubs_tokens_from_a_real_client() {
    let hub = hub("");
    let server = Server::start(&hub);
    let url =
        format!("mode = \"http\"\nurl = \"http://127.0.0.1:{}/{{path}}\"\njwt_key_file = \"{{dir}}/key\"", server.0);
    configure(&hub, &url);
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    let content = "weights ".repeat(10_000);
    tree(&alice, "alice/x", &[("a.bin", content.clone()), ("b.bin", "small".to_owned())]);
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]).succeeded();
    assert_eq!(fs::read_dir(hub.path("objects")).expect("a directory").count(), 2);
    assert_eq!(hub.did(&["lfs", "check", "alice/x"]), "0 objects, 0 bytes: no problems found\n", "none of it is here");
    // Every client with fetch access gets the bytes, also with a key on no account.
    for client in [&hub.user("bob"), &hub.stranger()] {
        client.clone_with_lfs("alice/x", "copy").succeeded();
        assert_eq!(client.read("copy/a.bin"), content);
    }
    // Other clients get none, because the server requires a token.
    let stranger = hub.stranger();
    hub.did(&["repo", "visibility", "alice/x", "private"]);
    let clone = stranger.clone_with_lfs("alice/x", "copy");
    assert!(clone.status != 0 && clone.stderr().contains("repository not found"), "{clone}");
}

/// The cache of tools that tests install.
const TOOLS: &str = "/var/cache/hubgate-tools";

/// Python with giftless and what it needs, from `PyPI`. giftless 0.6.2 declares none of it.
fn giftless() -> PathBuf {
    const PACKAGES: [&str; 16] = [
        "giftless==0.6.2",
        "flask<3",
        "werkzeug<3",
        "figcan",
        "flask-classful",
        "flask-marshmallow",
        "marshmallow<4",
        "marshmallow-enum",
        "webargs",
        "PyJWT",
        "python-dateutil",
        "PyYAML",
        "python-dotenv",
        "cryptography",
        "cachetools",
        "typing-extensions",
    ];
    let place = PathBuf::from(TOOLS).join("giftless-0.6.2");
    let python = place.join("bin/python");
    if !place.join("complete").exists() {
        let _ = fs::remove_dir_all(&place);
        let _ = fs::create_dir_all(TOOLS);
        let made = run(Command::new("python3").args(["-m", "venv"]).arg(&place));
        let mut pip = Command::new("timeout");
        pip.arg("400")
            .arg(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(PACKAGES);
        if made.status != 0 || run(&mut pip).status != 0 {
            let _ = fs::remove_dir_all(&place);
            Skip::now("giftless cannot be installed from PyPI");
        }
        run(Command::new(&python).args(["-I", "-c", "import giftless.app"])).succeeded();
        fs::write(place.join("complete"), "").expect("a file");
    }
    python
}

fn giftless_from_pypi_accepts_the_hubs_tokens_for_one_repository_and_operation() {
    let python = giftless();
    let hub = hub("");
    let port = hub.path("port");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/clients/giftless_server.py");
    let mut serve = Command::new(python);
    serve.arg("-I").arg(script).arg(hub.path("key")).arg(hub.path("objects")).arg(&port);
    let _server = background(serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()));
    let port: u16 = wait_for(|| fs::read_to_string(&port).unwrap_or_default().parse());
    let http = format!(
        "mode = \"http\"\nurl = \"http://127.0.0.1:{port}/{{path}}.git/info/lfs\"\njwt_key_file = \"{{dir}}/key\""
    );
    configure(&hub, &http);
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    hub.empty_repo("alice/y", &[]);
    let content = "weights ".repeat(10_000);
    tree(&alice, "alice/x", &[("a.bin", content.clone()), ("b.bin", "small".to_owned())]);
    let push = alice.git_in("x", &["push", "origin", "HEAD:main"]);
    assert!(push.status == 0, "{push}");
    let stranger = hub.stranger();
    stranger.clone_with_lfs("alice/x", "copy").succeeded();
    assert_eq!(stranger.read("copy/a.bin"), content);
    // giftless holds a token to its repository and operation.
    let (answer, _) = token(&hub, &stranger.ssh("git-lfs-authenticate alice/x download"));
    let authorization = format!("Authorization: {}", answer["header"]["Authorization"].as_str().expect("a token"));
    let ask = |path: &str, operation: &str| {
        let object = format!(
            "{{\"operation\":\"{operation}\",\"transfers\":[\"basic\"],\"objects\":[{{\"oid\":\"{}\",\"size\":1}}]}}",
            "0".repeat(64)
        );
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--header", &authorization]);
        curl.args(["--header", "Content-Type: application/vnd.git-lfs+json", "--data", &object]);
        run(curl.arg(format!("http://127.0.0.1:{port}/{path}.git/info/lfs/objects/batch"))).stdout()
    };
    assert_eq!(ask("alice/y", "download"), "403");
    assert_eq!(ask("alice/x", "upload"), "403");
    assert_ne!(ask("alice/x", "download"), "403");
}

fn an_audience_is_in_the_token_only_if_it_is_configured() {
    let hub = hub(HTTP);
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    for (setting, expected) in [
        ("", Value::Null),
        ("jwt_audience = \"lfs.test\"", json!("lfs.test")),
        ("jwt_audience = \"repo:{path}\"", json!("repo:alice/x")),
    ] {
        configure(&hub, &format!("{HTTP}\n{setting}"));
        let (_, claims) = token(&hub, &alice.ssh("git-lfs-authenticate alice/x download"));
        assert_eq!(claims["aud"], expected, "{setting}");
    }
}

fn a_token_names_account_repository_operation_and_end() {
    let hub = hub(HTTP);
    let (alice, stranger) = (hub.user("alice"), hub.stranger());
    hub.empty_repo("alice/x", &[]);
    hub.empty_repo("datasets/alice/d", &["--private"]);
    let deployed = Key::new("deploy");
    let file = deployed.public_file();
    hub.did(&["deploy-key", "add", "alice/x", "--write", file.to_str().expect("UTF-8")]);
    let deploy = Client::new(&hub, None, deployed);
    for (client, who, command, path, operation) in [
        (&alice, "alice", "git-lfs-authenticate alice/x upload", "alice/x", "upload"),
        (&alice, "alice", "git-lfs-authenticate /Alice/X.git download", "alice/x", "download"),
        (&alice, "alice", "git-lfs-authenticate 'datasets/alice/d' upload", "datasets/alice/d", "upload"),
        (&stranger, "anonymous", "git-lfs-authenticate alice/x download", "alice/x", "download"),
        (&deploy, "-", "git-lfs-authenticate alice/x upload", "alice/x", "upload"),
    ] {
        let (answer, claims) = token(&hub, &client.ssh(command));
        assert_eq!(answer["href"], format!("https://lfs.test/{path}/info/lfs"), "{command}");
        assert_eq!(answer["expires_in"], 1_800, "{command}");
        assert_eq!(answer.as_object().map(serde_json::Map::len), Some(3), "{answer}");
        let issued = claims["iat"].as_i64().expect("a time");
        let sid = claims["jti"].as_str().expect("an id");
        assert!(hub.log().iter().any(|entry| entry.sid.as_deref() == Some(sid)), "a token leads to its session");
        let expected = json!({
            "iss": "hub.test", "sub": who, "repo": path, "operation": operation,
            "scopes": format!("obj:{path}/*:{}", if operation == "upload" { "read,write,verify" } else { "read" }), "key": client.key.fingerprint,
            "iat": issued, "exp": issued + 1_800, "jti": sid,
        });
        assert_eq!(claims, expected, "{command}");
    }
}

fn a_token_needs_the_right_that_it_gives() {
    let hub = hub(HTTP);
    let (_alice, bob, stranger) = (hub.user("alice"), hub.user("bob"), hub.stranger());
    for (path, options) in
        [("alice/x", [].as_slice()), ("alice/secret", &["--private"]), ("alice/gated", &["--gated", "manual"])]
    {
        hub.empty_repo(path, options);
    }
    let ask =
        |client: &Client, path: &str, operation: &str| client.ssh(format!("git-lfs-authenticate {path} {operation}"));
    token(&hub, &ask(&bob, "alice/x", "download"));
    for client in [&bob, &stranger] {
        ask(client, "alice/x", "upload").is(&refused(read_only(client, "alice/x")));
        for path in ["alice/secret", "alice/missing"] {
            for operation in ["download", "upload"] {
                ask(client, path, operation).is(&refused(not_found(client)));
            }
        }
        let gated = ask(client, "alice/gated", "download");
        assert!(gated.status == 1 && gated.stdout.is_empty() && gated.stderr().contains("is restricted"), "{gated}");
    }
    // Without a valid operation, no client gets a token.
    for command in [
        "git-lfs-authenticate alice/x",
        "git-lfs-authenticate alice/x ",
        "git-lfs-authenticate alice/x verify",
        "git-lfs-authenticate alice/x Upload",
        "git-lfs-authenticate alice/x upload ",
        "git-lfs-authenticate alice/x upload download",
        "git-lfs-authenticate alice/x download\tx",
        "git-lfs-authenticate upload",
    ] {
        hub.log();
        bob.ssh(command).is(&refused(INVALID));
        assert!(!hub.log().iter().any(|entry| entry.fields.contains("decision=allow")), "{command}");
    }
    hub.did(&["user", "disable", "bob", "--reason", "away"]);
    let disabled = ask(&bob, "alice/x", "download");
    disabled.is(&refused("hubgate: the account bob is disabled: away\n"));
}

/// An executable script of the operator.
fn script(hub: &Hub, text: &str) {
    fs::write(hub.path("token"), format!("#!/bin/sh\n{text}\n")).expect("a script");
    fs::set_permissions(hub.path("token"), Permissions::from_mode(0o755)).expect("a mode");
}

const COMMAND: &str = "mode = \"http\"\ntoken_command = \"{dir}/token\"";

fn the_output_of_the_operators_program_is_the_answer() {
    let hub = hub(COMMAND);
    let (alice, stranger) = (hub.user("alice"), hub.stranger());
    hub.empty_repo("alice/x", &[]);
    script(
        &hub,
        "printf '{ \"href\": \"https://elsewhere.test/%s\",\\n \"header\": {\"X\": \"%s %s %s\"} }' \"$2\" \"$1\" \"$3\" \
         \"$(env | grep -c -v -e ^PATH= -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD=)\"",
    );
    for (client, operation, user) in [(&alice, "upload", "alice"), (&stranger, "download", "anonymous")] {
        let outcome = client.ssh(format!("git-lfs-authenticate alice/x {operation}"));
        let answer: Value = serde_json::from_slice(&outcome.succeeded().stdout).expect("JSON");
        let header = format!("{operation} {user} 0");
        assert_eq!(answer, json!({ "href": "https://elsewhere.test/alice/x", "header": { "X": header } }));
        assert!(outcome.stderr.is_empty(), "{outcome}");
    }
    stranger.ssh("git-lfs-authenticate alice/x upload").is(&refused(read_only(&stranger, "alice/x")));
}

fn a_token_that_cannot_be_made_is_a_fault_without_details() {
    let hub = hub(COMMAND);
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    let fault = |cause: &str| {
        hub.log();
        let reference = alice.ssh("git-lfs-authenticate alice/x upload").is_fault();
        let log = hub.log();
        let line = log.iter().find(|entry| entry.fields.contains("decision=fault")).expect("a line");
        assert!(line.sid.as_deref() == Some(reference.as_str()) && line.fields.contains(cause), "{line}");
    };
    fault("No such file");
    for (text, cause) in [
        ("echo secret words >&2; exit 3", "secret words"),
        ("echo no json", "did not print JSON: expected"),
        ("echo '[1]'", "did not print a JSON object"),
        ("kill -9 $$", "signal"),
        // A program that does not end, or does not stop printing, holds no session for ever.
        ("sleep 100 & wait", "no answer within 10 s"),
        ("exec yes", "more than 65536 bytes of output"),
    ] {
        script(&hub, text);
        fault(cause);
    }
    configure(&hub, HTTP);
    fs::write(hub.path("key"), "too short").expect("a key");
    fault("needs 32");
    fs::remove_file(hub.path("key")).expect("no key");
    fault("No such file");
}

fn in_mode_http_transfer_is_refused_without_output() {
    let hub = hub(HTTP);
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    for operation in ["download", "upload"] {
        for path in ["alice/x", "alice/missing"] {
            alice
                .ssh(format!("git-lfs-transfer {path} {operation}"))
                .is(&refused("hubgate: this server serves LFS over HTTP: git-lfs-authenticate gives its address\n"));
        }
    }
}

fn in_mode_off_both_programs_refuse() {
    let hub = hub("mode = \"off\"");
    let (alice, stranger) = (hub.user("alice"), hub.stranger());
    hub.empty_repo("alice/x", &[]);
    for client in [&alice, &stranger] {
        client.ssh("git-lfs-authenticate alice/x download").is(&refused("hubgate: LFS is not served here\n"));
        let mut session = Wire::open(client, "alice/x", "upload");
        for command in ["batch", "lock", "list-lock"] {
            assert_eq!(session.ask(&[command]), ["status 501", "0001", "LFS is not served here"], "{command}");
        }
        assert_eq!(session.ask(&["quit"]), ["status 200"]);
        session.hang_up();
    }
    tree(&alice, "alice/x", &[("a.bin", "a".to_owned())]);
    let push = alice.git_in("x", &["push", "origin", "HEAD:main"]);
    assert!(push.status != 0 && push.stderr().contains("status 501 from server (LFS is not served here)"), "{push}");
    assert!(!push.stderr().contains(you_are(&alice).trim_end()), "{push}");
}
