//! Components, built and loaded as an operator would have them, for the tests.
