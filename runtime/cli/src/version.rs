//! Which program this is.

/// The version of this build; nothing overrides it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The git commit it was built from; `unknown` outside a checkout.
pub const COMMIT: &str = env!("SEMILAYER_COMMIT");

/// What it was built for.
pub const TARGET: &str = env!("SEMILAYER_TARGET");

/// The version, the git commit it was built from (`unknown` outside a checkout) and the target.
pub const LONG: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (commit ",
    env!("SEMILAYER_COMMIT"),
    ", ",
    env!("SEMILAYER_TARGET"),
    ")"
);

/// What the gateway is told: the version, and the operator's label beside it if there is one.
pub fn announced(label: Option<&str>) -> String {
    match label {
        Some(label) => format!("{VERSION} ({label})"),
        None => VERSION.to_owned(),
    }
}
