//! Options by name and type, with errors that name them.

use serde_json::{Map, Value};

use super::Order;
use crate::error::{Error, Result};
use crate::time;

/// How deep the options' JSON may nest: a filter's 64 levels take two each, and some more for what stands around it.
const MAX_JSON_DEPTH: usize = 160;

/// A job's options.
pub(super) struct Options(Map<String, Value>);

impl Options {
    /// Reads the JSON text of the options; absent or `null` is none.
    pub(super) fn read(json: Option<&str>) -> Result<Options> {
        let Some(json) = json else { return Ok(Options(Map::new())) };
        if nesting(json.as_bytes()) > MAX_JSON_DEPTH {
            return Err(Error::option("options", format_args!("nests deeper than {MAX_JSON_DEPTH} levels")));
        }
        let mut reader = serde_json::Deserializer::from_str(json);
        // Depth is already bounded, above serde_json's own limit.
        reader.disable_recursion_limit();
        match serde::Deserialize::deserialize(&mut reader) {
            Ok(Value::Object(options)) => Ok(Options(options)),
            Ok(Value::Null) => Ok(Options(Map::new())),
            Ok(_) => Err(Error::option("options", "must be an object")),
            Err(_) => Err(Error::option("options", "is not valid JSON")),
        }
    }

    /// An option that is set; `null` counts as not set.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn count(&self, name: &str) -> Result<Option<u64>> {
        self.get(name)
            .map(|value| {
                value
                    .as_u64()
                    // The engines count rows in signed 64 bits.
                    .filter(|count| i64::try_from(*count).is_ok())
                    .ok_or_else(|| Error::option(name, "must be a whole number, 0 or more"))
            })
            .transpose()
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>> {
        self.get(name)
            .map(|value| {
                value.as_str().map(str::to_owned).ok_or_else(|| Error::option(name, "must be a text"))
            })
            .transpose()
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>> {
        self.get(name)
            .map(|value| value.as_bool().ok_or_else(|| Error::option(name, "must be true or false")))
            .transpose()
    }

    /// Column names, each once; `None` is all of them, which `"*"` means too.
    pub(super) fn columns(&self, name: &str) -> Result<Option<Vec<String>>> {
        let problem = || Error::option(name, "must be an array of column names");
        let names = match self.get(name) {
            None => return Ok(None),
            Some(Value::String(star)) if star == "*" => return Ok(None),
            Some(Value::Array(names)) => names,
            Some(_) => return Err(problem()),
        };
        let mut columns: Vec<String> = Vec::with_capacity(names.len());
        for column in names {
            let column = column.as_str().ok_or_else(problem)?;
            if !columns.iter().any(|known| known == column) {
                columns.push(column.to_owned());
            }
        }
        if columns.is_empty() {
            return Err(Error::option(name, "must name at least one column; leave it out for all"));
        }
        Ok(Some(columns))
    }

    /// `{field, dir?}`, an array of these, or `{column: direction}`.
    pub(super) fn order(&self, name: &str) -> Result<Vec<Order>> {
        let mut orders: Vec<Order> = match self.get(name) {
            None => Vec::new(),
            Some(Value::Array(entries)) => {
                entries.iter().map(|entry| order_entry(name, entry)).collect::<Result<Vec<_>>>()?.concat()
            }
            Some(entry) => order_entry(name, entry)?,
        };
        // A column counts where it is first named.
        let mut seen = Vec::new();
        orders.retain(|order| {
            !seen.contains(&order.column) && {
                seen.push(order.column.clone());
                true
            }
        });
        Ok(orders)
    }

    /// A moment: ISO 8601 with any offset, or milliseconds since 1970.
    pub(super) fn moment(&self, name: &str) -> Result<Option<i64>> {
        let problem = || Error::option(name, "must be an ISO 8601 date and time, or milliseconds since 1970");
        self.get(name)
            .map(|value| match value {
                Value::String(text) => time::parse_moment(text).ok_or_else(problem),
                number => number.as_i64().and_then(|millis| millis.checked_mul(1_000)).ok_or_else(problem),
            })
            .transpose()
    }
}

fn order_entry(name: &str, entry: &Value) -> Result<Vec<Order>> {
    let Value::Object(entry) = entry else {
        return Err(Error::option(
            name,
            "must be {field, dir}, an array of these, or {column: \"asc\"|\"desc\"}",
        ));
    };
    let direction = |value: &Value| match value.as_str() {
        Some("asc") => Ok(false),
        Some("desc") => Ok(true),
        _ => Err(Error::option(name, "a direction must be \"asc\" or \"desc\"")),
    };
    match entry.get("field") {
        // `{field: "asc"}` orders by a column of that name; `{field: "name", …}` names one.
        Some(Value::String(column)) if entry.len() > 1 || !matches!(column.as_str(), "asc" | "desc") => {
            if let Some(unknown) = entry.keys().find(|key| !matches!(key.as_str(), "field" | "dir")) {
                return Err(Error::option(
                    name,
                    format_args!("has no part \"{unknown}\"; it takes field and dir"),
                ));
            }
            let descending = entry.get("dir").filter(|dir| !dir.is_null()).map(direction).transpose()?;
            Ok(vec![Order { column: column.clone(), descending: descending.unwrap_or(false) }])
        }
        _ => entry
            .iter()
            .map(|(column, dir)| Ok(Order { column: column.clone(), descending: direction(dir)? }))
            .collect(),
    }
}

/// The deepest nesting of a JSON text, without recursion.
fn nesting(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0usize);
    let (mut in_text, mut escaped) = (false, false);
    for &byte in json {
        if in_text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
