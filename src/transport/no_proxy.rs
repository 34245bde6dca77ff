//! Which servers are reached without a proxy: the rules of `no_proxy`, as curl, Go and Python read them.

use std::net::IpAddr;

use ipnet::IpNet;

/// The rules of one `no_proxy`.
#[derive(Clone, Debug, Default)]
pub(super) struct NoProxy(Vec<Rule>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    hosts: Hosts,
    /// `None`: whatever the port.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    /// `*`
    All,
    Address(IpAddr),
    /// `10.0.0.0/8`
    Network(IpNet),
    /// `example.com` and `.example.com`: this name, and all below it.
    Domain(String),
    /// `*.example.com`: all names below this one.
    Below(String),
}

impl NoProxy {
    /// Reads a list that is separated by commas or blanks. What makes no sense in it matches nothing.
    pub(super) fn read(list: &str) -> NoProxy {
        NoProxy(list.split(|c: char| c == ',' || c.is_whitespace()).filter_map(Rule::read).collect())
    }

    /// Whether `host` (an IPv6 address with or without brackets) with `port` is reached without a proxy. Names are not
    /// looked up: only a host that is given as an address lies in a network.
    pub(super) fn matches(&self, host: &str, port: u16) -> bool {
        let host = bare(host);
        let address = address(&host);
        let matches = |rule: &Rule| rule.port.is_none_or(|wanted| wanted == port) && rule.hosts.hold(&host, address);
        self.0.iter().any(matches)
    }
}

impl Rule {
    fn read(entry: &str) -> Option<Rule> {
        // All names below none: this is no `*`.
        if entry == "*." {
            return None;
        }
        if let Some(network) = network(entry) {
            return Some(Rule { hosts: Hosts::Network(network), port: None });
        }
        if let Some(address) = address(&bare(entry)) {
            return Some(Rule { hosts: Hosts::Address(address), port: None });
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (entry, None),
        };
        Some(Rule { hosts: Hosts::read(&bare(host))?, port })
    }
}

impl Hosts {
    fn read(host: &str) -> Option<Hosts> {
        if host == "*" {
            return Some(Hosts::All);
        }
        if let Some(address) = address(host) {
            return Some(Hosts::Address(address));
        }
        match host.strip_prefix("*.") {
            Some(name) => Some(Hosts::Below(name.to_owned())),
            None => Some(Hosts::Domain(host.trim_start_matches('.').to_owned())),
        }
        .filter(|hosts| !matches!(hosts, Hosts::Below(name) | Hosts::Domain(name) if name.is_empty()))
    }

    fn hold(&self, host: &str, address: Option<IpAddr>) -> bool {
        let is_below = |name: &str| host.strip_suffix(name).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'));
        match (self, address) {
            (Hosts::All, _) => true,
            (Hosts::Address(wanted), Some(address)) => *wanted == address,
            (Hosts::Network(network), Some(address)) => network.contains(&address),
            // The last numbers of an address are no domain.
            (Hosts::Domain(name), None) => host == name || is_below(name),
            (Hosts::Below(name), None) => is_below(name),
            _ => false,
        }
    }
}

/// `host` without brackets and the dot at its end, in lower case.
fn bare(host: &str) -> String {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// An IPv4 address stays the same one when it is written as an IPv6 address.
fn address(host: &str) -> Option<IpAddr> {
    host.parse().ok().map(|address: IpAddr| address.to_canonical())
}

/// `address/bits`. As Go and curl have it, bits of the address beyond the network's do not count.
fn network(entry: &str) -> Option<IpNet> {
    let (address, bits) = entry.split_once('/')?;
    IpNet::new(bare(address).parse().ok()?, bits.parse().ok()?).ok().map(|network| network.trunc())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rules_match_as_other_programs_have_it() {
        for (list, host, port, expected) in [
            ("*", "oss.example", 443, true),
            ("a, * ,b", "oss.example", 443, true),
            ("", "oss.example", 443, false),
            (" , ,, ", "oss.example", 443, false),
            (".", "oss.example", 443, false),
            ("*.", "oss.example", 443, false),
            // Names, and what is below them.
            ("oss.example", "oss.example", 443, true),
            ("oss.example", "bucket.oss.example", 443, true),
            (".oss.example", "bucket.oss.example", 443, true),
            (".oss.example", "oss.example", 443, true),
            ("*.oss.example", "bucket.oss.example", 443, true),
            ("*.oss.example", "oss.example", 443, false),
            ("oss.example", "boss.example", 443, false),
            ("*.oss.example", "boss.example", 443, false),
            ("bucket.oss.example", "oss.example", 443, false),
            ("bucket.oss.example", "bucket.oss.example", 443, true),
            // How it is written.
            (" oss.example ", "oss.example", 443, true),
            ("a b\tOSS.Example", "oss.example", 443, true),
            ("oss.example.", "oss.example", 443, true),
            ("oss.example", "OSS.example.", 443, true),
            ("*.ALIYUNCS.com", "b.oss-cn-x.aliyuncs.com", 443, true),
            // Ports.
            ("oss.example:8080", "oss.example", 8080, true),
            ("oss.example:8080", "bucket.oss.example", 8080, true),
            ("oss.example:8080", "oss.example", 80, false),
            ("oss.example.:8080", "oss.example", 8080, true),
            ("oss.example:http", "oss.example", 80, false),
            ("*:8080", "oss.example", 8080, true),
            ("10.0.0.1:8080", "10.0.0.1", 8080, true),
            ("10.0.0.1:8080", "10.0.0.1", 8081, false),
            ("[::1]:8080", "[::1]", 8080, true),
            ("[::1]:8080", "[::1]", 80, false),
            // Addresses.
            ("10.0.0.1", "10.0.0.1", 80, true),
            ("10.0.0.1", "10.0.0.10", 80, false),
            ("0.0.1", "10.0.0.1", 80, false),
            (".0.1", "10.0.0.1", 80, false),
            ("::1", "[::1]", 80, true),
            ("[::1]", "::1", 80, true),
            ("0:0:0:0:0:0:0:1", "[::1]", 80, true),
            ("FD00::AB", "[fd00::ab]", 80, true),
            ("10.0.0.1", "[::ffff:10.0.0.1]", 80, true),
            // Networks.
            ("10.0.0.0/8", "10.255.0.1", 80, true),
            ("10.1.2.3/8", "10.255.0.1", 80, true),
            ("10.0.0.0/8", "11.0.0.1", 80, false),
            ("10.0.0.0/8", "10.example", 80, false),
            ("10.0.0.0/33", "10.0.0.1", 80, false),
            ("10.0.0.0/x", "10.0.0.1", 80, false),
            ("192.168.1.0/24", "192.168.1.255", 80, true),
            ("192.168.1.5/32", "192.168.1.5", 80, true),
            ("0.0.0.0/0", "8.8.8.8", 80, true),
            ("0.0.0.0/0", "[::1]", 80, false),
            ("fd00::/8", "[fd12::1]", 80, true),
            ("fd00::/8", "[fe00::1]", 80, false),
            ("[fd00::]/8", "[fd12::1]", 80, true),
        ] {
            assert_eq!(NoProxy::read(list).matches(host, port), expected, "{list:?} {host} {port}");
        }
    }

    proptest! {
        #[test]
        fn no_list_makes_it_panic(list in "[a-c0-9.:/*\\[\\], \u{e9}-]{0,40}", host in "[a-c0-9.:\\[\\]]{0,20}", port: u16) {
            NoProxy::read(&list).matches(&host, port);
        }

        #[test]
        fn a_name_matches_itself_and_nothing_that_only_ends_like_it(name in "[a-z]{1,8}(\\.[a-z]{1,8}){0,3}", more in "[a-z]{1,5}") {
            let rules = NoProxy::read(&name);
            let (below, other) = (format!("{more}.{name}"), format!("{more}{name}"));
            prop_assert!(rules.matches(&name, 1) && rules.matches(&below, 2) && !rules.matches(&other, 3));
        }
    }
}
