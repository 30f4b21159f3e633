//! Landlock: which files, which network and which processes a session can reach. The only user of the crate `landlock`.
//!
//! Landlock controls opening, creating, renaming and removing. It does not control modes, owners, attributes, times and
//! watches, which `filter` refuses, nor files that are already open.

use std::error::Error as _;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, Scope, make_bitflags,
};
use nix::errno::Errno;

use super::plan::{LANDLOCK_RENAMES, NoLandlock, Plan, Writes};
use super::sys;

/// The directories of programs and libraries. On most systems, the last three are links into the first.
const SYSTEM: [&str; 4] = ["/usr", "/bin", "/lib", "/lib64"];

/// Other paths that libc and git read (git 2.39.5 and 2.47.3, glibc 2.36).
const READABLE: [&str; 6] = [
    "/dev/urandom",
    "/etc/gitattributes",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu/online",
];

/// The directories that belong to a separately installed program, `PREFIX/bin/NAME`.
const INSTALLED: [&str; 5] = ["bin", "lib", "lib64", "libexec", "share"];

/// Stores of all installed programs and libraries, readable for every user.
const STORES: [&str; 2] = ["/gnu/store", "/nix/store"];

/// The Landlock version that a session can use.
pub(super) fn usable(write: bool, at_most: u8) -> Result<u8, NoLandlock> {
    let kernel = sys::landlock_abi().map_err(NoLandlock::Kernel)?;
    match u8::try_from(kernel).unwrap_or(u8::MAX).min(at_most) {
        0 => Err(NoLandlock::Kernel(Errno::ENOSYS)),
        old if write && old < LANDLOCK_RENAMES => Err(NoLandlock::TooOld(old)),
        abi => Ok(abi),
    }
}

/// Confines the calling thread to `repository`. Returns the version of Landlock in force.
pub(super) fn restrict(repository: BorrowedFd<'_>, plan: &Plan<'_>) -> Result<u8, NoLandlock> {
    let version = usable(plan.writes != Writes::Nothing, plan.landlock_at_most)?;
    build(repository, plan, ABI::from(i32::from(version)))
        .map(|()| version)
        .map_err(|error| NoLandlock::Kernel(cause(&error)))
}

fn build(repository: BorrowedFd<'_>, plan: &Plan<'_>, abi: ABI) -> Result<(), RulesetError> {
    // The version is known, so a right that is missing is an error and does not weaken the sandbox.
    let mut ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    ruleset = ruleset.handle_access(AccessFs::from_all(abi))?;
    if abi >= ABI::V4 {
        ruleset = ruleset.handle_access(AccessNet::from_all(abi))?;
    }
    if abi >= ABI::V6 {
        ruleset = ruleset.scope(Scope::from_all(abi))?;
    }
    let mut rules = ruleset.create()?.add_rule(PathBeneath::new(repository, access(plan.writes_repository(), abi)))?;
    if let Some(scratch) = plan.scratch {
        rules = rules.add_rule(PathBeneath::new(scratch, access(true, abi)))?;
    }
    for tree in plan.reads {
        rules = rules.add_rule(PathBeneath::new(tree, access(false, abi)))?;
    }
    // From here on, a rule for a file may contain rights that only directories have; the file gets the others.
    rules = rules.set_compatibility(CompatLevel::BestEffort);
    let run = AccessFs::from_read(abi);
    let read = AccessFs::ReadFile.into();
    let installed = plan.programs.iter().flat_map(|program| places(program));
    let rows = SYSTEM.map(|path| (path.into(), run)).into_iter();
    let rows = rows.chain(installed.map(|path| (path, run))).chain(READABLE.map(|path| (path.into(), read)));
    for (path, access) in rows.chain([("/dev/null".into(), AccessFs::ReadFile | AccessFs::WriteFile)]) {
        // A missing path needs no rule. A path that exists but cannot be opened stays out of reach.
        let Ok(path) = PathFd::new(path) else { continue };
        rules = rules.add_rule(PathBeneath::new(path, access))?;
    }
    rules.restrict_self().map(drop)
}

/// The rights beneath the repository and other trees. Nothing in them is ever executed, and they contain only files and
/// directories.
fn access(write: bool, abi: ABI) -> BitFlags<AccessFs> {
    let read = make_bitflags!(AccessFs::{ReadFile | ReadDir});
    let writing = make_bitflags!(AccessFs::{WriteFile | Truncate | Refer | MakeReg | MakeDir | RemoveFile | RemoveDir});
    if write { read | (writing & AccessFs::from_all(abi)) } else { read }
}

/// The program and what is installed with it, if not in [`SYSTEM`]. Its directory is included only if its name is
/// `bin`, because it may be the hub's own.
fn places(program: &Path) -> Vec<PathBuf> {
    // A missing program makes `exec` fail.
    let Some(program) = program.canonicalize().ok().filter(|program| program.is_file()) else { return Vec::new() };
    if SYSTEM.iter().any(|system| program.starts_with(system)) {
        return Vec::new();
    }
    if let Some(store) = STORES.iter().find(|store| program.starts_with(store)) {
        return vec![store.into()];
    }
    let mut places = vec![program.clone()];
    if let Some(prefix) = program.parent().filter(|directory| directory.ends_with("bin")).and_then(Path::parent) {
        places.extend(INSTALLED.map(|name| prefix.join(name)));
    }
    places
}

/// The kernel's error at the end of the chain.
fn cause(error: &RulesetError) -> Errno {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return Errno::from_raw(error.raw_os_error().unwrap_or_default());
        }
        source = error.source();
    }
    Errno::EINVAL
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::places;

    #[test]
    fn a_program_outside_the_system_directories_adds_only_what_is_installed_with_it() {
        let prefix = tempfile::tempdir().expect("a directory");
        let prefix = prefix.path().canonicalize().expect("its path");
        std::fs::create_dir(prefix.join("bin")).expect("a directory");
        for program in ["bin/git", "git"] {
            std::fs::write(prefix.join(program), "").expect("a program");
        }
        let mut installed: Vec<PathBuf> = vec![prefix.join("bin/git")];
        installed.extend(["bin", "lib", "lib64", "libexec", "share"].map(|name| prefix.join(name)));
        assert_eq!(places(&prefix.join("bin/git")), installed);
        assert_eq!(places(&prefix.join("git")), vec![prefix.join("git")]);
        std::os::unix::fs::symlink(prefix.join("bin/git"), prefix.join("link")).expect("a link");
        assert_eq!(places(&prefix.join("link")), installed);
        assert_eq!(places(&prefix.join("missing")), Vec::<PathBuf>::new());
        assert_eq!(places(Path::new("/bin/sh")), Vec::<PathBuf>::new());
        assert_eq!(places(Path::new("/")), Vec::<PathBuf>::new());
    }
}
