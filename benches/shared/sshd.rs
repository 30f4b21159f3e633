//! sshds on ports of their own, and the configuration that they share.

use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use hubgate::operator::sshd_config::{Anonymous, Block};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Outcome;
use super::accounts::Accounts;
use super::cpu::Meter;
use super::hub::Hub;
use super::machine::{SSHD, openssh};
use super::place::Place;

/// How long sshd may take to listen, and a session to end.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(1);

/// sshd's own directory (sshd(8), FILES).
const PRIVSEP: &str = "/run/sshd";

/// A running sshd. It and its sessions end when dropped.
pub(crate) struct Server {
    config: PathBuf,
    log: PathBuf,
    pub(crate) port: u16,
    child: Option<Child>,
    pub(crate) meter: Meter,
}

impl Server {
    /// Starts one with hubgate's own block in its configuration, as the block says it or with flat files for keys.
    pub(crate) fn start(place: &Place, name: &str, block: &str) -> Outcome<Self> {
        // Where no service of the machine made it; it stays, as another sshd may have come to need it.
        std::fs::create_dir_all(PRIVSEP)?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let head = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nPidFile none\nUsePAM no\n\n",
            place.path("host").display()
        );
        let config = place.write(&format!("{name}.sshd_config"), &(head + block))?;
        let log = place.path(&format!("{name}.log"));
        let mut server = Self { config, log, port, child: None, meter: Meter::make(name) };
        server.restart()?;
        Ok(server)
    }

    /// Ends it and starts it anew.
    ///
    /// Each sshd adds a delay of its own choice to what comes before authentication, by a secret that it draws when it
    /// starts (OpenSSH's auth2.c, `ensure_minimum_time_since`): one that was lucky should not stay so.
    pub(crate) fn restart(&mut self) -> Outcome {
        self.stop();
        let mut command = Command::new(SSHD);
        command.args(["-D", "-f"]).arg(&self.config).arg("-E").arg(&self.log).env_clear().env("PATH", "/usr/bin:/bin");
        // A Ctrl-C at the terminal is for the bench.
        let child = self.child.insert(command.stdin(Stdio::null()).process_group(0).spawn()?);
        self.meter.enter(child.id())?;
        let start = Instant::now();
        while start.elapsed() < PATIENCE && child.try_wait()?.is_none() {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return self.settle();
            }
            sleep(PAUSE);
        }
        Err(format!("sshd: {}", std::fs::read_to_string(&self.log).unwrap_or_default()).into())
    }

    /// Waits until only the listener is left.
    pub(crate) fn settle(&self) -> Outcome {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if self.meter.members().len() == 1 {
                return Ok(());
            }
            sleep(PAUSE);
        }
        Err(format!("sessions of sshd do not end: {:?}", self.meter.members()).into())
    }

    fn stop(&mut self) {
        let Some(mut listener) = self.child.take() else { return };
        // The list before the listener goes: without a cgroup nobody knows the others after that.
        let members = self.meter.members();
        for signal in [Signal::SIGTERM, Signal::SIGKILL] {
            for pid in &members {
                let _ = kill(Pid::from_raw(*pid), signal);
            }
            let _ = listener.wait();
            let start = Instant::now();
            let lives = |pid: &i32| Path::new(&format!("/proc/{pid}")).exists();
            while start.elapsed() < PATIENCE && members.iter().any(lives) {
                sleep(PAUSE);
            }
            if !members.iter().any(lives) {
                return;
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The shipped block for one login of a hub.
pub(crate) fn hubgate_block(hub: &Hub, login: &str, config: &Path) -> Outcome<String> {
    let keys_login = Accounts::name("keys");
    let block = Block {
        login,
        keys_login: &keys_login,
        libexec: &hub.libexec,
        config,
        version: openssh()?,
        anonymous: Anonymous::ByKey,
    };
    Ok(block.to_string())
}

/// The same with a file of keys for each login, in `directory`, and no helper.
pub(crate) fn flat_block(hub: &Hub, logins: &str, directory: &Path) -> Outcome<String> {
    let line = |line: &str| {
        let replaced = match line.split_whitespace().next() {
            Some("AuthorizedKeysCommand" | "AuthorizedKeysCommandUser") => String::new(),
            Some("AuthorizedKeysFile") => format!("    AuthorizedKeysFile {}/%u", directory.display()),
            Some(_) | None => line.to_owned(),
        };
        replaced + "\n"
    };
    Ok(hubgate_block(hub, logins, &hub.config)?.lines().map(line).collect())
}
