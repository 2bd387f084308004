//! Aggregates over a stream of rows, in bounded memory, for what a database cannot compute itself.
