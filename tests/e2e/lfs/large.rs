//! Many objects, and a large one. By default as many and as large as a run of all tests permits;
//! `HUBGATE_LFS_OBJECTS=2000` and `HUBGATE_LFS_BYTES=2147483648` change that, and then the figures are printed.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use super::sessions::peak_memory;
use super::{tree, tree_with};
use crate::harness::{Hub, run, run_within, trials};

trials![many_small_objects_are_uploaded_and_downloaded, a_large_object_needs_no_more_memory_than_a_small_one];

/// A number from the environment, and whether it was set.
fn asked(variable: &str, default: u64) -> (u64, bool) {
    let asked = std::env::var(variable).ok().map(|text| text.parse().expect("a number"));
    (asked.unwrap_or(default), asked.is_some())
}

/// For commands that take long on a busy machine.
const PATIENCE: Duration = Duration::from_secs(1_200);

fn many_small_objects_are_uploaded_and_downloaded() {
    let (count, is_asked) = asked("HUBGATE_LFS_OBJECTS", 300);
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    let files: Vec<(String, String)> = (0..count).map(|n| (format!("{n}.bin"), format!("object {n}"))).collect();
    let files: Vec<(&str, String)> = files.iter().map(|(name, content)| (name.as_str(), content.clone())).collect();
    tree(&alice, "alice/x", &files);
    let begin = Instant::now();
    let mut push = alice.git_command("x");
    run_within(push.args(["push", "--quiet", "origin", "HEAD:main"]), b"", PATIENCE).succeeded();
    let pushed = begin.elapsed();
    assert!(hub.did(&["lfs", "check", "alice/x"]).starts_with(&format!("{count} objects, ")));
    let begin = Instant::now();
    run_within(&mut alice.clone_with_lfs_command("alice/x", "copy"), b"", PATIENCE).succeeded();
    let cloned = begin.elapsed();
    for (name, content) in &files {
        assert_eq!(alice.read(&format!("copy/{name}")), *content);
    }
    if is_asked {
        println!("{count} objects: pushed in {pushed:?}, cloned in {cloned:?}");
    }
}

fn a_large_object_needs_no_more_memory_than_a_small_one() {
    let (bytes, is_asked) = asked("HUBGATE_LFS_BYTES", 96 << 20);
    let hub = Hub::new();
    let alice = hub.user("alice");
    let mut peaks = Vec::new();
    for (name, size) in [("small", 1), ("large", bytes)] {
        let path = format!("alice/{name}");
        hub.empty_repo(&path, &[]);
        tree_with(&alice, name, &path, &[]);
        let file = File::create(alice.home.join(name).join("a.bin")).expect("a file");
        // A sparse file with some bytes at its end.
        file.write_all_at(b"!", size - 1).expect("a file");
        run_within(alice.git_command(name).args(["add", "."]), b"", PATIENCE).succeeded();
        alice.git_in(name, &["commit", "--quiet", "-m", "object"]).succeeded();
        let mut push = alice.git_command(name);
        push.args(["push", "--quiet", "origin", "HEAD:main"]);
        let mut clone = alice.clone_with_lfs_command(&path, &format!("{name}-copy"));
        let (mut pushed, mut cloned) = (Duration::ZERO, Duration::ZERO);
        let up = peak_memory(&hub, || {
            let begin = Instant::now();
            run_within(&mut push, b"", PATIENCE).succeeded();
            pushed = begin.elapsed();
        });
        let down = peak_memory(&hub, || {
            let begin = Instant::now();
            run_within(&mut clone, b"", PATIENCE).succeeded();
            cloned = begin.elapsed();
        });
        let mut same = alice.command("cmp");
        run(same.arg(format!("{name}/a.bin")).arg(format!("{name}-copy/a.bin"))).succeeded();
        if is_asked {
            println!("{size} bytes: pushed in {pushed:?} with {up} bytes of memory, cloned in {cloned:?} with {down}");
        }
        peaks.push(up.max(down));
    }
    let [small, large] = peaks.as_slice() else { return };
    // Up to five blocks of a quarter of a megabyte wait for the hash; the rest is a thread and noise.
    assert!(*small > 0 && *large < small + (6 << 20), "{small} and {large} bytes");
}
