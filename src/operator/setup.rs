//! `hubgate init` and `hubgate migrate`: create and update a hub's files.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::Path;

use serde_json::json;

use super::context::become_login;
use super::failure::Failure;
use super::login::{self, KEYS_LOGIN};
use super::programs::LIBEXEC;
use crate::clock::now;
use crate::config::{AnonymousMode, Config};
use crate::db::{Store, VERSION};
use crate::passwd::{self, Login};
use crate::report::Report;
use crate::report::when::rfc3339;

/// The configuration file of a new hub, with every key and comments.
pub const PACKAGED_CONFIG: &str = include_str!("../../packaging/config.toml");

/// Creates what is missing and reports it. Leaves existing files as they are; `hubgate doctor` checks them.
pub(super) fn init(config_path: &Path) -> Result<Report, Failure> {
    if !nix::unistd::geteuid().is_root() {
        return Err(Failure::Refused("run hubgate init as root: it creates accounts and directories".to_owned()));
    }
    let mut made = Vec::new();
    if !config_path.exists() {
        write_config(config_path, PACKAGED_CONFIG)?;
        made.push(format!("configuration {}", config_path.display()));
    }
    let config = Config::load(config_path)?;
    let home = config.paths.repositories.parent().unwrap_or(Path::new("/")).to_owned();
    let gateway = Path::new(LIBEXEC).join("gateway");
    let login = ensure_login(&config.ssh.login, &home, &gateway, &mut made)?;
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
    become_login(&config.paths.repositories)?;
    Store::create(&config.paths.database)?;
    let mut text: String = made.iter().map(|what| format!("created the {what}\n")).collect();
    if made.is_empty() {
        text.push_str("nothing is missing\n");
    }
    text.push_str("next: hubgate sshd-config --install, and hubgate doctor to check the setup\n");
    Ok(Report::new(text, json!({ "made": made })))
}

/// Writes a configuration file that belongs to root.
pub(super) fn write_config(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error| Failure::File(path.display().to_string(), error);
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o755).create(parent).map_err(failed)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(path).map_err(failed)?;
    file.set_permissions(Permissions::from_mode(0o644)).map_err(failed)?;
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

/// Migrates the database to this program's version, after copying it. Without a migration to do, it changes nothing.
pub(super) fn migrate(config_path: &Path) -> Result<Report, Failure> {
    let config = Config::load(config_path)?;
    become_login(&config.paths.repositories)?;
    let mut store = Store::open_any_version(&config.paths.database)?;
    let (found, _) = store.view().versions()?;
    if found >= VERSION {
        let text = format!("the database has version {found}: nothing to do\n");
        return Ok(Report::new(text, json!({ "found": found, "version": found, "backup": null })));
    }
    let backup = config.paths.database.with_extension(format!("db.v{found}.{}", rfc3339(now()).replace(':', "")));
    store.copy_to(&backup)?;
    store.migrate()?;
    let text = format!("migrated the database from version {found} to {VERSION}; a copy is in {}\n", backup.display());
    Ok(Report::new(text, json!({ "found": found, "version": VERSION, "backup": backup })))
}
