//! API keys.

use ipnet::IpNet;

use crate::ids::{AccountId, KeyId};
use crate::limits::RateLimit;
use crate::scopes::{ScopeName, parse_names};
use crate::seal::{Columns, Sealed};
use crate::time::{DAY_MILLIS, LATEST, UnixMillis};
use crate::{Environment, Problems, text};

/// The most entries of an address list.
pub const ALLOWED_IPS_MAX: usize = 100;

/// How long before its end a credential counts as expiring, in milliseconds: 30 days.
pub const EXPIRING_MILLIS: i64 = 30 * DAY_MILLIS;

/// Whether a key works, with the facts of the state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeyState {
    /// It does, until its expiry.
    Active,
    /// It does not, and can be made active again.
    Inactive {
        /// Since when.
        at: UnixMillis,
    },
    /// It never works again.
    Revoked {
        /// Since when.
        at: UnixMillis,
        /// Who revoked it.
        by: String,
    },
}

/// The word for a key's state at a moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyStatus {
    /// It works.
    Active,
    /// It is switched off.
    Inactive,
    /// It is past its expiry.
    Expired,
    /// It was revoked.
    Revoked,
}

impl KeyStatus {
    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

/// What a key's owner decides about it and can change later.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeySettings {
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it may do.
    pub scopes: Vec<ScopeName>,
    /// From when it does not work.
    pub expires_at: Option<UnixMillis>,
    /// The addresses that may use it; none listed means any.
    pub allowed_ips: Vec<IpNet>,
    /// How often it may be used.
    pub rate_limit: Option<RateLimit>,
}

/// A key, without its secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// Whose it is.
    pub account_id: AccountId,
    /// Which data it reaches; never changes.
    pub environment: Environment,
    /// What its owner decides.
    pub settings: KeySettings,
    /// How often an operator said that it may be used at most.
    pub rate_ceiling: Option<RateLimit>,
    /// Whether it works.
    pub state: KeyState,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: UnixMillis,
    /// Counts changes of the row; the `ETag`.
    pub version: i64,
}

/// A key as a request describes it, before anything is checked.
#[derive(Clone, Default, Debug)]
pub struct KeyDraft {
    /// `name`.
    pub name: Option<String>,
    /// `description`; the inner `None` empties it.
    pub description: Option<Option<String>>,
    /// `scopes`.
    pub scopes: Option<Vec<String>>,
    /// `active`.
    pub active: Option<bool>,
    /// `expires_at`; the inner `None` is never.
    pub expires_at: Option<Option<i64>>,
    /// `allowed_ips`; the inner `None` is any.
    pub allowed_ips: Option<Option<Vec<String>>>,
    /// `rate_limit` as limit and window; the inner `None` is no limit.
    pub rate_limit: Option<Option<(u32, u32)>>,
}

/// A key cannot be changed because it was revoked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("This key was revoked and cannot be changed. Create a new one.")]
pub struct KeyIsRevoked;

impl KeySettings {
    /// The settings of a new key: name and scopes are needed, an expiry has to be to come.
    pub fn create(draft: &KeyDraft, now: UnixMillis) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        if draft.name.is_none() {
            problems.add("name", "is required");
        }
        if draft.scopes.is_none() {
            problems.add("scopes", "is required");
        }
        let blank = Self {
            name: String::new(),
            description: String::new(),
            scopes: Vec::new(),
            expires_at: None,
            allowed_ips: Vec::new(),
            rate_limit: None,
        };
        blank.apply(draft, now, problems)
    }

    /// The settings after an edit (JSON merge patch, RFC 7396).
    pub fn edit(self, draft: &KeyDraft, now: UnixMillis) -> Result<Self, Problems> {
        self.apply(draft, now, Problems::default())
    }

    fn apply(
        mut self,
        draft: &KeyDraft,
        now: UnixMillis,
        mut problems: Problems,
    ) -> Result<Self, Problems> {
        let p = &mut problems;
        if let Some(name) = draft
            .name
            .as_deref()
            .and_then(|n| p.check("name", text::name(n)))
        {
            self.name = name;
        }
        if let Some(description) = &draft.description {
            let description = text::description(description.as_deref().unwrap_or_default());
            self.description = p.check("description", description).unwrap_or_default();
        }
        if let Some(scopes) = &draft.scopes {
            if scopes.is_empty() {
                p.add("scopes", "must not be empty: choose at least one");
            }
            self.scopes = parse_names("scopes", scopes, p);
        }
        if let Some(expires_at) = draft.expires_at {
            self.expires_at = expires_at.and_then(|at| p.check("expires_at", expiry(at, now)));
        }
        if let Some(ips) = &draft.allowed_ips {
            self.allowed_ips = addresses(ips.as_deref().unwrap_or_default(), p);
        }
        if let Some(limit) = draft.rate_limit {
            self.rate_limit = limit
                .and_then(|(limit, window)| p.check("rate_limit", RateLimit::new(limit, window)));
        }
        problems.into_result().map(|()| self)
    }
}

impl ApiKey {
    /// Its status at `now`. A revoked key stays revoked and an inactive one inactive, whatever
    /// its expiry.
    pub fn status(&self, now: UnixMillis) -> KeyStatus {
        match self.state {
            KeyState::Revoked { .. } => KeyStatus::Revoked,
            KeyState::Inactive { .. } => KeyStatus::Inactive,
            KeyState::Active if self.settings.expires_at.is_some_and(|end| end <= now) => {
                KeyStatus::Expired
            }
            KeyState::Active => KeyStatus::Active,
        }
    }

    /// The key after an edit, or unchanged when the edit changes nothing.
    pub fn edit(
        self,
        settings: KeySettings,
        rate_ceiling: Option<RateLimit>,
        active: Option<bool>,
        now: UnixMillis,
    ) -> Result<Self, KeyIsRevoked> {
        let state = match (&self.state, active) {
            (KeyState::Revoked { .. }, _) => return Err(KeyIsRevoked),
            (KeyState::Active, Some(false)) => KeyState::Inactive { at: now },
            (KeyState::Inactive { .. }, Some(true)) => KeyState::Active,
            (state, _) => state.clone(),
        };
        let is_same = settings == self.settings && rate_ceiling == self.rate_ceiling;
        if state == self.state && is_same {
            return Ok(self);
        }
        Ok(Self {
            state,
            settings,
            rate_ceiling,
            version: self.version + 1,
            ..self
        })
    }

    /// The key revoked; one that was revoked before keeps its first date.
    #[must_use]
    pub fn revoke(self, at: UnixMillis, by: &str) -> Self {
        if matches!(self.state, KeyState::Revoked { .. }) {
            return self;
        }
        let state = KeyState::Revoked {
            at,
            by: by.to_owned(),
        };
        Self {
            state,
            version: self.version + 1,
            ..self
        }
    }
}

impl Sealed for ApiKey {
    const TABLE: &'static str = "keys";

    fn columns(&self, columns: &mut Columns) {
        let settings = &self.settings;
        let (word, at, by) = match &self.state {
            KeyState::Active => ("active", None, None),
            KeyState::Inactive { at } => ("inactive", Some(*at), None),
            KeyState::Revoked { at, by } => ("revoked", Some(*at), Some(by.as_str())),
        };
        columns
            .shown(self.id)
            .shown(self.account_id)
            .text(self.environment.as_str())
            .text(&settings.name)
            .text(&settings.description)
            .list(&settings.scopes)
            .optional(settings.expires_at, Columns::time)
            .list(&settings.allowed_ips)
            .optional(settings.rate_limit, |c, rate| {
                c.int(i64::from(rate.limit))
                    .int(i64::from(rate.window_seconds))
            })
            .text(word)
            .optional(at, Columns::time)
            .optional(by, Columns::text)
            .text(&self.created_by)
            .time(self.created_at)
            .int(self.version);
        // At the very end, and only where there is one: the seals of rows without stay what they
        // were.
        if let Some(ceiling) = self.rate_ceiling {
            columns
                .int(i64::from(ceiling.limit))
                .int(i64::from(ceiling.window_seconds));
        }
    }
}

/// An end of life in the future, in Unix milliseconds.
pub fn expiry(at: i64, now: UnixMillis) -> Result<UnixMillis, &'static str> {
    let at = UnixMillis(at);
    // Seconds where milliseconds belong are the usual mistake, and always lie in the past.
    if at <= now {
        return Err("must be in the future, in milliseconds since 1970");
    }
    if at > LATEST {
        return Err("must be before the year 10000, in milliseconds since 1970");
    }
    Ok(at)
}

fn addresses(texts: &[String], problems: &mut Problems) -> Vec<IpNet> {
    if texts.len() > ALLOWED_IPS_MAX {
        problems.add(
            "allowed_ips",
            format!("must have at most {ALLOWED_IPS_MAX} entries"),
        );
        return Vec::new();
    }
    let mut networks = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        let network = text
            .parse::<IpNet>()
            .ok()
            .or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from));
        let network = network.ok_or("must be an address or network such as 203.0.113.0/24");
        if let Some(network) = problems.check(&format!("allowed_ips[{index}]"), network) {
            let network = network.trunc();
            if !networks.contains(&network) {
                networks.push(network);
            }
        }
    }
    networks
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_741_564_800_000);

    fn draft() -> KeyDraft {
        KeyDraft {
            name: Some("Reporting Script".into()),
            scopes: Some(vec!["read:people".into(), "read:people".into()]),
            ..KeyDraft::default()
        }
    }

    fn key() -> ApiKey {
        ApiKey {
            id: KeyId(1),
            account_id: AccountId(2),
            environment: Environment::Live,
            settings: KeySettings::create(&draft(), NOW).expect("valid"),
            rate_ceiling: None,
            state: KeyState::Active,
            created_by: "usr_x".into(),
            created_at: NOW,
            version: 1,
        }
    }

    #[test]
    fn a_new_key_needs_name_and_scopes_and_a_future_end() {
        assert_eq!(
            KeySettings::create(&draft(), NOW)
                .expect("valid")
                .scopes
                .len(),
            1
        );
        let wrong = KeyDraft {
            scopes: Some(vec![]),
            expires_at: Some(Some(NOW.0 / 1_000)),
            allowed_ips: Some(Some(vec!["10.0.0.0/8".into(), "nowhere".into()])),
            rate_limit: Some(Some((0, 1))),
            ..KeyDraft::default()
        };
        let problems = KeySettings::create(&wrong, NOW).expect_err("invalid");
        let members: Vec<&str> = problems.members().keys().map(String::as_str).collect();
        assert_eq!(
            members,
            [
                "allowed_ips[1]",
                "expires_at",
                "name",
                "rate_limit",
                "scopes"
            ]
        );
    }

    #[test]
    fn states_and_their_transitions() {
        let settings = key().settings;
        let inactive = key()
            .edit(settings.clone(), None, Some(false), NOW)
            .expect("not revoked");
        assert_eq!(inactive.status(NOW), KeyStatus::Inactive);
        assert_eq!(inactive.version, 2);
        let again = inactive
            .edit(settings.clone(), None, Some(true), NOW)
            .expect("not revoked");
        assert_eq!(again.status(NOW), KeyStatus::Active);
        let same = again
            .clone()
            .edit(settings.clone(), None, Some(true), NOW)
            .expect("not revoked");
        assert_eq!(same.version, again.version);
        let revoked = again.revoke(NOW, "usr_y");
        let twice = revoked.clone().revoke(NOW.plus_seconds(9), "usr_z");
        assert_eq!(revoked, twice);
        assert_eq!(
            revoked.edit(settings, None, Some(true), NOW),
            Err(KeyIsRevoked)
        );
    }

    #[test]
    fn expiry_counts_from_its_millisecond() {
        let mut key = key();
        key.settings.expires_at = Some(NOW);
        assert_eq!(key.status(NOW), KeyStatus::Expired);
        assert_eq!(key.status(NOW.plus_millis(-1)), KeyStatus::Active);
    }
}
