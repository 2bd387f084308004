//! Any bytes as a cursor.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| corpus_tests::cursor(input));
