//! The built-in geometric types in their binary form (src/backend/utils/adt/geo_ops.c): a point as `{x, y}`, what
//! GeoJSON has a shape for as that shape. Lines without end and circles have none and stay text.

use std::io::Write as _;

use connector_model::error::Result;
use connector_model::json;

use super::{fixed, malformed};

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Geometric {
    Point,
    /// `lseg`: a `LineString` of two points.
    Segment,
    /// An open one is a `LineString`, a closed one a `LineString` that ends where it began.
    Path,
    /// A `Polygon` of four corners.
    Box,
    Polygon,
}

/// x and y.
type Point = [f64; 2];

impl Geometric {
    pub(super) fn write(self, out: &mut Vec<u8>, raw: &[u8]) -> Result<()> {
        match self {
            Geometric::Point => {
                let [[x, y]] = points::<1>(raw)?;
                out.extend_from_slice(b"{\"x\":");
                json::float64(out, x);
                out.extend_from_slice(b",\"y\":");
                json::float64(out, y);
                out.push(b'}');
            }
            Geometric::Segment => {
                let ends = points::<2>(raw)?;
                shape(out, "LineString", |out| positions(out, ends));
            }
            Geometric::Path => {
                let ([closed], rest) = raw.split_first_chunk::<1>().ok_or_else(malformed)?;
                let path = counted(rest)?;
                let back = path.first().copied().filter(|_| *closed != 0);
                shape(out, "LineString", |out| positions(out, path.iter().copied().chain(back)));
            }
            Geometric::Box => {
                // The upper right corner, then the lower left one.
                let [[right, top], [left, bottom]] = points::<2>(raw)?;
                let ring = [[left, bottom], [right, bottom], [right, top], [left, top], [left, bottom]];
                shape(out, "Polygon", |out| rings(out, ring));
            }
            Geometric::Polygon => {
                let corners = counted(raw)?;
                let back = corners.first().copied();
                shape(out, "Polygon", |out| rings(out, corners.iter().copied().chain(back)));
            }
        }
        Ok(())
    }
}

/// PostGIS's geometry; one that GeoJSON has no shape for as the extension's own text, which is its bytes in hexadecimal.
pub(super) fn from_wkb(out: &mut Vec<u8>, raw: &[u8]) -> Result<()> {
    match json::geometry(out, raw) {
        Ok(()) => Ok(()),
        Err(json::NoGeometry::NoShape) => {
            out.push(b'"');
            for byte in raw {
                write!(out, "{byte:02X}").map_err(|_| malformed())?;
            }
            out.push(b'"');
            Ok(())
        }
        Err(json::NoGeometry::Malformed) => Err(malformed()),
    }
}

fn shape(out: &mut Vec<u8>, kind: &str, coordinates: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(b"{\"type\":\"");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\",\"coordinates\":");
    coordinates(out);
    out.push(b'}');
}

fn rings(out: &mut Vec<u8>, ring: impl IntoIterator<Item = Point>) {
    out.push(b'[');
    positions(out, ring);
    out.push(b']');
}

fn positions(out: &mut Vec<u8>, points: impl IntoIterator<Item = Point>) {
    out.push(b'[');
    for (number, [x, y]) in points.into_iter().enumerate() {
        out.extend_from_slice(if number == 0 { b"[" } else { b",[" });
        json::float64(out, x);
        out.push(b',');
        json::float64(out, y);
        out.push(b']');
    }
    out.push(b']');
}

/// A count and as many points.
fn counted(raw: &[u8]) -> Result<Vec<Point>> {
    let (count, rest) = raw.split_first_chunk::<4>().ok_or_else(malformed)?;
    let points = many(rest)?;
    match usize::try_from(i32::from_be_bytes(*count)) {
        Ok(count) if count == points.len() => Ok(points),
        _ => Err(malformed()),
    }
}

fn points<const N: usize>(raw: &[u8]) -> Result<[Point; N]> {
    many(raw)?.try_into().map_err(|_| malformed())
}

fn many(raw: &[u8]) -> Result<Vec<Point>> {
    let (points, rest) = raw.as_chunks::<16>();
    if !rest.is_empty() {
        return Err(malformed());
    }
    points
        .iter()
        .map(|point| {
            let (x, y) = point.split_at(8);
            Ok([f64::from_be_bytes(fixed(x)?), f64::from_be_bytes(fixed(y)?)])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_answered_without_a_panic(raw in proptest::collection::vec(any::<u8>(), 0..80)) {
            use Geometric::{Box, Path, Point, Polygon, Segment};
            for kind in [Point, Segment, Path, Box, Polygon] {
                let _ = kind.write(&mut Vec::new(), &raw);
            }
            let _ = super::super::address::write(&mut Vec::new(), &raw);
        }
    }
}
