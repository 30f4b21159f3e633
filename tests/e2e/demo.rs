//! `hubgate demo` on a machine of its own, whose accounts and files nobody else uses.

use std::net::TcpListener;

use crate::harness::{Hub, trials};
use crate::operator::on_a_fresh_machine;

trials![
    a_demo_on_a_port_in_use_says_so_and_changes_nothing,
    demos_that_end_together_leave_no_account_no_file_and_no_zombie,
];

/// `/run` has the list of the accounts that demos created.
const OWN_RUN: &str = "mount -t tmpfs -o mode=755 tmpfs /run\n";

fn listener() -> TcpListener {
    TcpListener::bind(("127.0.0.1", 0)).expect("a port")
}

fn port(listener: &TcpListener) -> u16 {
    listener.local_addr().expect("an address").port()
}

fn a_demo_on_a_port_in_use_says_so_and_changes_nothing() {
    let hub = Hub::new();
    let taken = listener();
    let port = port(&taken);
    let script = format!(
        "{OWN_RUN}hubgate demo --once --port {port} || echo status $?\nls /run /var/lib\n\
         getent passwd git hubgate-keys || echo no accounts\nhubgate demo --port 0 2>/dev/null || echo status $?\n"
    );
    let outcome = on_a_fresh_machine(&hub, &script);
    assert_eq!(outcome.stdout(), "status 1\n/run:\n\n/var/lib:\nno accounts\nstatus 2\n", "{outcome}");
    let said = format!(
        "hubgate: cannot listen on 127.0.0.1 port {port}: Address already in use (os error 98)\n\
         hubgate: to use another port: hubgate demo --port N\n"
    );
    assert_eq!(outcome.stderr(), said);
}

fn demos_that_end_together_leave_no_account_no_file_and_no_zombie() {
    let hub = Hub::new();
    let ports = {
        let listeners = [listener(), listener(), listener()];
        listeners.each_ref().map(port)
    };
    let [one, two, three] = ports;
    let script = format!(
        r#"{OWN_RUN}mkdir /var/lib/said
demos=
for port in {one} {two} {three}; do
    hubgate demo --port $port --dir /var/lib/demo-$port >/var/lib/said/$port 2>&1 &
    demos="$demos $!"
done
for port in {one} {two} {three}; do
    until grep -qx ready /var/lib/said/$port; do
        sleep 0.1
        kill -0 $demos || {{ cat /var/lib/said/*; exit 1; }}
    done
done
getent passwd git hubgate-keys | cut -d: -f1
# Sessions leave their parents when a client goes away.
for number in 1 2 3 4 5; do
    timeout 0.2 ssh -F /var/lib/demo-{one}/ssh_config hub.demo git-upload-pack demo/hello </dev/null >/dev/null 2>&1 || true
    ssh -F /var/lib/demo-{one}/ssh_config -T hub.demo >/dev/null 2>&1
done
tries=0
while ps -e -o stat= | grep -q Z && [ $tries -lt 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
ps -e -o stat=,ppid=,pid=,args= | grep '^Z' || echo no zombies
kill -INT $demos
for demo in $demos; do
    wait $demo && echo "status $?"
done
getent passwd git hubgate-keys || echo no accounts
find /run/hubgate-demo /var/lib/demo-* 2>/dev/null || echo no files
"#
    );
    let outcome = on_a_fresh_machine(&hub, &script);
    let said = "git\nhubgate-keys\nno zombies\nstatus 0\nstatus 0\nstatus 0\nno accounts\nno files\n";
    assert_eq!(outcome.stdout(), said, "{outcome}");
}
