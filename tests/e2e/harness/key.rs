//! Keys made by ssh-keygen.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
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

    /// A new RSA key of 2,048 bits with this exponent, as old programs made it.
    pub(crate) fn with_exponent(exponent: &str) -> Self {
        let file = machine().fresh("keys/id");
        let exponent = format!("rsa_keygen_pubexp:{exponent}");
        let mut make = Command::new("openssl");
        make.args(["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt", &exponent, "-out"]);
        run(make.arg(&file)).succeeded();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("a mode");
        run(Command::new("ssh-keygen").args(["-q", "-p", "-N", "", "-f"]).arg(&file)).succeeded();
        let line = run(Command::new("ssh-keygen").arg("-y").arg("-f").arg(&file)).succeeded().stdout();
        std::fs::write(
            public(&file),
            format!("{} old\n", line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")),
        )
        .expect("a public key");
        Self::read(file)
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
