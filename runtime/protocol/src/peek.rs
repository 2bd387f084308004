//! Reading a frame's `type` and `id` before anything else, without parsing the rest.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::FrameProblem;

/// What the envelope of a frame says.
#[derive(Debug, Default)]
pub(crate) struct Envelope<'a> {
    pub(crate) kind: Option<Cow<'a, str>>,
    pub(crate) id: Option<Cow<'a, str>>,
}

/// Reads as much of `frame` as it takes to know its `type`, and its `id` where one is found on the way.
///
/// Stops as soon as both are known, which is at once for frames that begin with them, so a 16 MiB frame is
/// not scanned twice. Only a frame without a `type` is read to its end, and then its fault is known too.
pub(crate) fn envelope(frame: &[u8]) -> Result<(Cow<'_, str>, Option<Cow<'_, str>>), FrameProblem> {
    let mut found = Envelope::default();
    let outcome = serde_json::Deserializer::from_slice(frame).deserialize_map(EnvelopeVisitor(&mut found));
    match (found.kind, outcome) {
        // Leaving early is an error to serde_json (the object has no end yet), and of no interest here: the
        // typed reading that follows sees the whole frame.
        (Some(kind), _) => Ok((kind, found.id)),
        (None, Ok(())) => Err(FrameProblem::NoType),
        (None, Err(error)) if error.is_data() => match serde_json::from_slice::<IgnoredAny>(frame) {
            Ok(_) => Err(FrameProblem::NotAnObject),
            Err(error) => Err(FrameProblem::not_json(&error)),
        },
        (None, Err(error)) => Err(FrameProblem::not_json(&error)),
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Key {
    Type,
    Id,
    #[serde(other)]
    Other,
}

/// A string that borrows from the frame unless it has escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text<'_>>(raw.get()).ok().map(|text| text.0)
}

struct EnvelopeVisitor<'e, 'de>(&'e mut Envelope<'de>);

impl<'de> Visitor<'de> for EnvelopeVisitor<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a frame")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(key) = fields.next_key::<Key>()? {
            match key {
                Key::Type => self.0.kind = text(fields.next_value()?),
                Key::Id => self.0.id = text(fields.next_value()?),
                Key::Other => {
                    fields.next_value::<IgnoredAny>()?;
                }
            }
            if self.0.kind.is_some() && self.0.id.is_some() {
                break;
            }
        }
        Ok(())
    }
}
