//! What peers read, written by hand and not by the program's own words, so that a change of words shows.

use crate::harness::Client;

/// What git adds of its own when the hub refused.
pub(crate) const GIT_GIVES_UP: &str = "fatal: Could not read from remote repository.\n\n\
    Please make sure you have the correct access rights\nand the repository exists.\n";

/// What sshd lets ssh say where no key was taken.
pub(crate) fn denied(client: &Client) -> String {
    let login = client.at.split('@').next().unwrap_or_default();
    format!("{login}@127.0.0.1: Permission denied (publickey).\r\n")
}

/// The greeting of an account.
pub(crate) fn hi(name: &str) -> String {
    format!("Hi {name}, welcome to Test Hub.\n")
}

/// The way out for a client whose agent came with the wrong key.
pub(crate) fn other_key(client: &Client) -> String {
    format!("hubgate: to use another key: ssh -o IdentitiesOnly=yes -i FILE {}\n", client.at)
}

/// What an unknown key hears beside its greeting.
pub(crate) fn unknown_key(client: &Client) -> String {
    format!("hubgate: the key {} is on no account here\n{}", client.key.fingerprint, other_key(client))
}

/// Who the refused one is.
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

/// Visible, not writable.
pub(crate) fn read_only(client: &Client, path: &str) -> String {
    format!("hubgate: you have no write access to {path}\n{}", you_are(client))
}

/// None of our commands.
pub(crate) fn not_supported(client: &Client) -> String {
    format!(
        "hubgate: command not supported: this server speaks git, git-lfs and its own commands (ssh {} help)\n",
        client.at
    )
}

/// One of our verbs, wrongly written.
pub(crate) const INVALID: &str = "hubgate: invalid command\n";
