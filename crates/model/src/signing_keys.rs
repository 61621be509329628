//! Signing keys: what access tokens are signed with, and verified by.

use crate::apis::SigningAlgorithm;
use crate::ids::SigningKeyId;
use crate::seal::{Columns, Sealed};
use crate::time::UnixMillis;

/// A signing key. Its life: published, then signing, then retired but published until the last
/// token that it signed has expired.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SigningKey {
    /// Its id: the `kid` of its tokens.
    pub id: SigningKeyId,
    /// What it signs with.
    pub algorithm: SigningAlgorithm,
    /// Its place among the keys of its algorithm, from one: two nodes cannot make the same one.
    pub generation: i64,
    /// The public half as a JWK (RFC 7517), without `kid`, `alg` and `use`: JSON text.
    pub public_jwk: String,
    /// The private half in PKCS #8, encrypted under the key-encryption key.
    pub sealed_private: Vec<u8>,
    /// When it was made, and published.
    pub created_at: UnixMillis,
    /// From when it signs.
    pub signs_from: UnixMillis,
    /// Until when it is published; none while it has no successor.
    pub published_until: Option<UnixMillis>,
    /// Counts changes of the row.
    pub version: i64,
}

impl SigningKey {
    /// Whether verifiers know it at `now`.
    pub fn is_published(&self, now: UnixMillis) -> bool {
        self.published_until.is_none_or(|end| end > now)
    }

    /// Its place among the keys of its algorithm, by when they sign.
    fn place(&self) -> (UnixMillis, i64) {
        (self.signs_from, self.generation)
    }

    /// Whether it was withdrawn before its time.
    pub fn is_withdrawn(&self) -> bool {
        self.published_until
            .is_some_and(|end| end <= self.created_at)
    }

    /// The key, unpublished for good. The moment is one that has passed by every node's clock.
    #[must_use]
    pub fn withdraw(self) -> Self {
        Self {
            published_until: Some(self.created_at),
            version: self.version + 1,
            ..self
        }
    }

    /// The key, signing from `now` and not only later.
    #[must_use]
    pub fn sign_at_once(self, now: UnixMillis) -> Self {
        Self {
            signs_from: now,
            version: self.version + 1,
            ..self
        }
    }

    /// What the private half is encrypted for: it opens as this key alone.
    pub fn context(id: SigningKeyId) -> Vec<u8> {
        format!("signing key {id}").into_bytes()
    }
}

impl AsRef<Self> for SigningKey {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// Where a signing key is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SigningKeyStatus {
    /// Published, so that verifiers know it before it signs.
    Published,
    /// It signs.
    Signing,
    /// It signs no more; tokens that it signed are still verified.
    Retired,
    /// Its last token has expired, and nobody verifies with it.
    Gone,
    /// It was withdrawn before its time, and all its tokens with it.
    Withdrawn,
}

impl SigningKeyStatus {
    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Signing => "signing",
            Self::Retired => "retired",
            Self::Gone => "gone",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The status of `key` among all keys at `now`.
    pub fn of(key: &SigningKey, keys: &[SigningKey], now: UnixMillis) -> Self {
        if key.is_withdrawn() {
            return Self::Withdrawn;
        }
        if !key.is_published(now) {
            return Self::Gone;
        }
        match signing(keys, key.algorithm, now) {
            Some(current) if current.id == key.id => Self::Signing,
            Some(current) if current.place() > key.place() => Self::Retired,
            _ => Self::Published,
        }
    }
}

/// The key that signs with `algorithm` at `now`: of those that are published the last that has
/// begun; where clocks differ and none has, the first that will.
pub fn signing<K: AsRef<SigningKey>>(
    keys: impl IntoIterator<Item = K>,
    algorithm: SigningAlgorithm,
    now: UnixMillis,
) -> Option<K> {
    let mut best: Option<K> = None;
    for key in keys {
        let row = key.as_ref();
        if row.algorithm != algorithm || !row.is_published(now) {
            continue;
        }
        let is_better = best.as_ref().is_none_or(|best| {
            let best = best.as_ref();
            match (row.signs_from <= now, best.signs_from <= now) {
                (true, true) => row.place() > best.place(),
                (false, false) => row.place() < best.place(),
                (has_begun, _) => has_begun,
            }
        });
        if is_better {
            best = Some(key);
        }
    }
    best
}

/// How long tokens live, for the question how long their keys have to be published.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lifetimes {
    /// The longest life of a token that is issued from now on, in milliseconds.
    pub longest_millis: i64,
    /// When every token that was issued before has expired.
    pub earlier_end_by: UnixMillis,
    /// What verifiers allow for clocks that differ, in milliseconds.
    pub leeway_millis: i64,
}

/// The keys of one algorithm that have to be written so that each, from the one that signs at
/// `now` on, is published until the last token that it can sign has expired, and the last of them
/// without end. No publication is made shorter.
pub fn succession(keys: &[SigningKey], now: UnixMillis, lifetimes: &Lifetimes) -> Vec<SigningKey> {
    let Some(current) = keys
        .first()
        .and_then(|first| signing(keys, first.algorithm, now))
    else {
        return Vec::new();
    };
    let mut living: Vec<&SigningKey> = keys
        .iter()
        .filter(|key| key.is_published(now) && key.place() >= current.place())
        .collect();
    living.sort_unstable_by_key(|key| key.place());
    let ends = (living.iter().skip(1)).map(|next| {
        let last_token = next.signs_from.plus_millis(lifetimes.longest_millis);
        let end = last_token.max(lifetimes.earlier_end_by);
        Some(end.plus_millis(lifetimes.leeway_millis))
    });
    let ends: Vec<Option<UnixMillis>> = ends.chain([None]).collect();
    living
        .into_iter()
        .zip(ends)
        .filter_map(|(key, end)| {
            let published_until =
                end.map(|end| key.published_until.map_or(end, |own| own.max(end)));
            (published_until != key.published_until).then(|| SigningKey {
                published_until,
                version: key.version + 1,
                ..key.clone()
            })
        })
        .collect()
}

impl Sealed for SigningKey {
    const TABLE: &'static str = "signing_keys";

    fn columns(&self, columns: &mut Columns) {
        columns
            .shown(self.id)
            .text(self.algorithm.as_str())
            .int(self.generation)
            .text(&self.public_jwk)
            .bytes(&self.sealed_private)
            .time(self.created_at)
            .time(self.signs_from)
            .optional(self.published_until, Columns::time)
            .int(self.version);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);
    const LIFETIMES: Lifetimes = Lifetimes {
        longest_millis: 3_600,
        earlier_end_by: UnixMillis(0),
        leeway_millis: 60,
    };

    /// Key `generation`, made at NOW - 10 000, that signs from `from` after NOW.
    fn key(generation: i64, from: i64, until: Option<i64>) -> SigningKey {
        SigningKey {
            id: SigningKeyId(generation.unsigned_abs().into()),
            algorithm: SigningAlgorithm::Es256,
            generation,
            public_jwk: String::new(),
            sealed_private: Vec::new(),
            created_at: NOW.plus_millis(-10_000),
            signs_from: NOW.plus_millis(from),
            published_until: until.map(|until| NOW.plus_millis(until)),
            version: 1,
        }
    }

    fn words(keys: &[SigningKey], now: UnixMillis) -> Vec<&'static str> {
        let of = |key| SigningKeyStatus::of(key, keys, now).as_str();
        keys.iter().map(of).collect()
    }

    #[test]
    fn a_key_is_published_then_signs_then_is_retired_and_gone() {
        let keys = [key(1, -500, Some(5_000)), key(2, 300, None)];
        for (at, expected) in [
            (0, ["signing", "published"]),
            (300, ["retired", "signing"]),
            (4_999, ["retired", "signing"]),
            (5_000, ["gone", "signing"]),
        ] {
            assert_eq!(words(&keys, NOW.plus_millis(at)), expected, "{at}");
        }
        let early = NOW.plus_millis(-9_000);
        assert_eq!(words(&keys, early)[0], "signing", "a clock that is behind");
        let withdrawn = [key(1, -500, None).withdraw()];
        assert_eq!(words(&withdrawn, early), ["withdrawn"]);
        assert!(signing(&withdrawn, SigningAlgorithm::Es256, early).is_none());
        assert!(signing(&keys, SigningAlgorithm::Rs256, NOW).is_none());
    }

    fn ends(keys: &[SigningKey]) -> Vec<(i64, Option<i64>)> {
        let written = succession(keys, NOW, &LIFETIMES);
        let end = |key: &SigningKey| key.published_until.map(|end| end.since(NOW));
        written
            .iter()
            .map(|key| (key.generation, end(key)))
            .collect()
    }

    #[test]
    fn each_key_is_published_until_its_last_token_has_expired() {
        let retired = key(1, -5_000, Some(10));
        let keys = [
            retired,
            key(2, -500, None),
            key(3, 300, None),
            key(4, 400, None),
        ];
        assert_eq!(ends(&keys), [(2, Some(3_960)), (3, Some(4_060))]);
        let longer = [key(2, -500, Some(9_000)), key(3, 300, None)];
        assert_eq!(ends(&longer), [], "nothing is made shorter");
        // The one that waited was withdrawn: the one before goes on.
        assert_eq!(ends(&[key(2, -500, Some(3_960))]), [(2, None)]);
        assert_eq!(ends(&[]), []);
        let before = Lifetimes {
            earlier_end_by: NOW.plus_millis(80_000),
            ..LIFETIMES
        };
        let written = succession(&keys[1..3], NOW, &before);
        let end = written[0].published_until;
        assert_eq!(
            end,
            Some(NOW.plus_millis(80_060)),
            "a longer life until now"
        );
    }
}
