//! The crate `oauth2` as a client of the program itself.

use oauth2::basic::{BasicClient, BasicErrorResponseType, BasicRequestTokenError};
use oauth2::{
    AccessToken, AuthType, ClientId, ClientSecret, HttpRequest, HttpResponse, IntrospectionUrl,
    RequestTokenError, RevocationUrl, Scope, TokenIntrospectionResponse, TokenResponse, TokenUrl,
};
use serde_json::json;

use crate::directory::Directory;
use crate::foreign::{MachineClient, leads_client};
use crate::http::{self, get, post};
use crate::program::Server;

/// The crate's client with the three endpoints that a machine needs.
type Client = BasicClient<
    oauth2::EndpointNotSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointSet,
    oauth2::EndpointSet,
    oauth2::EndpointSet,
>;

type Failure = BasicRequestTokenError<std::io::Error>;

#[tokio::test]
async fn the_crate_gets_uses_inspects_and_revokes_tokens() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let machine = leads_client(&server).await;
    let leads = format!("{}/v1/leads", server.text("/api/demo_url"));
    for how in [AuthType::BasicAuth, AuthType::RequestBody] {
        let client = client(&server, &machine).set_auth_type(how);
        let wide = token(&client, &server, &[]).await.unwrap();
        let new = json!({"name": "A foreign lead"});
        assert_eq!(post(&leads, wide.secret(), &new).await.status, 201);
        let narrow = token(&client, &server, &["read:leads"]).await.unwrap();
        assert_eq!(get(&leads, narrow.secret()).await.status, 200);
        let outside = post(&leads, narrow.secret(), &new).await;
        assert_eq!(
            (outside.status, &*outside.reason()),
            (403, "insufficient_scope")
        );

        let live = client.introspect(&narrow).request_async(&send).await;
        let live = live.unwrap();
        assert!(live.active());
        assert_eq!(live.client_id().map(|id| id.as_str()), Some(&*machine.id));
        let scopes = vec![Scope::new("read:leads".to_owned())];
        assert_eq!(live.scopes(), Some(&scopes));

        let revocation = client.revoke_token(narrow.clone().into()).unwrap();
        revocation.request_async(&send).await.unwrap();
        let dead = client.introspect(&narrow).request_async(&send).await;
        assert!(!dead.unwrap().active());
        assert_eq!(get(&leads, narrow.secret()).await.status, 401);
    }
}

#[tokio::test]
async fn the_crate_understands_every_refusal() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let machine = leads_client(&server).await;
    let right = client(&server, &machine);
    let wrong = right
        .clone()
        .set_client_secret(ClientSecret::new(format!("{}x", machine.secret)));
    for how in [AuthType::BasicAuth, AuthType::RequestBody] {
        let wrong = wrong.clone().set_auth_type(how);
        let refused = token(&wrong, &server, &[]).await;
        assert_eq!(error(refused), BasicErrorResponseType::InvalidClient);
    }
    let refused = token(&right, &server, &["read:leads", "read:people"]).await;
    assert_eq!(error(refused), BasicErrorResponseType::InvalidScope);
    let elsewhere = right
        .exchange_client_credentials()
        .add_extra_param("resource", "https://nowhere.example")
        .request_async(&send)
        .await;
    let target = BasicErrorResponseType::Extension("invalid_target".to_owned());
    assert_eq!(error(elsewhere), target);
}

fn client(server: &Server, machine: &MachineClient) -> Client {
    // The crate revokes over https alone; what is sent goes to the same server in the clear.
    let revocation = server.public("/oauth/revoke").replace("http:", "https:");
    BasicClient::new(ClientId::new(machine.id.clone()))
        .set_client_secret(ClientSecret::new(machine.secret.clone()))
        .set_token_uri(TokenUrl::new(server.public("/oauth/token")).unwrap())
        .set_introspection_url(IntrospectionUrl::new(server.public("/oauth/introspect")).unwrap())
        .set_revocation_url(RevocationUrl::new(revocation).unwrap())
}

/// A token for the demo API.
async fn token(client: &Client, server: &Server, scopes: &[&str]) -> Result<AccessToken, Failure> {
    let request = client
        .exchange_client_credentials()
        .add_scopes(scopes.iter().map(|scope| Scope::new((*scope).to_owned())))
        .add_extra_param("audience", server.text("/api/audience"));
    let answer = request.request_async(&send).await?;
    Ok(answer.access_token().clone())
}

pub(crate) fn error<T: std::fmt::Debug>(answer: Result<T, Failure>) -> BasicErrorResponseType {
    match answer.unwrap_err() {
        RequestTokenError::ServerResponse(refusal) => refusal.error().clone(),
        other => panic!("no refusal of the server: {other:?}"),
    }
}

/// The crate's requests over our own connections.
pub(crate) async fn send(request: HttpRequest) -> Result<HttpResponse, std::io::Error> {
    let url = request.uri();
    let authority = url.authority().unwrap().as_str();
    let path = url.path_and_query().unwrap();
    let body = std::str::from_utf8(request.body()).unwrap();
    let mut lines = String::new();
    for (name, value) in request.headers() {
        lines.extend([name.as_str(), ": ", value.to_str().unwrap(), "\r\n"]);
    }
    let text = format!(
        "{} {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n{lines}\
         content-length: {}\r\n\r\n{body}",
        request.method(),
        body.len()
    );
    let answer = http::exchange(authority, &text).await?;
    let mut response = ::http::Response::builder().status(answer.status);
    for (name, value) in answer
        .head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
    {
        response = response.header(name, value);
    }
    response
        .body(answer.body.into_bytes())
        .map_err(std::io::Error::other)
}
