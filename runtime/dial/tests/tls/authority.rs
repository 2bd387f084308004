//! Certificates made for one test.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};

/// When a certificate is valid, seen from now.
#[derive(Clone, Copy)]
pub(crate) enum Validity {
    Past,
    Now,
    Future,
}

/// A certificate authority.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
pub(crate) struct Identity {
    der: Vec<u8>,
    pem: String,
    key: KeyPair,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn server(&self, names: &[&str], validity: Validity) -> Identity {
        self.sign(leaf("server", names, validity, ExtendedKeyUsagePurpose::ServerAuth))
    }

    pub(crate) fn client(&self) -> Identity {
        self.sign(leaf("client", &[], Validity::Now, ExtendedKeyUsagePurpose::ClientAuth))
    }

    fn sign(&self, params: CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity { pem: certificate.pem(), der: certificate.der().to_vec(), key }
    }
}

impl Identity {
    /// What `openssl req -x509` makes: an authority that signed itself and stands in for a server.
    pub(crate) fn self_signed(names: &[&str], validity: Validity) -> Self {
        let mut params = leaf("server", names, validity, ExtendedKeyUsagePurpose::ServerAuth);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { pem: certificate.pem(), der: certificate.der().to_vec(), key }
    }

    /// The same in version 1 of X.509, which has no extensions, and says no version. Its signature is none.
    pub(crate) fn in_version_1(self) -> Self {
        let certificate = content(&self.der);
        let (body, rest) = certificate.split_at(element(certificate));
        let mut parts = Vec::new();
        let mut left = content(body);
        while !left.is_empty() {
            let (part, after) = left.split_at(element(left));
            // [0] is the version, [3] are the extensions (RFC 5280, section 4.1).
            if !matches!(part.first(), Some(0xA0 | 0xA3)) {
                parts.extend_from_slice(part);
            }
            left = after;
        }
        Self { der: sequence(&[sequence(&parts), rest.to_vec()].concat()), ..self }
    }

    /// This key behind somebody else's certificate.
    pub(crate) fn with_certificate_of(self, other: &Identity) -> Self {
        Self { der: other.der.clone(), pem: other.pem.clone(), ..self }
    }

    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    pub(crate) fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    pub(crate) fn key_der(&self) -> Vec<u8> {
        self.key.serialize_der()
    }
}

fn leaf(name: &str, names: &[&str], validity: Validity, usage: ExtendedKeyUsagePurpose) -> CertificateParams {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![usage];
    let (from, until) = match validity {
        Validity::Past => (2001, 2002),
        Validity::Now => (2001, 4000),
        Validity::Future => (3999, 4000),
    };
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    params
}

/// The head of a DER element: how long it is itself, and how long what it holds.
fn head(der: &[u8]) -> (usize, usize) {
    match usize::from(der[1]) {
        short @ 0..0x80 => (2, short),
        long => {
            let bytes = &der[2..2 + (long - 0x80)];
            (2 + bytes.len(), bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
        }
    }
}

/// The length of a DER element, head included.
fn element(der: &[u8]) -> usize {
    let (head, held) = head(der);
    head + held
}

/// What a DER element holds.
fn content(der: &[u8]) -> &[u8] {
    let (head, held) = head(der);
    &der[head..head + held]
}

/// A DER sequence of up to 64 KiB.
fn sequence(content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[0x30, 0x82, high, low], content].concat()
}
