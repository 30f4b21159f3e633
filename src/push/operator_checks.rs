//! The operator's own checks of a push, as the gateway hands them to the push hook.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::BadPushContext;
use crate::config::SandboxMode;

/// The programs that check a push, their limits, and what they are told about the session. In a push context it is one
/// line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorChecks {
    /// Their directory.
    pub directory: PathBuf,
    /// Their names, in the order in which they run; at least one.
    pub names: Vec<String>,
    /// Seconds that one of them may take.
    pub seconds: u32,
    /// Bytes of memory for each process; 0 means no limit.
    pub memory: u64,
    /// The mode of the sandbox.
    pub sandbox: SandboxMode,
    /// The account, or empty for a deploy key.
    pub user: String,
    /// The fingerprint of the key, or of the certificate's authority.
    pub key: String,
    /// The path of the repository.
    pub repository: String,
}

impl OperatorChecks {
    /// The programs, in the order in which they run.
    pub fn programs(&self) -> impl Iterator<Item = PathBuf> {
        self.names.iter().map(|name| self.directory.join(name))
    }
}

impl fmt::Display for OperatorChecks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { directory, names, seconds, memory, sandbox, user, key, repository } = self;
        let directory = directory.display();
        // No value has a control character.
        write!(f, "{seconds}\t{memory}\t{sandbox}\t{user}\t{key}\t{repository}\t{directory}\t{}", names.join("\t"))
    }
}

impl FromStr for OperatorChecks {
    type Err = BadPushContext;

    fn from_str(line: &str) -> Result<Self, BadPushContext> {
        let words: Vec<&str> = line.split('\t').collect();
        let [seconds, memory, sandbox, user, key, repository, directory, names @ ..] = words.as_slice() else {
            return Err(BadPushContext);
        };
        if names.is_empty() {
            return Err(BadPushContext);
        }
        Ok(Self {
            directory: directory.into(),
            names: names.iter().map(ToString::to_string).collect(),
            seconds: seconds.parse().map_err(|_| BadPushContext)?,
            memory: memory.parse().map_err(|_| BadPushContext)?,
            sandbox: sandbox.parse().map_err(|_| BadPushContext)?,
            user: (*user).to_owned(),
            key: (*key).to_owned(),
            repository: (*repository).to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_read_back_as_they_were_written() {
        let checks = OperatorChecks {
            directory: "/etc/hubgate/checks.d".into(),
            names: vec!["10-secrets".to_owned(), "pickles".to_owned()],
            seconds: 30,
            memory: 1 << 30,
            sandbox: SandboxMode::BestEffort,
            user: String::new(),
            key: "SHA256:x".to_owned(),
            repository: "datasets/alice/x".to_owned(),
        };
        assert_eq!(checks.to_string().parse(), Ok(checks.clone()));
        for wrong in ["", "none", &checks.to_string().replace("\t10-secrets\tpickles", "")] {
            assert_eq!(wrong.parse::<OperatorChecks>(), Err(BadPushContext), "{wrong}");
        }
    }
}
