//! What was counted, as it is written down.

use std::collections::hash_map::Entry as Place;
use std::collections::{HashMap, HashSet};

use claviger_model::Reason;
use claviger_model::credentials::CredentialKind;
use claviger_model::scopes::ScopeName;
use claviger_model::secret_uses::{SecretUses, UsedSecret, shown_user_agent};
use claviger_model::usage::{Outcome, Series, UsedCredential};
use claviger_store::secret_uses::NewSecretUses;
use claviger_store::usage::Count;
use claviger_verify::entries::{Credential, Identity};

use super::slots::{Event, LastUse, Taken, What, Who};

/// Series whose counts are written in one transaction.
const WRITTEN_AT_ONCE: usize = 5_000;

/// What is written in one transaction: all of it or nothing.
#[derive(Default)]
pub(super) struct Portion {
    /// Its place among those of this process, from one.
    pub(super) number: i64,
    pub(super) counts: Vec<Count>,
    /// The series of these counts that were not written lately.
    pub(super) series: Vec<(i64, Series)>,
    pub(super) uses: Vec<NewSecretUses>,
}

/// Everything that was counted, in portions that are not numbered yet. Series that are not among
/// the `known` ones go with them.
pub(super) fn portions(taken: Vec<Taken>, known: &HashSet<i64>) -> Vec<Portion> {
    let mut counts: HashMap<(i64, i64), i64> = HashMap::with_capacity(taken.len());
    let mut series = HashMap::new();
    let mut uses: HashMap<UsedSecret, NewSecretUses> = HashMap::new();
    for one in taken {
        let count = i64::try_from(one.count).unwrap_or(i64::MAX);
        if let Some((secret, new)) = used(&one.what, count, &one.last) {
            match uses.entry(secret) {
                Place::Occupied(mut found) => {
                    found.get_mut().uses.add(new.uses);
                }
                Place::Vacant(place) => {
                    place.insert(new);
                }
            }
        }
        let Some(counted) = counted(&one.what) else {
            continue;
        };
        for each in counted.sum().into_iter().chain([counted]) {
            let number = each.number();
            *counts.entry((number, one.minute)).or_default() += count;
            if !known.contains(&number) {
                series.insert(number, each);
            }
        }
    }
    split(counts, &mut series, uses.into_values().collect())
}

fn split(
    counts: HashMap<(i64, i64), i64>,
    series: &mut HashMap<i64, Series>,
    mut uses: Vec<NewSecretUses>,
) -> Vec<Portion> {
    let count = |((series, minute), count): ((i64, i64), i64)| Count {
        series,
        minute,
        count,
    };
    let counts: Vec<Count> = counts.into_iter().map(count).collect();
    let mut portions = Vec::new();
    for counts in counts.chunks(WRITTEN_AT_ONCE) {
        let new = counts.iter().filter_map(|count| {
            let number = count.series;
            series.remove(&number).map(|one| (number, one))
        });
        portions.push(Portion {
            series: new.collect(),
            counts: counts.to_vec(),
            ..Portion::default()
        });
    }
    while !uses.is_empty() {
        let left = uses.split_off(uses.len().min(WRITTEN_AT_ONCE));
        portions.push(Portion {
            uses,
            ..Portion::default()
        });
        uses = left;
    }
    portions
}

/// The series that is counted; none for what is noted of a secret alone.
fn counted(what: &What) -> Option<Series> {
    let outcome = match what.event {
        Event::Decided(reason) => Outcome::Decided(reason),
        Event::TokenIssued => Outcome::TokenIssued,
        Event::SecretUsed | Event::SecretRefused(_) => return None,
    };
    let route = what.api.as_ref().zip(what.route);
    let route = route.and_then(|(api, at)| api.routes.get(at));
    let needed = route.into_iter().flat_map(|route| route.scopes.iter());
    let mut scopes: Vec<&str> = needed.map(ScopeName::as_str).collect();
    scopes.extend(what.asked.split(' ').filter(|name| !name.is_empty()));
    scopes.sort_unstable();
    scopes.dedup();
    let (account_id, credential) = match &what.who {
        Who::Credential(entry) => (entry.account_id(), Some(credential(entry))),
        Who::Client(client) => {
            let used = UsedCredential {
                kind: CredentialKind::AccessToken,
                id: client.id.to_string(),
                secret_id: what.secret,
            };
            (Some(client.account.id()), Some(used))
        }
        Who::Unknown | Who::Owner(_) => (None, None),
    };
    Some(Series {
        account_id,
        credential,
        api_id: what.api.as_ref().map(|api| api.id),
        route: route.map(|route| format!("{} {}", route.method, route.pattern)),
        scopes: scopes.join(" "),
        environment: what.environment,
        outcome,
    })
}

fn credential(entry: &Credential) -> UsedCredential {
    UsedCredential {
        kind: entry.identity().kind(),
        id: entry.identity().id(),
        secret_id: entry.identity().secret_id(),
    }
}

/// What this says of a secret. A token says nothing of the secret that it was obtained with: that
/// was used at the token endpoint.
fn used(what: &What, count: i64, last: &LastUse) -> Option<(UsedSecret, NewSecretUses)> {
    let (secret, owner_id) = match (&what.who, what.event) {
        (Who::Owner(client), Event::SecretUsed | Event::SecretRefused(_)) => {
            (UsedSecret::Secret(what.secret?), client.to_string())
        }
        (Who::Credential(entry), Event::Decided(_)) => (of(entry)?, entry.identity().id()),
        _ => return None,
    };
    let at = last.at?;
    let uses = match what.event {
        Event::Decided(reason) if reason != Reason::Allowed => SecretUses {
            refused: count,
            ..SecretUses::one_refused(at, last.ip, reason)
        },
        Event::SecretRefused(reason) => SecretUses {
            refused: count,
            ..SecretUses::one_refused(at, last.ip, reason)
        },
        _ => SecretUses {
            used: count,
            ..SecretUses::one(
                at,
                last.ip,
                last.user_agent.as_deref().map(shown_user_agent),
            )
        },
    };
    let new = NewSecretUses {
        secret,
        owner_id,
        uses,
    };
    Some((secret, new))
}

fn of(entry: &Credential) -> Option<UsedSecret> {
    match entry.identity() {
        Identity::Key(_, secret) | Identity::Client(_, secret) => Some(UsedSecret::Secret(secret)),
        Identity::LegacyKey(id) => Some(UsedSecret::LegacyKey(id)),
        Identity::Session(..) | Identity::Token(_) => None,
    }
}
