//! The authorities trusted by default, loaded once.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;

use crate::tls::{PemError, read_authorities};

/// Where Linux distributions keep all roots in one file; the first that yields any is used. The list is
/// the one of Go's crypto/x509 (`root_linux.go`).
const BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Gentoo, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",   // Fedora, RHEL 6
    "/etc/ssl/ca-bundle.pem",             // openSUSE
    "/etc/pki/tls/cacert.pem",            // OpenELEC
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // CentOS, RHEL 7 and later
    "/etc/ssl/cert.pem",                  // Alpine
];

/// Where they keep them in a file each; read only when there is no bundle.
const DIRECTORIES: &[&str] = &["/etc/ssl/certs", "/etc/pki/tls/certs"];

/// The largest CA file read. The system's whole bundle is a quarter of a MiB.
const MAX_CA_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// The trusted authorities. Cheap to clone.
#[derive(Clone)]
pub struct Roots {
    store: Arc<RootCertStore>,
    report: Arc<RootsReport>,
}

/// How many roots came from where.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RootsReport {
    /// The system's file or directory, when one had any roots.
    pub system_path: Option<PathBuf>,
    /// Roots from there.
    pub system: usize,
    /// Certificates from there that were left out as unusable.
    pub system_unusable: usize,
    /// The extra files, each with its number of certificates.
    pub extra: Vec<(PathBuf, usize)>,
    /// Roots built into the program: Mozilla's, used only when the system has none.
    pub bundled: usize,
}

/// An extra CA file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// It cannot be read.
    #[error("CA file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is too large to be a CA file.
    #[error("CA file {}: larger than {MAX_CA_FILE_BYTES} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It does not hold usable certificates.
    #[error("CA file {}: {source}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: PemError,
    },
}

impl Roots {
    /// The system's roots, plus those in `extra_files` (PEM, one or more certificates each). The roots
    /// built into the program stand in when the system has none, as in a bare container.
    ///
    /// Unusable certificates in the system's store are counted and left out; in an extra file they are an
    /// error, since somebody named that file on purpose.
    ///
    /// # Errors
    /// [`RootsError`], naming the extra file.
    pub fn load(extra_files: &[PathBuf]) -> Result<Self, RootsError> {
        Self::load_from(BUNDLES, DIRECTORIES, extra_files)
    }

    fn load_from(
        bundles: &[&str],
        directories: &[&str],
        extra_files: &[PathBuf],
    ) -> Result<Self, RootsError> {
        let mut store = RootCertStore::empty();
        let mut report = RootsReport::default();
        if let Some((path, certificates)) = system_certificates(bundles, directories) {
            let (usable, unusable) = store.add_parsable_certificates(certificates);
            report.system = usable;
            report.system_unusable = unusable;
            report.system_path = (usable > 0).then_some(path);
        }
        if store.is_empty() {
            store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            report.bundled = store.len();
        }
        for path in extra_files {
            let count = add_file(&mut store, path)?;
            report.extra.push((path.clone(), count));
        }
        Ok(Self { store: Arc::new(store), report: Arc::new(report) })
    }

    /// Only the roots in these files.
    ///
    /// # Errors
    /// [`RootsError`], naming the file.
    pub fn only(files: &[PathBuf]) -> Result<Self, RootsError> {
        let mut store = RootCertStore::empty();
        let mut report = RootsReport::default();
        for path in files {
            let count = add_file(&mut store, path)?;
            report.extra.push((path.clone(), count));
        }
        Ok(Self { store: Arc::new(store), report: Arc::new(report) })
    }

    /// Where the roots come from.
    #[must_use]
    pub fn report(&self) -> &RootsReport {
        &self.report
    }

    pub(crate) fn store(&self) -> Arc<RootCertStore> {
        self.store.clone()
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Roots").field(&self.report).finish()
    }
}

impl fmt::Display for RootsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.system_path {
            Some(path) => write!(f, "{} roots from {}", self.system, path.display())?,
            None => write!(f, "{} built-in roots (the system has none)", self.bundled)?,
        }
        if self.system_unusable > 0 {
            write!(f, " ({} unusable left out)", self.system_unusable)?;
        }
        for (path, count) in &self.extra {
            write!(f, ", {count} from {}", path.display())?;
        }
        Ok(())
    }
}

fn system_certificates(
    bundles: &[&str],
    directories: &[&str],
) -> Option<(PathBuf, Vec<CertificateDer<'static>>)> {
    // A location that is missing or unreadable is no error here: the next one is tried, and the report says
    // which was used.
    let bundles = bundles
        .iter()
        .map(|path| (path, rustls_native_certs::load_certs_from_paths(Some(Path::new(path)), None)));
    let directories = directories
        .iter()
        .map(|path| (path, rustls_native_certs::load_certs_from_paths(None, Some(Path::new(path)))));
    bundles
        .chain(directories)
        .find(|(_, loaded)| !loaded.certs.is_empty())
        .map(|(path, loaded)| (PathBuf::from(path), loaded.certs))
}

fn add_file(store: &mut RootCertStore, path: &Path) -> Result<usize, RootsError> {
    let content = |source| RootsError::Content { path: path.to_owned(), source };
    let read = |source| RootsError::Read { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(read)?;
    let mut pem = Vec::new();
    file.take(MAX_CA_FILE_BYTES + 1).read_to_end(&mut pem).map_err(read)?;
    if pem.len() as u64 > MAX_CA_FILE_BYTES {
        return Err(RootsError::TooLarge { path: path.to_owned() });
    }
    let certificates = read_authorities(&pem).map_err(content)?;
    let count = certificates.len();
    for (index, certificate) in certificates.into_iter().enumerate() {
        store
            .add(certificate)
            .map_err(|error| content(PemError::Unusable { number: index + 1, detail: error.to_string() }))?;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority() -> String {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
    }

    #[test]
    fn built_in_roots_stand_in_for_a_system_without_any_and_extra_files_add() {
        let dir = tempfile::tempdir().unwrap();
        let extra = dir.path().join("extra.pem");
        std::fs::write(&extra, authority() + &authority()).unwrap();
        let roots =
            Roots::load_from(&["/nonexistent"], &["/nonexistent"], std::slice::from_ref(&extra)).unwrap();
        let report = roots.report();
        assert_eq!((report.system, &report.system_path), (0, &None));
        assert!(report.bundled > 50);
        assert_eq!(report.extra, [(extra, 2)]);
        assert_eq!(roots.store().len(), report.bundled + 2);
    }

    #[test]
    fn a_systems_own_roots_keep_the_built_in_ones_out() {
        let dir = tempfile::tempdir().unwrap();
        let bundle = dir.path().join("bundle.pem");
        std::fs::write(&bundle, authority()).unwrap();
        let roots = Roots::load_from(&["/nonexistent", bundle.to_str().unwrap()], &[], &[]).unwrap();
        assert_eq!((roots.report().system, roots.report().bundled, roots.store().len()), (1, 0, 1));
        assert_eq!(roots.report().to_string(), format!("1 roots from {}", bundle.display()));
    }

    #[test]
    fn a_bad_extra_file_is_named_with_the_reason() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let error =
            |path: &PathBuf| Roots::load_from(&[], &[], std::slice::from_ref(path)).unwrap_err().to_string();

        let missing = dir.path().join("missing.pem");
        assert!(error(&missing).contains("missing.pem: No such file"), "{}", error(&missing));
        let empty = write("empty.pem", "hello");
        assert!(
            error(&empty)
                .ends_with("empty.pem: it contains no PEM certificate (-----BEGIN CERTIFICATE-----)")
        );
        let broken = write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        assert!(error(&broken).contains("broken.pem: certificate 1 in it is not usable"));
        let cut = write("cut.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n");
        assert!(error(&cut).contains("cut.pem: not valid PEM: a section has no END line"));
    }
}
