//! The clickhouse connector.
