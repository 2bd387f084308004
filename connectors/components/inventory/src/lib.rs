//! An inventory service: HTTP with JSON.

use std::time::Duration;

use semilayer_connector::prelude::*;

/// What a source is configured with.
#[derive(Debug, Config)]
pub struct Settings {
    #[config(label = "Host")]
    host: String,
    #[config(label = "Port", default = 8080)]
    port: u16,
}

/// The connector.
pub struct Inventory;

#[connector(
    bridge = "@acme/bridge-inventory",
    display_name = "Inventory",
    operations = [list_targets, introspect, read, query],
    capabilities(cursor),
    egress = ["{host}:{port}"],
)]
impl Connector for Inventory {
    type Config = Settings;
    type Session = Shelf;

    fn open(config: Settings, _deadline: Duration) -> Result<Shelf> {
        let stream = semilayer_connector::net::TcpStream::connect(&config.host, config.port)
            .map_err(|failed| semilayer_connector::net::unreachable(&config.host, config.port, &failed))?;
        Ok(Shelf { _stream: stream })
    }
}

/// A session.
pub struct Shelf {
    _stream: semilayer_connector::net::TcpStream,
}

impl Session for Shelf {
    fn ping(&mut self) -> Result<ServerInfo> {
        Ok(ServerInfo { product: "Inventory".to_owned(), ..ServerInfo::default() })
    }
}
