//! Messages as bytes.

use bytes::Bytes;
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// `http/protobuf`.
    #[default]
    Protobuf,
    /// `http/json`.
    Json,
}

impl Encoding {
    /// The encoding that OTEL_EXPORTER_OTLP_PROTOCOL calls by this name.
    pub fn from_name(name: &str) -> Option<Encoding> {
        match name {
            "http/protobuf" => Some(Encoding::Protobuf),
            "http/json" => Some(Encoding::Json),
            _ => None,
        }
    }

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Encoding::Protobuf => "application/x-protobuf",
            Encoding::Json => "application/json",
        }
    }

    pub(super) fn encode(self, message: &(impl Message + Serialize)) -> Option<Bytes> {
        match self {
            Encoding::Protobuf => Some(message.encode_to_vec().into()),
            Encoding::Json => serde_json::to_vec(message).ok().map(Bytes::from),
        }
    }

    /// An answer; what cannot be understood says nothing.
    pub(super) fn decode<T: Message + Default + DeserializeOwned>(self, body: &[u8]) -> T {
        match self {
            Encoding::Protobuf => T::decode(body).unwrap_or_default(),
            Encoding::Json => serde_json::from_slice(body).unwrap_or_default(),
        }
    }
}
