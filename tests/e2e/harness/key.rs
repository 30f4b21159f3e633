//! Keys from ssh-keygen.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex};

use super::machine::machine;
use super::process::run;

/// A type and size that `ssh-keygen` makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct KeyKind {
    pub(crate) name: &'static str,
    pub(crate) bits: &'static str,
}

impl KeyKind {
    pub(crate) const ED25519: Self = Self { name: "ed25519", bits: "256" };

    /// Every kind that people have, without hardware.
    pub(crate) const ALL: [Self; 7] = [
        Self::ED25519,
        Self { name: "ecdsa", bits: "256" },
        Self { name: "ecdsa", bits: "384" },
        Self { name: "ecdsa", bits: "521" },
        Self { name: "rsa", bits: "2048" },
        Self { name: "rsa", bits: "3072" },
        Self { name: "rsa", bits: "4096" },
    ];
}

/// A pair of key files.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    /// The private file; the public one has `.pub` behind it.
    pub(crate) file: PathBuf,
    /// The whole line of the public file, without its end.
    pub(crate) line: String,
    pub(crate) fingerprint: String,
}

/// Private files by kind that are not in use; making RSA keys is slow, so they come back after a test.
static POOL: LazyLock<Mutex<HashMap<KeyKind, Vec<Key>>>> = LazyLock::new(Mutex::default);

impl Key {
    /// A new ed25519 key with that comment.
    pub(crate) fn new(comment: &str) -> Self {
        Self::generate(KeyKind::ED25519, comment, "")
    }

    /// A new ed25519 key whose private file is encrypted.
    pub(crate) fn with_passphrase(comment: &str, passphrase: &str) -> Self {
        Self::generate(KeyKind::ED25519, comment, passphrase)
    }

    /// A key of that kind, which another hub may have known before.
    pub(crate) fn of_kind(kind: KeyKind) -> Self {
        let free = POOL.lock().expect("the pool").get_mut(&kind).and_then(Vec::pop);
        free.unwrap_or_else(|| Self::generate(kind, &format!("{}-{}", kind.name, kind.bits), ""))
    }

    /// Gives a key of [`Self::of_kind`] back.
    pub(crate) fn put_back(self, kind: KeyKind) {
        POOL.lock().expect("the pool").entry(kind).or_default().push(self);
    }

    fn generate(kind: KeyKind, comment: &str, passphrase: &str) -> Self {
        let file = machine().fresh("keys/id");
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-t", kind.name, "-b", kind.bits, "-N", passphrase, "-C", comment, "-f"]);
        run(command.arg(&file)).succeeded();
        Self::read(file)
    }

    fn read(file: PathBuf) -> Self {
        let line = std::fs::read_to_string(public(&file)).expect("a public key").trim_end().to_owned();
        let output = run(Command::new("ssh-keygen").arg("-l").arg("-f").arg(public(&file)));
        let fingerprint = output.succeeded().stdout().split(' ').nth(1).expect("a fingerprint").to_owned();
        Self { file, line, fingerprint }
    }

    /// The file with the public half.
    pub(crate) fn public_file(&self) -> PathBuf {
        public(&self.file)
    }

    /// Type and base64.
    pub(crate) fn type_and_blob(&self) -> (&str, &str) {
        let mut words = self.line.split(' ');
        (words.next().expect("a type"), words.next().expect("a blob"))
    }
}

fn public(file: &Path) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".pub");
    path.into()
}
