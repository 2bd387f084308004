//! A connector in a test, without a runner: the same traits, natively and under a debugger.
//!
//! - [`native`](fn@native): a session in this process, asked as the runner asks it
//! - [`FakeHttp`]: responses without a server
//! - [`wasm`](fn@wasm): the built component, tested by the runner

mod fake_http;
mod native;
mod wasm;

pub use connector_model::request::Kind;
pub use fake_http::{FakeHttp, FakeRequest, FakeResponse};
pub use native::{Answered, Harness, native};
pub use wasm::{Suite, wasm};

pub(crate) use fake_http::answer as fake_answer;
