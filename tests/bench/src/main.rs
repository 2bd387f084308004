//! The figures the project keeps: each a ratio against a floor, or against a bound, measured in one run.
//!
//! - `plan`: how much is measured; `arguments`: the command line
//! - `world`: servers, tables and programs; `gateway`: the gateway's end of a runner's socket
//! - `floor`: the same work without the runner; `measure`: what is measured, a file each
//! - `figure`, `statistics`, `machine`, `report`: values, what they have to be, and where they are written

mod arguments;
mod figure;
mod floor;
mod gateway;
mod keys;
mod machine;
mod measure;
mod plan;
mod report;
mod run;
mod statistics;
mod world;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Part};
use run::Outcome;

/// Everything here is one thread's work: the runner and the servers have the other cores, and no floor pays for a
/// hand-over between threads.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.part {
        Some(Part::Echo { url }) => floor::echo::peer(url).await.map(|()| Outcome::Holds),
        None => run::run(&arguments).await,
    };
    match outcome {
        Ok(Outcome::Holds) => ExitCode::SUCCESS,
        Ok(Outcome::GateMissed) => ExitCode::from(1),
        Ok(Outcome::Unmeasured) => ExitCode::from(2),
        Err(error) => {
            // Nobody is left to tell when standard error is closed too.
            let _unheard = writeln!(std::io::stderr(), "bench: {error:#}");
            ExitCode::from(2)
        }
    }
}
