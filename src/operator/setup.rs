//! `hubgate init` and `hubgate migrate`: create and update a hub's files.

use std::fmt::Write as _;
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{IsTerminal, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::atomic_file::AtomicFile;
use super::cli::Init;
use super::context::{become_login, confirm};
use super::failure::Failure;
use super::kept;
use super::login::{self, KEYS_LOGIN};
use super::programs::LIBEXEC;
use crate::config::{AnonymousMode, Config, EXAMPLE_HOST, is_host};
use crate::db::{Store, VERSION};
use crate::passwd::{self, Login};
use crate::report::Report;

/// The configuration file of a new hub, with every key and comments.
pub const PACKAGED_CONFIG: &str = include_str!("../../packaging/config.toml");

const CONFIG_MODE: u32 = 0o644;

/// Creates what is missing and reports it. Leaves existing files as they are; `hubgate doctor` checks them.
pub(super) fn init(command: &Init, config_path: &Path) -> Result<Report, Failure> {
    if !nix::unistd::geteuid().is_root() {
        return Err(Failure::Refused("run hubgate init as root: it creates accounts and directories".to_owned()));
    }
    let (mut made, mut set) = (Vec::new(), Vec::new());
    let config = if config_path.exists() {
        let config = Config::load(config_path)?;
        if let Some(text) = answered(command, &config, config_path, &mut set)? {
            may_use(command, &Config::parse(&text).map_err(Failure::Refused)?)?;
            AtomicFile::write(config_path, CONFIG_MODE, &text)?;
        } else {
            may_use(command, &config)?;
        }
        Config::load(config_path)?
    } else {
        let host = if command.host.is_some() { command.host.clone() } else { ask_host()? };
        let text = new_config(host.as_deref(), command.login.as_deref());
        may_use(command, &Config::parse(&text).map_err(Failure::Refused)?)?;
        write_config(config_path, &text)?;
        made.push(format!("configuration {}", config_path.display()));
        Config::load(config_path)?
    };
    let home = config.paths.repositories.parent().unwrap_or(Path::new("/")).to_owned();
    let login = ensure_login(&config.ssh.login, &home, &gateway(), &mut made)?;
    if is_own(&login) && passwd::is_locked(&login.name)? {
        // systemd-sysusers locks the accounts that it creates.
        login::unlock(&login.name)?;
        set.push(format!("the password of {} to one that matches nothing and is not locked", login.name));
    }
    if config.access.anonymous == AnonymousMode::Login && passwd::find(&config.ssh.anonymous_login)?.is_none() {
        login::create_second_name(&login, &config.ssh.anonymous_login)?;
        made.push(format!("login account {}, a second name of {}", config.ssh.anonymous_login, login.name));
    }
    let keys = ensure_login(KEYS_LOGIN, Path::new("/"), Path::new("/usr/sbin/nologin"), &mut made)?;
    for directory in make_directories(&config, &login, &keys)? {
        made.push(format!("directory {directory}"));
    }
    if !config.paths.database.exists() {
        made.push(format!("database {}", config.paths.database.display()));
    }
    let left = leave_second_name(command, &config, &login)?;
    become_login(&config.paths.repositories)?;
    Store::create(&config.paths.database)?;
    let mut text: String = made.iter().map(|what| format!("created the {what}\n")).collect();
    text.extend(set.iter().map(|what| format!("set {what}\n")));
    if text.is_empty() {
        text.push_str("nothing is missing\n");
    }
    text.push_str(&left);
    if config.hub.host == EXAMPLE_HOST {
        let _ = writeln!(text, "next: set [hub] host in {}", config_path.display());
    }
    text.push_str("next: hubgate sshd-config --install, and hubgate doctor to check the setup\n");
    Ok(Report::new(text, json!({ "made": made, "set": set })))
}

/// The packaged configuration with the operator's values.
fn new_config(host: Option<&str>, login: Option<&str>) -> String {
    let text = PACKAGED_CONFIG.to_owned();
    let text = host.map_or_else(|| text.clone(), |host| with(&text, "host", EXAMPLE_HOST, host));
    login.map_or_else(|| text.clone(), |login| with(&text, "login", &Config::default().ssh.login, login))
}

/// A configuration in which the commented line of a setting has a value.
fn with(text: &str, key: &str, default: &str, value: &str) -> String {
    text.replace(&format!("#{key} = \"{default}\"\n"), &format!("{key} = \"{value}\"\n"))
}

/// An existing configuration, such as a package's, with the operator's values for settings that it leaves unset.
/// Refuses options that contradict it.
fn answered(command: &Init, config: &Config, path: &Path, set: &mut Vec<String>) -> Result<Option<String>, Failure> {
    let before = std::fs::read_to_string(path).map_err(|error| Failure::File(path.display().to_string(), error))?;
    let mut text = before.clone();
    let is_unset = config.hub.host == EXAMPLE_HOST;
    let host = if command.host.is_none() && is_unset { ask_host()? } else { command.host.clone() };
    let (example, git) = (EXAMPLE_HOST.to_owned(), Config::default().ssh.login);
    for (section, key, option, value, default, may_change) in [
        ("hub", "host", &host, &config.hub.host, &example, is_unset),
        ("ssh", "login", &command.login, &config.ssh.login, &git, !is_in_use(config)),
    ] {
        let Some(option) = option.as_ref().filter(|option| *option != value) else { continue };
        let changed = with(&text, key, default, option);
        if changed == text || !may_change {
            return Err(Failure::Refused(format!("{} exists: set [{section}] {key} there", path.display())));
        }
        set.push(format!("[{section}] {key} in {}", path.display()));
        text = changed;
    }
    Ok((text != before).then_some(text))
}

/// Whether the hub of a configuration has files already.
fn is_in_use(config: &Config) -> bool {
    config.paths.repositories.exists() || config.paths.database.exists()
}

/// The gateway of an installed package.
fn gateway() -> PathBuf {
    Path::new(LIBEXEC).join("gateway")
}

/// Whether a package or `init` created the account for hubgate. No other software has the gateway as a login shell.
fn is_own(login: &Login) -> bool {
    login.shell == gateway()
}

/// Asks for the host name on a terminal, until the answer is valid or empty.
fn ask_host() -> Result<Option<String>, Failure> {
    let failed = |error| Failure::File("the terminal".to_owned(), error);
    while std::io::stdin().is_terminal() {
        let mut answer = String::new();
        std::io::stderr().write_all(b"The host name that clients use, such as git.example.org: ").map_err(failed)?;
        std::io::stdin().read_line(&mut answer).map_err(failed)?;
        let answer = answer.trim();
        if answer.is_empty() {
            break;
        }
        if is_host(answer) {
            return Ok(Some(answer.to_owned()));
        }
    }
    Ok(None)
}

/// Asks before an account that exists becomes the login of a new hub.
fn may_use(command: &Init, config: &Config) -> Result<(), Failure> {
    if is_in_use(config) {
        return Ok(());
    }
    let Some(login) = passwd::find(&config.ssh.login)?.filter(|login| !is_own(login)) else { return Ok(()) };
    let Login { name, home, shell, .. } = login;
    let question = format!(
        "the account {name} exists, with the shell {} and the home {}. As login of the hub, sshd no longer accepts its own \
         keys and password. To create another account: hubgate init --login NAME. Use {name}?",
        shell.display(),
        home.display()
    );
    confirm(command.confirmation, &question)
}

/// Offers to remove the second name of the login if the mode does not use it. Returns a line for the operator.
fn leave_second_name(command: &Init, config: &Config, login: &Login) -> Result<String, Failure> {
    let Some(name) = login::unused_second_name(config, login)? else { return Ok(String::new()) };
    let question = format!(
        "The login account {name} is a second name of {}, which the configured mode does not use. Remove it?",
        login.name
    );
    let may_ask = command.confirmation.yes || std::io::stdin().is_terminal();
    if may_ask && confirm(command.confirmation, &question).is_ok() {
        login::remove(name)?;
        return Ok(format!("removed the login account {name}\n"));
    }
    Ok(format!("the login account {name} is not used in the configured mode: userdel {name}\n"))
}

/// Writes a configuration file that belongs to root.
pub(super) fn write_config(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error| Failure::File(path.display().to_string(), error);
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o755).create(parent).map_err(failed)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(CONFIG_MODE).open(path).map_err(failed)?;
    file.set_permissions(Permissions::from_mode(CONFIG_MODE)).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}

fn ensure_login(name: &str, home: &Path, shell: &Path, made: &mut Vec<String>) -> Result<Login, Failure> {
    if let Some(login) = passwd::find(name)? {
        return Ok(login);
    }
    made.push(format!("login account {name}"));
    login::create(name, home, shell)
}

/// Creates the directories of a hub with the required owner, group and mode. Leaves existing ones as they are.
///
/// The database's directory is `login:hubgate-keys` 2750. Its setgid bit gives the login's files, including SQLite's
/// -wal and -shm, to the helper's group, so the helper can read them.
pub(super) fn make_directories(config: &Config, login: &Login, keys: &Login) -> Result<Vec<String>, Failure> {
    let mut made = Vec::new();
    let database = config.paths.database.parent().unwrap_or(Path::new("/"));
    for (path, gid, mode) in [
        (database, keys.gid, 0o2750),
        (config.paths.repositories.as_path(), login.gid, 0o750),
        // If it is the directory of the database, it exists by now.
        (config.state_dir(), login.gid, 0o750),
    ] {
        if path.exists() {
            continue;
        }
        let failed = |error| Failure::File(path.display().to_string(), error);
        if let Some(parent) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o755).create(parent).map_err(failed)?;
        }
        DirBuilder::new().mode(0o700).create(path).map_err(failed)?;
        // The mode comes last, because changing the owner clears the setgid bit.
        chown(path, Some(login.uid), Some(gid)).map_err(failed)?;
        std::fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed)?;
        made.push(path.display().to_string());
    }
    Ok(made)
}

/// Migrates the database to this program's version, after copying it. Without a migration to do, it only completes what
/// the database derives from the audit table.
pub(super) fn migrate(config_path: &Path) -> Result<Report, Failure> {
    let config = Config::load(config_path)?;
    become_login(&config.paths.repositories)?;
    let mut store = Store::open_any_version(&config.paths.database)?;
    let (found, _) = store.view().versions()?;
    if found >= VERSION {
        // Another version of hubgate may have written since the migration.
        store.migrate()?;
        let text = format!("the database has version {found}: nothing to do\n");
        return Ok(Report::new(text, json!({ "found": found, "version": found, "backup": null })));
    }
    let backup = kept::name(&config.paths.database, kept::Kind::Migrated);
    store.view().copy_to(&backup)?;
    store.migrate()?;
    let text = format!("migrated the database from version {found} to {VERSION}; a copy is in {}\n", backup.display());
    Ok(Report::new(text, json!({ "found": found, "version": VERSION, "backup": backup })))
}
