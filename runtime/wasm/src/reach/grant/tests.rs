//! Grants against tables of hosts and addresses.

use std::net::IpAddr;

use super::*;
use connector_model::Capabilities;
use connector_model::conventions::Conventions;
use connector_model::manifest::{Field, FieldKind, texts};
use proptest::prelude::*;

fn manifest(egress: &[&'static str]) -> ModuleManifest {
    use FieldKind::{Boolean, Number, Password, String};
    ModuleManifest {
        manifest: Manifest {
            package_name: "@acme/bridge-acme".into(),
            display_name: "Acme".into(),
            icon: "x".into(),
            supports_url: true,
            url_placeholder: None,
            url_schemes: texts(&["acme"]),
            fields: vec![
                Field::new("url", "URL", Password).aliases(&["connectionString"]),
                Field::new("host", "Host", String),
                Field::new("account", "Account", String),
                Field::new("fallbackHost", "Host", String).default("fallback.example"),
                Field::new("port", "Port", Number).default("9000"),
                Field::new("textPort", "Port", String),
                Field::new("tls", "TLS", Boolean),
            ],
            capabilities: Capabilities::default(),
            version: "1".into(),
        },
        connector_api: "0.1.0".into(),
        operations: Vec::new(),
        conventions: Conventions::default(),
        egress: texts(egress),
    }
}

fn rules(texts: &[&str]) -> Vec<AllowRule> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn grant(egress: &[&'static str], origin: Origin, config: &[(&str, &str)], allow: &[&str]) -> Result<Grant> {
    let manifest = manifest(egress);
    let config = Config::from_texts(&manifest.manifest, origin, config.iter().copied()).unwrap();
    Grant::new("acme", &manifest, &config, &rules(allow))
}

/// A grant and its source's filter.
struct Case(Grant, AddressFilter);

fn local(egress: &[&'static str], config: &[(&str, &str)], allow: &[&str]) -> Case {
    Case(grant(egress, Origin::Local, config, allow).unwrap(), AddressFilter::unrestricted())
}

fn managed(config: &[(&str, &str)], allow: &[&str], managed_allow: &[&str]) -> Case {
    let grant = grant(&["{host}:{port}", "api.example:443"], Origin::Managed, config, allow).unwrap();
    Case(grant, AddressFilter::guarded(rules(managed_allow)))
}

impl Case {
    /// Whether the host may be dialled when its name resolves to that address; an address stands for itself.
    fn reaches(&self, host: &str, port: u16, address: &str) -> bool {
        let Ok(permit) = self.0.permit(host, port, &self.1) else { return false };
        let to = &permit.destination;
        let address: IpAddr = match to.literal() {
            Some(literal) => literal,
            None if permit.filter.check_name(to).is_err() => return false,
            None => address.parse().unwrap(),
        };
        permit.filter.check_address(to, address).is_ok()
    }

    fn granted(&self, host: &str, port: u16) -> bool {
        self.reaches(host, port, "8.8.8.8")
    }
}

#[test]
fn the_configured_host_and_port_are_granted_and_nothing_else() {
    let case = local(&["{host}:{port}"], &[("host", "DB.example."), ("port", "6380")], &[]);
    for (host, port, expected) in [
        ("db.example", 6380, true),
        ("DB.EXAMPLE", 6380, true),
        ("db.example.", 6380, true),
        ("db.example", 9000, false),
        ("db.example", 6379, false),
        ("db.example", 0, false),
        ("a.db.example", 6380, false),
        ("example", 6380, false),
        ("db.example.evil.example", 6380, false),
        ("db.example\0.evil.example", 6380, false),
        ("db.example@evil.example", 6380, false),
        ("db。example", 6380, false),
        ("8.8.8.8", 6380, false),
        ("127.0.0.1", 6380, false),
        ("localhost", 6380, false),
        ("", 6380, false),
    ] {
        assert_eq!(case.granted(host, port), expected, "{host:?}:{port}");
    }
}

#[test]
fn a_port_comes_from_the_configuration_before_anybody_elses() {
    type Config = &'static [(&'static str, &'static str)];
    let egress: &[&'static str] = &["{url}:8123", "{host}:{port}", "{host}:22"];
    let cases: &[(Config, &[u16], &[u16])] = &[
        (&[("url", "http://h:8080")], &[8080], &[80, 8123, 9000, 22]),
        (&[("url", "http://h")], &[80, 8123], &[8080, 443, 9000, 22]),
        (&[("url", "https://h/x")], &[443, 8123], &[80]),
        (&[("url", "acme://h")], &[8123], &[80, 443]),
        (&[("connectionString", "rediss://u:p@h")], &[6379, 8123], &[443]),
        (&[("host", "h"), ("port", "5")], &[5], &[22, 9000]),
        (&[("host", "h")], &[9000], &[22, 80]),
        (&[("host", "h:7")], &[7], &[9000, 22]),
        (&[("host", "h:7"), ("port", "5")], &[7, 5], &[9000, 22]),
        (&[("host", "http://h")], &[80, 9000], &[22, 443]),
        (&[], &[], &[9000, 22, 8123]),
    ];
    for (config, granted, refused) in cases {
        let case = local(egress, config, &[]);
        for port in *granted {
            assert!(case.granted("h", *port), "{egress:?} with {config:?}: {port}");
        }
        for port in *refused {
            assert!(!case.granted("h", *port), "{egress:?} with {config:?}: {port}");
        }
    }
    // The operator may allow the other port.
    let case = local(&["{host}:{port}", "{host}:22"], &[("host", "h"), ("port", "5")], &["h:22"]);
    assert!(case.granted("h", 5) && case.granted("h", 22));
    assert!(!local(&["{url}"], &[("url", "acme://h")], &[]).granted("h", 80));
}

#[test]
fn a_module_chooses_one_port_at_a_host_of_the_operators() {
    let ports = |egress: &[&'static str], config: &[(&str, &str)], allow: &[&str]| -> Vec<u16> {
        let case = local(egress, config, allow);
        // At a private address too: the operator wrote the host.
        [22, 80, 443, 6379, 8123, 8443, 9000]
            .into_iter()
            .filter(|port| case.reaches("h", *port, "10.0.0.5"))
            .collect()
    };
    let host = [("host", "h")];
    assert_eq!(ports(&["{host}:8123", "{host}:22", "{host}:443"], &host, &[]), [8123], "the first");
    assert_eq!(ports(&["{host}:22", "{host}:{port}"], &host, &[]), [9000], "the field's default before it");
    assert_eq!(ports(&["{host}:8123", "{host}:22"], &host, &["h:22"]), [22, 8123], "the operator's are more");
    assert_eq!(ports(&["{url}:8123", "{host}:22"], &[("url", "http://h"), ("host", "h")], &[]), [80, 8123]);

    let with_tls = ["{url}:8123|8443", "{host}:8123|8443"];
    for (config, expected) in [
        (&[("host", "h")][..], &[8123][..]),
        (&[("host", "h"), ("tls", "true")], &[8443]),
        (&[("host", "h"), ("url", "https://other")], &[8443]),
        (&[("url", "https://h")], &[443, 8443]),
        (&[("url", "https://h"), ("tls", "false")], &[443, 8123]),
        (&[("url", "clickhouses://h")], &[8443]),
        (&[("url", "http://h:9000"), ("tls", "true")], &[9000]),
    ] {
        assert_eq!(ports(&with_tls, config, &[]), expected, "{config:?}");
    }
}

#[test]
fn a_url_and_fields_may_be_mixed_and_only_what_they_name_is_granted() {
    let egress: &[&str] = &["{url}", "{host}:{port}"];
    let places = |config: &[(&str, &str)]| -> Vec<String> {
        let case = local(egress, config, &[]);
        let all = ["h", "u"].into_iter().flat_map(|host| [5, 7, 6379, 9000].map(|port| (host, port)));
        let granted = all.filter(|(host, port)| case.granted(host, *port));
        granted.map(|(host, port)| format!("{host}:{port}")).collect()
    };
    assert_eq!(places(&[("url", "redis://u:7"), ("port", "5")]), ["u:5", "u:7"]);
    assert_eq!(places(&[("url", "redis://u"), ("port", "5")]), ["u:5", "u:6379"]);
    assert_eq!(places(&[("url", "redis://u:7"), ("host", "h")]), ["h:7", "h:9000", "u:7"]);
    assert_eq!(places(&[("url", "redis://u:7"), ("host", "h"), ("port", "5")]), ["h:5", "h:7", "u:5", "u:7"]);
    // What the module's author names is no part of it.
    let author = local(&["{url}", "api.example:443"], &[("url", "redis://u:7")], &[]);
    assert!(!author.granted("api.example", 7) && !author.granted("u", 443));
}

#[test]
fn what_the_author_names_needs_the_operator() {
    let egress: &[&str] = &[
        "api.example:443",
        "*.wide.example:443",
        "{account}.saas.example:443",
        "{fallbackHost}:{port}",
        "203.0.113.5:1",
    ];
    let config = [("account", "Ann-1")];
    let hosts = [
        ("api.example", 443),
        ("x.wide.example", 443),
        ("x.y.wide.example", 443),
        ("ann-1.saas.example", 443),
        ("fallback.example", 9000),
        ("203.0.113.5", 1),
    ];
    let nothing = local(egress, &config, &[]);
    let everything = local(
        egress,
        &config,
        &[
            "api.example:443",
            "*.wide.example",
            "ann-1.saas.example",
            "fallback.example:9000",
            "203.0.113.0/24",
        ],
    );
    for (host, port) in hosts {
        assert!(!nothing.granted(host, port), "{host}");
        assert!(everything.granted(host, port), "{host}");
    }
    for (host, port) in
        [("api.example", 444), ("wide.example", 443), ("bob.saas.example", 443), ("evil.example", 443)]
    {
        assert!(!everything.granted(host, port), "{host}");
    }
    // What is allowed and not asked for stays out of reach.
    let unasked = local(&["api.example:443"], &[], &["api.example", "evil.example", "0.0.0.0/0"]);
    assert!(unasked.granted("api.example", 443));
    assert!(!unasked.granted("evil.example", 443) && !unasked.granted("8.8.8.8", 443));
    // A network allows a name whose address lies in it.
    let network = local(&["api.example:443"], &[], &["10.0.0.0/8"]);
    assert!(network.reaches("api.example", 443, "10.1.2.3"));
    assert!(!network.reaches("api.example", 443, "8.8.8.8"));
}

#[test]
fn an_address_is_judged_after_its_name() {
    let own = local(&["{host}:{port}"], &[("host", "db.example")], &[]);
    let author = local(&["api.example:443"], &[], &["*.example"]);
    let exact = local(&["api.example:443"], &[], &["api.example"]);
    // Address; by the local configuration's name; by a suffix rule; by an exact rule.
    for (address, by_source, by_suffix, by_rule) in [
        ("8.8.8.8", true, true, true),
        ("2001:4860::8888", true, true, true),
        ("10.0.0.5", true, false, true),
        ("192.168.1.1", true, false, true),
        ("100.64.0.1", true, false, true),
        ("fd12::1", true, false, true),
        ("::ffff:10.0.0.5", true, false, true),
        ("127.0.0.1", false, false, false),
        ("::1", false, false, false),
        ("::ffff:127.0.0.1", false, false, false),
        ("::127.0.0.1", false, false, false),
        ("64:ff9b::7f00:1", false, false, false),
        ("2002:7f00:1::", false, false, false),
        ("0.0.0.0", false, false, false),
        ("169.254.1.1", false, false, false),
        ("169.254.169.254", false, false, false),
        ("::ffff:169.254.169.254", false, false, false),
        ("64:ff9b::a9fe:a9fe", false, false, false),
        ("fd00:ec2::254", false, false, false),
        ("fe80::1", false, false, false),
        ("224.0.0.1", false, false, false),
        ("255.255.255.255", false, false, false),
    ] {
        assert_eq!(own.reaches("db.example", 9000, address), by_source, "own name at {address}");
        assert_eq!(author.reaches("api.example", 443, address), by_suffix, "suffix rule at {address}");
        assert_eq!(exact.reaches("api.example", 443, address), by_rule, "exact rule at {address}");
    }
}

#[test]
fn an_address_that_the_operator_writes_is_meant() {
    for (host, dialled) in [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "::ffff:127.0.0.1"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("169.254.1.1", "169.254.1.1"),
        ("10.0.0.5", "10.0.0.5."),
    ] {
        let case = local(&["{host}:{port}"], &[("host", host)], &[]);
        assert!(case.granted(dialled, 9000), "{host} dialled as {dialled}");
    }
    let localhost = local(&["{host}:{port}"], &[("host", "localhost")], &[]);
    assert!(localhost.reaches("localhost", 9000, "127.0.0.1"));
    assert!(localhost.reaches("LOCALHOST.", 9000, "::1"));
    assert!(!localhost.reaches("localhost", 9000, "169.254.169.254"));
    assert!(!localhost.granted("127.0.0.1", 9000));
    let loopback = local(&["{host}:{port}"], &[("host", "127.0.0.1")], &[]);
    for other in
        ["127.0.0.2", "localhost", "127.1", "0x7f.0.0.1", "0177.0.0.1", "2130706433", "::1", "0.0.0.0"]
    {
        assert!(!loopback.reaches(other, 9000, "127.0.0.1"), "{other}");
    }
}

#[test]
fn a_gateway_does_not_choose_a_private_host() {
    let config: &[(&str, &str)] = &[("host", "db.example")];
    let private = "10.0.0.5";
    // Nobody on this machine named the host: the internet and nothing else.
    let nobody = managed(config, &[], &[]);
    assert!(nobody.granted("db.example", 9000) && !nobody.reaches("db.example", 9000, private));
    // Either of the operator's two settings names it.
    for (allow, managed_allow) in [
        (&["db.example"][..], &[][..]),
        (&["10.0.0.0/8"], &[]),
        (&[], &["db.example:9000"]),
        (&[], &["10.0.0.0/8"]),
    ] {
        let case = managed(config, allow, managed_allow);
        assert!(case.reaches("db.example", 9000, private), "{allow:?} {managed_allow:?}");
        assert!(!case.reaches("db.example", 9000, "127.0.0.1"), "{allow:?} {managed_allow:?}");
    }
    // A rule about another host restricts the connector's own list of hosts, not the configured one.
    assert!(managed(config, &["api.example:443"], &[]).granted("db.example", 9000));
    // The rules for managed sources come first, for every host.
    let elsewhere = managed(config, &["db.example", "api.example"], &["other.example"]);
    assert!(!elsewhere.granted("db.example", 9000) && !elsewhere.granted("api.example", 443));
    let loopback = managed(&[("host", "localhost")], &[], &[]);
    assert!(!loopback.reaches("localhost", 9000, "127.0.0.1"));
    // Both gates ask for the address, so naming it for one of them is not enough.
    let half = managed(&[("host", "127.0.0.1")], &["127.0.0.1"], &[]);
    assert!(!half.granted("127.0.0.1", 9000));
    assert!(managed(&[("host", "127.0.0.1")], &[], &["127.0.0.1"]).granted("127.0.0.1", 9000));
}

#[test]
fn a_value_that_names_no_host_is_an_error_of_its_setting() {
    for (egress, key, value) in [
        ("{host}:{port}", "host", "bücher.example"),
        ("{host}:{port}", "host", "a b"),
        ("{host}:{port}", "host", "0x7f.1"),
        ("{host}:{port}", "port", "70000"),
        ("{host}:{textPort}", "textPort", "http"),
        ("{url}", "url", "acme://:secret@/"),
        ("{account}.saas.example:443", "account", "evil.example/"),
        ("{account}.saas.example:443", "account", "evil.example#"),
        ("{account}.saas.example:443", "account", "a..b"),
    ] {
        let config = [("host", "h"), (key, value)];
        let config = if key == "host" { &config[1..] } else { &config[..] };
        let error = grant(&[egress], Origin::Local, config, &[]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::SourceNotConfigured, "{key}={value}: {error}");
        assert!(error.message().contains(&format!("`{key}`")), "{error}");
        assert!(!error.message().contains(value), "{error}");
    }
}

#[test]
fn a_manifest_is_held_to_what_can_be_understood() {
    let fault = |egress: &[&'static str]| check_egress(&manifest(egress)).unwrap_err().fault;
    assert_eq!(check_egress(&manifest(&["{connectionString}", "{host}:{port}", "*.x:1"])), Ok(()));
    assert_eq!(fault(&["{nope}:1"]), EgressFault::UnknownField("nope".to_owned()));
    assert_eq!(fault(&["{host}:{nope}"]), EgressFault::UnknownField("nope".to_owned()));
    assert_eq!(fault(&["x:1"; 33]), EgressFault::TooMany(32));
    let error = grant(&["x"], Origin::Local, &[], &[]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConnectorFailed);
}

#[test]
fn a_refusal_says_what_would_allow_it() {
    let case = local(&["{host}:{port}", "api.example:443"], &[("host", "db.example")], &[]);
    let refused = |host: &str, port| case.0.permit(host, port, &case.1).unwrap_err();
    let error = refused("api.example", 443);
    assert_eq!(error.code(), ErrorCode::PolicyDenied);
    assert_eq!(
        error.message(),
        "the connector `acme` may not connect to api.example:443: this source's configuration does not name it; to \
         allow it, the runner's operator adds \"api.example:443\" to allow_hosts in [connectors.acme] of the \
         configuration file"
    );
    assert_eq!(error.detail()["rule"], "connectors.acme.allow_hosts");
    assert_eq!(error.detail()["stage"], "policy");
    assert_eq!(
        refused("evil.example", 443).message(),
        "the connector `acme` may not connect to evil.example:443: its manifest asks for `{host}:{port}`, \
         `api.example:443`, which is not that with this source's configuration, and [connectors.acme] allow_hosts \
         only allows what a manifest asks for"
    );
    assert_eq!(
        refused("evil\u{1b}[2J.example", 443).message(),
        "the connector `acme` may not connect to `evil\\u{1b}[2J.example`: it has characters that no host name has"
    );
}

proptest! {
    /// Whatever a guest dials, it is the granted host, in one of its spellings.
    #[test]
    fn nothing_but_the_granted_host_is_dialled(host in "\\PC{0,30}|[dbDB.examplEX]{1,14}|[0-9a-fxX.:]{1,20}", port: u16) {
        let case = local(&["{host}:{port}"], &[("host", "db.example"), ("port", "5")], &[]);
        if let Ok(permit) = case.0.permit(&host, port, &case.1) {
            prop_assert_eq!(port, 5);
            prop_assert_eq!(permit.destination.host(), "db.example");
            let folded = host.to_ascii_lowercase();
            prop_assert!(folded == "db.example" || folded == "db.example.");
        }
    }

    /// A name that anybody but the operator chose never reaches anything but the internet.
    #[test]
    fn no_address_inside_is_reached_by_a_wildcard(bits: u32, form in 0..4_usize) {
        let v4 = std::net::Ipv4Addr::from_bits(bits);
        let address = match form {
            0 => IpAddr::V4(v4),
            1 => IpAddr::V6(v4.to_ipv6_mapped()),
            2 => IpAddr::V6(std::net::Ipv6Addr::from_bits(0x0064_ff9b_u128 << 96 | u128::from(bits))),
            _ => IpAddr::V6(std::net::Ipv6Addr::from_bits(0x2002_u128 << 112 | u128::from(bits) << 80)),
        };
        let case = local(&["*.example:443"], &[], &["*.example"]);
        let inside = v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified()
            || v4.is_multicast() || v4.is_broadcast();
        if inside {
            prop_assert!(!case.reaches("x.example", 443, &address.to_string()));
        }
    }
}
