//! The addresses from which a key may be used.
//!
//! The gateway checks them. A `from=` option in sshd's line would also refuse `key release`, which must work from every
//! address.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// The addresses from which a key may be used: networks such as `192.0.2.0/24` and `2001:db8::/32`, separated by
/// commas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources(Vec<IpNet>);

impl Sources {
    /// Whether a peer at that address may use the key. Any other text than an address gives `false`.
    #[must_use]
    pub fn admit(&self, address: &str) -> bool {
        // sshd writes an IPv4 peer of an IPv6 socket as IPv4, and a link-local address with its zone.
        let address = address.split('%').next().unwrap_or_default();
        address.parse::<IpAddr>().is_ok_and(|address| self.0.iter().any(|network| network.contains(&address)))
    }
}

impl FromStr for Sources {
    type Err = BadSources;

    fn from_str(text: &str) -> Result<Self, BadSources> {
        let network = |word: &str| {
            let address = || word.parse::<IpAddr>().map(IpNet::from);
            word.parse::<IpNet>().or_else(|_| address()).map_err(|_| BadSources)
        };
        text.split(',').map(network).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, network) in self.0.iter().enumerate() {
            write!(f, "{}{network}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// Not a list of networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("addresses are networks such as 192.0.2.0/24 or 2001:db8::/32, separated by commas")]
pub struct BadSources;

/// The network that an address counts for in limits: an IPv4 address itself, and the first 64 bits of an IPv6 address,
/// because a client commonly has that many addresses. Any other text counts for itself.
#[must_use]
pub fn network(address: &str) -> String {
    match address.split('%').next().unwrap_or_default().parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Ok(IpAddr::V4(address)) => address.to_string(),
        Err(_) => address.to_owned(),
    }
}
