//! The crate `oauth2` as an app that acts for a user, with a person in a real browser.

use oauth2::basic::{BasicClient, BasicErrorResponseType, BasicTokenResponse};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, PkceCodeChallenge,
    RedirectUrl, RefreshToken, RevocationUrl, Scope, TokenResponse, TokenUrl,
};
use serde_json::{Value, json};

use crate::directory::Directory;
use crate::foreign_apps::{REDIRECT_URI, create_app, person};
use crate::foreign_oauth2::{error, send};
use crate::http::get;
use crate::person::Person;
use crate::program::Server;

/// The crate's client with the three endpoints that an app needs.
type Client = BasicClient<
    oauth2::EndpointSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointSet,
    oauth2::EndpointSet,
>;

#[tokio::test]
async fn the_crate_acts_for_a_user_with_a_secret_and_without() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let mut person = person(&server).await;
    let redirect = json!({"redirect_uris": [REDIRECT_URI]});
    let app = create_app(&server, &redirect).await;
    for how in [AuthType::BasicAuth, AuthType::RequestBody] {
        let client = client(&server, &app).set_auth_type(how);
        flow(&server, &mut person, &client).await;
    }
    let public = json!({"redirect_uris": [REDIRECT_URI], "public": true});
    let app = create_app(&server, &public).await;
    flow(&server, &mut person, &client(&server, &app)).await;
}

/// From the authorization request to the end of the tokens.
async fn flow(server: &Server, person: &mut Person, client: &Client) {
    let leads = format!("{}/v1/leads", server.text("/api/demo_url"));
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state) = client
        .authorize_url(CsrfToken::new_random)
        .add_scope(Scope::new("read:leads".to_owned()))
        .set_pkce_challenge(challenge)
        .url();
    let came_back = person.allow(url.as_str(), REDIRECT_URI).await;
    let came_back = RedirectUrl::new(came_back).unwrap();
    let sent = |name: &str| {
        let mut pairs = came_back.url().query_pairs();
        pairs
            .find(|(found, _)| found == name)
            .unwrap()
            .1
            .into_owned()
    };
    assert_eq!(sent("state"), *state.secret());
    assert_eq!(sent("iss"), server.text("/public_url"));

    let first = client
        .exchange_code(AuthorizationCode::new(sent("code")))
        .set_pkce_verifier(verifier)
        .request_async(&send)
        .await
        .unwrap();
    assert_eq!(get(&leads, first.access_token().secret()).await.status, 200);
    let second = refresh(client, &first).await;
    assert_eq!(
        get(&leads, second.access_token().secret()).await.status,
        200
    );
    let scopes = vec![Scope::new("read:leads".to_owned())];
    assert_eq!(second.scopes(), Some(&scopes));

    let refresh_token = second.refresh_token().unwrap().clone();
    let revocation = client.revoke_token(refresh_token.clone().into()).unwrap();
    revocation.request_async(&send).await.unwrap();
    assert_eq!(
        get(&leads, second.access_token().secret()).await.status,
        401
    );
    let refused = client.exchange_refresh_token(&refresh_token);
    let refused = error(refused.request_async(&send).await);
    assert_eq!(refused, BasicErrorResponseType::InvalidGrant);
}

async fn refresh(client: &Client, tokens: &BasicTokenResponse) -> BasicTokenResponse {
    let token: &RefreshToken = tokens.refresh_token().unwrap();
    let request = client.exchange_refresh_token(token);
    request.request_async(&send).await.unwrap()
}

fn client(server: &Server, app: &Value) -> Client {
    // The crate revokes over https alone; what is sent goes to the same server in the clear.
    let revocation = server.public("/oauth/revoke").replace("http:", "https:");
    let id = app["client_id"].as_str().unwrap().to_owned();
    let client = BasicClient::new(ClientId::new(id))
        .set_auth_uri(AuthUrl::new(server.public("/oauth/authorize")).unwrap())
        .set_token_uri(TokenUrl::new(server.public("/oauth/token")).unwrap())
        .set_revocation_url(RevocationUrl::new(revocation).unwrap())
        .set_redirect_uri(RedirectUrl::new(REDIRECT_URI.to_owned()).unwrap());
    match app["client_secret"].as_str() {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret.to_owned())),
        None => client,
    }
}
