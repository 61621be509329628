//! Mail, and what people are reminded of by it.

use super::{Default, Key, Kind, key, unset};

pub(in crate::config) static MAIL: &[Key] = &[
    key(
        "transport",
        Kind::Word(&["none", "file", "smtp"]),
        Default::Value("\"none\""),
        "How mail leaves: not at all, as files in a directory, or to a mail server.",
    ),
    key(
        "from",
        Kind::Email,
        unset(
            "`claviger@localhost` for files; with `smtp` it is needed",
            "\"keys@example.com\"",
        ),
        "The sender of every letter; its name is `portal.name`.",
    ),
    key(
        "directory",
        Kind::Path,
        unset("`mail` in `database.data_dir`", "\"/var/spool/claviger\""),
        "Where letters are written with `file`, each as one `.eml`.",
    ),
    key(
        "smtp_host",
        Kind::Text,
        unset(
            "no server; with `smtp` it is needed",
            "\"mail.example.com\"",
        ),
        "The mail server.",
    ),
    key(
        "smtp_port",
        Kind::Number {
            least: 1,
            most: 65_535,
        },
        Default::Value("465"),
        "Its port: usually 465 with `tls`, 587 with `starttls`.",
    ),
    key(
        "smtp_tls",
        Kind::Word(&["tls", "starttls", "none"]),
        Default::Value("\"tls\""),
        "Whether TLS begins with the connection, after `STARTTLS`, which then is needed, or not at \
         all. `none` is for a server on this machine and takes no user.",
    ),
    key(
        "smtp_user",
        Kind::Text,
        unset("nobody signs in", "\"claviger\""),
        "Who signs in to the mail server.",
    ),
    key(
        "smtp_password_file",
        Kind::Path,
        unset("nobody signs in", "\"smtp.password\""),
        "A file with the password, on one line. It is read anew for each letter or few.",
    ),
];

pub(in crate::config) static REMINDERS: &[Key] = &[
    key(
        "days",
        Kind::Numbers {
            least: 1,
            most: 365,
        },
        Default::Value("[30, 7, 1]"),
        "How many days before a key or a secret ends people are reminded of it, each once. An empty \
         list reminds nobody.",
    ),
    key(
        "rotate_after_days",
        Kind::Number {
            least: 0,
            most: 3_650,
        },
        Default::Value("90"),
        "After how many days people are reminded, once, to replace a key or a secret. `0` reminds \
         nobody.",
    ),
];
