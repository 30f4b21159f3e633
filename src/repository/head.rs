//! What the HEAD of a stored repository names, read in the sandbox. The only user of git2.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Once;

use git2::{ConfigLevel, Repository};

use crate::config::{Config, ObjectFormat};
use crate::git::stored::{StoredRepository, confined};
use crate::sandbox::Plan;

/// What HEAD names, such as `refs/heads/main`, followed by ` (empty)` if the repository has no refs. `detached` if HEAD
/// names no ref.
///
/// # Errors
/// What is wrong with the repository, for people.
pub fn head(config: &Config, place: &Path, format: ObjectFormat) -> Result<String, String> {
    match format {
        // The git of a push can write every file that libgit2 reads, so libgit2 runs in the sandbox.
        ObjectFormat::Sha1 => {
            let directory = File::open(place).map_err(|error| format!("broken: {error}"))?;
            let read = || by_libgit2(place).map_err(|error| error.message().to_owned());
            confined(config, directory.as_fd(), Plan::fetch(&[]), read).map_err(|said| format!("broken: {said}"))
        }
        // libgit2 reads only SHA-1 repositories.
        ObjectFormat::Sha256 => StoredRepository::open(config, place, format)
            .and_then(|stored| stored.head())
            .map_err(|said| format!("broken: {said}")),
    }
}

#[expect(clippy::disallowed_methods, reason = "the only user of git2")]
fn by_libgit2(place: &Path) -> Result<String, git2::Error> {
    forget_the_callers_configuration();
    let repository = Repository::open_bare(place)?;
    let head = repository.find_reference("HEAD")?;
    let name = head.symbolic_target()?.unwrap_or("detached").to_owned();
    let is_empty = repository.references()?.next().is_none();
    Ok(if is_empty { format!("{name} (empty)") } else { name })
}

/// Clears libgit2's search paths. They come from the environment of the program's caller, whose configuration this
/// process may not be able to read. It does not apply to the hub's repositories.
fn forget_the_callers_configuration() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for level in [ConfigLevel::ProgramData, ConfigLevel::System, ConfigLevel::XDG, ConfigLevel::Global] {
            #[expect(unsafe_code, reason = "libgit2's global options have no safe form in git2")]
            // SAFETY: nothing else in this program uses libgit2, and `call_once` makes other threads wait until it has
            // returned.
            let done = unsafe { git2::opts::set_search_path(level, "") };
            // libgit2 always accepts an empty path.
            let _ = done;
        }
    });
}
