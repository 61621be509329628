use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use claviger_web::server::{Settings, Tls, TlsFiles, bind};
use rcgen::generate_simple_self_signed;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::{Client, Running, start_on, within};

struct Pair {
    certificate: PathBuf,
    key: PathBuf,
}

fn pair(test: &str) -> Pair {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    fs::create_dir_all(&directory).unwrap();
    let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pair = Pair {
        certificate: directory.join("cert.pem"),
        key: directory.join("key.pem"),
    };
    fs::write(&pair.certificate, made.cert.pem()).unwrap();
    fs::write(&pair.key, made.signing_key.serialize_pem()).unwrap();
    pair
}

fn files(pair: &Pair) -> TlsFiles {
    let (certificates, key) = (pair.certificate.clone(), pair.key.clone());
    TlsFiles {
        certificates,
        key,
        client_authorities: None,
    }
}

async fn serve(files: &TlsFiles) -> Running {
    let bound = bind("127.0.0.1:0", "--listen").await.unwrap();
    let router = Router::new().route("/", get(|| async { "hello" }));
    start_on(
        bound.with_tls(Tls::from_files(files).unwrap()),
        router,
        Settings::default(),
    )
}

async fn connect(
    server: &Running,
    trusted: &Pair,
    own: Option<&Pair>,
    alpn: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(&trusted.certificate).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let chain = vec![CertificateDer::from_pem_file(&own.certificate).unwrap()];
            let key = PrivateKeyDer::from_pem_file(&own.key).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    let stream = within(TcpStream::connect(server.address)).await?;
    let name = ServerName::try_from("localhost").unwrap();
    within(TlsConnector::from(Arc::new(config)).connect(name, stream)).await
}

#[tokio::test]
async fn http1_over_tls_answers_and_drains() {
    let pair = pair("http1");
    let server = serve(&files(&pair)).await;
    let stream = connect(&server, &pair, None, b"http/1.1").await.unwrap();
    assert_eq!(
        stream.get_ref().1.alpn_protocol(),
        Some(b"http/1.1".as_slice())
    );
    let mut client = Client::new(stream);
    assert_eq!(client.get("/").await.body, "hello");
    server.drain.start();
    assert!(client.get("/").await.closes());
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn http2_is_agreed_by_alpn() {
    let pair = pair("http2");
    let server = serve(&files(&pair)).await;
    let stream = connect(&server, &pair, None, b"h2").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let (mut ask, connection) = hyper::client::conn::http2::handshake(
        hyper_util::rt::TokioExecutor::new(),
        hyper_util::rt::TokioIo::new(stream),
    )
    .await
    .unwrap();
    tokio::spawn(connection);
    let request = http::Request::get("https://localhost/")
        .body(String::new())
        .unwrap();
    assert_eq!(
        within(ask.send_request(request)).await.unwrap().status(),
        200
    );
}

#[tokio::test]
async fn mutual_tls_needs_a_known_certificate() {
    let (pair, client_pair, other) = (pair("mutual"), pair("client"), pair("other"));
    let authorities = Some(client_pair.certificate.clone());
    let server = serve(&TlsFiles {
        client_authorities: authorities,
        ..files(&pair)
    })
    .await;
    for (own, is_let_in) in [
        (None, false),
        (Some(&other), false),
        (Some(&client_pair), true),
    ] {
        let answer = match connect(&server, &pair, own, b"http/1.1").await {
            Ok(stream) => {
                let mut client = Client::new(stream);
                client.send("GET / HTTP/1.1\r\nhost: edge\r\n\r\n").await;
                client.try_answer().await
            }
            Err(_) => None,
        };
        assert_eq!(answer.is_some(), is_let_in);
    }
}

#[tokio::test]
async fn a_handshake_that_does_not_come_is_given_up() {
    let pair = pair("handshake");
    let bound = bind("127.0.0.1:0", "--listen").await.unwrap();
    let settings = Settings {
        handshake_timeout: std::time::Duration::from_millis(200),
        ..Settings::default()
    };
    let tls = Tls::from_files(&files(&pair)).unwrap();
    let server = start_on(bound.with_tls(tls), Router::new(), settings);
    assert_eq!(server.connect().await.rest().await, "");
}

#[test]
fn errors_name_the_file_and_the_reason() {
    let (good, other) = (pair("good"), pair("stranger"));
    let garbage = good.key.with_file_name("garbage.pem");
    fs::write(
        &garbage,
        "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    let missing = good.key.with_file_name("missing.pem");
    for (certificates, key, file, reason) in [
        (
            &missing,
            &good.key,
            &missing,
            "cannot read it: No such file",
        ),
        (
            &good.key,
            &good.key,
            &good.key,
            "it has no certificate in PEM form",
        ),
        (&garbage, &good.key, &garbage, "it is not valid PEM"),
        (
            &good.certificate,
            &good.certificate,
            &good.certificate,
            "it has no unencrypted private key in PEM form",
        ),
        (
            &good.certificate,
            &other.key,
            &other.key,
            "the key is not that of the first certificate",
        ),
    ] {
        let (certificates, key) = (certificates.clone(), key.clone());
        let files = TlsFiles {
            certificates,
            key,
            client_authorities: None,
        };
        let error = Tls::from_files(&files).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("{}: {reason}", file.display())),
            "{error}"
        );
    }
}
