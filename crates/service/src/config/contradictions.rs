//! What does not go together, though each value by itself is good.

use super::file::{
    Credentials, Database, File, Internal, Mail, MasterKey, Node, Portal, Server, Tokens, Usage,
};

const SECONDS_OF_A_DAY: u32 = 86_400;

/// A key that has to be mended, and what is wrong with it.
pub(super) type Contradiction = (&'static str, String);

/// Everything that does not go together. `is_set` knows which keys the file has.
pub(super) fn of(file: &File, is_set: impl Fn(&str) -> bool) -> Vec<Contradiction> {
    let cases = listeners(&file.server, &file.internal)
        .into_iter()
        .chain(data(&file.database, &file.master_key, &file.node))
        .chain(signing(&file.tokens))
        .chain(support(&file.portal))
        .chain(kept(&file.usage))
        .chain(mail(&file.mail));
    let wrong = cases.filter(|(is_wrong, ..)| *is_wrong);
    wrong
        .map(|(_, key, sentence)| (key, sentence.to_owned()))
        .chain(prefixes(&file.credentials, is_set))
        .collect()
}

type Case = (bool, &'static str, &'static str);

fn kept(usage: &Usage) -> [Case; 2] {
    [
        (
            usage.hours_days < usage.minutes_days,
            "usage.hours_days",
            "must not be below usage.minutes_days",
        ),
        (
            usage.days < usage.hours_days,
            "usage.days",
            "must not be below usage.hours_days",
        ),
    ]
}

fn listeners(server: &Server, internal: &Internal) -> [Case; 4] {
    [
        (
            server.public_url.is_none() && !server.public_listen.ip().is_loopback(),
            "server.public_url",
            "is needed, because server.public_listen is not a loopback address",
        ),
        (
            server.tls_cert_file.is_some() && server.tls_key_file.is_none(),
            "server.tls_key_file",
            "is needed beside server.tls_cert_file",
        ),
        (
            server.tls_key_file.is_some() && server.tls_cert_file.is_none(),
            "server.tls_cert_file",
            "is needed beside server.tls_key_file",
        ),
        (
            internal.token_file.is_none() && !server.internal_listen.ip().is_loopback(),
            "internal.token_file",
            "is needed, because server.internal_listen is not a loopback address",
        ),
    ]
}

fn data(database: &Database, master_key: &MasterKey, node: &Node) -> [Case; 4] {
    let in_place = database.postgres_url.is_some();
    let in_file = database.postgres_url_file.is_some();
    let in_environment = database.postgres_url_env.is_some();
    let last = if in_environment {
        "database.postgres_url_env"
    } else {
        "database.postgres_url_file"
    };
    [
        (
            [in_place, in_file, in_environment]
                .into_iter()
                .filter(|given| *given)
                .count()
                > 1,
            last,
            "cannot stand beside another PostgreSQL URL",
        ),
        (
            database
                .postgres_url
                .as_deref()
                .is_some_and(|url| !is_postgres(url)),
            "database.postgres_url",
            "must start with postgres:// or postgresql://",
        ),
        (
            (in_place || in_file || in_environment) && node.name.is_none(),
            "node.name",
            "is needed with PostgreSQL: each node has its own",
        ),
        (
            master_key.file.is_some() && master_key.env.is_some(),
            "master_key.env",
            "cannot stand beside master_key.file",
        ),
    ]
}

fn signing(tokens: &Tokens) -> [Case; 1] {
    [(
        tokens.jwks_cache_seconds >= tokens.signing_key_days * SECONDS_OF_A_DAY,
        "tokens.jwks_cache_seconds",
        "must be shorter than tokens.signing_key_days: the next key is published so long before",
    )]
}

fn mail(mail: &Mail) -> [Case; 5] {
    let is_smtp = mail.transport == "smtp";
    let has_user = mail.smtp_user.is_some();
    [
        (
            is_smtp && mail.smtp_host.is_none(),
            "mail.smtp_host",
            "is needed, because mail.transport is smtp",
        ),
        (
            is_smtp && mail.from.is_none(),
            "mail.from",
            "is needed, because mail.transport is smtp",
        ),
        (
            has_user && mail.smtp_password_file.is_none(),
            "mail.smtp_password_file",
            "is needed beside mail.smtp_user",
        ),
        (
            !has_user && mail.smtp_password_file.is_some(),
            "mail.smtp_user",
            "is needed beside mail.smtp_password_file",
        ),
        (
            has_user && mail.smtp_tls == "none",
            "mail.smtp_tls",
            "must not be none beside mail.smtp_user: the password would be sent in clear",
        ),
    ]
}

fn support(portal: &Portal) -> [Case; 1] {
    [(
        portal.support_url.is_some() && portal.support_email.is_some(),
        "portal.support_email",
        "cannot stand beside portal.support_url: pages have one link to help",
    )]
}

/// Two kinds of credential with one prefix. Of two keys the one that the file has is to be mended.
fn prefixes(credentials: &Credentials, is_set: impl Fn(&str) -> bool) -> Vec<Contradiction> {
    let prefixes = [
        ("credentials.key_prefix_live", &credentials.key_prefix_live),
        ("credentials.key_prefix_test", &credentials.key_prefix_test),
        (
            "credentials.client_secret_prefix_live",
            &credentials.client_secret_prefix_live,
        ),
        (
            "credentials.client_secret_prefix_test",
            &credentials.client_secret_prefix_test,
        ),
        (
            "credentials.legacy_key_prefix",
            &credentials.legacy_key_prefix,
        ),
    ];
    let mut found = Vec::new();
    for (index, (later, prefix)) in prefixes.iter().enumerate() {
        for (earlier, _) in prefixes[..index].iter().filter(|(_, same)| same == prefix) {
            let (wrong, other) = if is_set(later) || !is_set(earlier) {
                (*later, *earlier)
            } else {
                (*earlier, *later)
            };
            found.push((wrong, format!("must differ from {other}")));
        }
    }
    found
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}
