//! The programs that sshd and git run, and their paths.

use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::push::HOOKS;

/// The directory in an installed package.
pub const LIBEXEC: &str = "/usr/libexec/hubgate";

/// Their names.
pub const PROGRAMS: [&str; 3] = ["authorized-keys", "gateway", "services"];

/// Copies the programs to a new directory, with the hooks' links.
///
/// # Errors
/// The path that could not be read or written.
pub fn install(from: &Path, libexec: &Path) -> Result<(), (PathBuf, io::Error)> {
    let hooks = libexec.join("hooks");
    for directory in [libexec, &hooks] {
        let make = || {
            DirBuilder::new().mode(0o755).create(directory)?;
            std::fs::set_permissions(directory, Permissions::from_mode(0o755))
        };
        make().map_err(|error| (directory.to_owned(), error))?;
    }
    for program in PROGRAMS {
        let copy = libexec.join(program);
        std::fs::copy(from.join(program), &copy).map_err(|error| (from.join(program), error))?;
        std::fs::set_permissions(&copy, Permissions::from_mode(0o755)).map_err(|error| (copy, error))?;
    }
    for hook in HOOKS {
        let link = hooks.join(hook);
        symlink("../services", &link).map_err(|error| (link, error))?;
    }
    Ok(())
}
