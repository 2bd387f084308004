//! The JSON of an answer: `{"result": …}` or `{"error": "…"}`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyspace::{Refusal, Reply};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// What became of one command.
#[derive(Debug, PartialEq)]
pub struct Answer(pub Reply);

/// A text that is not in base64, where all should be.
#[derive(Debug, PartialEq, Eq)]
pub struct NotEncoded;

impl Answer {
    /// The answer, its texts taken out of base64 when they are in it. `OK` alone never is.
    ///
    /// # Errors
    /// [`NotEncoded`].
    pub fn reply(self, encoded: bool) -> Result<Reply, NotEncoded> {
        if encoded { decoded(self.0) } else { Ok(self.0) }
    }
}

fn decoded(reply: Reply) -> Result<Reply, NotEncoded> {
    Ok(match reply {
        Reply::Text(bytes) if bytes == b"OK" => Reply::Text(bytes),
        Reply::Text(bytes) => Reply::Text(STANDARD.decode(bytes).map_err(|_| NotEncoded)?),
        Reply::List(items) => Reply::List(items.into_iter().map(decoded).collect::<Result<_, _>>()?),
        other => other,
    })
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Answer, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Answer;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with a result or an error")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Answer, A::Error> {
                let mut answer = None;
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        "result" => answer = Some(map.next_value::<Plain>()?.0),
                        "error" => {
                            let message: String = map.next_value()?;
                            answer = Some(Reply::Refused(Refusal::of(&message)));
                        }
                        _ => {
                            map.next_value::<serde::de::IgnoredAny>()?;
                        }
                    }
                }
                answer.map(Answer).ok_or_else(|| A::Error::custom("neither a result nor an error"))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// A result as it is written.
struct Plain(Reply);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Plain, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Plain;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number, null, or a list of them")
            }

            fn visit_unit<E>(self) -> Result<Plain, E> {
                Ok(Plain(Reply::Nil))
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Plain, E> {
                Ok(Plain(Reply::Boolean(flag)))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Plain, E> {
                Ok(Plain(Reply::Integer(number)))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Plain, E> {
                // Beyond 63 bits only cursors of SCAN go, which are texts to everyone else.
                Ok(Plain(
                    i64::try_from(number)
                        .map_or_else(|_| Reply::Text(number.to_string().into_bytes()), Reply::Integer),
                ))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Plain, E> {
                Ok(Plain(Reply::Double(number)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Plain, E> {
                Ok(Plain(Reply::Text(text.as_bytes().to_vec())))
            }

            fn visit_string<E>(self, text: String) -> Result<Plain, E> {
                Ok(Plain(Reply::Text(text.into_bytes())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Plain, A::Error> {
                let mut items = Vec::new();
                while let Some(Plain(item)) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Plain(Reply::List(items)))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str, encoded: bool) -> Option<Reply> {
        serde_json::from_str::<Answer>(json).ok()?.reply(encoded).ok()
    }

    fn text(text: &str) -> Reply {
        Reply::Text(text.as_bytes().to_vec())
    }

    #[test]
    fn results_and_errors_are_read() {
        let list = Reply::List(vec![text("0"), Reply::List(vec![text("a"), Reply::Nil])]);
        for (json, encoded, reply) in [
            (r#"{"result": "dmFsdWU="}"#, true, Some(text("value"))),
            (r#"{"result": "OK"}"#, true, Some(text("OK"))),
            (r#"{"result": "va\u006cue"}"#, false, Some(text("value"))),
            (r#"{"result": 5, "more": {"x": 1}}"#, true, Some(Reply::Integer(5))),
            (r#"{"result": 18446744073709551615}"#, false, Some(text("18446744073709551615"))),
            (r#"{"result": null}"#, true, Some(Reply::Nil)),
            (r#"{"result": ["MA==", ["YQ==", null]]}"#, true, Some(list)),
            (r#"{"error": "WRONGTYPE x"}"#, true, Some(Reply::Refused(Refusal::of("WRONGTYPE x")))),
            (r#"{"result": "not base64"}"#, true, None),
            (r#"{"result": {}}"#, true, None),
            (r"{}", true, None),
            (r"[]", true, None),
        ] {
            assert_eq!(read(json, encoded), reply, "{json}");
        }
    }
}
