//! Why a command is refused before the policy decides.

/// Why hubgate cannot serve a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// A known verb with an argument that no client sends, or bytes that no client sends.
    #[error("invalid command")]
    Syntax,
    /// Not a known verb.
    #[error("command not supported")]
    Verb,
    /// Correctly quoted, but not a valid repository path.
    #[error("not the path of a repository")]
    Path,
}
