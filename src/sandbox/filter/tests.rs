use nix::libc::c_long;

use super::calls::{
    CHANGES, FILES, KERNEL, LOCKS, NETWORK, OLDER, OLDER_CHANGES, OLDER_TIMES, PROCESSES, TIOCLINUX, TIOCSTI,
};
use super::*;

/// A call as the kernel passes it to a filter.
#[derive(Clone, Copy)]
struct Call {
    architecture: u32,
    number: u32,
    arguments: [u64; 6],
}

impl Call {
    fn new(number: c_long, arguments: &[u64]) -> Self {
        let mut all = [0; 6];
        all[..arguments.len()].copy_from_slice(arguments);
        Self { architecture: OURS, number: u32::try_from(number).expect("a small number"), arguments: all }
    }

    /// A word of `struct seccomp_data`.
    fn word(&self, offset: u32) -> u32 {
        match offset {
            CALL => self.number,
            ARCHITECTURE => self.architecture,
            _ => {
                let argument = self.arguments[(offset as usize - 16) / 8];
                u32::try_from(argument >> (8 * (offset % 8)) & 0xffff_ffff).expect("half of it")
            }
        }
    }

    /// The filter's result, computed as the kernel does. A wrong jump panics.
    fn verdict(&self, writes: Writes) -> u32 {
        let program = program(writes);
        let (mut at, mut value, mut saved) = (0, 0, 0);
        loop {
            let instruction = &program[at];
            at += 1;
            let holds = match instruction.code {
                RETURN => return instruction.k,
                EQUAL => value == instruction.k,
                GREATER => value > instruction.k,
                ANY_BIT => value & instruction.k != 0,
                straight => {
                    match straight {
                        LOAD => value = self.word(instruction.k),
                        VALUE => value = instruction.k,
                        SKIP => at += usize::try_from(instruction.k).expect("a length"),
                        AND => value &= instruction.k,
                        SHIFT => value >>= instruction.k,
                        PUT_ASIDE => saved = value,
                        SHIFT_ASIDE => value >>= saved,
                        code => panic!("an instruction {code:#x}"),
                    }
                    continue;
                }
            };
            at += usize::from(if holds { instruction.jt } else { instruction.jf });
        }
    }
}

const ALL: [Writes; 4] = [Writes::Nothing, Writes::Contents, Writes::ContentsAndLocks, Writes::ContentsAndTimes];
const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;

/// `SECCOMP_RET_ERRNO` of `linux/seccomp.h` and the number of the error.
fn eperm() -> u32 {
    0x0005_0000 + 1
}

fn enosys() -> u32 {
    0x0005_0000 + 38
}

#[test]
fn a_kernel_without_filters_is_noticed() {
    assert_eq!(usable(), Ok(()));
    // A thread that may not ask for filters sees what such a kernel shows. Both end with the thread.
    let found = std::thread::spawn(|| {
        let refused = [load(CALL), jump(EQUAL, number(libc::SYS_seccomp), 0, 1), answer(enosys())];
        let program = [&refused[..], &[answer(libc::SECCOMP_RET_ALLOW)]].concat();
        nix::sys::prctl::set_no_new_privs().expect("a setting");
        seccompiler::apply_filter(&program).expect("a filter");
        usable()
    });
    assert_eq!(found.join().expect("the thread"), Err(Errno::ENOSYS));
}

#[test]
fn each_call_on_the_lists_is_refused_and_all_others_are_allowed() {
    for writes in ALL {
        let mut denied = [&NETWORK[..], &PROCESSES, &FILES, &KERNEL, &OLDER].concat();
        let mut unknown = vec![libc::SYS_clone3];
        if writes != Writes::ContentsAndTimes {
            denied.extend(OLDER_TIMES);
        }
        if writes != Writes::ContentsAndLocks {
            denied.extend(LOCKS);
        }
        if writes == Writes::Nothing {
            denied.extend([&MODES[..], &CHANGES, &OLDER_CHANGES].concat());
            unknown.push(libc::SYS_openat2);
        }
        for number in 0..=1100 {
            let expected = match number {
                _ if denied.contains(&number) => eperm(),
                _ if unknown.contains(&number) || number > NEWEST.into() => enosys(),
                _ if MODES.contains(&number) => DONE,
                _ => ALLOW,
            };
            assert_eq!(
                Call::new(number, &[]).verdict(writes),
                expected,
                "{number} of a session that writes {writes:?}"
            );
        }
        denied.sort_unstable();
        let all = denied.len();
        denied.dedup();
        assert_eq!(denied.len(), all, "a call is on two lists");
        assert!(program(writes).len() < 4096, "longer than the kernel takes");
    }
}

#[test]
fn another_architectures_numbers_end_the_process() {
    let i386 = Call { architecture: 0x4000_0003, ..Call::new(0, &[]) };
    assert_eq!(i386.verdict(Writes::Contents), libc::SECCOMP_RET_KILL_PROCESS);
}

#[test]
fn x32_calls_fail_as_unknown() {
    let x32_socket = Call::new(0x4000_0000 | libc::SYS_socket, &[]);
    assert_eq!(x32_socket.verdict(Writes::Contents), enosys());
}

#[test]
fn arguments_are_inspected() {
    let null = 0;
    let address = 0x7f00_0000_0000;
    // The kernel reads only the lower half of an int argument, so the upper half may be anything.
    let upper = 0xffff_ffff_0000_0000;
    let thread = bits(libc::CLONE_VM | libc::CLONE_FS | libc::CLONE_SIGHAND | libc::CLONE_THREAD).into();
    let fork = bits(libc::SIGCHLD).into();
    let user = bits(libc::CLONE_NEWUSER | libc::SIGCHLD).into();
    let (sti, linux, tcgets) = (TIOCSTI.into(), TIOCLINUX.into(), 0x5401);
    for (call, arguments, expected) in [
        (libc::SYS_clone, &[thread][..], ALLOW),
        (libc::SYS_clone, &[fork], ALLOW),
        (libc::SYS_clone, &[user], eperm()),
        (libc::SYS_clone, &[user | upper], eperm()),
        (libc::SYS_fcntl, &[3, bits(libc::F_SETFD).into(), 1], ALLOW),
        (libc::SYS_fcntl, &[3, bits(libc::F_OFD_SETLK).into(), address], eperm()),
        (libc::SYS_ioctl, &[0, tcgets], ALLOW),
        (libc::SYS_ioctl, &[0, sti], eperm()),
        (libc::SYS_ioctl, &[0, sti | upper], eperm()),
        (libc::SYS_ioctl, &[0, linux], eperm()),
        (libc::SYS_prlimit64, &[0, 7], ALLOW),
        (libc::SYS_prlimit64, &[upper, 7], ALLOW),
        (libc::SYS_prlimit64, &[1, 7], eperm()),
        (libc::SYS_sendto, &[3, address, 10, 0, null, 0], ALLOW),
        (libc::SYS_sendto, &[3, address, 10, 0, address, 110], eperm()),
        (libc::SYS_sendto, &[3, address, 10, 0, 0x7f00_0000, 110], eperm()),
    ] {
        for writes in ALL {
            assert_eq!(Call::new(call, arguments).verdict(writes), expected, "{call} {arguments:x?}");
        }
    }
}

#[test]
fn no_session_can_make_a_namespace_of_any_kind() {
    for namespace in [
        libc::CLONE_NEWNS,
        libc::CLONE_NEWCGROUP,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
    ] {
        for flags in [namespace, namespace | libc::CLONE_VM, namespace | libc::CLONE_NEWUSER] {
            for writes in ALL {
                let verdict = Call::new(libc::SYS_clone, &[bits(flags).into()]).verdict(writes);
                assert_eq!(verdict, eperm(), "{flags:#x}");
            }
        }
    }
}

#[test]
fn a_fetch_cannot_create_or_truncate_files_by_opening() {
    let openat = |flags: c_int| Call::new(libc::SYS_openat, &[0, 0, u64::from(bits(flags))]);
    for flags in [libc::O_RDONLY, libc::O_RDWR, libc::O_RDONLY | libc::O_CLOEXEC | libc::O_DIRECTORY] {
        assert_eq!(openat(flags).verdict(Writes::Nothing), ALLOW);
    }
    for flags in [libc::O_CREAT, libc::O_TRUNC, libc::O_TMPFILE, libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL] {
        assert_eq!(openat(flags).verdict(Writes::Nothing), eperm());
        assert_eq!(openat(flags).verdict(Writes::Contents), ALLOW);
    }
    #[cfg(target_arch = "x86_64")]
    for (flags, expected) in [(libc::O_RDONLY, ALLOW), (libc::O_TRUNC, eperm())] {
        assert_eq!(Call::new(libc::SYS_open, &[0, u64::from(bits(flags))]).verdict(Writes::Nothing), expected);
    }
}

#[test]
fn a_push_sets_the_times_of_open_files_only() {
    let path = 0x7f00_0000_0000;
    for (path, [fetch, push, maintenance]) in
        [(0, [eperm(), ALLOW, ALLOW]), (path, [eperm(), eperm(), ALLOW]), (1, [eperm(), eperm(), ALLOW])]
    {
        let call = Call::new(libc::SYS_utimensat, &[3, path, 0, 0]);
        assert_eq!(ALL.map(|writes| call.verdict(writes)), [fetch, push, push, maintenance], "{path:x}");
    }
}
