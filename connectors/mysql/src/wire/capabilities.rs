//! What the two sides agree to speak (include/mysql_com.h).

/// A MariaDB server leaves this bit clear, and says more in bits 32 and up.
pub(super) const LONG_PASSWORD: u64 = 1;
pub(super) const LONG_FLAG: u64 = 1 << 2;
pub(super) const CONNECT_WITH_DB: u64 = 1 << 3;
pub(super) const PROTOCOL_41: u64 = 1 << 9;
pub(super) const SSL: u64 = 1 << 11;
pub(super) const TRANSACTIONS: u64 = 1 << 13;
pub(super) const SECURE_CONNECTION: u64 = 1 << 15;
pub(super) const PLUGIN_AUTH: u64 = 1 << 19;
pub(super) const CONNECT_ATTRS: u64 = 1 << 20;
pub(super) const PLUGIN_AUTH_LENENC: u64 = 1 << 21;
pub(super) const DEPRECATE_EOF: u64 = 1 << 24;
/// MariaDB 10.5 and later: result columns say when they hold JSON, a UUID, an address.
pub(super) const MARIADB_EXTENDED_METADATA: u64 = 1 << 35;

/// What this side speaks. Not among it, on purpose: `LOCAL INFILE` (a server could ask for this machine's files),
/// several statements in one text, compression.
pub(super) const OURS: u64 = LONG_PASSWORD
    | LONG_FLAG
    | PROTOCOL_41
    | TRANSACTIONS
    | SECURE_CONNECTION
    | PLUGIN_AUTH
    | CONNECT_ATTRS
    | PLUGIN_AUTH_LENENC
    | DEPRECATE_EOF
    | MARIADB_EXTENDED_METADATA;
