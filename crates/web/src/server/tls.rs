use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ServerConfig, WebPkiClientVerifier, danger::ClientCertVerifier};
use rustls::{ConfigBuilder, RootCertStore, WantsVerifier};
use tokio_rustls::TlsAcceptor;

/// PEM files of a listener that speaks TLS.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The server's certificate, then those that lead to the root.
    pub certificates: PathBuf,
    /// The private key of the first certificate, not encrypted.
    pub key: PathBuf,
    /// If present, every client must show a certificate signed by one of these (mutual TLS).
    pub client_authorities: Option<PathBuf>,
}

/// A listener's certificate and key, ready for handshakes (TLS 1.2 and 1.3).
#[derive(Clone)]
pub struct Tls(pub(super) TlsAcceptor);

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

/// A TLS file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", file.display())]
pub struct TlsError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it, as a phrase.
    pub problem: String,
}

impl Tls {
    /// Reads and checks the files.
    ///
    /// # Errors
    ///
    /// [`TlsError`] names the file and the reason.
    pub fn from_files(files: &TlsFiles) -> Result<Self, TlsError> {
        let certificates = read_certificates(&files.certificates)?;
        let key = PrivateKeyDer::from_pem_file(&files.key)
            .map_err(|error| unreadable(&files.key, "unencrypted private key", &error))?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = versions(&provider, files)?;
        let builder = match &files.client_authorities {
            None => builder.with_no_client_auth(),
            Some(file) => builder.with_client_cert_verifier(client_verifier(file, provider)?),
        };
        let mut config = builder
            .with_single_cert(certificates, key)
            .map_err(|error| wrong(&files.key, unfit(&error, &files.certificates)))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }
}

fn versions(
    provider: &Arc<CryptoProvider>,
    files: &TlsFiles,
) -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, TlsError> {
    ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&files.certificates, error.to_string()))
}

fn client_verifier(
    file: &Path,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in read_certificates(file)? {
        roots
            .add(certificate)
            .map_err(|error| wrong(file, error.to_string()))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| wrong(file, error.to_string()))
}

fn read_certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable(file, "certificate", &error))?;
    if certificates.is_empty() {
        return Err(unreadable(file, "certificate", &pem::Error::NoItemsFound));
    }
    Ok(certificates)
}

fn unreadable(file: &Path, wanted: &str, error: &pem::Error) -> TlsError {
    let problem = match error {
        pem::Error::Io(error) => format!("cannot read it: {error}"),
        pem::Error::NoItemsFound => format!("it has no {wanted} in PEM form"),
        error => format!("it is not valid PEM: {error}"),
    };
    wrong(file, problem)
}

fn unfit(error: &rustls::Error, certificates: &Path) -> String {
    match error {
        rustls::Error::InconsistentKeys(_) => {
            format!(
                "the key is not that of the first certificate in {}",
                certificates.display()
            )
        }
        error => format!(
            "the key and {} cannot be used: {error}",
            certificates.display()
        ),
    }
}

fn wrong(file: &Path, problem: String) -> TlsError {
    TlsError {
        file: file.to_owned(),
        problem,
    }
}
