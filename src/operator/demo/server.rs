//! The demo's sshd, and the end of all its processes.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use signal_hook::consts::SIGCHLD;
use signal_hook::iterator::Signals;

use super::place::Place;
use crate::operator::failure::Failure;
use crate::operator::openssh::sshd;

/// How long sshd may take to listen, and its sessions to end.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    /// Whether sshd has ended and was collected, so that its process number may be another program's.
    has_ended: bool,
}

impl Server {
    /// Starts sshd with the files of [`super::prepare`], and waits until it listens.
    pub(super) fn start(place: &Place) -> Result<Self, Failure> {
        // sshd's sessions leave their parents. As subreaper, the demo becomes their parent and can end them.
        nix::sys::prctl::set_child_subreaper(true)
            .map_err(|errno| Failure::File("cannot adopt sshd's sessions".to_owned(), errno.into()))?;
        let log = place.dir.join("sshd.log");
        let mut command = Command::new(sshd()?);
        // A Ctrl-C at the terminal is for the demo, which then ends sshd in order.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command
            .arg("-D")
            .arg("-f")
            .arg(place.dir.join("sshd_config"))
            .arg("-E")
            .arg(&log)
            .stdin(Stdio::null())
            .spawn()
            .map_err(|error| Failure::File("sshd".to_owned(), error))?;
        let mut server = Self { child, has_ended: false };
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            if let Ok(Some(status)) = server.child.try_wait() {
                let is_in_use = said.contains("Address already in use");
                let ended = Failure::Refused(format!("sshd ended with {status}: {}", said.trim()));
                return Err(if is_in_use { cannot_listen(place.port, "Address already in use") } else { ended });
            }
            // A connection could reach another program's port.
            if said.contains("Server listening on 127.0.0.1 port") {
                return Ok(server);
            }
            std::thread::sleep(PAUSE);
        }
        server.stop();
        Err(Failure::Refused(format!("sshd does not listen on 127.0.0.1 port {}", place.port)))
    }

    /// Waits for SIGINT or SIGTERM. Until then, it collects the sessions that end, which have become its children.
    pub(super) fn wait(&mut self, signals: &mut Signals) -> Result<(), Failure> {
        for signal in signals.forever() {
            if signal != SIGCHLD {
                return Ok(());
            }
            while let Ok(ended) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                if ended == WaitStatus::StillAlive {
                    break;
                }
                if ended.pid() == Some(pid(&self.child)) {
                    self.has_ended = true;
                    return Err(Failure::Refused(format!("the demo's sshd has ended: {ended:?}")));
                }
            }
        }
        Err(Failure::Refused("no more signals".to_owned()))
    }

    /// Ends sshd and its sessions.
    pub(super) fn stop(mut self) {
        if !self.has_ended {
            let _ = kill(pid(&self.child), Signal::SIGTERM);
            let _ = self.child.wait();
        }
        let start = Instant::now();
        loop {
            let signal = if start.elapsed() < PATIENCE / 2 { Signal::SIGTERM } else { Signal::SIGKILL };
            for child in children() {
                let _ = kill(child, signal);
            }
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                // All children have ended.
                Err(_) => return,
                Ok(WaitStatus::StillAlive) if start.elapsed() > PATIENCE => return,
                Ok(WaitStatus::StillAlive) => std::thread::sleep(PAUSE),
                Ok(_) => {}
            }
        }
    }
}

/// Why the demo has no port.
pub(super) fn cannot_listen(port: u16, why: &str) -> Failure {
    Failure::Refused(format!(
        "cannot listen on 127.0.0.1 port {port}: {why}\nto use another port: hubgate demo --port N"
    ))
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX))
}

/// All processes whose parent is this process (proc(5), `/proc/pid/stat`).
fn children() -> Vec<Pid> {
    let own = std::process::id();
    let parent_of = |stat: &str| -> Option<u32> { stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok() };
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter(|process| {
            let stat = std::fs::read_to_string(format!("/proc/{process}/stat"));
            stat.is_ok_and(|stat| parent_of(&stat) == Some(own))
        })
        .map(Pid::from_raw)
        .collect()
}
