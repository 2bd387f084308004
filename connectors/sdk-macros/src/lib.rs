//! The attribute and the derive of `semilayer-connector`.
