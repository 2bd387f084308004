//! How many different values: a HyperLogLog sketch.

use crate::hash::hash;

/// The first bits of a hash choose one of `2^BITS` registers: a standard error of `1.04 / √4096`, 1.6 %.
const BITS: u32 = 12;
/// Up to so many hashes are kept as they are: small counts are exact.
const SPARSE: usize = 256;

/// A sketch of a set, of 4 KiB however many values went in (Flajolet, Fusy, Gandouet and Meunier 2007; hashes of 64
/// bits make its correction for large sets unneeded).
#[derive(Debug)]
pub(crate) enum Sketch {
    /// The hashes, sorted.
    Sparse(Vec<u64>),
    /// The longest run of zeros that was seen in each register, plus one.
    Dense(Box<[u8]>),
}

impl Default for Sketch {
    fn default() -> Self {
        Sketch::Sparse(Vec::new())
    }
}

impl Sketch {
    pub(crate) fn add(&mut self, value: &[u8]) {
        let hash = hash(value.iter().copied());
        match self {
            Sketch::Sparse(hashes) => {
                let Err(place) = hashes.binary_search(&hash) else { return };
                if hashes.len() < SPARSE {
                    return hashes.insert(place, hash);
                }
                let mut registers = vec![0; 1 << BITS].into_boxed_slice();
                hashes.iter().chain([&hash]).for_each(|hash| note(&mut registers, *hash));
                *self = Sketch::Dense(registers);
            }
            Sketch::Dense(registers) => note(registers, hash),
        }
    }

    /// About how many different values were added.
    pub(crate) fn estimate(&self) -> u64 {
        match self {
            Sketch::Sparse(hashes) => hashes.len() as u64,
            Sketch::Dense(registers) => dense(registers),
        }
    }

    /// Bytes on the heap.
    pub(crate) fn held_bytes(&self) -> usize {
        match self {
            Sketch::Sparse(hashes) => hashes.capacity() * size_of::<u64>(),
            Sketch::Dense(registers) => registers.len(),
        }
    }
}

fn note(registers: &mut [u8], hash: u64) {
    let index = usize::try_from(hash >> (64 - BITS)).unwrap_or(0);
    // A bit behind the rest ends the run at the latest there.
    let run = ((hash << BITS) | (1 << (BITS - 1))).leading_zeros() + 1;
    if let Some(register) = registers.get_mut(index) {
        *register = (*register).max(u8::try_from(run).unwrap_or(u8::MAX));
    }
}

/// Ertl's estimator ("New cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6), which needs
/// no special cases for small and large sets.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate of a count"
)]
fn dense(registers: &[u8]) -> u64 {
    const RUNS: usize = (64 - BITS + 1) as usize;
    let mut counts = [0_u32; RUNS + 1];
    for register in registers {
        if let Some(count) = counts.get_mut(usize::from(*register)) {
            *count += 1;
        }
    }
    let all = registers.len() as f64;
    let count = |run: usize| counts.get(run).map_or(0.0, |count| f64::from(*count));
    let mut sum = all * tau(1.0 - count(RUNS) / all);
    for run in (1..RUNS).rev() {
        sum = 0.5 * (sum + count(run));
    }
    sum += all * sigma(count(0) / all);
    (all / (2.0 * std::f64::consts::LN_2) * all / sum).round() as u64
}

fn sigma(share: f64) -> f64 {
    if share >= 1.0 {
        return f64::INFINITY;
    }
    let (mut x, mut y, mut z) = (share, 1.0, share);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z <= before {
            return z;
        }
    }
}

fn tau(share: f64) -> f64 {
    if share <= 0.0 || share >= 1.0 {
        return 0.0;
    }
    let (mut x, mut y, mut z) = (share, 1.0, 1.0 - share);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z >= before {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_sets_are_exact_and_large_ones_within_five_percent() {
        for size in [0_u32, 1, 256, 257, 1_000, 5_000, 12_000, 20_000, 100_000, 1_000_000] {
            let mut sketch = Sketch::default();
            for value in 0..size {
                sketch.add(value.to_string().as_bytes());
                if value % 3 == 0 {
                    sketch.add(value.to_string().as_bytes());
                }
            }
            let estimate = sketch.estimate() as f64;
            // Three standard errors.
            let most = if size <= 256 { 0.0 } else { 0.05 * f64::from(size) };
            assert!((estimate - f64::from(size)).abs() <= most, "{size}: {estimate}");
            assert!(sketch.held_bytes() <= 4_096);
        }
    }
}
