//! The upstash connector.
