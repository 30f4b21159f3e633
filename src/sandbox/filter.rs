//! seccomp: refuses system calls that git does not need and that would lead out of the sandbox. The only user of the
//! crate `seccompiler`.
//!
//! The list names the refused calls. A harmful call gets `EPERM`. A call gets `ENOSYS` if it is newer than this list,
//! or if its arguments cannot be inspected and an older call can replace it. The filter is assembled here, because the
//! crate's compiler supports only one result per filter. Its filters also cost more to install than the rest of the
//! session's start: 400 microseconds for a list of this length, against 50 for a map (Linux 6.18). Each system call
//! then costs 35 nanoseconds more.

mod calls;

use nix::errno::Errno;
use nix::libc::{self, c_int};
use seccompiler::{Error, sock_filter};

use super::sys;
use calls::{
    ARGUMENTS, FETCH, LAST_WORD, LookedInto, MAINTENANCE, MODES, NEWEST, OPENING, PUSH, Refused, TIMES, UPLOAD, WORD,
    bits, number,
};

use super::plan::Writes;

/// The offsets of the call number and of the architecture in `struct seccomp_data`.
const CALL: u32 = 0;
const ARCHITECTURE: u32 = 4;

/// `AUDIT_ARCH_X86_64` and `AUDIT_ARCH_AARCH64` of `linux/audit.h`.
#[cfg(target_arch = "x86_64")]
const OURS: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const OURS: u32 = 0xc000_00b7;

/// Whether the kernel supports system call filters.
pub(super) fn usable() -> nix::Result<()> {
    sys::can_filter()
}

/// Filters the system calls of the calling thread, also after `exec`.
pub(super) fn restrict(writes: Writes) -> nix::Result<()> {
    seccompiler::apply_filter(&program(writes)).map_err(|error| match error {
        Error::Prctl(error) | Error::Seccomp(error) => Errno::from_raw(error.raw_os_error().unwrap_or_default()),
        Error::Backend(_) | Error::EmptyFilter | Error::ThreadSync(_) => Errno::EINVAL,
    })
}

/// The filter in the kernel's format: the map, then the results for calls whose bit is set.
fn program(writes: Writes) -> Vec<sock_filter> {
    let (eperm, enosys) = (fail(Errno::EPERM), fail(Errno::ENOSYS));
    let (map, looked_into): (_, &[LookedInto]) = match writes {
        Writes::Nothing => (FETCH, &OPENING),
        Writes::Contents | Writes::Scratch => (PUSH, &TIMES),
        Writes::ContentsAndLocks => (UPLOAD, &TIMES),
        Writes::ContentsAndTimes => (MAINTENANCE, &[]),
    };
    let mut program = Vec::with_capacity(160);
    program.extend([load(ARCHITECTURE), jump(EQUAL, OURS, 1, 0), answer(libc::SECCOMP_RET_KILL_PROCESS)]);
    program.extend([load(CALL), jump(GREATER, NEWEST, 0, 1), answer(enosys)]);
    // Saves the bit's position in its word, then finds the word, then tests the bit.
    program.extend([plain(AND, WORD - 1), plain(PUT_ASIDE, 0), load(CALL), plain(SHIFT, WORD.ilog2())]);
    for (place, word) in (0..).zip(map) {
        program.extend([jump(EQUAL, place, 0, 2), plain(VALUE, word), plain(SKIP, 3 * (LAST_WORD - place))]);
    }
    program.extend([plain(SHIFT_ASIDE, 0), jump(ANY_BIT, 1, 1, 0), answer(libc::SECCOMP_RET_ALLOW), load(CALL)]);
    let mut answered = |call, verdict| program.extend([jump(EQUAL, number(call), 0, 1), answer(verdict)]);
    answered(libc::SYS_clone3, enosys);
    if writes == Writes::Nothing {
        // openat2 has its flags in memory too.
        answered(libc::SYS_openat2, enosys);
    } else {
        for call in MODES {
            answered(call, DONE);
        }
    }
    for (call, arguments) in ARGUMENTS.iter().chain(looked_into) {
        let length = u8::try_from(3 * arguments.len() + 1).unwrap_or(0);
        program.push(jump(EQUAL, number(*call), 0, length));
        for (half, refused) in *arguments {
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

/// Instructions from `linux/bpf_common.h`. Loads: a word of `struct seccomp_data` (`LD | W | ABS`), a value (`LD |
/// IMM`).
const LOAD: u16 = 0x20;
const VALUE: u16 = 0x00;
/// Conditional jumps (`JMP | K` with `JEQ`, `JGT`, `JSET`) and an unconditional jump (`JMP | JA`).
const EQUAL: u16 = 0x15;
const GREATER: u16 = 0x25;
const ANY_BIT: u16 = 0x45;
const SKIP: u16 = 0x05;
/// Arithmetic: `AND | K`, `RSH | K`; a copy to the other register (`MISC | TAX`), and `RSH` by that register.
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

/// Skips `then` instructions if the test is true, otherwise `otherwise`.
fn jump(test: u16, value: u32, then: u8, otherwise: u8) -> sock_filter {
    sock_filter { code: test, jt: then, jf: otherwise, k: value }
}

/// The call is not made but reports success.
const DONE: u32 = libc::SECCOMP_RET_ERRNO;

fn fail(errno: Errno) -> u32 {
    libc::SECCOMP_RET_ERRNO | bits(errno as c_int)
}

#[cfg(test)]
mod tests;
