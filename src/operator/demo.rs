//! `hubgate demo`: a separate hub with a stock sshd on 127.0.0.1. It shows each feature and is removed at its end.

mod accounts;
mod place;
mod round_trip;
mod server;

use std::fs::{DirBuilder, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use signal_hook::consts::{SIGCHLD, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::cli::Demo;
use super::failure::Failure;
use super::login::{KEYS_LOGIN, run as run_program};
use super::openssh::{sshd, sshd_version};
use super::programs::{LIBEXEC, PROGRAMS, install};
use super::setup::write_config;
use super::sshd_config::{Anonymous, Block};
use crate::config::is_login;
use crate::report::Report;
use crate::request::is_plain_path;

use accounts::Accounts;
use place::{HOST, Place, find_program, own, say};
use server::{Server, cannot_listen};

pub(super) fn run(command: &Demo) -> Result<Report, Failure> {
    if !nix::unistd::geteuid().is_root() {
        return Err(Failure::Refused(
            "run hubgate demo as root: it starts an sshd that others can log in to".to_owned(),
        ));
    }
    if !is_login(&command.login) {
        return Err(Failure::Usage(format!("{} is not a valid name of a login account", command.login)));
    }
    // Before anything is created. sshd takes the port later, and names it if it is in use by then.
    TcpListener::bind(("127.0.0.1", command.port)).map_err(|error| cannot_listen(command.port, &error.to_string()))?;
    // From here on, a signal ends the demo in order.
    let mut signals = Signals::new([SIGCHLD, SIGINT, SIGTERM])
        .map_err(|error| Failure::File("cannot listen for signals".to_owned(), error))?;
    let place = Place { dir: make_dir(command)?, login: command.login.clone(), port: command.port };
    let done = show(&place, command, &mut signals);
    if command.keep {
        say(&format!("kept {}\n", place.dir.display()));
    } else {
        std::fs::remove_dir_all(&place.dir).map_err(|error| Failure::File(place.dir.display().to_string(), error))?;
    }
    done.map(|()| Report::new(String::new(), Value::Null))
}

/// Runs the demo from its accounts to its end. When it returns, everything outside its directory is removed.
fn show(place: &Place, command: &Demo, signals: &mut Signals) -> Result<(), Failure> {
    let accounts = Accounts::ensure(&place.login)?;
    let outcome = prepare(place).and_then(|()| {
        let mut server = Server::start(place)?;
        let outcome = round_trip::show(place).and_then(|()| {
            say("ready\n");
            if command.once {
                return Ok(());
            }
            say(&round_trip::what_to_try(place, &own()?));
            server.wait(signals)
        });
        server.stop();
        outcome
    });
    // The accounts are removed after any error.
    let gone = accounts.release();
    outcome.and(gone)
}

/// Creates the directory, after checking that sshd will accept files in it.
fn make_dir(command: &Demo) -> Result<PathBuf, Failure> {
    let dir = if let Some(dir) = &command.dir {
        dir.clone()
    } else {
        let random = crate::random::bytes().map_err(|error| Failure::File("/dev/urandom".to_owned(), error))?;
        PathBuf::from(format!("/var/lib/hubgate-demo-{:08x}", u32::from_le_bytes(random)))
    };
    if !is_plain_path(dir.as_os_str().as_encoded_bytes()) {
        let problem = "needs an absolute path of letters, digits, '.', '_', '-' and '/'";
        return Err(Failure::Usage(format!("--dir {} {problem}", dir.display())));
    }
    for parent in dir.ancestors().skip(1) {
        let failed = |error| Failure::File(parent.display().to_string(), error);
        let metadata = parent.symlink_metadata().map_err(failed)?;
        if !metadata.is_dir() || metadata.uid() != 0 || metadata.mode() & 0o022 != 0 {
            return Err(Failure::Refused(format!(
                "sshd would reject files in {}: users other than root can change {}",
                dir.display(),
                parent.display()
            )));
        }
    }
    let failed = |error| Failure::File(dir.display().to_string(), error);
    DirBuilder::new().mode(0o755).create(&dir).map_err(failed)?;
    std::fs::set_permissions(&dir, Permissions::from_mode(0o755)).map_err(failed)?;
    Ok(dir)
}

/// Writes the files of sshd, hub and client into the directory.
fn prepare(place: &Place) -> Result<(), Failure> {
    let dir = &place.dir;
    let config_path = place.config();
    let config = format!(
        "[hub]\nname = \"Demo Hub\"\nhost = \"127.0.0.1\"\n\n[ssh]\nlogin = \"{}\"\nport = {}\n\n[paths]\n\
         database = \"{2}/db/hubgate.db\"\nrepositories = \"{2}/repositories\"\ngit = \"{3}\"\n",
        place.login,
        place.port,
        dir.display(),
        find_program("git")?.display()
    );
    write_config(&config_path, &config)?;
    copy_programs(&place.libexec())?;
    run_program(Command::new(own()?).arg("--config").arg(&config_path).args(["init", "--yes"]))?;
    for (key, comment) in [("host_key", "host"), ("id_demo", "demo"), ("id_stranger", "stranger")] {
        run_program(
            Command::new(find_program("ssh-keygen")?)
                .args(["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"])
                .arg(dir.join(key)),
        )?;
    }
    let sshd = sshd()?;
    let block = Block {
        login: &place.login,
        keys_login: KEYS_LOGIN,
        libexec: &place.libexec(),
        config: &config_path,
        version: sshd_version(&sshd)?,
        anonymous: Anonymous::ByKey,
    };
    let sshd_config = format!(
        "Port {}\nListenAddress 127.0.0.1\nHostKey {}/host_key\nPidFile none\n\n{block}",
        place.port,
        dir.display()
    );
    write_config(&place.sshd_config(), &sshd_config)?;
    let host_key = dir.join("host_key.pub");
    let host_key =
        std::fs::read_to_string(&host_key).map_err(|error| Failure::File(host_key.display().to_string(), error))?;
    write_config(&dir.join("known_hosts"), &format!("[127.0.0.1]:{} {host_key}", place.port))?;
    write_config(&dir.join("ssh_config"), &ssh_config(place))
}

fn ssh_config(place: &Place) -> String {
    let Place { dir, login, port } = place;
    let dir = dir.display();
    format!(
        "Host {HOST} stranger\n    HostName 127.0.0.1\n    Port {port}\n    User {login}\n    IdentitiesOnly yes\n    \
         UserKnownHostsFile {dir}/known_hosts\n    StrictHostKeyChecking yes\n    BatchMode yes\n    \
         RequestTTY no\nHost {HOST}\n    IdentityFile {dir}/id_demo\nHost stranger\n    IdentityFile {dir}/id_stranger\n"
    )
}

/// Copies sshd's programs from the directory of this program, or from the package's directory.
fn copy_programs(libexec: &Path) -> Result<(), Failure> {
    let sources = [own()?.with_file_name(""), LIBEXEC.into()];
    let source = sources.iter().find(|source| PROGRAMS.iter().all(|program| source.join(program).is_file()));
    let source =
        source.ok_or_else(|| Failure::Refused("the programs are neither beside hubgate nor installed".to_owned()))?;
    install(source, libexec).map_err(|(path, error)| Failure::File(path.display().to_string(), error))
}
