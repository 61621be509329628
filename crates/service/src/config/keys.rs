//! The table of the configuration's keys. Checks, defaults, the example file and the page of the
//! guide derive from it.

mod apis;
mod audit;
mod credentials;
mod leaks;
mod mail;
mod oauth;
mod portal;
mod sandbox;
mod usage;
mod webhooks;

use crate::branding::Theme;
pub(super) use apis::APIS;
use audit::AUDIT;
use credentials::{CREDENTIALS, TOKENS};
use leaks::LEAKS;
use mail::{MAIL, REMINDERS};
use oauth::OAUTH;
use portal::{LABELS, PORTAL};
use sandbox::SANDBOX;
pub(super) use sandbox::WEEKDAYS;
use usage::USAGE;
use webhooks::WEBHOOKS;

/// A section of the file.
pub(super) struct Section {
    /// What stands between the brackets; `a.b` is the section `b` inside the section `a`.
    pub(super) name: &'static str,
    /// What it is about.
    pub(super) sentence: &'static str,
    /// Its keys, in the order in which they are shown.
    pub(super) keys: &'static [Key],
}

/// A key of a section.
pub(super) struct Key {
    /// Its name.
    pub(super) name: &'static str,
    /// Which values it takes.
    pub(super) kind: Kind,
    /// What it is when the file does not say.
    pub(super) default: Default,
    /// What it means.
    pub(super) sentence: &'static str,
}

/// Which values a key takes.
pub(super) enum Kind {
    /// An IP address and a port.
    Address,
    /// An http or https URL without query.
    Url,
    /// A file or directory; relative ones start at the configuration file's directory.
    Path,
    /// Any text but none.
    Text,
    /// Any text, also none, that is checked together with others.
    Sentence,
    /// A few words on one line, for people.
    Label,
    /// A colour in which text can be read in this theme.
    Accent(Theme),
    /// An e-mail address.
    Email,
    /// A day of the calendar, in UTC.
    Date,
    /// What a credential may start with.
    Prefix,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number in this range.
    Number {
        /// The least.
        least: i64,
        /// The most.
        most: i64,
    },
    /// A list of whole numbers in this range.
    Numbers {
        /// The least.
        least: i64,
        /// The most.
        most: i64,
    },
    /// Yes or no.
    Flag,
    /// Addresses and networks.
    Networks,
    /// A list of texts.
    Texts,
    /// A list of these words.
    Words(&'static [&'static str]),
    /// A list of tables with these members.
    Tables(&'static [Key]),
}

/// What is said of a member that a table must have.
pub(super) const NEEDED: &str = "it is needed";

/// How many characters a label may have: more fit on no button.
pub(super) const LABEL_LENGTH_MAX: usize = 60;

/// What a key is when the file does not say.
pub(super) enum Default {
    /// This, in TOML.
    Value(&'static str),
    /// Nothing, or what other keys make of it.
    Unset {
        /// What that comes to, in words.
        meaning: &'static str,
        /// A value that it might have, in TOML.
        example: &'static str,
    },
}

impl Kind {
    /// The type in words, for the guide.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Address => "address and port".to_owned(),
            Self::Url => "URL".to_owned(),
            Self::Path => "path".to_owned(),
            Self::Text | Self::Sentence => "text".to_owned(),
            Self::Label => format!("text, at most {LABEL_LENGTH_MAX} characters"),
            Self::Accent(_) => "colour".to_owned(),
            Self::Email => "e-mail address".to_owned(),
            Self::Date => "date".to_owned(),
            Self::Prefix => "prefix".to_owned(),
            Self::Word(words) => quoted(words),
            Self::Number { least, most } => format!("number, {least} to {most}"),
            Self::Numbers { least, most } => format!("list of numbers, {least} to {most}"),
            Self::Flag => "`true` or `false`".to_owned(),
            Self::Networks => "list of addresses and networks".to_owned(),
            Self::Texts => "list of texts".to_owned(),
            Self::Words(words) => format!("list of {}", quoted(words)),
            Self::Tables(_) => "list of tables, see below".to_owned(),
        }
    }
}

fn quoted(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
    quoted.join(", ")
}

impl Key {
    /// Whether a table in a list must have it.
    pub(super) fn is_needed(&self) -> bool {
        matches!(self.default, Default::Unset { meaning, .. } if meaning == NEEDED)
    }
}

impl Default {
    /// The value, or one that it might have, in TOML.
    pub(super) const fn shown(&self) -> &'static str {
        match self {
            Self::Value(value) => value,
            Self::Unset { example, .. } => example,
        }
    }
}

const fn key(name: &'static str, kind: Kind, default: Default, sentence: &'static str) -> Key {
    Key {
        name,
        kind,
        default,
        sentence,
    }
}

const fn unset(meaning: &'static str, example: &'static str) -> Default {
    Default::Unset { meaning, example }
}

/// Every section, in the order in which they are shown.
pub(super) static SECTIONS: &[Section] = &[
    Section {
        name: "server",
        sentence: "Where the server listens and how it treats connections.",
        keys: SERVER,
    },
    Section {
        name: "internal",
        sentence: "Who may use the internal listener.",
        keys: &[key(
            "token_file",
            Kind::Path,
            unset("no token", "\"internal.token\""),
            "A file with the bearer token that the internal listener asks for, at least 32 \
             characters on one line. It is needed as soon as `server.internal_listen` is not a \
             loopback address.",
        )],
    },
    Section {
        name: "database",
        sentence: "Where the data is: a directory of this machine, or PostgreSQL for several \
                   nodes. Name at most one of the three ways to give the PostgreSQL URL.",
        keys: DATABASE,
    },
    Section {
        name: "master_key",
        sentence: "Where the master key is. It is never in the database, and without it no \
                   stored credential can be recognised: keep a copy apart from the backups.",
        keys: MASTER_KEY,
    },
    Section {
        name: "credentials",
        sentence: "What new credentials look like. Credentials with an earlier prefix stay valid.",
        keys: CREDENTIALS,
    },
    Section {
        name: "tokens",
        sentence: "The access tokens that clients get for their secrets, and the keys that sign \
                   them. An API or a client may have its own lifetime, an API its own algorithm, \
                   a client its own quota.",
        keys: TOKENS,
    },
    Section {
        name: "oauth",
        sentence: "The authorization server for apps. What is switched off is not in its metadata.",
        keys: OAUTH,
    },
    Section {
        name: "portal",
        sentence: "What the instance is called, and what it looks like where people see it.",
        keys: PORTAL,
    },
    Section {
        name: "portal.labels",
        sentence: "The words of pages and messages, where your customers know others.",
        keys: LABELS,
    },
    Section {
        name: "node",
        sentence: "This node among others on the same PostgreSQL database.",
        keys: NODE,
    },
    Section {
        name: "management",
        sentence: "Management of keys and clients by automation.",
        keys: &[key(
            "enabled",
            Kind::Flag,
            Default::Value("false"),
            "Whether `/v1/keys` and `/v1/clients` take the tokens that clients get for the issuer \
             as their audience, with scopes such as `keys:write`.",
        )],
    },
    Section {
        name: "decisions",
        sentence: "The log of decisions, by which a refusal is explained later.",
        keys: &[key(
            "days",
            Kind::Number {
                least: 1,
                most: 365,
            },
            Default::Value("7"),
            "How many days decisions are kept.",
        )],
    },
    Section {
        name: "audit",
        sentence: "The signed checkpoints of the audit log, by which it is checked elsewhere.",
        keys: AUDIT,
    },
    Section {
        name: "sandbox",
        sentence: "When test environments are put back to their start.",
        keys: SANDBOX,
    },
    Section {
        name: "usage",
        sentence: "Counts of requests, by credential, API, route and outcome.",
        keys: USAGE,
    },
    Section {
        name: "webhooks",
        sentence: "Webhooks: what happens is told to addresses that accounts name.",
        keys: WEBHOOKS,
    },
    Section {
        name: "leaks",
        sentence: "What happens to credentials that somebody reports because others can read \
                   them.",
        keys: LEAKS,
    },
    Section {
        name: "mail",
        sentence: "Mail: reminders and invitations. Each letter waits in the database, encrypted, \
                   until it is sent.",
        keys: MAIL,
    },
    Section {
        name: "reminders",
        sentence: "What people are reminded of, by mail and by webhooks.",
        keys: REMINDERS,
    },
    Section {
        name: "log",
        sentence: "What the server writes to standard error.",
        keys: LOG,
    },
];

static SERVER: &[Key] = &[
    key(
        "public_listen",
        Kind::Address,
        Default::Value("\"127.0.0.1:8080\""),
        "The address of the public listener: portal and API.",
    ),
    key(
        "internal_listen",
        Kind::Address,
        Default::Value("\"127.0.0.1:8081\""),
        "The address of the internal listener: verification, health and metrics.",
    ),
    key(
        "public_url",
        Kind::Url,
        unset(
            "made from `public_listen` when that is a loopback address; else it is needed",
            "\"https://keys.example.com\"",
        ),
        "The URL under which people and programs reach the public listener. Links in messages \
         are made from it.",
    ),
    key(
        "tls_cert_file",
        Kind::Path,
        unset("no TLS", "\"tls/fullchain.pem\""),
        "The certificate chain of the public listener, in PEM. Goes with `tls_key_file`.",
    ),
    key(
        "tls_key_file",
        Kind::Path,
        unset("no TLS", "\"tls/key.pem\""),
        "The private key of the certificate, in PEM.",
    ),
    key(
        "connections_max",
        Kind::Number {
            least: 1_000,
            most: 1_000_000,
        },
        Default::Value("10000"),
        "Open connections of one listener; more wait until one is closed. When less than an eighth \
         is left, each is closed after its answer, an idle one after a second, and slow clients \
         get an eighth of the usual time.",
    ),
    key(
        "header_timeout_seconds",
        Kind::Number {
            least: 1,
            most: 300,
        },
        Default::Value("10"),
        "How long a client may take to send the head of a request.",
    ),
    key(
        "drain_seconds",
        Kind::Number {
            least: 1,
            most: 600,
        },
        Default::Value("10"),
        "How long a stopping server waits for requests that are under way.",
    ),
    key(
        "trusted_proxies",
        Kind::Networks,
        Default::Value("[]"),
        "The proxies whose `X-Forwarded-For` is believed. Without one a client's address is the \
         connection's.",
    ),
];

static DATABASE: &[Key] = &[
    key(
        "data_dir",
        Kind::Path,
        Default::Value("\"claviger-data\""),
        "The directory of the SQLite files `claviger.db` and `usage.db`.",
    ),
    key(
        "postgres_url",
        Kind::Text,
        unset("SQLite", "\"postgres://claviger@db.example.com/claviger\""),
        "The PostgreSQL database to use instead of SQLite. A URL with a password belongs into \
         one of the next two.",
    ),
    key(
        "postgres_url_file",
        Kind::Path,
        unset("SQLite", "\"postgres.url\""),
        "A file that holds the PostgreSQL URL.",
    ),
    key(
        "postgres_url_env",
        Kind::Text,
        unset("SQLite", "\"CLAVIGER_POSTGRES_URL\""),
        "The name of the environment variable that holds the PostgreSQL URL.",
    ),
    key(
        "ballast_mib",
        Kind::Number {
            least: 0,
            most: 1024,
        },
        Default::Value("16"),
        "How many MiB the file `ballast` beside the SQLite files takes up. On a full disk it is \
         given up piece by piece, so that revoking still works while everything else that is to \
         be kept is refused; it is made again as soon as there is place. 0 keeps none.",
    ),
];

static MASTER_KEY: &[Key] = &[
    key(
        "file",
        Kind::Path,
        unset(
            "`master.key` in `database.data_dir`",
            "\"/etc/claviger/master.key\"",
        ),
        "The master key file.",
    ),
    key(
        "env",
        Kind::Text,
        unset("the file is used", "\"CLAVIGER_MASTER_KEY\""),
        "The name of the environment variable that holds what would be in the file.",
    ),
];

static NODE: &[Key] = &[
    key(
        "name",
        Kind::Text,
        unset("`local`; with PostgreSQL it is needed", "\"node-1\""),
        "The name of this node: no two nodes have the same one, and a node keeps it when it is \
         started again.",
    ),
    key(
        "lease_seconds",
        Kind::Number { least: 3, most: 60 },
        Default::Value("10"),
        "How long a node that lost its database goes on deciding, and with that how long a \
         revocation waits for it at most. `3` is strict.",
    ),
];

static LOG: &[Key] = &[
    key(
        "format",
        Kind::Word(&["text", "json"]),
        Default::Value("\"text\""),
        "For people, or one JSON object a line for programs.",
    ),
    key(
        "level",
        Kind::Word(&["error", "warn", "info", "debug", "trace"]),
        Default::Value("\"info\""),
        "The least important messages that are written.",
    ),
];
