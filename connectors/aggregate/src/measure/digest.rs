//! Percentiles estimated in fixed memory: a merging t-digest.

use std::f64::consts::PI;

/// How finely the distribution is cut: at most so many centroids, the finer the nearer to an end. A percentile in the
/// middle is off by at most about `1 / COMPRESSION` of the ranks, much less near the ends.
const COMPRESSION: f64 = 200.0;
/// Values that wait until they are merged; up to so many, the answer is exact.
const BUFFER: usize = 512;

/// A sketch of a distribution, of at most 8 KiB (Dunning and Ertl, "Computing extremely accurate quantiles using
/// t-digests", 2019: the merging variant with the scale function k₁).
#[derive(Debug, Default)]
pub(crate) struct Digest {
    centroids: Vec<Centroid>,
    buffer: Vec<f64>,
    min: f64,
    max: f64,
}

#[derive(Debug, Clone, Copy)]
struct Centroid {
    mean: f64,
    weight: f64,
}

impl Digest {
    pub(crate) fn add(&mut self, value: f64) {
        if self.centroids.is_empty() && self.buffer.is_empty() {
            (self.min, self.max) = (value, value);
        }
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        if self.buffer.len() == BUFFER {
            self.merge();
        }
        self.buffer.push(value);
    }

    /// The value below which the share lies; `None` of no values.
    pub(crate) fn percentile(mut self, share: f64) -> Option<f64> {
        if self.centroids.is_empty() {
            return super::percentile::exact(&mut self.buffer, share);
        }
        self.merge();
        let all: f64 = self.centroids.iter().map(|centroid| centroid.weight).sum();
        let wanted = share * (all - 1.0) + 0.5;
        // A centroid stands in the middle of its values; before the first and behind the last is what was seen there.
        let (mut place, mut value, mut before) = (0.5, self.min, 0.0);
        for centroid in &self.centroids {
            let middle = before + centroid.weight / 2.0;
            if wanted < middle {
                return Some(between(wanted, place, value, middle, centroid.mean));
            }
            (place, value) = (middle, centroid.mean);
            before += centroid.weight;
        }
        Some(between(wanted, place, value, all - 0.5, self.max).min(self.max))
    }

    /// Bytes on the heap.
    pub(crate) fn held_bytes(&self) -> usize {
        self.centroids.capacity() * size_of::<Centroid>() + self.buffer.capacity() * size_of::<f64>()
    }

    fn merge(&mut self) {
        let added = self.buffer.drain(..).map(|mean| Centroid { mean, weight: 1.0 });
        let mut all: Vec<Centroid> = self.centroids.drain(..).chain(added).collect();
        all.sort_by(|a, b| a.mean.total_cmp(&b.mean));
        let total: f64 = all.iter().map(|centroid| centroid.weight).sum();
        let mut merged = 0.0;
        let mut limit = upper(0.0) * total;
        for centroid in all {
            match self.centroids.last_mut() {
                Some(last) if merged + centroid.weight <= limit => {
                    last.weight += centroid.weight;
                    last.mean += (centroid.mean - last.mean) * centroid.weight / last.weight;
                }
                _ => {
                    if !self.centroids.is_empty() {
                        limit = upper(merged / total) * total;
                    }
                    self.centroids.push(centroid);
                }
            }
            merged += centroid.weight;
        }
    }
}

/// Up to which share a centroid may reach that begins at `share`: one step of k₁.
fn upper(share: f64) -> f64 {
    let step = COMPRESSION / (2.0 * PI) * (2.0 * share.min(1.0) - 1.0).asin() + 1.0;
    if step >= COMPRESSION / 4.0 { 1.0 } else { f64::midpoint((step * 2.0 * PI / COMPRESSION).sin(), 1.0) }
}

fn between(wanted: f64, place: f64, value: f64, next_place: f64, next_value: f64) -> f64 {
    if next_place <= place {
        return next_value;
    }
    value + (next_value - value) * ((wanted - place) / (next_place - place)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::hash;

    /// Evenly spread in 0..1, in no order.
    fn shuffled(count: u32) -> impl Iterator<Item = f64> {
        (0..count).map(|n| (hash(n.to_le_bytes()) >> 11) as f64 / (1_u64 << 53) as f64)
    }

    #[test]
    fn the_rank_of_an_estimate_is_off_by_less_than_half_a_percent() {
        type Shape = (&'static str, fn(f64) -> f64);
        let shapes: [Shape; 4] = [
            ("even", |u| u),
            ("exponential", |u| -(1.0 - u).ln()),
            ("heavy", |u| (1.0 - u).powi(-4)),
            ("steps", |u| (u * 10.0).floor()),
        ];
        for (name, shape) in shapes {
            for sorted in [false, true] {
                let mut values: Vec<f64> = shuffled(100_000).map(shape).collect();
                let mut ascending = values.clone();
                ascending.sort_by(f64::total_cmp);
                if sorted {
                    values.clone_from(&ascending);
                }
                for share in [0.001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999] {
                    let mut digest = Digest::default();
                    values.iter().for_each(|value| digest.add(*value));
                    assert!(digest.held_bytes() <= 8 * 1024, "{}", digest.held_bytes());
                    let estimate = digest.percentile(share).unwrap();
                    let rank = |below: fn(f64, f64) -> bool| {
                        ascending.partition_point(|value| below(*value, estimate)) as f64 / 100_000.0
                    };
                    // Equal values share their ranks; between two steps any value is as good.
                    let (low, high) = (rank(|a, b| a < b) - 0.005, rank(|a, b| a <= b) + 0.005);
                    assert!(
                        low <= share && share <= high,
                        "{name} {sorted} {share}: {estimate} is {low}..{high}"
                    );
                }
            }
        }
    }

    #[test]
    fn few_values_are_exact() {
        let mut digest = Digest::default();
        [4.0, 1.0, 3.0, 2.0].iter().for_each(|value| digest.add(*value));
        assert_eq!(digest.percentile(0.5), Some(2.5));
        assert_eq!(Digest::default().percentile(0.5), None);
    }
}
