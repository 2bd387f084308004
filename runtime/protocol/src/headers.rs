//! Names used in the upgrade request and its answer.

/// Carries the runner's id beside `Authorization: Bearer rk_…`.
pub const RUNNER_ID: &str = "x-semilayer-runner-id";

/// In the 101 response: the features of the gateway that matter before `hello` (only `probe` today).
pub const FEATURES: &str = "x-semilayer-features";

/// Query parameter with the runner's id, for gateways that read credentials from the URL.
pub const QUERY_RUNNER_ID: &str = "runnerId";

/// Query parameter with the token, for gateways that read credentials from the URL.
pub const QUERY_TOKEN: &str = "token";

/// What every runner token begins with.
pub const TOKEN_PREFIX: &str = "rk_";

/// Whether the value of a [`FEATURES`] header (a comma-separated list) names `feature`.
#[must_use]
pub fn lists_feature(value: &str, feature: &str) -> bool {
    value.split(',').any(|item| item.trim().eq_ignore_ascii_case(feature))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_header_is_a_comma_list() {
        assert!(lists_feature("probe", "probe"));
        assert!(lists_feature("credit , Probe", "probe"));
        assert!(!lists_feature("probed", "probe"));
        assert!(!lists_feature("", "probe"));
    }
}
