//! The PostgreSQL driver: sessions, catalogue, values, errors.
