//! Keys made by ssh-keygen.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use super::machine::machine;
use super::process::run;

/// A type and size that `ssh-keygen` can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct KeyKind {
    pub(crate) name: &'static str,
    pub(crate) bits: &'static str,
}

impl KeyKind {
    pub(crate) const ED25519: Self = Self { name: "ed25519", bits: "256" };

    /// Every kind that people use, without hardware.
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

#[derive(Debug, Clone)]
pub(crate) struct Key {
    /// The private file; the public file has the suffix `.pub`.
    pub(crate) file: PathBuf,
    /// The whole line of the public file, without newline.
    pub(crate) line: String,
    pub(crate) fingerprint: String,
}

/// One key of each kind that a test needed. RSA keys are slow to make, and each hub knows only its own keys.
static OF_KIND: LazyLock<Mutex<HashMap<KeyKind, Arc<OnceLock<Key>>>>> = LazyLock::new(Mutex::default);

impl Key {
    /// A new ed25519 key with this comment.
    pub(crate) fn new(comment: &str) -> Self {
        Self::generate(KeyKind::ED25519, comment, "")
    }

    /// A new ed25519 key whose private file is encrypted.
    pub(crate) fn with_passphrase(comment: &str, passphrase: &str) -> Self {
        Self::generate(KeyKind::ED25519, comment, passphrase)
    }

    /// The run's key of this kind, which other hubs may have too.
    pub(crate) fn of_kind(kind: KeyKind) -> Self {
        let key = Arc::clone(OF_KIND.lock().expect("the keys").entry(kind).or_default());
        key.get_or_init(|| Self::generate(kind, &format!("{}-{}", kind.name, kind.bits), "")).clone()
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

    pub(crate) fn public_file(&self) -> PathBuf {
        public(&self.file)
    }

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
