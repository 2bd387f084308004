//! Tables, rows and jobs, from a seed: the same seed gives the same of each on every machine.

mod aggregate;
mod filter;
mod job;
mod name;
mod operand;
mod table;
mod value;

pub use aggregate::AggregateJobs;
pub use job::Jobs;
pub(crate) use table::of_kind;
pub use table::tables;

use proptest::strategy::{BoxedStrategy, Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// A source of generated things: number `stream` of the many that one seed has.
pub fn runner(seed: u64, stream: u64) -> TestRunner {
    let mut bytes = [0; 32];
    for (place, byte) in bytes.iter_mut().zip(seed.to_le_bytes().into_iter().chain(stream.to_le_bytes())) {
        *place = byte;
    }
    TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// One thing of a strategy, with the smaller ones it can be turned into.
///
/// # Errors
/// Why the strategy gave none.
pub fn tree<T: std::fmt::Debug + 'static>(
    runner: &mut TestRunner,
    strategy: &BoxedStrategy<T>,
) -> Result<Box<dyn ValueTree<Value = T>>, String> {
    strategy.new_tree(runner).map_err(|reason| format!("nothing could be generated: {reason}"))
}

/// One of these; the first is the simplest.
fn one_of<T: Clone + std::fmt::Debug + 'static>(choices: Vec<T>) -> BoxedStrategy<T> {
    proptest::sample::select(choices).boxed()
}
