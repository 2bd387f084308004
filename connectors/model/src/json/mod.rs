//! Values to JSON text: one table for every connector.
//!
//! Each function appends to a buffer and allocates nothing but what the buffer needs to grow. Which function a
//! driver calls for which of its types is the driver's table; what comes out is the same everywhere:
//!
//! | kind | JSON |
//! |---|---|
//! | boolean | `true`, `false` |
//! | integers up to 32 bits, floats | number; NaN and infinities `null` |
//! | 64-bit integers | string ([`integer_text`]) or number while exact ([`integer_if_exact`]) |
//! | decimal | string, exact, scale kept |
//! | date | `"YYYY-MM-DDT00:00:00.000Z"` |
//! | timestamp | `"YYYY-MM-DDTHH:MM:SS.mmmZ"`, microseconds when they are not zero |
//! | time | `"HH:MM:SS"`, with microseconds when they are not zero |
//! | bytes | base64 string, or a Node `Buffer` object |
//! | geometry | a point alone `{"x":…,"y":…}`, everything else GeoJSON |
//! | JSON | spliced as it is |

mod bytes;
mod escape;
mod geometry;
mod moment;
mod number;
mod objects;
mod row;

pub use bytes::{base64, buffer_object};
pub use escape::{text, text_len, text_lossy};
pub use geometry::{NoGeometry, geometry};
pub use moment::{Interval, date, interval, time_of_day, timestamp, uuid};
pub use number::{
    boolean, float32, float64, integer, integer_if_exact, integer_text, number_or_text, unsigned_if_exact,
};
pub use objects::objects;
pub use row::{Envelope, MAX_ROW_BYTES, RowBuffer, RowWriter, row_too_large};

/// `null`.
pub fn null(out: &mut Vec<u8>) {
    out.extend_from_slice(b"null");
}

/// Text that is known to need no escaping (digits, hex, an ISO date), in quotes.
pub fn plain_text(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(text);
    out.push(b'"');
}

/// A JSON document, verbatim but for line breaks between its tokens, which become spaces: a row has to stay on one
/// line wherever rows are lines. (Inside a JSON string a line break is always escaped.)
pub fn verbatim(out: &mut Vec<u8>, json: &[u8]) {
    let start = out.len();
    out.extend_from_slice(json);
    if memchr::memchr2(b'\n', b'\r', json).is_some() {
        let copied = out.iter_mut().skip(start);
        copied.filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
    }
}
