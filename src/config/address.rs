//! The address of the hub, in every command and URL that a person copies.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// The port of SSH, which no command has to name.
pub(super) const PORT: u16 = 22;

/// Where clients connect, and as which login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address<'a> {
    /// The login account.
    pub login: &'a str,
    /// The host name or IP address.
    pub host: &'a str,
    /// The port of sshd.
    pub port: u16,
}

impl fmt::Display for Address<'_> {
    /// `git@hub.example`, as ssh(1) accepts it. It does not name the port.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.login, self.host)
    }
}

impl Address<'_> {
    /// The beginning of a command, such as `ssh git@hub.example` or `ssh -p 2222 git@hub.example`.
    #[must_use]
    pub fn ssh(&self) -> String {
        self.ssh_with("")
    }

    /// The beginning of a command with options of ssh(1).
    #[must_use]
    pub fn ssh_with(&self, options: &str) -> String {
        let gap = if options.is_empty() { "" } else { " " };
        if self.port == PORT {
            format!("ssh{gap}{options} {self}")
        } else {
            format!("ssh{gap}{options} -p {} {self}", self.port)
        }
    }

    /// The name of the server in `known_hosts`: `hub.example` or `[hub.example]:2222` (sshd(8), `SSH_KNOWN_HOSTS FILE
    /// FORMAT`).
    #[must_use]
    pub fn known_hosts_name(&self) -> String {
        if self.port == PORT { self.host.to_owned() } else { format!("[{}]:{}", self.host, self.port) }
    }

    /// The URL of a repository for git: `git@hub.example:alice/x` or `ssh://git@hub.example:2222/alice/x`.
    #[must_use]
    pub fn url(&self, path: impl fmt::Display) -> String {
        let Self { login, host, port } = self;
        // A colon in an IPv6 address would end the host name.
        let host = if host.parse::<Ipv6Addr>().is_ok() { format!("[{host}]") } else { (*host).to_owned() };
        if *port == PORT { format!("{login}@{host}:{path}") } else { format!("ssh://{login}@{host}:{port}/{path}") }
    }
}

/// Whether a text is a host name of RFC 1123 or an IP address.
#[must_use]
pub fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // A name that ends with a number would be read as an IPv4 address.
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    text.parse::<IpAddr>().is_ok()
        || text.len() <= 253 && text.split('.').all(label) && !text.rsplit('.').next().is_some_and(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_urls_name_the_port_unless_it_is_22() {
        let address = |host, port| Address { login: "git", host, port };
        for (address, ssh, shown, url) in [
            (address("hub.example", 22), "ssh git@hub.example", "ssh -T git@hub.example", "git@hub.example:a/b"),
            (
                address("hub.example", 2222),
                "ssh -p 2222 git@hub.example",
                "ssh -T -p 2222 git@hub.example",
                "ssh://git@hub.example:2222/a/b",
            ),
            (address("::1", 22), "ssh git@::1", "ssh -T git@::1", "git@[::1]:a/b"),
            (address("::1", 2222), "ssh -p 2222 git@::1", "ssh -T -p 2222 git@::1", "ssh://git@[::1]:2222/a/b"),
        ] {
            assert_eq!(
                (address.ssh(), address.ssh_with("-T"), address.url("a/b")),
                (ssh.into(), shown.into(), url.into())
            );
        }
    }

    #[test]
    fn known_hosts_names_the_port_unless_it_is_22() {
        let name = |host, port| Address { login: "git", host, port }.known_hosts_name();
        assert_eq!(
            [name("hub.example", 22), name("hub.example", 2222), name("::1", 22), name("::1", 2222)],
            ["hub.example", "[hub.example]:2222", "::1", "[::1]:2222"]
        );
    }

    #[test]
    fn a_host_is_a_name_or_an_ip_address() {
        let (long, longest) = ("a".repeat(64), "a".repeat(63));
        for host in ["hub", "hub.example", "Hub-1.example.org", "3com.com", "192.0.2.1", "::1", "2001:db8::1", &longest]
        {
            assert!(is_host(host), "{host}");
        }
        let name_too_long = ["a"; 128].join(".");
        for host in [
            "",
            ".",
            "hub.",
            ".hub",
            "a..b",
            "-hub",
            "hub-",
            "hub_1",
            "a b",
            "a/b",
            "git@hub",
            "hub:22",
            "[::1]",
            "1.2.3",
            "192.0.2.256",
            "hüb",
            "-oProxyCommand=x",
            "a;b",
            "a\nb",
            &long,
            &name_too_long,
        ] {
            assert!(!is_host(host), "{host:?}");
        }
    }
}
