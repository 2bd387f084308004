//! A row costs its bytes and no allocation.

use allocation_counter::measure;
use connector_model::error::Result;
use connector_model::json::{self, Envelope, RowBuffer};

/// The eight columns of the reference row: int, bigint, text, double, decimal, timestamp, boolean, UUID.
fn write(buffer: &mut RowBuffer, id: i64) -> Result<()> {
    buffer.row(|row| {
        json::integer(row.cell()?, id);
        json::integer_text(row.cell()?, id << 40);
        json::text(row.cell()?, "a text of ordinary length with \"quotes\" in it");
        json::float64(row.cell()?, 1.0 / 3.0);
        json::plain_text(row.cell()?, b"12345.6789");
        json::timestamp(row.cell()?, 1_709_208_855_123_456);
        json::boolean(row.cell()?, true);
        json::uuid(row.cell()?, &[0xAB; 16]);
        Ok(())
    })
}

#[test]
fn rows_within_a_chunk_allocate_nothing() {
    let mut buffer = RowBuffer::new(Envelope::default(), 64 * 1024, 8 * 1024 * 1024);
    buffer.columns(["id", "big", "name", "ratio", "amount", "at", "ok", "key"]);
    // The first chunk grows the buffer to its size; the ones after it begin with that.
    while !buffer.is_full() {
        write(&mut buffer, 1).unwrap();
    }
    drop(buffer.take());
    let mut rows = 0;
    let counted = measure(|| {
        while !buffer.is_full() {
            write(&mut buffer, 2).unwrap();
            rows += 1;
        }
    });
    assert!(rows > 200, "{rows} rows");
    assert_eq!(counted.count_total, 0, "{rows} rows");
}
