//! `status`: what is configured and where each value comes from.

use std::io::{self, Write};

use secrecy::ExposeSecret;

use crate::mask;
use crate::settings::Connection;
use crate::version;

/// Prints four lines, and a fifth where somebody has set a proxy.
///
/// # Errors
/// Those of the output.
pub fn print(connection: &Connection, out: &mut dyn Write) -> io::Result<()> {
    let Connection { runner_id, token, gateway, route, version_label, .. } = connection;
    let label = version_label.as_deref().map(|label| format!(", labelled {label}")).unwrap_or_default();
    writeln!(out, "runner id:  {}  ({})", runner_id.value, runner_id.origin)?;
    writeln!(out, "gateway:    {}  ({})", gateway.value, gateway.origin)?;
    writeln!(out, "token:      {}  ({})", mask::token(token.value.expose_secret()), token.origin)?;
    writeln!(out, "version:    {}{label}  (this program)", version::LONG)?;
    match (&route.proxy, &route.direct_because) {
        (Some(proxy), _) => writeln!(out, "proxy:      {}  ({})", proxy.value, proxy.origin),
        (None, Some(because)) => writeln!(out, "proxy:      none  ({because})"),
        (None, None) => Ok(()),
    }
}
