//! The authorization server: how apps act for users, and which further standards are switched on.

use super::{Default, Key, Kind, key};

const OFF: Default = Default::Value("false");

pub(in crate::config) static OAUTH: &[Key] = &[
    key(
        "refresh_token_days",
        Kind::Number {
            least: 1,
            most: 365,
        },
        Default::Value("30"),
        "How many days a refresh token lives. Each use gives the next one, which lives as long.",
    ),
    key(
        "pushed_authorization_requests",
        Kind::Flag,
        OFF,
        "Whether clients may push authorization requests to `/oauth/par` (RFC 9126).",
    ),
    key(
        "dpop",
        Kind::Flag,
        OFF,
        "Whether clients may bind their tokens to a key of theirs (DPoP, RFC 9449).",
    ),
    key(
        "dpop_nonces",
        Kind::Flag,
        OFF,
        "Whether DPoP proofs have to carry a nonce of this instance (RFC 9449 section 8).",
    ),
    key(
        "private_key_jwt",
        Kind::Flag,
        OFF,
        "Whether clients may authenticate by a JWT that they sign (RFC 7523).",
    ),
    key(
        "device_grant",
        Kind::Flag,
        OFF,
        "Whether apps on devices without a browser may ask users to allow them on another one \
         (RFC 8628).",
    ),
    key(
        "dynamic_registration",
        Kind::Flag,
        OFF,
        "Whether apps may register themselves at `/oauth/register` (RFC 7591, RFC 7592).",
    ),
    key(
        "registration_token_file",
        Kind::Path,
        Default::Unset {
            meaning: "no token",
            example: "\"registration.token\"",
        },
        "A file with the initial access token that apps send to register themselves, at least 32 \
         characters on one line. Without it everybody can register an app.",
    ),
    key(
        "client_id_metadata_documents",
        Kind::Flag,
        OFF,
        "Whether an app may be the `https` address of a document that describes it.",
    ),
    key(
        "fetch_networks",
        Kind::Networks,
        Default::Value("[]"),
        "Private networks from which keys and documents of clients may be fetched. All others are \
         refused, so that nobody can have this instance look around inside yours.",
    ),
];
