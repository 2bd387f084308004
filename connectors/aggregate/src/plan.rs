//! A request over the columns of a scan: every name a place, every type checked.

use connector_model::error::{Error, Result};
use connector_model::nearest::suggestion;
use connector_model::request::Aggregate;
use connector_model::request::aggregate::{Bucket, COUNT, Function, Sort};
use connector_model::target::{Column, LogicalType};

use crate::condition::{Condition, Place};
use crate::dimension::{Dimension, Ranges};
use crate::measure::Measuring;

/// What is done with each row, and then with each group.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) dimensions: Vec<Dimension>,
    /// Each with the rows it looks at.
    pub(crate) measures: Vec<(Measuring, Condition)>,
    /// The columns that tell rows apart, for samples.
    pub(crate) key: Vec<Place>,
    pub(crate) sample: Option<f64>,
    /// Over the measures in their order, and the count behind them.
    pub(crate) having: Condition,
    pub(crate) sort: Vec<Sort>,
    pub(crate) limit: Option<u64>,
    /// The names of dimensions and measures, for the answer.
    pub(crate) names: (Vec<String>, Vec<String>),
}

impl Plan {
    /// The plan of `request` for rows of these columns, told apart by the columns called `key`.
    ///
    /// # Errors
    /// `INVALID_JOB` naming the option and the column: one that is not there, or of a type that this cannot be
    /// computed of.
    pub(crate) fn new(request: &Aggregate, columns: &[Column], key: &[String]) -> Result<Plan> {
        let names = Names { request, columns };
        let key: Vec<Place> = key.iter().map(|name| names.place("ids", name)).collect::<Result<_>>()?;
        let measures = request
            .measures
            .iter()
            .map(|measure| {
                let option = format!("measures.{}.where", measure.name);
                let filter = Condition::new(&measure.filter, &option, &|name| names.place("measures", name))?;
                Ok((names.measuring(&measure.function, &key)?, filter))
            })
            .collect::<Result<Vec<_>>>()?;
        let output = |name: &str| {
            let at = request.measures.iter().position(|measure| measure.name == name);
            match at.and_then(|at| measures.get(at).map(|(measuring, _)| (at, measuring.kind()))) {
                Some((at, kind)) => Ok(Place { at, kind }),
                None if name == COUNT => Ok(Place { at: measures.len(), kind: LogicalType::Integer }),
                None => Err(Error::option("having", format!("no measure is called \"{name}\""))),
            }
        };
        Ok(Plan {
            dimensions: request
                .dimensions
                .iter()
                .map(|dimension| names.dimension(dimension))
                .collect::<Result<_>>()?,
            having: Condition::new(&request.having, "having", &output)?,
            measures,
            // A row without a key is told apart by all that is known of it.
            key: if key.is_empty() { names.all() } else { key },
            sample: request.sample,
            sort: request.sort.clone(),
            limit: request.limit,
            names: (
                request.dimensions.iter().map(|dimension| dimension.name.clone()).collect(),
                request.measures.iter().map(|measure| measure.name.clone()).collect(),
            ),
        })
    }
}

struct Names<'r> {
    request: &'r Aggregate,
    columns: &'r [Column],
}

impl Names<'_> {
    fn place(&self, option: &str, name: &str) -> Result<Place> {
        let found = self.columns.iter().enumerate().find(|(_, column)| column.name == name);
        found.map(|(at, column)| Place { at, kind: column.logical_type }).ok_or_else(|| {
            unknown_column(
                option,
                &self.request.target,
                name,
                self.columns.iter().map(|column| column.name.as_str()),
            )
        })
    }

    fn all(&self) -> Vec<Place> {
        let places = self.columns.iter().enumerate();
        places.map(|(at, column)| Place { at, kind: column.logical_type }).collect()
    }

    fn dimension(&self, dimension: &connector_model::request::aggregate::Dimension) -> Result<Dimension> {
        const OPTION: &str = "dimensions";
        let place = self.place(OPTION, &dimension.column)?;
        let (fits, wanted) = match dimension.bucket {
            None => (true, ""),
            // A database without types of its own for moments keeps them in texts.
            Some(Bucket::Time(_)) => (
                matches!(
                    place.kind,
                    LogicalType::Date
                        | LogicalType::Timestamp
                        | LogicalType::TimestampTz
                        | LogicalType::Text
                        | LogicalType::Integer
                        | LogicalType::Unknown
                ),
                "moments",
            ),
            Some(Bucket::Step(_) | Bucket::Breaks(_)) => (is_number(place.kind), "numbers"),
        };
        if !fits {
            return Err(mistyped(OPTION, &dimension.column, wanted));
        }
        Ok(Dimension { place, bucket: dimension.bucket.as_ref().map(Ranges::new).transpose()? })
    }

    fn measuring(&self, function: &Function, key: &[Place]) -> Result<Measuring> {
        const OPTION: &str = "measures";
        let place = function.column().map(|name| self.place(OPTION, name)).transpose()?;
        let (fits, wanted): (fn(LogicalType) -> bool, _) = match function {
            Function::Sum(_) | Function::Avg(_) | Function::Percentile(..) => (is_number, "numbers"),
            Function::Min(_) | Function::Max(_) => (has_order, "values that have an order"),
            _ => (|_| true, ""),
        };
        if let (Some(place), Some(name)) = (place, function.column())
            && !fits(place.kind)
        {
            return Err(mistyped(OPTION, name, wanted));
        }
        let order = match function {
            Function::First(column) | Function::Last(column) => {
                let (option, name) = match &self.request.change_column {
                    Some(change) => ("changeTrackingColumn", change),
                    None => (OPTION, column),
                };
                let by = self.place(option, name)?;
                if !has_order(by.kind) {
                    return Err(mistyped(option, name, "values that have an order"));
                }
                std::iter::once(by).chain(key.iter().copied()).collect()
            }
            _ => Vec::new(),
        };
        Ok(Measuring { function: function.clone(), place, order })
    }
}

/// Whether values of this type can be summed; of a column without a type, those that are numbers.
fn is_number(kind: LogicalType) -> bool {
    matches!(kind, LogicalType::Integer | LogicalType::Float | LogicalType::Decimal | LogicalType::Unknown)
}

fn has_order(kind: LogicalType) -> bool {
    !matches!(kind, LogicalType::Json | LogicalType::Array | LogicalType::Geometry)
}

fn mistyped(option: &str, column: &str, wanted: &str) -> Error {
    Error::option(option, format!("column \"{column}\" does not hold {wanted}")).with("column", column)
}

/// `INVALID_JOB` for an option that names a column which is not there, with the nearest names.
pub(crate) fn unknown_column<'n>(
    option: &str,
    target: &str,
    column: &str,
    known: impl IntoIterator<Item = &'n str>,
) -> Error {
    let hint = suggestion(column, known);
    Error::option(option, format!("target \"{target}\" has no column \"{column}\"{hint}"))
        .with("column", column)
}
