//! The keyspace connector.
