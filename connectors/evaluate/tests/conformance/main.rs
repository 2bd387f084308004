//! A source that can do nothing but hand out its rows, with everything else done here, passes the connectors' suite.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper of a test fails its test")]

mod answer;
mod plain;

use connector_conformance::conformance_tests;
use connector_memory::{Nulls, Profile};

use plain::PlainRows;

conformance_tests!(with_null_last, PlainRows::new(Profile::POSTGRES));
conformance_tests!(with_null_first, PlainRows::new(Profile { nulls: Nulls::Smallest, ..Profile::POSTGRES }));
conformance_tests!(
    with_numbers_in_many_forms,
    PlainRows::new(Profile { nulls: Nulls::Smallest, moments_in_text: true, ..Profile::MYSQL })
);
