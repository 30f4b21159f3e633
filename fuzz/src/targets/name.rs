//! Names: owners, repositories, their paths on the hub, titles, and ids of directories.

use hubgate::name::{Name, NameError, Owner, RepoKind, RepoPath, Title};
use hubgate::repository::Directory;

use crate::input::is_sentence;

/// Arbitrary text as owner, name, path, path from the wire, new account and title.
pub fn names(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let component = is_component(text);
    let owner = text.parse::<Owner>();
    assert_eq!(sound(owner.as_ref()), component);
    assert!(owner.is_err() || owner.as_ref().map(Owner::as_str) == Ok(text));
    let name = text.parse::<Name>();
    assert_eq!(sound(name.as_ref()), component && !text.to_lowercase().ends_with(".git"));
    assert!(name.is_err() || name.as_ref().map(Name::as_str) == Ok(text));
    let account = Owner::new_account(text);
    if sound(account.as_ref()) {
        assert_eq!(account, owner);
        assert!(text.len() <= 40 && text.to_lowercase() != "anonymous" && text.to_lowercase() != "root");
    }
    let title = text.parse::<Title>();
    if sound(title.as_ref()) {
        assert!((1..=255).contains(&text.len()) && !text.contains(char::is_control) && text.lines().count() == 1);
        assert_eq!(title.as_ref().map(ToString::to_string), Ok(text.to_owned()));
    }

    let path = text.parse::<RepoPath>();
    if sound(path.as_ref()) {
        let path = path.as_ref().expect("it is sound");
        assert_eq!(path.to_string(), text);
        sound_path(path);
    }
    let wire = RepoPath::from_wire(text);
    if sound(wire.as_ref()) {
        let path = wire.as_ref().expect("it is sound");
        sound_path(path);
        let written = path.to_string();
        assert!(text.contains(&written) && text.len() <= written.len() + "/.git/".len());
        for text in [format!("/{written}"), format!("{written}/"), format!("/{written}.git/")] {
            assert_eq!(RepoPath::from_wire(&text).as_ref(), Ok(path));
            assert!(text.parse::<RepoPath>().is_err(), "{text:?}");
        }
    }
    // Every path is also valid on the wire; otherwise, stripping the suffix would give it a second name.
    assert!(path.is_err() || wire == path);
    owner.is_ok() || wire.is_ok()
}

/// Whether a text was accepted. Checks that an error is a sentence.
fn sound<T>(result: Result<&T, &NameError>) -> bool {
    result.map_err(|error| assert!(is_sentence(&error.to_string()))).is_ok()
}

fn sound_path(path: &RepoPath) {
    let (owner, name) = (path.owner.as_str(), path.name.as_str());
    assert!(is_component(owner) && is_component(name) && !name.to_lowercase().ends_with(".git"));
    assert!(RepoKind::ALL.iter().all(|kind| kind.prefix().strip_suffix('/') != Some(owner)));
    assert_eq!(path.to_string(), format!("{}{owner}/{name}", path.kind.prefix()));
    assert_eq!(path.to_string().parse().as_ref(), Ok(path));
}

/// `[A-Za-z0-9_]([A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?` without `..` and `--`, implemented independently.
fn is_component(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let edge = |c: char| inner(c) && c != '.' && c != '-';
    text.len() <= 96
        && text.starts_with(edge)
        && text.ends_with(edge)
        && text.chars().all(inner)
        && !text.contains("..")
        && !text.contains("--")
}

/// Arbitrary bytes as the id of a directory, as text and as number.
///
/// The result is always a path of two levels beneath the root.
pub fn repository_directory(data: &[u8]) -> bool {
    if let Some(id) = data.first_chunk::<16>() {
        sound_directory(&Directory::of_id(u128::from_le_bytes(*id)));
    }
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let directory = text.parse::<Directory>();
    let expected = text.len() == 32 && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
    assert_eq!(directory.is_ok(), expected);
    if let Ok(directory) = &directory {
        assert_eq!(directory.id(), text);
        sound_directory(directory);
    }
    expected
}

fn sound_directory(directory: &Directory) {
    assert_eq!(directory.id().parse().as_ref(), Ok(directory));
    let relative = directory.relative();
    assert_eq!((relative.len(), directory.to_string()), (37, relative.clone()));
    let (shard, name) = relative.split_once('/').expect("two levels");
    assert_eq!(shard, directory.shard());
    assert_eq!(format!("{shard}{}", name.strip_suffix(".git").expect("a bare repository")), directory.id());
    assert!(!relative.contains("..") && !name.contains('/'));
}
