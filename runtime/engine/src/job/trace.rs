//! The caller's trace, as a job's `traceparent` option has it (W3C Trace Context, level 1).

use std::borrow::Cow;
use std::fmt::Write;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The key in the options.
const OPTION: &str = "\"traceparent\"";

/// The caller's place in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace.
    pub trace_id: [u8; 16],
    /// The caller's span in it.
    pub span_id: [u8; 8],
    /// Whether the caller's span is recorded.
    pub is_sampled: bool,
}

#[derive(Deserialize)]
struct Carrier<'o> {
    #[serde(borrow)]
    traceparent: Cow<'o, str>,
}

impl TraceParent {
    /// The one in a job's options, if they have one and it is valid: an invalid one is as good as none.
    pub(crate) fn of(options: &RawValue) -> Option<TraceParent> {
        // Most jobs have none, and options may be large: only those that may have one are taken apart for it.
        if !options.get().contains(OPTION) {
            return None;
        }
        TraceParent::parse(&serde_json::from_str::<Carrier<'_>>(options.get()).ok()?.traceparent)
    }

    /// `version-trace-parent-flags`, in lower-case hexadecimal digits. What stands behind the flags belongs to later
    /// versions.
    pub fn parse(text: &str) -> Option<TraceParent> {
        let mut parts = text.split('-');
        let [version] = bytes(parts.next()?)?;
        let (trace_id, span_id) = (bytes::<16>(parts.next()?)?, bytes::<8>(parts.next()?)?);
        let [flags] = bytes(parts.next()?)?;
        let is_valid = version != 0xff
            && (version != 0 || parts.next().is_none())
            && trace_id != [0; 16]
            && span_id != [0; 8];
        is_valid.then_some(TraceParent { trace_id, span_id, is_sampled: flags & 1 == 1 })
    }

    /// The trace's id as it is written.
    pub fn trace_hex(&self) -> String {
        self.trace_id.iter().fold(String::with_capacity(32), |mut hex, byte| {
            // Writing to a text cannot fail.
            let _written = write!(hex, "{byte:02x}");
            hex
        })
    }
}

fn bytes<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = hex.as_bytes().as_chunks::<2>() else { return None };
    let mut bytes = [0; N];
    if pairs.len() != N {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? * 16 + digit(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_and_what_is_none_is_none() {
        let parent = TraceParent::parse(GOOD).unwrap();
        assert_eq!(parent.trace_hex(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!((parent.span_id[0], parent.span_id[7], parent.is_sampled), (0x00, 0xb7, true));
        assert!(!TraceParent::parse(&GOOD.replace("-01", "-00")).unwrap().is_sampled);
        assert!(TraceParent::parse(&format!("{}-more", GOOD.replacen("00", "01", 1))).is_some());
        for bad in [
            "",
            "00",
            &GOOD.to_uppercase(),
            &GOOD.replacen("00", "ff", 1),
            &format!("{GOOD}-more"),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
        ] {
            assert_eq!(TraceParent::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn it_is_an_option_of_its_own_and_not_a_value_somewhere() {
        let of = |text: String| TraceParent::of(&RawValue::from_string(text).unwrap());
        assert!(of(format!(r#"{{"where":{{}},"traceparent":"{GOOD}"}}"#)).is_some());
        assert_eq!(of(format!(r#"{{"where":{{"traceparent":"{GOOD}"}}}}"#)), None);
        assert_eq!(of(r#"{"traceparent":7}"#.to_owned()), None);
        assert_eq!(of(r#"{"limit":1}"#.to_owned()), None);
        assert_eq!(of("[]".to_owned()), None);
    }
}
