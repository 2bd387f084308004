//! The series' text as metrics. What a collector gets is what `/metrics` shows, line by line: there is no second set of
//! numbers that could differ.

use std::mem;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum,
};

use super::span;
use crate::series::{self, Kind};

/// The span of time that the values are of, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Period {
    pub(super) began: u64,
    pub(super) now: u64,
}

/// The metrics of a text, and how many points they have.
pub(super) fn metrics(text: &str, period: Period) -> (Vec<Metric>, u64) {
    let mut families: Vec<Family> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some(sample) = Sample::parse(line) else { continue };
        let Some(series) = series::find(sample.name) else { continue };
        match families.last_mut().filter(|family| family.series.name == series.name) {
            Some(family) => family.add(sample, period),
            None => {
                let mut family = Family { series, numbers: Vec::new(), histograms: Vec::new() };
                family.add(sample, period);
                families.push(family);
            }
        }
    }
    let points = families.iter().map(|family| family.numbers.len() + family.histograms.len()).sum::<usize>();
    let metrics = families.into_iter().map(Family::metric).collect();
    (metrics, u64::try_from(points).unwrap_or(u64::MAX))
}

/// One line.
struct Sample<'t> {
    name: &'t str,
    labels: Vec<(String, String)>,
    value: f64,
}

impl<'t> Sample<'t> {
    /// NaN says that there is no value.
    fn parse(line: &'t str) -> Option<Sample<'t>> {
        let (series, value) = line.rsplit_once(' ')?;
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, parse_labels(labels.strip_suffix('}')?)?),
            None => (series, Vec::new()),
        };
        Some(Sample { name, labels, value: value.parse().ok().filter(|value: &f64| !value.is_nan())? })
    }
}

/// `a="x",b="y"` with `\\`, `\"` and `\n` in the values.
fn parse_labels(text: &str) -> Option<Vec<(String, String)>> {
    let mut labels = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut characters = after.char_indices();
        let end = loop {
            match characters.next()? {
                (at, '"') => break at,
                (_, '\\') => match characters.next()?.1 {
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                (_, other) => value.push(other),
            }
        };
        labels.push((name.to_owned(), value));
        let after = after.get(end + 1..)?;
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    Some(labels)
}

/// All lines of one series.
struct Family {
    series: &'static series::Series,
    numbers: Vec<NumberDataPoint>,
    histograms: Vec<HistogramDataPoint>,
}

impl Family {
    fn add(&mut self, sample: Sample<'_>, period: Period) {
        let Sample { name, mut labels, value } = sample;
        if self.series.kind != Kind::Histogram {
            self.numbers.push(NumberDataPoint {
                attributes: attributes(labels),
                start_time_unix_nano: if self.series.kind == Kind::Counter { period.began } else { 0 },
                time_unix_nano: period.now,
                value: Some(Value::AsDouble(value)),
                ..NumberDataPoint::default()
            });
            return;
        }
        let bound = labels.iter().position(|(name, _)| name == "le").map(|at| labels.remove(at).1);
        let attributes = attributes(labels);
        if self.histograms.last().is_none_or(|point| point.attributes != attributes) {
            self.histograms.push(HistogramDataPoint {
                attributes,
                start_time_unix_nano: period.began,
                time_unix_nano: period.now,
                ..HistogramDataPoint::default()
            });
        }
        let Some(point) = self.histograms.last_mut() else { return };
        match (bound, name.rsplit('_').next()) {
            (Some(bound), _) => {
                // The last bound has none: its count is the point's.
                if let Some(bound) = bound.parse::<f64>().ok().filter(|bound| bound.is_finite()) {
                    point.explicit_bounds.push(bound);
                    point.bucket_counts.push(whole(value));
                }
            }
            (None, Some("sum")) => point.sum = Some(value),
            (None, _) => point.count = whole(value),
        }
    }

    fn metric(mut self) -> Metric {
        let temporality = AggregationTemporality::Cumulative.into();
        for point in &mut self.histograms {
            // The text adds them up; a point has them one by one, and those beyond the last bound.
            let mut below = 0;
            point.bucket_counts.push(point.count);
            for count in &mut point.bucket_counts {
                *count = count.saturating_sub(mem::replace(&mut below, *count));
            }
        }
        let data = match self.series.kind {
            Kind::Gauge => Data::Gauge(Gauge { data_points: self.numbers }),
            Kind::Counter => Data::Sum(Sum {
                data_points: self.numbers,
                aggregation_temporality: temporality,
                is_monotonic: true,
            }),
            Kind::Histogram => Data::Histogram(Histogram {
                data_points: self.histograms,
                aggregation_temporality: temporality,
            }),
        };
        let stem = self.series.name.trim_end_matches("_total");
        let unit = match stem.rsplit('_').next() {
            Some("seconds") => "s",
            Some("ms") => "ms",
            Some("bytes") => "By",
            _ => "1",
        };
        Metric {
            name: self.series.name.to_owned(),
            description: self.series.help.to_owned(),
            unit: unit.to_owned(),
            data: Some(data),
            ..Metric::default()
        }
    }
}

fn attributes(labels: Vec<(String, String)>) -> Vec<KeyValue> {
    labels.into_iter().map(|(name, value)| span::text(&name, value)).collect()
}

/// Counts are whole in the text.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, and saturating")]
fn whole(value: f64) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_becomes_sums_gauges_and_histograms_with_counts_one_by_one() {
        let text = "# TYPE semilayer_jobs_total counter\n\
            semilayer_jobs_total{kind=\"query\",source=\"a\\\"b\\\\,}\",outcome=\"ok\"} 7\n\n\
            semilayer_jobs_in_flight 2\n\
            semilayer_pool_wait_seconds_bucket{source=\"x\",le=\"0.001\"} 1\n\
            semilayer_pool_wait_seconds_bucket{source=\"x\",le=\"0.01\"} 3\n\
            semilayer_pool_wait_seconds_bucket{source=\"x\",le=\"+Inf\"} 4\n\
            semilayer_pool_wait_seconds_sum{source=\"x\"} 1.5\n\
            semilayer_pool_wait_seconds_count{source=\"x\"} 4\n\
            somebody_elses 1\nnonsense\n";
        let (metrics, points) = metrics(text, Period { began: 1, now: 2 });
        assert_eq!((metrics.len(), points), (3, 3));
        let Some(Data::Sum(sum)) = &metrics[0].data else { panic!("{metrics:?}") };
        assert!(sum.is_monotonic);
        assert_eq!(sum.data_points[0].value, Some(Value::AsDouble(7.0)));
        assert_eq!(sum.data_points[0].attributes[1], span::text("source", "a\"b\\,}"));
        assert_eq!((sum.data_points[0].start_time_unix_nano, sum.data_points[0].time_unix_nano), (1, 2));
        assert!(matches!(&metrics[1].data, Some(Data::Gauge(_))));
        let Some(Data::Histogram(histogram)) = &metrics[2].data else { panic!("{metrics:?}") };
        let point = &histogram.data_points[0];
        assert_eq!((&*point.explicit_bounds, &*point.bucket_counts), (&[0.001, 0.01][..], &[1, 2, 1][..]));
        assert_eq!((point.count, point.sum, metrics[2].unit.as_str()), (4, Some(1.5), "s"));
    }
}
