//! Any bytes as the options of an `aggregate`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| corpus_tests::aggregate(input));
