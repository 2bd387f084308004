//! A `where` option to a filter tree.

use serde_json::{Map, Value};

use super::{Comparison, Filter, Operand, Test, TextTest};
use crate::error::{Error, ErrorCode, Result};

/// How deep a filter may nest.
pub const MAX_DEPTH: usize = 64;
/// How many conditions a filter may have; a list of values counts as one.
pub const MAX_NODES: usize = 10_000;

/// What errors name: the bridge and the target of the job.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The bridge, as the assignment names it.
    pub bridge: &'a str,
    /// The target, as the job names it.
    pub target: &'a str,
    /// The option that holds the condition: `where`, `having`.
    pub option: &'a str,
}

/// Parses a `where` object.
///
/// # Errors
/// `INVALID_JOB` naming the option and the place in it; `unsupported_operator` naming the operator.
pub fn parse(json: &Value, names: Names<'_>) -> Result<Filter> {
    Parser { names, nodes: 0 }.clause(json, 0)
}

struct Parser<'a> {
    names: Names<'a>,
    nodes: usize,
}

impl Parser<'_> {
    fn count(&mut self) -> Result<()> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(Error::option(
                self.names.option,
                format_args!("has more than {MAX_NODES} conditions"),
            ));
        }
        Ok(())
    }

    fn clause(&mut self, json: &Value, depth: usize) -> Result<Filter> {
        if depth > MAX_DEPTH {
            return Err(Error::option(
                self.names.option,
                format_args!("nests deeper than {MAX_DEPTH} levels"),
            ));
        }
        let Value::Object(entries) = json else {
            return Err(Error::option(
                self.names.option,
                format_args!("a clause must be an object, not {}", kind(json)),
            ));
        };
        let mut parts = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            self.count()?;
            match key.as_str() {
                "$and" => parts.push(Filter::And(self.clauses(key, value, depth)?)),
                "$or" => parts.push(Filter::Or(self.clauses(key, value, depth)?)),
                "$not" => parts.push(Filter::Not(Box::new(self.clause(value, depth + 1)?))),
                operator if operator.starts_with('$') => return Err(self.unsupported(operator)),
                column => self.column(column, value, &mut parts)?,
            }
        }
        Ok(match parts.len() {
            1 => parts.pop().unwrap_or(Filter::TRUE),
            _ => Filter::And(parts),
        })
    }

    fn clauses(&mut self, operator: &str, json: &Value, depth: usize) -> Result<Vec<Filter>> {
        let Value::Array(clauses) = json else {
            return Err(Error::option(
                self.names.option,
                format_args!("{operator} takes an array, not {}", kind(json)),
            ));
        };
        clauses.iter().map(|clause| self.clause(clause, depth + 1)).collect()
    }

    fn column(&mut self, column: &str, value: &Value, parts: &mut Vec<Filter>) -> Result<()> {
        let mut push = |test| parts.push(Filter::Column(column.to_owned(), test));
        match value {
            Value::Array(values) => push(Test::In(operands(self.names.option, column, "$in", values)?)),
            Value::Object(operators) => {
                for test in self.operators(column, operators)? {
                    push(test);
                }
            }
            scalar => push(Test::Equal(operand(self.names.option, column, "$eq", scalar)?)),
        }
        Ok(())
    }

    fn operators(&mut self, column: &str, operators: &Map<String, Value>) -> Result<Vec<Test>> {
        let mut tests = Vec::with_capacity(operators.len());
        for (operator, value) in operators {
            self.count()?;
            tests.push(self.test(column, operator, value)?);
        }
        Ok(tests)
    }

    fn test(&self, column: &str, operator: &str, value: &Value) -> Result<Test> {
        let text = |test| match value {
            Value::String(text) => Ok(Test::Text(test, text.clone())),
            Value::Object(_) | Value::Array(_) => Err(not_scalar(self.names.option, column, operator, value)),
            _ => Ok(Test::Never),
        };
        let compare = |comparison| match operand(self.names.option, column, operator, value)? {
            Operand::Null => Err(problem(
                self.names.option,
                column,
                operator,
                "takes a value, not null; use $exists for NULL",
            )),
            operand => Ok(Test::Compare(comparison, operand)),
        };
        let list = || match value {
            Value::Array(values) => operands(self.names.option, column, operator, values),
            _ => Err(problem(
                self.names.option,
                column,
                operator,
                format_args!("takes an array, not {}", kind(value)),
            )),
        };
        match operator {
            "$eq" => Ok(Test::Equal(operand(self.names.option, column, operator, value)?)),
            "$ne" => Ok(Test::NotEqual(operand(self.names.option, column, operator, value)?)),
            "$gt" => compare(Comparison::Greater),
            "$gte" => compare(Comparison::GreaterOrEqual),
            "$lt" => compare(Comparison::Less),
            "$lte" => compare(Comparison::LessOrEqual),
            "$in" => Ok(Test::In(list()?)),
            "$nin" => Ok(Test::NotIn(list()?)),
            "$like" => text(TextTest::Like),
            "$ilike" => text(TextTest::ILike),
            "$contains" => text(TextTest::Contains),
            "$startsWith" => text(TextTest::StartsWith),
            "$endsWith" => text(TextTest::EndsWith),
            "$exists" => match value {
                Value::Bool(exists) => Ok(Test::Exists(*exists)),
                _ => Err(problem(
                    self.names.option,
                    column,
                    operator,
                    format_args!("takes true or false, not {}", kind(value)),
                )),
            },
            unknown => Err(self.unsupported(unknown)),
        }
    }

    fn unsupported(&self, operator: &str) -> Error {
        let Names { bridge, target, .. } = self.names;
        let message = format!(
            "Bridge does not support where operator \"{operator}\" on target \"{target}\" ({bridge})"
        );
        Error::new(ErrorCode::UnsupportedOperator, message).with("operator", operator).with("bridge", bridge)
    }
}

fn problem(option: &str, column: &str, operator: &str, problem: impl std::fmt::Display) -> Error {
    Error::option(option, format_args!("column \"{column}\": {operator} {problem}"))
}

fn not_scalar(option: &str, column: &str, operator: &str, json: &Value) -> Error {
    problem(
        option,
        column,
        operator,
        format_args!("takes a text, a number, true, false or null, not {}", kind(json)),
    )
}

fn operands(option: &str, column: &str, operator: &str, values: &[Value]) -> Result<Vec<Operand>> {
    values.iter().map(|value| operand(option, column, operator, value)).collect()
}

fn operand(option: &str, column: &str, operator: &str, json: &Value) -> Result<Operand> {
    Ok(match json {
        Value::Null => Operand::Null,
        Value::Bool(flag) => Operand::Boolean(*flag),
        Value::Number(number) => match number.as_i128() {
            Some(whole) => Operand::Integer(whole),
            None => Operand::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => Operand::Text(text.clone()),
        Value::Array(_) | Value::Object(_) => return Err(not_scalar(option, column, operator, json)),
    })
}

/// What a JSON value is, in a sentence.
fn kind(json: &Value) -> &'static str {
    match json {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NAMES: Names<'_> = Names { bridge: "@semilayer/bridge-x", target: "t", option: "where" };

    fn read(json: Value) -> Result<Filter> {
        parse(&json, NAMES)
    }

    #[test]
    fn the_empty_forms_mean_what_logic_says() {
        assert_eq!(read(json!({})).unwrap(), Filter::TRUE);
        assert_eq!(read(json!({"$and": []})).unwrap(), Filter::TRUE);
        assert_eq!(read(json!({"$or": []})).unwrap(), Filter::FALSE);
        assert_eq!(read(json!({"$not": {}})).unwrap(), Filter::Not(Box::new(Filter::TRUE)));
        assert_eq!(read(json!({"a": {}})).unwrap(), Filter::TRUE);
    }

    #[test]
    fn unknown_operators_are_refused_by_name() {
        for (json, operator) in [
            (json!({"$nor": []}), "$nor"),
            (json!({"a": {"$regex": "x"}}), "$regex"),
            (json!({"a": {"": 1}}), ""),
            (json!({"a": {"b": 1}}), "b"),
        ] {
            let error = read(json).unwrap_err();
            assert_eq!(error.code(), ErrorCode::UnsupportedOperator);
            assert_eq!(
                error.message(),
                format!(
                    "Bridge does not support where operator \"{operator}\" on target \"t\" (@semilayer/bridge-x)"
                )
            );
        }
    }

    #[test]
    fn wrong_operands_name_column_and_operator() {
        for json in [
            json!({"age": {"$gt": null}}),
            json!({"age": {"$in": 3}}),
            json!({"age": {"$eq": {"x": 1}}}),
            json!({"age": [[1]]}),
            json!({"age": {"$exists": "yes"}}),
            json!({"age": {"$contains": ["x"]}}),
        ] {
            let error = read(json).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidJob);
            assert!(error.message().contains("`where`") && error.message().contains("\"age\": $"), "{error}");
        }
    }

    #[test]
    fn depth_and_nodes_are_bounded_and_long_lists_are_not() {
        let nested = |depth: usize| (0..depth).fold(json!({}), |inner, _| json!({"$not": inner}));
        assert!(read(nested(MAX_DEPTH)).is_ok());
        assert!(read(nested(MAX_DEPTH + 1)).unwrap_err().message().contains("deeper"));
        let wide: Vec<Value> = (0..MAX_NODES + 1).map(|n| json!({"a": n})).collect();
        assert!(read(json!({ "$or": wide })).unwrap_err().message().contains("more than"));
        let ids: Vec<u32> = (0..50_000).collect();
        assert!(read(json!({ "id": ids })).is_ok());
    }
}
