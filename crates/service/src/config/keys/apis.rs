//! The members of an API that the configuration declares.

use super::{Default, Key, Kind, NEEDED, Section, key, unset};

/// The APIs, each a table of its own.
pub(in crate::config) static APIS: Section = Section {
    name: "apis",
    sentence: "An API that the instance offers; write the section once for each. When the server \
               starts, an API with a new audience is made, and one that differs is changed to \
               what stands here. A member that does not stand here stays as it is, and so does \
               an API that does not.",
    keys: API,
};

const fn needed(example: &'static str) -> Default {
    unset(NEEDED, example)
}

static API: &[Key] = &[
    key(
        "name",
        Kind::Text,
        needed("\"Leads API\""),
        "The name that people see.",
    ),
    key(
        "audience",
        Kind::Text,
        needed("\"https://api.example.com\""),
        "The URI that names the API: in tokens, in verifications, and from one start to the next.",
    ),
    key(
        "scopes",
        Kind::Tables(SCOPE),
        unset(
            "none",
            "[{ name = \"read:leads\", description = \"See leads.\" }]",
        ),
        "What the API offers.",
    ),
    key(
        "routes",
        Kind::Tables(ROUTE),
        unset(
            "none",
            "[{ method = \"GET\", path = \"/leads\", scopes = [\"read:leads\"] }]",
        ),
        "Which scopes the API's routes ask for.",
    ),
    key(
        "accepts",
        Kind::Words(&["api_key", "legacy_key", "access_token", "session"]),
        unset(
            "`api_key` and `access_token`",
            "[\"api_key\", \"access_token\"]",
        ),
        "The kinds of credential that the API takes.",
    ),
    key(
        "token_lifetime_seconds",
        Kind::Number {
            least: 1,
            most: 2_592_000,
        },
        unset("`tokens.lifetime_seconds`", "86400"),
        "How long the access tokens of the API live.",
    ),
    key(
        "signing_algorithm",
        Kind::Word(&["ES256", "RS256", "EdDSA"]),
        unset("`ES256`", "\"RS256\""),
        "How the access tokens of the API are signed.",
    ),
    key(
        "live_url",
        Kind::Url,
        unset("none", "\"https://api.example.com\""),
        "The base URL of live data, by which a gateway's request finds the API.",
    ),
    key(
        "sandbox_url",
        Kind::Url,
        unset("none", "\"https://api.sandbox.example.com\""),
        "The base URL of test data.",
    ),
    key(
        "unmatched",
        Kind::Word(&["refuse", "allow"]),
        unset("`refuse`", "\"allow\""),
        "What happens to a request that matches no route.",
    ),
];

static SCOPE: &[Key] = &[
    key("name", Kind::Text, needed("\"read:leads\""), "Its name."),
    key(
        "description",
        Kind::Sentence,
        unset("none", "\"See leads.\""),
        "What it allows, in the sentence that pages show beside it.",
    ),
    key(
        "sensitive",
        Kind::Flag,
        unset("`false`", "true"),
        "Whether pages warn of it.",
    ),
    key(
        "implies_all",
        Kind::Flag,
        unset("`true` for `admin`, else `false`", "false"),
        "Whether it stands for every scope.",
    ),
    key(
        "environments",
        Kind::Words(&["live", "test"]),
        unset("`live` for `admin`, else both", "[\"live\", \"test\"]"),
        "In which environments a credential may hold it.",
    ),
];

static ROUTE: &[Key] = &[
    key(
        "method",
        Kind::Text,
        needed("\"GET\""),
        "The method in capitals, or `*` for every one.",
    ),
    key(
        "path",
        Kind::Text,
        needed("\"/leads/{id}\""),
        "A path with `{name}` for one segment and a final `*` for the rest.",
    ),
    key(
        "scopes",
        Kind::Texts,
        unset("none: any live credential passes", "[\"read:leads\"]"),
        "The scopes that it asks for, all of them.",
    ),
];
