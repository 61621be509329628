//! What tables and facts show of clients and their secrets.

use std::collections::HashMap;

use claviger_model::UnixMillis;
use claviger_model::clients::{Client, ClientScopes, ClientSecret, QuotaMode};
use claviger_model::ids::{ClientId, SecretId};
use claviger_model::rotations::Verdict;
use claviger_service::clients::ClientWithSecrets;
use claviger_service::tokens;
use claviger_service::uses::SecretUses;

use super::PATH;
use crate::portal::Portal;
use crate::portal::parts::{Status, When};
use crate::portal::scopes::FewScopes;

/// A client as a row shows it.
pub(in crate::portal) struct ClientRow {
    pub href: String,
    pub name: String,
    pub id: ClientId,
    pub status: Status,
    /// What it may reach; none is everything.
    pub scopes: Option<FewScopes>,
    /// How many secrets get tokens.
    pub live_secrets: usize,
    pub last_used: Option<When>,
    pub quota: Option<Quota>,
    /// When one of its secrets was refused last, and why.
    pub last_refused: Option<(When, &'static str)>,
}

/// The tokens of the day.
pub(in crate::portal) struct Quota {
    pub used: i64,
    pub limit: u32,
    /// Whether more are refused; else they are only counted.
    pub is_enforced: bool,
    pub resets: When,
}

/// A secret as a row shows it.
pub(in crate::portal) struct SecretRow {
    pub hint: String,
    pub description: String,
    pub status: Status,
    pub created: When,
    /// When it ends, or ended.
    pub ends: Option<When>,
    pub ends_told: &'static str,
    pub used: i64,
    /// Requests in the last hour with tokens that it got.
    pub calls: i64,
    pub last_used: Option<LastUse>,
    pub verdict: Option<(&'static str, String)>,
    /// Where it can be revoked; none when it gets no more tokens.
    pub revoke: Option<String>,
}

/// What is known of a secret beside itself.
#[derive(Default)]
pub(super) struct SecretFacts<'a> {
    pub(super) uses: Option<&'a SecretUses>,
    pub(super) verdict: Option<Verdict>,
    /// Requests in the last hour with tokens that it got.
    pub(super) calls: i64,
}

/// The last use of a secret.
pub(in crate::portal) struct LastUse {
    pub when: When,
    pub from: String,
}

impl ClientRow {
    pub(super) fn of(
        portal: &Portal,
        found: &ClientWithSecrets,
        uses: &HashMap<SecretId, SecretUses>,
        quota: Option<Quota>,
        now: UnixMillis,
    ) -> Self {
        let client = &found.client;
        let own = || found.secrets.iter().filter_map(|one| uses.get(&one.id));
        let last_used = own().filter_map(|uses| uses.last_used_at).max();
        let refused = own().filter_map(|uses| uses.last_refused_at.zip(uses.last_refused_reason));
        let refused = refused.max_by_key(|(at, _)| *at);
        let live = found.secrets.iter().filter(|secret| secret.is_live(now));
        Self {
            href: portal.href(format!("{PATH}/{}", client.id)),
            name: client.settings.name.clone(),
            id: client.id,
            status: status(found, now),
            scopes: few_scopes(client),
            live_secrets: live.count(),
            last_used: last_used.map(|at| When::of(at, now)),
            quota,
            last_refused: refused.map(|(at, reason)| (When::of(at, now), reason.as_str())),
        }
    }
}

/// What a client may reach; none is everything.
pub(super) fn few_scopes(client: &Client) -> Option<FewScopes> {
    match &client.settings.scopes {
        ClientScopes::All => None,
        ClientScopes::Named(names) => Some(FewScopes::of(names)),
    }
}

/// The status of a client: what that of its best secret is.
pub(super) fn status(found: &ClientWithSecrets, now: UnixMillis) -> Status {
    if found.client.is_deleted() {
        return Status::REVOKED;
    }
    if !found.client.settings.takes_secrets() {
        return Status::ACTIVE;
    }
    let live = || found.secrets.iter().filter(|secret| secret.is_live(now));
    let is_over = live().next().is_none();
    let lasts_longest = live().map(|secret| secret.expires_at.unwrap_or(UnixMillis(i64::MAX)));
    match lasts_longest.max() {
        None if is_over && found.secrets.iter().all(|one| one.revoked_at.is_some()) => {
            Status::INACTIVE
        }
        None => Status::EXPIRED,
        Some(end) => Status::until(Some(end).filter(|end| end.0 < i64::MAX), now),
    }
}

impl Quota {
    /// Where the quota of a client stands that got `used` tokens today; none without a quota.
    pub(super) fn of(portal: &Portal, client: &Client, used: i64, now: UnixMillis) -> Option<Self> {
        let facts = tokens::quota_facts(portal.web.app(), client, used, now)?;
        Some(Self {
            used,
            limit: facts.limit,
            is_enforced: facts.mode == QuotaMode::Enforce,
            resets: When::of(facts.resets_at, now),
        })
    }
}

impl SecretRow {
    pub(super) fn of(
        portal: &Portal,
        found: &ClientWithSecrets,
        secret: &ClientSecret,
        facts: &SecretFacts<'_>,
        now: UnixMillis,
    ) -> Self {
        let SecretFacts {
            uses,
            verdict,
            calls,
        } = *facts;
        let is_live = secret.is_live(now);
        let rotation = found.rotation_under_way(now);
        let is_old = rotation.is_some_and(|rotation| rotation.old(secret.id).is_some());
        let status = match secret.revoked_at {
            Some(_) => Status::REVOKED,
            None if is_old && is_live => Status::RETIRING,
            None => Status::until(secret.expires_at, now),
        };
        let (ends, ends_told) = match (secret.revoked_at, secret.expires_at) {
            (Some(at), _) => (Some(at), ""),
            (None, Some(end)) => (Some(end), ""),
            (None, None) if is_old => (None, "after the new one\u{2019}s first use"),
            (None, None) => (None, "never"),
        };
        let id = found.client.id;
        let revoke = || portal.href(format!("{PATH}/{id}/secrets/{}/revoke", secret.id));
        Self {
            hint: secret.stored.hint.clone(),
            description: secret.description.clone(),
            status,
            created: When::of(secret.created_at, now),
            ends: ends.map(|at| When::of(at, now)),
            ends_told,
            used: uses.map_or(0, |uses| uses.used),
            calls,
            last_used: uses.and_then(|uses| last_use(uses, now)),
            verdict: verdict.map(|verdict| told(verdict, now)),
            revoke: (is_live && !found.client.is_deleted()).then(revoke),
        }
    }
}

/// When a secret was used last, from which address, by which program.
pub(super) fn last_use(uses: &SecretUses, now: UnixMillis) -> Option<LastUse> {
    let when = When::of(uses.last_used_at?, now);
    let ip = uses.last_used_ip.map(|ip| ip.to_string());
    let from: Vec<String> = ip.into_iter().chain(uses.last_used_agent.clone()).collect();
    Some(LastUse {
        when,
        from: from.join(" \u{b7} "),
    })
}

/// The look and the sentence of a verdict.
fn told(verdict: Verdict, now: UnixMillis) -> (&'static str, String) {
    match verdict {
        Verdict::OnlyOne => ("quiet", "In use: the new one was not used yet.".to_owned()),
        Verdict::StillUsed {
            times,
            since,
            last_used_at,
        } => {
            let (since, last) = (When::of(since, now).told, When::of(last_used_at, now).told);
            let times = match times {
                1 => "once".to_owned(),
                times => format!("{times} times"),
            };
            let told =
                format!("Still used: {times} since the new one came ({since}), last {last}.");
            ("warn", told)
        }
        Verdict::Silent { since, safe_at } => {
            let (since, safe) = (When::of(since, now).told, When::of(safe_at, now).told);
            let told = format!("Silent since {since}. Safe to retire {safe} if it stays so.");
            ("quiet", told)
        }
        Verdict::SafeToRetire { since } => {
            let since = When::of(since, now).told;
            ("good", format!("Safe to retire: silent since {since}."))
        }
    }
}
