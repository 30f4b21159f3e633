//! What peers read, written independently of the programs, so that each change of a text is noticed.

use crate::harness::Client;

/// git's own message after a refusal.
pub(crate) const GIT_GIVES_UP: &str = "fatal: Could not read from remote repository.\n\n\
    Please make sure you have the correct access rights\nand the repository exists.\n";

/// ssh's message if sshd accepts no key.
pub(crate) fn denied(client: &Client) -> String {
    let login = client.at.split('@').next().unwrap_or_default();
    format!("{login}@127.0.0.1: Permission denied (publickey).\r\n")
}

/// The greeting of an account.
pub(crate) fn hi(name: &str) -> String {
    format!("Hi {name}, welcome to Test Hub.\n")
}

/// The hint for a client whose agent offered the wrong key.
pub(crate) fn other_key(client: &Client) -> String {
    format!("hubgate: to use another key: ssh -o IdentitiesOnly=yes -i FILE {}\n", client.at)
}

/// The hint for a client whose certificate its plain key may have hidden.
pub(crate) fn certificate(client: &Client) -> String {
    format!("hubgate: to use a certificate: ssh -o CertificateFile=FILE-cert.pub -i FILE {}\n", client.at)
}

/// The text for an unknown key beside the greeting.
pub(crate) fn unknown_key(client: &Client) -> String {
    format!("hubgate: the key {} is on no account here\n{}", client.key.fingerprint, other_key(client))
}

/// The identity of the refused peer.
pub(crate) fn you_are(client: &Client) -> String {
    let key = &client.key.fingerprint;
    match &client.user {
        Some(user) => {
            let title = client.key.line.split(' ').nth(2).unwrap_or_default();
            format!("hubgate: you are {user}, by the key \"{title}\" ({key})\n")
        }
        None => format!("hubgate: you are anonymous: the key {key} is on no account here\n{}", other_key(client)),
    }
}

/// Missing or hidden.
pub(crate) fn not_found(client: &Client) -> String {
    format!("hubgate: repository not found, or you have no access to it\n{}", you_are(client))
}

/// Visible but not writable.
pub(crate) fn read_only(client: &Client, path: &str) -> String {
    format!("hubgate: you have no write access to {path}\n{}", you_are(client))
}

/// Not a command of the hub.
pub(crate) fn not_supported(client: &Client) -> String {
    format!(
        "hubgate: command not supported: this server speaks git, git-lfs and its own commands (ssh {} help)\n",
        client.at
    )
}

/// A known verb with invalid arguments.
pub(crate) const INVALID: &str = "hubgate: invalid command\n";
