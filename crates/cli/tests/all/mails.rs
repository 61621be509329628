//! Letters of the real binary: into files with `claviger dev`, and to a mail server that asks for
//! TLS and a password.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claviger_model::time::DAY_MILLIS;
use claviger_service::sources::Sources;
use rcgen::generate_simple_self_signed;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::directory::Directory;
use crate::http::post;
use crate::program::{Server, run, until};
use crate::serve::initialised;

const PASSWORD: &str = "the mail server's password";

/// The letters in the directory of `claviger dev`, without the soft line breaks of their encoding.
fn letters(directory: &Directory) -> Vec<String> {
    let Ok(files) = std::fs::read_dir(directory.path("data/mail")) else {
        return Vec::new();
    };
    let paths = files.map(|file| file.unwrap().path());
    let whole = paths.filter(|path| path.extension().is_some_and(|end| end == "eml"));
    whole
        .map(|path| readable(&std::fs::read_to_string(path).unwrap()))
        .collect()
}

/// RFC 2045 section 6.7.
fn readable(letter: &str) -> String {
    letter
        .replace("=\r\n", "")
        .replace("=3D", "=")
        .replace("\r\n ", " ")
}

#[tokio::test]
async fn dev_writes_an_invitation_into_a_file() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let body = json!({"email": "ana@acme.test", "role": "developer"});
    let url = server.public("/v1/members");
    let invited = post(&url, server.text("/session_token"), &body).await;
    assert_eq!(invited.status, 201, "{invited:?}");
    let letter = until(async || letters(&directory).pop()).await;
    assert!(letter.contains("To: ana@acme.test"), "{letter}");
    let link = format!("{}?token=", server.public("/invitation"));
    assert!(letter.contains(&link), "{letter}");
    let token = letter.split_once(&link).unwrap().1;
    let is_of_token = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '_';
    let token: String = token.chars().take_while(is_of_token).collect();
    let wrote = server.stop().await;
    assert!(token.len() > 20 && !wrote.contains(&token), "{wrote}");
}

/// A directory with a key that is made before it is due, and is due now: one day before its end.
async fn with_a_due_key() -> Directory {
    let sources = Sources::system().unwrap();
    let now = || sources.now().0;
    // A busy machine may take longer to make it; then it gets more time.
    for margin_millis in [4_000, 15_000, 60_000] {
        let directory = Directory::new();
        Server::dev(&directory).await.stop().await;
        let data = directory.path("data");
        let due = now() + margin_millis;
        let ends = (due + DAY_MILLIS).to_string();
        let create = [
            "key",
            "create",
            "--name",
            "Nightly",
            "--scope",
            "read:leads",
        ];
        let more = ["--expires-at", &ends, "--data", &data];
        run(&[&create[..], &more].concat()).await.done();
        if now() < due {
            until(async || (now() > due).then_some(())).await;
            return directory;
        }
    }
    panic!("no key was made before it was due");
}

#[tokio::test]
async fn a_server_reminds_of_a_key_that_ends_soon() {
    let directory = with_a_due_key().await;
    for _ in 0..2 {
        let server = Server::dev(&directory).await;
        let letter = until(async || letters(&directory).pop()).await;
        assert!(letter.contains("To: admin@acme.test"), "{letter}");
        assert!(
            letter.contains("API key Nightly (live) expires in 1 day"),
            "{letter}"
        );
        server.stop().await;
    }
    assert_eq!(letters(&directory).len(), 1, "it is told once");
}

/// A mail server for TLS, from the first byte or after `STARTTLS`, that takes letters of one user.
struct MailServer {
    acceptor: TlsAcceptor,
    is_implicit: bool,
    letters: Mutex<Vec<String>>,
    /// What was answered to whoever wanted to sign in.
    logins: Mutex<Vec<&'static str>>,
}

impl MailServer {
    /// Its port, and the file with its certificate.
    async fn start(directory: &Directory, is_implicit: bool) -> (Arc<Self>, u16, String) {
        let made = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let pem = made.cert.pem();
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let key = made.signing_key.serialize_pem();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Arc::new(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            is_implicit,
            letters: Mutex::default(),
            logins: Mutex::default(),
        });
        let inside = Arc::clone(&server);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&inside).serve(stream));
            }
        });
        let file = directory.write("mail-server.pem", &pem);
        (server, port, file)
    }

    /// RFC 5321, RFC 3207 (`STARTTLS`), RFC 4954 (`AUTH`). Without TLS nothing but TLS is offered.
    async fn serve(self: Arc<Self>, stream: TcpStream) {
        if self.is_implicit {
            if let Ok(stream) = self.acceptor.accept(stream).await {
                self.talk(BufStream::new(stream), true).await;
            }
            return;
        }
        let Some(stream) = Self::until_tls(stream).await else {
            return;
        };
        if let Ok(stream) = self.acceptor.accept(stream).await {
            self.talk(BufStream::new(stream), false).await;
        }
    }

    async fn until_tls(stream: TcpStream) -> Option<TcpStream> {
        let mut stream = BufStream::new(stream);
        say(&mut stream, "220 hello").await?;
        loop {
            let line = heard(&mut stream).await?;
            match verb(&line).as_str() {
                "EHLO" => say(&mut stream, "250-mail.acme.test\r\n250 STARTTLS").await?,
                "STARTTLS" => {
                    say(&mut stream, "220 go on").await?;
                    return Some(stream.into_inner());
                }
                _ => say(&mut stream, "530 Must issue a STARTTLS command first").await?,
            }
        }
    }

    async fn talk<S>(&self, mut stream: BufStream<S>, greets: bool) -> Option<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        if greets {
            say(&mut stream, "220 hello").await?;
        }
        let mut is_known = false;
        loop {
            let line = heard(&mut stream).await?;
            let answer = match verb(&line).as_str() {
                "EHLO" => "250-mail.acme.test\r\n250 AUTH PLAIN",
                "AUTH" => {
                    is_known = is_ours(&line);
                    let answer = if is_known { "235 welcome" } else { "535 who?" };
                    self.logins.lock().unwrap().push(answer);
                    answer
                }
                "MAIL" if !is_known => "530 sign in first",
                "DATA" => {
                    say(&mut stream, "354 go on").await?;
                    let mut letter = String::new();
                    loop {
                        let line = heard(&mut stream).await?;
                        if line == "." {
                            break;
                        }
                        letter.push_str(&line);
                        letter.push_str("\r\n");
                    }
                    self.letters.lock().unwrap().push(readable(&letter));
                    "250 taken"
                }
                "QUIT" => {
                    say(&mut stream, "221 bye").await?;
                    return None;
                }
                _ => "250 fine",
            };
            say(&mut stream, answer).await?;
        }
    }
}

async fn say(stream: &mut (impl AsyncWrite + Unpin), answer: &str) -> Option<()> {
    stream
        .write_all(format!("{answer}\r\n").as_bytes())
        .await
        .ok()?;
    stream.flush().await.ok()
}

/// The next line without its end; none when there is none.
async fn heard<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufStream<S>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

fn verb(line: &str) -> String {
    let verb = line.split([' ', ':']).next().unwrap_or_default();
    verb.to_ascii_uppercase()
}

/// Whether `AUTH PLAIN` (RFC 4616) is with the user and the password.
fn is_ours(line: &str) -> bool {
    let sent = line
        .rsplit(' ')
        .next()
        .and_then(|text| STANDARD.decode(text).ok());
    sent.is_some_and(|sent| sent == format!("\0claviger\0{PASSWORD}").into_bytes())
}

/// A directory whose letters go to this mail server; its configuration file.
async fn by_smtp(directory: &Directory, port: u16, tls: &str) -> String {
    let config = initialised(directory).await;
    let text = std::fs::read_to_string(&config).unwrap();
    let section = format!(
        "\n[mail]\ntransport = \"smtp\"\nfrom = \"keys@acme.test\"\nsmtp_host = \"127.0.0.1\"\n\
         smtp_port = {port}\nsmtp_tls = \"{tls}\"\nsmtp_user = \"claviger\"\n\
         smtp_password_file = \"smtp.password\"\n"
    );
    let changed = text.replacen("\n[mail]\n", &section, 1);
    assert_ne!(changed, text);
    std::fs::write(&config, changed).unwrap();
    run(&["account", "create", "Acme", "--config", &config])
        .await
        .done();
    config
}

async fn invite(config: &str) {
    let add = [
        "member",
        "add",
        "ana@acme.test",
        "--role",
        "developer",
        "--config",
        config,
    ];
    run(&add).await.done();
}

/// Waits for the one letter, and looks at it.
async fn invited(mail: &MailServer) {
    let letter = until(async || mail.letters.lock().unwrap().pop()).await;
    assert!(letter.contains("To: ana@acme.test"), "{letter}");
    assert!(
        letter.contains("From: Claviger <keys@acme.test>"),
        "{letter}"
    );
    assert!(letter.contains("/invitation?token="), "{letter}");
}

#[tokio::test]
async fn a_mail_server_gets_letters_over_tls_with_user_and_password() {
    let directory = Directory::new();
    let (mail, port, trusted) = MailServer::start(&directory, true).await;
    let config = by_smtp(&directory, port, "tls").await;
    directory.write("data/smtp.password", &format!("{PASSWORD}\n"));
    let variables = [("SSL_CERT_FILE", trusted.as_str())];
    let server = Server::serve_with(&directory, &config, &variables).await;
    invite(&config).await;
    invited(&mail).await;
    let wrote = server.stop().await;
    assert!(!wrote.contains(PASSWORD), "{wrote}");
}

#[tokio::test]
async fn a_letter_waits_until_the_password_is_right() {
    let directory = Directory::new();
    let (mail, port, trusted) = MailServer::start(&directory, false).await;
    let config = by_smtp(&directory, port, "starttls").await;
    directory.write("data/smtp.password", "a wrong one\n");
    let variables = [("SSL_CERT_FILE", trusted.as_str())];
    let server = Server::serve_with(&directory, &config, &variables).await;
    invite(&config).await;
    let told = async || {
        server
            .stderr()
            .contains("a letter is not sent yet")
            .then_some(())
    };
    until(told).await;
    assert_eq!(mail.logins.lock().unwrap()[0], "535 who?");
    // It is read anew each time: nothing is restarted.
    directory.write("data/smtp.password", &format!("{PASSWORD}\n"));
    invited(&mail).await;
    let wrote = server.stop().await;
    assert!(
        !wrote.contains(PASSWORD) && !wrote.contains("a wrong one"),
        "{wrote}"
    );
}

#[tokio::test]
async fn a_mail_server_that_nobody_vouches_for_gets_neither_password_nor_letter() {
    let directory = Directory::new();
    let (mail, port, _) = MailServer::start(&directory, true).await;
    let config = by_smtp(&directory, port, "tls").await;
    directory.write("data/smtp.password", &format!("{PASSWORD}\n"));
    let server = Server::serve(&directory, &config).await;
    invite(&config).await;
    let told = async || {
        server
            .stderr()
            .contains("a letter is not sent yet")
            .then_some(())
    };
    until(told).await;
    assert_eq!(mail.logins.lock().unwrap().len(), 0);
    assert_eq!(mail.letters.lock().unwrap().len(), 0);
    server.stop().await;
}
