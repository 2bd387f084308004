//! Any bytes as the options of a `query`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| corpus_tests::filter(input));
