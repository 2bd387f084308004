//! The conformance suite as a library: generated schemas, data and requests, judged by the oracle.
