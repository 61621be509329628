//! Identifiers: a type prefix and a `UUIDv7` (RFC 9562 section 5.7) in lower-case base32.
//!
//! The alphabet is Crockford's, so that identifiers sort by creation time as text. An identifier
//! is public: it names a thing and proves nothing.

use std::fmt;
use std::str::FromStr;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const TEXT_LENGTH: usize = 26;
/// Bytes that the longest prefix has at most.
const PREFIX_MAX: usize = 8;

/// Ten random bytes: what a `UUIDv7` needs beside the time.
pub type IdRandom = [u8; 10];

/// Text that is not an identifier of the wanted type.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not an identifier that starts with {expected_prefix}")]
pub struct InvalidId {
    /// The prefix that the type has.
    pub expected_prefix: &'static str,
}

/// Makes the 128 bits of a `UUIDv7`.
pub fn uuid_v7(at: crate::UnixMillis, random: &IdRandom) -> u128 {
    let millis = u64::try_from(at.0).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, random)
        .into_uuid()
        .as_u128()
}

fn encode(value: u128, out: &mut [u8]) {
    // Twelve letters at a time, in numbers of the processor's own width.
    let mut rest = value;
    for letters in out.rchunks_mut(12) {
        let mut low = (rest & ((1 << 60) - 1)) as u64;
        for slot in letters.iter_mut().rev() {
            *slot = ALPHABET[(low & 31) as usize];
            low >>= 5;
        }
        rest >>= 60;
    }
}

fn decode(text: &[u8]) -> Option<u128> {
    if text.len() != TEXT_LENGTH || !(b'0'..=b'7').contains(&text[0]) {
        return None;
    }
    let mut value = 0u128;
    for byte in text {
        let digit = ALPHABET.iter().position(|letter| letter == byte)?;
        value = (value << 5) | digit as u128;
    }
    Some(value)
}

/// Writes `prefix` and the 26 characters of `value`.
fn write_id(f: &mut fmt::Formatter<'_>, prefix: &str, value: u128) -> fmt::Result {
    // In one piece, so that a text which is made of it grows once.
    let mut text = [0u8; PREFIX_MAX + TEXT_LENGTH];
    let (start, rest) = text.split_at_mut_checked(prefix.len()).ok_or(fmt::Error)?;
    start.copy_from_slice(prefix.as_bytes());
    encode(value, rest.get_mut(..TEXT_LENGTH).ok_or(fmt::Error)?);
    let length = prefix.len() + TEXT_LENGTH;
    f.write_str(std::str::from_utf8(&text[..length]).map_err(|_| fmt::Error)?)
}

macro_rules! id_types {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u128);

        impl $name {
            /// What the text of every identifier of this type starts with.
            pub const PREFIX: &'static str = $prefix;

            /// A new identifier from the time and random bytes.
            pub fn new(at: crate::UnixMillis, random: &IdRandom) -> Self {
                Self(uuid_v7(at, random))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_id(f, $prefix, self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix($prefix)
                    .and_then(|rest| decode(rest.as_bytes()))
                    .map(Self)
                    .ok_or(InvalidId { expected_prefix: $prefix })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

id_types! {
    /// A customer.
    AccountId = "acct_";
    /// A resource server.
    ApiId = "api_";
    /// A client; its `client_id`.
    ClientId = "cli_";
    /// One message to one webhook.
    DeliveryId = "dlv_";
    /// An audit event.
    EventId = "evt_";
    /// All refresh tokens that came from one authorization, one after the other.
    FamilyId = "fam_";
    /// What a user allowed an app.
    GrantId = "grt_";
    /// An invitation to an account.
    InvitationId = "inv_";
    /// An API key.
    KeyId = "key_";
    /// A legacy key.
    LegacyKeyId = "leg_";
    /// A letter that waits to be sent.
    MailId = "mail_";
    /// A request, and the decision about it.
    RequestId = "req_";
    /// A role.
    RoleId = "role_";
    /// A secret of a key or a client.
    SecretId = "sec_";
    /// A sign-in.
    SessionId = "sid_";
    /// A signing key; the `kid` of its tokens.
    SigningKeyId = "sgn_";
    /// An access token; its `jti`.
    TokenId = "tok_";
    /// A person who signs in.
    UserId = "usr_";
    /// An address that is told what happens.
    WebhookId = "whk_";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UnixMillis;

    #[test]
    fn text_round_trips_and_sorts_by_time() {
        let early = KeyId::new(UnixMillis(1_741_564_800_000), &[0xff; 10]);
        let late = KeyId::new(UnixMillis(1_741_564_800_001), &[0; 10]);
        assert!(early.to_string() < late.to_string());
        assert_eq!(early.to_string().parse(), Ok(early));
        assert_eq!(early.to_string().len(), "key_".len() + TEXT_LENGTH);
    }

    #[test]
    fn wrong_prefix_letters_and_overflow_are_refused() {
        let id = KeyId::new(UnixMillis(1), &[7; 10]).to_string();
        assert!(id.parse::<AccountId>().is_err());
        assert!(id.to_uppercase().parse::<KeyId>().is_err());
        assert!(id[..id.len() - 1].parse::<KeyId>().is_err());
        assert!("key_8zzzzzzzzzzzzzzzzzzzzzzzzz".parse::<KeyId>().is_err());
        assert!("key_7zzzzzzzzzzzzzzzzzzzzzzzzu".parse::<KeyId>().is_err());
    }
}
