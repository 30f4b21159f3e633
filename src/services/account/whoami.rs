//! `whoami`: the identity of the session.

use serde_json::json;

use crate::access::Identity;
use crate::commands::Peer;
use crate::config::AnonymousMode;
use crate::report::{Report, json_time};
use crate::request::ForcedCommand;
use crate::session::SessionContext;

pub(super) fn run(peer: &Peer<'_>, context: &SessionContext) -> Report {
    let command = peer.forced_command;
    let identity = context.identity.as_ref().unwrap_or(&Identity::Anonymous);
    let fingerprint = command.key();
    let user = match identity {
        Identity::Account(account) | Identity::Certificate { account, .. } => Some(account.name.as_str()),
        Identity::DeployKey { .. } | Identity::Anonymous => None,
    };
    let title = context.key.as_ref().map(|(_, title)| title.as_str());
    let text = match (identity, title) {
        (Identity::Account(account), Some(title)) => {
            format!("{} by the key \"{title}\" ({fingerprint})\n", account.name)
        }
        (Identity::Account(account), None) => format!("{} by the key {fingerprint}\n", account.name),
        (Identity::Certificate { account, .. }, _) => {
            format!("{} by a certificate of {fingerprint}\n", account.name)
        }
        (Identity::DeployKey { .. }, _) => format!("a deploy key ({fingerprint})\n"),
        (Identity::Anonymous, _) => match (command, peer.config.access.anonymous) {
            (ForcedCommand::AuthInfo, _) => "anonymous, without a key\n".to_owned(),
            (_, AnonymousMode::Login) => {
                format!("anonymous, like everyone who connects as {}\n", peer.config.ssh.anonymous_login)
            }
            (_, _) if context.was_added => {
                format!("anonymous by the key {fingerprint}, which was added while this connection was open\n")
            }
            (_, _) => format!("anonymous by the key {fingerprint}, which is on no account here\n"),
        },
    };
    let expires_at = context.key.as_ref().and_then(|(facts, _)| facts.expires_at);
    let json = json!({
        "user": user,
        "anonymous": matches!(identity, Identity::Anonymous),
        "key": {
            "fingerprint": command.fingerprint().map(|key| key.to_string()),
            "title": title,
            "expires_at": json_time(expires_at),
            "certificate": matches!(identity, Identity::Certificate { .. }),
        },
    });
    Report::new(text, json)
}
