//! Where a server is, in the ways people write it: `host`, `host:1433`, `host,1433`, `host\instance`, `tcp:host`.

use connector_model::error::{Error, Result};

/// A host with what stands behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) instance: Option<String>,
}

impl Place {
    /// Reads a place that `setting` names.
    pub(super) fn parse(setting: &str, text: &str) -> Result<Place> {
        let text = text.trim();
        if text.starts_with("np:") || text.starts_with("lpc:") || text.starts_with("\\\\") {
            return Err(Error::config(setting, "names a pipe or shared memory; only TCP is supported"));
        }
        let text = text.strip_prefix("tcp:").unwrap_or(text);
        let (text, comma) = match text.rsplit_once(',') {
            Some((before, port)) => (before, Some(port.trim())),
            None => (text, None),
        };
        let (text, instance) = match text.split_once('\\') {
            Some((host, instance)) => (host, Some(instance)),
            None => (text, None),
        };
        let (instance, behind_instance) =
            match instance.map(|name| name.split_once(':').unwrap_or((name, ""))) {
                Some((name, port)) => (Some(name), Some(port).filter(|port| !port.is_empty())),
                None => (None, None),
            };
        let (host, colon) = host_and_port(text);
        let port = comma.or(behind_instance).or(colon).map(str::parse::<u16>).transpose();
        match port {
            Ok(Some(0)) | Err(_) => Err(Error::config(setting, "its port is not a number from 1 to 65535")),
            Ok(_) if host.is_empty() => Err(Error::config(setting, "names no host")),
            // `.` and `(local)` mean this machine to Microsoft's own tools.
            Ok(port) => Ok(Place {
                host: if matches!(host, "." | "(local)") { "localhost".to_owned() } else { host.to_owned() },
                port,
                instance: instance.filter(|name| !name.is_empty()).map(str::to_owned),
            }),
        }
    }
}

fn host_and_port(text: &str) -> (&str, Option<&str>) {
    match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        // An IPv6 address without brackets has no port.
        None if text.matches(':').count() > 1 => (text, None),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_a_place() {
        let of = |text: &str| {
            let place = Place::parse("server", text).unwrap();
            (place.host, place.port, place.instance)
        };
        assert_eq!(of("db"), ("db".into(), None, None));
        assert_eq!(of("tcp:db.example,1444"), ("db.example".into(), Some(1444), None));
        assert_eq!(of("db:1444"), ("db".into(), Some(1444), None));
        assert_eq!(of("db\\SQLEXPRESS"), ("db".into(), None, Some("SQLEXPRESS".into())));
        assert_eq!(of("db\\I:99"), ("db".into(), Some(99), Some("I".into())));
        assert_eq!(of("[::1]:7"), ("::1".into(), Some(7), None));
        assert_eq!(of(".\\X"), ("localhost".into(), None, Some("X".into())));
        for wrong in ["np:\\\\h\\pipe", "h,0", "h:x", ",1433", ""] {
            assert!(Place::parse("server", wrong).is_err(), "{wrong}");
        }
    }
}
