//! The settings of mail, from the file.

use std::path::{Path, PathBuf};

use super::file::Mail;
use crate::settings::{MailSettings, MailTransport, SmtpServer, SmtpTls};

/// Where letters are written, below the data directory.
const DIRECTORY: &str = "mail";

/// What the file says of mail; `resolved` says what a path in it means.
pub(super) fn settings(
    file: &Mail,
    data_dir: &Path,
    resolved: impl Fn(&Path) -> PathBuf,
) -> MailSettings {
    let transport = match file.transport.as_str() {
        "file" => {
            let directory = file.directory.as_deref();
            MailTransport::Files(directory.map_or_else(|| data_dir.join(DIRECTORY), &resolved))
        }
        "smtp" => {
            let password_file = file.smtp_password_file.as_deref().map(&resolved);
            MailTransport::Smtp(SmtpServer {
                host: file.smtp_host.clone().unwrap_or_default(),
                port: file.smtp_port,
                tls: match file.smtp_tls.as_str() {
                    "starttls" => SmtpTls::StartTls,
                    "none" => SmtpTls::None,
                    _ => SmtpTls::Implicit,
                },
                login: file.smtp_user.clone().zip(password_file),
            })
        }
        _ => MailTransport::None,
    };
    MailSettings {
        transport,
        from: file
            .from
            .clone()
            .unwrap_or_else(|| MailSettings::default().from),
    }
}
