use std::fs::{self, File};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{Mode, fstat};
use nix::unistd::mkfifo;
use proptest::prelude::any;
use proptest::{prop_assert, prop_assert_eq, prop_oneof};
use tempfile::TempDir;

use super::{BadDirectory, Directory, OpenError, open_beneath, open_level_by_level, open_repository};
use crate::tests::holds;

const ID: &str = "0123456789abcdef0123456789abcdef";
const SHARD: &str = "01";
const RELATIVE: &str = "01/23456789abcdef0123456789abcdef.git";

fn directory() -> Directory {
    ID.parse().unwrap()
}

#[test]
fn a_directory_is_a_32_digit_id_in_two_levels() {
    let directory = directory();
    assert_eq!(directory, Directory::of_id(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef));
    assert_eq!((directory.id(), directory.shard()), (ID, SHARD));
    assert_eq!((directory.relative().as_str(), directory.to_string().as_str()), (RELATIVE, RELATIVE));
    assert_eq!(Directory::of_id(0).relative(), "00/000000000000000000000000000000.git");
}

#[test]
fn a_text_that_is_not_an_id_is_not_a_directory() {
    for text in ["", "01", RELATIVE, &ID[1..], &format!("{ID}0"), &ID.to_uppercase(), &ID.replace("01", "..")] {
        assert_eq!(text.parse::<Directory>(), Err(BadDirectory), "{text:?}");
    }
    assert_eq!(ID.replace('0', "/").parse::<Directory>(), Err(BadDirectory));
    assert_eq!("é".repeat(16).parse::<Directory>(), Err(BadDirectory));
}

#[test]
fn a_directory_reads_back_as_it_was_written_and_stays_beneath_the_root() {
    let texts = prop_oneof![2 => "[0-9a-f]{31,33}", 1 => "[0-9a-fA-F./]{32}", 1 => any::<String>()];
    let accepted = holds(2_000, &texts, |text| {
        let directory = text.parse::<Directory>();
        if let Ok(directory) = &directory {
            prop_assert_eq!(directory.id(), &text);
            prop_assert_eq!(directory.relative().replacen('/', "", 1), format!("{text}.git"));
            prop_assert!(!text.contains(['.', '/']));
        }
        Ok(directory.is_ok())
    });
    assert!(accepted > 200, "{accepted} accepted");
}

/// A root with one repository.
fn root() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join(RELATIVE)).unwrap();
    root
}

/// A root without the given path.
fn root_without(relative: &str) -> TempDir {
    let root = root();
    fs::remove_dir_all(root.path().join(relative)).unwrap();
    root
}

/// Opens with openat2 and in the way for old kernels, and returns both results.
fn open_either_way(root: &Path) -> [Result<OwnedFd, Errno>; 2] {
    let root = OwnedFd::from(File::open(root).unwrap());
    let flags = OFlag::O_DIRECTORY | OFlag::O_RDONLY | OFlag::O_CLOEXEC;
    [open_beneath(&root, &directory(), flags), open_level_by_level(&root, &directory(), flags)]
}

#[test]
fn the_checked_directory_is_the_opened_one() {
    let root = root();
    let expected = fs::metadata(root.path().join(RELATIVE)).unwrap();
    let [new, old] = open_either_way(root.path());
    for opened in [open_repository(root.path(), &directory()).unwrap(), new.unwrap(), old.unwrap()] {
        let opened = fstat(opened.as_fd()).unwrap();
        assert_eq!((opened.st_dev, opened.st_ino), (expected.dev(), expected.ino()));
    }
}

#[test]
fn a_repository_behind_a_link_or_a_file_is_not_opened() {
    let elsewhere = root();
    let [target, shard] = [RELATIVE, SHARD].map(|relative| elsewhere.path().join(relative));

    // A link in place of the repository: to another repository beneath the root, and to one outside.
    let linked_inside = root_without(RELATIVE);
    let other = linked_inside.path().join(SHARD).join("other.git");
    fs::create_dir(&other).unwrap();
    symlink("other.git", linked_inside.path().join(RELATIVE)).unwrap();
    let linked_outside = root_without(RELATIVE);
    symlink(&target, linked_outside.path().join(RELATIVE)).unwrap();
    let linked_shard = root_without(SHARD);
    symlink(&shard, linked_shard.path().join(SHARD)).unwrap();

    // git would follow a file there as a gitfile; opening a fifo would block.
    let gitfile = root_without(RELATIVE);
    fs::write(gitfile.path().join(RELATIVE), format!("gitdir: {}\n", target.display())).unwrap();
    let fifo = root_without(RELATIVE);
    mkfifo(&fifo.path().join(RELATIVE), Mode::from_bits_truncate(0o600)).unwrap();

    let link = [Errno::ELOOP, Errno::ENOTDIR].as_slice();
    for (what, root, expected) in [
        ("no repository", root_without(RELATIVE), [Errno::ENOENT].as_slice()),
        ("no shard", root_without(SHARD), &[Errno::ENOENT]),
        ("a link to a repository beneath the root", linked_inside, link),
        ("a link to a repository outside", linked_outside, link),
        ("a link as shard", linked_shard, link),
        ("a gitfile", gitfile, &[Errno::ENOTDIR]),
        ("a fifo", fifo, &[Errno::ENOTDIR]),
    ] {
        for opened in open_either_way(root.path()) {
            assert!(opened.as_ref().is_err_and(|errno| expected.contains(errno)), "{what}: {opened:?}");
        }
        match open_repository(root.path(), &directory()) {
            Err(OpenError::Repository(errno, named)) => assert!(expected.contains(&errno) && named == directory()),
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[test]
fn a_repository_with_an_inner_git_directory_is_not_served() {
    type Plant = fn(&Path);
    let plants: [(&str, Plant); 4] = [
        ("a directory", |path| fs::create_dir(path).unwrap()),
        ("a gitfile", |path| fs::write(path, "gitdir: /\n").unwrap()),
        ("a link", |path| symlink("/", path).unwrap()),
        ("a link to nothing", |path| symlink("nowhere", path).unwrap()),
    ];
    for (what, plant) in plants {
        let root = root();
        plant(&root.path().join(RELATIVE).join(".git"));
        let opened = open_repository(root.path(), &directory());
        assert!(matches!(opened, Err(OpenError::InnerGit(ref named)) if *named == directory()), "{what}: {opened:?}");
    }
}

#[test]
fn an_error_says_that_the_root_itself_cannot_be_opened() {
    let root = root();
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [root.path().join("missing"), file] {
        assert!(matches!(open_repository(&path, &directory()), Err(OpenError::Root(_))), "{path:?}");
    }
    // The root itself may be a link, because the operator made it.
    let link = root.path().join("link");
    symlink(root.path(), &link).unwrap();
    assert!(open_repository(&link, &directory()).is_ok());
}

mod creation {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::root;
    use crate::config::{Config, ObjectFormat};
    use crate::repository::{CreateError, Directory, create_repository, open_repository, put_in_place};

    fn config(repositories: &Path) -> Config {
        let mut config = Config::default();
        config.paths.repositories = repositories.to_owned();
        config
    }

    #[test]
    fn a_new_repository_is_bare_and_empty() {
        crate::tests::set_umask();
        let root = root();
        let mut config = config(root.path());
        config.git.default_branch = "trunk".to_owned();
        for (format, needle) in [(ObjectFormat::Sha1, "version = 0"), (ObjectFormat::Sha256, "objectformat = sha256")] {
            let directory = create_repository(&config, format).unwrap();
            assert!(open_repository(root.path(), &directory).is_ok());
            let path = root.path().join(directory.relative());
            let read = |name: &str| fs::read_to_string(path.join(name)).unwrap();
            assert_eq!(read("HEAD"), "ref: refs/heads/trunk\n");
            assert!(read("config").contains("bare = true") && read("config").contains(needle), "{}", read("config"));
            assert!(!path.join("hooks").exists(), "a template was used");
            let shard = fs::metadata(root.path().join(directory.shard())).unwrap();
            assert!(directory.shard() == super::SHARD || shard.permissions().mode() & 0o7777 == 0o750);
        }
    }

    #[test]
    fn repositories_never_share_a_directory() {
        let root = root();
        let config = config(root.path());
        let [one, other] = [(), ()].map(|()| create_repository(&config, ObjectFormat::Sha1).unwrap());
        assert_ne!(one, other);
    }

    #[test]
    fn a_repository_is_put_beside_another_of_the_same_first_digits() {
        let root = root();
        for (digits, name) in [(1, "one"), (2, "two"), (1 << 120, "other")] {
            let unfinished = root.path().join(name);
            fs::create_dir(&unfinished).unwrap();
            fs::write(unfinished.join("HEAD"), name).unwrap();
            let directory = Directory::of_id(digits);
            put_in_place(root.path(), &unfinished, &directory).unwrap();
            assert_eq!(fs::read_to_string(root.path().join(directory.relative()).join("HEAD")).unwrap(), name);
        }
    }

    #[test]
    fn a_repository_that_cannot_be_created_leaves_no_files() {
        let root = root();
        let before = || fs::read_dir(root.path()).unwrap().count();
        let mut config = config(root.path());
        config.git.default_branch = "a..b".to_owned();
        let count = before();
        assert!(matches!(create_repository(&config, ObjectFormat::Sha1), Err(CreateError::Git(..))));
        config.paths.git = "/bin/false".into();
        assert!(matches!(create_repository(&config, ObjectFormat::Sha1), Err(CreateError::Git(..))));
        assert_eq!(before(), count);
        config.paths.repositories = root.path().join("missing");
        config.paths.git = "/bin/true".into();
        assert!(matches!(create_repository(&config, ObjectFormat::Sha1), Err(CreateError::File(..))));
    }
}
