//! `hubgate doctor`: what is wrong on this machine, each finding with the line that mends it.

mod anonymous;
mod loopback;

use std::fmt::Write;
use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::Failure;
use super::cli::Doctor;
use super::login::{self, KEYS_LOGIN, Login};
use super::programs::{HOOKS, LIBEXEC, PROGRAMS};
use super::report::Report;
use super::sshd_config::{Anonymous, Block, Version, differences, effective, sshd, sshd_version};
use crate::config::Config;
use crate::message::Status;
use crate::sandbox::{InForce, Mode, expected};

/// The oldest git whose pins and fixes hubgate counts on.
const OLDEST_GIT: Version = Version(2, 39);
/// The oldest OpenSSH that tells the gateway which key was proven.
const OLDEST_SSHD: Version = Version(7, 6);
/// Settings of the whole server that an operator may well choose otherwise.
const MATTERS_OF_TASTE: [&str; 2] = ["logingracetime", "maxstartups"];

/// What brings sshd's block in step.
const INSTALL: &str = "hubgate sshd-config --install && systemctl reload ssh";

/// How a finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    Odd,
    Bad,
}

impl Verdict {
    fn as_str(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Odd => "warning",
            Self::Bad => "bad",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug)]
struct Finding {
    check: &'static str,
    verdict: Verdict,
    text: String,
    mend: Option<String>,
}

/// All that was looked at.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn good(&mut self, check: &'static str, text: impl Into<String>) {
        self.0.push(Finding { check, verdict: Verdict::Good, text: text.into(), mend: None });
    }

    fn bad(&mut self, check: &'static str, text: impl Into<String>, mend: impl Into<String>) {
        self.0.push(Finding { check, verdict: Verdict::Bad, text: text.into(), mend: Some(mend.into()) });
    }

    fn odd(&mut self, check: &'static str, text: impl Into<String>, mend: impl Into<String>) {
        self.0.push(Finding { check, verdict: Verdict::Odd, text: text.into(), mend: Some(mend.into()) });
    }

    fn is_well(&self) -> bool {
        self.0.iter().all(|finding| finding.verdict != Verdict::Bad)
    }
}

pub(super) fn run(command: &Doctor, config_path: &Path) -> Result<Report, Failure> {
    if !nix::unistd::geteuid().is_root() {
        return Err(Failure::Refused("run hubgate doctor as root: it looks at what only root may see".to_owned()));
    }
    let mut findings = Findings::default();
    match Config::load(config_path) {
        Ok(config) => {
            findings.good("config", config_path.display().to_string());
            examine(&mut findings, &config, config_path, command)?;
        }
        Err(error) => findings.bad("config", error.to_string(), "hubgate init"),
    }
    Ok(report(&findings))
}

fn report(findings: &Findings) -> Report {
    let mut text = String::new();
    let mut json = Vec::new();
    for Finding { check, verdict, text: what, mend } in &findings.0 {
        let _ = writeln!(text, "{:8} {check:14} {what}", verdict.as_str());
        if let Some(mend) = mend {
            let _ = writeln!(text, "{:8} {:14} {mend}", "", "mend:");
        }
        json.push(json!({ "check": check, "state": verdict.as_str(), "text": what, "mend": mend }));
    }
    let well = findings.is_well();
    text.push_str(if well { "all is well\n" } else { "something needs mending\n" });
    let mut report = Report::new(text, Value::Array(json));
    report.status = if well { Status::Done } else { Status::Refused };
    report
}

fn examine(findings: &mut Findings, config: &Config, path: &Path, command: &Doctor) -> Result<(), Failure> {
    let login = check_login(findings, config)?;
    let settings = check_sshd(findings, config, &command.sshd_config).unwrap_or_default();
    let value = |keyword: &str| {
        settings.iter().find(|(name, value)| name == keyword && value != "none").map(|(_, value)| value.as_str())
    };
    let helper = value("authorizedkeyscommand").and_then(|line| line.split(' ').next().map(PathBuf::from));
    let helper = helper.unwrap_or_else(|| Path::new(LIBEXEC).join("authorized-keys"));
    let keys_name = value("authorizedkeyscommanduser").unwrap_or(KEYS_LOGIN);
    let sshd = Sshd { settings: &settings, helper: &helper, keys_login: keys_name, file: &command.sshd_config };
    check_settings(findings, config, path, login.as_ref(), &sshd)?;
    let hooks = HOOKS.map(|hook| helper.with_file_name("hooks").join(hook));
    for program in PROGRAMS.map(|program| helper.with_file_name(program)).iter().chain(&hooks) {
        check_program(findings, program);
    }
    let keys = login::find(keys_name)?;
    match &keys {
        Some(keys) => findings.good("keys-login", keys.name.clone()),
        None => findings.bad("keys-login", format!("there is no account {keys_name}"), "hubgate init"),
    }
    if let Some(login) = &login {
        check_repositories(findings, &config.paths.repositories, login);
        if let Some(keys) = &keys {
            check_database(findings, &config.paths.database, login, keys);
        }
    }
    if let Some(keys) = &keys {
        check_helper(findings, config, path, &helper, keys);
    }
    check_git(findings, &config.paths.git);
    check_sandbox(findings, config.sandbox.mode);
    if command.login {
        loopback::check(findings, config, path, &settings);
    }
    Ok(())
}

fn check_login(findings: &mut Findings, config: &Config) -> Result<Option<Login>, Failure> {
    let name = &config.ssh.login;
    let Some(login) = login::find(name)? else {
        findings.bad("login", format!("there is no account {name}"), "hubgate init");
        return Ok(None);
    };
    findings.good("login", format!("{name}, uid {}", login.uid));
    let gateway = format!("usermod --shell {LIBEXEC}/gateway {name}");
    match shell(&login.shell) {
        Shell::Gateway | Shell::Plain => findings.good("shell", login.shell.display().to_string()),
        Shell::ReadsFiles => {
            findings.odd("shell", format!("{} may read files of its own first", login.shell.display()), gateway);
        }
        Shell::NotOne => {
            findings.bad("shell", format!("{} runs no forced command", login.shell.display()), gateway);
        }
    }
    if login::is_locked(name)? {
        let text =
            format!("the password of {name} is locked with !, which sshd without PAM takes for a locked account");
        findings.bad("shadow", text, format!("usermod --password '*' {name}"));
    } else {
        findings.good("shadow", "not locked");
    }
    if login.home.is_dir() {
        findings.good("home", login.home.display().to_string());
    } else {
        let text = format!("{} is missing: sshd says so to every peer", login.home.display());
        findings.bad("home", text, format!("install -d -m 755 {}", login.home.display()));
    }
    Ok(Some(login))
}

/// What a login shell does with a forced command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shell {
    /// It is the gateway: no shell in between.
    Gateway,
    /// It runs the command, and reads nothing before.
    Plain,
    /// It runs the command, and may read start-up files first.
    ReadsFiles,
    /// It does not run it.
    NotOne,
}

/// Judges a login shell by its name and by whether it can be run at all.
pub(super) fn shell(shell: &Path) -> Shell {
    let runs = shell.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
    match shell.file_name().and_then(|name| name.to_str()) {
        _ if !runs => Shell::NotOne,
        Some("gateway") => Shell::Gateway,
        Some("sh" | "dash" | "ash") => Shell::Plain,
        None | Some("nologin" | "false" | "true" | "git-shell" | "sync") => Shell::NotOne,
        Some(_) => Shell::ReadsFiles,
    }
}

/// Looks at sshd itself; gives what it will do for the login, as `sshd -T` prints it.
fn check_sshd(findings: &mut Findings, config: &Config, file: &Path) -> Option<Vec<(String, String)>> {
    let (sshd, version) = match sshd().and_then(|sshd| sshd_version(&sshd).map(|version| (sshd, version))) {
        Ok(found) => found,
        Err(error) => {
            findings.bad("sshd", error.to_string(), "apt-get install openssh-server");
            return None;
        }
    };
    if version < OLDEST_SSHD {
        findings.bad("sshd", format!("OpenSSH {version} is older than {OLDEST_SSHD}"), "upgrade OpenSSH");
    } else {
        findings.good("sshd", format!("OpenSSH {version}"));
    }
    match effective(&sshd, file, &config.ssh.login) {
        Ok(settings) => Some(settings),
        Err(error) => {
            findings.bad("sshd-config", error.to_string(), format!("sshd -t -f {}", file.display()));
            None
        }
    }
}

/// What sshd says of the login.
struct Sshd<'a> {
    /// As `sshd -T` prints it.
    settings: &'a [(String, String)],
    helper: &'a Path,
    keys_login: &'a str,
    /// Its configuration.
    file: &'a Path,
}

/// Holds sshd's settings against the block that it should have read.
fn check_settings(
    findings: &mut Findings,
    config: &Config,
    path: &Path,
    login: Option<&Login>,
    sshd_of_login: &Sshd<'_>,
) -> Result<(), Failure> {
    let Sshd { settings, helper, keys_login, file } = *sshd_of_login;
    let Ok(version) = sshd().and_then(|sshd| sshd_version(&sshd)) else { return Ok(()) };
    let libexec = helper.parent().unwrap_or(Path::new(LIBEXEC));
    let anonymous = Anonymous::of(config);
    let block = Block { login: &config.ssh.login, keys_login, libexec, config: path, version, anonymous };
    let problems = differences(&block, settings);
    for (keyword, problem) in &problems {
        if MATTERS_OF_TASTE.contains(&keyword.as_str()) {
            findings.odd("sshd-config", problem.clone(), INSTALL);
        } else {
            findings.bad("sshd-config", problem.clone(), INSTALL);
        }
    }
    // Of the whole server, so no Match block can turn it off.
    if settings.iter().any(|(keyword, value)| keyword == "permituserenvironment" && value != "no") {
        let text = "PermitUserEnvironment lets a file in the home directory set variables";
        findings.bad("sshd-config", text, "set PermitUserEnvironment no in sshd_config");
    }
    if problems.is_empty() {
        findings.good("sshd-config", format!("sshd has hubgate's block for {}", config.ssh.login));
    }
    match login {
        Some(login) => anonymous::check(findings, config, login, &block, file),
        None => Ok(()),
    }
}

/// sshd's rule for a program that it runs: root's, and writable by root alone, up to `/` (sshd's misc.c, `safe_path`).
fn check_program(findings: &mut Findings, program: &Path) {
    let Ok(real) = program.canonicalize() else {
        findings.bad("programs", format!("{} is missing", program.display()), "install hubgate again");
        return;
    };
    let metadata = |path: &Path| path.metadata().ok();
    if metadata(&real).is_none_or(|file| !file.is_file() || file.mode() & 0o111 != 0o111) {
        let text = format!("{} cannot be run by everybody", real.display());
        findings.bad("programs", text, format!("chmod 755 {}", real.display()));
        return;
    }
    for path in real.ancestors() {
        if metadata(path).is_none_or(|file| file.uid() != 0 || file.mode() & 0o022 != 0) {
            let text =
                format!("sshd refuses {}: {} can be changed by others than root", real.display(), path.display());
            findings.bad("programs", text, format!("chown root:root {0} && chmod go-w {0}", path.display()));
            return;
        }
    }
    findings.good("programs", real.display().to_string());
}

/// Whether something has this owner, group and mode; the finding says how it should be.
fn check_mode(findings: &mut Findings, check: &'static str, path: &Path, login: &Login, group: &Login, mode: u32) {
    let as_wanted =
        |file: &Metadata| file.uid() == login.uid && file.gid() == group.gid && file.mode() & 0o7777 == mode;
    match path.symlink_metadata() {
        Err(error) => findings.bad(check, format!("{}: {error}", path.display()), "hubgate init"),
        Ok(file) if as_wanted(&file) => findings.good(check, format!("{} {mode:04o}", path.display())),
        Ok(file) => findings.bad(
            check,
            format!(
                "{} is {}:{} {:04o}, not {}:{} {mode:04o}",
                path.display(),
                file.uid(),
                file.gid(),
                file.mode() & 0o7777,
                login.name,
                group.name
            ),
            format!("chown {}:{} {2} && chmod {mode:o} {2}", login.name, group.name, path.display()),
        ),
    }
}

fn check_repositories(findings: &mut Findings, root: &Path, login: &Login) {
    check_mode(findings, "repositories", root, login, login, 0o750);
}

fn check_database(findings: &mut Findings, database: &Path, login: &Login, keys: &Login) {
    let directory = database.parent().unwrap_or(Path::new("/"));
    check_mode(findings, "database", directory, login, keys, 0o2750);
    let beside = |suffix: &str| {
        let mut path = database.as_os_str().to_owned();
        path.push(suffix);
        PathBuf::from(path)
    };
    for file in [database.to_owned(), beside("-wal"), beside("-shm")] {
        // Without the other two a reader reads all the same, and the next writer makes them.
        if file.exists() || file == database {
            check_mode(findings, "database", &file, login, keys, 0o640);
        }
    }
}

/// Runs the helper as sshd does, about a key that nobody has.
fn check_helper(findings: &mut Findings, config: &Config, path: &Path, helper: &Path, keys: &Login) {
    // A made-up key of the right form; what it opens is what any unknown key opens.
    let key = "AAAAC3NzaC1lZDI1NTE5AAAAIIyvsxAYqLJqm+UWlMSptsaMpMGhaX8h9WrhcObQu61/";
    let mut command = Command::new(helper);
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/games")
        .env("USER", &keys.name)
        .env("LOGNAME", &keys.name)
        .env("HOME", &keys.home)
        .current_dir("/")
        .stdin(Stdio::null())
        .uid(keys.uid)
        .gid(keys.gid);
    if path != Path::new(crate::config::DEFAULT_PATH) {
        command.arg("--config").arg(path);
    }
    let mend = "read hubgate-keys in the system log: journalctl -t hubgate-keys";
    match command.args([&config.ssh.login, "ssh-ed25519", key]).output() {
        Ok(output) if output.status.success() => findings.good("helper", format!("answers as {}", keys.name)),
        Ok(output) => {
            let text = format!("{} ends with {} as {}", helper.display(), output.status, keys.name);
            findings.bad("helper", text, mend);
        }
        Err(error) => findings.bad("helper", format!("{}: {error}", helper.display()), mend),
    }
}

/// What would hold git on this kernel.
fn check_sandbox(findings: &mut Findings, mode: Mode) {
    let (fetch, push) = (expected(false), expected(true));
    let text = format!("mode {mode}: fetch {fetch}, push {push}");
    let whole = |in_force: &InForce| matches!(in_force, InForce::Box { landlock: Ok(_), seccomp: Ok(()) });
    if mode == Mode::Off {
        findings.odd("sandbox", text, "set [sandbox] mode = \"best-effort\"");
    } else if whole(&fetch) && whole(&push) {
        findings.good("sandbox", text);
    } else if mode == Mode::Required {
        findings.bad("sandbox", text, "upgrade the kernel: Landlock is in 5.13, whole for pushes in 5.19");
    } else {
        findings.odd("sandbox", text, "upgrade the kernel: Landlock is in 5.13, whole for pushes in 5.19");
    }
}

fn check_git(findings: &mut Findings, git: &Path) {
    let output = Command::new(git).arg("--version").stdin(Stdio::null()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let version = text.as_ref().ok().and_then(|text| {
        let mut numbers = text.rsplit(' ').next()?.split('.');
        format!("{}.{}", numbers.next()?, numbers.next()?).parse::<Version>().ok()
    });
    match (text, version) {
        (Ok(text), Some(version)) if version >= OLDEST_GIT => findings.good("git", text),
        (Ok(text), _) => findings.bad("git", format!("{text} is older than {OLDEST_GIT}"), "upgrade git"),
        (Err(error), _) => {
            findings.bad("git", format!("{}: {error}", git.display()), "apt-get install git");
        }
    }
}
