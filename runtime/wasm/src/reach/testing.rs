//! Servers on loopback, good and bad, and a way out that leads to them.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use connector_api::{CallContext, OpenContext, PathRules, StageObserver, StageReport};
use connector_model::Capabilities;
use connector_model::config::{Config, Origin};
use connector_model::conventions::Conventions;
use connector_model::manifest::{Field, FieldKind, Manifest, Text};
use connector_model::module::ModuleManifest;
use dial::{
    AddressFilter, AllowRule, BoxedStream, Dialer, Family, Lookup, LookupFailure, LookupFault, Roots,
};
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use test_servers::{Certificates, ServerCertificate};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::grant::Grant;
use super::outbound::Outbound;

static CERTIFICATES: LazyLock<Certificates> = LazyLock::new(|| Certificates::generate("client").unwrap());

/// A server that lives as long as this.
pub(super) struct Peer {
    pub(super) port: u16,
    accepted: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Peer {
    /// Serves every connection, encrypted when it has a certificate.
    pub(super) async fn serve<S, F>(certificate: Option<ServerCertificate>, serve: S) -> Peer
    where
        S: Fn(BoxedStream) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = certificate.map(acceptor);
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = accepted.clone();
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                match acceptor.clone() {
                    None => drop(connections.spawn(serve(Box::new(stream)))),
                    // A handshake that fails is the client's business to report.
                    Some(acceptor) => {
                        if let Ok(stream) = acceptor.accept(stream).await {
                            connections.spawn(serve(Box::new(stream)));
                        }
                    }
                }
            }
        });
        Peer { port, accepted, task }
    }

    /// Accepts and says nothing.
    pub(super) async fn silent() -> Peer {
        Peer::serve(None, |stream| async move {
            let _open = stream;
            std::future::pending::<()>().await;
        })
        .await
    }

    /// Connections so far.
    pub(super) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

fn acceptor(certificate: ServerCertificate) -> TlsAcceptor {
    let credential = CERTIFICATES.server(certificate);
    let chain = vec![CertificateDer::from_pem_slice(credential.certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(credential.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Names with one address each.
struct Names(Vec<(String, IpAddr)>);

impl Lookup for Names {
    fn lookup(&self, host: &str, _: Family) -> Result<Vec<SocketAddr>, LookupFailure> {
        let found = self.0.iter().find(|(name, _)| name == host);
        found.map(|(_, address)| vec![SocketAddr::new(*address, 0)]).ok_or_else(|| LookupFailure {
            fault: LookupFault::NameNotFound,
            source: std::io::ErrorKind::NotFound.into(),
        })
    }
}

/// Keeps what was reported.
#[derive(Default)]
pub(super) struct Stages(Mutex<Vec<String>>);

impl Stages {
    pub(super) fn seen(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl StageObserver for Stages {
    fn passed(&self, report: StageReport) {
        self.0.lock().unwrap().push(format!("{} {}", report.stage.as_str(), report.note));
    }
}

/// How the way out is made.
pub(super) struct Way {
    pub(super) hosts: Vec<(String, u16)>,
    pub(super) origin: Origin,
    pub(super) asked: Vec<String>,
    pub(super) allow: Vec<String>,
    pub(super) names: Vec<(&'static str, &'static str)>,
    pub(super) within: Duration,
    pub(super) stages: Arc<Stages>,
}

impl Way {
    /// To a host that the source's local configuration names, and to others that it names too.
    pub(super) fn to(hosts: &[(&str, u16)]) -> Way {
        Way {
            hosts: hosts.iter().map(|(host, port)| ((*host).to_owned(), *port)).collect(),
            origin: Origin::Local,
            asked: Vec::new(),
            allow: Vec::new(),
            names: vec![("localhost", "127.0.0.1")],
            within: Duration::from_secs(20),
            stages: Arc::default(),
        }
    }

    pub(super) fn open(&self) -> Arc<Outbound> {
        let keys: Vec<String> = (0..self.hosts.len()).map(|n| format!("place{n}")).collect();
        let places: Vec<String> = self.hosts.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        let field = |key: &String| Field::new(key.clone(), key.clone(), FieldKind::String);
        let egress = keys.iter().map(|key| format!("{{{key}}}")).chain(self.asked.iter().cloned());
        let manifest = ModuleManifest {
            manifest: Manifest {
                package_name: "@acme/bridge-acme".into(),
                display_name: "Acme".into(),
                icon: "x".into(),
                supports_url: false,
                url_placeholder: None,
                url_schemes: Vec::new(),
                fields: keys.iter().map(field).collect(),
                capabilities: Capabilities::default(),
                version: "1".into(),
            },
            connector_api: "0.1.0".into(),
            operations: Vec::new(),
            conventions: Conventions::default(),
            egress: egress.map(Text::from).collect(),
        };
        let values = keys.iter().map(String::as_str).zip(places.iter().map(String::as_str));
        let config = Config::from_texts(&manifest.manifest, self.origin, values).unwrap();
        let allow: Vec<AllowRule> = self.allow.iter().map(|rule| rule.parse().unwrap()).collect();
        let grant = Grant::new("acme", &manifest, &config, &allow).unwrap();
        Arc::new(Outbound::new(Arc::new(grant), &self.context()))
    }

    fn context(&self) -> OpenContext {
        let directory = tempfile::tempdir().unwrap();
        let authority = directory.path().join("ca.pem");
        std::fs::write(&authority, CERTIFICATES.authority()).unwrap();
        let roots = Roots::only(&[authority]).unwrap();
        let names = self.names.iter().map(|(name, address)| ((*name).to_owned(), address.parse().unwrap()));
        OpenContext {
            dialer: Dialer::with_lookup(roots, Arc::new(Names(names.collect()))),
            filter: match self.origin {
                Origin::Local => AddressFilter::unrestricted(),
                Origin::Managed => AddressFilter::guarded([]),
            },
            paths: PathRules::Unrestricted,
            application: "test".into(),
            call: CallContext::within(self.within),
            observer: Some(self.stages.clone()),
        }
    }
}
