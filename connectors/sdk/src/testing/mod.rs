//! A connector in a test, without a runner: the same traits, natively and under a debugger.

mod fake_http;

pub use fake_http::{FakeHttp, FakeRequest, FakeResponse};

pub(crate) use fake_http::answer as fake_answer;
