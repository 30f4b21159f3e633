//! Why a command is refused before any policy is asked.

/// Why a command is none of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// A verb of ours whose argument is not what clients send, or bytes that no client sends.
    #[error("invalid command")]
    Syntax,
    /// Not a verb of ours.
    #[error("command not supported")]
    Verb,
    /// Well quoted, but no repository can have that path.
    #[error("no path of a repository")]
    Path,
}
