//! Groups of rows with their measures, the slow and obvious way.
//!
//! - `joined`: the rows of a target with those of its joins beside them
//! - `label`: what a row's dimension is called, and how groups are told apart
//! - `measure`: what is computed of a group's rows
//! - `types`: what may be measured of which type, and the type of what comes out

mod group;
mod joined;
mod label;
mod measure;
mod types;

pub use group::{Group, compare, groups};
pub use label::Key;
pub use measure::Measured;
