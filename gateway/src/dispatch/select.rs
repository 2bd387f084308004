//! Which socket gets a job.

use rand::Rng;

/// What selection looks at in one socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Whether the runner serves the source's bridge and accepts jobs.
    pub(super) fit: bool,
    /// Jobs in flight and reported.
    pub(super) load: u64,
    /// Set when the runner reported the source as failing: when that was, as it wrote it (RFC 3339, so that text
    /// order is time order).
    pub(super) failing_since: Option<String>,
}

/// Picks the less loaded of two random fit candidates for which the source works: nearly as even as asking all, and
/// callers do not all rush to the one that was least loaded a moment ago. When the source fails for every fit one,
/// the one whose failure was seen longest ago is the likeliest to have recovered.
pub(super) fn choose(candidates: &[Candidate], random: &mut impl Rng) -> Option<usize> {
    let fit = || candidates.iter().enumerate().filter(|(_, candidate)| candidate.fit);
    let working: Vec<(usize, u64)> = fit()
        .filter(|(_, candidate)| candidate.failing_since.is_none())
        .map(|(index, candidate)| (index, candidate.load))
        .collect();
    match working.as_slice() {
        [] => fit()
            .min_by(|(_, one), (_, other)| {
                (&one.failing_since, one.load).cmp(&(&other.failing_since, other.load))
            })
            .map(|(index, _)| index),
        [(only, _)] => Some(*only),
        many => {
            let first = random.random_range(0..many.len());
            // Any but the first, each as likely as the others.
            let second = (first + random.random_range(1..many.len())) % many.len();
            let (one, other) = (many.get(first)?, many.get(second)?);
            Some(if other.1 < one.1 { other.0 } else { one.0 })
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    fn candidate() -> impl Strategy<Value = Candidate> {
        (any::<bool>(), 0_u64..5, prop::option::of("2026-0[1-9]"))
            .prop_map(|(fit, load, failing_since)| Candidate { fit, load, failing_since })
    }

    proptest! {
        #[test]
        fn the_choice_is_always_fit_and_works_if_any_does(
            candidates in prop::collection::vec(candidate(), 0..8), seed: u64,
        ) {
            let chosen = choose(&candidates, &mut StdRng::seed_from_u64(seed));
            let any_fit = candidates.iter().any(|one| one.fit);
            let any_working = candidates.iter().any(|one| one.fit && one.failing_since.is_none());
            prop_assert_eq!(chosen.is_some(), any_fit);
            if let Some(index) = chosen {
                prop_assert!(candidates[index].fit);
                prop_assert_eq!(candidates[index].failing_since.is_none(), any_working);
                if !any_working {
                    let oldest = candidates.iter().filter(|one| one.fit).map(|one| &one.failing_since).min();
                    prop_assert_eq!(Some(&candidates[index].failing_since), oldest);
                }
            }
        }

        #[test]
        fn the_most_loaded_of_several_is_never_chosen(
            loads in prop::collection::hash_set(0_u64..1000, 2..8), seed: u64,
        ) {
            let candidates: Vec<Candidate> = loads.iter()
                .map(|&load| Candidate { fit: true, load, failing_since: None }).collect();
            let chosen = choose(&candidates, &mut StdRng::seed_from_u64(seed)).unwrap();
            prop_assert!(Some(&candidates[chosen].load) != loads.iter().max());
        }
    }

    #[test]
    fn equal_candidates_share_the_work() {
        let candidates = vec![Candidate { fit: true, load: 0, failing_since: None }; 4];
        let mut random = StdRng::seed_from_u64(7);
        let mut chosen = [0_u32; 4];
        for _ in 0..4_000 {
            chosen[choose(&candidates, &mut random).unwrap()] += 1;
        }
        assert!(chosen.iter().all(|&count| count > 800), "{chosen:?}");
    }
}
