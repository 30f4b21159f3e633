//! `hubgate doctor` on sshd's configuration: each cause is one finding, and its fix ends it.

use serde_json::Value;

use crate::harness::{Hub, trials};
use crate::operator::on_a_fresh_machine;

trials![
    doctor_names_each_cause_in_sshd_once_and_its_fix_ends_it,
    doctor_leaves_a_pattern_that_denies_other_accounts_to_the_operator,
];

/// A cause: a command that makes it, the check and the text of its only finding.
const CAUSES: &[[&str; 3]] = &[
    [
        "sed -i /^Include/d $main",
        "sshd-config",
        "has no line Include /etc/ssh/sshd_config.d/*.conf, so sshd does not read",
    ],
    [
        "sed -i /^Include/d $main; printf 'Match User bob\\nInclude /etc/ssh/sshd_config.d/*.conf\\n' >>$main",
        "sshd-config",
        "includes /etc/ssh/sshd_config.d/50-hubgate.conf in a Match block",
    ],
    ["rm $block", "sshd-config", "sshd has no block for git"],
    ["rm $block; sed -i /^Include/d $main", "sshd-config", "sshd has no block for git"],
    ["sed -i 's/^Match User git/Match User hub/' $block", "sshd-config", "50-hubgate.conf has no block for git"],
    [
        "sed -i 's/ExposeAuthInfo yes/ExposeAuthInfo no/' $block",
        "sshd-config",
        "the gateway cannot see which key was proven",
    ],
    [
        "echo 'AllowUsers alice bob # staff' >>$main",
        "sshd-config",
        "sshd refuses git: AllowUsers does not name the account",
    ],
    ["echo 'DenyUsers bob git' >>$main", "sshd-config", "sshd refuses git: DenyUsers names the account"],
    ["echo 'DenyUsers git' >$first", "sshd-config", "sshd refuses git: DenyUsers names the account"],
    ["echo 'AllowGroups staff' >>$main", "sshd-config", "sshd refuses git: AllowGroups does not name its group"],
    ["echo 'DenyGroups staff git' >>$main", "sshd-config", "sshd refuses git: DenyGroups names its group"],
    [
        "usermod --append --groups games git; echo 'DenyGroups games' >>$main",
        "sshd-config",
        "sshd refuses git: DenyGroups names its group",
    ],
    [
        "printf 'Match User git\\nPermitTTY yes\\nAcceptEnv *\\nPubkeyAuthentication no\\n' >$first",
        "sshd-config",
        "pubkeyauthentication should be yes, sshd has no",
    ],
    [
        "printf 'Match all\\nAuthenticationMethods password\\n' >$first",
        "sshd-config",
        "authenticationmethods should be publickey",
    ],
    [
        "printf 'Match User git\\nAuthorizedKeysCommand /bin/true\\nAuthorizedKeysCommandUser nobody\\n' >$first",
        "sshd-config",
        "authorizedkeyscommand should be /usr/libexec/hubgate/authorized-keys %u %t %k, sshd has /bin/true",
    ],
    [
        "rm $block; hubgate sshd-config | grep -v PermitTTY >$first",
        "sshd-config",
        "permittty should be no, sshd has yes",
    ],
    ["echo 'Frobnicate yes' >>$main", "sshd-config", "Bad configuration option: Frobnicate"],
    ["rm /etc/ssh/ssh_host_*", "sshd-config", "no hostkeys available"],
    ["echo 'PermitUserEnvironment yes' >>$main", "sshd-config", "PermitUserEnvironment lets a file"],
    ["sed -i '1iLoginGraceTime 60' $main", "sshd-config", "logingracetime should be 30, sshd has 60"],
    [
        "echo 'ChrootDirectory /srv' >>$main; sed -i /Chroot/d $block",
        "sshd-config",
        "chrootdirectory should be none, sshd has /srv",
    ],
    [
        "echo 'RevokedKeys /etc/ssh/revoked' >>$main",
        "sshd-config",
        "sshd rejects every key, because it cannot read the RevokedKeys /etc/ssh/revoked",
    ],
    ["touch /etc/nologin", "nologin", "/etc/nologin exists: only root may log in"],
    ["usermod --expiredate 2020-01-01 git", "shadow", "the account git has expired"],
    // The last one, because the mode stays.
    [
        "sed -i 's/^#anonymous = .*/anonymous = \"login\"/' /etc/hubgate/config.toml; hubgate init >/dev/null; \
         hubgate sshd-config --install >/dev/null; echo 'AllowUsers alice' >>$main",
        "sshd-config",
        "sshd refuses git and anonymous: AllowUsers does not name the account",
    ],
];

/// Prepares a hub, and commands that tell what doctor finds and apply its fixes.
const PREPARE: &str = r#"
hubgate init --host hub.test >/dev/null
main=/etc/ssh/sshd_config block=/etc/ssh/sshd_config.d/50-hubgate.conf first=/etc/ssh/sshd_config.d/10-first.conf
# No systemd runs here. doctor reads the files, and no sshd has to read them again.
systemctl() { :; }
findings() { hubgate doctor --json || true; echo END; }
# The fixes that do not concern sshd or the login are those of this container.
fixes() { hubgate doctor --json | sed -n 's/^    "fix": "\(.*\)",*$/\1/p' | sed 's/\\\(.\)/\1/g' |
    grep -E '^(sed|hubgate|touch|gpasswd|rm|usermod|ssh-keygen) ' || true; }
hubgate sshd-config --install >/dev/null
cp -a /etc/ssh /etc/ssh.whole
"#;

/// What doctor says of sshd and of the login that it finds wrong.
fn problems(json: &str) -> Vec<Value> {
    let findings: Vec<Value> = serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"));
    let is_meant =
        |finding: &Value| !["log", "sandbox", "disk"].contains(&finding["check"].as_str().unwrap_or_default());
    findings.into_iter().filter(|finding| finding["state"] != "ok" && is_meant(finding)).collect()
}

fn doctor_names_each_cause_in_sshd_once_and_its_fix_ends_it() {
    let hub = Hub::new();
    let mut script = format!("{PREPARE}findings\n");
    for [cause, ..] in CAUSES {
        script.push_str("rm -r /etc/ssh; cp -a /etc/ssh.whole /etc/ssh\n");
        script.push_str(cause);
        script.push_str("\nfindings\nfixes >/etc/fixes; . /etc/fixes >/dev/null 2>&1\nfindings\n");
    }
    let outcome = on_a_fresh_machine(&hub, &script);
    let stdout = outcome.stdout();
    let mut reports = stdout.split("END\n").map(str::trim);
    assert_eq!(problems(reports.next().expect("a report")), [Value::Null; 0], "{outcome}");
    for [cause, check, text] in CAUSES {
        let (before, after) = (reports.next().expect("a report"), reports.next().expect("a report"));
        let found = problems(before);
        let [finding] = found.as_slice() else { panic!("{cause}: {found:#?}\n{}", outcome.stderr()) };
        assert!(finding["check"] == *check, "{cause}: {finding:#}");
        assert!(finding["text"].as_str().is_some_and(|said| said.contains(text)), "{cause}: {finding:#}");
        assert_eq!(problems(after), [Value::Null; 0], "{cause}: {finding:#}\n{}", outcome.stderr());
    }
}

/// A fix that removed the pattern would let other accounts in.
fn doctor_leaves_a_pattern_that_denies_other_accounts_to_the_operator() {
    let hub = Hub::new();
    let script = format!("{PREPARE}echo 'DenyUsers g*' >>$main\nfindings\n");
    let outcome = on_a_fresh_machine(&hub, &script);
    let found = problems(outcome.stdout().trim().trim_end_matches("END"));
    let [finding] = found.as_slice() else { panic!("{found:#?}") };
    let fix = finding["fix"].as_str().expect("a fix");
    assert!(fix.starts_with("replace the pattern g* in line ") && fix.contains(" of /etc/ssh/sshd_config,"), "{fix}");
}
