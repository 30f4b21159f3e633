# shellcheck shell=sh
# What tests/package.sh does on a Debian system of its own, as its root. /shared holds the packages and what comes out.
# $suite is its name. systemd runs, the network is this system's own, and hub.test is its address.
# shellcheck disable=SC1091,SC2154 # tests/package.sh writes /shared/typed and sets $suite
set -eu
export HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive
# What the units said, if the script ends early.
trap '[ $? = 0 ] || journalctl --no-pager --lines 40 --output cat --unit "hubgate-*"' EXIT
cd /shared
say() { printf '== %s\n' "$*"; }
fail() {
    echo "FAILED: $*"
    exit 1
}
# README's apt asks before it installs.
echo 'APT::Get::Assume-Yes "true";' >/etc/apt/apt.conf.d/90yes
# A colleague, with an account and a key of her own on the machine from which she works.
useradd --create-home --shell /bin/sh alice
cat >/home/alice/.gitconfig <<'GITCONFIG'
[user]
    name = Alice
    email = alice@hub.test
[init]
    defaultBranch = main
GITCONFIG
chown alice: /home/alice/.gitconfig
# Without these settings, ssh asks about the host key of the first connection.
knows_host='printf "StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nLogLevel ERROR\n" >.ssh/config'
su - alice -c "mkdir -m 700 .ssh work && ssh-keygen -q -t ed25519 -N '' -f .ssh/id_ed25519 && $knows_host"
colleague() { su - alice -c "cd ~/work && $1"; }

say "$suite: README's words"
. /shared/typed >/shared/transcript 2>&1 || {
    cat /shared/transcript
    fail "a command of README.md"
}
# Every check of doctor is ok, also its login.
grep '^ok       loopback  ' /shared/transcript
grep -E '^(bad|warning)  ' /shared/transcript && fail "doctor"
doctor_is_green() {
    hubgate doctor --login "$@" >/shared/doctor || {
        cat /shared/doctor
        fail "doctor"
    }
    grep -E '^(bad|warning)  ' /shared/doctor && fail "doctor"
    grep -q '^ok       loopback  ' /shared/doctor || fail "doctor has not logged in"
}

say "push, large files"
# A clone must take long enough for an upgrade in its middle.
hubgate check set alice/mini blob-size off >/dev/null
colleague 'git lfs install >/dev/null && cd mini && git lfs track "*.bin" >/dev/null &&
    head -c 3000000 /dev/urandom >large.bin && head -c 60000000 /dev/urandom >data &&
    git add . && git commit --quiet -m first && git push --quiet origin HEAD:main &&
    cd .. && git clone --quiet git@hub.test:alice/mini copy &&
    cmp mini/large.bin copy/large.bin && cmp mini/data copy/data && rm -rf copy'
colleague 'ssh -T git@hub.test' | grep '^Hi alice,'

say "the units"
systemd-analyze verify --man=no /usr/lib/systemd/system/hubgate-*.service /usr/lib/systemd/system/hubgate-*.timer
systemctl start hubgate-gc.service hubgate-doctor.service
systemctl start hubgate-backup.service
[ -z "$(find / -xdev -name 'hubgate-*.db' 2>/dev/null)" ] || fail "a backup without a destination"
mkdir -p /srv/backup/hubgate
chmod 700 /srv/backup/hubgate
sed -i 's/^#DESTINATION=/DESTINATION=/; s/^#KEEP=.*/KEEP=2/' /etc/hubgate/backup.conf
touch /srv/backup/hubgate/hubgate-other.db
for _ in 1 2 3; do
    systemctl start hubgate-backup.service
    # Names have seconds.
    sleep 1.1
done
[ "$(find /srv/backup/hubgate -name 'hubgate-2*.db' | wc -l)" = 2 ] || fail "copies: $(ls /srv/backup/hubgate)"
[ -e /srv/backup/hubgate/hubgate-other.db ]
hubgate restore --yes "$(find /srv/backup/hubgate -name 'hubgate-2*.db' | sort | tail -n 1)" >/dev/null
mkdir -p /var/lib/prometheus/node-exporter
# The collector's account owns the directory on Debian.
chown daemon /var/lib/prometheus/node-exporter
systemctl start hubgate-stats.service
colleague 'ssh -T git@hub.test' >/dev/null
systemctl start hubgate-stats.service
ls /var/lib/prometheus/node-exporter
figures=/var/lib/prometheus/node-exporter/hubgate.prom
stat -c %a "$figures"
for line in 'hubgate_sessions_total{verb="greeting"} 1' 'hubgate_log_up 1' 'hubgate_database_up 1' \
    'hubgate_doctor_findings{state="bad"} 0'; do
    grep -qxF "$line" "$figures" || fail "not printed: $line"
done
grep -o 'hubgate_[a-z_]*' /usr/share/doc/hubgate/examples/alerts.yml | sort -u | while IFS= read -r metric; do
    grep -q "^${metric}[ {]" "$figures" || fail "alerts.yml uses $metric, which hubgate does not print"
done
systemctl enable --quiet --now hubgate-gc.timer hubgate-backup.timer hubgate-doctor.timer
# doctor's unit fails when the machine is wrong.
mv /usr/libexec/hubgate/services /usr/libexec/hubgate/services.moved
systemctl start hubgate-doctor.service 2>/dev/null && fail "hubgate-doctor.service does not fail"
systemctl is-failed hubgate-doctor.service
mv /usr/libexec/hubgate/services.moved /usr/libexec/hubgate/services
systemctl start hubgate-doctor.service
# cron's commands, on a machine where systemd does not run.
sed -n 's/^[0-9 *]*root  //p' /usr/share/doc/hubgate/examples/cron | sed 's,test -d /run/systemd/system,false,' |
    while IFS= read -r command; do
        said=$(sh -c "$command" 2>&1) || fail "cron: $command: $said"
        [ -z "$said" ] || fail "cron: $command: $said"
    done

say "an upgrade while a clone runs"
sed -i 's/^#name = .*/name = "Kept Hub"/' /etc/hubgate/config.toml
colleague 'exec git clone --quiet git@hub.test:alice/mini during' &
clone=$!
for _ in $(seq 300); do
    running=$(hubgate session list | grep -c upload-pack || true)
    [ "$running" = 0 ] || break
    sleep 0.01
done
[ "$running" != 0 ] || echo "the clone ended before the upgrade"
pkill -u git -STOP -f upload-pack || echo "no process of the clone was stopped"
apt-get install -y -qq ./later/hubgate_*.deb >/dev/null
pkill -u git -CONT -f upload-pack || true
wait "$clone"
colleague 'git -C during fsck --no-progress && cmp during/data mini/data && rm -rf during'
grep -qx 'name = "Kept Hub"' /etc/hubgate/config.toml
colleague 'ssh -T git@hub.test'
doctor_is_green
systemctl is-active hubgate-gc.timer

say "remove"
apt-get remove -y -qq hubgate 2>&1 | grep '^hubgate: '
systemctl restart ssh
said=$(colleague 'ssh -T -o BatchMode=yes git@hub.test' 2>&1) && fail "a login without the programs: $said"
echo "$said" | grep -F 'Permission denied (publickey)'
systemctl is-active --quiet hubgate-gc.timer && fail "a timer of a removed package"

say "purge"
apt-get purge -y -qq hubgate 2>&1 | grep '^hubgate: '
ls /var/lib/hubgate
[ ! -e /etc/hubgate ]
[ -z "$(find /etc/systemd -name '*hubgate*')" ] || fail "units of a purged package"

say "reinstall"
apt-get install -y -qq ./hubgate_*.deb >/dev/null
hubgate init --host hub.test | tail -n 2
colleague 'ssh -T git@hub.test && git clone --quiet git@hub.test:alice/mini again &&
    git -C again fsck --no-progress'

say "mode fallback"
sed -i 's/^#anonymous = .*/anonymous = "fallback"/' /etc/hubgate/config.toml
hubgate init | head -n 1
if [ "$suite" = bookworm ]; then
    # This OpenSSH takes the name of the PAM service from its program.
    sed -i 's/^#port = 22$/port = 2222/' /etc/hubgate/config.toml
    hubgate sshd-config --remove >/dev/null
    hubgate sshd-config --standalone --install
    systemctl reload ssh
    systemctl enable --quiet --now hubgate-sshd
    doctor_is_green --sshd-config /etc/ssh/hubgate_sshd_config
    port=2222
else
    hubgate sshd-config --install | head -n 1
    systemctl reload ssh
    doctor_is_green
    port=22
fi
colleague "ssh -T -p $port git@hub.test" | grep '^Hi alice,'
# A visitor without any key.
useradd --create-home --shell /bin/sh visitor
su - visitor -c "mkdir -m 700 .ssh && $knows_host && ssh -T -p $port git@hub.test" | grep '^Hi anonymous,'

say "an upgrade from the previous release, with data and a changed configuration"
touch /var/lib/hubgate/delete-on-purge
apt-get purge -y -qq hubgate >/dev/null 2>&1
rm -f /etc/ssh/sshd_config.d/50-hubgate.conf /etc/ssh/hubgate_sshd_config
apt-get install -y -qq ./previous/hubgate_*.deb >/dev/null
hubgate init --host hub.test >/dev/null
hubgate sshd-config --install >/dev/null
systemctl reload ssh
sed -i 's/^#name = .*/name = "Old Hub"/' /etc/hubgate/config.toml
hubgate user add alice
hubgate key add alice /home/alice/.ssh/id_ed25519.pub | sed 's/SHA256:[^ ]*/SHA256:…/'
hubgate repo create alice/old --private >/dev/null
# A release before checks of sizes has none to turn off.
hubgate check set alice/old blob-size off >/dev/null 2>&1 || true
colleague 'cd mini && git push --quiet git@hub.test:alice/old HEAD:main 2>/dev/null'
# MOVING.md's commands. The configuration has changed on both sides, and the answer is to keep the old one.
yes N 2>/dev/null | sh -eu /shared/upgrade >/shared/upgraded 2>&1 || {
    cat /shared/upgraded
    fail "a command of MOVING.md"
}
grep -c 'config.toml.*Y/I/N/O/D/Z' /shared/upgraded
doctor_is_green
ls /etc/hubgate
colleague 'ssh -T git@hub.test && git clone --quiet git@hub.test:alice/old && cmp old/data mini/data &&
    cmp old/large.bin mini/large.bin'
