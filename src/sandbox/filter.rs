//! seccomp: system calls that no git needs and that would lead out of the box. The only user of the crate
//! `seccompiler`.
//!
//! A list of what is refused: `EPERM` for what does harm, `ENOSYS` for what is newer than this list, or cannot be
//! looked into and has an older call that can. The program is assembled here and not by the crate's compiler, whose
//! filters know one answer, and cost more to install than the rest of the session's start: 400 microseconds for a list
//! of this length, against 50 for a map (Linux 6.18). A call then costs 35 nanoseconds more.

use nix::errno::Errno;
use nix::libc::{self, c_int, c_long};
use seccompiler::{Error, sock_filter};

use super::sys;

/// Sockets: UDP and sockets of the file system are beyond Landlock. An open one may still be read and written, also by
/// `sendto` without an address; `sendmsg` could carry an address and descriptors.
const NETWORK: [c_long; 10] = [
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_recvmsg,
];

/// Other processes of the account, which all sessions share: their memory, descriptors, priority and signals.
/// (`kill` and `tgkill` stay: git ends its own children, and Landlock from version 6 on knows who they are.)
const PROCESSES: [c_long; 32] = [
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_process_mrelease,
    libc::SYS_kcmp,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_setpriority,
    libc::SYS_ioprio_set,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setattr,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setscheduler,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_semget,
    libc::SYS_semctl,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_msgget,
    libc::SYS_msgctl,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
];

/// What Landlock does not see of a file that is not the session's: its owner and attributes, its length before version
/// 3, and what happens to it.
const FILES: [c_long; 18] = [
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    libc::SYS_truncate,
    libc::SYS_mknodat,
    libc::SYS_symlinkat,
    libc::SYS_inotify_init1,
    libc::SYS_inotify_add_watch,
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_quotactl,
];

/// Changes of a mode by path, which Landlock does not see either: one of them could shut the whole store. In a push they
/// do nothing and say that it is done, since git (2.47.3, reftable and shared repositories) fails without, and lives
/// well with the modes that the umask gives.
#[cfg(target_arch = "x86_64")]
const MODES: [c_long; 3] = [libc::SYS_chmod, libc::SYS_fchmodat, FCHMODAT2];
#[cfg(not(target_arch = "x86_64"))]
const MODES: [c_long; 2] = [libc::SYS_fchmodat, FCHMODAT2];

/// Parts of the kernel that serve other purposes than git's, and where its holes have been.
const KERNEL: [c_long; 49] = [
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_setup,
    libc::SYS_io_submit,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    libc::SYS_remap_file_pages,
    libc::SYS_vmsplice,
    libc::SYS_mbind,
    libc::SYS_set_mempolicy,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_personality,
    libc::SYS_quotactl_fd,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_reboot,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_vhangup,
    libc::SYS_nfsservctl,
];

/// What changes a file system by path: refused to a fetch, so that it is read-only for the most part even where there
/// is no Landlock. Opening is looked into below.
const CHANGES: [c_long; 9] = [
    libc::SYS_mkdirat,
    libc::SYS_unlinkat,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_linkat,
    libc::SYS_utimensat,
    libc::SYS_fchmod,
    libc::SYS_ftruncate,
    libc::SYS_fallocate,
];

/// Calls of the same kinds that only older architectures have.
#[cfg(target_arch = "x86_64")]
const OLDER: [c_long; 10] = [
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_mknod,
    libc::SYS_symlink,
    libc::SYS_inotify_init,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
    libc::SYS_kexec_file_load,
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: [c_long; 0] = [];

/// As [`CHANGES`].
#[cfg(target_arch = "x86_64")]
const OLDER_CHANGES: [c_long; 9] = [
    libc::SYS_creat,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_unlink,
    libc::SYS_rename,
    libc::SYS_link,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER_CHANGES: [c_long; 0] = [];

/// `fchmodat2`, for which libc has no name on every architecture; its number is the same on all.
const FCHMODAT2: c_long = 452;

/// The newest call that this list knows, `mseal`. What came later is as on a kernel that does not have it; so are the
/// calls of x32, whose numbers start at 2^30.
const NEWEST: u32 = 462;

/// What a call may not be asked for.
#[derive(Clone, Copy)]
enum Refused {
    /// This value.
    Value(u32),
    /// Any of these bits.
    Bits(u32),
    /// Anything but zero.
    NotZero,
}

/// Calls that are looked into: half an argument (its place in `struct seccomp_data`), and what it may not be.
type LookedInto = (c_long, &'static [(u32, Refused)]);

/// In every session.
const ARGUMENTS: [LookedInto; 5] = [
    // Without namespaces; `clone3` has its flags in memory, where no filter looks.
    (libc::SYS_clone, &[(low_half(0), Refused::Bits(NAMESPACES))]),
    // No locks of ranges: what is handed on may hold one place among many (`slots`).
    (
        libc::SYS_fcntl,
        &[
            (low_half(1), Refused::Value(bits(libc::F_SETLK))),
            (low_half(1), Refused::Value(bits(libc::F_SETLKW))),
            (low_half(1), Refused::Value(bits(libc::F_OFD_SETLK))),
            (low_half(1), Refused::Value(bits(libc::F_OFD_SETLKW))),
        ],
    ),
    // No typing into the terminal of whoever started this by hand.
    (libc::SYS_ioctl, &[(low_half(1), Refused::Value(TIOCSTI)), (low_half(1), Refused::Value(TIOCLINUX))]),
    // Of the caller alone: a limit on processor time ends its process.
    (libc::SYS_prlimit64, &[(low_half(0), Refused::NotZero)]),
    // To the peer of a connected socket alone.
    (libc::SYS_sendto, &[(low_half(4), Refused::NotZero), (low_half(4) + 4, Refused::NotZero)]),
];

/// In a fetch: nothing is opened that this makes or empties.
#[cfg(target_arch = "x86_64")]
const OPENING: [LookedInto; 2] = [
    (libc::SYS_openat, &[(low_half(2), Refused::Bits(MAKES))]),
    (libc::SYS_open, &[(low_half(1), Refused::Bits(MAKES))]),
];
#[cfg(not(target_arch = "x86_64"))]
const OPENING: [LookedInto; 1] = [(libc::SYS_openat, &[(low_half(2), Refused::Bits(MAKES))])];

const NAMESPACES: u32 = bits(
    libc::CLONE_NEWNS
        | libc::CLONE_NEWCGROUP
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUSER
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNET,
);
const MAKES: u32 = bits(libc::O_CREAT | libc::O_TRUNC | (libc::O_TMPFILE & !libc::O_DIRECTORY));
/// `asm-generic/ioctls.h`.
const TIOCSTI: u32 = 0x5412;
const TIOCLINUX: u32 = 0x541c;

const fn bits(flags: c_int) -> u32 {
    u32::from_ne_bytes(flags.to_ne_bytes())
}

/// Where `struct seccomp_data` has the lower half of an argument, on a little-endian machine.
const fn low_half(argument: u32) -> u32 {
    16 + 8 * argument
}

/// Where it has the number of the call, and the architecture whose numbers these are.
const CALL: u32 = 0;
const ARCHITECTURE: u32 = 4;

/// `AUDIT_ARCH_X86_64` and `AUDIT_ARCH_AARCH64` of `linux/audit.h`.
#[cfg(target_arch = "x86_64")]
const OURS: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const OURS: u32 = 0xc000_00b7;

/// Whether the kernel filters system calls.
pub(super) fn usable() -> nix::Result<()> {
    sys::can_filter()
}

/// Filters what the calling thread, and what it becomes, may ask of the kernel.
pub(super) fn restrict(write: bool) -> nix::Result<()> {
    seccompiler::apply_filter(&program(write)).map_err(|error| match error {
        Error::Prctl(error) | Error::Seccomp(error) => Errno::from_raw(error.raw_os_error().unwrap_or_default()),
        Error::Backend(_) | Error::EmptyFilter | Error::ThreadSync(_) => Errno::EINVAL,
    })
}

/// How many numbers of calls a word of the map has.
const WORD: u32 = 32;

/// The filter as the kernel takes it: a map with a bit for each call, and answers for those whose bit is set.
fn program(write: bool) -> Vec<sock_filter> {
    let (eperm, enosys) = (fail(Errno::EPERM), fail(Errno::ENOSYS));
    let mut denied = [&NETWORK[..], &PROCESSES, &FILES, &KERNEL, &OLDER].concat();
    let mut answered = vec![(libc::SYS_clone3, enosys)];
    let mut looked_into = ARGUMENTS.to_vec();
    if write {
        answered.extend(MODES.map(|call| (call, DONE)));
    } else {
        denied.extend([&MODES[..], &CHANGES, &OLDER_CHANGES].concat());
        looked_into.extend(OPENING);
        // Its flags are in memory too.
        answered.push((libc::SYS_openat2, enosys));
    }
    denied.extend(answered.iter().map(|(call, _)| call));
    denied.extend(looked_into.iter().map(|(call, _)| call));
    let denied: Vec<u32> = denied.into_iter().map(number).collect();

    let mut program = vec![load(ARCHITECTURE), jump(EQUAL, OURS, 1, 0), answer(libc::SECCOMP_RET_KILL_PROCESS)];
    program.extend([load(CALL), jump(GREATER, NEWEST, 0, 1), answer(enosys)]);
    // The bit's place in its word, put aside; then the word; then the bit.
    program.extend([plain(AND, WORD - 1), plain(PUT_ASIDE, 0), load(CALL), plain(SHIFT, WORD.ilog2())]);
    let last = NEWEST / WORD;
    for word in 0..=last {
        let bits =
            denied.iter().filter(|number| **number / WORD == word).fold(0, |bits, number| bits | 1 << (number % WORD));
        program.extend([jump(EQUAL, word, 0, 2), plain(VALUE, bits), plain(SKIP, 3 * (last - word))]);
    }
    program.extend([plain(SHIFT_ASIDE, 0), jump(ANY_BIT, 1, 1, 0), answer(libc::SECCOMP_RET_ALLOW), load(CALL)]);
    for (call, verdict) in answered {
        program.extend([jump(EQUAL, number(call), 0, 1), answer(verdict)]);
    }
    for (call, arguments) in looked_into {
        let length = u8::try_from(3 * arguments.len() + 1).unwrap_or(0);
        program.push(jump(EQUAL, number(call), 0, length));
        for (half, refused) in arguments {
            let test = match *refused {
                Refused::Value(value) => jump(EQUAL, value, 0, 1),
                Refused::Bits(bits) => jump(ANY_BIT, bits, 0, 1),
                Refused::NotZero => jump(EQUAL, 0, 1, 0),
            };
            program.extend([load(*half), test, answer(eperm)]);
        }
        program.push(answer(libc::SECCOMP_RET_ALLOW));
    }
    program.push(answer(eperm));
    program
}

/// A number as the filter sees it. All are small; one that were not would be no call at all.
fn number(call: c_long) -> u32 {
    u32::try_from(call).unwrap_or(u32::MAX)
}

/// Instructions of `linux/bpf_common.h`. Loads: a word of `struct seccomp_data` (`LD | W | ABS`), a value (`LD | IMM`).
const LOAD: u16 = 0x20;
const VALUE: u16 = 0x00;
/// Jumps by a test (`JMP | K` with `JEQ`, `JGT`, `JSET`), and without (`JMP | JA`).
const EQUAL: u16 = 0x15;
const GREATER: u16 = 0x25;
const ANY_BIT: u16 = 0x45;
const SKIP: u16 = 0x05;
/// Arithmetic: `AND | K`, `RSH | K`; into the other register (`MISC | TAX`), and `RSH` by that.
const AND: u16 = 0x54;
const SHIFT: u16 = 0x74;
const PUT_ASIDE: u16 = 0x07;
const SHIFT_ASIDE: u16 = 0x7c;
/// `RET | K`.
const RETURN: u16 = 0x06;

fn plain(code: u16, value: u32) -> sock_filter {
    sock_filter { code, jt: 0, jf: 0, k: value }
}

fn load(offset: u32) -> sock_filter {
    plain(LOAD, offset)
}

fn answer(verdict: u32) -> sock_filter {
    plain(RETURN, verdict)
}

/// Skips `then` instructions where the test holds, else `otherwise`.
fn jump(test: u16, value: u32, then: u8, otherwise: u8) -> sock_filter {
    sock_filter { code: test, jt: then, jf: otherwise, k: value }
}

/// The call is not made, and returns as if it were.
const DONE: u32 = libc::SECCOMP_RET_ERRNO;

fn fail(errno: Errno) -> u32 {
    libc::SECCOMP_RET_ERRNO | bits(errno as c_int)
}

#[cfg(test)]
mod tests;
