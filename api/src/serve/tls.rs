//! The server's certificate, read again when its files change.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::time::MissedTickBehavior;
use tracing::{error, info};

/// Protocols for the HTTP listener, in order of preference.
pub const HTTP: &[&str] = &["h2", "http/1.1"];

/// The most bytes of a file of certificates or a key.
const MAX_FILE: u64 = 1024 * 1024;

/// Why TLS cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("cannot find a {what} in {}", path.display())]
    Pem {
        /// Which file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// Why.
        source: pem::Error,
    },
    /// Certificate and key are not good for each other.
    #[error("cannot use the certificate of {} with the key of {}", certificate.display(), key.display())]
    Pair {
        /// File of the certificate.
        certificate: PathBuf,
        /// File of the key.
        key: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// The cryptography does not offer what is needed.
    #[error("cannot set up TLS")]
    Setup(#[from] rustls::Error),
}

/// A certificate chain and its key, for any number of listeners.
#[derive(Debug)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    current: Arc<Current>,
    seen: Mutex<Option<[Stamp; 2]>>,
}

/// What tells that a file has changed.
type Stamp = (Option<SystemTime>, u64);

impl Tls {
    /// Reads a PEM file of certificates, the server's first, and one with its key in PKCS#8,
    /// PKCS#1 or SEC1.
    pub fn load(certificate: PathBuf, key: PathBuf) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let seen = stamps(&certificate, &key).ok();
        let pair = read(&certificate, &key, &provider)?;
        Ok(Self {
            certificate,
            key,
            provider,
            current: Arc::new(Current(RwLock::new(Arc::new(pair)))),
            seen: Mutex::new(seen),
        })
    }

    /// The configuration of a listener: TLS 1.2 and 1.3 with the current certificate, also after
    /// later reloads.
    ///
    /// Each listener names its own protocols, since clients are refused that name others:
    /// PostgreSQL's name `postgresql`.
    pub fn config(&self, protocols: &[&str]) -> Result<Arc<ServerConfig>, TlsError> {
        let provider = Arc::clone(&self.provider);
        let resolver = Arc::clone(&self.current);
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        let protocols = protocols.iter().map(|name| name.as_bytes().to_vec());
        config.alpn_protocols = protocols.collect();
        Ok(Arc::new(config))
    }

    /// Takes a new certificate where a file has changed, and says whether. A broken one is told
    /// once, and the old one stays.
    pub fn reload(&self) -> Result<bool, TlsError> {
        // Before reading: a file that changes in between is read again next time.
        let now = stamps(&self.certificate, &self.key)?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == Some(now) {
            return Ok(false);
        }
        *seen = Some(now);
        let pair = read(&self.certificate, &self.key, &self.provider)?;
        self.current.set(pair);
        Ok(true)
    }

    /// Looks for changed files at this interval, forever. By time and size of the files and not
    /// by notices of the file system, which miss what happens behind links and mounts: just how
    /// Kubernetes renews secrets.
    pub async fn keep_current(self: Arc<Self>, every: Duration) {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut missing = false;
        loop {
            ticks.tick().await;
            let tls = Arc::clone(&self);
            let Ok(reloaded) = tokio::task::spawn_blocking(move || tls.reload()).await else {
                continue;
            };
            let was_missing = std::mem::take(&mut missing);
            match reloaded {
                Ok(false) => {}
                Ok(true) => {
                    let file = self.certificate.display();
                    info!(%file, "took a new certificate");
                }
                Err(error) => {
                    // Files that cannot be looked at have no stamp that could hold the line back.
                    missing = matches!(error, TlsError::Read { .. });
                    if !(missing && was_missing) {
                        tell_broken(&error);
                    }
                }
            }
        }
    }
}

fn tell_broken(error: &TlsError) {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    let cause = cause.unwrap_or_default();
    error!(%error, cause, "a changed certificate is not usable; the old one stays");
}

/// The certificate that new connections get.
struct Current(RwLock<Arc<CertifiedKey>>);

impl Current {
    fn get(&self) -> Arc<CertifiedKey> {
        let current = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    fn set(&self, pair: CertifiedKey) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(pair);
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.get())
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current")
    }
}

fn stamps(certificate: &Path, key: &Path) -> Result<[Stamp; 2], TlsError> {
    let stamp = |path: &Path| -> Result<Stamp, TlsError> {
        let found = fs::metadata(path).map_err(|source| unreadable(path, source))?;
        Ok((found.modified().ok(), found.len()))
    };
    Ok([stamp(certificate)?, stamp(key)?])
}

fn read(
    certificate: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    let broken = |path: &Path, what, source| TlsError::Pem {
        path: path.to_owned(),
        what,
        source,
    };
    let chain = CertificateDer::pem_slice_iter(&content(certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .and_then(|chain| {
            if chain.is_empty() {
                return Err(pem::Error::NoItemsFound);
            }
            Ok(chain)
        })
        .map_err(|source| broken(certificate, "certificate", source))?;
    let private = PrivateKeyDer::from_pem_slice(&content(key)?)
        .map_err(|source| broken(key, "private key", source))?;
    CertifiedKey::from_der(chain, private, provider).map_err(|source| TlsError::Pair {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        source,
    })
}

/// Reads a file up to the bound; what is cut off there is broken PEM.
fn content(path: &Path) -> Result<Vec<u8>, TlsError> {
    let mut content = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE).read_to_end(&mut content))
        .map_err(|source| unreadable(path, source))?;
    Ok(content)
}

fn unreadable(path: &Path, source: io::Error) -> TlsError {
    TlsError::Read {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
pub(crate) mod tests;
