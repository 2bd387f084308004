//! A failed dial as the error a job ends with.

use connector_model::error::{Error, ErrorCode};
use dial::{DialError, Kind};

/// The setting that lets a managed config reach an address that is refused otherwise.
pub const ALLOW_HOSTS: &str =
    "SEMILAYER_MANAGED_ALLOW_HOSTS (or [managed] allow_hosts in the configuration file)";

/// `SOURCE_UNREACHABLE` with the stage, the kind and what the peer presented; `POLICY_DENIED`, naming the setting
/// that would allow it, when an address rule refused.
pub fn unreachable(error: &DialError) -> Error {
    let failed = match error.kind() {
        Kind::NotAllowed(_) => Error::new(
            ErrorCode::PolicyDenied,
            format!("{error}; to allow it, the runner's operator names it in {ALLOW_HOSTS}"),
        )
        .with("rule", "managed.allow_hosts"),
        _ => Error::new(ErrorCode::SourceUnreachable, error.to_string()),
    };
    let mut failed = failed.with("stage", error.stage().name()).with("kind", error.kind().code());
    if let Some(address) = error.address() {
        failed = failed.with("address", address.to_string());
    }
    if let Some(certificate) = error.certificate() {
        failed = failed
            .with("certificateSubject", certificate.subject.clone())
            .with("certificateIssuer", certificate.issuer.clone());
    }
    failed
}
