//! The oracle passes its own suite: what the suite asks has one right answer.

use connector_conformance::conformance_tests;

use crate::subjects::Memory;

conformance_tests!(as_postgres, Memory::postgres(|session, _| Box::new(session)));
conformance_tests!(as_sqlite, Memory::sqlite(|session, _| Box::new(session)));
