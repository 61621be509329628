//! How letters leave: into files, or to a mail server by SMTP over TLS.

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use claviger_store::mails::WaitingMail;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::response::Category;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use zeroize::Zeroizing;

use super::Letter;
use crate::app::App;
use crate::settings::{MailTransport, SmtpServer, SmtpTls};

/// How long a command to the mail server may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Why a letter was not sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Unsent {
    /// It can be tried again.
    Later(String),
    /// It never will be taken.
    Never(String),
}

/// What sends letters.
pub(super) struct Post {
    from: Mailbox,
    way: Way,
}

enum Way {
    Files(PathBuf),
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
}

impl Post {
    /// What the settings say. The password is read anew each time, so that it can be changed.
    pub(super) async fn open(app: &App) -> Result<Self, Unsent> {
        let settings = app.settings();
        let later = |error: &dyn std::fmt::Display| Unsent::Later(error.to_string());
        let address: Address = settings
            .mail
            .from
            .parse()
            .map_err(|error: lettre::address::AddressError| later(&error))?;
        let from = Mailbox::new(Some(settings.portal.name.clone()), address);
        let way = match &settings.mail.transport {
            MailTransport::None => return Err(Unsent::Later("no way is configured".to_owned())),
            MailTransport::Files(directory) => Way::Files(directory.clone()),
            MailTransport::Smtp(server) => Way::Smtp(smtp(server).await?),
        };
        Ok(Self { from, way })
    }

    /// Sends a letter; when this is good it has left.
    pub(super) async fn send(&self, mail: &WaitingMail, letter: &Letter) -> Result<(), Unsent> {
        let message = self.message(mail, letter)?;
        match &self.way {
            Way::Files(directory) => write(directory, mail, &message.formatted())
                .await
                .map_err(|error| Unsent::Later(error.to_string())),
            Way::Smtp(transport) => match transport.send(message).await {
                Ok(_) => Ok(()),
                // The server understood, and will never take this letter (RFC 5321 section 4.2.1).
                Err(error) if is_of_letter(&error) => Err(Unsent::Never(error.to_string())),
                Err(error) => Err(Unsent::Later(error.to_string())),
            },
        }
    }

    fn message(&self, mail: &WaitingMail, letter: &Letter) -> Result<Message, Unsent> {
        let never = |error: &dyn std::fmt::Display| Unsent::Never(error.to_string());
        let to: Address = mail
            .recipient
            .parse()
            .map_err(|error: lettre::address::AddressError| never(&error))?;
        let millis = u64::try_from(mail.created_at.0).unwrap_or_default();
        let domain = self.from.email.domain();
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(letter.subject.as_str())
            .date(UNIX_EPOCH + Duration::from_millis(millis))
            .message_id(Some(format!("<{}@{domain}>", mail.id)))
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.clone())
            .map_err(|error| never(&error))
    }
}

/// Whether the server refuses a letter for good. Other refusals for good are of who sends, such as
/// a wrong password (RFC 4954 section 6), and somebody mends them: then the letter can leave.
fn is_of_letter(error: &lettre::transport::smtp::Error) -> bool {
    let code = error.status().filter(|_| error.is_permanent());
    code.is_some_and(|code| code.category == Category::MailSystem)
}

async fn smtp(server: &SmtpServer) -> Result<AsyncSmtpTransport<Tokio1Executor>, Unsent> {
    let later = |error: &dyn std::fmt::Display| Unsent::Later(error.to_string());
    let host = server.host.as_str();
    let builder = match server.tls {
        SmtpTls::Implicit => AsyncSmtpTransport::<Tokio1Executor>::relay(host),
        SmtpTls::StartTls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(host),
        SmtpTls::None => Ok(AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(
            host,
        )),
    };
    let builder = builder.map_err(|error| later(&error))?;
    let mut builder = builder.port(server.port).timeout(Some(TIMEOUT));
    if let Some((user, password_file)) = &server.login {
        let password = tokio::fs::read_to_string(password_file).await;
        let password = Zeroizing::new(password.map_err(|error| {
            let file = password_file.display();
            Unsent::Later(format!("{file} cannot be read: {error}"))
        })?);
        let password = password.trim_end_matches(['\r', '\n']).to_owned();
        builder = builder.credentials(Credentials::new(user.clone(), password));
    }
    Ok(builder.build())
}

/// Writes a letter into a file of its own, which is there whole or not at all.
async fn write(directory: &Path, mail: &WaitingMail, bytes: &[u8]) -> std::io::Result<()> {
    tokio::fs::create_dir_all(directory).await?;
    let file = directory.join(format!("{}.eml", mail.id));
    let draft = directory.join(format!(".{}.draft", mail.id));
    tokio::fs::write(&draft, bytes).await?;
    tokio::fs::rename(&draft, &file).await
}
