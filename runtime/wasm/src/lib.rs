//! Loads connector components.
