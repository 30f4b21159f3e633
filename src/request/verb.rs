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

words! {
    /// What a running session does.
    pub enum Activity {
        /// git fetches.
        UploadPack = "upload-pack",
        /// git pushes.
        ReceivePack = "receive-pack",
        /// `git archive --remote`.
        UploadArchive = "upload-archive",
        /// git-lfs fetches.
        Download = "lfs-download",
        /// git-lfs pushes.
        Upload = "lfs-upload",
        /// An account command, or `git-lfs-authenticate`.
        Account = "account",
    }
}

impl From<Service> for Activity {
    fn from(service: Service) -> Self {
        match service {
            Service::UploadPack => Self::UploadPack,
            Service::ReceivePack => Self::ReceivePack,
            Service::UploadArchive => Self::UploadArchive,
        }
    }
}

impl From<Operation> for Activity {
    fn from(operation: Operation) -> Self {
        match operation {
            Operation::Download => Self::Download,
            Operation::Upload => Self::Upload,
        }
    }
}
