//! [`Connect`] over the runner's dialer.

use std::time::Duration;

use async_trait::async_trait;
use dial::{BoxedStream, ConnectOptions, Destination, Dialer, TlsOptions};

use crate::{Connect, ConnectError, GatewayUrl};

/// Time for the TLS handshake.
const TLS_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes that the kernel may hold unsent. What lies there can no longer be overtaken, so a small bound is
/// what makes the send queue's order count; 128 KiB is two chunks, enough to keep the network busy.
const UNSENT_BYTES: u32 = 128 * 1024;

/// Connects to a gateway: TCP, then TLS when the URL is `wss`. The certificate is checked before anything,
/// and with it the token, is sent.
#[derive(Debug, Clone)]
pub struct DialConnect {
    dialer: Dialer,
    destination: Destination,
    options: ConnectOptions,
    tls: Option<TlsOptions>,
}

impl DialConnect {
    /// Connects to `gateway`. `tls` is used when the URL is `wss`.
    #[must_use]
    pub fn new(dialer: Dialer, gateway: &GatewayUrl, tls: TlsOptions) -> Self {
        Self {
            dialer,
            destination: Destination::new(gateway.host(), gateway.port()),
            options: ConnectOptions { unsent_bytes: Some(UNSENT_BYTES), ..ConnectOptions::default() },
            tls: gateway.is_tls().then_some(tls),
        }
    }
}

#[async_trait]
impl Connect for DialConnect {
    async fn connect(&self) -> Result<BoxedStream, ConnectError> {
        let connected = self.dialer.connect(&self.destination, &self.options).await?;
        match &self.tls {
            None => Ok(Box::new(connected.stream)),
            Some(options) => {
                let stream =
                    self.dialer.start_tls(connected.stream, &self.destination, options, TLS_TIMEOUT).await?;
                Ok(Box::new(stream))
            }
        }
    }
}
