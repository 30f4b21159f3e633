//! `hubgate init` and `hubgate sshd-config` on a machine without a hub.

use std::net::TcpListener;
use std::path::Path;

use crate::harness::{Hub, says, trials};
use crate::operator::on_a_fresh_machine;

trials![
    init_asks_for_the_host_and_refuses_options_that_contradict_the_configuration,
    init_asks_before_it_uses_an_account_that_exists,
    init_completes_what_a_package_installed,
    init_offers_to_remove_the_second_login_that_a_mode_left,
    install_says_what_it_changes_for_the_whole_server,
    a_standalone_sshd_admits_the_hub_and_no_other_account,
    a_standalone_sshd_admits_clients_without_a_key_in_mode_fallback,
];

/// A shell function that runs a command at a terminal with the given answers, and prints its last line. There is no
/// echo, which on a busy machine could come after the question.
const AT_TERMINAL: &str = r#"
at_terminal() { printf -- "$1" | script --quiet --return --command "stty -echo; $2" /dev/null | tr -d '\r' | tail -n 1; }
"#;

fn init_asks_for_the_host_and_refuses_options_that_contradict_the_configuration() {
    let hub = Hub::new();
    let outcome = on_a_fresh_machine(
        &hub,
        &format!(
            "{AT_TERMINAL}\n\
             hubgate init --host hub_1 2>&1 | head -n 1; ls /etc/hubgate 2>/dev/null || echo nothing\n\
             hubgate init </dev/null | tail -n 2; grep '^#*host' /etc/hubgate/config.toml; rm -r /etc/hubgate /var/lib/hubgate\n\
             at_terminal '-x\\nhub.test\\n' 'hubgate init --yes'; grep '^host' /etc/hubgate/config.toml\n\
             hubgate init --host hub.test | head -n 1\n\
             hubgate init --host other.test 2>&1 || echo $?\n\
             hubgate init --login other 2>&1 || echo $?\n"
        ),
    );
    outcome.is(&says(
        "error: invalid value 'hub_1' for '--host <HOST>': not a host name or an IP address\nnothing\n\
         next: set [hub] host in /etc/hubgate/config.toml\n\
         next: hubgate sshd-config --install, and hubgate doctor to check the setup\n\
         #host = \"hub.example\"\n\
         next: hubgate sshd-config --install, and hubgate doctor to check the setup\n\
         host = \"hub.test\"\n\
         nothing is missing\n\
         hubgate: /etc/hubgate/config.toml exists: set [hub] host there\n1\n\
         hubgate: /etc/hubgate/config.toml exists: set [ssh] login there\n1\n",
    ));
}

fn init_asks_before_it_uses_an_account_that_exists() {
    let hub = Hub::new();
    let outcome = on_a_fresh_machine(
        &hub,
        &format!(
            "{AT_TERMINAL}\n\
             useradd --system --home-dir /srv/git --shell /bin/dash --password '*' git\n\
             status=0; hubgate init --host hub.test </dev/null 2>&1 || status=$?; echo $status\n\
             at_terminal 'n\\n' 'hubgate init --host hub.test'\n\
             ls -d /etc/hubgate /var/lib/hubgate 2>/dev/null || echo nothing\n\
             hubgate init --host hub.test --login hub | grep account\n\
             grep '^login' /etc/hubgate/config.toml; stat -c %U /var/lib/hubgate/repositories\n\
             rm -r /etc/hubgate /var/lib/hubgate\n\
             hubgate init --host hub.test --yes >/dev/null; stat -c %U /var/lib/hubgate/repositories\n\
             hubgate init </dev/null | head -n 1\n"
        ),
    );
    outcome.is(&says(
        "hubgate: the account git exists, with the shell /bin/dash and the home /srv/git. As login of the hub, sshd no \
         longer accepts its own keys and password. To create another account: hubgate init --login NAME. Use git? \
         Confirm with --yes\n2\n\
         the account git exists, with the shell /bin/dash and the home /srv/git. As login of the hub, sshd no longer \
         accepts its own keys and password. To create another account: hubgate init --login NAME. Use git? [y/N] \
         hubgate: nothing was changed\n\
         nothing\n\
         created the login account hub\n\
         created the login account hubgate-keys\n\
         login = \"hub\"\n\
         hub\n\
         git\n\
         nothing is missing\n",
    ));
}

/// A package has created the configuration and the accounts; systemd-sysusers has locked them.
fn init_completes_what_a_package_installed() {
    let hub = Hub::new();
    let script = format!(
        r#"{AT_TERMINAL}
packaged() {{
    rm -rf /etc/hubgate /var/lib/hubgate
    install -D -m 644 {config} /etc/hubgate/config.toml
    for account in hub git hubgate-keys; do userdel --force $account 2>/dev/null || true; done
    useradd --system --home-dir /var/lib/hubgate --shell "$1" --password '!*' git
    useradd --system --home-dir / --shell /usr/sbin/nologin --password '!*' hubgate-keys
}}
gateway=/usr/libexec/hubgate/gateway
packaged $gateway
hubgate init --host hub.test
hubgate init --host hub.test | head -n 1
diff {config} /etc/hubgate/config.toml | grep '^>'
stat -c '%n %U %a' /etc/hubgate/config.toml /etc/hubgate/*
getent shadow git | cut -d: -f2
hubgate init --host other.test 2>&1 || echo $?
hubgate init --login hub 2>&1 || echo $?
packaged $gateway
at_terminal 'hub.test
' 'hubgate init' >/dev/null; grep '^host' /etc/hubgate/config.toml
packaged $gateway
sed -i 's/^#host = /host = /' /etc/hubgate/config.toml
hubgate init --host hub.test 2>&1 || echo $?
# The account git of other software.
packaged /bin/sh
hubgate init --host hub.test 2>&1 </dev/null | tail -c 34; echo
grep -c '^host' /etc/hubgate/config.toml || getent shadow git | cut -d: -f2
hubgate init --host hub.test --login hub | grep -v created
grep '^[a-z]* = ' /etc/hubgate/config.toml; stat -c %U /var/lib/hubgate/repositories
"#,
        config = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/config.toml").display()
    );
    on_a_fresh_machine(&hub, &script).is(&says(
        "created the directory /var/lib/hubgate/db\n\
         created the directory /var/lib/hubgate/repositories\n\
         created the database /var/lib/hubgate/db/hubgate.db\n\
         set [hub] host in /etc/hubgate/config.toml\n\
         set the password of git to one that matches nothing and is not locked\n\
         next: hubgate sshd-config --install, and hubgate doctor to check the setup\n\
         nothing is missing\n\
         > host = \"hub.test\"\n\
         /etc/hubgate/config.toml root 644\n\
         /etc/hubgate/config.toml root 644\n\
         *\n\
         hubgate: /etc/hubgate/config.toml exists: set [hub] host there\n1\n\
         hubgate: /etc/hubgate/config.toml exists: set [ssh] login there\n1\n\
         host = \"hub.test\"\n\
         hubgate: /etc/hubgate/config.toml exists: set [hub] host there\n1\n\
         NAME. Use git? Confirm with --yes\n\n\
         0\n\
         !*\n\
         set [hub] host in /etc/hubgate/config.toml\n\
         set [ssh] login in /etc/hubgate/config.toml\n\
         next: hubgate sshd-config --install, and hubgate doctor to check the setup\n\
         host = \"hub.test\"\n\
         login = \"hub\"\n\
         hub\n",
    ));
}

fn init_offers_to_remove_the_second_login_that_a_mode_left() {
    let hub = Hub::new();
    let outcome = on_a_fresh_machine(
        &hub,
        &format!(
            "{AT_TERMINAL}\n\
             mode() {{ sed -i \"s/^#*anonymous = .*/anonymous = \\\"$1\\\"/\" /etc/hubgate/config.toml; }}\n\
             unused() {{ hubgate doctor | grep -A1 '^warning  anonymous' || echo well; }}\n\
             hubgate init --host hub.test >/dev/null; mode login; hubgate init >/dev/null; unused\n\
             mode off; unused; hubgate init </dev/null | sed -n 2p\n\
             at_terminal 'n\\n' 'hubgate init' >/dev/null; getent passwd anonymous | cut -d: -f1\n\
             at_terminal 'y\\n' 'hubgate init' >/dev/null; getent passwd anonymous || echo removed; id -un git; unused\n"
        ),
    );
    outcome.is(&says(
        "well\n\
         warning  anonymous      anonymous is a second name of git, which the configured mode does not use\n         \
         fix:           userdel anonymous\n\
         the login account anonymous is not used in the configured mode: userdel anonymous\n\
         anonymous\n\
         removed\n\
         git\n\
         well\n",
    ));
}

fn install_says_what_it_changes_for_the_whole_server() {
    let hub = Hub::new();
    let outcome = on_a_fresh_machine(
        &hub,
        "hubgate init --host hub.test >/dev/null\n\
         hubgate sshd-config --install\nhubgate sshd-config --install\nhubgate sshd-config --remove\n",
    );
    outcome.is(&says(
        "wrote /etc/ssh/sshd_config.d/50-hubgate.conf\n\
         for every login of this server: LoginGraceTime is 30, was 120\n\
         for every login of this server: MaxStartups is 100:30:300, was 10:30:100\n\
         reload sshd: systemctl reload ssh\n\
         wrote /etc/ssh/sshd_config.d/50-hubgate.conf\n\
         reload sshd: systemctl reload ssh\n\
         removed /etc/ssh/sshd_config.d/50-hubgate.conf; reload sshd: systemctl reload ssh\n",
    ));
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// Prepares a hub on `$port`, keys of alice and of an account `intruder`, and functions that start an sshd with the
/// commands of the shipped unit and log in.
fn standalone() -> String {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/systemd/hubgate-sshd.service");
    format!(
        r#"
unit={} port={} stock={} other={}
hubgate init --host 127.0.0.1 >/dev/null
sed -i "s/^#port = 22/port = $port/" /etc/hubgate/config.toml
# The pid files of this machine are not those of its host.
mount -t tmpfs tmpfs /run
mkdir -m 755 /run/sshd
ln -s /usr/sbin/sshd /usr/libexec/hubgate/hubgate-sshd
cd /var/lib
export HOME=/var/lib
for name in alice intruder; do ssh-keygen -q -t ed25519 -N '' -C $name -f key_$name; done
useradd --system --create-home --home-dir /var/lib/intruder --shell /bin/sh --password '*' intruder
install -d -m 700 -o intruder intruder/.ssh
install -m 600 -o intruder key_intruder.pub intruder/.ssh/authorized_keys
hubgate user add alice >/dev/null
hubgate key add alice key_alice.pub >/dev/null
options="-F none -T -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o IdentityAgent=none"
options="$options -o IdentitiesOnly=yes"
login() {{ {{ ssh $options -o BatchMode=yes -i key_$1 -p $2 $3@127.0.0.1 $4 2>&1 || echo $?; }} | tr -d '\r'; }}
start() {{
    $(sed -n 's/^ExecStartPre=//p' $unit)
    $(sed -n 's/^ExecStart=//p' $unit) </dev/null >/dev/null 2>&1 &
    until test -s /run/hubgate-sshd.pid; do sleep 0.05; done
}}
"#,
        unit.display(),
        free_port(),
        free_port(),
        free_port()
    )
}

fn a_standalone_sshd_admits_the_hub_and_no_other_account() {
    let hub = Hub::new();
    let script = standalone()
        + r#"
hubgate sshd-config --standalone --install
hubgate sshd-config --standalone --check | cut -d' ' -f3-
start
/usr/sbin/sshd -o Port=$stock -o PidFile=/run/stock.pid -o UsePAM=no
until test -s /run/stock.pid; do sleep 0.05; done
echo "stock:" $(login intruder $stock intruder "id -un")
echo "hub:" $(login intruder $port intruder "id -un")
# Each of its two locks holds without the other.
keys="-o AuthorizedKeysFile=.ssh/authorized_keys"
/usr/sbin/sshd -f /etc/ssh/hubgate_sshd_config $keys -o Port=$other -o PidFile=/run/other.pid
until test -s /run/other.pid; do sleep 0.05; done
echo "AllowUsers:" $(login intruder $other intruder "id -un")
kill $(cat /run/other.pid)
while test -e /run/other.pid; do sleep 0.05; done
sed '/^AllowUsers/d' /etc/ssh/hubgate_sshd_config >/etc/ssh/open
/usr/sbin/sshd -f /etc/ssh/open -o Port=$other -o PidFile=/run/other.pid
until test -s /run/other.pid; do sleep 0.05; done
echo "AuthorizedKeysFile:" $(login intruder $other intruder "id -un")
login alice $port git
url=$(hubgate repo create alice/x | sed 's/.*git clone //')
echo $url | sed "s/$port/PORT/"
export GIT_SSH_COMMAND="ssh $options -i /var/lib/key_alice"
git clone --quiet $url x 2>/dev/null
git -C x -c user.name=A -c user.email=a@hub.test commit --quiet --allow-empty -m first
git -C x push --quiet origin HEAD:main
git ls-remote $url | cut -f2
hubgate doctor --sshd-config /etc/ssh/hubgate_sshd_config | grep -E 'sshd-config|shadow|anonymous'
test $(cat /run/hubgate-sshd.pid) != $(cat /run/stock.pid) && echo two
# One finding, which says how to write the file again.
sed -i '/AuthorizedKeysCommand/d' /etc/ssh/hubgate_sshd_config
hubgate doctor --sshd-config /etc/ssh/hubgate_sshd_config | grep -A1 'bad      sshd-config'
hubgate sshd-config --standalone --remove
"#;
    on_a_fresh_machine(&hub, &script).is(&says(
        "wrote /etc/ssh/hubgate_sshd_config\n\
         start sshd: systemctl enable --now hubgate-sshd\n\
         reads /etc/ssh/hubgate_sshd_config with the settings that hubgate needs\n\
         stock: intruder\n\
         hub: intruder@127.0.0.1: Permission denied (publickey). 255\n\
         AllowUsers: intruder@127.0.0.1: Permission denied (publickey). 255\n\
         AuthorizedKeysFile: intruder@127.0.0.1: Permission denied (publickey). 255\n\
         Hi alice, welcome to Example Hub.\n\
         ssh://git@127.0.0.1:PORT/alice/x\n\
         HEAD\n\
         refs/heads/main\n\
         ok       shadow         not locked\n\
         ok       sshd-config    sshd serves git with hubgate's block\n\
         two\n\
         bad      sshd-config    /etc/ssh/hubgate_sshd_config has no block for git\n         \
         fix:           hubgate sshd-config --install --standalone && systemctl reload hubgate-sshd\n\
         removed /etc/ssh/hubgate_sshd_config; stop sshd: systemctl disable --now hubgate-sshd\n",
    ));
}

fn a_standalone_sshd_admits_clients_without_a_key_in_mode_fallback() {
    let hub = Hub::new();
    let script = standalone()
        + r#"
sed -i 's/^#anonymous = .*/anonymous = "fallback"/' /etc/hubgate/config.toml
hubgate sshd-config --standalone --install >/dev/null
start
# Without BatchMode, which forbids the second step.
without_key() { setsid ssh $options -o IdentityFile=none -p $port $1@127.0.0.1 id 2>&1 </dev/null || echo $?; }
setsid ssh $options -o IdentityFile=none -p $port git@127.0.0.1 2>/dev/null </dev/null
login alice $port git
login intruder $port intruder "id -un"
without_key intruder | tail -n 1
"#;
    on_a_fresh_machine(&hub, &script).is(&says(
        "Hi anonymous, welcome to Example Hub.\nHi alice, welcome to Example Hub.\n\
         intruder@127.0.0.1: Permission denied (publickey).\n255\n255\n",
    ));
}
