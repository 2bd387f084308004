//! What is measured, a file each.

mod cancel;
mod cold_start;
mod driver;
mod encoder;
mod engines;
mod first_chunk;
mod growth;
mod head_of_line;
mod idle;
mod instances;
mod latency;
mod memory;
mod modules;
mod paging;
mod processor;
mod streaming;
mod throughput;

use anyhow::Result;
use clap::ValueEnum;

use crate::figure::Figure;
use crate::floor::Statements;
use crate::world::World;

/// One measurement: a few figures about one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Measurement {
    /// Rows a second through the runner, against the raw driver's
    Streaming,
    /// Rows a second through the driver alone, in this process
    Driver,
    /// Time and allocations of writing a row
    Encoder,
    /// A small job's time beyond its floors
    Latency,
    /// Small jobs a second, against a raw pool
    Throughput,
    /// Processor time of a small job
    Processor,
    /// Memory while streaming
    Memory,
    /// The first chunk of a large result
    FirstChunk,
    /// Small jobs beside four streams
    HeadOfLine,
    /// From a cancel to an idle backend
    Cancel,
    /// From starting the program to its hello
    ColdStart,
    /// Memory when there is nothing to do
    Idle,
    /// How cost grows with rows and with jobs
    Growth,
    /// A table page by page, against one result
    Paging,
    /// Rows a second of the other engines, against their raw drivers
    Engines,
    /// A connector as a module, against the same one natively
    Modules,
    /// Time and memory of a module's instance
    Instances,
}

impl Measurement {
    /// Its name, as `--only` takes it.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Measures.
    ///
    /// # Errors
    /// When something that is measured does not work at all.
    pub(crate) async fn run(self, world: &World, statements: &Statements) -> Result<Vec<Figure>> {
        match self {
            Measurement::Streaming => streaming::measure(world, statements).await,
            Measurement::Driver => driver::measure(world, statements).await,
            Measurement::Encoder => encoder::measure(world).await,
            Measurement::Latency => latency::measure(world, statements).await,
            Measurement::Throughput => throughput::measure(world, statements).await,
            Measurement::Processor => processor::measure(world).await,
            Measurement::Memory => memory::measure(world).await,
            Measurement::FirstChunk => first_chunk::measure(world, statements).await,
            Measurement::HeadOfLine => head_of_line::measure(world, statements).await,
            Measurement::Cancel => cancel::measure(world).await,
            Measurement::ColdStart => cold_start::measure(world).await,
            Measurement::Idle => idle::measure(world).await,
            Measurement::Growth => growth::measure(world).await,
            Measurement::Paging => paging::measure(world).await,
            Measurement::Engines => engines::measure(world).await,
            Measurement::Modules => modules::measure(world).await,
            Measurement::Instances => instances::measure(world).await,
        }
    }
}

/// Bytes in MiB.
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
