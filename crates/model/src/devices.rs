//! Authorizations that a user gives at another device (RFC 8628): the device polls with its code,
//! the user enters a short one.

use zeroize::Zeroizing;

use crate::clients::HashedToken;
use crate::credentials::StoredSecret;
use crate::grants::Authorized;
use crate::ids::{ClientId, GrantId};
use crate::keyring::Keyring;
use crate::seal::{Columns, Sealed};
use crate::time::UnixMillis;

/// What device codes start with.
pub const DEVICE_CODE_PREFIX: &str = "cdc_";
/// How long both codes live, in seconds.
pub const DEVICE_LIFETIME_SECONDS: u32 = 600;
/// How long a device waits between two polls, in seconds (RFC 8628 section 3.2).
pub const POLL_INTERVAL_SECONDS: u32 = 5;
/// How much longer it waits after each poll that came too early, in seconds (section 3.5).
pub const SLOW_DOWN_SECONDS: u32 = 5;
/// How much earlier than its interval a poll may arrive, in milliseconds: networks are uneven.
pub const POLL_TOLERANCE_MILLIS: i64 = 500;

/// Letters of user codes: no vowels, so that they spell nothing, and none that look alike
/// (section 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const USER_CODE_LENGTH: usize = 8;
/// The longest text that is looked at as a user code.
const ENTERED_LENGTH_MAX: usize = 64;
/// What is hashed with a user code, so that no other secret has its hash.
const HASH_START: &str = "user code ";

/// What a user reads at the device and enters: eight letters. It is worth something until the user
/// has decided: no `Debug`, wiped when dropped.
#[derive(Clone)]
pub struct UserCode(Zeroizing<String>);

impl UserCode {
    /// A code from random bytes; `None` in the unlikely case that too many of them had to be
    /// rejected, upon which the caller tries again with fresh ones.
    pub fn from_random(random: &[u8; 32]) -> Option<Self> {
        // 240 is the largest multiple of 20 below 256: what is above would favour some letters.
        let even = random.iter().filter(|byte| **byte < 240);
        let letters: Zeroizing<String> = Zeroizing::new(
            even.map(|byte| char::from(LETTERS[usize::from(byte % 20)]))
                .take(USER_CODE_LENGTH)
                .collect(),
        );
        (letters.len() == USER_CODE_LENGTH).then_some(Self(letters))
    }

    /// The code that somebody entered: case, dashes and spaces do not matter.
    pub fn entered(text: &str) -> Option<Self> {
        if text.len() > ENTERED_LENGTH_MAX {
            return None;
        }
        let is_filler = |character: &char| character.is_whitespace() || *character == '-';
        let mut letters = Zeroizing::new(String::with_capacity(ENTERED_LENGTH_MAX));
        for character in text.chars().filter(|character| !is_filler(character)) {
            let letter = u8::try_from(character.to_ascii_uppercase()).ok()?;
            letters.push(char::from(*LETTERS.iter().find(|known| **known == letter)?));
        }
        (letters.len() == USER_CODE_LENGTH).then_some(Self(letters))
    }

    /// As it is shown: two groups of four.
    pub fn shown(&self) -> Zeroizing<String> {
        let (left, right) = self.0.split_at(USER_CODE_LENGTH / 2);
        Zeroizing::new(format!("{left}-{right}"))
    }

    /// What is stored of a new code.
    pub fn hash_new(&self, keyring: &Keyring) -> HashedToken {
        let (pepper_version, hash) = keyring.hash_new_secret(&self.hashed_text());
        HashedToken {
            hash,
            pepper_version,
        }
    }

    /// What may be stored of it: one hash for each pepper that is live.
    pub fn hashes(&self, keyring: &Keyring) -> Vec<HashedToken> {
        let text = self.hashed_text();
        let hash = |(pepper_version, _)| {
            let hash = keyring.hash_secret(pepper_version, &text)?;
            Some(HashedToken {
                hash,
                pepper_version,
            })
        };
        keyring.checks().filter_map(hash).collect()
    }

    fn hashed_text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{HASH_START}{}", *self.0))
    }
}

/// An authorization that a device asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeviceAuthorization {
    /// The stored form of the device code.
    pub stored: StoredSecret,
    /// The stored form of the user code.
    pub user_code: HashedToken,
    /// The app on the device.
    pub client_id: ClientId,
    /// What it asks for, and then what it got.
    pub authorized: Authorized,
    /// How far it is.
    pub state: DeviceState,
    /// When the device asked.
    pub created_at: UnixMillis,
    /// From when neither code is taken.
    pub expires_at: UnixMillis,
    /// Counts changes of the row.
    pub version: i64,
}

/// How far an authorization of a device is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeviceState {
    /// Nobody has decided.
    Pending,
    /// The user agreed.
    Approved {
        /// When.
        at: UnixMillis,
        /// What was written of it.
        grant_id: GrantId,
    },
    /// The user said no.
    Denied {
        /// When.
        at: UnixMillis,
    },
    /// The device has its tokens.
    Used {
        /// When the user agreed.
        approved_at: UnixMillis,
        /// What was written of it.
        grant_id: GrantId,
        /// When the device got them.
        at: UnixMillis,
    },
}

/// What a poll of a device finds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Polled {
    /// Nobody has decided yet.
    Pending,
    /// The user agreed: there are tokens, once.
    Approved(GrantId),
    /// The user said no.
    Denied,
    /// Its time is over.
    Expired,
    /// It was used before.
    Used,
}

impl DeviceAuthorization {
    /// What the device is told that polls at `now`. What the user agreed to is to be fetched before
    /// the code ends.
    pub fn polled(&self, now: UnixMillis) -> Polled {
        match self.state {
            DeviceState::Used { .. } => Polled::Used,
            DeviceState::Denied { .. } => Polled::Denied,
            _ if self.expires_at <= now => Polled::Expired,
            DeviceState::Approved { grant_id, .. } => Polled::Approved(grant_id),
            DeviceState::Pending => Polled::Pending,
        }
    }

    /// Whether the user can still decide at `now`.
    pub fn is_open(&self, now: UnixMillis) -> bool {
        self.polled(now) == Polled::Pending
    }

    /// The user agreed to `authorized`.
    #[must_use]
    pub fn approve(self, at: UnixMillis, grant_id: GrantId, authorized: Authorized) -> Self {
        Self {
            authorized,
            ..self.become_state(DeviceState::Approved { at, grant_id })
        }
    }

    /// The user said no.
    #[must_use]
    pub fn deny(self, at: UnixMillis) -> Self {
        self.become_state(DeviceState::Denied { at })
    }

    /// The device got its tokens; nothing for one that nobody agreed to.
    #[must_use]
    pub fn spend(self, at: UnixMillis) -> Option<Self> {
        let DeviceState::Approved {
            at: approved_at,
            grant_id,
        } = self.state
        else {
            return None;
        };
        Some(self.become_state(DeviceState::Used {
            approved_at,
            grant_id,
            at,
        }))
    }

    fn become_state(self, state: DeviceState) -> Self {
        Self {
            state,
            version: self.version + 1,
            ..self
        }
    }
}

impl DeviceState {
    /// The word in the database.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved { .. } => "approved",
            Self::Denied { .. } => "denied",
            Self::Used { .. } => "used",
        }
    }

    /// When the user decided.
    pub const fn decided_at(&self) -> Option<UnixMillis> {
        match self {
            Self::Pending => None,
            Self::Approved { at, .. } | Self::Denied { at } => Some(*at),
            Self::Used { approved_at, .. } => Some(*approved_at),
        }
    }

    /// What was written of the user's consent.
    pub const fn grant_id(&self) -> Option<GrantId> {
        match self {
            Self::Pending | Self::Denied { .. } => None,
            Self::Approved { grant_id, .. } | Self::Used { grant_id, .. } => Some(*grant_id),
        }
    }

    /// When the device got its tokens.
    pub const fn used_at(&self) -> Option<UnixMillis> {
        match self {
            Self::Used { at, .. } => Some(*at),
            _ => None,
        }
    }

    /// The state that these columns say; nothing for some that belong to no state.
    pub fn of_columns(
        word: &str,
        decided_at: Option<UnixMillis>,
        grant_id: Option<GrantId>,
        used_at: Option<UnixMillis>,
    ) -> Option<Self> {
        match (word, decided_at, grant_id, used_at) {
            ("pending", None, None, None) => Some(Self::Pending),
            ("approved", Some(at), Some(grant_id), None) => Some(Self::Approved { at, grant_id }),
            ("denied", Some(at), None, None) => Some(Self::Denied { at }),
            ("used", Some(approved_at), Some(grant_id), Some(at)) => Some(Self::Used {
                approved_at,
                grant_id,
                at,
            }),
            _ => None,
        }
    }
}

impl Sealed for DeviceAuthorization {
    const TABLE: &'static str = "device_authorizations";

    fn columns(&self, columns: &mut Columns) {
        self.stored.columns(columns);
        columns
            .bytes(&self.user_code.hash)
            .int(self.user_code.pepper_version.into())
            .shown(self.client_id);
        self.authorized.columns(columns);
        columns
            .text(self.state.as_str())
            .optional(self.state.decided_at(), Columns::time)
            .optional(self.state.grant_id(), Columns::shown)
            .optional(self.state.used_at(), Columns::time)
            .time(self.created_at)
            .time(self.expires_at)
            .int(self.version);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::master_key_line;
    use crate::secret::Lookup;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn asked() -> DeviceAuthorization {
        DeviceAuthorization {
            stored: StoredSecret {
                lookup: Lookup(1),
                hash: [0; 32],
                pepper_version: 1,
                hint: String::new(),
            },
            user_code: HashedToken {
                hash: [1; 32],
                pepper_version: 1,
            },
            client_id: ClientId(1),
            authorized: Authorized::default(),
            state: DeviceState::Pending,
            created_at: NOW,
            expires_at: NOW.plus_seconds(DEVICE_LIFETIME_SECONDS.into()),
            version: 1,
        }
    }

    #[test]
    fn a_user_code_is_read_however_it_is_written() {
        let code = UserCode::from_random(&std::array::from_fn(|at| u8::try_from(at).unwrap()));
        let code = code.unwrap();
        assert_eq!(*code.shown(), "BCDF-GHJK");
        for same in ["BCDF-GHJK", "bcdfghjk", " bCdF - GhJk ", "B-C-D-F-G-H-J-K"] {
            assert_eq!(UserCode::entered(same).unwrap().0, code.0, "{same}");
        }
        let long = format!("BCDFGHJK{}", "-".repeat(64));
        for wrong in [
            "",
            "BCDF-GHJ",
            "BCDF-GHJKL",
            "BCDF-GHJA",
            "BCDF-GHJ1",
            "ＢCDFGHJK",
            &long,
        ] {
            assert!(UserCode::entered(wrong).is_none(), "{wrong}");
        }
        assert!(UserCode::from_random(&[255; 32]).is_none());
    }

    #[test]
    fn a_user_code_is_found_under_each_pepper() {
        let line = |version, fill| master_key_line(version, &[fill; 32]).to_string();
        let old = Keyring::parse(&line(1, 7)).unwrap();
        let both = Keyring::parse(&format!("{}\n{}", line(1, 7), line(2, 8))).unwrap();
        let code = UserCode::entered("BCDF-GHJK").unwrap();
        let stored = code.hash_new(&old);
        assert!(code.hashes(&both).contains(&stored));
        assert_ne!(code.hash_new(&both), stored);
        let other = UserCode::entered("BCDF-GHJL").unwrap();
        assert!(!other.hashes(&both).contains(&stored));
        // As any other secret the same text has another hash.
        assert_ne!(old.hash_new_secret("BCDFGHJK").1, stored.hash);
    }

    #[test]
    fn what_a_device_is_told() {
        let end = asked().expires_at;
        assert_eq!(asked().polled(NOW), Polled::Pending);
        assert_eq!(asked().polled(end), Polled::Expired);
        assert!(asked().spend(NOW).is_none());
        let approved = asked().approve(NOW, GrantId(3), Authorized::default());
        assert_eq!(approved.polled(NOW), Polled::Approved(GrantId(3)));
        assert_eq!(approved.polled(end), Polled::Expired);
        assert!(!approved.is_open(NOW));
        let used = approved.spend(NOW).unwrap();
        assert_eq!(used.polled(NOW), Polled::Used);
        assert_eq!(used.version, 3);
        assert!(used.spend(NOW).is_none());
        assert_eq!(asked().deny(NOW).polled(end), Polled::Denied);
    }

    #[test]
    fn states_come_back_from_their_columns() {
        let (at, grant_id) = (NOW, GrantId(3));
        for state in [
            DeviceState::Pending,
            DeviceState::Approved { at, grant_id },
            DeviceState::Denied { at },
            DeviceState::Used {
                approved_at: at,
                grant_id,
                at,
            },
        ] {
            let of_columns = DeviceState::of_columns(
                state.as_str(),
                state.decided_at(),
                state.grant_id(),
                state.used_at(),
            );
            assert_eq!(of_columns, Some(state));
        }
        assert_eq!(
            DeviceState::of_columns("approved", Some(at), None, None),
            None
        );
    }
}
