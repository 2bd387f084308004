//! The row writer alone, in its own program.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::figure::Figure;
use crate::world::World;

/// What the program prints.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    nanoseconds_a_row: f64,
    bytes_a_row: f64,
    allocations: u64,
    rows: u64,
}

pub(super) async fn measure(world: &World) -> Result<Vec<Figure>> {
    let output = Command::new(&world.programs.encoder).output().context("running the encoder")?;
    ensure!(output.status.success(), "the encoder ended with {}", output.status);
    let answer: Answer = serde_json::from_slice(&output.stdout).context("reading the encoder's answer")?;
    Ok(vec![
        Figure::new("writing a row of 8 columns", answer.nanoseconds_a_row, "ns")
            .at_most(450.0)
            .note(format!("{:.0} bytes a row; values to JSON, without decoding the wire", answer.bytes_a_row))
            .hint("json::* in connector-model: look for a value that goes through fmt"),
        Figure::new("allocations a row in the writer", answer.allocations as f64 / answer.rows as f64, "")
            .at_most(0.0)
            .note(format!("{} in a chunk of {} rows", answer.allocations, answer.rows))
            .hint(
                "the row buffer grows while a chunk fills, or a value is formatted into a string of its own",
            ),
    ])
}
