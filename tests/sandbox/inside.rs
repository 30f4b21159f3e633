//! This program as a session's process: it drops its privileges, enters the sandbox as the gateway does, and becomes
//! git. Or it stays and attacks from inside.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use hubgate::git::{self, Serving};
use hubgate::request::Service;
use hubgate::sandbox::{self, InForce, Mode, Plan, Writes};
use nix::libc::{self, c_long};
use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::{Gid, Uid, setgid, setgroups, setuid};
use seccompiler::{SeccompAction, SeccompFilter};

use crate::attacks;

/// The uid and gid of sessions if root runs these tests.
pub(crate) const NOBODY: u32 = 65_534;

/// The first argument of such a start; words `key=value` follow, then arguments for the program itself.
const SESSION: &str = "--session";

/// How a session is started.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    words: BTreeMap<&'static str, String>,
}

/// The options of a session.
const KEYS: [&str; 12] =
    ["abi", "attack", "bytes", "fsize", "git", "hooks", "keep", "missing", "mode", "peak", "pins", "tell"];

impl Session {
    pub(crate) fn new(mode: Mode) -> Self {
        Self { words: BTreeMap::from([("mode", mode.to_string())]) }
    }

    #[expect(clippy::needless_pass_by_value, reason = "makes the calls easier to read")]
    pub(crate) fn with(mut self, key: &'static str, value: impl ToString) -> Self {
        assert!(KEYS.contains(&key), "{key}");
        self.words.insert(key, value.to_string());
        self
    }

    fn words(&self) -> impl Iterator<Item = String> {
        let own = std::env::current_exe().expect("this program").display().to_string();
        let settings = self.words.iter().map(|(key, value)| format!("{key}={value}"));
        [own, SESSION.to_owned()].into_iter().chain(settings)
    }

    /// The value of `GIT_SSH_COMMAND` that starts the session.
    pub(crate) fn ssh_command(&self) -> String {
        self.words().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ")
    }

    /// The command that starts the session, to serve `service` of `repository` or to run `program` there.
    pub(crate) fn command(&self, service: &str, repository: &Path, program: &[&str]) -> Command {
        let mut words = self.words();
        let mut command = Command::new(words.next().expect("this program"));
        command.args(words).arg("host").arg(format!("{service} '{}'", repository.display())).args(program);
        command
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.words.get(key).map(String::as_str)
    }
}

/// Runs a session if this process was started as one.
pub(crate) fn main() -> Option<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (SESSION, mut rest) = words.split_first().map(|(first, rest)| (first.as_str(), rest))? else { return None };
    let mut session = Session { words: BTreeMap::new() };
    while let Some((word, more)) = rest.split_first() {
        let Some((key, value)) = word.split_once('=') else { break };
        let Some(key) = KEYS.into_iter().find(|known| *known == key) else { break };
        session.words.insert(key, value.to_owned());
        rest = more;
    }
    // ssh's options come before the host.
    let mut rest = rest.iter().skip_while(|word| !word.starts_with("git-"));
    let (service, path) = rest.next().and_then(|command| command.split_once(' ')).expect("a service and a path");
    let program: Vec<&str> = rest.map(String::as_str).collect();
    Some(serve(&session, service, Path::new(path.trim_matches('\'')), &program))
}

fn serve(session: &Session, service: &str, repository: &Path, program: &[&str]) -> ExitCode {
    if let Some(file) = session.get("peak") {
        return watch(session, file, service, repository);
    }
    // Opened before the sandbox, as the gateway opens its log.
    let tell = session.get("tell").map(|file| File::options().append(true).create(true).open(file).expect("a file"));
    let kept = session.get("keep").map(|file| File::create(file).expect("a file"));
    drop_privileges();
    if let Some(calls) = session.get("missing") {
        forget(calls);
    }
    let scene = session.get("attack").map(attacks::Scene::open);
    let directory = File::open(repository).expect("the repository");
    let service = match service {
        "git-upload-pack" => Service::UploadPack,
        "git-receive-pack" => Service::ReceivePack,
        other => panic!("{other}"),
    };
    let git = PathBuf::from(session.get("git").unwrap_or("/usr/bin/git"));
    let hooks = PathBuf::from(session.get("hooks").unwrap_or("/dev/null"));
    let hook = hooks.join("pre-receive");
    let keep: Vec<BorrowedFd<'_>> = kept.iter().map(AsFd::as_fd).collect();
    let programs = [git.as_path(), &hook];
    let plan = Plan {
        writes: if service == Service::ReceivePack { Writes::Contents } else { Writes::Nothing },
        keep: &keep,
        file_size_limit: session.get("fsize").map(|bytes| bytes.parse().expect("bytes")),
        ..Plan::fetch(&programs)
    };
    let newest = plan.landlock_at_most;
    let plan =
        Plan { landlock_at_most: session.get("abi").map_or(newest, |abi| abi.parse().expect("a version")), ..plan };
    let mode = session.get("mode").expect("a mode").parse().expect("a mode");
    let entered = sandbox::enter(mode, directory.as_fd(), &plan);
    let text = match &entered {
        Ok(in_force) => format!("{in_force}\n"),
        Err(error) => format!("{error}\n"),
    };
    if let Some(mut tell) = tell {
        tell.write_all(text.as_bytes()).expect("an open file is writable in the sandbox");
    }
    if entered.is_err() {
        return ExitCode::from(128);
    }
    if let Some(scene) = scene {
        attacks::run(&scene, repository);
        return ExitCode::SUCCESS;
    }
    let protocol = std::env::var_os("GIT_PROTOCOL");
    let push_bytes = session.get("bytes").map_or(0, |bytes| bytes.parse().expect("bytes"));
    let serving = Serving { git: &git, service, protocol: protocol.as_deref(), hooks: &hooks, push_bytes };
    let mut command = match program {
        [] if session.get("pins") == Some("no") => {
            let mut command = Command::new(&git);
            // Planted programs record where they ran; git trusts the directory only by this setting.
            command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/nonexistent");
            command.args([service.as_str(), "."]);
            command
        }
        [] => without_missing_hook(serving.command(), &hooks),
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments);
            command
        }
    };
    if let Some(kept) = &kept {
        use std::os::fd::AsRawFd;
        command.env("KEPT", kept.as_raw_fd().to_string());
    }
    panic!("cannot start: {}", git::exec_git(command, &directory));
}

/// The command, so that a push needs no hook that this session does not have.
fn without_missing_hook(mut command: Command, hooks: &Path) -> Command {
    let number = |name: &OsStr| name.to_str()?.strip_prefix("GIT_CONFIG_KEY_").map(str::to_owned);
    let mut settings = command.get_envs().filter(|(_, value)| *value == Some(OsStr::new("receive.procReceiveRefs")));
    let found = settings.find_map(|(name, _)| number(name)).filter(|_| !hooks.join("proc-receive").exists());
    if let Some(number) = found {
        command.env(format!("GIT_CONFIG_VALUE_{number}"), "refs/none");
    }
    command
}

/// Runs the session as a child and prints the peak memory of its processes in kilobytes.
fn watch(session: &Session, file: &str, service: &str, repository: &Path) -> ExitCode {
    let mut session = session.clone();
    session.words.remove("peak");
    let status = session.command(service, repository, &[]).status().expect("a child");
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN).expect("usage").max_rss();
    fs::write(file, peak.to_string()).expect("write the peak");
    ExitCode::from(u8::try_from(status.code().unwrap_or(128)).unwrap_or(128))
}

fn drop_privileges() {
    if Uid::effective().is_root() {
        setgroups(&[]).expect("setgroups");
        setgid(Gid::from_raw(NOBODY)).expect("setgid");
        setuid(Uid::from_raw(NOBODY)).expect("setuid");
    }
}

/// Makes the kernel report that it lacks `landlock` or `seccomp`, as an older kernel would.
fn forget(what: &str) {
    let (call, errno): (c_long, u32) = match what {
        "landlock" => (libc::SYS_landlock_create_ruleset, 38),
        "landlock-off" => (libc::SYS_landlock_create_ruleset, 95),
        "seccomp" => (libc::SYS_seccomp, 22),
        "close_range" => (libc::SYS_close_range, 38),
        other => panic!("{other}"),
    };
    let architecture = std::env::consts::ARCH.try_into().expect("an architecture");
    let filter = SeccompFilter::new(
        BTreeMap::from([(call, vec![])]),
        SeccompAction::Allow,
        SeccompAction::Errno(errno),
        architecture,
    );
    let program: seccompiler::BpfProgram = filter.expect("a filter").try_into().expect("a program");
    seccompiler::apply_filter(&program).expect("a filter");
}

/// The Landlock version of this kernel.
pub(crate) fn kernel_abi() -> u8 {
    match sandbox::expected(false) {
        InForce::Box { landlock, .. } => landlock.unwrap_or(0),
        InForce::Off => 0,
    }
}

/// The log's word for a sandbox with this version of Landlock, or the kernel's if that is lower.
pub(crate) fn word(abi: u8) -> String {
    let mut word = String::new();
    match abi.min(kernel_abi()) {
        0 => word.push_str("no-landlock(ENOSYS)"),
        abi => write!(word, "landlock{abi}").expect("a string"),
    }
    word + "+seccomp"
}
