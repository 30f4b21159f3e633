//! Attacks that the sandbox must stop, each from inside, with the mechanism that stops it. Outside the sandbox each
//! attack succeeds; that is tested too.

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io::{Error, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use hubgate::sandbox::Mode;
use nix::libc::{self, c_long};
use nix::sys::signal::kill;
use nix::unistd::{Pid, getppid};

use crate::inside::{Session, kernel_abi};
use crate::store::Store;

pub(crate) const TRIALS: &[(&str, fn())] = &[
    ("outside_the_sandbox_every_attack_succeeds", outside),
    ("each_attack_is_stopped_by_the_intended_mechanism", stopped),
];

/// The attacker's surroundings.
pub(crate) struct Scene {
    store: PathBuf,
    /// Another session of the same account, which ends with this one.
    victim: Child,
    /// A file that many sessions share and that is open for writing, as that of `lfs::forgotten` is.
    shared: File,
    /// A session's lock, which is open for reading only (`session_limits`).
    lock: File,
    tcp: TcpListener,
    udp: UdpSocket,
    _unix: UnixListener,
    _hidden: UnixListener,
    name: String,
}

impl Scene {
    /// Prepares the scene outside the sandbox.
    pub(crate) fn open(store: &str) -> Self {
        let store = PathBuf::from(store);
        let victim = Command::new("/bin/cat").stdin(Stdio::piped()).spawn().expect("a victim");
        let name = format!("hubgate-{}", std::process::id());
        let hidden = SocketAddr::from_abstract_name(&name).expect("a name");
        let socket = store.join("store").join(&name);
        Self {
            victim,
            shared: OpenOptions::new().write(true).open(store.join("db/shared")).expect("a file"),
            lock: File::open(store.join("db/lock")).expect("a file"),
            tcp: TcpListener::bind("127.0.0.1:0").expect("a port"),
            udp: UdpSocket::bind("127.0.0.1:0").expect("a port"),
            _unix: UnixListener::bind(socket).expect("a socket"),
            _hidden: UnixListener::bind_addr(&hidden).expect("a socket"),
            name,
            store,
        }
    }

    fn victim(&self) -> Pid {
        Pid::from_raw(self.victim.id().try_into().expect("a pid"))
    }

    fn victim_id(&self) -> c_long {
        self.victim.id().into()
    }

    fn database(&self) -> PathBuf {
        self.store.join("db/hubgate.db")
    }

    fn other(&self) -> PathBuf {
        self.store.join("store/other.git")
    }
}

/// The mechanism that stops an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// Landlock from this version on.
    Landlock(u8),
    /// The system call filter.
    Filter,
    /// The same, only in a fetch.
    FetchLandlock(u8),
    FetchFilter,
}
use By::{FetchFilter, FetchLandlock, Filter, Landlock};

/// Whether an attack succeeds on every kernel without the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outside {
    Succeeds,
    /// Containers and hardened distributions may refuse it themselves.
    Depends,
}
use Outside::{Depends, Succeeds};

type Attack = (&'static str, Outside, &'static [By], fn(&Scene) -> std::io::Result<()>);

/// The attacks run in this order, with the repository as working directory. Destructive attacks come last.
const ATTACKS: &[Attack] = &[
    // Other repositories and files.
    ("read another repository", Succeeds, &[Landlock(1)], |s| read(&s.other().join("HEAD"))),
    ("list another repository", Succeeds, &[Landlock(1)], |s| list(&s.other())),
    ("list the store", Succeeds, &[Landlock(1)], |_| list(Path::new(".."))),
    ("list the root", Succeeds, &[Landlock(1)], |_| list(Path::new("/"))),
    ("read the accounts", Succeeds, &[Landlock(1)], |_| read(Path::new("/etc/passwd"))),
    ("read the database", Succeeds, &[Landlock(1)], |s| read(&s.database())),
    ("write the database", Succeeds, &[Landlock(1)], |s| open(&s.database(), libc::O_WRONLY)),
    ("truncate the database", Succeeds, &[Landlock(3), Filter], |s| {
        result(call(libc::SYS_truncate, &[c_path(&s.database()).as_ptr() as c_long, 9]))
    }),
    ("link another repository's file here", Succeeds, &[Landlock(1), FetchFilter], |s| {
        fs::hard_link(s.other().join("HEAD"), "stolen").and_then(|()| fs::remove_file("stolen"))
    }),
    ("run what lies in the repository", Succeeds, &[Landlock(1)], |_| Command::new("./planted").status().map(drop)),
    ("read a process's environment", Succeeds, &[Landlock(1)], |s| {
        read(Path::new(&format!("/proc/{}/environ", s.victim())))
    }),
    ("watch the store", Succeeds, &[Filter], |s| {
        let watcher = call(libc::SYS_inotify_init1, &[0])?;
        let path = c_path(&s.store.join("store"));
        let watch = call(libc::SYS_inotify_add_watch, &[watcher, path.as_ptr() as c_long, libc::IN_CREATE.into()]);
        close(watcher);
        watch.map(drop)
    }),
    ("change the mode of the store", Succeeds, &[Filter], |s| {
        let store = s.store.join("store");
        fs::set_permissions(&store, fs::Permissions::from_mode(0o711))?;
        // In a push, the call reports success but does nothing.
        if store.metadata()?.permissions().mode() & 0o777 == 0o711 {
            fs::set_permissions(store, fs::Permissions::from_mode(0o755))
        } else {
            Err(Error::from_raw_os_error(libc::EPERM))
        }
    }),
    ("change the owner of the database", Succeeds, &[Filter], |s| {
        std::os::unix::fs::chown(s.database(), Some(nix::unistd::geteuid().as_raw()), None)
    }),
    ("change the times of the database", Succeeds, &[Filter], |s| {
        let path = c_path(&s.database());
        result(call(libc::SYS_utimensat, &[libc::AT_FDCWD.into(), path.as_ptr() as c_long, 0, 0]))
    }),
    #[cfg(target_arch = "x86_64")]
    ("change the times of the database by an older call", Succeeds, &[Filter], |s| {
        let path = c_path(&s.database());
        result(call(libc::SYS_utimes, &[path.as_ptr() as c_long, 0]))
    }),
    ("change the times of a file that is open", Succeeds, &[FetchFilter], |s| {
        result(call(libc::SYS_utimensat, &[s.lock.as_raw_fd().into(), 0, 0, 0]))
    }),
    ("change the mode of a file that is open", Succeeds, &[Filter], |s| {
        s.lock.set_permissions(fs::Permissions::from_mode(0o400))?;
        // In a push, the call reports success but does nothing.
        if s.lock.metadata()?.permissions().mode() & 0o777 == 0o400 {
            s.lock.set_permissions(fs::Permissions::from_mode(0o600))
        } else {
            Err(Error::from_raw_os_error(libc::EPERM))
        }
    }),
    ("empty a file that is open", Succeeds, &[Filter], |s| s.shared.set_len(0)),
    ("release a lock", Succeeds, &[Filter], |s| {
        result(call(libc::SYS_flock, &[s.lock.as_raw_fd().into(), libc::LOCK_UN.into()]))
    }),
    ("write elsewhere", Succeeds, &[Landlock(1), FetchFilter], |s| {
        let file = s.store.join("store/new");
        make(&file).and_then(|()| fs::remove_file(file))
    }),
    ("write to /tmp", Succeeds, &[Landlock(1), FetchFilter], |s| {
        let file = Path::new("/tmp").join(&s.name);
        make(&file).and_then(|()| fs::remove_file(file))
    }),
    // Its own repository, in a fetch.
    ("write its configuration", Succeeds, &[FetchLandlock(1)], |_| open(Path::new("config"), libc::O_WRONLY)),
    ("make a file", Succeeds, &[FetchLandlock(1), FetchFilter], |_| {
        make(Path::new("new")).and_then(|()| fs::remove_file("new"))
    }),
    ("make a nameless file", Succeeds, &[FetchLandlock(1), FetchFilter], |_| {
        open(Path::new("."), libc::O_TMPFILE | libc::O_RDWR)
    }),
    ("make a directory", Succeeds, &[FetchLandlock(1), FetchFilter], |_| fs::create_dir("new")),
    ("rename a file", Succeeds, &[FetchLandlock(1), FetchFilter], |_| {
        fs::rename("scratch", "renamed").and_then(|()| fs::rename("renamed", "scratch"))
    }),
    ("rename a file into another directory", Succeeds, &[FetchLandlock(1), FetchFilter], |_| {
        fs::rename("scratch", "refs/scratch").and_then(|()| fs::rename("refs/scratch", "scratch"))
    }),
    ("remove a file", Succeeds, &[FetchLandlock(1), FetchFilter], |_| fs::remove_file("removed")),
    ("remove a directory", Succeeds, &[FetchLandlock(1), FetchFilter], |_| fs::remove_dir("directory")),
    ("empty a file that is opened to be read", Succeeds, &[FetchLandlock(3), FetchFilter], |_| {
        open(Path::new("scratch"), libc::O_TRUNC)
    }),
    // Types of file that no repository contains.
    ("make a pipe", Succeeds, &[Landlock(1), Filter], |_| {
        nix::unistd::mkfifo("pipe", nix::sys::stat::Mode::S_IRWXU).map_err(Into::into)
    }),
    ("make a link", Succeeds, &[Landlock(1), Filter], |_| symlink("/etc/passwd", "link")),
    ("make a socket", Succeeds, &[Landlock(1), Filter], |_| UnixListener::bind("socket").map(drop)),
    // The network.
    ("connect by TCP", Succeeds, &[Landlock(4), Filter], |s| TcpStream::connect(s.tcp.local_addr()?).map(drop)),
    ("listen by TCP", Succeeds, &[Landlock(4), Filter], |_| TcpListener::bind("127.0.0.1:0").map(drop)),
    ("send by UDP", Succeeds, &[Filter], |s| {
        UdpSocket::bind("127.0.0.1:0")?.send_to(b"secret", s.udp.local_addr()?).map(drop)
    }),
    ("send by UDP on a socket that is open", Succeeds, &[Filter], |s| {
        s.udp.send_to(b"secret", s.udp.local_addr()?).map(drop)
    }),
    ("connect to a socket by path", Succeeds, &[Filter], |s| {
        UnixStream::connect(s.store.join("store").join(&s.name)).map(drop)
    }),
    ("connect to an abstract socket", Succeeds, &[Landlock(6), Filter], |s| {
        UnixStream::connect_addr(&SocketAddr::from_abstract_name(&s.name)?).map(drop)
    }),
    ("open a netlink socket", Succeeds, &[Filter], |_| {
        let socket = call(libc::SYS_socket, &[libc::AF_NETLINK.into(), libc::SOCK_RAW.into(), 0])?;
        close(socket);
        Ok(())
    }),
    // Other processes.
    ("signal another session", Succeeds, &[Landlock(6)], |s| kill(s.victim(), None).map_err(Into::into)),
    ("signal the parent", Depends, &[Landlock(6)], |_| kill(getppid(), None).map_err(Into::into)),
    ("signal another session by its descriptor", Succeeds, &[Filter, Landlock(6)], |s| {
        let pid = call(libc::SYS_pidfd_open, &[s.victim_id(), 0])?;
        let sent = call(libc::SYS_pidfd_send_signal, &[pid, 0, 0, 0]);
        close(pid);
        sent.map(drop)
    }),
    ("read another session's memory", Succeeds, &[Landlock(1), Filter], |s| {
        let mut byte = [0_u8];
        let local = [byte.as_mut_ptr() as usize, 1];
        let remote = [0x1000_usize, 1];
        let (local, remote) = (local.as_ptr() as c_long, remote.as_ptr() as c_long);
        match call(libc::SYS_process_vm_readv, &[s.victim_id(), local, 1, remote, 1, 0]) {
            // Nothing is mapped at the address, but the memory was accessed.
            Err(error) if error.raw_os_error() == Some(libc::EFAULT) => Ok(()),
            read => read.map(drop),
        }
    }),
    ("take another session's limits", Succeeds, &[Filter], |s| {
        let limits = [100_u64, 100];
        let limits = limits.as_ptr() as c_long;
        result(call(libc::SYS_prlimit64, &[s.victim_id(), libc::RLIMIT_CPU.into(), limits, 0]))
    }),
    ("make another session wait", Succeeds, &[Filter], |s| {
        result(call(libc::SYS_setpriority, &[libc::PRIO_PROCESS.into(), s.victim_id(), 10]))
    }),
    ("lock a file that many sessions share", Succeeds, &[Filter], |s| {
        let lock = libc::flock {
            l_type: libc::F_WRLCK.try_into().expect("small"),
            l_whence: libc::SEEK_SET.try_into().expect("small"),
            l_start: 0,
            l_len: 0,
            l_pid: 0,
        };
        nix::fcntl::fcntl(&s.shared, nix::fcntl::FcntlArg::F_OFD_SETLK(&lock)).map(drop).map_err(Into::into)
    }),
    ("share memory", Succeeds, &[Filter], |_| {
        let id = call(libc::SYS_shmget, &[libc::IPC_PRIVATE.into(), 4096, 0o600])?;
        result(call(libc::SYS_shmctl, &[id, libc::IPC_RMID.into(), 0]))
    }),
    ("trace another session", Succeeds, &[Landlock(1), Filter], |s| {
        result(call(libc::SYS_ptrace, &[PTRACE_SEIZE, s.victim_id(), 0, 0]))
    }),
    // The kernel.
    ("make a user namespace", Depends, &[Filter], |_| result(call(libc::SYS_unshare, &[libc::CLONE_NEWUSER.into()]))),
    ("set up io_uring", Depends, &[Filter], |_| {
        let mut parameters = [0_u8; 120];
        let ring = call(libc::SYS_io_uring_setup, &[1, parameters.as_mut_ptr() as c_long])?;
        close(ring);
        Ok(())
    }),
    ("make a file in memory", Succeeds, &[Filter], |_| {
        let file = call(libc::SYS_memfd_create, &[c"x".as_ptr() as c_long, 0])?;
        close(file);
        Ok(())
    }),
    ("look at the performance of the kernel", Depends, &[Filter], |_| {
        let mut attributes = [0_u64; 16];
        attributes[0] = 128 << 32;
        let event = call(libc::SYS_perf_event_open, &[attributes.as_mut_ptr() as c_long, 0, -1, -1, 0])?;
        close(event);
        Ok(())
    }),
    ("use the kernel's keys", Depends, &[Filter], |_| result(call(libc::SYS_keyctl, &[0, -3, 1]))),
    // The destructive ones.
    ("rename the repository away", Succeeds, &[Landlock(1), FetchFilter], |_| {
        fs::rename("../own.git", "../gone.git").and_then(|()| fs::rename("../gone.git", "../own.git"))
    }),
    ("remove another repository", Succeeds, &[Landlock(1), FetchFilter], |s| fs::remove_file(s.other().join("HEAD"))),
];

/// `linux/ptrace.h`: like `PTRACE_ATTACH`, without stopping the victim.
const PTRACE_SEIZE: c_long = 0x4206;

fn read(path: &Path) -> Result<(), Error> {
    File::open(path)?.read(&mut [0]).map(drop)
}

fn list(path: &Path) -> Result<(), Error> {
    fs::read_dir(path).map(drop)
}

fn open(path: &Path, flags: i32) -> Result<(), Error> {
    let write = flags & libc::O_ACCMODE != libc::O_RDONLY;
    OpenOptions::new().read(!write || flags & libc::O_RDWR != 0).write(write).custom_flags(flags).open(path).map(drop)
}

fn make(path: &Path) -> Result<(), Error> {
    File::create_new(path).map(drop)
}

fn c_path(path: &Path) -> CString {
    CString::new(path.as_os_str().as_encoded_bytes()).expect("no NUL")
}

/// A direct system call of an attacker.
#[expect(unsafe_code, reason = "an attack")]
fn call(number: c_long, arguments: &[c_long]) -> Result<c_long, Error> {
    let mut all = [0; 6];
    all.iter_mut().zip(arguments).for_each(|(slot, argument)| *slot = *argument);
    let [first, second, third, fourth, fifth, sixth] = all;
    // SAFETY: each attack passes numbers, and pointers to values that outlive the call.
    let called = unsafe { libc::syscall(number, first, second, third, fourth, fifth, sixth) };
    nix::errno::Errno::result(called).map_err(Into::into)
}

fn result(called: Result<c_long, Error>) -> Result<(), Error> {
    called.map(drop)
}

fn close(descriptor: c_long) {
    let _ = call(libc::SYS_close, &[descriptor]);
}

/// Runs the attacks from inside and prints one line for each: its name and the number of the error.
pub(crate) fn run(scene: &Scene, repository: &Path) {
    std::env::set_current_dir(repository).expect("the repository");
    let mut said = std::io::stdout().lock();
    for (name, _, _, attack) in ATTACKS {
        let errno = attack(scene).err().map_or(0, |error| error.raw_os_error().unwrap_or(-1));
        writeln!(said, "{name}\t{errno}").expect("a pipe");
    }
}

/// The sandbox of a session in these tests.
#[derive(Debug, Clone, Copy)]
struct Held {
    write: bool,
    landlock: u8,
    filter: bool,
}

impl Held {
    fn stops(self, by: &[By]) -> bool {
        by.iter().any(|by| match *by {
            Landlock(version) => self.landlock >= version,
            Filter => self.filter,
            FetchLandlock(version) => !self.write && self.landlock >= version,
            FetchFilter => !self.write && self.filter,
        })
    }
}

/// Attacks from inside `session`, and compares the results with the intended mechanisms.
fn attack(arrange: impl Fn(Session) -> Session, mode: Mode, held: Held) {
    let store = Store::new();
    let own = store.own();
    for file in ["scratch", "removed", "planted"] {
        fs::write(own.join(file), "#!/bin/sh\n").expect("a file");
    }
    fs::set_permissions(own.join("planted"), fs::Permissions::from_mode(0o755)).expect("a mode");
    fs::create_dir(own.join("directory")).expect("a directory");
    for file in ["db/shared", "db/lock"] {
        fs::write(store.path(file), "content").expect("a file");
    }
    store.give_away();
    let session = arrange(Session::new(mode)).with("attack", store.path("").display());
    let service = if held.write { "git-receive-pack" } else { "git-upload-pack" };
    let output = session.command(service, &own, &[]).output().expect("a session");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), ATTACKS.len(), "{session:?}\n{said}{}", String::from_utf8_lossy(&output.stderr));
    let mut wrong = String::new();
    for ((name, outside, by, _), line) in ATTACKS.iter().zip(lines) {
        let errno: i32 = line.rsplit('\t').next().and_then(|errno| errno.parse().ok()).expect("a number");
        let refused = [libc::EACCES, libc::EPERM, libc::ENOSYS, libc::EXDEV].contains(&errno);
        let right = match (held.stops(by), outside) {
            (true, _) => refused,
            (false, Succeeds) => errno == 0,
            (false, Depends) => true,
        };
        if !right {
            wrong = format!("{wrong}{name}: {}\n", Error::from_raw_os_error(errno));
        }
    }
    assert!(wrong.is_empty(), "{session:?} {held:?}\n{wrong}");
}

fn outside() {
    assert!(ATTACKS.len() > 50, "SECURITY.md promises more than {}", ATTACKS.len());
    for write in [false, true] {
        attack(|session| session, Mode::Off, Held { write, landlock: 0, filter: false });
    }
}

fn stopped() {
    let kernel = kernel_abi();
    for write in [false, true] {
        let held = Held { write, landlock: kernel, filter: true };
        attack(|session| session, Mode::BestEffort, held);
        attack(|session| session.with("missing", "seccomp"), Mode::BestEffort, Held { filter: false, ..held });
        attack(|session| session.with("missing", "landlock"), Mode::BestEffort, Held { landlock: 0, ..held });
        for abi in 1..kernel {
            let landlock = if write && abi == 1 { 0 } else { abi };
            attack(|session| session.with("abi", abi), Mode::BestEffort, Held { landlock, ..held });
        }
    }
}
