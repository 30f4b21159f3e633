use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::*;

fn git(directory: &Path, words: &[&str], input: &[u8]) -> Vec<u8> {
    let mut git = Command::new("/usr/bin/git");
    git.env_clear().env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", "/nonexistent").current_dir(directory).args(words);
    git.env("GIT_COMMITTER_NAME", "A").env("GIT_COMMITTER_EMAIL", "a@example.org");
    let mut child = git.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "{words:?}");
    output.stdout
}

/// Commits with files of all sizes, of which each commit changes some, a large directory, and a tag.
fn history() -> Vec<u8> {
    let mut stream = Vec::new();
    let mut state = 1_u32;
    let mut noise = |length: usize| -> Vec<u8> {
        let byte = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        (0..length).map(byte).collect()
    };
    for commit in 0..40 {
        let head = format!("commit refs/heads/main\ncommitter A <a@example.org> {commit} +0000\ndata 1\nm");
        stream.extend(head.as_bytes());
        let mut file = |name: String, content: &[u8]| {
            stream.extend(format!("\nM 644 inline {name}\ndata {}\n", content.len()).as_bytes());
            stream.extend(content);
        };
        for number in 0..20 {
            let lines = (0..number * 40).map(|line| format!("line {line} {}\n", usize::from(line % 37 == commit)));
            file(format!("d{}/text{number}", number % 3), lines.collect::<String>().as_bytes());
        }
        file(format!("many/file{commit}"), format!("{commit}").as_bytes());
        if commit < 3 {
            file(format!("noise{commit}"), &noise(300_000 + commit));
            file(format!("zeros{commit}"), &vec![0; 500_000 + commit]);
        }
        stream.push(b'\n');
    }
    stream.extend(b"tag v1\nfrom refs/heads/main\ntagger A <a@example.org> 1 +0000\ndata 1\nt\n");
    stream
}

/// A repository whose objects are in one pack.
fn repository(format: &str, settings: &[&str]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    git(at, &["init", "--quiet", "--bare", &format!("--object-format={format}")], b"");
    git(at, &["fast-import", "--quiet"], &history());
    let repack = ["repack", "-q", "-a", "-d", "-f", "--depth=20", "--window=10"];
    git(at, &[settings, &repack[..]].concat(), b"");
    directory
}

fn open(repository: &tempfile::TempDir) -> Pack {
    Pack::only_in(&repository.path().join("objects")).unwrap().unwrap()
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(600)
}

/// The first bytes of each object, by its id.
fn read(pack: &Pack, wanted: &[u64]) -> Result<BTreeMap<String, (Object, Vec<u8>)>, BadPack> {
    let read = pack.read(
        wanted,
        soon(),
        || Ok(Vec::new()),
        |read, number, object, bytes| {
            read.push((pack.id(number), (object, bytes.to_vec())));
            Ok::<_, BadPack>(())
        },
    )?;
    Ok(read.into_iter().flatten().collect())
}

/// What git says of all objects.
fn by_git(repository: &tempfile::TempDir) -> BTreeMap<String, (Object, Vec<u8>)> {
    let output = git(repository.path(), &["cat-file", "--batch", "--batch-all-objects", "--buffer"], b"");
    let (mut objects, mut rest) = (BTreeMap::new(), output.as_slice());
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap();
        let line = String::from_utf8(rest[..end].to_vec()).unwrap();
        let listed = super::super::objects::Listed::parse(&line).unwrap();
        let size = usize::try_from(listed.size).unwrap();
        let object = Object { kind: listed.kind, size: listed.size };
        objects.insert(listed.id.to_owned(), (object, rest[end + 1..][..size].to_vec()));
        rest = &rest[end + 1 + size + 1..];
    }
    objects
}

#[test]
fn each_object_of_a_pack_is_as_git_reads_it() {
    for (format, settings) in [
        ("sha1", &[][..]),
        ("sha1", &["-c", "repack.useDeltaBaseOffset=false"]),
        ("sha256", &[]),
        ("sha1", &["-c", "pack.compression=0"]),
    ] {
        let repository = repository(format, settings);
        let (pack, expected) = (open(&repository), by_git(&repository));
        let count = pack.objects().count();
        assert!(count == expected.len() && count > 700, "{count}");
        assert!(pack.entries.iter().filter(|entry| entry.base.is_some()).count() > 300);
        assert_eq!(pack.id_length(), if format == "sha1" { 20 } else { 32 });
        let listed: BTreeMap<String, Object> = (0..).zip(pack.objects()).map(|(at, it)| (pack.id(at), it)).collect();
        assert!(expected.iter().all(|(id, (object, _))| listed[id] == *object));
        // Whole objects, the beginnings of all, and some.
        assert_eq!(read(&pack, &vec![u64::MAX; count]).unwrap(), expected);
        for (most, every) in [(1, 1), (100, 1), (8_000, 1), (400_000, 1), (u64::MAX, 7), (50, 13)] {
            let wanted: Vec<u64> = (0..count).map(|number| if number % every == 0 { most } else { 0 }).collect();
            let chosen: Vec<String> = (0..count).step_by(every).map(|number| pack.id(number)).collect();
            let mut expected = expected.clone();
            expected.retain(|id, _| chosen.contains(id));
            for (_, bytes) in expected.values_mut() {
                bytes.truncate(usize::try_from(most).unwrap_or(usize::MAX));
            }
            assert_eq!(read(&pack, &wanted).unwrap(), expected, "{most} bytes of every {every}");
        }
    }
}

#[test]
fn objects_that_are_too_many_to_keep_are_made_again() {
    let repository = repository("sha1", &[]);
    let (pack, expected) = (open(&repository), by_git(&repository));
    let wanted = vec![u64::MAX; pack.objects().count()];
    let plan = plan::Plan::of(&pack, &wanted, soon());
    let mut all = BTreeMap::new();
    let mut each = |number, object, bytes: &[u8]| {
        assert!(all.insert(pack.id(number), (object, bytes.to_vec())).is_none());
        Ok::<_, BadPack>(())
    };
    plan::Walk::new(&pack, &plan, 10_000).all(&mut each).unwrap();
    assert_eq!(all, expected);
}

#[test]
fn a_pack_that_is_damaged_or_late_is_an_error_and_never_less_than_all_objects() {
    let repository = repository("sha1", &[]);
    let expected = by_git(&repository);
    let files = || std::fs::read_dir(repository.path().join("objects/pack")).unwrap();
    let path = files().map(|file| file.unwrap().path()).find(|path| path.extension().unwrap() == "pack").unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let all = |pack: &Pack| read(pack, &vec![u64::MAX; pack.objects().count()]);
    let mut state = 7_usize;
    for _ in 0..50 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let place = (state >> 20) % whole.len();
        let mut damaged = whole.clone();
        damaged[place] ^= 1 << (state >> 8 & 7);
        std::fs::write(&path, &damaged).unwrap();
        if let Ok(read) = Pack::open(&path).and_then(|pack| all(&pack)) {
            assert!(read.keys().eq(expected.keys()), "{place}");
        }
        std::fs::write(&path, &whole[..place]).unwrap();
        // The beginning of the last object may be whole.
        assert!(place + 40 > whole.len() || Pack::open(&path).and_then(|pack| all(&pack)).is_err(), "{place}");
    }
    std::fs::write(&path, &whole).unwrap();
    let pack = open(&repository);
    assert_eq!(all(&pack).unwrap(), expected);
    let late = pack.read(&[1; 9], Instant::now(), || Ok(()), |(), _, _, _| Ok::<_, BadPack>(()));
    assert!(matches!(late, Err(BadPack::Late)));
    // What a caller does not accept ends the reading.
    let stopped = pack.read(&[1; 9], soon(), || Ok(()), |(), _, _, _| Err(BadPack::Several));
    assert!(matches!(stopped, Err(BadPack::Several)));
}

#[test]
fn a_push_is_in_one_pack_or_has_no_objects() {
    let repository = repository("sha1", &[]);
    let objects = repository.path().join("objects");
    let empty = tempfile::tempdir().unwrap();
    assert!(Pack::only_in(empty.path()).unwrap().is_none());
    std::fs::create_dir(empty.path().join("pack")).unwrap();
    std::fs::create_dir(empty.path().join("00")).unwrap();
    assert!(Pack::only_in(empty.path()).unwrap().is_none());
    git(repository.path(), &["hash-object", "-w", "--stdin"], b"loose");
    assert!(matches!(Pack::only_in(&objects), Err(BadPack::Several)));
    git(repository.path(), &["repack", "-q"], b"");
    git(repository.path(), &["prune-packed"], b"");
    let loose = git(repository.path(), &["count-objects"], b"");
    let is_several = || matches!(Pack::only_in(&objects), Err(BadPack::Several));
    assert!(is_several(), "{}", String::from_utf8_lossy(&loose));
    std::fs::write(empty.path().join("pack/pack-1.pack"), b"").unwrap();
    assert!(matches!(Pack::only_in(empty.path()), Err(BadPack::Format)));
    assert!(Pack::only_in(&objects.join("missing")).is_err());
}
