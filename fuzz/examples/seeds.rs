//! Writes the seeds of every corpus: the rows of `tests/data/hostile-inputs.jsonl` in each target's format, and inputs
//! that no row has. Run it from any directory: `cargo run --manifest-path fuzz/Cargo.toml --example seeds`.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use base64ct::{Base64, Encoding};
use serde_json::Value;

const ROWS: &str = include_str!("../../tests/data/hostile-inputs.jsonl");
const CONFIG: &str = include_str!("../../packaging/config.toml");
const WEAK_KEYS: &str = include_str!("../../packaging/weak-keys");
const KEY: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// The most seeds of one corpus, and the most bytes of one seed.
const SEEDS_MAX: usize = 48;
const BYTES_MAX: usize = 3_000;
/// The names of key types in the order of `KeyType::ALL`.
const TYPES: [&str; 7] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

type Seeds = Vec<Vec<u8>>;

/// The inputs of one kind of row, accepted ones first.
fn rows(kind: &str) -> Seeds {
    let mut rows: Vec<Value> = ROWS.lines().map(|row| serde_json::from_str(row).expect("a row")).collect();
    rows.retain(|row| row["kind"] == kind && row["synthetic"].is_null());
    rows.sort_by_key(|row| row["expect"] != "accept");
    rows.iter()
        .map(|row| match &row["input_b64"] {
            Value::String(base64) => Base64::decode_vec(base64).expect("base64"),
            _ => row["input"].as_str().expect("an input").as_bytes().to_vec(),
        })
        .collect()
}

fn texts<const N: usize>(texts: [&str; N]) -> Seeds {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// At most this many inputs, spread over all.
fn thinned(seeds: Seeds, most: usize) -> Seeds {
    let step = seeds.len().div_ceil(most).max(1);
    seeds.into_iter().step_by(step).collect()
}

/// The bytes after their length in one byte, as `input::bytes` reads them.
fn short(bytes: &[u8]) -> Vec<u8> {
    let bytes = &bytes[..bytes.len().min(255)];
    [&[u8::try_from(bytes.len()).expect("short")], bytes].concat()
}

/// The bytes after their length in four bytes, as a field of a key.
fn field(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).expect("short").to_be_bytes(), bytes].concat()
}

/// The keys of the rows: the number of the type, and the blob.
fn keys() -> Vec<(u8, Vec<u8>)> {
    let key = |line: &Vec<u8>| {
        let text = std::str::from_utf8(line).ok()?;
        let mut words = text.split_ascii_whitespace();
        let name = words.next()?;
        let number = TYPES.iter().position(|known| *known == name)?;
        Some((u8::try_from(number).ok()?, Base64::decode_vec(words.next()?).ok()?))
    };
    rows("key").iter().filter_map(key).collect()
}

/// The last words of the commands in the rows.
fn words() -> Seeds {
    let word = |command: Vec<u8>| command.splitn(2, |byte| *byte == b' ').nth(1).map(<[u8]>::to_vec);
    rows("soc").into_iter().filter_map(word).collect()
}

fn key_blob() -> Seeds {
    let whole = keys().into_iter().map(|(number, blob)| [&[number, 0][..], &blob].concat());
    let point = [9; 32];
    let made = [
        [&[0, 2][..], &point].concat(),
        [&[5, 2][..], &point, b"ssh:"].concat(),
        [&[5, 2][..], &point, b"https://evil"].concat(),
        [&[4, 2][..], &short(&[1, 0, 1]), &[0x7f; 256]].concat(),
        [&[4, 2][..], &short(&[3]), &[0, 0xff], &[0x55; 255]].concat(),
        [&[4, 1][..], &field(&[1, 0, 1]), &field(&[0x7f; 300])].concat(),
        // A length that `ssh-key` 0.6 ignores.
        [&[0, 1][..], &[0, 8, 0, 32], &point].concat(),
    ];
    whole.chain(made).collect()
}

/// Certificates built from fields (OpenSSH's PROTOCOL.certkeys), without a valid signature.
fn certificate() -> Seeds {
    let body = |key: &[u8], kind: u32, principals: &[&str], end: u64| {
        let principals: Seeds = principals.iter().map(|principal| field(principal.as_bytes())).collect();
        [
            field(&[7; 32]),
            key.to_vec(),
            7_u64.to_be_bytes().to_vec(),
            kind.to_be_bytes().to_vec(),
            field(b"laptop"),
            field(&principals.concat()),
            1_700_000_000_u64.to_be_bytes().to_vec(),
            end.to_be_bytes().to_vec(),
            field(b""),
            field(&[field(b"permit-pty"), field(b"")].concat()),
            field(b""),
            field(&[field(b"ssh-ed25519"), field(&[5; 32])].concat()),
            field(&[field(b"ssh-ed25519"), field(&[6; 64])].concat()),
        ]
        .concat()
    };
    let point = |size| field(&[&[4][..], &vec![9; size]].concat());
    let keys = [
        field(&[9; 32]),
        [field(b"nistp256"), point(64)].concat(),
        [field(b"nistp384"), point(96)].concat(),
        [field(b"nistp521"), point(132)].concat(),
        [field(&[1, 0, 1]), field(&[0x7f; 256])].concat(),
        [field(&[9; 32]), field(b"ssh:")].concat(),
        [field(b"nistp256"), point(64), field(b"ssh:")].concat(),
        [field(&[5]), field(&[5]), field(&[5]), field(&[5])].concat(),
    ];
    let whole = |number: u8, body: Vec<u8>| [vec![number, 0], body].concat();
    let end = 1_900_000_000;
    let mut seeds: Seeds =
        keys.iter().zip(0..).map(|(key, number)| whole(number, body(key, 1, &["alice"], end))).collect();
    for principals in [&[][..], &["anonymous"], &["alice", "bob"], &["al\"ice"], &["alice,root"]] {
        seeds.push(whole(0, body(&keys[0], 1, principals, end)));
    }
    let body = body(&keys[0], 1, &["alice"], u64::MAX);
    seeds.push(whole(0, body.clone()));
    seeds.push(whole(0, [&body[..], b"x"].concat()));
    seeds.push([&[0, 1][..], &field(b"ssh-ed25519"), &body].concat());
    seeds.extend(self::keys().into_iter().map(|(number, blob)| [&[number, 1][..], &blob].concat()));
    seeds
}

/// Whole account commands as clients type them, with the characters that a shell, a quoting and a terminal read.
fn account_command() -> Seeds {
    let mut seeds = texts([
        "whoami",
        "whoami --json",
        "key add My #1 key",
        "key add Alice's Mac",
        "key add 'Alice'\\''s Mac' --scope read --expires 90d",
        "key add --expires 1d --expires 2d x",
        "key release --yes",
        "repo create alice/x --private --description see issue #5",
        "repo create datasets/acme/x --gated manual --gate-members --object-format sha256",
        "repo create alice/x --description \"quoted\" text",
        "repo create ../x",
        "repo list acme",
        "repo rename alice/x acme/y",
        "repo visibility alice/x private",
        "repo remove alice/x --yes",
        "repo collaborator set alice/x bob write --until 2099-01-31",
        "repo collaborator set alice/x bob owner",
        "org member set acme bob no_access",
        "access grant acme/gated bob --until 30d",
        "access reject acme/gated 'bob'",
        "explain acme/x fetch",
        "join 0123456789abcdef0123456789abcdef",
        "key --help",
        "org help member",
        "key add -- -dash",
        "key add \u{202e}x",
        "key add ''",
        "key",
    ]);
    for title in [
        "My #1 key",
        "Alice's Mac",
        "the \"blue\" one",
        "C:\\keys",
        "two  blanks",
        "  before",
        "after  ",
        "größe",
        "$(id)",
        "`id`",
        "'quoted words' more",
        "'wow'\\!''",
        "'open",
        "#",
        "\\",
        "\"",
        "-dash",
        "--json x",
        "x --json",
        "a\u{1b}[2J",
    ] {
        seeds.push(format!("key rename {KEY} {title}").into_bytes());
    }
    seeds
}

fn forced_command() -> Seeds {
    let mut seeds = rows("argv");
    let users = rows("argv").into_iter().chain(texts(["alice", "Anonymous", "a-b.c_d", "anonymous", "al/ice"]));
    seeds.extend(users.map(|user| [&user, b" --key ".as_slice(), KEY.as_bytes()].concat()));
    seeds.extend(texts(["--unavailable", "--config /srv/x --unavailable"]));
    seeds.extend(["--deploy-key", "alice --ca", "anonymous --ca"].map(|words| format!("{words} {KEY}").into_bytes()));
    for start in ["--config /etc/hubgate/x.toml ", "--config x.toml ", "--config  ", "/a/gateway --config /b "] {
        seeds.push(format!("{start}alice --key {KEY}").into_bytes());
    }
    seeds.push(format!("alice\0--key\0{KEY}").into_bytes());
    seeds.push(format!("-c\0/usr/libexec/hubgate/gateway alice --key {KEY}").into_bytes());
    seeds.push(format!("--config\0/etc/x\0anonymous\0--key\0{KEY}").into_bytes());
    seeds.push(format!("/usr/libexec/hubgate/gateway anonymous --key {KEY}").into_bytes());
    seeds
}

fn config_file() -> Seeds {
    let shipped = CONFIG.lines().map(|line| line.strip_prefix('#').filter(|rest| rest.contains(" = ")).unwrap_or(line));
    let all: String = shipped.map(|line| line.to_owned() + "\n").collect();
    let mut seeds = vec![CONFIG.as_bytes().to_vec(), all.clone().into_bytes()];
    seeds.extend(all.split("\n[").skip(1).map(|section| format!("[{section}").into_bytes()));
    seeds.extend(texts([
        "",
        "[hub]\nname = \"a\\u000ab\"\n",
        "[hub]\nname = \"\u{202e}\"\nhost = '''x'''\n",
        "hub.name = \"x\"\nhub.host = \"y\"\n",
        "hub = { name = \"x\", keys_help = \"https://x\" }\n",
        "[hub]\nnmae = \"x\"\n",
        "[ssh]\nlogin = \"root\"\n",
        "[ssh]\nlogin = \"git -x\"\n",
        "[access]\nanonymous = \"off\"\n",
        "[access]\nanonymous = true\n",
        "[paths]\ndatabase = \"hub.db\"\n",
        "[git]\ndefault_branch = \"-x\"\narchive = true\nobject_format = \"sha256\"\n",
        "[log]\nsocket = \"/dev/log\"\n[log]\n",
        "name = 1\n",
        "\u{feff}[hub]\n",
        "[hub]\r\nname = \"x\"\r\n",
    ]));
    seeds
}

fn ssh_user_auth() -> Seeds {
    let mut seeds = Vec::new();
    for (number, blob) in keys() {
        let key = format!("{} {}", TYPES[usize::from(number)], Base64::encode_string(&blob));
        seeds.push(match seeds.len() % 5 {
            0 => format!("publickey {key}\n"),
            1 => key,
            2 => format!("publickey {key}"),
            3 => format!("publickey {key}\npublickey {key}\n"),
            _ => format!("keyboard-interactive/pam\npublickey {key}\n"),
        });
    }
    seeds.push("password\n".to_owned());
    seeds.into_iter().map(String::into_bytes).collect()
}

fn authorized_keys_line() -> Seeds {
    let users = rows("user").into_iter().chain(texts(["alice", "bob", "--deploy-key", "--unavailable"])).cycle();
    let configs = texts(["", "/etc/hubgate/config.toml", "/srv/x.toml", "/srv/$x", "relative"]).into_iter().cycle();
    let gateways = texts(["", "/opt/hubgate/gateway", "/a b"]).into_iter().cycle();
    let mut seeds = Seeds::new();
    for ((number, blob), ((user, config), gateway)) in keys().into_iter().zip(users.zip(configs).zip(gateways)) {
        let tail = blob.get(TYPES[usize::from(number)].len() + 4..).unwrap_or_default();
        seeds.push([&[number], &short(&user)[..], &short(&config), &short(&gateway), tail].concat());
    }
    seeds
}

fn log_escaping() -> Seeds {
    let values: Seeds = ["soc", "user", "comment", "argv", "env"].into_iter().flat_map(rows).collect();
    let pair = |pair: &[Vec<u8>]| {
        let fields: Seeds = pair.iter().zip(0..).map(|(value, key)| [vec![key], short(value)].concat()).collect();
        [vec![0], fields.concat()].concat()
    };
    values.chunks(5).map(pair).collect()
}

fn answers() -> Seeds {
    let titles = rows("comment").into_iter().cycle();
    let seed = |(user, title): (Vec<u8>, Vec<u8>)| {
        let head = [short(b"Acme Hub"), short(b"hub.acme.example"), short(b"https://acme.example/keys")].concat();
        let path = short(b"datasets/acme/squad");
        [
            &head[..],
            &[u8::try_from(user.len() % 4).expect("small")],
            &short(&user),
            &path,
            &short(&title),
            &1_800_000_000_i64.to_le_bytes(),
            &[1][..],
            &title,
        ]
        .concat()
    };
    rows("user").into_iter().zip(titles).map(seed).collect()
}

fn git_environment() -> Seeds {
    let value = |row: Vec<u8>| row.strip_prefix(b"GIT_PROTOCOL=").map(<[u8]>::to_vec);
    let values = rows("env").into_iter().filter_map(value);
    let more = texts(["version=2", "version=2:agent=x", "version=2 x", "'version=2'", "\u{1b}[2J"]);
    values.chain(more).zip((0..3).cycle()).map(|(value, service)| [vec![service], value].concat()).collect()
}

fn push_context() -> Seeds {
    let context = "hubgate push 6\n00ff\n/usr/bin/git\n0\n10\n0\ntrue\nmain\nssh git@hub repo default-branch a/x\nblob-size=5 binary=on\nno checks\n\
                   refs/heads/ refs/tags/\nalice\ntrue\ngit@hub:a/x\ndeny force refs/heads/** rule 1 of a/x: deny force refs/heads/** @everyone\n";
    let (zero, one) = ("0".repeat(40), "1".repeat(40));
    let said = [
        "decide".to_owned(),
        "decide now".to_owned(),
        "refused only branches and tags can be pushed".to_owned(),
        "fault cannot run git".to_owned(),
        format!("moved created {zero} {one} refs/heads/main"),
        format!("moved {zero} {one} refs/heads/main"),
        "proposals 1 70".to_owned(),
        "proposals 07".to_owned(),
        "open 7 feature/x".to_owned(),
        "open 7 -x".to_owned(),
        "rights\tallowed\t7=closed".to_owned(),
        "opened\t8".to_owned(),
    ];
    let seed = |user: Vec<u8>| {
        let fields = [short(&user), short(b"you are alice")].concat();
        [&fields[..], &77_u64.to_le_bytes(), &10_u64.to_le_bytes(), &0_u64.to_le_bytes()].concat()
    };
    [context.to_owned().into_bytes(), context.replace('\n', "\r\n").into_bytes()]
        .into_iter()
        .chain(said.into_iter().map(String::into_bytes))
        .chain(rows("user").into_iter().map(seed))
        .collect()
}

/// Random inputs for targets in which every byte is a choice.
fn choices(length: usize) -> Seeds {
    let mut state: u64 = 20_240_608;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..SEEDS_MAX).map(|_| (0..length).map(|_| byte()).collect()).collect()
}

/// Requests of git-lfs (its `ssh_adapter.md`), with one packet per line, alone and in one session.
fn lfs_packets() -> Seeds {
    let packet = |bytes: &[u8]| [format!("{:04x}", bytes.len() + 4).as_bytes(), bytes].concat();
    // Each row has the lines of one request, without the packet that ends it.
    let request = |row: Vec<u8>| {
        let lines: Seeds = row.split(|byte| *byte == b'\n').map(|line| packet(&[line, b"\n"].concat())).collect();
        [b"\0\x06".to_vec(), packet(b"version 1\n"), b"0000".to_vec(), lines.concat(), b"0000".to_vec()].concat()
    };
    let oid = "6ae8a75555209fd6c44157c0aed8016e763ff435a19cf186f76863140143ff72";
    let put = [packet(format!("put-object {oid}\n").as_bytes()), packet(b"size=12\n"), b"0001".to_vec()].concat();
    let batch = [packet(b"batch\n"), b"0001".to_vec(), packet(format!("{oid} 12\n").as_bytes())].concat();
    let version = [packet(b"version 1\n"), b"0000".to_vec()].concat();
    let session = |direction: u8, requests: &[&[u8]]| [&[direction, 2], &version[..], &requests.concat()].concat();
    let quit = packet(b"quit\n");
    let mut seeds: Seeds = rows("lfs").into_iter().map(request).collect();
    seeds.extend([
        session(1, &[&put, b"0010test content0000", &quit, b"0000"]),
        session(1, &[&put, b"0005t0004000fest content0000", &batch, b"0000", &quit, b"0000"]),
        session(1, &[&put, b"0010test content0001"]),
        session(0, &[&batch, b"0000", &packet(format!("get-object {oid}\n").as_bytes()), b"0000"]),
        session(1, &[&packet(b"lock\n"), &packet(b"path=a/b.bin\n"), b"0000", &packet(b"list-lock\n"), b"0000"]),
        session(1, &[&packet(b"unlock 1\n"), b"0000", b"0000", b"0004", b"0000"]),
        session(0, &[b"fff1"]),
        session(0, &[b"0002"]),
        session(0, &[b"zzzz"]),
        session(0, &[b"0001"]),
        session(0, &[&quit]),
    ]);
    seeds
}

fn lfs_names() -> Seeds {
    let names = texts([
        "6ae8a75555209fd6c44157c0aed8016e763ff435a19cf186f76863140143ff72",
        "6AE8A75555209FD6C44157C0AED8016E763FF435A19CF186F76863140143FF72",
        "../../../../../../../../../../../../../../../../../../etc/passwd",
        "a/b.bin",
        "a b/\u{fc}",
        "a/../b",
        "/a",
        "a//b",
        "..\\x",
        "a\nb",
        "",
        "1",
    ]);
    [names, rows("comment")].concat()
}

fn directories() -> Seeds {
    texts([
        "00112233445566778899aabbccddeeff",
        "00112233445566778899AABBCCDDEEFF",
        "../../../../../../../../../etc/x",
        "00112233445566778899aabbccddeef",
        "00112233445566778899aabbccddeeff0",
        "00112233445566778899aabbccddeeff\n",
        "0011223344556677",
        "",
    ])
}

/// Rules, each after an identity, an action and the name of a ref.
fn ref_rules() -> Seeds {
    let rules = [
        "deny force,delete refs/heads/main @everyone",
        "allow create,update refs/heads/main @admin bob\ndeny create,update refs/heads/main @everyone",
        "final deny all ** @deploy-keys",
        "allow all refs/heads/users/{user}/** @write\ndeny all refs/heads/users/** @everyone",
        "allow all refs/heads/**/x* alice\nallow all refs/*/a*b @read",
        "deny all refs/heads/{user}* @everyone",
        "deny all refs/heads/v[0-9] @everyone",
        "deny push ** alice",
        "deny all **",
    ];
    let names = ["refs/heads/main", "refs/heads/users/alice/x", "refs/tags/v1"];
    let seed = |rule: &str, number: u8| {
        let name = names[usize::from(number) % names.len()];
        [&[number % 2, number / 2, number], &short(name.as_bytes())[..], rule.as_bytes()].concat()
    };
    rules.iter().zip(0..).flat_map(|(rule, number)| [seed(rule, number), seed(rule, number + 1)]).collect()
}

fn ref_policy() -> Seeds {
    texts([
        "refs/heads/main",
        "refs/heads/feature/#123-x",
        "refs/tags/v1.0+rc.1",
        "refs/heads/größe",
        "refs/heads/日本",
        "main",
        "a=b,c%d@e",
        "-x",
        "a/-x",
        "HEAD",
        "$(id)",
        "`id`;x",
        "a\u{202e}b",
        "a b",
        "a..b",
        "x.lock",
        "@{u}",
        "refs/pull/1/head",
        "refs/replace/0123456789012345678901234567890123456789",
        "0123456789012345678901234567890123456789",
        "a/b/c/d/e/f/g/h",
        "a/b/c/d/e/f/g/h/i/j/k",
    ])
}

fn sources() -> Seeds {
    texts([
        "192.0.2.0/24\n192.0.2.7",
        "2001:db8::/32,198.51.100.1\n2001:db8::1%eth0",
        "192.0.2.77/24\n::ffff:192.0.2.7",
        "0.0.0.0/0,::/0\nunknown",
        "192.0.2.0/33\n192.0.2.7",
        "192.0.2.0/24,\n",
        "192.0.2.0/24, 198.51.100.1\n",
        "*.example.com,!192.0.2.1\n",
        "fe80::1%eth0\nfe80::1%eth0",
        "",
    ])
}

/// Signatures of `tree 1`, an empty line and `message`, by `ssh-keygen -Y sign -n git`.
const BY_ED25519: &str = "-----BEGIN SSH SIGNATURE-----\n\
    U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAg532Ch4QE3RPaBfz/6VYDfG91+D\n\
    NYBZ7jUKvzq2WBBQ0AAAADZ2l0AAAAAAAAAAZzaGE1MTIAAABTAAAAC3NzaC1lZDI1NTE5\n\
    AAAAQOMn+CvzfDRoZ5VeDYI8zce/1g2ee6TxZ5A/z9GppcZD9i4WDepk37WJihMevY+0OH\n\
    sY5pIpg7GSamXplXbtFww=\n\
    -----END SSH SIGNATURE-----\n";
const BY_ECDSA: &str = "-----BEGIN SSH SIGNATURE-----\n\
    U1NIU0lHAAAAAQAAAGgAAAATZWNkc2Etc2hhMi1uaXN0cDI1NgAAAAhuaXN0cDI1NgAAAE\n\
    EEjcf1Ei8IN28HZflBFrcTkvft7xn+hBFhQYP9HuCMmrgglqSbssm6tgWkaeNE84l1mPaw\n\
    nZIwN0L1ZNrTBX8UrQAAAANnaXQAAAAAAAAABnNoYTUxMgAAAGQAAAATZWNkc2Etc2hhMi\n\
    1uaXN0cDI1NgAAAEkAAAAgQo4Fr1d6Bnl9ZDQwIhIlUMlMHoBgz3DuyaCYE++qwt8AAAAh\n\
    ANG8AJGqxZbPZb+2e/r3VYhr5ZwW81AJegeMAxN9AVzU\n\
    -----END SSH SIGNATURE-----\n";

fn commit_signature() -> Seeds {
    let mut seeds = Vec::new();
    for text in [BY_ED25519, BY_ECDSA] {
        let base64: String = text.lines().filter(|line| !line.starts_with('-')).collect();
        let bytes = Base64::decode_vec(&base64).expect("base64");
        // As text in several forms, and as bytes, whole and changed.
        let texts =
            [text.to_owned(), text.replace('\n', "\n\n"), text.replace("SSH", "PGP"), text.replace("U1NI", "U1NJ")];
        seeds.extend(texts.iter().map(|text| [b"\0", text.as_bytes()].concat()));
        seeds.push([b"\x01", &bytes[..]].concat());
        for place in (0..bytes.len()).step_by(19) {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            seeds.push([b"\x01", &changed[..]].concat());
        }
    }
    seeds
}

fn commit_parts() -> Seeds {
    let head = "tree 1\nauthor A <a@x> 0 +0000\ncommitter B < B@x > 0 +0000\n";
    let mut seeds = texts(["tree 1\n\nm\n", "gpgsig", "gpgsig \n\n", "committer <a@b>\ngpgsig A\n B\n"]);
    for headers in [
        "gpgsig A\n B\n C\n",
        "gpgsig-sha256 A\n B\n",
        "gpgsig A\n B\ngpgsig-sha256 C\n D\n",
        "gpgsig A\ngpgsig B\n",
        "mergetag object 1\n gpgsig X\ngpgsig A\nx y\n z\n",
        "",
    ] {
        seeds.push(format!("{head}{headers}\ngpgsig in the message\n").into_bytes());
    }
    seeds
}

fn path_rules() -> Seeds {
    let rules = [
        "deny .github/** @write",
        "allow docs #7 @admin;deny ** @everyone",
        "deny|**/*.pem|@everyone;allow|a*/**/b|#1",
        "allow users/{user} @write; deny users @everyone",
        "deny */*/x @everyone",
        "deny a**b @everyone",
        "deny /a @write",
        "deny a bob",
        "by-ref; deny Config/prod/x* @everyone",
        "by-ref",
        "pusher refs/heads/main refs/tags/**",
        "hub|refs/pr/7",
        "hub refs/**/7",
    ];
    let paths = [".github/x", "docs/A", "x/y/a.PEM", "ab/c/b/d", "refs/pr/7", "", "config/Prod", "a"];
    let seed = |(rule, path): (&&str, &&str)| [&short(path.as_bytes())[..], rule.as_bytes()].concat();
    // In the place of a directory above the pattern.
    let above = [("deny a/b @everyone", "A"), ("deny Config/prod/x* @everyone", "config/Prod")];
    rules.iter().zip(paths.iter().cycle()).chain(above.iter().map(|(rule, path)| (rule, path))).map(seed).collect()
}

fn signers() -> Seeds {
    texts([
        &format!("signers pusher {KEY},alice@example.org {KEY},"),
        "signers hub",
        &format!("signers hub {KEY}"),
        &format!("signers all {KEY},"),
        &format!("signers hub  {KEY},"),
        &format!("signers hub {KEY},a b@c"),
        "signers accepted unknown other-address not-pusher",
        "signers accepted maybe",
        "signers",
        "decide 5",
        &format!("{KEY},a@b"),
        &format!("{KEY},"),
        &format!("{KEY},a@b,c"),
    ])
}

fn when() -> Seeds {
    texts([
        "30s",
        "15m",
        "24h",
        "90d",
        "2027-01-31",
        "2001-01-01",
        "0s",
        "1",
        "d",
        "-1d",
        "+1d",
        "1.5h",
        "2026-02-30",
        "99999999999999999999d",
        "9999-12-31",
        "1é",
        "0000-01-01",
    ])
}

fn main() {
    let fingerprints = texts([KEY, "SHA256:short", "sha256:AAAA", "MD5:00:11", "SHA256:", "x # y\n"]);
    let weak_keys: Seeds = vec![
        WEAK_KEYS.as_bytes()[..WEAK_KEYS.len().min(BYTES_MAX)].to_vec(),
        format!("# a comment\n\n{KEY} # why\n  {KEY}\r\n").into_bytes(),
        format!("{KEY}\n{KEY}x\n").into_bytes(),
        (0..32).collect(),
    ];
    let comments = rows("comment").into_iter().map(|comment| {
        [b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIyvsxAYqLJqm+UWlMSptsaMpMGhaX8h9WrhcObQu61/ ", &comment[..]].concat()
    });
    let corpora: Vec<(&str, Seeds)> = vec![
        ("account_command", account_command()),
        ("answers", answers()),
        ("authorized_keys_line", authorized_keys_line()),
        ("certificate", certificate()),
        ("commit_parts", commit_parts()),
        ("commit_signature", commit_signature()),
        ("config_file", config_file()),
        ("fingerprint", [fingerprints, weak_keys].concat()),
        ("forced_command", forced_command()),
        ("git_environment", git_environment()),
        (
            "git_quoting",
            [
                thinned(words(), 24),
                texts(["a'\\a'b", "a''b", "it's", "wow!", "a'\\''b", "'a'\\!'b'", "\\", "$x `y`\n\"z\""]),
            ]
            .concat(),
        ),
        ("key_blob", key_blob()),
        ("key_line", comments.chain(rows("key")).collect()),
        ("lfs_names", lfs_names()),
        ("lfs_packets", lfs_packets()),
        ("lfs_session", choices(24)),
        ("log_escaping", log_escaping()),
        ("names", [rows("user"), rows("comment"), thinned(words(), 16)].concat()),
        ("path_rules", path_rules()),
        ("push_context", push_context()),
        ("ref_policy", ref_policy()),
        ("ref_rules", ref_rules()),
        ("repository_directory", [directories(), vec![(0..16).collect()]].concat()),
        ("session_matrix", choices(80)),
        ("signers", signers()),
        ("sources", sources()),
        ("ssh_original_command", [rows("soc"), texts(["help", ""])].concat()),
        ("ssh_user_auth", ssh_user_auth()),
        ("when", when()),
    ];
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (target, mut seeds) in corpora {
        let directory = directory.join(target);
        fs::create_dir_all(&directory).expect("a directory");
        let mut seen = HashSet::new();
        seeds.retain(|seed| seed.len() <= BYTES_MAX && seen.insert(seed.clone()));
        for (number, seed) in thinned(seeds, SEEDS_MAX).iter().enumerate() {
            fs::write(directory.join(format!("seed-{number:02}")), seed).expect("a file");
        }
    }
}
