//! Access tokens: JWTs (RFC 7519) of the profile of RFC 9068, signed as compact JWS (RFC 7515).

use std::borrow::Cow;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::Environment;
use crate::ids::{AccountId, ClientId, FamilyId, GrantId, SecretId, TokenId};

/// The `typ` of an access token (RFC 9068 section 2.1).
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";
/// The longest token that is looked at, in bytes.
pub const TOKEN_LENGTH_MAX: usize = 16 * 1024;

/// How a token was obtained: the `gty` claim.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenGrant {
    /// By the client, for itself.
    ClientCredentials,
    /// By an app, for a user who just allowed it.
    AuthorizationCode,
    /// By an app, for a user who allowed it before.
    RefreshToken,
    /// By an app on a device, for a user who allowed it on another.
    DeviceCode,
}

impl TokenGrant {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::ClientCredentials,
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::DeviceCode,
    ];

    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client-credentials",
            Self::AuthorizationCode => "authorization-code",
            Self::RefreshToken => "refresh-token",
            Self::DeviceCode => "device-code",
        }
    }

    /// The grant that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == word)
    }
}

/// The audiences of a token: one is a string in JSON, several are an array (RFC 7519 section
/// 4.1.3).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Audience {
    /// The audiences in the form that JSON takes.
    pub fn of(mut audiences: Vec<String>) -> Self {
        match (audiences.len(), audiences.pop()) {
            (1, Some(only)) => Self::One(only),
            (_, last) => {
                audiences.extend(last);
                Self::Several(audiences)
            }
        }
    }

    /// All of them.
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(audience) => std::slice::from_ref(audience),
            Self::Several(audiences) => audiences,
        }
    }

    /// Whether `audience` is among them.
    pub fn contains(&self, audience: &str) -> bool {
        self.all().iter().any(|own| own == audience)
    }
}

/// The claims of an access token. A claim of a wrong type makes the whole token unreadable; claims
/// that we do not know are ignored (RFC 7519 section 4). Times are seconds since 1970.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// The issuer.
    pub iss: String,
    /// For whom it acts: a user, or `<client_id>@clients` when the client acts for itself.
    pub sub: String,
    /// For which APIs, by their audiences; or the issuer, for management.
    pub aud: Audience,
    /// When it was issued.
    pub iat: i64,
    /// From when it is not valid.
    pub exp: i64,
    /// From when it is valid, if not from its issue.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub nbf: Option<i64>,
    /// Its id.
    pub jti: TokenId,
    /// The client that it was issued to (RFC 9068 section 2.2), as it calls itself: its id, or the
    /// address of the document that describes it.
    pub client_id: String,
    /// The same by its id, under the name that OpenID Connect has for it.
    pub azp: ClientId,
    /// What it may do: names with a space between (RFC 6749 section 3.3).
    pub scope: String,
    /// How it was obtained.
    #[serde(deserialize_with = "grant")]
    pub gty: TokenGrant,
    /// Which data it reaches.
    #[serde(deserialize_with = "environment")]
    pub env: Environment,
    /// The account.
    pub account: AccountId,
    /// The epoch that the issuing node knew: what ended tokens later than this ended it too.
    pub epoch: i64,
    /// The secret that it was obtained with, if it was one.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub secret: Option<SecretId>,
    /// Whether it stands for all that its client may do, which is then everything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all_scopes: bool,
    /// What allowed it, when it acts for a user.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub grant: Option<GrantId>,
    /// The refresh tokens that it was issued beside, when it acts for a user.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub family: Option<FamilyId>,
    /// Its place in that family, counted from 1.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub generation: Option<u32>,
    /// The key that it is bound to (RFC 7800 section 3).
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub cnf: Option<Confirmation>,
}

/// The key that a token is bound to: nobody can use the token without it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Confirmation {
    /// Its thumbprint by SHA-256 (RFC 9449 section 6.1, RFC 7638).
    pub jkt: String,
}

/// Whose tokens can be ended together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TokenOwner {
    /// All of a client's.
    Client(ClientId),
    /// All of an account's.
    Account(AccountId),
}

impl TokenOwner {
    /// The owner whose id this is.
    pub fn parse(id: &str) -> Option<Self> {
        let client = id.parse().ok().map(Self::Client);
        client.or_else(|| id.parse().ok().map(Self::Account))
    }
}

impl fmt::Display for TokenOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(id) => id.fmt(f),
            Self::Account(id) => id.fmt(f),
        }
    }
}

/// A claim that may be left out, but not be null.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A word, and nothing that could be read as one: an enumeration would be taken from an object too.
fn grant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TokenGrant, D::Error> {
    let word = <Cow<'de, str>>::deserialize(deserializer)?;
    TokenGrant::parse(&word).ok_or_else(|| D::Error::custom("not a grant"))
}

fn environment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Environment, D::Error> {
    let word = <Cow<'de, str>>::deserialize(deserializer)?;
    Environment::parse(&word).ok_or_else(|| D::Error::custom("not an environment"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UnixMillis;

    #[test]
    fn one_audience_is_a_string_and_several_an_array() {
        let json = |audiences: &[&str]| {
            let audiences = audiences.iter().map(ToString::to_string).collect();
            serde_json::to_string(&Audience::of(audiences)).unwrap()
        };
        assert_eq!(json(&["a"]), "\"a\"");
        assert_eq!(json(&["a", "b"]), "[\"a\",\"b\"]");
        assert_eq!(json(&[]), "[]");
        assert!(serde_json::from_str::<Audience>("7").is_err());
    }

    #[test]
    fn a_claim_of_a_wrong_type_or_twice_makes_a_token_unreadable() {
        let read = |text: &str| serde_json::from_str::<Claims>(text).is_ok();
        let good = serde_json::to_string(&claims()).unwrap();
        assert!(read(&good), "{good}");
        assert_eq!(serde_json::from_str::<Claims>(&good).unwrap(), claims());
        let members: serde_json::Map<_, _> = serde_json::from_str(&good).unwrap();
        for (name, value) in &members {
            for wrong in [r"null", "7.5", "{}", "[7]", "\"?\"", r#"{"live":null}"#] {
                let is_right = ["aud", "scope", "iss", "sub", "client_id"].contains(&name.as_str());
                if is_right && wrong == "\"?\"" {
                    continue;
                }
                let own = format!("\"{name}\":{value}");
                let bad = good.replace(&own, &format!("\"{name}\":{wrong}"));
                assert_ne!(bad, good);
                assert!(!read(&bad), "{bad}");
                assert!(!read(&good.replace(&own, &format!("{own},{own}"))));
            }
        }
    }

    fn claims() -> Claims {
        Claims {
            iss: "https://auth.acme.test".into(),
            sub: "cli_x@clients".into(),
            aud: Audience::One("https://api.acme.test".into()),
            iat: 1,
            exp: 2,
            nbf: Some(1),
            jti: TokenId(1),
            client_id: ClientId(2).to_string(),
            azp: ClientId(2),
            scope: "read:leads".into(),
            gty: TokenGrant::ClientCredentials,
            env: Environment::Live,
            account: AccountId(3),
            epoch: 4,
            secret: Some(SecretId(5)),
            all_scopes: true,
            grant: Some(GrantId(6)),
            family: Some(FamilyId(7)),
            generation: Some(8),
            cnf: Some(Confirmation { jkt: "x".into() }),
        }
    }

    #[test]
    fn an_owner_is_known_by_its_id() {
        let client = TokenOwner::Client(ClientId::new(UnixMillis(1), &[1; 10]));
        let account = TokenOwner::Account(AccountId::new(UnixMillis(1), &[1; 10]));
        for owner in [client, account] {
            assert_eq!(TokenOwner::parse(&owner.to_string()), Some(owner));
        }
        assert_eq!(TokenOwner::parse("key_x"), None);
    }
}
