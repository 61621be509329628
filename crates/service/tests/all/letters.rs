//! Letters: where they go in tests, and what becomes of those that nobody takes.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use claviger_model::UnixMillis;
use claviger_service::invitations;
use claviger_service::mail::send_due;
use claviger_service::settings::{MailSettings, MailTransport, Settings, SmtpServer, SmtpTls};
use claviger_service::testing::TestApp;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A directory of letters, gone when dropped.
pub(crate) struct Letters(PathBuf);

impl Letters {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("claviger-letters-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    /// The letters since the last call.
    pub(crate) fn taken(&self) -> Vec<String> {
        let Ok(files) = std::fs::read_dir(&self.0) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for file in files {
            let path = file.unwrap().path();
            found.push(readable(&std::fs::read_to_string(&path).unwrap()));
            std::fs::remove_file(path).unwrap();
        }
        found
    }
}

impl Drop for Letters {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The text without the soft line breaks of its encoding (RFC 2045 section 6.7).
fn readable(letter: &str) -> String {
    letter
        .replace("=\r\n", "")
        .replace("=3D", "=")
        .replace("\r\n ", " ")
}

/// Runs a test on each database with letters that become files.
pub(crate) async fn with_letters(settings: Settings, test: impl AsyncFn(&TestApp, &Letters)) {
    let letters = Letters::new();
    let settings = Settings {
        mail: MailSettings {
            transport: MailTransport::Files(letters.0.clone()),
            from: "keys@acme.test".to_owned(),
        },
        ..settings
    };
    for app in Box::pin(TestApp::on_each(&settings)).await {
        Box::pin(test(&app, &letters)).await;
        app.close().await;
        letters.taken();
    }
}

async fn invite(test: &TestApp, email: &str) -> String {
    let team = test.owner.team().unwrap();
    let invited = invitations::create(&test.app, &team, email, "developer", None)
        .await
        .unwrap();
    invited.token.unwrap().expose().to_owned()
}

#[tokio::test]
async fn an_invitation_is_sent_and_its_link_shown_too() {
    with_letters(Settings::default(), async |test, letters| {
        let token = invite(test, "ana@acme.test").await;
        send_due(&test.app).await.unwrap();
        let found = letters.taken();
        assert_eq!(found.len(), 1);
        let link = format!("http://127.0.0.1:8080/invitation?token={token}");
        assert!(found[0].contains(&link), "{}", found[0]);
        assert!(found[0].contains("To: ana@acme.test"), "{}", found[0]);
        assert!(
            found[0].contains("From: Claviger <keys@acme.test>"),
            "{}",
            found[0]
        );
        assert!(
            found[0].contains("Subject: You are invited to Acme"),
            "{}",
            found[0]
        );
        assert!(found[0].contains("Message-ID: <mail_"), "{}", found[0]);
        send_due(&test.app).await.unwrap();
        assert_eq!(letters.taken().len(), 0, "it is sent once");
    })
    .await;
}

/// A mail server that refuses for a while.
struct MailServer {
    refusals: Mutex<Vec<&'static str>>,
    letters: Mutex<Vec<String>>,
}

impl MailServer {
    async fn start() -> (Arc<Self>, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Arc::new(Self {
            refusals: Mutex::default(),
            letters: Mutex::default(),
        });
        let inside = Arc::clone(&server);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&inside).serve(stream));
            }
        });
        (server, port)
    }

    async fn serve(self: Arc<Self>, stream: TcpStream) {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        let mut answer = "220 hello".to_owned();
        loop {
            if write
                .write_all(format!("{answer}\r\n").as_bytes())
                .await
                .is_err()
            {
                return;
            }
            let Ok(Some(line)) = lines.next_line().await else {
                return;
            };
            let verb = line.split([' ', ':']).next().unwrap_or_default();
            answer = match verb.to_ascii_uppercase().as_str() {
                "EHLO" => "250 mail.acme.test".to_owned(),
                "RCPT" => {
                    let refusal = self.refusals.lock().unwrap().pop();
                    refusal.unwrap_or("250 fine").to_owned()
                }
                "DATA" => {
                    let _ = write.write_all(b"354 go on\r\n").await;
                    let mut letter = String::new();
                    while let Ok(Some(line)) = lines.next_line().await {
                        if line == "." {
                            break;
                        }
                        letter.push_str(&line);
                        letter.push_str("\r\n");
                    }
                    self.letters.lock().unwrap().push(readable(&letter));
                    "250 taken".to_owned()
                }
                "QUIT" => "221 bye".to_owned(),
                _ => "250 fine".to_owned(),
            };
        }
    }

    fn letters(&self) -> Vec<String> {
        self.letters.lock().unwrap().clone()
    }
}

fn by_smtp(port: u16) -> Settings {
    Settings {
        mail: MailSettings {
            transport: MailTransport::Smtp(SmtpServer {
                host: "127.0.0.1".to_owned(),
                port,
                tls: SmtpTls::None,
                login: None,
            }),
            from: "keys@acme.test".to_owned(),
        },
        ..Settings::default()
    }
}

#[tokio::test]
async fn a_letter_waits_until_the_server_takes_it_and_a_hopeless_one_is_given_up() {
    for test in TestApp::on_each(&by_smtp(1)).await {
        // Nobody is there.
        let token = invite(&test, "ana@acme.test").await;
        let begun = test.app.sources().now();
        send_due(&test.app).await.unwrap();
        let paused = test.app.sources().now();
        let (server, port) = MailServer::start().await;
        // The same data under settings with a server that is there: a restart.
        let app = test.reopened_with(by_smtp(port)).await;
        // However long that took: the pause is half a minute from the attempt.
        let at = |moment: UnixMillis| {
            let sources = app.sources();
            sources.shift_wall_clock(moment.since(sources.now()));
        };
        at(begun.plus_millis(29_000));
        send_due(&app).await.unwrap();
        assert_eq!(server.letters(), Vec::<String>::new(), "the pause is kept");
        server.refusals.lock().unwrap().push("451 later");
        at(paused.plus_millis(31_000));
        send_due(&app).await.unwrap();
        assert_eq!(server.letters(), Vec::<String>::new());
        app.sources().shift_wall_clock(61_000);
        send_due(&app).await.unwrap();
        let found = server.letters();
        assert_eq!(found.len(), 1);
        assert!(found[0].contains(&token), "{}", found[0]);
        app.sources().shift_wall_clock(3_600_000);
        send_due(&app).await.unwrap();
        assert_eq!(server.letters().len(), 1, "it is sent once");
        app.close().await;
    }
}

#[tokio::test]
async fn what_the_server_will_never_take_is_not_sent_again() {
    let (server, port) = MailServer::start().await;
    for test in TestApp::on_each(&by_smtp(port)).await {
        server
            .refusals
            .lock()
            .unwrap()
            .push("550 nobody of that name");
        invite(&test, "nobody@acme.test").await;
        send_due(&test.app).await.unwrap();
        test.app.sources().shift_wall_clock(3_600_000);
        send_due(&test.app).await.unwrap();
        assert_eq!(server.letters(), Vec::<String>::new());
        test.close().await;
    }
}
