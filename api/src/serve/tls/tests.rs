use std::process::Command;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;

/// Has `openssl` make a certificate for `localhost` that signs itself.
pub(crate) fn make(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let files = [".crt", ".key"].map(|end| folder.join(format!("{name}{end}")));
    let [certificate, key] = files;
    let arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
                     -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
                     -addext basicConstraints=critical,CA:FALSE";
    openssl(
        Command::new("openssl")
            .args(arguments.split_whitespace())
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate),
    );
    (certificate, key)
}

fn openssl(command: &mut Command) {
    let done = command.output().expect("openssl is needed for this test");
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{told}");
}

/// A client that trusts one certificate.
pub(crate) fn client(certificate: &Path, protocols: &[&str]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(first(certificate)).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let protocols = protocols.iter().map(|name| name.as_bytes().to_vec());
    config.alpn_protocols = protocols.collect();
    TlsConnector::from(Arc::new(config))
}

fn first(certificate: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(certificate).unwrap()
}

pub(crate) fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

/// Speaks with a listener of this configuration; tells the protocol they agreed on.
async fn shake(config: Arc<ServerConfig>, client: TlsConnector) -> io::Result<Option<Vec<u8>>> {
    let (near, far) = duplex(64 * 1024);
    let serve = async {
        let mut stream = TlsAcceptor::from(config).accept(far).await?;
        stream.write_all(b"hello").await?;
        stream.shutdown().await
    };
    let ask = async {
        let mut stream = client.connect(localhost(), near).await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        assert_eq!(text, "hello");
        Ok(stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec))
    };
    let (served, asked) = tokio::join!(serve, ask);
    served.and(asked)
}

/// Puts new content in a file, surely with another time.
fn replace(file: &Path, content: impl AsRef<[u8]>) {
    let before = fs::metadata(file).unwrap().modified().unwrap();
    fs::write(file, content).unwrap();
    let file = File::options().write(true).open(file).unwrap();
    file.set_modified(before + Duration::from_secs(1)).unwrap();
}

#[tokio::test]
async fn offers_each_listener_its_protocols() {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = make(folder.path(), "one");
    let tls = Tls::load(certificate.clone(), key).unwrap();
    let http = tls.config(HTTP).unwrap();
    let agreed = shake(Arc::clone(&http), client(&certificate, &["http/1.1", "h2"])).await;
    assert_eq!(agreed.unwrap().as_deref(), Some(b"h2".as_slice()));
    let agreed = shake(Arc::clone(&http), client(&certificate, &[])).await;
    assert_eq!(agreed.unwrap(), None);
    assert!(
        shake(http, client(&certificate, &["postgresql"]))
            .await
            .is_err()
    );
    let sql = tls.config(&["postgresql"]).unwrap();
    let agreed = shake(sql, client(&certificate, &["postgresql"])).await;
    assert_eq!(agreed.unwrap().as_deref(), Some(b"postgresql".as_slice()));
}

#[tokio::test]
async fn takes_a_new_pair_and_no_broken_one() {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = make(folder.path(), "used");
    let (new_certificate, new_key) = make(folder.path(), "new");
    let tls = Tls::load(certificate.clone(), key.clone()).unwrap();
    let config = tls.config(&[]).unwrap();
    let (was, is) = (folder.path().join("was"), new_certificate.as_path());
    fs::copy(&certificate, &was).unwrap();
    // Clients of their own each time: one that knows the server resumes its session, for which
    // no certificate is shown.
    let old = || client(&was, &[]);
    let new = || client(is, &[]);
    shake(Arc::clone(&config), old()).await.unwrap();
    assert!(shake(Arc::clone(&config), new()).await.is_err());
    assert!(!tls.reload().unwrap());

    // The certificate comes before its key.
    replace(&certificate, fs::read(&new_certificate).unwrap());
    let error = tls.reload().unwrap_err();
    assert!(matches!(error, TlsError::Pair { .. }), "{error}");
    assert!(error.to_string().contains("used.crt"));
    assert!(!tls.reload().unwrap(), "told twice");
    shake(Arc::clone(&config), old()).await.unwrap();

    replace(&key, fs::read(&new_key).unwrap());
    assert!(tls.reload().unwrap());
    shake(Arc::clone(&config), new()).await.unwrap();
    assert!(shake(Arc::clone(&config), old()).await.is_err());

    replace(&key, "no key");
    let error = tls.reload().unwrap_err();
    assert!(error.to_string().contains("used.key"), "{error}");
    fs::remove_file(&key).unwrap();
    assert!(matches!(tls.reload().unwrap_err(), TlsError::Read { .. }));
    shake(config, new()).await.unwrap();
}

#[tokio::test]
async fn looks_for_changes_by_itself() {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = make(folder.path(), "used");
    let (new_certificate, new_key) = make(folder.path(), "new");
    let tls = Arc::new(Tls::load(certificate.clone(), key.clone()).unwrap());
    let config = tls.config(&[]).unwrap();
    replace(&certificate, fs::read(&new_certificate).unwrap());
    replace(&key, fs::read(&new_key).unwrap());
    let new = client(&new_certificate, &[]);
    let taken = async {
        // Each handshake gives the other task its turn.
        while shake(Arc::clone(&config), new.clone()).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    let every = Duration::from_millis(1);
    let limit = Duration::from_secs(20);
    tokio::select! {
        () = taken => {}
        () = tls.keep_current(every) => {}
        () = tokio::time::sleep(limit) => panic!("the new certificate was not taken"),
    }
}

#[test]
fn reads_keys_of_all_forms() {
    let folder = TempDir::new().unwrap();
    let (certificate, pkcs8) = make(folder.path(), "ec");
    let convert = |what: &str, key: &Path, form: &str| {
        let made = folder.path().join(form);
        openssl(
            Command::new("openssl")
                .args([what, "-traditional", "-in"])
                .arg(key)
                .arg("-out")
                .arg(&made),
        );
        let text = fs::read_to_string(&made).unwrap();
        assert!(text.contains(form), "{text}");
        made
    };
    Tls::load(certificate.clone(), pkcs8.clone()).unwrap();
    let sec1 = convert("pkey", &pkcs8, "EC PRIVATE KEY");
    Tls::load(certificate, sec1).unwrap();

    let [certificate, key] = ["rsa.crt", "rsa.key"].map(|name| folder.path().join(name));
    openssl(
        Command::new("openssl")
            .args("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost".split(' '))
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate),
    );
    let pkcs1 = convert("rsa", &key, "RSA PRIVATE KEY");
    Tls::load(certificate, pkcs1).unwrap();
}

#[test]
fn names_the_file_at_fault() {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = make(folder.path(), "good");
    let (_, other) = make(folder.path(), "other");
    let empty = folder.path().join("empty");
    fs::write(&empty, "").unwrap();
    let missing = folder.path().join("missing");
    let check = |certificate: &Path, key: &Path, expected: &str| {
        let error = Tls::load(certificate.to_owned(), key.to_owned()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    };
    check(&missing, &key, "cannot read");
    check(&missing, &key, "missing");
    check(&certificate, &missing, "missing");
    check(&empty, &key, "cannot find a certificate in");
    check(&key, &key, "good.key");
    check(&certificate, &certificate, "cannot find a private key in");
    check(&certificate, &other, "other.key");
}
