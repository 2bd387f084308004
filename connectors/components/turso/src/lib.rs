//! The turso connector.
