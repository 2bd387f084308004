use super::*;

fn guarded(rules: &[&str]) -> AddressFilter {
    AddressFilter::guarded(rules.iter().map(|rule| rule.parse().unwrap()))
}

/// What a lookup would do: the name, then the address it gave.
fn judge(filter: &AddressFilter, host: &str, port: u16, address: &str) -> Verdict {
    let destination = Destination::new(host, port);
    if destination.literal().is_none() {
        filter.check_name(&destination).map_err(|refusal| refusal.reason)?;
    }
    filter.check_address(&destination, address.parse().unwrap()).map_err(|refusal| refusal.reason)
}

type Verdict = Result<(), RefusalReason>;
const LISTED: Verdict = Ok(());
const UNLISTED: Verdict = Err(RefusalReason::NotListed);
const fn reserved(class: ReservedClass) -> Verdict {
    Err(RefusalReason::Reserved(class))
}

#[test]
fn without_rules_only_reserved_addresses_are_refused() {
    use ReservedClass as C;
    let cases = [
        ("8.8.8.8", LISTED),
        ("10.1.2.3", LISTED),
        ("192.168.0.1", LISTED),
        ("172.16.9.9", LISTED),
        ("100.64.0.1", LISTED),
        ("2001:4860::8888", LISTED),
        ("fd12:3456::1", LISTED),
        ("127.0.0.1", reserved(C::Loopback)),
        ("127.255.255.254", reserved(C::Loopback)),
        ("::1", reserved(C::Loopback)),
        ("0.0.0.0", reserved(C::Unspecified)),
        ("0.1.2.3", reserved(C::Unspecified)),
        ("::", reserved(C::Unspecified)),
        ("169.254.1.1", reserved(C::LinkLocal)),
        ("fe80::1", reserved(C::LinkLocal)),
        ("febf::1", reserved(C::LinkLocal)),
        ("224.0.0.1", reserved(C::Multicast)),
        ("239.255.255.255", reserved(C::Multicast)),
        ("ff02::1", reserved(C::Multicast)),
        ("255.255.255.255", reserved(C::Broadcast)),
        ("169.254.169.254", reserved(C::Metadata)),
        ("fd00:ec2::254", reserved(C::Metadata)),
        ("100.100.100.200", reserved(C::Metadata)),
        ("::ffff:127.0.0.1", reserved(C::Loopback)),
        ("::ffff:169.254.169.254", reserved(C::Metadata)),
        ("::169.254.169.254", reserved(C::Metadata)),
        ("::ffff:0:127.0.0.1", reserved(C::Loopback)),
        ("64:ff9b::a9fe:a9fe", reserved(C::Metadata)),
        ("64:ff9b:1:a9fe:a9:fe00::", reserved(C::Metadata)),
        ("64:ff9b:1::a9fe:a9fe", reserved(C::Metadata)),
        ("2002:7f00:1::", reserved(C::Loopback)),
        ("2002:a9fe:a9fe::1", reserved(C::Metadata)),
        ("::ffff:8.8.8.8", LISTED),
        ("64:ff9b::808:808", LISTED),
        ("64:ff9b:1::808:808", LISTED),
        ("2001:0:808:808::80ff:fffe", reserved(C::Loopback)),
        ("fd00::5efe:7f00:1", reserved(C::Loopback)),
    ];
    for (address, expected) in cases {
        assert_eq!(judge(&guarded(&[]), "db.example", 5432, address), expected, "{address}");
        assert_eq!(judge(&guarded(&[]), address, 5432, address), expected, "{address} as the host");
        assert_eq!(judge(&AddressFilter::unrestricted(), "db.example", 5432, address), LISTED, "{address}");
    }
}

#[test]
fn with_rules_only_what_they_name_is_allowed() {
    let rules = ["db.example", "pg.example:5432", "*.corp.example:3306", "10.0.0.0/8", "192.0.2.7:1433"];
    let filter = guarded(&rules);
    let cases = [
        ("db.example", 1, "8.8.8.8", LISTED),
        ("DB.Example.", 1, "8.8.8.8", LISTED),
        ("pg.example", 5432, "8.8.8.8", LISTED),
        ("pg.example", 5433, "8.8.8.8", UNLISTED),
        ("a.corp.example", 3306, "8.8.8.8", LISTED),
        ("a.b.corp.example", 3306, "8.8.8.8", LISTED),
        ("corp.example", 3306, "8.8.8.8", UNLISTED),
        ("evilcorp.example", 3306, "8.8.8.8", UNLISTED),
        ("a.corp.example", 5432, "8.8.8.8", UNLISTED),
        ("other.example", 5432, "10.9.9.9", LISTED),
        ("other.example", 5432, "11.9.9.9", UNLISTED),
        ("10.9.9.9", 5432, "10.9.9.9", LISTED),
        ("192.0.2.7", 1433, "192.0.2.7", LISTED),
        ("::ffff:192.0.2.7", 1433, "::ffff:192.0.2.7", LISTED),
        ("192.0.2.7", 1434, "192.0.2.7", UNLISTED),
        ("db.example", 1, "127.0.0.1", reserved(ReservedClass::Loopback)),
        ("db.example", 1, "169.254.169.254", reserved(ReservedClass::Metadata)),
    ];
    for (host, port, address, expected) in cases {
        assert_eq!(judge(&filter, host, port, address), expected, "{host}:{port} at {address}");
    }
}

#[test]
fn a_reserved_address_needs_a_rule_that_means_it() {
    use ReservedClass as C;
    let cases: &[(&[&str], &str, &str, Verdict)] = &[
        (&["127.0.0.1"], "127.0.0.1", "127.0.0.1", LISTED),
        (&["127.0.0.1:5432"], "127.0.0.1", "127.0.0.1", LISTED),
        (&["127.0.0.1:5433"], "127.0.0.1", "127.0.0.1", reserved(C::Loopback)),
        (&["127.0.0.0/8"], "db.example", "127.3.2.1", LISTED),
        (&["127.0.0.1"], "x", "::ffff:127.0.0.1", LISTED),
        (&["::1"], "::1", "::1", LISTED),
        (&["[::1]:5432"], "::1", "::1", LISTED),
        (&["0.0.0.0/0", "::/0"], "8.8.8.8", "8.8.8.8", LISTED),
        (&["0.0.0.0/0", "::/0"], "127.0.0.1", "127.0.0.1", reserved(C::Loopback)),
        (&["0.0.0.0/0", "::/0"], "x", "169.254.169.254", reserved(C::Metadata)),
        (&["0.0.0.0/0", "::/0"], "x", "64:ff9b::7f00:1", reserved(C::Loopback)),
        (&["169.254.0.0/16"], "x", "169.254.7.7", LISTED),
        (&["169.254.0.0/16"], "x", "169.254.169.254", reserved(C::Metadata)),
        (&["169.254.169.254"], "x", "169.254.169.254", LISTED),
        (&["localhost"], "localhost", "127.0.0.1", LISTED),
        (&["localhost:5432"], "localhost", "::1", LISTED),
        (&["localhost"], "localhost", "169.254.169.254", reserved(C::Metadata)),
        (&["db.example"], "db.example", "127.0.0.1", reserved(C::Loopback)),
        (&["*.example"], "db.example", "127.0.0.1", reserved(C::Loopback)),
        (&["db.example", "127.0.0.1"], "db.example", "127.0.0.1", LISTED),
    ];
    for (rules, host, address, expected) in cases {
        assert_eq!(judge(&guarded(rules), host, 5432, address), *expected, "{rules:?}: {host} at {address}");
    }
}

#[test]
fn a_refusal_says_what_and_why() {
    let refusal = guarded(&[])
        .check_address(&Destination::new("db", 1), "::ffff:169.254.169.254".parse().unwrap())
        .unwrap_err();
    assert_eq!(refusal.to_string(), "::ffff:169.254.169.254 is a cloud metadata address");
}

fn public(except: &[&str]) -> AddressFilter {
    AddressFilter::public(except.iter().map(|rule| rule.parse().unwrap()))
}

#[test]
fn the_public_internet_ends_where_private_networks_begin() {
    use ReservedClass as C;
    let cases = [
        ("8.8.8.8", LISTED),
        ("172.15.255.255", LISTED),
        ("172.32.0.0", LISTED),
        ("100.63.255.255", LISTED),
        ("100.128.0.0", LISTED),
        ("192.0.1.0", LISTED),
        ("198.20.0.0", LISTED),
        ("2001:4860::8888", LISTED),
        ("fe00::1", LISTED),
        ("10.0.0.0", reserved(C::Private)),
        ("10.255.255.255", reserved(C::Private)),
        ("172.16.0.0", reserved(C::Private)),
        ("172.31.255.255", reserved(C::Private)),
        ("192.168.0.1", reserved(C::Private)),
        ("100.64.0.1", reserved(C::Private)),
        ("192.0.0.8", reserved(C::Private)),
        ("198.19.255.255", reserved(C::Private)),
        ("240.0.0.1", reserved(C::Private)),
        ("fd12:3456::1", reserved(C::Private)),
        ("fc00::1", reserved(C::Private)),
        ("fec0::1", reserved(C::Private)),
        ("::ffff:10.0.0.5", reserved(C::Private)),
        ("::10.0.0.5", reserved(C::Private)),
        ("64:ff9b::a00:5", reserved(C::Private)),
        ("2002:a00:5::", reserved(C::Private)),
        ("127.0.0.1", reserved(C::Loopback)),
        ("255.255.255.255", reserved(C::Broadcast)),
        ("100.100.100.200", reserved(C::Metadata)),
        ("fd00:ec2::254", reserved(C::Metadata)),
        ("::ffff:169.254.169.254", reserved(C::Metadata)),
    ];
    for (address, expected) in cases {
        assert_eq!(judge(&public(&[]), "db.example", 5432, address), expected, "{address}");
        assert_eq!(judge(&public(&[]), address, 5432, address), expected, "{address} as the host");
    }
}

#[test]
fn an_exception_names_the_very_host_and_restricts_nothing_else() {
    use ReservedClass as C;
    let cases: &[(&[&str], &str, &str, Verdict)] = &[
        (&["other.example"], "db.example", "8.8.8.8", LISTED),
        (&["db.example"], "db.example", "10.0.0.5", LISTED),
        (&["db.example:5432"], "DB.example.", "10.0.0.5", LISTED),
        (&["db.example:5433"], "db.example", "10.0.0.5", reserved(C::Private)),
        (&["*.example"], "db.example", "10.0.0.5", reserved(C::Private)),
        (&["db.example"], "db.example", "127.0.0.1", reserved(C::Loopback)),
        (&["db.example"], "db.example", "169.254.169.254", reserved(C::Metadata)),
        (&["db.example"], "db.example", "fd00:ec2::254", reserved(C::Metadata)),
        (&["localhost"], "localhost", "127.0.0.1", LISTED),
        (&["10.0.0.0/8"], "db.example", "10.0.0.5", LISTED),
        (&["10.1.0.0/16"], "db.example", "10.1.0.5", LISTED),
        (&["10.1.0.0/16"], "db.example", "10.2.0.5", reserved(C::Private)),
        (&["0.0.0.0/0", "::/0"], "db.example", "10.0.0.5", reserved(C::Private)),
        (&["10.0.0.5"], "10.0.0.5", "10.0.0.5", LISTED),
        (&["10.0.0.5"], "::ffff:10.0.0.5", "::ffff:10.0.0.5", LISTED),
        (&["fd00::/8"], "db.example", "fd12::1", LISTED),
        (&["fd00::/8"], "db.example", "fd00:ec2::254", reserved(C::Metadata)),
    ];
    for (except, host, address, expected) in cases {
        assert_eq!(judge(&public(except), host, 5432, address), *expected, "{except:?}: {host} at {address}");
    }
}

#[test]
fn two_filters_allow_what_both_do() {
    let listed = guarded(&["db.example", "10.0.0.0/8"]);
    let both = listed.clone().and(public(&["db.example"]));
    assert_eq!(judge(&both, "db.example", 1, "10.0.0.5"), LISTED);
    assert_eq!(judge(&both, "db.example", 1, "8.8.8.8"), LISTED);
    assert_eq!(judge(&both, "other.example", 1, "10.0.0.5"), reserved(ReservedClass::Private));
    assert_eq!(judge(&both, "other.example", 1, "8.8.8.8"), UNLISTED);
    assert_eq!(both.rules().len(), 3);

    let open = AddressFilter::unrestricted();
    assert_eq!(judge(&open.clone().and(listed.clone()), "other.example", 1, "8.8.8.8"), UNLISTED);
    assert_eq!(judge(&listed.and(open.clone()), "other.example", 1, "8.8.8.8"), UNLISTED);
    assert_eq!(judge(&open.clone().and(open), "other.example", 1, "127.0.0.1"), LISTED);
}
