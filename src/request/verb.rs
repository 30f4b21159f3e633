//! What clients of git and git-lfs ask for.

use crate::word::words;

words! {
    /// What git is asked to do with a repository, by the word behind `git`, as in `git upload-pack`.
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

/// Which of the two programs a git-lfs client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LfsProgram {
    /// `git-lfs-authenticate`: where is the HTTP server, and with which token?
    Authenticate,
    /// `git-lfs-transfer`: the pure SSH protocol.
    Transfer,
}
