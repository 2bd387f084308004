//! MySQL and MariaDB, natively.
