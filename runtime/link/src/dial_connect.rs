//! [`Connect`] over the runner's dialer.

use std::time::Duration;

use async_trait::async_trait;
use dial::{
    BoxedStream, ConnectOptions, Destination, DialError, Dialer, PresentedCertificate, Proxy, TlsOptions,
};

use crate::{Connect, ConnectError, GatewayUrl};

/// Time for a connection or a tunnel, and the same again for TLS.
const LIMIT: Duration = Duration::from_secs(10);

/// Bytes that the kernel may hold unsent. What lies there can no longer be overtaken, so a small bound is
/// what makes the send queue's order count; 128 KiB is two chunks, enough to keep the network busy.
const UNSENT_BYTES: u32 = 128 * 1024;

/// Connects to a gateway: TCP, or a proxy's tunnel, then TLS when the URL is `wss`. The certificate is checked before
/// anything, and with it the token, is sent. The name is looked up anew each time.
#[derive(Debug, Clone)]
pub struct DialConnect {
    dialer: Dialer,
    destination: Destination,
    proxy: Option<Proxy>,
    limit: Duration,
    tls: Option<TlsOptions>,
}

/// A stream to the gateway.
pub struct Opened {
    /// The stream.
    pub stream: BoxedStream,
    /// The certificate that was checked, when the URL is `wss`.
    pub certificate: Option<PresentedCertificate>,
}

impl DialConnect {
    /// Connects to `gateway`. `tls` is used when the URL is `wss`.
    #[must_use]
    pub fn new(dialer: Dialer, gateway: &GatewayUrl, tls: TlsOptions) -> Self {
        Self {
            dialer,
            destination: Destination::new(gateway.host(), gateway.port()),
            proxy: None,
            limit: LIMIT,
            tls: gateway.is_tls().then_some(tls),
        }
    }

    /// Through this proxy, when there is one. TLS runs from end to end inside its tunnel.
    #[must_use]
    pub fn with_proxy(mut self, proxy: Option<Proxy>) -> Self {
        self.proxy = proxy;
        self
    }

    /// Time for a connection or a tunnel, and the same again for TLS; 10 s when not said.
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The proxy in use.
    #[must_use]
    pub const fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// Opens one stream.
    ///
    /// # Errors
    /// Says at which stage it failed.
    pub async fn open(&self) -> Result<Opened, DialError> {
        let stream = self.reach().await?;
        let Some(options) = &self.tls else { return Ok(Opened { stream, certificate: None }) };
        let started = self.dialer.start_tls(stream, &self.destination, options, self.limit).await;
        let encrypted = started.map_err(|error| match &self.proxy {
            Some(proxy) => error.through(proxy),
            None => error,
        })?;
        let certificate = encrypted.session().peer_certificate();
        Ok(Opened { stream: Box::new(encrypted), certificate })
    }

    async fn reach(&self) -> Result<BoxedStream, DialError> {
        let Self { dialer, destination, limit, .. } = self;
        if let Some(proxy) = &self.proxy {
            let tunnel = dialer.connect_through(proxy, destination, *limit, Some(UNSENT_BYTES)).await?;
            return Ok(tunnel.stream);
        }
        let options =
            ConnectOptions { timeout: *limit, unsent_bytes: Some(UNSENT_BYTES), ..ConnectOptions::default() };
        Ok(Box::new(dialer.connect(destination, &options).await?.stream))
    }
}

#[async_trait]
impl Connect for DialConnect {
    async fn connect(&self) -> Result<BoxedStream, ConnectError> {
        Ok(self.open().await?.stream)
    }
}
