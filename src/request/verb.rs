//! What git and git-lfs clients request.

use crate::word::words;

words! {
    /// What git does with a repository, by the word after `git`, as in `git upload-pack`.
    pub enum Service {
        /// Fetch and clone.
        UploadPack = "upload-pack",
        /// Push.
        ReceivePack = "receive-pack",
        /// `git archive --remote`.
        UploadArchive = "upload-archive",
    }
}

words! {
    /// The direction of a Git LFS transfer, by the word that git-lfs sends.
    pub enum Operation {
        /// From the hub.
        Download = "download",
        /// To the hub.
        Upload = "upload",
    }
}

/// The program that a git-lfs client starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LfsProgram {
    /// `git-lfs-authenticate`: returns the address of the HTTP server and a token.
    Authenticate,
    /// `git-lfs-transfer`: the pure SSH protocol.
    Transfer,
}
