//! Write a connector for your database as a sandboxed WASM component.
