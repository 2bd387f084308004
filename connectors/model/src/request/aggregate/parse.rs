//! The options of an `aggregate` job to its typed request.

use serde_json::{Map, Number, Value};

use super::bucket::{Bucket, Step, TimeUnit};
use super::{
    Accuracy, Aggregate, COUNT, Dimension, Function, Join, MAX_BREAKS, MAX_DIMENSIONS, MAX_JOINS,
    MAX_MEASURES, MAX_TOP, Measure, Sort, SortKey,
};
use crate::error::{Error, ErrorCode, Result};
use crate::filter::{self, Filter, Names, Operand};
use crate::nearest::suggestion;
use crate::request::options::Options;

/// Parses the options of an aggregate over `target`.
pub(in crate::request) fn aggregate(target: String, options: &Options, bridge: &str) -> Result<Aggregate> {
    let names = |option| Names { bridge, target: &target, option };
    let joins = list(options, "joins", MAX_JOINS)?
        .iter()
        .enumerate()
        .map(|(at, json)| join(&format!("joins[{at}]"), json))
        .collect::<Result<Vec<_>>>()?;
    if let Some((at, twice)) = repeated(joins.iter().map(|join| join.alias.as_str())) {
        let problem =
            format!("\"{twice}\" is the alias of an earlier join; every alias stands for one target");
        return Err(Error::option(&format!("joins[{at}].alias"), problem));
    }
    let dimensions = list(options, "dimensions", MAX_DIMENSIONS)?
        .iter()
        .enumerate()
        .map(|(at, json)| dimension(&format!("dimensions[{at}]"), json, &joins, bridge))
        .collect::<Result<Vec<_>>>()?;
    if let Some((at, twice)) = repeated(dimensions.iter().map(|dimension| dimension.name.as_str())) {
        let problem =
            format!("\"{twice}\" is the name of an earlier dimension; give one of them another by `as`");
        return Err(Error::option(&format!("dimensions[{at}]"), problem));
    }
    let measures = measures(options, bridge, &target)?;
    let known = Outputs { dimensions: &dimensions, measures: &measures };
    let having = match options.get("having") {
        None => Filter::TRUE,
        Some(json) => having(json, names("having"), known)?,
    };
    let sort = list(options, "sort", MAX_DIMENSIONS + MAX_MEASURES)?
        .iter()
        .enumerate()
        .map(|(at, json)| sort(&format!("sort[{at}]"), json, known))
        .collect::<Result<Vec<_>>>()?;
    let filter = match options.get("candidatesWhere") {
        None => Filter::TRUE,
        Some(json) => filter::parse(json, names("candidatesWhere"))?,
    };
    Ok(Aggregate {
        joins,
        filter,
        ids: ids(options)?,
        sample: sample(options)?,
        having,
        sort,
        limit: options.count("limit")?,
        change_column: options.text("changeTrackingColumn")?,
        dimensions,
        measures,
        target,
    })
}

/// What a group is made of.
#[derive(Clone, Copy)]
struct Outputs<'a> {
    dimensions: &'a [Dimension],
    measures: &'a [Measure],
}

/// The entries of an option that is an array; absent is none.
fn list<'o>(options: &'o Options, name: &str, most: usize) -> Result<&'o [Value]> {
    match options.get(name) {
        None => Ok(&[]),
        Some(Value::Array(entries)) if entries.len() <= most => Ok(entries),
        Some(Value::Array(_)) => Err(Error::option(name, format!("has more than {most} entries"))),
        Some(_) => Err(Error::option(name, "must be an array")),
    }
}

/// The first name that stands twice, with its second place.
fn repeated<'n>(names: impl Iterator<Item = &'n str>) -> Option<(usize, &'n str)> {
    let mut seen = std::collections::HashSet::new();
    names.enumerate().find(|(_, name)| !seen.insert(*name))
}

/// The parts of an object, checked against those it may have; `null` counts as not set.
struct Parts<'j> {
    path: &'j str,
    json: &'j Map<String, Value>,
}

impl<'j> Parts<'j> {
    fn read(path: &'j str, json: &'j Value, known: &[&str]) -> Result<Parts<'j>> {
        let Value::Object(json) = json else {
            return Err(Error::option(path, format!("must be an object of {}", known.join(", "))));
        };
        match json.keys().find(|key| !known.contains(&key.as_str())) {
            Some(unknown) => {
                let hint = suggestion(unknown, known.iter().copied());
                let problem = format!("has no part \"{unknown}\"{hint}; it takes {}", known.join(", "));
                Err(Error::option(path, problem))
            }
            None => Ok(Parts { path, json }),
        }
    }

    fn get(&self, part: &str) -> Option<&'j Value> {
        self.json.get(part).filter(|value| !value.is_null())
    }

    fn text(&self, part: &str) -> Result<Option<&'j str>> {
        let problem = || self.wrong(part, "must be a text that is not empty");
        self.get(part)
            .map(|value| value.as_str().filter(|text| !text.is_empty()).ok_or_else(problem))
            .transpose()
    }

    fn needed(&self, part: &str) -> Result<&'j str> {
        self.text(part)?.ok_or_else(|| self.wrong(part, "is needed"))
    }

    fn wrong(&self, part: &str, problem: impl std::fmt::Display) -> Error {
        Error::option(&format!("{}.{part}", self.path), problem)
    }
}

fn join(path: &str, json: &Value) -> Result<Join> {
    let parts = Parts::read(path, json, &["target", "alias", "kind", "on"])?;
    match parts.text("kind")? {
        None | Some("left") => {}
        Some(_) => return Err(parts.wrong("kind", "must be \"left\"")),
    }
    let alias = parts.needed("alias")?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !alias.bytes().all(plain)
        || alias.starts_with(|first: char| first.is_ascii_digit())
        || alias.len() > 63
    {
        let problem = "must be at most 63 letters, digits and _, and not begin with a digit";
        return Err(parts.wrong("alias", problem));
    }
    let path = format!("{path}.on");
    let on = Parts::read(&path, parts.get("on").unwrap_or(&Value::Null), &["local", "foreign"])?;
    Ok(Join {
        target: parts.needed("target")?.to_owned(),
        alias: alias.to_owned(),
        local: on.needed("local")?.to_owned(),
        foreign: on.needed("foreign")?.to_owned(),
    })
}

fn dimension(path: &str, json: &Value, joins: &[Join], bridge: &str) -> Result<Dimension> {
    let parts = Parts::read(path, json, &["field", "bucket", "as", "from"])?;
    let field = parts.needed("field")?;
    let from = parts.text("from")?;
    if let Some(from) = from.filter(|from| joins.iter().all(|join| join.alias != **from)) {
        let hint = suggestion(from, joins.iter().map(|join| join.alias.as_str()));
        return Err(parts.wrong("from", format!("no join has the alias \"{from}\"{hint}")));
    }
    let bucket =
        parts.get("bucket").map(|json| bucket(&format!("{path}.bucket"), json, bridge)).transpose()?;
    Ok(Dimension {
        name: parts.text("as")?.unwrap_or(field).to_owned(),
        column: from.map_or_else(|| field.to_owned(), |from| format!("{from}.{field}")),
        from: from.map(str::to_owned),
        bucket,
    })
}

fn bucket(path: &str, json: &Value, bridge: &str) -> Result<Bucket> {
    let units = || TimeUnit::ALL.map(TimeUnit::as_str).join(", ");
    if let Value::String(name) = json {
        let unit = TimeUnit::ALL.into_iter().find(|unit| unit.as_str() == name);
        return unit.map(Bucket::Time).ok_or_else(|| {
            Error::option(path, format!("\"{name}\" is no unit of time; there are {}", units()))
        });
    }
    let kind = json.get("type").and_then(Value::as_str);
    match kind {
        Some("numeric") => {}
        Some(kind @ ("geohash" | "h3" | "semantic")) => {
            let message = format!("{bridge} has no buckets of type \"{kind}\"");
            return Err(Error::new(ErrorCode::UnsupportedJob, message).with("option", path));
        }
        _ => {
            let problem =
                format!("must be one of {}, or {{type: \"numeric\", step}} or {{…, breaks}}", units());
            return Err(Error::option(path, problem));
        }
    }
    let parts = Parts::read(path, json, &["type", "step", "breaks"])?;
    match (parts.get("step"), parts.get("breaks")) {
        (Some(_), Some(_)) => Err(Error::option(path, "takes `step` or `breaks`, not both")),
        (None, None) => Err(Error::option(path, "needs `step` or `breaks`")),
        (Some(step), None) => {
            let problem = "must be a number above 0 with at most 15 digits before and 15 behind the point";
            let number = match step {
                Value::Number(number) => Step::new(number),
                _ => None,
            };
            number.map(Bucket::Step).ok_or_else(|| parts.wrong("step", problem))
        }
        (None, Some(breaks)) => self::breaks(breaks).map(Bucket::Breaks).ok_or_else(|| {
            let problem = format!("must be 2 to {MAX_BREAKS} numbers, each greater than the one before it");
            parts.wrong("breaks", problem)
        }),
    }
}

fn breaks(json: &Value) -> Option<Vec<Number>> {
    let numbers = json.as_array().filter(|numbers| (2..=MAX_BREAKS).contains(&numbers.len()))?;
    let numbers: Vec<Number> =
        numbers.iter().map(|number| number.as_number().cloned()).collect::<Option<_>>()?;
    let values: Vec<f64> = numbers.iter().map(Number::as_f64).collect::<Option<_>>()?;
    let ascending =
        values.is_sorted_by(|low, high| low < high) && values.iter().all(|value| value.is_finite());
    ascending.then_some(numbers)
}

fn measures(options: &Options, bridge: &str, target: &str) -> Result<Vec<Measure>> {
    let measures = match options.get("measures") {
        None => return Ok(Vec::new()),
        Some(Value::Object(measures)) if measures.len() <= MAX_MEASURES => measures,
        Some(Value::Object(_)) => {
            return Err(Error::option("measures", format!("has more than {MAX_MEASURES} entries")));
        }
        Some(_) => return Err(Error::option("measures", "must be an object of {name: {agg, column, …}}")),
    };
    measures
        .iter()
        .map(|(name, json)| {
            let path = format!("measures.{name}");
            let parts = Parts::read(&path, json, &["agg", "column", "p", "k", "accuracy", "where"])?;
            let filter = match parts.get("where") {
                None => Filter::TRUE,
                Some(json) => {
                    let option = format!("{path}.where");
                    filter::parse(json, Names { bridge, target, option: &option })?
                }
            };
            Ok(Measure { name: name.clone(), function: function(&parts)?, filter })
        })
        .collect()
}

fn function(parts: &Parts<'_>) -> Result<Function> {
    const NAMES: [&str; 11] = [
        "count",
        "count_distinct",
        "sum",
        "avg",
        "min",
        "max",
        "percentile",
        "top_k",
        "first",
        "last",
        "rate",
    ];
    let agg = parts.needed("agg")?;
    let accuracy = match parts.text("accuracy")? {
        None | Some("exact") => Accuracy::Exact,
        Some("fast") => Accuracy::Fast,
        Some(_) => return Err(parts.wrong("accuracy", "must be \"exact\" or \"fast\"")),
    };
    for (part, of) in [("p", "percentile"), ("k", "top_k")] {
        if agg != of && parts.get(part).is_some() {
            return Err(parts.wrong(part, format!("belongs to {of}, not to {agg}")));
        }
    }
    let column = || parts.needed("column").map(str::to_owned);
    Ok(match agg {
        "count" => Function::Count(parts.text("column")?.map(str::to_owned)),
        "count_distinct" => Function::CountDistinct(column()?, accuracy),
        "sum" | "rate" => Function::Sum(column()?),
        "avg" => Function::Avg(column()?),
        "min" => Function::Min(column()?),
        "max" => Function::Max(column()?),
        "percentile" => {
            let share = parts.get("p").and_then(Value::as_f64).filter(|share| *share > 0.0 && *share < 1.0);
            let share = share.ok_or_else(|| parts.wrong("p", "must be a number above 0 and below 1"))?;
            Function::Percentile(column()?, share, accuracy)
        }
        "top_k" => {
            let most = parts.get("k").and_then(Value::as_u64).and_then(|k| u32::try_from(k).ok());
            let most = most.filter(|k| (1..=MAX_TOP).contains(k));
            let problem = || parts.wrong("k", format!("must be a whole number from 1 to {MAX_TOP}"));
            Function::TopK(column()?, most.ok_or_else(problem)?, accuracy)
        }
        "first" => Function::First(column()?),
        "last" => Function::Last(column()?),
        unknown => {
            let hint = suggestion(unknown, NAMES);
            let problem = format!("nothing is called \"{unknown}\"{hint}; there are {}", NAMES.join(", "));
            return Err(parts.wrong("agg", problem));
        }
    })
}

/// A condition on measures and on `count`.
fn having(json: &Value, names: Names<'_>, known: Outputs<'_>) -> Result<Filter> {
    let filter = filter::parse(json, names)?;
    filter.visit_columns(&mut |name| match known.measures.iter().find(|measure| measure.name == name) {
        Some(Measure { function: Function::TopK(..), .. }) => {
            Err(Error::option("having", format!("\"{name}\" is a top_k: a list has no order")))
        }
        Some(_) => Ok(()),
        None if name == COUNT => Ok(()),
        None => {
            let names = known.measures.iter().map(|measure| measure.name.as_str());
            let hint = suggestion(name, names.chain([COUNT]));
            let problem = format!("no measure is called \"{name}\"{hint}");
            Err(Error::option("having", problem).with("column", name))
        }
    })?;
    Ok(filter)
}

fn sort(path: &str, json: &Value, known: Outputs<'_>) -> Result<Sort> {
    let parts = Parts::read(path, json, &["key", "dir"])?;
    let name = parts.needed("key")?;
    let descending = match parts.text("dir")? {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) => return Err(parts.wrong("dir", "must be \"asc\" or \"desc\"")),
    };
    let measure = known.measures.iter().position(|measure| measure.name == name);
    let key = match measure {
        Some(at) if matches!(known.measures.get(at).map(|it| &it.function), Some(Function::TopK(..))) => {
            return Err(parts.wrong("key", format!("\"{name}\" is a top_k: a list has no order")));
        }
        Some(at) => SortKey::Measure(at),
        None if name == COUNT => SortKey::Count,
        None => {
            let position = known.dimensions.iter().position(|dimension| dimension.name == name);
            SortKey::Dimension(position.ok_or_else(|| {
                let names = known.measures.iter().map(|measure| measure.name.as_str());
                let dimensions = known.dimensions.iter().map(|dimension| dimension.name.as_str());
                let hint = suggestion(name, names.chain(dimensions).chain([COUNT]));
                parts.wrong("key", format!("no measure or dimension is called \"{name}\"{hint}"))
            })?)
        }
    };
    Ok(Sort { key, descending })
}

fn ids(options: &Options) -> Result<Option<Vec<Operand>>> {
    let Some(json) = options.get("ids") else { return Ok(None) };
    let problem = || Error::option("ids", "must be an array of texts or numbers");
    let ids = json.as_array().ok_or_else(problem)?;
    ids.iter()
        .map(|id| match id {
            Value::String(text) => Ok(Operand::Text(text.clone())),
            Value::Number(number) => match number.as_i128() {
                Some(whole) => Ok(Operand::Integer(whole)),
                None => number.as_f64().map(Operand::Float).ok_or_else(problem),
            },
            _ => Err(problem()),
        })
        .collect::<Result<Vec<_>>>()
        .map(Some)
}

fn sample(options: &Options) -> Result<Option<f64>> {
    let problem = || Error::option("sample", "must be a number above 0 and at most 1");
    let share = options.get("sample").map(|json| json.as_f64().ok_or_else(problem)).transpose()?;
    match share {
        Some(share) if !(share > 0.0 && share <= 1.0) => Err(problem()),
        // All of them is no sample.
        share => Ok(share.filter(|share| *share < 1.0)),
    }
}
