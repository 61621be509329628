use claviger_model::apis::{ApiSpec, SigningAlgorithm};

use super::*;

#[test]
fn a_file_declares_what_a_request_would() {
    let text = "\
[[apis]]
name = \"Leads\"
audience = \"https://api.example.com\"
accepts = [\"legacy_key\", \"access_token\"]
token_lifetime_seconds = 86400
signing_algorithm = \"RS256\"
live_url = \"https://API.example.com/\"
sandbox_url = \"https://api.sandbox.example.com\"
unmatched = \"allow\"

[[apis.scopes]]
name = \"read:leads\"
description = \"See leads.\"

[[apis.scopes]]
name = \"admin\"
sensitive = true

[[apis.routes]]
method = \"GET\"
path = \"/leads/{id}\"
scopes = [\"read:leads\"]

[[apis]]
name = \"Small\"
audience = \"small\"
scopes = [{ name = \"read:all\", implies_all = true, environments = [\"live\"] }]
";
    let config = parse(text).expect("valid");
    let specs = config.apis.iter().cloned().map(ApiSpec::create);
    let specs: Vec<ApiSpec> = specs.collect::<Result<_, _>>().expect("acceptable");
    let [leads, small] = &specs[..] else {
        panic!("{specs:?}")
    };
    assert_eq!(leads.signing_algorithm, SigningAlgorithm::Rs256);
    assert_eq!(leads.token_lifetime_seconds, Some(86_400));
    assert_eq!(leads.scopes[1].name.as_str(), "admin");
    assert!(leads.scopes[1].implies_all);
    assert_eq!(leads.routes[0].scopes[0].as_str(), "read:leads");
    let live_url = leads.live_url.as_ref().map(ToString::to_string);
    assert_eq!(live_url.as_deref(), Some("https://api.example.com"));
    assert_eq!(small.scopes[0].environments.len(), 1);
    assert_eq!(small.token_lifetime_seconds, None);
}

#[test]
fn every_member_that_is_wrong_is_named_with_its_place() {
    let text = "\
[[apis]]
name = \"Leads\"
audience = \"https://api.example.com#here\"
accept = [\"api_key\"]
accepts = [\"api_key\", \"password\"]
scopes = [
  { name = \"read:leads\" },
  { name = \"read leads\", descripton = \"See leads.\" },
]
[[apis.routes]]
method = \"GET\"
path = \"leads\"
[[apis.routes]]
path = \"/leads\"
scopes = [1]
[[apis]]
token_lifetime_seconds = 0
";
    assert_eq!(
        error(text),
        "\
claviger.toml:4:1: apis[0].accept is no key of this file
  hint: apis[0].accepts is the nearest key
claviger.toml:5:1: apis[0].accepts must hold of api_key, legacy_key, access_token, session only
claviger.toml:8:26: apis[0].scopes[1].descripton is no key of this file
  hint: apis[0].scopes[1].description is the nearest key
claviger.toml:13:1: apis[0].routes[1].method is required
claviger.toml:15:1: apis[0].routes[1].scopes must hold texts in quotes only
claviger.toml:16:1: apis[1].name is required
claviger.toml:16:1: apis[1].audience is required
claviger.toml:17:1: apis[1].token_lifetime_seconds must be a number from 1 to 2592000
claviger.toml:3:1: apis[0].audience must be a URI without fragment, such as https://api.example.com
claviger.toml:12:1: apis[0].routes[0].path must start with /
claviger.toml:8:5: apis[0].scopes[1].name must be a scope such as read:leads: 1 to 100 printable \
         characters without spaces"
    );
}

#[test]
fn an_audience_is_declared_once() {
    let api = "[[apis]]\nname = \"Leads\"\naudience = \"leads\"\n";
    assert_eq!(
        error(&format!("{api}{api}")),
        "claviger.toml:6:1: apis[1].audience stands twice"
    );
}

#[test]
fn apis_are_a_list_of_tables() {
    let hint = "\n  hint: write the name in double brackets on a line of its own";
    assert_eq!(
        error("[apis]\nname = \"Leads\"\n"),
        format!("claviger.toml:1:2: apis must be a list of tables{hint}")
    );
    assert_eq!(
        error("apis = [1]\n"),
        "claviger.toml:1:9: apis[0] must be a table"
    );
    assert_eq!(
        error("[[api]]\n"),
        "claviger.toml:1:3: api is no section of this file\n  hint: [[apis]] is the nearest section"
    );
}
