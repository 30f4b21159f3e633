//! The system calls that the filter refuses or inspects.

use nix::libc::{self, c_int, c_long};

/// Sockets: Landlock controls neither UDP nor Unix sockets. An open socket may still be read and written, also by
/// `sendto` without an address; `sendmsg` could carry an address and descriptors.
pub(super) const NETWORK: [c_long; 10] = [
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

/// Access to other processes of the account, which all sessions share: memory, descriptors, priority and signals.
/// `kill` and `tgkill` are allowed, because git ends its own children; Landlock limits their targets from version 6 on.
pub(super) const PROCESSES: [c_long; 32] = [
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

/// Operations on files outside the session that Landlock does not control: owner and attributes, length before version
/// 3, and watches.
pub(super) const FILES: [c_long; 18] = [
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

/// Locks and length of a file that may have been open before. git does not need them.
pub(super) const LOCKS: [c_long; 2] = [libc::SYS_flock, libc::SYS_ftruncate];

/// Changes of a mode, which Landlock does not control either; one of them could make the whole store inaccessible. In a
/// push they do nothing and report success: git (2.47.3, reftable and shared repositories) fails without them but works
/// with the modes that the umask gives.
#[cfg(target_arch = "x86_64")]
pub(super) const MODES: [c_long; 4] = [libc::SYS_chmod, libc::SYS_fchmod, libc::SYS_fchmodat, FCHMODAT2];
#[cfg(not(target_arch = "x86_64"))]
pub(super) const MODES: [c_long; 3] = [libc::SYS_fchmod, libc::SYS_fchmodat, FCHMODAT2];

/// Changes of a file's times by path, which Landlock does not control. A push does not need them. git's maintenance
/// does, because the times of unreachable objects say when to delete them.
pub(super) const TIMES: [LookedInto; 1] =
    [(libc::SYS_utimensat, &[(low_half(1), Refused::NotZero), (low_half(1) + 4, Refused::NotZero)])];
#[cfg(target_arch = "x86_64")]
pub(super) const OLDER_TIMES: [c_long; 3] = [libc::SYS_utime, libc::SYS_utimes, libc::SYS_futimesat];
#[cfg(not(target_arch = "x86_64"))]
pub(super) const OLDER_TIMES: [c_long; 0] = [];

/// Parts of the kernel that git does not use and that have had vulnerabilities.
pub(super) const KERNEL: [c_long; 49] = [
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

/// Changes of a file system by path. A fetch may not make them, so it is mostly read-only even without Landlock. Calls
/// that open files are inspected below.
pub(super) const CHANGES: [c_long; 6] = [
    libc::SYS_mkdirat,
    libc::SYS_unlinkat,
    libc::SYS_renameat2,
    libc::SYS_linkat,
    libc::SYS_utimensat,
    libc::SYS_fallocate,
];

/// Similar calls that only older architectures have.
#[cfg(target_arch = "x86_64")]
pub(super) const OLDER: [c_long; 10] = [
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
pub(super) const OLDER: [c_long; 0] = [];

/// Changes, like [`CHANGES`].
#[cfg(target_arch = "x86_64")]
pub(super) const OLDER_CHANGES: [c_long; 7] = [
    libc::SYS_renameat,
    libc::SYS_creat,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_unlink,
    libc::SYS_rename,
    libc::SYS_link,
];
#[cfg(not(target_arch = "x86_64"))]
pub(super) const OLDER_CHANGES: [c_long; 1] = [38 /* renameat, for which libc has no name there */];

/// `fchmodat2`, for which libc has no name on every architecture; its number is the same on all.
const FCHMODAT2: c_long = 452;

/// The newest call that this list knows, `mseal`. Newer calls fail as on a kernel without them. So do the calls of x32,
/// whose numbers start at 2^30.
pub(super) const NEWEST: u32 = 462;

/// An argument that is refused.
#[derive(Clone, Copy)]
pub(super) enum Refused {
    /// This value.
    Value(u32),
    /// Any of these bits.
    Bits(u32),
    /// Anything but zero.
    NotZero,
}

/// Inspected calls: half an argument (its offset in `struct seccomp_data`) and its refused values.
pub(super) type LookedInto = (c_long, &'static [(u32, Refused)]);

/// In every session.
pub(super) const ARGUMENTS: [LookedInto; 5] = [
    // No namespaces. `clone3` has its flags in memory, where no filter can read them.
    (libc::SYS_clone, &[(low_half(0), Refused::Bits(NAMESPACES))]),
    // No locks of ranges of files that were open before.
    (
        libc::SYS_fcntl,
        &[
            (low_half(1), Refused::Value(bits(libc::F_SETLK))),
            (low_half(1), Refused::Value(bits(libc::F_SETLKW))),
            (low_half(1), Refused::Value(bits(libc::F_OFD_SETLK))),
            (low_half(1), Refused::Value(bits(libc::F_OFD_SETLKW))),
        ],
    ),
    // No input into the terminal of an operator who starts this by hand.
    (libc::SYS_ioctl, &[(low_half(1), Refused::Value(TIOCSTI)), (low_half(1), Refused::Value(TIOCLINUX))]),
    // Only the caller's own limits, because a limit on processor time ends its process.
    (libc::SYS_prlimit64, &[(low_half(0), Refused::NotZero)]),
    // Only to the peer of a connected socket.
    (libc::SYS_sendto, &[(low_half(4), Refused::NotZero), (low_half(4) + 4, Refused::NotZero)]),
];

/// In a fetch: no open call may create or truncate a file.
#[cfg(target_arch = "x86_64")]
pub(super) const OPENING: [LookedInto; 2] = [
    (libc::SYS_openat, &[(low_half(2), Refused::Bits(MAKES))]),
    (libc::SYS_open, &[(low_half(1), Refused::Bits(MAKES))]),
];
#[cfg(not(target_arch = "x86_64"))]
pub(super) const OPENING: [LookedInto; 1] = [(libc::SYS_openat, &[(low_half(2), Refused::Bits(MAKES))])];

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
pub(super) const TIOCSTI: u32 = 0x5412;
pub(super) const TIOCLINUX: u32 = 0x541c;

/// The offset of the lower half of an argument in `struct seccomp_data`, on a little-endian machine.
const fn low_half(argument: u32) -> u32 {
    16 + 8 * argument
}

/// How many calls a word of a map covers, and how many words a map has.
pub(super) const WORD: u32 = 32;
pub(super) const LAST_WORD: u32 = NEWEST / WORD;
const WORDS: usize = LAST_WORD as usize + 1;

/// A bit for each call that is not allowed without inspection.
pub(super) type Map = [u32; WORDS];

const EVERY: Map = {
    let map = mark(mark(mark([0; WORDS], &NETWORK), &PROCESSES), &FILES);
    let map = mark(mark(mark(map, &KERNEL), &OLDER), &MODES);
    mark(mark_looked_into(map, &ARGUMENTS), &[libc::SYS_clone3])
};

/// The maintenance of a repository, which sets the times of files.
pub(super) const MAINTENANCE: Map = mark(EVERY, &LOCKS);

/// A push of large files, whose sessions lock a file that they share.
pub(super) const UPLOAD: Map = mark(mark_looked_into(EVERY, &TIMES), &OLDER_TIMES);

pub(super) const PUSH: Map = mark(UPLOAD, &LOCKS);

pub(super) const FETCH: Map = {
    let map = mark(mark(PUSH, &CHANGES), &OLDER_CHANGES);
    mark(mark_looked_into(map, &OPENING), &[libc::SYS_openat2])
};

#[expect(clippy::indexing_slicing, reason = "runs at compile time")]
const fn mark(mut map: Map, mut calls: &[c_long]) -> Map {
    while let [call, rest @ ..] = calls {
        map[(number(*call) / WORD) as usize] |= 1 << (number(*call) % WORD);
        calls = rest;
    }
    map
}

const fn mark_looked_into(mut map: Map, mut rows: &[LookedInto]) -> Map {
    while let [(call, _), rest @ ..] = rows {
        map = mark(map, &[*call]);
        rows = rest;
    }
    map
}

/// A call number as the filter sees it. All are small.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a conversion that can fail is not const")]
pub(super) const fn number(call: c_long) -> u32 {
    call as u32
}

/// Flags as the filter sees them.
pub(super) const fn bits(flags: c_int) -> u32 {
    u32::from_ne_bytes(flags.to_ne_bytes())
}
