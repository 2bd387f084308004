//! What may be shown of a secret.

/// A token so that its owner recognises it: first 8 … last 4 characters, fewer when it is short, never half of it.
pub fn token(token: &str) -> String {
    let length = token.chars().count();
    let (first, last) = match length {
        0..8 => (0, 0),
        8..16 => (3, 0),
        16..26 => (5, 2),
        _ => (8, 4),
    };
    let head: String = token.chars().take(first).collect();
    let tail: String = token.chars().skip(length - last).collect();
    format!("{head}…{tail}")
}

/// A URL without password and parameters. What does not look like one is not shown at all: a URL that somebody got
/// wrong may have its password anywhere.
pub fn url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return hidden().to_owned() };
    if scheme.is_empty() || !scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c)) {
        return hidden().to_owned();
    }
    // A password may hold any of @ : / ?, so whatever stands before the last @ is taken for user and password; but an
    // @ behind a ? may as well be part of a parameter, and what follows it part of a secret.
    let (login, place) = match rest.rsplit_once('@') {
        Some((login, _)) if login.contains(['?', '#']) => return format!("{scheme}://…"),
        Some((login, place)) => (Some(login), place),
        None => (None, rest),
    };
    let (place, more) = match place.find(['?', '#']) {
        Some(at) => (place.get(..at).unwrap_or_default(), "?…"),
        None => (place, ""),
    };
    // `scheme://user:password` with the host forgotten: what stands in the port's place is none.
    if !has_ports_only(place) {
        return format!("{scheme}://…");
    }
    let place: String = place.chars().filter(|c| !c.is_control()).collect();
    let user = match login.map(|login| login.split_once(':')) {
        None => String::new(),
        // Without a password what stands there may be a token.
        Some(Some((user, password)))
            if !password.is_empty() && user.chars().all(|c| c.is_alphanumeric() || "._-%".contains(c)) =>
        {
            format!("{user}:…@")
        }
        Some(_) => "…@".to_owned(),
    };
    format!("{scheme}://{user}{place}{more}")
}

/// Whether behind each host of `host[:port],…/path` there is nothing or a number. SQL Server's have `\instance` as well.
fn has_ports_only(place: &str) -> bool {
    let hosts = place.split('/').next().unwrap_or_default();
    hosts.split(',').all(|host| {
        let behind = host.rsplit_once(']').map_or(host, |(_, behind)| behind);
        let port = behind.split_once(':').map_or("", |(_, port)| port);
        port.chars().all(|c| c.is_ascii_digit())
    })
}

/// What stands for a secret that is set.
pub const fn hidden() -> &'static str {
    "(set, not shown)"
}

/// The part of a runner's id that logs show.
pub fn short_id(id: &str) -> String {
    match id.char_indices().nth(8) {
        Some((end, _)) => format!("{}…", id.get(..end).unwrap_or(id)),
        None => id.to_owned(),
    }
}

/// The same as part of a file's name.
pub fn file_name(id: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    id.chars().take(8).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_shown_by_half() {
        assert_eq!(token("rk_0123456789abcdefghijklmnop"), "rk_01234…mnop");
        assert_eq!(token("rk_short"), "rk_…");
        assert_eq!(token("rk_x"), "…");
        assert_eq!(token(""), "…");
        for length in 0..100 {
            let secret: String = "abcdefghij".chars().cycle().take(length).collect();
            let shown = token(&secret).chars().filter(|c| *c != '…').count();
            assert!(shown * 2 <= length, "{length}");
        }
    }

    #[test]
    fn a_url_loses_its_password_wherever_somebody_put_it() {
        for (given, shown) in [
            ("postgres://app:pw@db:5432/shop", "postgres://app:…@db:5432/shop"),
            ("postgres://app:p@ss/w:rd@db/shop", "postgres://app:…@db/shop"),
            ("postgres://app:p?ss@db/shop", "postgres://…"),
            ("postgres://db/shop?password=p@ss", "postgres://…"),
            ("postgres://db/shop?user=app&password=pw", "postgres://db/shop?…"),
            ("postgres://pw@db/shop", "postgres://…@db/shop"),
            ("libsql://pw:@db/shop", "libsql://…@db/shop"),
            ("postgres://db/shop", "postgres://db/shop"),
            ("postgres://app:pw", "postgres://…"),
            ("postgres://u:pw@[::1]:5432,b:1/shop", "postgres://u:…@[::1]:5432,b:1/shop"),
            ("sqlserver://u:pw@h\\inst:1433/d", "sqlserver://u:…@h\\inst:1433/d"),
            ("sqlite:///var/lib/a.db?mode=ro", "sqlite:///var/lib/a.db?…"),
            ("host=db password=pw", "(set, not shown)"),
            ("pw://", "pw://"),
        ] {
            assert_eq!(url(given), shown, "{given}");
        }
    }

    #[test]
    fn a_short_id_is_shown_whole() {
        assert_eq!(short_id("3f2a9c1e-1111-2222-3333-444444444444"), "3f2a9c1e…");
        assert_eq!(short_id("edge-1"), "edge-1");
    }
}
