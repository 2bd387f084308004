//! Who is at the other end of a connection.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

/// The address that a connection came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

impl Peer {
    /// The caller's address. Behind a proxy it is the last one in `X-Forwarded-For`: the one that our proxy itself wrote,
    /// while those before it are whatever the caller claimed.
    pub(crate) fn address(self, headers: &HeaderMap, behind_proxy: bool) -> IpAddr {
        let forwarded = || {
            let value = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
            value.rsplit(',').next()?.trim().parse().ok()
        };
        behind_proxy.then(forwarded).flatten().unwrap_or(self.0.ip())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_proxy_of_ours_may_name_another_address() {
        let peer = Peer(SocketAddr::from(([10, 0, 0, 1], 9)));
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "6.6.6.6, 192.0.2.7".parse().expect("a value"));
        assert_eq!(peer.address(&headers, false), IpAddr::from([10, 0, 0, 1]));
        assert_eq!(peer.address(&headers, true), IpAddr::from([192, 0, 2, 7]));
        headers.insert("x-forwarded-for", "nonsense".parse().expect("a value"));
        assert_eq!(peer.address(&headers, true), IpAddr::from([10, 0, 0, 1]));
    }
}
