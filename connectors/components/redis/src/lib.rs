//! The redis connector.
