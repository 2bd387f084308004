//! Time and allocations of writing the reference row.
//!
//! A program of its own because the allocator that counts belongs to the whole process: under the floors it would
//! slow down what the runner is held against. Prints one JSON object.

use std::io::Write;
use std::time::{Duration, Instant};

use allocation_counter::measure;
use anyhow::Result;
use connector_model::json::{self, Envelope, RowBuffer};

/// Rows of one round: enough that the clock's own cost is nothing.
const ROWS: u32 = 400_000;
/// Rounds; the median stands.
const ROUNDS: usize = 7;
/// Size of a chunk, as a job has it.
const CHUNK_BYTES: usize = 64 * 1024;

const COLUMNS: [&str; 8] = ["id", "big", "name", "ratio", "price", "at", "ok", "key"];

/// The reference row, each value another one in each row.
fn write(buffer: &mut RowBuffer, row: u32) -> connector_model::Result<()> {
    buffer.row(|cells| {
        let number = i64::from(row);
        json::integer(cells.cell()?, number);
        json::integer_text(cells.cell()?, number * 10_000_019);
        json::text(cells.cell()?, "reference value 16");
        json::float64(cells.cell()?, f64::from(row) / 7.0);
        json::plain_text(cells.cell()?, b"12345.67");
        json::timestamp(cells.cell()?, 1_709_208_855_123_456 + number);
        json::boolean(cells.cell()?, row.is_multiple_of(2));
        json::uuid(cells.cell()?, &(u128::from(row) << 64 | 0xABCD).to_be_bytes());
        Ok(())
    })
}

/// Time and bytes of one round, chunks taken and dropped as they fill.
fn round(buffer: &mut RowBuffer) -> connector_model::Result<(Duration, usize)> {
    let mut bytes = 0;
    let start = Instant::now();
    for row in 0..ROWS {
        write(buffer, row)?;
        if buffer.is_full() {
            bytes += std::hint::black_box(buffer.take()).0.len();
        }
    }
    Ok((start.elapsed(), bytes))
}

/// Allocations while one chunk fills, and its rows.
fn allocations(buffer: &mut RowBuffer) -> connector_model::Result<(u64, u64)> {
    let mut rows = 0;
    let mut outcome = Ok(());
    drop(buffer.take());
    let counted = measure(|| {
        while outcome.is_ok() && !buffer.is_full() {
            outcome = write(buffer, 123_456);
            rows += 1;
        }
    });
    outcome.map(|()| (counted.count_total, rows))
}

fn main() -> Result<()> {
    let mut buffer = RowBuffer::new(Envelope::default(), CHUNK_BYTES, 8 * 1024 * 1024);
    buffer.columns(COLUMNS);
    round(&mut buffer)?;
    let mut rounds = Vec::new();
    let mut bytes = 0;
    for _ in 0..ROUNDS {
        let (elapsed, written) = round(&mut buffer)?;
        rounds.push(elapsed.as_secs_f64() * 1e9 / f64::from(ROWS));
        bytes = written;
    }
    rounds.sort_unstable_by(f64::total_cmp);
    while !buffer.is_full() {
        write(&mut buffer, 0)?;
    }
    let (count, rows) = allocations(&mut buffer)?;
    let answer = serde_json::json!({
        "nanosecondsARow": rounds.get(ROUNDS / 2),
        "bytesARow": bytes as f64 / f64::from(ROWS),
        "allocations": count,
        "rows": rows,
    });
    writeln!(std::io::stdout(), "{answer}")?;
    Ok(())
}
