//! SQL Server, natively.
