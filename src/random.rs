//! Random bytes from the kernel. The only user of `getrandom`.

use std::io;

/// Returns random bytes.
///
/// # Errors
/// The kernel's; Linux 3.17 and newer always have random bytes.
pub fn bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
