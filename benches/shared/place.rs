//! The directory that holds all that the bench makes, and how it runs programs of the machine.

use std::fs::{DirBuilder, Permissions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Outcome;

/// A directory of root's below directories of root's, as sshd wants it for programs and keys. Gone when dropped.
pub(crate) struct Place {
    dir: PathBuf,
}

impl Place {
    pub(crate) fn make() -> Outcome<Self> {
        let dir = PathBuf::from(format!("/var/lib/hubgate-bench-{}", std::process::id()));
        DirBuilder::new().mode(0o755).create(&dir)?;
        std::fs::set_permissions(&dir, Permissions::from_mode(0o755))?;
        Ok(Self { dir })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Makes a directory that everybody may read.
    pub(crate) fn directory(&self, name: &str) -> Outcome<PathBuf> {
        let path = self.path(name);
        DirBuilder::new().mode(0o755).create(&path)?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o755))?;
        Ok(path)
    }

    /// Writes a file that everybody may read.
    pub(crate) fn write(&self, name: &str, text: &str) -> Outcome<PathBuf> {
        self.write_with_mode(name, text, 0o644)
    }

    /// Writes a program that everybody may run.
    pub(crate) fn write_script(&self, name: &str, text: &str) -> Outcome<PathBuf> {
        self.write_with_mode(name, text, 0o755)
    }

    fn write_with_mode(&self, name: &str, text: &str, mode: u32) -> Outcome<PathBuf> {
        let path = self.path(name);
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&path)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.write_all(text.as_bytes())?;
        Ok(path)
    }

    /// Compiles a program that links nothing at run time; `body` is its whole C text.
    pub(crate) fn compile(&self, name: &str, body: &str, flags: &[&str]) -> Outcome<PathBuf> {
        let source = self.write(&format!("{name}.c"), body)?;
        let program = self.path(name);
        run(Command::new("cc").args(["-O2", "-static"]).args(flags).arg("-o").arg(&program).arg(source))?;
        std::fs::set_permissions(&program, Permissions::from_mode(0o755))?;
        Ok(program)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.dir) {
            println!("{} stays: {error}", self.dir.display());
        }
    }
}

/// Builds the programs as they are shipped, and says where they are. `PROGRAMS` names others in their place.
pub(crate) fn build() -> Outcome<PathBuf> {
    if let Some(programs) = std::env::var_os("PROGRAMS") {
        return Ok(programs.into());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Its standard error is ours: a first build takes minutes, and cargo says what it waits for.
    let mut build = Command::new("sh");
    build.arg("packaging/build.sh").current_dir(root).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = build.output()?;
    if !output.status.success() {
        return Err(format!("packaging/build.sh: {}", output.status).into());
    }
    Ok(root.join(String::from_utf8(output.stdout)?.trim_end()))
}

/// Runs a program to its end and gives what it printed. What it said on standard error is the failure.
pub(crate) fn run(command: &mut Command) -> Outcome<String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}: {}", output.status, said.trim()).into())
}
