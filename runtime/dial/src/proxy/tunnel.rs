//! From a destination to a tunnel that leads there.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tokio_socks::TargetAddr;

use super::address::{Proxy, ProxyScheme};
use super::fault::ProxyFault;
use super::{http, socks};
use crate::connect::ConnectOptions;
use crate::destination::{CheckedAddress, Destination, Family};
use crate::dialer::Dialer;
use crate::error::{DialError, Stage};
use crate::filter::AddressFilter;
use crate::kind::Kind;
use crate::stream::BoxedStream;
use crate::tls::TlsOptions;

/// A stream through a proxy, and how it came about.
pub struct Tunnel {
    /// What is written here arrives at the destination.
    pub stream: BoxedStream,
    /// The proxy's address that won the race.
    pub address: CheckedAddress,
    /// Time from the beginning of the call to the open tunnel.
    pub elapsed: Duration,
}

/// One tunnel that is asked for.
struct Request<'r> {
    proxy: &'r Proxy,
    destination: &'r Destination,
    unsent_bytes: Option<u32>,
    start: Instant,
    deadline: Instant,
}

impl Dialer {
    /// Has `proxy` open a tunnel to `destination`, within `limit`. `unsent_bytes` is as in [`ConnectOptions`], for the
    /// socket to the proxy.
    ///
    /// There is no address filter: where a tunnel ends is the proxy's to decide. So this is for destinations that this
    /// machine's owner has chosen. A `socks5://` proxy is given this machine's addresses for a name, one after the other
    /// until it reaches one; every other kind is given the name.
    ///
    /// # Errors
    /// [`Stage::Proxy`] for everything on the way to the tunnel: with the kinds of other stages when the proxy itself
    /// cannot be reached, with [`Kind::Proxy`] when it opens no tunnel. [`Stage::Dns`] when a `socks5://` proxy is to be
    /// given the addresses of a name that has none.
    pub async fn connect_through(
        &self,
        proxy: &Proxy,
        destination: &Destination,
        limit: Duration,
        unsent_bytes: Option<u32>,
    ) -> Result<Tunnel, DialError> {
        let start = Instant::now();
        let request = Request { proxy, destination, unsent_bytes, start, deadline: start + limit };
        let mut failed = None;
        for target in self.targets(&request).await? {
            match self.tunnel(&request, target).await {
                Ok(tunnel) => return Ok(tunnel),
                Err(error) => match error.kind() {
                    Kind::Proxy(ProxyFault::Socks(reply)) if reply.is_about_the_address() => {
                        failed = Some(error);
                    }
                    _ => return Err(error),
                },
            }
        }
        Err(failed.unwrap_or_else(|| request.failed(Stage::Dns, Kind::NoAddress)))
    }

    /// What the proxy is asked for, best first.
    async fn targets(&self, request: &Request<'_>) -> Result<Vec<TargetAddr<'static>>, DialError> {
        let destination = request.destination;
        if !destination.is_plausible() {
            return Err(request.failed(Stage::Dns, Kind::InvalidHost));
        }
        if request.proxy.scheme() != ProxyScheme::Socks5 {
            let target = match destination.literal() {
                Some(address) => TargetAddr::Ip((address, destination.port()).into()),
                None => TargetAddr::Domain(destination.host().to_owned().into(), destination.port()),
            };
            return Ok(vec![target]);
        }
        let everything = AddressFilter::unrestricted();
        let resolving = self.resolve(destination, Family::Any, &everything);
        let resolved = timeout_at(request.deadline, resolving)
            .await
            .map_err(|_| request.failed(Stage::Dns, Kind::TimedOut))?
            .map_err(|error| error.through(request.proxy))?;
        Ok(resolved.addresses.iter().map(|address| TargetAddr::Ip(address.socket_addr())).collect())
    }

    async fn tunnel(&self, request: &Request<'_>, target: TargetAddr<'_>) -> Result<Tunnel, DialError> {
        let Request { proxy, destination, unsent_bytes, start, deadline } = *request;
        let left = || deadline.saturating_duration_since(Instant::now());
        let options = ConnectOptions { timeout: left(), unsent_bytes, ..ConnectOptions::default() };
        let to_proxy = |error: DialError| error.on_the_way_to(destination, proxy, start.elapsed());
        let connected = self.connect(proxy.destination(), &options).await.map_err(to_proxy)?;
        let address = connected.address;
        let failed = |kind| request.failed(Stage::Proxy, kind).with_address(Some(address.socket_addr()));
        let stream: BoxedStream = if proxy.scheme() == ProxyScheme::Https {
            let options = TlsOptions::default();
            let encrypted = self.start_tls(connected.stream, proxy.destination(), &options, left()).await;
            Box::new(encrypted.map_err(to_proxy)?)
        } else {
            Box::new(connected.stream)
        };
        let stream = timeout_at(deadline, request.open(stream, target))
            .await
            .map_err(|_| failed(Kind::Proxy(ProxyFault::Silent)))?
            .map_err(failed)?;
        Ok(Tunnel { stream, address, elapsed: start.elapsed() })
    }
}

impl Request<'_> {
    async fn open(&self, mut stream: BoxedStream, target: TargetAddr<'_>) -> Result<BoxedStream, Kind> {
        let login = self.proxy.login();
        if self.proxy.scheme().is_socks() {
            return socks::open(stream, target, login).await;
        }
        http::open(&mut stream, self.destination, login).await?;
        Ok(stream)
    }

    fn failed(&self, stage: Stage, kind: Kind) -> DialError {
        DialError::new(stage, kind, self.destination, self.start.elapsed()).through(self.proxy)
    }
}
