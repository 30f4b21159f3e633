//! What a test run creates on the machine and removes again: accounts, a directory, a host key.
#![expect(clippy::disallowed_methods, reason = "the suite is linked dynamically, so glibc may look accounts up")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use hubgate::db::Store;
use hubgate::operator::openssh::Version;
use hubgate::operator::programs;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::{Mode, umask};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, User, geteuid};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::process::{self, descendants, run, run_with};
use super::test;

/// A login account of this run.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// A git on this machine.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    pub(crate) path: PathBuf,
    /// Such as `2.39.5`.
    pub(crate) version: String,
}

/// What all hubs of the run share.
#[derive(Debug)]
pub(crate) struct Machine {
    /// A directory that root owns and everyone can read, with parents that sshd accepts.
    pub(crate) dir: PathBuf,
    /// Where clients keep temporary files.
    pub(crate) temporary: PathBuf,
    /// The login account with the shell `/bin/sh`.
    pub(crate) login: Account,
    /// The login account with the gateway as shell.
    pub(crate) gateway_login: Account,
    /// A second name of [`Self::gateway_login`].
    pub(crate) anonymous_login: String,
    /// The PAM service that admits [`Self::gateway_login`] without a key.
    pub(crate) pam_service: String,
    /// The account of the helper.
    pub(crate) keys: Account,
    /// The line of the public host key.
    pub(crate) host_key: String,
    pub(crate) sshd_version: Version,
    /// The git versions of this machine, the distribution's first.
    pub(crate) gits: Vec<Git>,
    count: AtomicU32,
}

static MACHINE: OnceLock<Machine> = OnceLock::new();
const ROOT: &str = "/var/lib";
/// The directory of newer git-lfs versions, kept between runs.
const GIT_LFS: &str = "/var/cache/hubgate-tools/git-lfs";
const PREFIX: &str = "hubgate-test-";
/// The letters after `hg` in the names of the three accounts, before the pid.
const ACCOUNTS: [char; 3] = ['t', 's', 'k'];
/// The letter of the second name of an account.
const SECOND_NAME: char = 'a';

pub(crate) fn machine() -> &'static Machine {
    MACHINE.get().expect("set_up was called")
}

/// The home of the login with the shell `/bin/sh`, in which a test plants files that sshd must ignore. The other
/// accounts have `/`.
pub(crate) fn login_home(dir: &Path) -> PathBuf {
    dir.join("login-home")
}

fn directory_of(pid: u32) -> PathBuf {
    Path::new(ROOT).join(format!("{PREFIX}{pid}"))
}

/// Where clients keep temporary files. git-lfs leaves directories of ssh's sockets there, whose paths must be short.
fn temporary_of(pid: u32) -> PathBuf {
    Path::new("/tmp").join(format!("hgt{pid}"))
}

fn pam_file(pid: u32) -> PathBuf {
    Path::new("/etc/pam.d").join(account_name('p', pid))
}

fn account_name(letter: char, pid: u32) -> String {
    format!("hg{letter}{pid}")
}

impl Machine {
    /// Creates what the run needs, and installs a handler that removes it on a signal.
    pub(crate) fn set_up() -> Result<(), String> {
        if !geteuid().is_root() {
            return Err("run this as root: it makes login accounts and starts sshd".to_owned());
        }
        test::set_panic_hook();
        // File modes must not depend on the shell that started the run.
        umask(Mode::from_bits_truncate(0o022));
        // As subreaper, this process becomes the parent of orphans, such as sessions of an ended sshd.
        nix::sys::prctl::set_child_subreaper(true).map_err(|errno| errno.to_string())?;
        let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(|error| error.to_string())?;
        std::thread::spawn(move || {
            if let Some(signal) = signals.forever().next() {
                process::stop();
                Self::tear_down();
                std::process::exit(128 + signal);
            }
        });
        sweep();
        std::panic::catch_unwind(Self::make)
            .map(|machine| drop(MACHINE.set(machine)))
            .map_err(|_| "cannot set up".to_owned())
    }

    fn make() -> Self {
        let pid = std::process::id();
        let dir = directory_of(pid);
        let make = |name: &str| {
            let path = dir.join(name);
            fs::create_dir(&path).expect("a directory");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
        };
        for name in ["", "keys", "seed", "home", "login-home", "login-home/.ssh"] {
            make(name);
        }
        let temporary = temporary_of(pid);
        fs::create_dir(&temporary).expect("a directory");
        // Some tests run a client's program as another user.
        fs::set_permissions(&temporary, fs::Permissions::from_mode(0o1777)).expect("a mode");
        // sshd's own directory, which is missing in a bare container (sshd(8), PRIVSEP).
        fs::create_dir_all("/run/sshd").expect("/run/sshd");
        install_programs(&dir.join("libexec"));
        let login_home = login_home(&dir);
        let [login, gateway_login, keys] = ACCOUNTS.map(|letter| {
            let gateway = dir.join("libexec/gateway");
            let (shell, home) = match letter {
                's' => (gateway.as_path(), Path::new("/")),
                'k' => (Path::new("/usr/sbin/nologin"), Path::new("/")),
                _ => (Path::new("/bin/sh"), login_home.as_path()),
            };
            make_account(&account_name(letter, pid), home, shell)
        });
        let anonymous_login = account_name(SECOND_NAME, pid);
        make_second_name(&anonymous_login, &gateway_login);
        let pam_service = account_name('p', pid);
        fs::write(pam_file(pid), hubgate::operator::pam::text(&gateway_login.name)).expect("a PAM service");
        // Without a setting for the service, sshd uses its program name.
        std::os::unix::fs::symlink("/usr/sbin/sshd", dir.join(&pam_service)).expect("a link");
        let host_key = dir.join("host_key");
        let keygen = ["-q", "-t", "ed25519", "-N", "", "-C", "host", "-f"];
        run(Command::new("ssh-keygen").args(keygen).arg(&host_key)).succeeded();
        let host_key = fs::read_to_string(dir.join("host_key.pub")).expect("a host key").trim_end().to_owned();
        // A database that is copied for each hub.
        drop(Store::create(&dir.join("hubgate.db")).expect("a database"));
        let gits = gits();
        fs::write(dir.join("home/.gitconfig"), "[safe]\n\tdirectory = *\n").expect("a file");
        for format in ["sha1", "sha256"] {
            make_seed(&gits, &dir, format);
        }
        let sshd_version = sshd_version();
        let names: Vec<String> =
            gits.iter().map(|git| format!("git {} ({})", git.version, git.path.display())).collect();
        println!("e2e: OpenSSH {sshd_version}; server and client {}", names.join(", server and client "));
        let count = AtomicU32::new(0);
        Self {
            dir,
            temporary,
            login,
            gateway_login,
            anonymous_login,
            pam_service,
            keys,
            host_key,
            sshd_version,
            gits,
            count,
        }
    }

    /// A unique path in the run's directory: `prefix` and a number.
    pub(crate) fn fresh(&self, prefix: &str) -> PathBuf {
        self.dir.join(format!("{prefix}{}", self.count.fetch_add(1, Ordering::Relaxed)))
    }

    /// The distribution's git.
    pub(crate) fn git(&self) -> &Git {
        self.gits.first().expect("a git")
    }

    /// The newest git of this machine, which may be the distribution's.
    pub(crate) fn newest_git(&self) -> &Git {
        self.gits.last().expect("a git")
    }

    /// The directory of a git-lfs of this minor version, such as `3.8`. `tests/git-lfs.sh` fetches newer versions; the
    /// distribution's is in `PATH`.
    pub(crate) fn git_lfs(minor: &str) -> Option<PathBuf> {
        let entries = fs::read_dir(GIT_LFS).into_iter().flatten().flatten();
        let newer = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&format!("{minor}.")));
        newer.map(|entry| entry.path()).find(|directory| directory.join("git-lfs").is_file())
    }

    /// Removes everything that [`Self::set_up`] and the tests have created.
    pub(crate) fn tear_down() {
        let own = Pid::from_raw(i32::try_from(std::process::id()).expect("a pid"));
        let start = Instant::now();
        loop {
            let left = descendants(own);
            if left.is_empty() || start.elapsed() > Duration::from_secs(10) {
                break;
            }
            for process in left {
                let _ = kill(process, Signal::SIGKILL);
                let _ = waitpid(process, Some(nix::sys::wait::WaitPidFlag::WNOHANG));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        remove_run(std::process::id());
    }
}

/// Removes the accounts and the directory of a run.
fn remove_run(pid: u32) {
    let find = |letter: &char| User::from_name(&account_name(*letter, pid)).ok().flatten();
    // Removes the second name first, because it uses the group of the first name.
    let accounts: Vec<User> = [SECOND_NAME].iter().chain(&ACCOUNTS).filter_map(find).collect();
    // Files that killed sessions of sshd left.
    for entry in fs::read_dir("/tmp").into_iter().flatten().flatten() {
        let ours = entry.metadata().is_ok_and(|file| accounts.iter().any(|user| user.uid.as_raw() == file.uid()));
        if ours && entry.file_name().to_string_lossy().starts_with("sshauth.") {
            let _ = fs::remove_file(entry.path());
        }
    }
    for user in accounts {
        // Another program may hold the lock on passwd.
        retry(|| Command::new("userdel").arg(&user.name).output().is_ok_and(|output| output.status.success()));
    }
    let _ = fs::remove_file(pam_file(pid));
    let _ = fs::remove_dir_all(temporary_of(pid));
    let _ = fs::remove_dir_all(directory_of(pid));
}

/// All processes that were started with a path in this directory.
pub(super) fn processes_in(directory: &Path) -> Vec<Pid> {
    // With the slash, so that `hub1` does not match `hub12`.
    processes_that_name(&directory.join(""))
}

/// All processes that were started with these bytes in their arguments.
pub(super) fn processes_that_name(path: &Path) -> Vec<Pid> {
    let needle = path.as_os_str().as_encoded_bytes();
    let mentions = |pid: &i32| {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        words.windows(needle.len()).any(|window| window == needle)
    };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(mentions).map(Pid::from_raw).collect()
}

/// Removes leftovers of a killed run.
fn sweep() {
    for entry in fs::read_dir(ROOT).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(PREFIX)).and_then(|pid| pid.parse().ok());
        if let Some(pid) = pid.filter(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            for process in processes_in(&directory_of(pid)) {
                let _ = kill(process, Signal::SIGKILL);
            }
            remove_run(pid);
        }
    }
}

fn retry(mut step: impl FnMut() -> bool) -> bool {
    (0..100).any(|_| {
        let done = step();
        if !done {
            std::thread::sleep(Duration::from_millis(100));
        }
        done
    })
}

fn make_account(name: &str, home: &Path, shell: &Path) -> Account {
    let mut command = Command::new("useradd");
    // `*` and not `!`, because sshd without PAM treats `!` as a locked account.
    command.args(["--system", "--user-group", "--no-create-home", "--password", "*", "--home-dir"]);
    command.arg(home).arg("--shell").arg(shell).arg(name);
    assert!(retry(|| command.status().expect("useradd").success()), "useradd {name}");
    let user = User::from_name(name).expect("passwd").expect("the account");
    Account { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw() }
}

/// Creates a second name of an account, as `hubgate init` does.
fn make_second_name(name: &str, account: &Account) {
    let mut command = Command::new("useradd");
    command.args(["--system", "--non-unique", "--no-create-home", "--no-user-group", "--password", "*"]);
    let shell = User::from_name(&account.name).expect("passwd").expect("the account").shell;
    command.args(["--uid", &account.uid.to_string(), "--gid", &account.gid.to_string(), "--home-dir", "/"]);
    command.arg("--shell").arg(shell).arg(name);
    assert!(retry(|| command.status().expect("useradd").success()), "useradd {name}");
}

/// Copies cargo's programs; hubs link to these copies.
fn install_programs(libexec: &Path) {
    let from = crate::programs::directory();
    programs::install(&from, libexec).unwrap_or_else(|(path, error)| panic!("{}: {error}", path.display()));
}

fn gits() -> Vec<Git> {
    let version = |path: &Path| {
        let output = run(Command::new(path).arg("--version"));
        output.succeeded().stdout().trim_end().trim_start_matches("git version ").to_owned()
    };
    let installed = ["/usr/bin/git", "/usr/local/bin/git"].map(PathBuf::from);
    let installed = installed.into_iter().filter(|path| path.is_file());
    let gits: Vec<Git> = installed.map(|path| Git { version: version(&path), path }).collect();
    assert!(!gits.is_empty(), "install git");
    gits
}

fn sshd_version() -> Version {
    let output = run(Command::new("/usr/sbin/sshd").arg("-V"));
    let text = output.stdout() + &output.stderr();
    let (_, rest) = text.split_once("OpenSSH_").expect("a version");
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').expect("an end");
    rest.get(..end).and_then(|version| version.parse().ok()).expect("a version")
}

/// Creates a repository with one commit and one tag, which is copied for others. Its ids are equal in every run.
fn make_seed(gits: &[Git], dir: &Path, format: &str) {
    let seed = dir.join("seed").join(format);
    let git = &gits.first().expect("a git").path;
    let command = |words: &[&str]| {
        let mut command = Command::new(git);
        command.env_clear().env("HOME", dir.join("home")).args(words).current_dir(dir);
        command
    };
    let init = ["init", "--quiet", "--bare", "--template=", "--initial-branch=main", "--object-format"];
    run(command(&init).arg(format).arg(&seed)).succeeded();
    let stream = "blob\nmark :1\ndata 6\nhello\n\ncommit refs/heads/main\ncommitter A <a@example.com> 0 +0000\n\
                  data 5\nfirst\nM 100644 :1 README.md\n\nreset refs/tags/v1\nfrom refs/heads/main\n\n";
    let mut import = command(&["--git-dir"]);
    import.arg(&seed).args(["fast-import", "--quiet"]);
    run_with(&mut import, stream.as_bytes()).succeeded();
}
