//! The SQLite driver: a thread per session, read-only, interrupt.
