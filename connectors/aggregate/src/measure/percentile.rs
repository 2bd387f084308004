//! Percentiles as SQL's `PERCENTILE_CONT` defines them.

/// The value below which `share` of the values lies, interpolated between the two beside the place; `None` of no
/// values. The values change places.
pub(crate) fn exact(values: &mut [f64], share: f64) -> Option<f64> {
    #[allow(clippy::cast_precision_loss, reason = "no memory holds 2^53 values")]
    let place = share * values.len().checked_sub(1)? as f64;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the last place"
    )]
    let below = (place.floor() as usize).min(values.len() - 1);
    let (_, low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let low = *low;
    let share = place - place.floor();
    if share == 0.0 {
        return Some(low);
    }
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    Some(low + (high - low) * share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn neighbours_are_interpolated() {
        assert_eq!(exact(&mut [3.0, 1.0], 0.5), Some(2.0));
        assert_eq!(exact(&mut [7.0], 0.99), Some(7.0));
        assert_eq!(exact(&mut [4.0, 1.0, 2.0, 3.0, 5.0], 0.25), Some(2.0));
        assert_eq!(exact(&mut [], 0.5), None);
    }

    proptest! {
        #[test]
        fn a_percentile_lies_between_the_values_beside_its_place(
            mut values in prop::collection::vec(-1e9..1e9, 1..200), share in 0.001..0.999
        ) {
            let found = exact(&mut values, share).unwrap();
            values.sort_by(f64::total_cmp);
            let place = share * (values.len() - 1) as f64;
            prop_assert!(values[place.floor() as usize] <= found && found <= values[place.ceil() as usize]);
        }
    }
}
