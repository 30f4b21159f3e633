//! A separate `/dev/log` for one command, for messages that a program logs before it knows its configuration.
//!
//! The command runs in a mount namespace in which `/dev` has only a few devices and a link to the hub's log.

use std::ffi::OsStr;
use std::process::Command;

use super::hub::Hub;
use super::machine::Account;
use super::outcome::Outcome;
use super::process::run;
use super::test::Skip;

/// `DIRECTORY LOG UID GID PROGRAM WORD…`
const SCRIPT: &str = r#"set -e
dev=$1
mkdir -p "$dev"
mount -t tmpfs -o mode=755 dev "$dev"
for node in null zero full random urandom; do
    : >"$dev/$node"
    mount --bind "/dev/$node" "$dev/$node"
done
ln -s "$2" "$dev/log"
mount --rbind "$dev" /dev
uid=$3 gid=$4
shift 4
cd /
exec setpriv --reuid="$uid" --regid="$gid" --clear-groups -- "$@"
"#;

impl Hub {
    /// Runs a command as an account, with this hub's log as `/dev/log` and with the command's own environment.
    #[track_caller]
    pub(crate) fn with_dev_log(&self, account: &Account, command: &Command) -> Outcome {
        if !run(Command::new("unshare").args(["--mount", "true"])).status.eq(&0) {
            Skip::now("this container may not make mount namespaces");
        }
        let (uid, gid) = (account.uid.to_string(), account.gid.to_string());
        let mut wrapped = Command::new("/usr/bin/unshare");
        wrapped.env_clear().args(["--mount", "--propagation", "private", "sh", "-c", SCRIPT, "sh"]);
        wrapped.arg(self.path("dev")).arg(self.path("log")).args([&uid, &gid]);
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                wrapped.env(name, value);
            }
        }
        run(wrapped.arg(command.get_program()).args(command.get_args().map(OsStr::new)))
    }
}
