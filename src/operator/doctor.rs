//! `hubgate doctor`: checks this machine, and prints a command that fixes each problem.
//!
//! Runs as root and changes nothing, except that `--login` has an account for as long as it logs in. It starts no git
//! in a stored repository and only reads the database.

mod account;
mod anonymous;
mod database;
mod files;
mod findings;
mod helper;
mod loopback;
mod server;
mod store;
mod surroundings;
mod temporary;

use std::collections::BTreeMap;
use std::path::Path;

use super::cli::{Doctor, ServingSshd};
use super::failure::Failure;
use super::login::KEYS_LOGIN;
use super::programs::{LIBEXEC, PROGRAMS};
use crate::config::{Config, ConfigError, EXAMPLE_HOST};
use crate::push::HOOKS;
use crate::report::Report;

use super::host_keys::sshd_config;
use super::sshd_config::unit;
pub(super) use account::{Shell, shell};
use findings::{Extent, Findings};
use helper::CommandLine;
use server::Sshd;

pub(super) fn run(command: &Doctor, config_path: &Path) -> Result<Report, Failure> {
    if !nix::unistd::geteuid().is_root() {
        return Err(Failure::Refused("run hubgate doctor as root: it checks files that only root can read".to_owned()));
    }
    if let [name, key] = command.temporary_account.as_slice() {
        let name = name.parse().map_err(|error| Failure::Usage(format!("{name}: {error}")))?;
        return temporary::hold(&name, Path::new(key), config_path);
    }
    let mut findings = Findings::of(config_path);
    match Config::load(config_path) {
        Ok(config) => {
            findings.ok("config", config_path.display().to_string());
            examine(&mut findings, &config, config_path, command, Extent::Whole)?;
        }
        Err(error) => findings.bad("config", error.to_string(), fix_config(&error)),
    }
    Ok(findings.report())
}

/// The quick checks, as root: how many findings are ok, warnings and problems, for each check.
pub(super) fn quick(
    config: &Config,
    config_path: &Path,
    sshd_config: &Path,
) -> Result<BTreeMap<&'static str, [u64; 3]>, Failure> {
    let server = ServingSshd { sshd_config: Some(sshd_config.to_owned()) };
    let command = Doctor { login: false, server, temporary_account: Vec::new() };
    let mut findings = Findings::of(config_path);
    examine(&mut findings, config, config_path, &command, Extent::Quick)?;
    Ok(findings.numbers())
}

/// The fix for a configuration that hubgate rejects. All logins fail until then.
fn fix_config(error: &ConfigError) -> String {
    match error {
        ConfigError::Read(_, error) if error.kind() == std::io::ErrorKind::NotFound => "hubgate init".to_owned(),
        ConfigError::Read(path, _) => format!("chown root {0} && chmod 644 {0}", path.display()),
        ConfigError::Untrusted(path, _) | ConfigError::UntrustedCheck(path) => {
            format!("chown root {0} && chmod go-w {0}", path.display())
        }
        ConfigError::Syntax(path, _) | ConfigError::Value(path, _) => {
            format!("correct that line of {}; hubgate.toml(5) has every key", path.display())
        }
        ConfigError::Path(_) => "give --config an absolute path without blanks".to_owned(),
    }
}

fn examine(
    findings: &mut Findings,
    config: &Config,
    path: &Path,
    command: &Doctor,
    extent: Extent,
) -> Result<(), Failure> {
    if config.hub.host == EXAMPLE_HOST {
        let text = format!("the commands and URLs that people copy name {EXAMPLE_HOST}");
        findings.warn("host", text, format!("set [hub] host in {} to the name that clients use", path.display()));
    }
    let login = account::check_login(findings, config)?;
    let sshd_config = sshd_config(&command.server);
    let sshd = Sshd::find(findings, config, sshd_config)?;
    let line = CommandLine::of(sshd.as_ref().and_then(Sshd::helper), path);
    let helper = line.program();
    if let Some(sshd) = &sshd {
        let libexec = helper.parent().unwrap_or(Path::new(LIBEXEC));
        sshd.check(findings, config, [path, sshd_config, libexec], login.as_ref())?;
    }
    let keys_name = sshd.as_ref().map_or(KEYS_LOGIN, Sshd::keys_login);
    let hooks = HOOKS.map(|hook| helper.with_file_name("hooks").join(hook));
    for program in PROGRAMS.map(|program| helper.with_file_name(program)).iter().chain(&hooks) {
        files::check_program(findings, program);
    }
    let keys = account::check_keys_login(findings, keys_name, &config.ssh.login)?;
    let (root, database) = (&config.paths.repositories, &config.paths.database);
    let database_dir = database.parent().unwrap_or(database);
    let state = Some(config.state_dir()).filter(|state| *state != database_dir);
    if let Some(login) = &login {
        store::check_root(findings, root, login);
        if let Some(state) = state {
            files::check_parents(findings, "state", state);
            files::check_mode(findings, "state", state, login, login, 0o750);
        }
        let reader = keys.as_ref().and_then(|keys| database::check(findings, database, login, keys, extent));
        if let Some(reader) = reader {
            anonymous::check_certificates(findings, config, path, &reader);
            if extent == Extent::Whole {
                store::check_directories(findings, root, login, &reader);
            }
        }
    }
    for directory in [root.as_path(), database_dir].into_iter().chain(state) {
        store::check_room(findings, directory);
    }
    if let Some(keys) = keys.filter(|_| !findings.is_bad(&helper::CAUSES)) {
        helper::check(findings, config, &line, &keys);
    }
    match config.checks() {
        Ok(names) => {
            if !names.is_empty() {
                findings.ok("checks", format!("each push runs {}", names.join(", ")));
            }
            for name in config.checks_turned_off().unwrap_or_default() {
                let file = config.checks.directory.join(&name);
                let text = format!("{name} does not run, because nobody may execute it");
                findings.warn("checks", text, format!("chmod 755 {0}, or: rm {0}", file.display()));
            }
        }
        Err(error) => findings.bad("checks", error.to_string(), fix_config(&error)),
    }
    surroundings::check_git(findings, &config.paths.git);
    surroundings::check_sandbox(findings, config.sandbox.mode);
    surroundings::check_log(findings, &config.log.socket);
    if let Some(sshd) = sshd.filter(|_| command.login) {
        // Otherwise it fails for a reason that is listed by now.
        if findings.is_well() {
            let unit = unit(sshd_config);
            loopback::check(findings, config, path, &sshd.settings, unit);
        } else {
            findings.ok("loopback", "not tried, because of the problems above");
        }
    }
    Ok(())
}
