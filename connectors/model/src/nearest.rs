//! "Did you mean": the names closest to one that does not exist.

/// How many names a message offers.
const OFFERED: usize = 3;

/// Names beyond this count are not compared: a catalogue of a million tables must not make a typo expensive.
const COMPARED: usize = 20_000;

/// The up to three `names` most like `wanted`, the closest first; none that is not alike at all.
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let folded = wanted.to_lowercase();
    let mut scored: Vec<(f64, &str)> = names
        .into_iter()
        .take(COMPARED)
        .filter_map(|name| {
            let candidate = name.to_lowercase();
            // `users` for `public.users`: the last part counts as much as the whole.
            let last = candidate.rsplit('.').next().unwrap_or(&candidate);
            let score = strsim::jaro_winkler(&folded, &candidate).max(strsim::jaro_winkler(&folded, last));
            (score >= 0.75).then_some((score, name))
        })
        .collect();
    scored.sort_by(|(a, left), (b, right)| b.total_cmp(a).then_with(|| left.cmp(right)));
    scored.into_iter().take(OFFERED).map(|(_, name)| name).collect()
}

/// The end of a sentence that offers the nearest names: `; did you mean "a" or "b"?`, or nothing.
pub fn suggestion<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let found = nearest(wanted, names);
    if found.is_empty() {
        return String::new();
    }
    let quoted: Vec<String> = found.iter().map(|name| format!("\"{name}\"")).collect();
    format!("; did you mean {}?", quoted.join(" or "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_the_closest_names_first_and_nothing_far_off() {
        let names = ["public.users", "public.user_roles", "public.orders"];
        assert_eq!(nearest("usres", names).first(), Some(&"public.users"));
        assert!(nearest("zzzz", names).is_empty());
        assert_eq!(suggestion("zzzz", names), "");
        assert!(suggestion("orderz", names).contains("did you mean \"public.orders\""));
    }
}
