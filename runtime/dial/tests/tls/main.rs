//! Real TLS handshakes on loopback, with every kind of peer that goes wrong.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed unwrap fails the test")]

mod authority;
mod peer;

use std::time::Duration;

use dial::{
    CaCertificates, ClientIdentity, ConnectOptions, Destination, DialError, Dialer, Kind, PemError, Roots,
    Stage, TlsOptions, TlsStream, Verify,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use authority::{Authority, Identity, Validity};
use peer::{Clients, Peer};

const LIMIT: Duration = Duration::from_secs(10);

async fn handshake(peer: &Peer, options: &TlsOptions) -> Result<TlsStream<TcpStream>, DialError> {
    handshake_within(peer, options, LIMIT).await
}

async fn handshake_within(
    peer: &Peer,
    options: &TlsOptions,
    limit: Duration,
) -> Result<TlsStream<TcpStream>, DialError> {
    let dialer = Dialer::new(Roots::only(&[]).unwrap());
    let destination = Destination::new("127.0.0.1", peer.port());
    let connected = dialer.connect(&destination, &ConnectOptions::default()).await.unwrap();
    dialer.start_tls(connected.stream, &Destination::new("db.example", peer.port()), options, limit).await
}

fn trusting(authority: &Authority) -> TlsOptions {
    TlsOptions {
        authorities: Some(CaCertificates::from_pem(authority.pem().as_bytes()).unwrap()),
        ..TlsOptions::default()
    }
}

fn with(options: &TlsOptions, verify: Verify) -> TlsOptions {
    TlsOptions { verify, ..options.clone() }
}

#[tokio::test]
async fn a_good_certificate_passes_and_the_stream_carries_data() {
    let authority = Authority::new("Test CA");
    let server = authority.server(&["db.example"], Validity::Now);
    let peer = Peer::tls(&server, Clients::Ignored).await;
    let mut stream = handshake(&peer, &trusting(&authority)).await.unwrap();
    stream.write_all(b"hello").await.unwrap();
    stream.flush().await.unwrap();
    let mut echo = [0; 5];
    stream.read_exact(&mut echo).await.unwrap();
    assert_eq!(&echo, b"hello");

    let session = stream.session();
    assert_eq!(session.version(), "TLSv1.3");
    assert!(session.cipher().starts_with("TLS13_AES_"), "{}", session.cipher());
    assert!(session.verified());
    assert_eq!(session.peer_certificate_der(), server.der());
    assert_eq!(session.peer_certificate().unwrap().names, ["db.example"]);
}

#[tokio::test]
async fn tls_1_2_works_too() {
    let authority = Authority::new("Test CA");
    let peer = Peer::tls_1_2(&authority.server(&["db.example"], Validity::Now)).await;
    for verify in [Verify::Full, Verify::Chain, Verify::None] {
        let stream = handshake(&peer, &with(&trusting(&authority), verify)).await.unwrap();
        assert_eq!(stream.session().version(), "TLSv1.2");
    }
}

#[tokio::test]
async fn a_certificate_of_the_first_version_encrypts_where_nobody_checks_it() {
    let authority = Authority::new("Test CA");
    for is_new in [true, false] {
        let server = authority.server(&["db.example"], Validity::Now).in_version_1();
        let peer = match is_new {
            true => Peer::tls(&server, Clients::Ignored).await,
            false => Peer::tls_1_2(&server).await,
        };
        let mut stream = handshake(&peer, &with(&trusting(&authority), Verify::None)).await.unwrap();
        assert_eq!(stream.session().version(), if is_new { "TLSv1.3" } else { "TLSv1.2" });
        stream.write_all(b"hello").await.unwrap();
        stream.flush().await.unwrap();
        let mut echo = [0; 5];
        stream.read_exact(&mut echo).await.unwrap();
        assert!(!stream.session().verified());
        handshake(&peer, &trusting(&authority)).await.unwrap_err();
    }
}

#[tokio::test]
async fn a_signature_by_another_key_is_refused_even_where_nobody_checks_the_certificate() {
    let authority = Authority::new("Test CA");
    for is_new in [true, false] {
        let server = authority.server(&["db.example"], Validity::Now);
        let stolen = authority.server(&["db.example"], Validity::Now).with_certificate_of(&server);
        let peer = match is_new {
            true => Peer::tls(&stolen, Clients::Ignored).await,
            false => Peer::tls_1_2(&stolen).await,
        };
        let error = handshake(&peer, &with(&trusting(&authority), Verify::None)).await.unwrap_err();
        assert_eq!(error.stage(), Stage::Tls, "{error}");
    }
}

#[tokio::test]
async fn an_unknown_authority_is_refused_with_the_certificate_shown() {
    let server = Authority::new("Somebody Else").server(&["db.example"], Validity::Now);
    let peer = Peer::tls(&server, Clients::Ignored).await;
    for verify in [Verify::Full, Verify::Chain] {
        let options = with(&trusting(&Authority::new("Test CA")), verify);
        let error = handshake(&peer, &options).await.unwrap_err();
        assert_eq!((error.stage(), error.kind()), (Stage::Tls, &Kind::CertificateUnknownIssuer));
        let shown = error.certificate().unwrap();
        assert_eq!((shown.subject.as_str(), shown.issuer.as_str()), ("CN=server", "CN=Somebody Else"));
        assert!(shown.not_before < shown.not_after);
        assert!(error.to_string().contains("issuer CN=Somebody Else"), "{error}");
    }
}

#[tokio::test]
async fn a_namesake_of_the_authority_is_an_unknown_one() {
    let peer =
        Peer::tls(&Authority::new("Test CA").server(&["db.example"], Validity::Now), Clients::Ignored).await;
    let error = handshake(&peer, &trusting(&Authority::new("Test CA"))).await.unwrap_err();
    assert_eq!(error.kind(), &Kind::CertificateUnknownIssuer);
}

#[tokio::test]
async fn the_dialers_own_roots_count_when_no_authority_is_given() {
    let authority = Authority::new("Test CA");
    let peer = Peer::tls(&authority.server(&["db.example"], Validity::Now), Clients::Ignored).await;
    let error = handshake(&peer, &TlsOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), &Kind::CertificateUnknownIssuer);

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.pem");
    std::fs::write(&file, authority.pem()).unwrap();
    let dialer = Dialer::new(Roots::load(&[file]).unwrap());
    let destination = Destination::new("127.0.0.1", peer.port());
    let connected = dialer.connect(&destination, &ConnectOptions::default()).await.unwrap();
    let options = TlsOptions { server_name: Some("db.example".to_owned()), ..TlsOptions::default() };
    dialer.start_tls(connected.stream, &destination, &options, LIMIT).await.unwrap();
}

#[tokio::test]
async fn certificates_outside_their_time_are_told_apart() {
    let authority = Authority::new("Test CA");
    for (validity, kind) in
        [(Validity::Past, Kind::CertificateExpired), (Validity::Future, Kind::CertificateNotYetValid)]
    {
        let peer = Peer::tls(&authority.server(&["db.example"], validity), Clients::Ignored).await;
        let error = handshake(&peer, &trusting(&authority)).await.unwrap_err();
        assert_eq!(error.kind(), &kind);
        assert!(error.certificate().is_some());
        handshake(&peer, &with(&trusting(&authority), Verify::None)).await.unwrap();
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_fails_full_and_passes_chain() {
    let authority = Authority::new("Test CA");
    let peer =
        Peer::tls(&authority.server(&["other.example", "10.0.0.1"], Validity::Now), Clients::Ignored).await;
    let options = trusting(&authority);
    let error = handshake(&peer, &options).await.unwrap_err();
    let Kind::CertificateNameMismatch { expected, presented } = error.kind() else { panic!("{error}") };
    assert_eq!(expected, "db.example");
    assert_eq!(presented, &["other.example", "10.0.0.1"]);
    assert_eq!(error.certificate().unwrap().names, ["other.example", "10.0.0.1"]);
    assert!(handshake(&peer, &with(&options, Verify::Chain)).await.unwrap().session().verified());

    let by_address = TlsOptions { server_name: Some("10.0.0.1".to_owned()), ..options };
    handshake(&peer, &by_address).await.unwrap();
}

#[tokio::test]
async fn a_certificate_without_names_says_what_it_lacks() {
    let authority = Authority::new("Test CA");
    let peer = Peer::tls(&authority.server(&[], Validity::Now), Clients::Ignored).await;
    let error = handshake(&peer, &trusting(&authority)).await.unwrap_err();
    assert!(error.to_string().contains("is not for db.example: it has no subjectAltName"), "{error}");
}

#[tokio::test]
async fn without_verification_anything_passes_and_says_so() {
    let peer =
        Peer::tls(&Authority::new("?").server(&["other.example"], Validity::Past), Clients::Ignored).await;
    let stream = handshake(&peer, &with(&TlsOptions::default(), Verify::None)).await.unwrap();
    assert!(!stream.session().verified());
    assert_eq!(stream.session().verify(), Verify::None);
}

#[tokio::test]
async fn a_self_signed_server_certificate_can_be_its_own_root() {
    let server = Identity::self_signed(&["db.example"], Validity::Now);
    let peer = Peer::tls(&server, Clients::Ignored).await;
    let options = |pem: &str| TlsOptions {
        authorities: Some(CaCertificates::from_pem(pem.as_bytes()).unwrap()),
        ..TlsOptions::default()
    };
    handshake(&peer, &options(server.pem())).await.unwrap();
    // Its name still counts, and so does its time.
    let elsewhere = TlsOptions { server_name: Some("other.example".to_owned()), ..options(server.pem()) };
    let error = handshake(&peer, &elsewhere).await.unwrap_err();
    assert_eq!(error.kind().code(), "certificate_name_mismatch");
    let expired = Identity::self_signed(&["db.example"], Validity::Past);
    let peer = Peer::tls(&expired, Clients::Ignored).await;
    let error = handshake(&peer, &options(expired.pem())).await.unwrap_err();
    assert_eq!(error.kind(), &Kind::CertificateExpired);
    // Another self-signed certificate with the same names is not it.
    let error = handshake(&peer, &options(server.pem())).await.unwrap_err();
    assert_eq!(error.stage(), Stage::Tls);
}

#[tokio::test]
async fn a_client_certificate_is_shown_when_asked_for() {
    let authority = Authority::new("Test CA");
    let server = authority.server(&["db.example"], Validity::Now);
    let peer = Peer::tls(&server, Clients::SignedBy(&authority)).await;
    let client = authority.client();
    let identity = ClientIdentity::from_pem(client.pem().as_bytes(), client.key_pem().as_bytes()).unwrap();
    let mut stream =
        handshake(&peer, &TlsOptions { identity: Some(identity), ..trusting(&authority) }).await.unwrap();
    stream.write_all(b"x").await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'x');
}

#[tokio::test]
async fn a_missing_client_certificate_is_recognised_at_the_first_read() {
    let authority = Authority::new("Test CA");
    let server = authority.server(&["db.example"], Validity::Now);
    let peer = Peer::tls(&server, Clients::SignedBy(&authority)).await;
    // In TLS 1.3 the client is through before the server has seen what it sent (RFC 8446 §4.4.2.4).
    let mut stream = handshake(&peer, &trusting(&authority)).await.unwrap();
    let error = stream.read_u8().await.unwrap_err();
    assert_eq!(Kind::of_io(&error), Kind::ClientCertificate { alert: "CertificateRequired".to_owned() });
}

#[test]
fn a_key_of_another_certificate_is_refused_before_any_connection() {
    let authority = Authority::new("Test CA");
    let (one, other) = (authority.client(), authority.client());
    let from = |chain: &str, key: &str| ClientIdentity::from_pem(chain.as_bytes(), key.as_bytes()).map(drop);
    assert_eq!(from(one.pem(), &other.key_pem()), Err(PemError::KeyMismatch));
    assert_eq!(from(one.pem(), one.pem()), Err(PemError::NoPrivateKey));
    assert_eq!(from("", &one.key_pem()), Err(PemError::NoCertificate));
    from(one.pem(), &one.key_pem()).unwrap();
}

#[tokio::test]
async fn the_application_protocol_is_negotiated() {
    let authority = Authority::new("Test CA");
    let peer = Peer::tls(&authority.server(&["db.example"], Validity::Now), Clients::Ignored).await;
    let options = TlsOptions { alpn: vec![b"echo".to_vec()], ..trusting(&authority) };
    assert_eq!(handshake(&peer, &options).await.unwrap().session().alpn(), Some(b"echo".as_slice()));
    let options = TlsOptions { alpn: vec![b"other".to_vec()], ..trusting(&authority) };
    assert_eq!(handshake(&peer, &options).await.unwrap_err().kind().code(), "handshake_failed");
}

#[tokio::test]
async fn a_peer_that_speaks_plain_text_is_recognised() {
    for greeting in ["HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "E\0\0\0\x08fail"] {
        let peer = Peer::plain(greeting).await;
        let error = handshake(&peer, &TlsOptions::default()).await.unwrap_err();
        assert_eq!((error.stage(), error.kind()), (Stage::Tls, &Kind::NotTls), "{greeting}");
    }
}

#[tokio::test]
async fn a_peer_that_hangs_times_out_in_the_tls_stage() {
    let peer = Peer::hanging().await;
    let limit = Duration::from_millis(100);
    let error = handshake_within(&peer, &TlsOptions::default(), limit).await.unwrap_err();
    assert_eq!((error.stage(), error.kind()), (Stage::Tls, &Kind::TimedOut));
    assert!(error.elapsed() >= limit);
}

#[tokio::test]
async fn a_peer_that_closes_is_recognised() {
    let peer = Peer::closing().await;
    let error = handshake(&peer, &TlsOptions::default()).await.unwrap_err();
    assert_eq!((error.stage(), error.kind()), (Stage::Tls, &Kind::Closed));
    assert!(error.to_string().contains("closed the connection during the TLS handshake"), "{error}");
}
