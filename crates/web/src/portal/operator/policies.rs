//! `/operator/policies`: the rules of the instance, and which line of the configuration sets each.

use askama::Template;
use claviger_model::clients::QuotaMode;
use claviger_service::settings::{OAuthSettings, Settings, TokenSettings};

use super::access;
use crate::portal::{Answer, Band, Portal, Section, Shell};

/// The rules.
#[derive(Template)]
#[template(path = "portal/operator/policies.html")]
struct PoliciesPage {
    frame: Shell,
    back: (String, String),
    groups: Vec<Policies>,
}

/// Rules that belong together.
struct Policies {
    id: &'static str,
    title: &'static str,
    rows: Vec<Policy>,
}

/// A rule.
struct Policy {
    rule: &'static str,
    value: String,
    /// The key of the configuration; none where nobody can choose.
    key: Option<&'static str>,
}

/// Shows them.
pub async fn show(portal: Portal) -> Answer {
    access(&portal)?;
    let settings = portal.web.app().settings();
    let page = PoliciesPage {
        back: super::back(&portal),
        groups: vec![
            tokens(&settings.tokens),
            apps(&settings.oauth),
            credentials(settings),
            signing_in(),
            operation(settings),
        ],
        frame: portal.shell(Section::Policies, Band::Neither).await?,
    };
    Ok(Portal::page(page))
}

fn policy(rule: &'static str, value: impl Into<String>, key: &'static str) -> Policy {
    Policy {
        rule,
        value: value.into(),
        key: Some(key),
    }
}

fn fixed(rule: &'static str, value: &'static str) -> Policy {
    Policy {
        rule,
        value: value.to_owned(),
        key: None,
    }
}

fn switch(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}

fn days(count: u32) -> String {
    match count {
        1 => "1 day".to_owned(),
        count => format!("{count} days"),
    }
}

fn tokens(tokens: &TokenSettings) -> Policies {
    let per_day = match tokens.per_day {
        Some(count) => count.to_string(),
        None => "any number".to_owned(),
    };
    let beyond = match tokens.quota_mode {
        QuotaMode::Enforce => "refused with 429",
        QuotaMode::Observe => "issued, and noted",
    };
    let lifetime = format!("{} s", tokens.lifetime_seconds);
    let jwks = format!("{} s", tokens.jwks_cache_seconds);
    Policies {
        id: "tokens",
        title: "Access tokens",
        rows: vec![
            policy(
                "Lifetime, unless API or client say",
                lifetime,
                "tokens.lifetime_seconds",
            ),
            policy("Tokens of a client in a UTC day", per_day, "tokens.per_day"),
            policy("Beyond that they are", beyond, "tokens.quota_mode"),
            policy(
                "Signed with, for several APIs",
                tokens.signing_algorithm.as_str(),
                "tokens.signing_algorithm",
            ),
            policy(
                "A signing key signs for",
                days(tokens.signing_key_days),
                "tokens.signing_key_days",
            ),
            policy(
                "Verifiers may keep the JWKS for",
                jwks,
                "tokens.jwks_cache_seconds",
            ),
        ],
    }
}

fn apps(oauth: &OAuthSettings) -> Policies {
    let networks: Vec<String> = oauth
        .fetch_networks
        .iter()
        .map(ToString::to_string)
        .collect();
    let networks = if networks.is_empty() {
        "none".to_owned()
    } else {
        networks.join(", ")
    };
    let row = |rule, is_on, key| policy(rule, switch(is_on), key);
    Policies {
        id: "apps",
        title: "Apps",
        rows: vec![
            policy(
                "A refresh token lives for",
                days(oauth.refresh_token_days),
                "oauth.refresh_token_days",
            ),
            row(
                "Pushed authorization requests",
                oauth.pushed_authorization_requests,
                "oauth.pushed_authorization_requests",
            ),
            row("Tokens bound to a key (DPoP)", oauth.dpop, "oauth.dpop"),
            row(
                "Proofs carry a nonce",
                oauth.dpop_nonces,
                "oauth.dpop_nonces",
            ),
            row(
                "Clients sign instead of secrets",
                oauth.private_key_jwt,
                "oauth.private_key_jwt",
            ),
            row(
                "Devices without a browser",
                oauth.device_grant,
                "oauth.device_grant",
            ),
            row(
                "Apps register themselves",
                oauth.dynamic_registration,
                "oauth.dynamic_registration",
            ),
            row(
                "Apps that are a document",
                oauth.client_id_metadata_documents,
                "oauth.client_id_metadata_documents",
            ),
            policy(
                "Private networks to fetch from",
                networks,
                "oauth.fetch_networks",
            ),
            fixed(
                "Authorization requests use PKCE (S256)",
                "public apps always, others as they say",
            ),
        ],
    }
}

fn credentials(settings: &Settings) -> Policies {
    let prefixes = &settings.prefixes;
    Policies {
        id: "credentials",
        title: "Credentials",
        rows: vec![
            policy(
                "Live keys begin with",
                &prefixes.key_live,
                "credentials.key_prefix_live",
            ),
            policy(
                "Test keys begin with",
                &prefixes.key_test,
                "credentials.key_prefix_test",
            ),
            policy(
                "Live client secrets begin with",
                &prefixes.client_secret_live,
                "credentials.client_secret_prefix_live",
            ),
            policy(
                "Test client secrets begin with",
                &prefixes.client_secret_test,
                "credentials.client_secret_prefix_test",
            ),
            policy(
                "Legacy keys",
                switch(settings.legacy_keys),
                "credentials.legacy_keys",
            ),
            policy(
                "Management by automation",
                switch(settings.management_enabled),
                "management.enabled",
            ),
        ],
    }
}

fn signing_in() -> Policies {
    Policies {
        id: "sign-in",
        title: "Signing in",
        rows: vec![
            fixed("A session lasts", "24 hours"),
            fixed("Passwords are kept as", "Argon2id"),
            fixed("An invitation works for", "7 days, once"),
            fixed("After failures", "each further guess waits, up to 1 s"),
        ],
    }
}

fn operation(settings: &Settings) -> Policies {
    let lease = format!("{} s", settings.lease_millis / 1_000);
    Policies {
        id: "operation",
        title: "Operation",
        rows: vec![
            policy("Public URL", &settings.public_url, "server.public_url"),
            policy("This node", &settings.node_name, "node.name"),
            policy(
                "A node decides without its database for",
                lease,
                "node.lease_seconds",
            ),
            policy(
                "Decisions are kept for",
                days(settings.decisions_days),
                "decisions.days",
            ),
            policy(
                "Counts of requests by the minute are kept for",
                days(settings.usage.minutes_days),
                "usage.minutes_days",
            ),
            policy(
                "Counts by the hour are kept for",
                days(settings.usage.hours_days),
                "usage.hours_days",
            ),
            policy(
                "Counts by the day are kept for",
                days(settings.usage.days),
                "usage.days",
            ),
            fixed("The audit log is kept", "for ever"),
        ],
    }
}
