use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tempfile::TempDir;

use super::file::FILE_MAX;
use super::{AnonymousMode, Config, ConfigError, ObjectFormat, is_login};

const PACKAGED: &str = include_str!("../../packaging/config.toml");

/// The lines of the packaged file that set something, without the `#` before keys.
fn uncommented() -> String {
    let setting = |line: &&str| line.starts_with('[') || line.starts_with(|c: char| c.is_ascii_lowercase());
    let lines = PACKAGED.lines().map(|line| line.strip_prefix('#').unwrap_or(line)).filter(setting);
    lines.map(|line| format!("{line}\n")).collect()
}

/// Each key as `section.key`, from Rust's debug output of the whole structure, so that none is missing.
fn keys_of_config() -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let mut section = String::new();
    for line in format!("{:#?}", Config::default()).lines() {
        let word = line.trim_start();
        let name = word.split_once(": ").map(|(name, _)| name.to_owned());
        match (line.len() - word.len(), name) {
            (4, Some(name)) => section = name,
            (8, Some(name)) => drop(keys.insert(format!("{section}.{name}"))),
            _ => {}
        }
    }
    keys
}

#[test]
fn an_empty_file_is_the_default_and_so_is_the_packaged_one_with_and_without_its_comments() {
    assert_eq!(Config::parse(""), Ok(Config::default()));
    assert_eq!(Config::parse(PACKAGED), Ok(Config::default()));
    assert_eq!(Config::parse(&uncommented()), Ok(Config::default()));
    assert_eq!(Config::default().check(), Ok(()));
}

#[test]
fn every_key_stands_in_the_packaged_file() {
    let mut section = "";
    let mut packaged = BTreeSet::new();
    let text = uncommented();
    for line in text.lines() {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(name) => section = name,
            None => drop(packaged.insert(format!("{section}.{}", line.split_once(" = ").unwrap().0))),
        }
    }
    assert_eq!(packaged, keys_of_config());
    assert!(packaged.len() >= 13, "{packaged:?}");
}

#[test]
fn what_is_set_counts_and_the_rest_keeps_its_default() {
    let config = Config::parse("[access]\nanonymous = \"off\"\n[git]\nobject_format = \"sha256\"\n").unwrap();
    assert_eq!(config.access.anonymous, AnonymousMode::Off);
    assert_eq!(config.git.object_format, ObjectFormat::Sha256);
    let Config { access: _, git, ref hub, .. } = config;
    assert_eq!((hub, git.default_branch.as_str()), (&Config::default().hub, "main"));
}

#[test]
fn the_operator_chooses_where_refs_are() {
    let refs = |text: &str| {
        let config = Config::parse(&format!("[git]\nrefs = {text}\n")).unwrap();
        config.check().map(|()| config.git.refs)
    };
    assert_eq!(refs(r#"["refs/heads/"]"#), Ok(vec!["refs/heads/".to_owned()]));
    assert!(refs(r#"["refs/heads/", "refs/tags/", "refs/changes/", "refs/a.b/c_d-e/"]"#).is_ok());
    assert!(refs(r#"["refs/heads/", "refs/replace/"]"#).is_err());
}

#[test]
fn every_mode_of_anonymous_has_its_word_and_nobody_is_the_login_itself() {
    for (word, mode) in [
        ("any-key", AnonymousMode::AnyKey),
        ("login", AnonymousMode::Login),
        ("fallback", AnonymousMode::Fallback),
        ("off", AnonymousMode::Off),
    ] {
        let config = Config::parse(&format!("[access]\nanonymous = {word:?}\n")).unwrap();
        assert_eq!((config.access.anonymous, config.check()), (mode, Ok(())));
    }
    for name in ["git", "root", "", "Nobody", "a b"] {
        let config = Config::parse(&format!("[ssh]\nanonymous_login = {name:?}\n")).unwrap();
        assert!(config.check().is_err(), "{name}");
    }
}

#[test]
fn what_is_not_known_is_an_error_with_line_and_column() {
    for (text, place, what) in [
        ("[hub]\nnmae = \"x\"\n", "line 2, column 1", "nmae"),
        ("[hubs]\n", "line 1, column 2", "hubs"),
        ("name = \"x\"\n", "line 1, column 1", "name"),
        ("[hub]\nname = 7\n", "line 2, column 8", "string"),
        ("[access]\nanonymous = \"everybody\"\n", "line 2, column 13", "everybody"),
        ("[git]\nobject_format = \"sha512\"\n", "line 2, column 17", "sha512"),
        ("[git]\narchive = \"no\"\n", "line 2, column 11", "boolean"),
        ("[hub]\n[hub]\n", "line 2, column 2", "duplicate"),
        ("[hub]\nname = \"x\n", "line 2, column 10", "string"),
        ("[ssh]\nlogin = \"git\"\nhost.name = 1\n", "line 3, column 1", "host"),
    ] {
        let error = Config::parse(text).unwrap_err();
        assert!(error.contains(place) && error.contains(what), "{text:?}: {error}");
    }
}

#[test]
fn a_value_that_cannot_be_meant_is_refused() {
    for text in [
        "[hub]\nname = \"\"",
        "[hub]\nname = \"a\\nb\"",
        "[hub]\nhost = \"\\u001b[2J\"",
        "[hub]\nkeys_help = \"a\\tb\"",
        "[ssh]\nlogin = \"root\"",
        "[ssh]\nlogin = \"\"",
        "[ssh]\nlogin = \"Git\"",
        "[git]\nrefs = []",
        "[git]\nrefs = [\"refs/tags/\"]",
        "[git]\nrefs = [\"refs/heads/\", \"refs/replace/\"]",
        "[git]\nrefs = [\"refs/heads/\", \"refs/original/refs/\"]",
        "[git]\nrefs = [\"refs/heads/\", \"refs/\"]",
        "[git]\nrefs = [\"refs/heads/\", \"refs/notes\"]",
        "[git]\nrefs = [\"refs/heads/\", \"refs/a b/\"]",
        "[git]\nrefs = [\"refs/heads/\", \"refs/../\"]",
        "[git]\nrefs = [\"refs/heads/\", \"changes/\"]",
        "[paths]\ndatabase = \"hubgate.db\"",
        "[paths]\nrepositories = \"../x\"",
        "[paths]\ngit = \"git\"",
        "[paths]\nstate = \"state\"",
        "[paths]\nstate = \"/srv/\\u001b[2J\"",
        "[paths]\ngit = \"/usr/bin/git\\n\"",
        "[paths]\ndatabase = \"/srv/\\u001b[2J\"",
        "[log]\nsocket = \"/dev/log\\r\"",
        "[log]\nsocket = \"\"",
        "[git]\ndefault_branch = \"\"",
        "[git]\ndefault_branch = \"-x\"",
        "[git]\ndefault_branch = \"a b\"",
    ] {
        assert!(Config::parse(text).unwrap().check().is_err(), "{text}");
    }
}

#[test]
fn a_login_is_what_useradd_takes() {
    let longest = "a".repeat(32);
    for (name, expected) in [
        ("git", true),
        ("_git-2", true),
        (longest.as_str(), true),
        ("", false),
        ("root", false),
        ("Git", false),
        ("2git", false),
        ("-git", false),
        ("git$", false),
        ("git.hub", false),
        ("gît", false),
        (&format!("{longest}a"), false),
    ] {
        assert_eq!(is_login(name), expected, "{name:?}");
    }
}

/// A directory that only root can write, like each directory above it.
fn roots_directory() -> TempDir {
    tempfile::Builder::new().prefix("hubgate-config-").tempdir_in("/root").unwrap()
}

/// A valid file in that directory.
fn good_file(directory: &TempDir) -> PathBuf {
    let file = directory.path().join("config.toml");
    fs::write(&file, "[hub]\nname = \"My Hub\"\n").unwrap();
    set_mode(&file, 0o644);
    file
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// The path that is not trusted, if that is why the file was rejected.
fn untrusted(file: &Path) -> Option<PathBuf> {
    match Config::load(file) {
        Err(ConfigError::Untrusted(culprit, named)) if named == file => Some(culprit),
        _ => None,
    }
}

#[test]
#[ignore = "needs root"]
fn a_file_of_roots_alone_is_read() {
    let directory = roots_directory();
    let file = good_file(&directory);
    assert_eq!(Config::load(&file).unwrap().hub.name, "My Hub");
    set_mode(&file, 0o400);
    assert!(Config::load(&file).is_ok());
}

#[test]
#[ignore = "needs root"]
fn a_file_that_others_could_have_written_is_not_used() {
    let directory = roots_directory();
    let file = good_file(&directory);
    for mode in [0o664, 0o646, 0o666, 0o620, 0o602] {
        set_mode(&file, mode);
        assert_eq!(untrusted(&file), Some(file.clone()), "{mode:o}");
    }
    set_mode(&file, 0o644);
    chown(&file, Some(65_534), None).unwrap();
    assert_eq!(untrusted(&file), Some(file));
}

#[test]
#[ignore = "needs root"]
fn a_directory_above_that_others_could_write_spoils_the_file() {
    let directory = roots_directory();
    let inner = directory.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let file = inner.join("config.toml");
    fs::rename(good_file(&directory), &file).unwrap();
    for culprit in [inner.as_path(), directory.path()] {
        for mode in [0o777, 0o775, 0o757, 0o1777] {
            set_mode(culprit, mode);
            assert_eq!(untrusted(&file).as_deref(), Some(culprit), "{mode:o}");
        }
        set_mode(culprit, 0o755);
        chown(culprit, Some(65_534), None).unwrap();
        assert_eq!(untrusted(&file).as_deref(), Some(culprit));
        chown(culprit, Some(0), None).unwrap();
        assert!(Config::load(&file).is_ok());
    }
}

#[test]
#[ignore = "needs root"]
fn a_link_is_not_followed() {
    let directory = roots_directory();
    let file = good_file(&directory);
    let link = directory.path().join("link.toml");
    symlink(&file, &link).unwrap();
    assert!(matches!(Config::load(&link), Err(ConfigError::Read(path, _)) if path == link));
    let inner = directory.path().join("inner");
    symlink(directory.path(), &inner).unwrap();
    assert_eq!(untrusted(&inner.join("config.toml")), Some(inner));
}

#[test]
#[ignore = "needs root"]
fn what_is_no_file_is_not_used_and_not_waited_for() {
    let directory = roots_directory();
    let fifo = directory.path().join("fifo");
    mkfifo(&fifo, Mode::from_bits_truncate(0o600)).unwrap();
    for path in [fifo.as_path(), directory.path()] {
        assert_eq!(untrusted(path).as_deref(), Some(path));
    }
    let missing = directory.path().join("missing.toml");
    assert!(matches!(Config::load(&missing), Err(ConfigError::Read(path, _)) if path == missing));
}

#[test]
#[ignore = "needs root"]
fn a_path_that_would_not_survive_a_forced_command_is_refused() {
    let directory = roots_directory();
    let file = good_file(&directory);
    for name in ["a b.toml", "a\".toml", "a'.toml", "a\\.toml", "a$b.toml", "a\n.toml", "é.toml"] {
        let path = directory.path().join(name);
        fs::copy(&file, &path).unwrap();
        assert!(matches!(Config::load(&path), Err(ConfigError::Path(refused)) if refused == path), "{name:?}");
    }
    for path in ["config.toml", "./config.toml", ""] {
        assert!(matches!(Config::load(Path::new(path)), Err(ConfigError::Path(_))), "{path:?}");
    }
}

#[test]
#[ignore = "needs root"]
fn a_file_with_an_error_says_which_file_and_where() {
    let directory = roots_directory();
    let file = good_file(&directory);
    let load = |text: &[u8]| {
        fs::write(&file, text).unwrap();
        Config::load(&file).unwrap_err()
    };
    let error = load(b"[hub]\nnmae = \"x\"\n");
    assert!(matches!(error, ConfigError::Syntax(..)));
    let text = error.to_string();
    assert!(text.starts_with(&format!("{}: ", file.display())) && text.contains("line 2, column 1"), "{text}");
    assert!(matches!(load(b"[ssh]\nlogin = \"root\"\n"), ConfigError::Value(..)));
    assert!(matches!(load(b"[hub]\nname = \"\xff\"\n"), ConfigError::Read(..)));
}

#[test]
#[ignore = "needs root"]
fn a_file_is_read_whole_or_not_at_all() {
    let directory = roots_directory();
    let file = good_file(&directory);
    let end = "\n[access]\nanonymous = \"off\"\n";
    let most = usize::try_from(FILE_MAX).unwrap();
    let text = |length: usize| format!("{}{end}", "#".repeat(length - end.len()));
    fs::write(&file, text(most)).unwrap();
    assert_eq!(Config::load(&file).unwrap().access.anonymous, AnonymousMode::Off);
    // Cut at the limit, the file would be another configuration with anonymous access.
    fs::write(&file, text(most + 1)).unwrap();
    assert!(Config::load(&file).is_err());
    fs::write(&file, text(most + end.len())).unwrap();
    assert!(Config::load(&file).is_err());
}

#[test]
fn state_is_beside_the_database_unless_it_has_a_directory_of_its_own() {
    let files = |text: &str| {
        let config = Config::parse(text).unwrap();
        let files = [config.running_dir(), config.lfs_sessions_file(), config.wrong_codes_file()];
        let all = files.into_iter().chain([config.last_used_dir(), config.last_greeted_dir()]);
        all.map(|file| file.display().to_string()).collect::<Vec<_>>().join(" ")
    };
    let expected = "D/running D/lfs-sessions D/wrong-codes D/last-used D/last-greeted";
    assert_eq!(files(""), expected.replace('D', "/var/lib/hubgate/db"));
    assert_eq!(files("[paths]\ndatabase = \"/srv/x.db\""), expected.replace('D', "/srv"));
    let own = "[paths]\ndatabase = \"/srv/x.db\"\nstate = \"/run/hubgate\"";
    assert_eq!(files(own), expected.replace('D', "/run/hubgate"));
}

#[test]
fn a_number_that_toml_does_not_have_is_rejected() {
    assert!(Config::parse("[limits]\npush_bytes = 9223372036854775807\n").is_ok());
    let error = Config::parse("[limits]\nlfs_owner_bytes = 9223372036854775808\n").unwrap_err();
    assert_eq!(error, "a number in [limits] is at most 9223372036854775807");
}
