//! A request over the columns of a scan: every name a place, every type checked.

use connector_model::Conventions;
use connector_model::error::{Error, Result};
use connector_model::request::aggregate::{self as request, Aggregate, Bucket, COUNT, Function, Sort};
use connector_model::target::LogicalType;

use crate::dimension::{Dimension, Ranges};
use crate::measure::Measuring;
use crate::scan::Scan;
use connector_evaluate::condition::{Condition, Place};
use connector_evaluate::field::{Field, unknown_column};

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
    /// Where the database puts NULL in an ascending order.
    pub(crate) nulls_last: bool,
    /// The names of dimensions and measures, for the answer.
    pub(crate) names: (Vec<String>, Vec<String>),
}

impl Plan {
    /// The plan of `request` for the rows of its scan.
    ///
    /// # Errors
    /// `INVALID_JOB` naming the option and the column: one that is not there, or of a type that this cannot be
    /// computed of.
    pub(crate) fn new(request: &Aggregate, scan: &Scan, conventions: Conventions) -> Result<Plan> {
        let names = Names { request, columns: &scan.columns, conventions };
        let key: Vec<Place> = scan.key.iter().map(|name| names.place("ids", name)).collect::<Result<_>>()?;
        let dimensions = request.dimensions.iter().enumerate();
        let dimensions =
            dimensions.map(|(at, dimension)| names.dimension(at, dimension)).collect::<Result<_>>()?;
        let measures = request
            .measures
            .iter()
            .map(|measure| {
                let option = format!("measures.{}.where", measure.name);
                let filter = Condition::new(&measure.filter, &option, &|name| names.place(&option, name))?;
                Ok((names.measuring(measure, &key)?, filter))
            })
            .collect::<Result<Vec<_>>>()?;
        let output = |name: &str| {
            let at = request.measures.iter().position(|measure| measure.name == name);
            match at.and_then(|at| measures.get(at).map(|(measuring, _)| measuring.output(at))) {
                Some(place) => Ok(place),
                None if name == COUNT => Ok(Place::new(measures.len(), LogicalType::Integer)),
                None => Err(Error::option("having", format!("no measure is called \"{name}\""))),
            }
        };
        Ok(Plan {
            having: Condition::new(&request.having, "having", &output)?,
            dimensions,
            measures,
            // A row without a key is told apart by all that is known of it.
            key: if key.is_empty() { names.all() } else { key },
            sample: request.sample,
            sort: request.sort.clone(),
            limit: request.limit,
            nulls_last: names.conventions.nulls_last,
            names: (
                request.dimensions.iter().map(|dimension| dimension.name.clone()).collect(),
                request.measures.iter().map(|measure| measure.name.clone()).collect(),
            ),
        })
    }
}

struct Names<'r> {
    request: &'r Aggregate,
    columns: &'r [Field],
    conventions: Conventions,
}

impl Names<'_> {
    fn place(&self, option: &str, name: &str) -> Result<Place> {
        let found = self.columns.iter().enumerate().find(|(_, field)| field.name == name);
        found.map(|(at, field)| field.at(at)).ok_or_else(|| {
            let known = self.columns.iter().map(|field| field.name.as_str());
            unknown_column(option, &self.request.target, name, known)
        })
    }

    /// The place of a column whose type has to be fit for what is computed of it.
    fn fit(&self, option: &str, name: &str, (fits, needed): Needed) -> Result<Place> {
        let place = self.place(option, name)?;
        if fits(place.kind) {
            return Ok(place);
        }
        let problem = format!("column \"{name}\" does not hold {needed}");
        Err(Error::option(option, problem).with("column", name))
    }

    fn all(&self) -> Vec<Place> {
        let places = self.columns.iter().enumerate();
        places.map(|(at, field)| field.at(at)).collect()
    }

    fn dimension(&self, at: usize, dimension: &request::Dimension) -> Result<Dimension> {
        let (part, needed) = match dimension.bucket {
            None => ("field", ORDERED),
            Some(Bucket::Time(_)) if self.conventions.moments_in_text => ("bucket", MOMENTS_OR_TEXTS),
            Some(Bucket::Time(_)) => ("bucket", MOMENTS),
            Some(Bucket::Step(_) | Bucket::Breaks(_)) => ("bucket", NUMBERS),
        };
        let place = self.fit(&format!("dimensions[{at}].{part}"), &dimension.column, needed)?;
        Ok(Dimension { place, bucket: dimension.bucket.as_ref().map(Ranges::new).transpose()? })
    }

    fn measuring(&self, measure: &request::Measure, key: &[Place]) -> Result<Measuring> {
        let option = format!("measures.{}.column", measure.name);
        let function = &measure.function;
        let needed = match function {
            Function::Sum(_) | Function::Avg(_) | Function::Percentile(..) => NUMBERS,
            Function::CountDistinct(..) | Function::TopK(..) | Function::Min(_) | Function::Max(_) => ORDERED,
            Function::Count(_) | Function::First(_) | Function::Last(_) => ANYTHING,
        };
        let place = function.column().map(|name| self.fit(&option, name, needed)).transpose()?;
        let order = match function {
            Function::First(column) | Function::Last(column) => {
                let by = match &self.request.change_column {
                    Some(change) => self.fit("changeTrackingColumn", change, ORDERED)?,
                    None => self.fit(&option, column, ORDERED)?,
                };
                std::iter::once(by).chain(key.iter().copied()).collect()
            }
            _ => Vec::new(),
        };
        Ok(Measuring { function: function.clone(), place, order })
    }
}

/// Which types something can be computed of, and what their values are called.
type Needed = (fn(LogicalType) -> bool, &'static str);

const ANYTHING: Needed = (|_| true, "values");

/// Of a column without a type, those values that are numbers.
const NUMBERS: Needed = (
    |kind| {
        matches!(
            kind,
            LogicalType::Integer | LogicalType::Float | LogicalType::Decimal | LogicalType::Unknown
        )
    },
    "numbers",
);

const MOMENTS: Needed =
    (|kind| matches!(kind, LogicalType::Date | LogicalType::Timestamp | LogicalType::TimestampTz), "moments");

/// In a database that has no type for moments.
const MOMENTS_OR_TEXTS: Needed =
    (|kind| MOMENTS.0(kind) || matches!(kind, LogicalType::Text | LogicalType::Unknown), "moments");

const ORDERED: Needed = (
    |kind| !matches!(kind, LogicalType::Json | LogicalType::Array | LogicalType::Geometry),
    "values that equal each other or are less or greater",
);
