//! A hub on disk: the shipped programs, configurations, a database with one account, a private repository, a log.

use std::fs::Permissions;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;

use hubgate::key::Fingerprint;
use hubgate::operator::programs::install;

use super::Outcome;
use super::accounts::{Accounts, Ids};
use super::keys;
use super::machine::gits;
use super::place::{Place, run};

/// The one repository, which is private.
pub(crate) const REPOSITORY: &str = "bench/hello";
/// The one account.
pub(crate) const USER: &str = "bench";

/// A key pair in a file, and what sshd would say of it.
pub(crate) struct Key {
    pub(crate) file: PathBuf,
    pub(crate) algorithm: String,
    pub(crate) base64: String,
    pub(crate) fingerprint: Fingerprint,
}

impl Key {
    pub(crate) fn make(place: &Place, name: &str) -> Outcome<Self> {
        let file = place.path(name);
        run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(&file))?;
        let public = file.with_extension("pub");
        let text = std::fs::read_to_string(&public)?;
        let mut words = text.split(' ').map(str::to_owned);
        let (Some(algorithm), Some(base64)) = (words.next(), words.next()) else {
            return Err(format!("ssh-keygen wrote {text}").into());
        };
        let listed = run(Command::new("ssh-keygen").arg("-lf").arg(&public))?;
        let fingerprint = listed.split(' ').nth(1).unwrap_or_default().parse()?;
        Ok(Self { file, algorithm, base64, fingerprint })
    }
}

/// What all parts of the bench ask.
pub(crate) struct Hub {
    pub(crate) libexec: PathBuf,
    /// The floor: a program that does nothing and links nothing.
    pub(crate) no_op: PathBuf,
    /// Who serves.
    pub(crate) login: Ids,
    /// Who runs the helper.
    pub(crate) keys: Ids,
    pub(crate) database: PathBuf,
    /// The configuration of the account that serves under its first name.
    pub(crate) config: PathBuf,
    /// The directory of the repository.
    pub(crate) repository: PathBuf,
    /// On the account.
    pub(crate) known: Key,
    /// On no account.
    pub(crate) stranger: Key,
}

impl Hub {
    /// Makes it with the programs that lie in `programs`.
    pub(crate) fn make(place: &Place, accounts: &Accounts, programs: &Path) -> Outcome<Self> {
        let libexec = place.path("libexec");
        install(programs, &libexec).map_err(|(path, error)| format!("{}: {error}", path.display()))?;
        let no_op = place.compile("no-op", "int main(void) { return 0; }\n", &[])?;
        listen(&place.path("log"))?;
        let (login, keys) = (accounts.login, accounts.keys);
        let repositories = place.path("repositories");
        std::fs::DirBuilder::new().mode(0o750).create(&repositories)?;
        chown(&repositories, Some(login.uid), Some(login.gid))?;
        let database = keys::make_database(place, "db", 0, login, keys)?;
        let git = gits()?.into_iter().next().unwrap_or_default();
        let config = configure(place, "config.toml", &Accounts::name("owner"), &database, &git)?;

        let (known, stranger) = (Key::make(place, "known")?, Key::make(place, "stranger")?);
        let hubgate = |words: &[&str]| {
            run(Command::new(programs.join("hubgate")).arg("--config").arg(&config).args(words).current_dir("/"))
        };
        // Read by the account that serves.
        let public = known.file.with_extension("pub");
        hubgate(&["user", "add", USER])?;
        hubgate(&["key", "add", USER, &public.to_string_lossy(), "--title", "Personal computer"])?;
        hubgate(&["repo", "create", REPOSITORY, "--private"])?;
        let repository = hubgate(&["repo", "path", REPOSITORY])?.trim().into();
        Ok(Self { libexec, no_op, login, keys, database, config, repository, known, stranger })
    }

    /// The forced command of the known key, as words.
    pub(crate) fn gateway_arguments(&self, user: &str, key: &Key) -> Vec<String> {
        let config = self.config.display().to_string();
        vec!["--config".to_owned(), config, user.to_owned(), "--key".to_owned(), key.fingerprint.to_string()]
    }
}

/// Writes a configuration: of a hub whose clients log in as `login`.
pub(crate) fn configure(place: &Place, name: &str, login: &str, database: &Path, git: &Path) -> Outcome<PathBuf> {
    let text = format!(
        "[hub]\nname = \"Bench Hub\"\n\n[ssh]\nlogin = \"{login}\"\n\n[paths]\ndatabase = \"{}\"\n\
         repositories = \"{}\"\ngit = \"{}\"\n\n[log]\nsocket = \"{}\"\n",
        database.display(),
        place.path("repositories").display(),
        git.display(),
        place.path("log").display()
    );
    place.write(name, &text)
}

/// A log that is there and reads: without one the programs would be faster than they are.
fn listen(socket: &Path) -> Outcome {
    let log = UnixDatagram::bind(socket)?;
    std::fs::set_permissions(socket, Permissions::from_mode(0o666))?;
    std::thread::spawn(move || {
        let mut line = [0; 4096];
        while log.recv(&mut line).is_ok() {}
    });
    Ok(())
}
