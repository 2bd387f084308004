//! Well-known binary (OGC 06-103r4, section 8.2) to JSON: a point by itself as `{x, y}`, everything else as GeoJSON
//! (RFC 7946). Both byte orders, the seven simple types, with
//! PostGIS's flags (EWKB) or ISO's thousands for a third and fourth coordinate and a reference system.

use super::float64;

/// How deep collections may nest.
const DEEPEST: usize = 32;

/// EWKB's flags in a geometry's type.
const HAS_Z: u32 = 0x8000_0000;
const HAS_M: u32 = 0x4000_0000;
const HAS_SRID: u32 = 0x2000_0000;

/// Why bytes have no GeoJSON form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoGeometry {
    /// They are no well-known binary.
    Malformed,
    /// A curve, a surface or another shape that GeoJSON does not have.
    NoShape,
}

impl std::fmt::Display for NoGeometry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            NoGeometry::Malformed => "the bytes are no well-known binary",
            NoGeometry::NoShape => "GeoJSON has no shape of this kind",
        })
    }
}

impl std::error::Error for NoGeometry {}

/// The JSON of a geometry: a point by itself as `{x, y}`, everything else as GeoJSON. A third coordinate is kept; a fourth (the measure) and the reference system have no place
/// there. An empty point has no coordinates.
///
/// # Errors
/// [`NoGeometry`]; nothing is appended then.
pub fn geometry(out: &mut Vec<u8>, wkb: &[u8]) -> Result<(), NoGeometry> {
    let start = out.len();
    let mut input = Input { rest: wkb, little: false };
    let mut written = whole(out, &mut input);
    if written.is_ok() && !input.rest.is_empty() {
        written = Err(NoGeometry::Malformed);
    }
    if written.is_err() {
        out.truncate(start);
    }
    written
}

fn whole(out: &mut Vec<u8>, input: &mut Input<'_>) -> Result<(), NoGeometry> {
    let begin = input.rest;
    let head = input.head()?;
    if head.kind == Kind::Point {
        let [x, y, z] = input.numbers(head)?;
        if let (Some(x), Some(y)) = (x, y) {
            for (name, number) in [("{\"x\":", Some(x)), (",\"y\":", Some(y)), (",\"z\":", z)] {
                if let Some(number) = number {
                    out.extend_from_slice(name.as_bytes());
                    float64(out, number);
                }
            }
            out.push(b'}');
            return Ok(());
        }
    }
    input.rest = begin;
    shape(out, input, None, DEEPEST)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Point,
    LineString,
    Polygon,
    MultiPoint,
    MultiLineString,
    MultiPolygon,
    Collection,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Kind::Point => "Point",
            Kind::LineString => "LineString",
            Kind::Polygon => "Polygon",
            Kind::MultiPoint => "MultiPoint",
            Kind::MultiLineString => "MultiLineString",
            Kind::MultiPolygon => "MultiPolygon",
            Kind::Collection => "GeometryCollection",
        }
    }
}

/// A geometry's head: what it is, and how many numbers each of its positions has.
#[derive(Clone, Copy)]
struct Head {
    kind: Kind,
    z: bool,
    m: bool,
}

/// One geometry with its own head; inside a collection of points, lines or polygons only its coordinates, and `only`
/// says what it has to be.
fn shape(
    out: &mut Vec<u8>,
    input: &mut Input<'_>,
    only: Option<Kind>,
    depth: usize,
) -> Result<(), NoGeometry> {
    let deeper = depth.checked_sub(1).ok_or(NoGeometry::Malformed)?;
    let head = input.head()?;
    if let Some(only) = only {
        return match head.kind == only {
            true => coordinates(out, input, head),
            false => Err(NoGeometry::Malformed),
        };
    }
    out.extend_from_slice(b"{\"type\":\"");
    out.extend_from_slice(head.kind.name().as_bytes());
    out.extend_from_slice(if head.kind == Kind::Collection {
        b"\",\"geometries\":"
    } else {
        b"\",\"coordinates\":"
    });
    let inner = match head.kind {
        Kind::MultiPoint => Some(Some(Kind::Point)),
        Kind::MultiLineString => Some(Some(Kind::LineString)),
        Kind::MultiPolygon => Some(Some(Kind::Polygon)),
        Kind::Collection => Some(None),
        Kind::Point | Kind::LineString | Kind::Polygon => None,
    };
    match inner {
        Some(only) => list(out, input, |out, input| shape(out, input, only, deeper))?,
        None => coordinates(out, input, head)?,
    }
    out.push(b'}');
    Ok(())
}

fn coordinates(out: &mut Vec<u8>, input: &mut Input<'_>, head: Head) -> Result<(), NoGeometry> {
    let line =
        |out: &mut Vec<u8>, input: &mut Input<'_>| list(out, input, |out, input| position(out, input, head));
    match head.kind {
        Kind::Point => position(out, input, head),
        Kind::LineString => line(out, input),
        Kind::Polygon => list(out, input, line),
        Kind::MultiPoint | Kind::MultiLineString | Kind::MultiPolygon | Kind::Collection => {
            Err(NoGeometry::Malformed)
        }
    }
}

/// A count, then as many of something. Each takes bytes, so that the input bounds how many there can be.
fn list(
    out: &mut Vec<u8>,
    input: &mut Input<'_>,
    mut one: impl FnMut(&mut Vec<u8>, &mut Input<'_>) -> Result<(), NoGeometry>,
) -> Result<(), NoGeometry> {
    let count = input.number()?;
    // The parts of a collection may have another byte order than it.
    let little = input.little;
    out.push(b'[');
    for number in 0..count {
        if number > 0 {
            out.push(b',');
        }
        one(out, input)?;
        input.little = little;
    }
    out.push(b']');
    Ok(())
}

fn position(out: &mut Vec<u8>, input: &mut Input<'_>, head: Head) -> Result<(), NoGeometry> {
    out.push(b'[');
    for (place, number) in input.numbers(head)?.into_iter().flatten().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        float64(out, number);
    }
    out.push(b']');
    Ok(())
}

struct Input<'a> {
    rest: &'a [u8],
    little: bool,
}

impl Input<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], NoGeometry> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(NoGeometry::Malformed)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn number(&mut self) -> Result<u32, NoGeometry> {
        let bytes = self.take()?;
        Ok(if self.little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    fn double(&mut self) -> Result<f64, NoGeometry> {
        let bytes = self.take()?;
        Ok(if self.little { f64::from_le_bytes(bytes) } else { f64::from_be_bytes(bytes) })
    }

    /// A position's numbers, without its measure. PostGIS writes an empty point as one whose coordinates are no numbers:
    /// it has none here.
    fn numbers(&mut self, head: Head) -> Result<[Option<f64>; 3], NoGeometry> {
        let (x, y) = (self.double()?, self.double()?);
        let z = if head.z { Some(self.double()?) } else { None };
        if head.m {
            self.double()?;
        }
        Ok(if x.is_nan() && y.is_nan() { [None; 3] } else { [Some(x), Some(y), z] })
    }

    fn head(&mut self) -> Result<Head, NoGeometry> {
        self.little = match self.take::<1>()? {
            [0] => false,
            [1] => true,
            _ => return Err(NoGeometry::Malformed),
        };
        let code = self.number()?;
        if code & HAS_SRID != 0 {
            self.number()?;
        }
        let plain = code & !(HAS_Z | HAS_M | HAS_SRID);
        let (thousands, kind) = (plain / 1_000, plain % 1_000);
        let kind = match kind {
            1 => Kind::Point,
            2 => Kind::LineString,
            3 => Kind::Polygon,
            4 => Kind::MultiPoint,
            5 => Kind::MultiLineString,
            6 => Kind::MultiPolygon,
            7 => Kind::Collection,
            8..=17 => return Err(NoGeometry::NoShape),
            _ => return Err(NoGeometry::Malformed),
        };
        if thousands > 3 {
            return Err(NoGeometry::Malformed);
        }
        Ok(Head {
            kind,
            z: code & HAS_Z != 0 || thousands & 1 != 0,
            m: code & HAS_M != 0 || thousands & 2 != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(hex: &str) -> Result<String, NoGeometry> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let bytes: Vec<u8> = digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        let mut out = b"x".to_vec();
        let written = geometry(&mut out, &bytes);
        assert!(written.is_ok() || out == b"x", "nothing is left behind");
        written.map(|()| String::from_utf8(out).unwrap().split_off(1))
    }

    /// 1, 2, 3 and 4 as doubles.
    const ONE: &str = "3FF0000000000000";
    const TWO: &str = "4000000000000000";
    const THREE: &str = "4008000000000000";
    const FOUR: &str = "4010000000000000";

    #[test]
    fn every_type_in_big_endian() {
        let point = |x: &str, y: &str| format!("00 00000001 {x}{y}");
        let line = format!("00 00000002 00000002 {ONE}{TWO}{THREE}{FOUR}");
        let polygon = format!("00 00000003 00000001 00000003 {ONE}{ONE}{TWO}{ONE}{ONE}{ONE}");
        for (wkb, json) in [
            (point(ONE, TWO), r#"{"x":1,"y":2}"#.to_owned()),
            (line.clone(), r#"{"type":"LineString","coordinates":[[1,2],[3,4]]}"#.to_owned()),
            (polygon.clone(), r#"{"type":"Polygon","coordinates":[[[1,1],[2,1],[1,1]]]}"#.to_owned()),
            (
                format!("00 00000004 00000002 {}{}", point(ONE, TWO), point(THREE, FOUR)),
                r#"{"type":"MultiPoint","coordinates":[[1,2],[3,4]]}"#.to_owned(),
            ),
            (
                format!("00 00000005 00000001 {line}"),
                r#"{"type":"MultiLineString","coordinates":[[[1,2],[3,4]]]}"#.to_owned(),
            ),
            (
                format!("00 00000006 00000001 {polygon}"),
                r#"{"type":"MultiPolygon","coordinates":[[[[1,1],[2,1],[1,1]]]]}"#.to_owned(),
            ),
            (
                format!("00 00000007 00000002 {}{line}", point(ONE, TWO)),
                concat!(
                    r#"{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]},"#,
                    r#"{"type":"LineString","coordinates":[[1,2],[3,4]]}]}"#
                )
                .to_owned(),
            ),
        ] {
            assert_eq!(of(&wkb).as_deref(), Ok(json.as_str()), "{wkb}");
        }
    }

    #[test]
    fn byte_orders_mix_and_flags_of_both_kinds_are_understood() {
        let little = "01 01000000 000000000000F03F 0000000000000040";
        assert_eq!(of(little).unwrap(), r#"{"x":1,"y":2}"#);
        let mixed = format!("00 00000007 00000002 {little} 00 00000001 {ONE}{TWO}");
        assert_eq!(of(&mixed).unwrap().matches("[1,2]").count(), 2);
        let with_srid = "01 01000020 E6100000 000000000000F03F 0000000000000040";
        assert_eq!(of(with_srid).unwrap(), r#"{"x":1,"y":2}"#);
        for z in ["80000001", "000003E9"] {
            let point = of(&format!("00 {z} {ONE}{TWO}{THREE}")).unwrap();
            assert_eq!(point, r#"{"x":1,"y":2,"z":3}"#);
        }
        for m in ["40000001", "000007D1"] {
            let point = of(&format!("00 {m} {ONE}{TWO}{THREE}")).unwrap();
            assert_eq!(point, r#"{"x":1,"y":2}"#);
        }
        for zm in ["C0000001", "00000BB9"] {
            let point = of(&format!("00 {zm} {ONE}{TWO}{THREE}{FOUR}")).unwrap();
            assert_eq!(point, r#"{"x":1,"y":2,"z":3}"#);
        }
    }

    #[test]
    fn empty_shapes_have_no_coordinates() {
        let nan = "7FF8000000000000";
        assert_eq!(of(&format!("00 00000001 {nan}{nan}")).unwrap(), r#"{"type":"Point","coordinates":[]}"#);
        assert_eq!(of("00 00000003 00000000").unwrap(), r#"{"type":"Polygon","coordinates":[]}"#);
        assert_eq!(of("00 00000007 00000000").unwrap(), r#"{"type":"GeometryCollection","geometries":[]}"#);
    }

    #[test]
    fn what_is_no_geometry_is_an_error_and_leaves_nothing_behind() {
        let point = format!("00 00000001 {ONE}{TWO}");
        for malformed in [
            String::new(),
            "00".to_owned(),
            format!("02 00000001 {ONE}{TWO}"),
            format!("00 00000001 {ONE}"),
            format!("{point}00"),
            format!("00 00000012 {ONE}{TWO}"),
            format!("00 00000FA1 {ONE}{TWO}"),
            "00 00000002 FFFFFFFF".to_owned(),
            format!("00 00000005 00000001 {point}"),
            "00 00000007 00000001".repeat(40),
        ] {
            assert_eq!(of(&malformed), Err(NoGeometry::Malformed), "{malformed}");
        }
        assert_eq!(of("00 00000008 00000000"), Err(NoGeometry::NoShape));
        let nested = format!("{}{point}", "00 00000007 00000001 ".repeat(31));
        assert!(of(&nested).is_ok(), "as deep as it may be");
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered_without_a_panic(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut out = Vec::new();
            if geometry(&mut out, &raw).is_ok() {
                prop_assert!(serde_json::from_slice::<serde_json::Value>(&out).is_ok());
            }
        }

        #[test]
        fn bytes_that_begin_well_are_too(kind in 1u8..9, raw in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut wkb = vec![1, kind, 0, 0, 0, 2, 0, 0, 0];
            wkb.extend(raw);
            let _ = geometry(&mut Vec::new(), &wkb);
        }
    }
}
