//! What the portal and messages call things.

use super::{Default, Key, Kind, key, unset};
use crate::branding::Theme;

pub(in crate::config) static PORTAL: &[Key] = &[
    key(
        "name",
        Kind::Label,
        Default::Value("\"Claviger\""),
        "The name of the instance, as people know it.",
    ),
    key(
        "logo",
        Kind::Path,
        unset("a key", "\"logo.svg\""),
        "A picture that stands beside the name, and is the icon of the browser's tab: SVG or PNG, \
         at most 24 KiB.",
    ),
    key(
        "accent",
        Kind::Accent(Theme::Light),
        unset("made from `accent_dark`, or blue", "\"#2a4bd0\""),
        "The colour of links and main buttons on light surfaces. It must be dark enough to be \
         read there (WCAG AA, 4.5:1).",
    ),
    key(
        "accent_dark",
        Kind::Accent(Theme::Dark),
        unset("made from `accent`, or a lighter blue", "\"#93aaff\""),
        "The same for people who prefer dark pages. It must be light enough.",
    ),
    key(
        "support_url",
        Kind::Url,
        unset("no link", "\"https://example.com/help\""),
        "The page where people find help. Every page links to it.",
    ),
    key(
        "support_email",
        Kind::Email,
        unset("no link", "\"support@example.com\""),
        "An address for mail instead of a page.",
    ),
];

pub(in crate::config) static LABELS: &[Key] = &[
    label(
        "account_settings",
        "\"Account Settings\"",
        "The page that a click on one's own name leads to.",
    ),
    label(
        "api",
        "\"API\"",
        "The entry of the menu and the tab of the settings below which credentials are.",
    ),
    label(
        "api_keys",
        "\"API Keys\"",
        "The list of API keys and what is in it.",
    ),
    label(
        "create_api_key",
        "\"Add API Key\"",
        "The button that begins a new API key for live data.",
    ),
    label(
        "create_test_key",
        "\"Create Test Key\"",
        "The button that begins a new API key for test data.",
    ),
    label(
        "clients",
        "\"API credentials\"",
        "The list of clients and what is in it.",
    ),
    label(
        "create_client",
        "\"Create API credentials\"",
        "The button that begins a new client.",
    ),
    label(
        "client_id",
        "\"Client ID\"",
        "The public half of a client's credentials.",
    ),
    label(
        "client_secret",
        "\"Client Secret\"",
        "The secret half; a client may have several.",
    ),
    label(
        "add_secret",
        "\"Add secret\"",
        "The button that gives a client one more secret.",
    ),
    label(
        "legacy_key",
        "\"Legacy API key\"",
        "The one key of an account that reaches everything, and its page.",
    ),
    label(
        "generate",
        "\"Generate\"",
        "The button that makes the legacy key.",
    ),
    label(
        "revert",
        "\"Revert\"",
        "The button that revokes the legacy key, so that a new one can be made.",
    ),
    label(
        "save",
        "\"Save Changes\"",
        "The button below a form that changes something.",
    ),
    label("revoke", "\"Revoke\"", "The button that ends a credential."),
];

const fn label(name: &'static str, default: &'static str, sentence: &'static str) -> Key {
    key(name, Kind::Label, Default::Value(default), sentence)
}
