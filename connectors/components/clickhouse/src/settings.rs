//! The settings of every statement: what a user's own profile says differently must neither change a byte of a result
//! nor cut it in silence.

use std::time::Duration;

use crate::version::Version;

/// How much later than the job's deadline the server's own limit comes: ours comes first, and says whose it was.
const GRACE: Duration = Duration::from_secs(2);

/// Name, value, and the release that first knows it.
const SETTINGS: &[(&str, &str, Version)] = &[
    // Nothing is written; other settings may still be set.
    ("readonly", "2", Version(0, 0)),
    // The form of values.
    ("session_timezone", "UTC", Version(23, 8)),
    ("date_time_output_format", "simple", Version(0, 0)),
    ("output_format_json_quote_64bit_integers", "1", Version(0, 0)),
    ("output_format_json_quote_64bit_floats", "0", Version(0, 0)),
    ("output_format_json_quote_decimals", "1", Version(0, 0)),
    ("output_format_json_quote_denormals", "0", Version(0, 0)),
    ("output_format_decimal_trailing_zeros", "1", Version(0, 0)),
    ("output_format_json_validate_utf8", "1", Version(0, 0)),
    ("output_format_json_escape_forward_slashes", "0", Version(0, 0)),
    ("output_format_json_named_tuples_as_objects", "1", Version(0, 0)),
    ("output_format_json_array_of_rows", "0", Version(0, 0)),
    // The meaning of statements.
    ("prefer_column_name_to_alias", "1", Version(0, 0)),
    ("join_use_nulls", "1", Version(0, 0)),
    ("transform_null_in", "0", Version(0, 0)),
    ("aggregate_functions_null_for_empty", "0", Version(0, 0)),
    ("union_default_mode", "DISTINCT", Version(0, 0)),
    ("cast_keep_nullable", "0", Version(0, 0)),
    ("limit", "0", Version(0, 0)),
    ("offset", "0", Version(0, 0)),
    // A limit that is met is an error, not a shorter result.
    ("result_overflow_mode", "throw", Version(0, 0)),
    ("read_overflow_mode", "throw", Version(0, 0)),
    ("timeout_overflow_mode", "throw", Version(0, 0)),
    ("sort_overflow_mode", "throw", Version(0, 0)),
    ("group_by_overflow_mode", "throw", Version(0, 0)),
    ("distinct_overflow_mode", "throw", Version(0, 0)),
    ("join_overflow_mode", "throw", Version(0, 0)),
    ("set_overflow_mode", "throw", Version(0, 0)),
    // Room for a `where` of 10,000 conditions, 64 deep.
    ("max_query_size", "33554432", Version(0, 0)),
    ("max_ast_depth", "10000", Version(0, 0)),
    ("max_ast_elements", "2000000", Version(0, 0)),
    ("max_expanded_ast_elements", "4000000", Version(0, 0)),
    ("max_parser_depth", "10000", Version(0, 0)),
    // How results travel.
    ("enable_http_compression", "0", Version(0, 0)),
    ("wait_end_of_query", "0", Version(0, 0)),
    ("cancel_http_readonly_queries_on_client_close", "1", Version(0, 0)),
    ("http_write_exception_in_output_format", "0", Version(23, 9)),
];

/// The settings of a statement that may take so long.
pub(crate) fn settings(
    version: Version,
    deadline: Option<Duration>,
) -> impl Iterator<Item = (&'static str, String)> {
    let known = SETTINGS.iter().filter(move |(_, _, since)| *since <= version);
    let limit = deadline.map(|deadline| {
        // Whole seconds, rounded up; 0 would be no limit.
        ("max_execution_time", (deadline + GRACE).as_secs().saturating_add(1).to_string())
    });
    known.map(|(name, value, _)| (*name, (*value).to_owned())).chain(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_sent_what_it_knows_and_its_limit_lies_behind_ours() {
        let of = |version| -> Vec<_> { settings(version, Some(Duration::from_millis(1_500))).collect() };
        let is_sent = |version, name: &str| of(version).iter().any(|(known, _)| *known == name);
        assert!(!is_sent(Version(23, 8), "http_write_exception_in_output_format"));
        assert!(is_sent(Version(23, 9), "http_write_exception_in_output_format"));
        assert_eq!(of(Version(26, 9)).last(), Some(&("max_execution_time", "4".to_owned())));
        assert!(is_sent(Version(23, 8), "readonly"));
    }
}
