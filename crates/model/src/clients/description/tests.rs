//! What a client may be and become.

use super::*;
use crate::clients::ScopesDraft;
use serde_json::json;

const CALLBACK: &str = "https://app.test/cb";

fn app(change: impl FnOnce(&mut ClientDraft)) -> ClientDraft {
    let mut draft = ClientDraft {
        kind: Some(ClientKind::App),
        name: Some("Calendar".to_owned()),
        scopes: Some(ScopesDraft::Named(vec!["read:leads".to_owned()])),
        app: AppDraft {
            redirect_uris: Some(Some(vec![CALLBACK.to_owned()])),
            ..AppDraft::default()
        },
        ..ClientDraft::default()
    };
    change(&mut draft);
    draft
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "what a member of a draft is made of"
)]
fn words(words: &[&str]) -> Option<Option<Vec<String>>> {
    Some(Some(words.iter().map(|word| (*word).to_owned()).collect()))
}

fn problems(draft: &ClientDraft) -> Vec<String> {
    let problems = ClientDescription::create(draft).expect_err("a problem");
    problems.members().keys().cloned().collect()
}

#[test]
fn an_app_has_codes_and_refresh_tokens_when_nobody_says_otherwise() {
    let made = ClientDescription::create(&app(|_| ())).unwrap();
    assert_eq!(
        made.metadata.grant_types(made.kind),
        [GrantType::AuthorizationCode, GrantType::RefreshToken]
    );
    assert!(made.metadata.require_pkce && !made.is_public() && made.settings.takes_secrets());
    let twice = app(|d| d.app.redirect_uris = words(&[CALLBACK, CALLBACK]));
    let made = ClientDescription::create(&twice).unwrap();
    assert_eq!(made.metadata.redirect_uris.len(), 1);
}

#[test]
fn public_and_the_authentication_method_none_are_the_same() {
    for draft in [
        app(|d| d.app.public = Some(true)),
        app(|d| d.auth_method = Some(Some("none".to_owned()))),
    ] {
        let made = ClientDescription::create(&draft).unwrap();
        assert!(made.is_public() && !made.settings.takes_secrets());
    }
    let torn = app(|d| {
        d.app.public = Some(true);
        d.auth_method = Some(Some("client_secret_post".to_owned()));
    });
    assert_eq!(problems(&torn), ["public"]);
    let torn = app(|d| {
        d.app.public = Some(false);
        d.auth_method = Some(Some("none".to_owned()));
    });
    assert_eq!(problems(&torn), ["public"]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a flat list of cases")]
fn what_an_app_cannot_be_is_named() {
    let public = |d: &mut ClientDraft| d.app.public = Some(true);
    let device = "urn:ietf:params:oauth:grant-type:device_code";
    for (draft, members) in [
        (app(|d| d.app.redirect_uris = None), &["redirect_uris"][..]),
        (
            app(|d| d.app.redirect_uris = words(&[])),
            &["redirect_uris"],
        ),
        (
            app(|d| d.app.redirect_uris = words(&[CALLBACK, "http://app.test"])),
            &["redirect_uris[1]"],
        ),
        (
            app(|d| d.app.redirect_uris = words(&["com.example.app:/cb"])),
            &["redirect_uris[0]"],
        ),
        (app(|d| d.app.grant_types = words(&[])), &["grant_types"]),
        (
            app(|d| d.app.grant_types = words(&["implicit"])),
            &["grant_types"],
        ),
        (
            app(|d| d.app.grant_types = words(&["refresh_token"])),
            &["grant_types"],
        ),
        (
            app(|d| {
                public(d);
                d.app.grant_types = words(&["authorization_code", "client_credentials"]);
            }),
            &["grant_types"],
        ),
        (
            app(|d| {
                public(d);
                d.app.require_pkce = Some(Some(false));
            }),
            &["require_pkce"],
        ),
        (
            app(|d| d.app.logo_uri = Some(Some("http://app.test/l.png".to_owned()))),
            &["logo_uri"],
        ),
        (
            app(|d| d.auth_method = Some(Some("private_key_jwt".to_owned()))),
            &["jwks"],
        ),
        (
            app(|d| {
                public(d);
                d.app.jwks_uri = Some(Some("https://app.test/jwks".to_owned()));
            }),
            &["jwks_uri"],
        ),
        (
            app(|d| {
                d.name = None;
                d.app.redirect_uris = words(&["/cb"]);
            }),
            &["name", "redirect_uris[0]"],
        ),
    ] {
        assert_eq!(problems(&draft)[0], members[0], "{draft:?}");
        assert!(
            problems(&draft)
                .iter()
                .any(|m| m == members[members.len() - 1])
        );
    }
    let devices = app(|d| {
        d.app.grant_types = words(&[device, "refresh_token"]);
        d.app.redirect_uris = None;
        d.app.public = Some(true);
    });
    assert!(ClientDescription::create(&devices).is_ok());
    let native = app(|d| {
        d.app.redirect_uris = words(&["com.example.app:/cb", "http://127.0.0.1/cb"]);
        d.app.public = Some(true);
    });
    assert!(ClientDescription::create(&native).is_ok());
}

#[test]
fn a_machine_client_has_nothing_of_an_app() {
    let machine = |change: fn(&mut ClientDraft)| {
        app(|d| {
            d.kind = None;
            d.app = AppDraft::default();
            change(d);
        })
    };
    assert!(ClientDescription::create(&machine(|_| ())).is_ok());
    for (change, member) in [
        (
            (|d| d.app.redirect_uris = words(&[CALLBACK])) as fn(&mut ClientDraft),
            "redirect_uris",
        ),
        (|d| d.app.public = Some(true), "public"),
        (|d| d.app.require_pkce = Some(Some(true)), "require_pkce"),
        (
            |d| d.app.client_uri = Some(Some("https://x.test".to_owned())),
            "client_uri",
        ),
        (
            |d| d.app.grant_types = words(&["authorization_code"]),
            "grant_types",
        ),
        (
            |d| d.auth_method = Some(Some("none".to_owned())),
            "token_endpoint_auth_method",
        ),
    ] {
        assert_eq!(problems(&machine(change)), [member]);
    }
    let own = machine(|d| d.app.grant_types = words(&["client_credentials"]));
    let made = ClientDescription::create(&own).unwrap();
    assert_eq!(made.metadata, ClientMetadata::default());
}

#[test]
fn keys_are_public_and_in_one_place() {
    let ec = json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"});
    let with = |jwks: serde_json::Value| {
        app(|d| {
            d.auth_method = Some(Some("private_key_jwt".to_owned()));
            d.app.jwks = Some(Some(jwks));
        })
    };
    let made = ClientDescription::create(&with(json!({"keys": [ec]}))).unwrap();
    assert!(matches!(made.metadata.keys, Some(ClientKeys::Inline(_))));
    assert!(!made.settings.takes_secrets());
    for jwks in [
        json!([]),
        json!({}),
        json!({"keys": []}),
        json!({"keys": ["x"]}),
        json!({"keys": [{"kty": "oct", "k": "AA"}]}),
        json!({"keys": [{"kty": "oct"}]}),
        json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "AA"}]}),
        json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": "AA"}]}),
        json!({"keys": [{"kty": "RSA", "n": "AA", "e": "AQAB", "qi": null}]}),
        json!({"keys": vec![json!({"kty": "OKP", "crv": "Ed25519", "x": "AA"}); 21]}),
        json!({"keys": [{"kty": "RSA", "n": "A".repeat(20_000), "e": "AQAB"}]}),
    ] {
        assert_eq!(problems(&with(jwks.clone())), ["jwks"], "{jwks}");
    }
    let at = |url: &str| Some(Some(url.to_owned()));
    let mut both = with(json!({"keys": [ec]}));
    both.app.jwks_uri = at("https://app.test/jwks");
    assert!(problems(&both).contains(&"jwks_uri".to_owned()));
    let moved = ClientDraft {
        app: AppDraft {
            jwks: Some(None),
            jwks_uri: at("https://app.test/jwks"),
            ..AppDraft::default()
        },
        ..ClientDraft::default()
    };
    let moved = made.edit(&moved).unwrap();
    assert!(matches!(moved.metadata.keys, Some(ClientKeys::At(_))));
}

#[test]
fn an_edit_changes_what_it_names_and_makes_nothing_public() {
    let made = ClientDescription::create(&app(|d| d.app.public = Some(true))).unwrap();
    let confidential = ClientDraft {
        app: AppDraft {
            public: Some(false),
            ..AppDraft::default()
        },
        ..ClientDraft::default()
    };
    let made = made.edit(&confidential).unwrap();
    assert!(!made.is_public());
    assert_eq!(made.metadata.redirect_uris[0].as_str(), CALLBACK);
    for public in [
        ClientDraft {
            auth_method: Some(Some("none".to_owned())),
            ..ClientDraft::default()
        },
        ClientDraft {
            app: AppDraft {
                public: Some(true),
                ..AppDraft::default()
            },
            ..ClientDraft::default()
        },
    ] {
        assert!(made.clone().edit(&public).is_err());
    }
    let bare = ClientDraft {
        app: AppDraft {
            redirect_uris: Some(None),
            ..AppDraft::default()
        },
        ..ClientDraft::default()
    };
    assert!(made.edit(&bare).is_err());
}
