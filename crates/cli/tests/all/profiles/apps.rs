//! Document 004's OAuth flow, as it is printed there: an app of before PKCE, JSON at the token
//! endpoint, tokens signed with RS256.

use serde_json::{Value, json};

use super::clients::decoded;
use super::instance::{ADMIN, PASSWORD, PUBLIC_URL, Profile, text};
use crate::http::Answer;
use crate::pages::{Tab, parameter};
use crate::program::run;

const REDIRECT_URI: &str = "https://yourapp.com/callback";
const LEADS: &str = "GET api.example.com/v1/leads";

#[tokio::test]
async fn document_004_an_app_is_allowed_refreshes_and_is_disconnected() {
    let profile = Profile::start("004").await;
    let (client_id, client_secret) = app(&profile).await;

    // The authorization URL as it is printed, without a code challenge.
    let url = format!(
        "/oauth/authorize?client_id={client_id}&redirect_uri={REDIRECT_URI}&response_type=code\
         &scope=read:leads%20write:leads&state=random_state_string"
    );
    let back = allow(&profile, &url).await;
    assert!(back.starts_with(&format!("{REDIRECT_URI}?")), "{back}");
    let state = parameter(&back, "state");
    assert_eq!(state.as_deref(), Some("random_state_string"));
    let issuer = PUBLIC_URL.replace(':', "%3A").replace('/', "%2F");
    let iss = parameter(&back, "iss").unwrap();
    assert!([PUBLIC_URL, &issuer].contains(&&*iss), "{iss}");

    // Token exchange.
    let code = parameter(&back, "code").unwrap();
    let exchange = [
        ("grant_type", "authorization_code"),
        ("client_id", &*client_id),
        ("client_secret", &*client_secret),
        ("code", &*code),
        ("redirect_uri", REDIRECT_URI),
    ];
    let answer = profile.json("/oauth/token", &exchange).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let tokens = answer.json();
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 3600);
    assert_eq!(tokens["scope"], "read:leads write:leads");
    let (header, claims) = decoded(text(&tokens, "access_token"));
    assert_eq!(header["alg"], "RS256");
    assert!(text(&claims, "sub").starts_with("usr_"));
    assert_eq!(claims["account"], *profile.account_id);

    // Refreshing, and using access tokens.
    let refreshed = refresh(&profile, &client_id, &client_secret, &tokens).await;
    assert_eq!(refreshed.status, 200, "{refreshed:?}");
    let refreshed = refreshed.json();
    let access_token = text(&refreshed, "access_token");
    let called = profile.call(LEADS, access_token).await;
    assert_eq!(called.status, 200, "{called:?}");

    // The user disconnects the app, and the next call is 401.
    let grants = profile.get("/v1/grants").await.json();
    let grant = &grants["data"][0];
    assert_eq!(grant["client_id"], *client_id);
    let path = format!("/v1/grants/{}", text(grant, "id"));
    assert_eq!(profile.delete(&path).await.json(), json!({"ok": true}));
    let called = profile.call(LEADS, access_token).await;
    assert_eq!((called.status, &*called.reason()), (401, "revoked"));
    let refused = refresh(&profile, &client_id, &client_secret, &refreshed).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["error"], "invalid_grant");
}

/// An app of the account. Its integration is older than PKCE: the operator exempts it.
async fn app(profile: &Profile) -> (String, String) {
    let body = json!({
        "name": "YourApp",
        "kind": "app",
        "scopes": ["read:leads", "write:leads"],
        "redirect_uris": [REDIRECT_URI],
    });
    let made = profile.post("/v1/clients", &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    let client_id = text(&made, "client_id").to_owned();
    let exempt = [
        "client",
        "edit",
        &client_id,
        "--require-pkce",
        "false",
        "--config",
        &profile.config,
    ];
    run(&exempt).await.done();
    (client_id, text(&made, "client_secret").to_owned())
}

/// The user signs in and allows what is asked; where the browser is sent.
async fn allow(profile: &Profile, url: &str) -> String {
    let mut tab = Tab::new(profile.server.text("/public_listen"));
    let sign_in = tab.get(url).await;
    let page = if sign_in.status == 303 {
        tab.get(local(&sign_in)).await
    } else {
        sign_in
    };
    let who = [("email", ADMIN), ("password", PASSWORD)];
    let signed_in = tab.submit(&page, "password", &who).await;
    assert_eq!(signed_in.status, 303, "{signed_in:?}");
    let consent = tab.get(local(&signed_in)).await;
    assert!(consent.body.contains("YourApp"), "{consent:?}");
    let allowed = tab.submit(&consent, "decision", &[("decision", "allow")]);
    let allowed = allowed.await;
    assert_eq!(allowed.status, 303, "{allowed:?}");
    allowed.header("location").unwrap().to_owned()
}

/// The path to which an answer sends on.
fn local(answer: &Answer) -> &str {
    let location = answer.header("location").unwrap();
    location.strip_prefix(PUBLIC_URL).unwrap_or(location)
}

async fn refresh(profile: &Profile, id: &str, secret: &str, tokens: &Value) -> Answer {
    let members = [
        ("grant_type", "refresh_token"),
        ("client_id", id),
        ("client_secret", secret),
        ("refresh_token", text(tokens, "refresh_token")),
    ];
    profile.json("/oauth/token", &members).await
}
