//! A job's way from a caller to a runner and back.
//!
//! [`Dispatcher::run`] picks a socket ([`select`]), hands the job over and waits until it is certain how it goes: with the
//! first rows, its end, or an error. Up to that moment it may be tried once more elsewhere. From then on the caller
//! takes frames from the [`RunningJob`] at its own pace. [`Recorder`] writes down how it went, beside the path.

mod failure;
mod job;
mod recorder;
mod run;
mod select;

pub(crate) use failure::JobFailure;
pub(crate) use job::{Answer, JobRequest, RunningJob, Step};
pub(crate) use recorder::Recorder;
pub(crate) use run::{Dispatcher, Unanswered};
