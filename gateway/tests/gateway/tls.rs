//! The TLS listener.

use std::path::Path;
use std::time::Duration;

use semilayer_gateway::{Settings, StartError, TlsFiles, start};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// A certificate for 127.0.0.1 and its key, as files, and as PEM for a client to trust.
fn certificate(directory: &Path) -> (TlsFiles, String) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let files = TlsFiles { certificate: directory.join("cert.pem"), key: directory.join("key.pem") };
    std::fs::write(&files.certificate, made.cert.pem()).expect("a file");
    std::fs::write(&files.key, made.signing_key.serialize_pem()).expect("a file");
    (files, made.cert.pem())
}

#[tokio::test]
async fn a_peer_that_never_finishes_its_handshake_delays_nobody() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let directory = tempfile::tempdir().expect("a directory");
    let (files, trusted) = certificate(directory.path());
    let mut settings = Settings::local(directory.path().join("gateway.db"));
    settings.tls = Some(files);
    let gateway = start(settings).await.expect("a gateway");
    assert!(gateway.connect_url().starts_with("wss://"), "{}", gateway.connect_url());

    let mut idle = Vec::new();
    for _ in 0..64 {
        idle.push(TcpStream::connect(gateway.address()).await.expect("a connection"));
    }
    let root = reqwest::Certificate::from_pem(trusted.as_bytes()).expect("a certificate");
    let http = reqwest::Client::builder().tls_certs_only([root]).build().expect("a client");
    let request = http.get(format!("https://{}/health", gateway.address())).timeout(Duration::from_secs(5));
    assert_eq!(request.send().await.expect("an answer").status(), 200);

    // Plain HTTP on a TLS port is not answered.
    let plain = reqwest::Client::new().get(format!("http://{}/health", gateway.address()));
    assert!(plain.send().await.is_err());
    gateway.stop().await;
    let mut first = idle.swap_remove(0);
    let end = tokio::time::timeout(Duration::from_secs(30), first.read(&mut [0; 1])).await;
    assert!(matches!(end.expect("an end"), Ok(0) | Err(_)), "the idle peer is let go of");
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let (mut files, _) = certificate(directory.path());
    std::fs::write(&files.certificate, "no PEM").expect("a file");
    let mut settings = Settings::local(directory.path().join("gateway.db"));
    settings.tls = Some(files.clone());
    let Err(error) = start(settings.clone()).await else { panic!("it started") };
    assert!(matches!(error, StartError::Listener(_)) && error.to_string().contains("cert.pem"), "{error}");
    (files, _) = certificate(directory.path());
    files.key = directory.path().join("nowhere.pem");
    settings.tls = Some(files);
    let Err(error) = start(settings).await else { panic!("it started") };
    assert!(error.to_string().contains("nowhere.pem"), "{error}");
}
