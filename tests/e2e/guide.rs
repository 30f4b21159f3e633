//! `hubgate guide`: each command of the page is typed, in each mode, and the page is shown in a browser.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{Client, Hub, Key, Outcome, Setup, Skip, run, run_with, says, trials};
use crate::operator::on_a_fresh_machine;
use crate::texts::hi;

trials![
    each_command_of_the_page_works_as_a_newcomer_types_it,
    the_page_tells_how_to_join_and_to_test_in_each_mode,
    the_page_has_what_the_configuration_and_the_database_say,
    text_of_the_configuration_is_no_markup,
    a_browser_shows_the_page_whole_and_without_a_complaint,
];

/// The page of a hub.
fn guide(hub: &Hub, words: &[&str]) -> String {
    let file = hub.path("sshd_config");
    hub.did(&[&["guide", "--sshd-config", file.to_str().expect("UTF-8")], words].concat())
}

/// The commands on a page in Markdown, in their order.
fn commands(page: &str) -> Vec<String> {
    let blocks = page.split("```sh\n").skip(1).map(|block| block.split_once("```").expect("its end").0);
    blocks.flat_map(str::lines).map(str::to_owned).collect()
}

/// The text of HTML.
fn text(html: &str) -> String {
    let mut pieces = html.split('<');
    let first = pieces.next().unwrap_or_default().to_owned();
    let rest = pieces.map(|piece| piece.split_once('>').expect("the end of a tag").1);
    let text = rest.fold(first, |text, piece| text + piece);
    let names = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    names.into_iter().fold(text, |text, (name, c)| text.replace(name, c))
}

/// `PORT`: starts a demo, and types the page that the demo wrote, as root with an empty home. The page gives ssh's
/// settings and the host keys too. `ssh-keygen` asks three questions.
const NEWCOMER: &str = r#"
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /root
cd /root
export HOME=/root GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@x GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@x
demo=/var/lib/demo
mkdir /var/lib/work
hubgate demo --port $port --dir $demo >/var/lib/work/demo 2>&1 &
pid=$!
until grep -qx ready /var/lib/work/demo; do
    kill -0 $pid || { cat /var/lib/work/demo; exit 1; }
    sleep 0.1
done
grep -qx "  $demo/guide.html" /var/lib/work/demo
hub() { hubgate --config $demo/config.toml "$@"; }
hub user add alice >/dev/null
hub repo create alice/mini >/dev/null
hub repo create datasets/alice/squad >/dev/null
hub repo create spaces/alice/play >/dev/null
code=$(hub invite alice | head -n 1)
ssh-keygen -q -t ed25519 -N '' -C other -f other
unescape() { sed -e 's/<[^>]*>//g; s/&lt;/</g; s/&gt;/>/g; s/&quot;/"/g' -e "s/&#39;/'/g; s/&amp;/\&/g"; }
blocks() { awk -v begin="<pre class=\"$1\">" 'index($0, begin) { on = 1 } on; /<\/pre>/ { on = 0 }' $demo/guide.html; }
blocks commands | unescape | grep . >/var/lib/work/commands
hub guide --sshd-config $demo/sshd_config --markdown | awk '/^```/ { on = $0 == "```sh"; next } on' |
    diff - /var/lib/work/commands
mkdir -m 700 .ssh
blocks lines | unescape | grep '^\[127.0.0.1\]' >.ssh/known_hosts
blocks lines | unescape | sed -n '/^Host /,/^$/p' | grep . >/var/lib/work/settings
value() { printf 's,<var>%s</var>,%s,g;' "$@"; }
values=$(value CODE $code TITLE laptop FILE other OWNER alice MODEL mini DATASET squad SPACE play NAME made)
blocks commands | sed -e "$values" | unescape | grep . | while IFS= read -r command; do
    case $command in
        ssh-keygen*) command="printf '\n\n\n' | $command" ;;
        "ssh -T 127.0.0.1") echo "cat /var/lib/work/settings >~/.ssh/config" ;;
    esac
    printf 'cat <<\\END\n$ %s\nEND\n%s\necho "status $?"\n' "$command" "$command"
done >/var/lib/work/script
echo 'kill $SSH_AGENT_PID' >>/var/lib/work/script
setsid --wait sh /var/lib/work/script </dev/null 2>&1
echo END
hub key list alice
kill -INT $pid
wait $pid
"#;

fn each_command_of_the_page_works_as_a_newcomer_types_it() {
    let hub = Hub::new();
    let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).expect("a port");
    let outcome = on_a_fresh_machine(&hub, &format!("port={}{NEWCOMER}", free.port()));
    let stdout = outcome.succeeded().stdout();
    let (said, keys) = stdout.split_once("END\n").expect("two parts");
    let mut typed: Vec<(&str, &str)> = Vec::new();
    let mut command = "";
    for line in said.lines() {
        match (line.strip_prefix("$ "), line.strip_prefix("status ")) {
            (Some(next), _) => command = next,
            (None, Some(status)) => typed.push((command, status)),
            (None, None) => {}
        }
    }
    assert!(typed.len() >= 25, "{outcome}");
    // The first command finds no key.
    let failed: Vec<_> = typed.iter().filter(|(_, status)| *status != "0").collect();
    assert_eq!(failed, [&("ls ~/.ssh/*.pub", "2")], "{outcome}");
    assert_eq!(said.matches("Hi alice, welcome to Demo Hub.\n").count(), 3, "{outcome}");
    for result in
        ["is now on the account alice\n", "Cloning into 'mini'", "Cloning into 'squad'", "Cloning into 'play'"]
    {
        assert_eq!(said.matches(result).count(), 1, "{result}: {outcome}");
    }
    assert!(said.contains("created the dataset datasets/alice/made (private)"), "{outcome}");
    assert!(keys.contains("  laptop  "), "{outcome}");
}

/// Types commands in the client's home, with its ssh.
fn types(client: &Client, commands: &[String]) -> Outcome {
    let bin = client.home.join("bin");
    fs::create_dir_all(&bin).expect("a directory");
    let script = format!("#!/bin/sh\nexec /usr/bin/ssh -F {} \"$@\"\n", client.ssh_config().display());
    fs::write(bin.join("ssh"), script).expect("a script");
    fs::set_permissions(bin.join("ssh"), Permissions::from_mode(0o755)).expect("a mode");
    let mut shell = client.command("sh");
    shell.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display())).stdin(Stdio::null());
    run(shell.args(["-c", &format!("set -e\n{}", commands.join("\n"))]))
}

fn the_page_tells_how_to_join_and_to_test_in_each_mode() {
    for anonymous in ["any-key", "login", "fallback", "off"] {
        let setup =
            Setup { anonymous, gateway_is_shell: anonymous == "fallback" || anonymous == "login", ..Setup::default() };
        let hub = Hub::with(&setup);
        hub.did(&["user", "add", "alice"]);
        let key = Key::new("alice");
        let client = Client::new(&hub, None, key.clone());
        fs::create_dir(client.home.join(".ssh")).expect("a directory");
        fs::copy(&key.file, client.home.join(".ssh/id_ed25519")).expect("a key");
        fs::copy(key.public_file(), client.home.join(".ssh/id_ed25519.pub")).expect("a key");
        let page = guide(&hub, &["--markdown"]);
        let found = |part: &str| -> Vec<String> {
            commands(&page).into_iter().filter(|command| command.contains(part)).collect()
        };
        let greetings = found("ssh -T").into_iter().filter(|command| command.contains('@')).collect::<Vec<_>>();
        assert_eq!(greetings.len(), 2, "{page}");
        // What the page says of a key that is on no account.
        let before = types(&client, &greetings[1..]);
        if page.contains("If the hub greets you as `anonymous`") {
            assert!(before.stdout().starts_with("Hi anonymous, "), "{before}");
        } else {
            assert!(before.status == 255 && before.stderr().contains("Permission denied (publickey)"), "{before}");
            assert!(page.contains("If ssh says `Permission denied (publickey)`"), "{page}");
        }
        if anonymous == "off" {
            assert!(!page.contains("join") && !page.contains("anonymous"), "{page}");
            let public = types(&client, &found("cat ~/.ssh/")).succeeded().stdout();
            let added = hub.hubgate_with(&["key", "add", "alice", "-"], public.as_bytes());
            added.succeeded();
        } else {
            let code = hub.did(&["invite", "alice"]).lines().next().expect("a code").to_owned();
            let join: Vec<String> = found(" join ").iter().map(|command| command.replace("CODE", &code)).collect();
            assert_eq!(join.len(), 1, "{page}");
            let said = types(&client, &join).succeeded().stdout();
            assert!(said.contains(&format!("{} is now on the account alice", key.fingerprint)), "{said}");
        }
        types(&client, &greetings).is(&says(format!("{0}{0}", hi("alice"))));
        let who = types(&client, &found(" whoami"));
        assert!(who.succeeded().stdout().contains(&key.fingerprint), "{who}");
        if anonymous == "login" {
            let address = format!("{}@hub.test", crate::harness::machine().anonymous_login);
            assert!(page.contains(&format!("`{address}` admits every key")), "{page}");
        }
    }
}

fn the_page_has_what_the_configuration_and_the_database_say() {
    let hub = Hub::new();
    hub.user("alice");
    hub.did(&["org", "add", "acme", "--admin", "alice"]);
    let page = |words: &[&str]| guide(&hub, words);
    let html = page(&[]);
    assert_eq!(page(&["--html"]), html);
    // Both forms have the same words.
    let words = |text: &str| {
        let words = text.split_whitespace().map(|word| word.replace(['\\', '`', '|', '*', '-', '#', '<', '>'], ""));
        words.filter(|word| !word.is_empty()).collect::<Vec<_>>()
    };
    let (_, body) = html.split_once("</nav>").expect("the main part");
    let markdown = page(&["--markdown"]).replace("```sh\n", "").replace("```text\n", "").replace("|---|---|", "");
    let (_, markdown) = markdown.split_once("\n\n").expect("a title");
    assert_eq!(words(&text(body)), words(markdown));
    // The fingerprint, as ssh shows it.
    let key = crate::harness::machine().dir.join("host_key.pub");
    let shown = run(Command::new("ssh-keygen").arg("-lf").arg(key)).succeeded().stdout();
    let fingerprint = shown.split(' ').nth(1).expect("a fingerprint");
    assert!(html.contains(fingerprint) && markdown.contains(fingerprint), "{html}");
    let json: Value = serde_json::from_str(&page(&["--json", "--markdown"])).expect("JSON");
    assert_eq!((json["format"].as_str(), json["text"].as_str()), (Some("markdown"), Some(&*page(&["--markdown"]))));
    let json: Value = serde_json::from_str(&page(&["--json"])).expect("JSON");
    assert_eq!((json["format"].as_str(), json["text"].as_str()), (Some("html"), Some(&*html)));
    // Certificates only if an organization has a CA.
    assert!(!html.contains("certificate"), "{html}");
    let authority = Key::new("ca");
    hub.did(&["org", "ca", "add", "acme", authority.public_file().to_str().expect("UTF-8")]);
    assert!(page(&[]).contains("<a href=\"#certificates\">Certificates</a>"));
    // Large files, and limits.
    assert!(html.contains("git lfs install") && html.contains("at most 10 GiB"), "{html}");
    hub.configure(&Setup { more: "[lfs]\nmode = \"off\"\n[limits]\npush_bytes = 0\n", ..Setup::default() });
    let without = page(&[]);
    assert!(!without.contains("git lfs install") && !without.contains(" GiB"), "{without}");
    // A name that nobody can use.
    let config = fs::read_to_string(hub.config()).expect("a file");
    fs::write(hub.config(), config.replace("hub.test", "hub.example")).expect("a file");
    let file = hub.path("sshd_config");
    let outcome = hub.hubgate(&["guide", "--sshd-config", file.to_str().expect("UTF-8")]);
    let note = "hubgate: the page names hub.example: set [hub] host to the name that clients use\n";
    assert_eq!((outcome.status, outcome.stderr().as_str()), (0, note), "{outcome}");
}

fn text_of_the_configuration_is_no_markup() {
    let hub = Hub::new();
    let name = r#"<script>alert("1")</script> & 'Co' *x* `y` [z](http://z) | <b>"#;
    let help = "https://x.example/?a=1&b=\"onclick=alert(1)'>";
    let rename = |name: &str, help: &str| {
        hub.configure(&Setup { keys_help: help, ..Setup::default() });
        let config = fs::read_to_string(hub.config()).expect("a file");
        fs::write(hub.config(), config.replace("\"Test Hub\"", &format!("{name:?}"))).expect("a file");
    };
    rename("plain", "https://plain.example/");
    let plain = guide(&hub, &[]);
    rename(name, help);
    let html = guide(&hub, &[]);
    let tags = |html: &str| -> BTreeSet<String> {
        let tags = html.split('<').skip(1).map(|piece| piece.split_once('>').expect("a tag").0.to_owned());
        tags.filter(|tag| !tag.starts_with("a href=\"https:")).collect()
    };
    assert_eq!(tags(&html), tags(&plain), "{html}");
    let link = "<a href=\"https://x.example/?a=1&amp;b=&quot;onclick=alert(1)&#39;&gt;\" rel=\"noreferrer\">";
    assert!(html.contains(link), "{html}");
    assert!(text(&html).contains(&format!("Git over SSH at {name}")), "{html}");
    assert!(text(&html).contains(&format!("Hi NAME, welcome to {name}.")), "{html}");
    // Nothing is loaded from elsewhere.
    for loads in ["<script", "<link", "<img", "<iframe", " src=", "url(", "@import", " style=", "javascript:", " on"] {
        assert!(!html.replace(" on ", " ").contains(loads) || loads == " on", "{loads}: {html}");
    }
    let markdown = guide(&hub, &["--markdown"]);
    let escaped = r#"# Git over SSH at \<script\>alert("1")\</script\> \& 'Co' \*x\* \`y\` \[z\](http://z) \| \<b\>"#;
    assert_eq!(markdown.lines().next(), Some(escaped));
    assert!(markdown.contains(&format!("```text\nHi NAME, welcome to {name}.\n```\n")), "{markdown}");
    // An address that is not one is text.
    rename("``` x", "ask <Bob> at javascript:x");
    let (html, markdown) = (guide(&hub, &[]), guide(&hub, &["--markdown"]));
    assert!(html.contains("To add a key, see also: ask &lt;Bob&gt; at javascript:x</p>"), "{html}");
    assert!(markdown.contains("To add a key, see also: ask \\<Bob\\> at javascript:x\n"), "{markdown}");
    assert!(markdown.contains("````text\nHi NAME, welcome to ``` x.\n````\n"), "{markdown}");
}

/// A page that shows another one in frames of several widths, and says how wide each became.
const FRAMES: &str = r#"<!DOCTYPE html><title>frames</title><body><script>
const widths = [320, 390, 768, 1280];
let left = widths.length;
for (const width of widths) {
    const frame = document.createElement("iframe");
    frame.style.cssText = `width: ${width}px; height: 800px; border: 0`;
    frame.srcdoc = atob("PAGE");
    frame.onload = () => {
        const inner = frame.contentDocument;
        const said = document.createElement("p");
        said.textContent = `wide ${width} ${inner.documentElement.scrollWidth} ${inner.querySelectorAll("h2").length}`;
        document.body.append(said);
    };
    document.body.append(frame);
}
</script>"#;

/// Runs the browser on a page, alone and without a network.
fn browser(home: &Path, page: &Path, words: &[&str]) -> Outcome {
    let mut command = Command::new("chromium");
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr"]);
    command.args(["--disable-background-networking", "--disable-sync", "--hide-scrollbars", "--timeout=20000"]);
    command.arg(format!("--user-data-dir={}", home.join("profile").display())).args(words);
    command.env("HOME", home).current_dir(home).arg(format!("file://{}", page.display()));
    run(&mut command)
}

fn a_browser_shows_the_page_whole_and_without_a_complaint() {
    if !Path::new("/usr/bin/chromium").exists() {
        Skip::now("there is no chromium");
    }
    let hub = Hub::new();
    let home = hub.path("browser");
    fs::create_dir(&home).expect("a directory");
    let file = hub.path("guide.html");
    let html = guide(&hub, &[]);
    fs::write(&file, &html).expect("a page");
    let said = browser(&home, &file, &["--dump-dom"]);
    let complaints = |said: &Outcome| said.stderr().lines().filter(|line| line.contains("CONSOLE")).count();
    assert!(complaints(&said) == 0 && said.stdout().contains("<h1>Git over SSH at Test Hub</h1>"), "{said}");
    let encoded = run_with(Command::new("base64").arg("--wrap=0"), html.as_bytes()).stdout();
    fs::write(hub.path("frames.html"), FRAMES.replace("PAGE", &encoded)).expect("a page");
    let said = browser(&home, &hub.path("frames.html"), &["--dump-dom", "--virtual-time-budget=5000"]);
    let sections = html.matches("<h2 ").count();
    for width in [320, 390, 768, 1280] {
        assert!(said.stdout().contains(&format!("<p>wide {width} {width} {sections}</p>")), "{said}");
    }
    // The test sees complaints.
    fs::write(&file, html.replace("</main>", "<script>1</script><img src=\"https://127.0.0.1:9/x\"></main>"))
        .expect("a page");
    let said = browser(&home, &file, &["--dump-dom"]);
    assert!(complaints(&said) >= 2, "{said}");
}
