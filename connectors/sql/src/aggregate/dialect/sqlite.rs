//! Aggregates of SQLite.
