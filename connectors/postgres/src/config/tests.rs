use super::*;
use connector_model::config::Origin;
use secrecy::ExposeSecret;

use crate::family::{COCKROACHDB, NEON, POSTGRES, SUPABASE};

fn parse(texts: &[(&str, &str)]) -> Result<Settings> {
    parse_as(&POSTGRES, texts)
}

fn parse_as(family: &Family, texts: &[(&str, &str)]) -> Result<Settings> {
    let config = Config::from_texts(&manifest(family), Origin::Local, texts.iter().copied())?;
    Settings::parse(&config, family)
}

#[test]
fn a_url_and_fields_mix_and_fields_win() {
    let settings = parse(&[
        ("url", "postgres://ann:one@db:6000/app?sslmode=require"),
        ("password", "two"),
        ("host", "other"),
    ])
    .unwrap();
    assert_eq!(settings.endpoints, [Endpoint::Tcp { host: "other".into(), port: 5432 }]);
    assert_eq!(settings.password.unwrap().expose_secret(), "two");
    assert_eq!((settings.user.as_str(), settings.database.as_str()), ("ann", "app"));
    assert_eq!(settings.ssl, SslMode::Require);
}

#[test]
fn ssl_is_honoured_or_refused_and_never_ignored() {
    let base = ("url", "postgres://a@h/d");
    assert_eq!(parse(&[base]).unwrap().ssl, SslMode::Prefer);
    assert_eq!(parse(&[base, ("ssl", "true")]).unwrap().ssl, SslMode::VerifyFull);
    assert_eq!(parse(&[base, ("ssl", "false")]).unwrap().ssl, SslMode::Disable);
    assert_eq!(parse(&[base, ("ssl", "true"), ("sslmode", "verify-ca")]).unwrap().ssl, SslMode::VerifyCa);
    assert!(parse(&[base, ("ssl", "true"), ("sslmode", "disable")]).is_err());
    assert!(parse(&[base, ("sslmode", "allow")]).is_err());
    assert!(parse(&[("url", "postgres://a@h/d?sslnegotiation=direct")]).is_err());
}

#[test]
fn the_machines_own_authorities_are_trusted_with_the_name_only() {
    let with = |texts: &[(&str, &str)]| {
        let system = [("url", "postgres://a@h/d"), ("sslrootcert", "system")];
        parse_as(&SUPABASE, &[&system, texts].concat())
    };
    for texts in [&[][..], &[("ssl", "true")], &[("sslmode", "verify-full")]] {
        let settings = with(texts).unwrap();
        assert_eq!((settings.ssl, settings.root_certificate), (SslMode::VerifyFull, None));
    }
    assert_eq!(parse(&[("url", "postgres://a@h/d?sslrootcert=system")]).unwrap().ssl, SslMode::VerifyFull);
    for weaker in ["disable", "prefer", "require", "verify-ca"] {
        let error = with(&[("sslmode", weaker)]).err().unwrap();
        assert!(error.message().contains(&format!("`sslmode`: is {weaker}")), "{error}");
    }
    assert!(with(&[("ssl", "false")]).is_err());
    assert!(parse(&[("url", "postgres://a@h/d?sslrootcert=system&sslmode=require")]).is_err());
}

#[test]
fn several_hosts_and_sockets() {
    let settings = parse(&[("url", "postgres://a@h1:1,h2,[::1]:3/d?target_session_attrs=standby")]).unwrap();
    assert_eq!(settings.endpoints.len(), 3);
    assert_eq!(settings.endpoints[2], Endpoint::Tcp { host: "::1".into(), port: 3 });
    assert_eq!(settings.wanted, Wanted::Standby);
    let socket = parse(&[("url", "postgres://a@/d?host=/run/postgresql")]).unwrap();
    assert_eq!(socket.endpoints, [Endpoint::Unix { folder: "/run/postgresql".into(), port: 5432 }]);
}

#[test]
fn what_is_missing_is_named() {
    for (texts, name) in [
        (vec![("url", "postgres://ann:pw@/db")], "`host`"),
        (vec![("url", "postgres://host/db")], "`user`"),
        (vec![("host", "h")], "`user`"),
        (vec![("url", "http://h/")], "`url`"),
        (vec![("url", "postgres://a@h:99999/")], "`url`"),
        (vec![("url", "postgres://a@h/"), ("ipFamily", "5")], "`ipFamily`"),
        (vec![("url", "postgres://a@h/"), ("port", "0")], "`port`"),
    ] {
        let error = parse(&texts).err().unwrap();
        assert!(error.message().contains(name), "{error}");
        assert!(!error.message().contains("pw"));
    }
}

#[test]
fn relatives_have_their_own_port_and_tls_and_what_is_set_wins() {
    let port = |settings: Settings| match settings.endpoints.into_iter().next() {
        Some(Endpoint::Tcp { port, .. }) => port,
        other => panic!("{other:?}"),
    };
    for (family, ssl, at) in [
        (&POSTGRES, SslMode::Prefer, 5432),
        (&COCKROACHDB, SslMode::Prefer, 26257),
        (&NEON, SslMode::VerifyFull, 5432),
        (&SUPABASE, SslMode::Require, 5432),
    ] {
        let settings = parse_as(family, &[("host", "h"), ("user", "a")]).unwrap();
        assert_eq!((settings.ssl, port(settings)), (ssl, at), "{}", family.display_name);
        let url = [("url", "postgresql://a@h:7/d?sslmode=disable")];
        let settings = parse_as(family, &url).unwrap();
        assert_eq!((settings.ssl, port(settings)), (SslMode::Disable, 7), "{}", family.display_name);
        assert_eq!(parse_as(family, &[url[0], ("sslmode", "require")]).unwrap().ssl, SslMode::Require);
    }
    assert_eq!(port(parse_as(&COCKROACHDB, &[("url", "cockroachdb://root@h/d")]).unwrap()), 26257);
    assert!(parse(&[("url", "cockroachdb://root@h/d")]).is_err());
}

#[test]
fn known_poolers_are_never_taken_for_a_server() {
    let pooled = |family: &Family, url: &str| {
        let settings = parse_as(family, &[("url", url)]).unwrap();
        settings.endpoints.iter().map(|endpoint| family.pools(endpoint)).collect::<Vec<_>>()
    };
    assert_eq!(pooled(&NEON, "postgres://a@ep-x-1-pooler.eu.aws.neon.tech/d"), [true]);
    assert_eq!(pooled(&NEON, "postgres://a@ep-x-1.eu.aws.neon.tech/d"), [false]);
    assert_eq!(pooled(&SUPABASE, "postgres://a@aws-0-x.pooler.supabase.com:6543/d"), [true]);
    assert_eq!(pooled(&SUPABASE, "postgres://a@aws-0-x.pooler.supabase.com:5432/d"), [false]);
    assert_eq!(pooled(&POSTGRES, "postgres://a@ep-x-1-pooler.eu.aws.neon.tech:6543/d"), [false]);
}

#[test]
fn supabases_rest_form_is_refused_with_what_to_set_instead() {
    for texts in [
        vec![("url", "https://abc.supabase.co"), ("key", "secret")],
        vec![("url", "https://abc.supabase.co")],
        vec![("url", "postgres://a@h/d"), ("key", "secret")],
    ] {
        let error = parse_as(&SUPABASE, &texts).err().unwrap();
        assert!(error.message().contains("REST") && error.message().contains("postgresql://"), "{error}");
        assert!(!error.message().contains("secret"));
    }
    let error = parse(&[("url", "https://abc.supabase.co")]).err().unwrap();
    assert!(error.message().contains("must begin with postgres:// or postgresql://"), "{error}");
}

#[test]
fn channel_binding_is_honoured_or_refused() {
    let of = |mode: &str| parse(&[("url", &format!("postgres://a@h/d?channel_binding={mode}"))]);
    assert_eq!(of("require").unwrap().channel_binding, ChannelBinding::Require);
    assert!(of("always").is_err());
}

#[test]
fn every_member_has_its_manifest() {
    let shown = [&POSTGRES, &COCKROACHDB, &NEON, &SUPABASE].map(|family| {
        let manifest = manifest(family);
        let fields = manifest.fields.iter().map(|field| match &field.default {
            Some(default) => format!("{}={default}", field.key),
            None => field.key.to_string(),
        });
        let fields = fields.collect::<Vec<_>>().join(" ");
        format!(
            "{} \"{}\" {} {:?}\n  {}\n  {fields}\n",
            manifest.package_name,
            manifest.display_name,
            manifest.icon,
            manifest.url_schemes,
            manifest.url_placeholder.clone().unwrap_or_default(),
        )
    });
    insta::assert_snapshot!(shown.concat());
}
