//! Saying which part of a job is malformed, without repeating any of it.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::{AssignedSource, number};

#[derive(Deserialize)]
struct Outer<'a> {
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow, rename = "deadlineMs")]
    deadline_ms: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow)]
    source: Option<&'a RawValue>,
    #[serde(borrow)]
    job: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Spec<'a> {
    #[serde(borrow)]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    target: Option<&'a RawValue>,
}

/// The first fault of a `job` frame that is valid JSON but no job. Runs only after decoding has failed.
///
/// The reasons are fixed texts: serde's own messages quote the offending value.
pub(crate) fn reason(frame: &[u8]) -> &'static str {
    let Ok(outer) = serde_json::from_slice::<Outer<'_>>(frame) else {
        return "a field appears twice";
    };
    let Some(params) = outer.params else { return "params is missing" };
    let Ok(params) = serde_json::from_str::<Params<'_>>(params.get()) else {
        return "params must be an object with source and job";
    };
    let Some(source) = params.source else { return "params.source is missing" };
    if !reads_as::<AssignedSource>(source) {
        return "params.source must have id, name and bridge, and credentialsLocation managed or runner-local";
    }
    let Some(spec) = params.job else { return "params.job is missing" };
    let Ok(spec) = serde_json::from_str::<Spec<'_>>(spec.get()) else {
        return "params.job must be an object with kind, target and options";
    };
    if !spec.kind.is_some_and(reads_as::<String>) {
        return "params.job.kind must be a string";
    }
    if !spec.target.is_none_or(reads_as::<Option<String>>) {
        return "params.job.target must be a string";
    }
    let deadline = |raw: &RawValue| number::whole(&mut serde_json::Deserializer::from_str(raw.get())).is_ok();
    if !outer.deadline_ms.is_none_or(deadline) {
        return "deadlineMs must be a whole number of milliseconds that is not negative";
    }
    "id must appear once, as a string"
}

fn reads_as<T: DeserializeOwned>(raw: &RawValue) -> bool {
    serde_json::from_str::<T>(raw.get()).is_ok()
}
