//! The token endpoint of the program: requests byte for byte as curl sends the documents' commands,
//! and a quota that survives a power failure.

use serde_json::{Value, json};

use crate::directory::Directory;
use crate::http::{Answer, exchange, get, post};
use crate::program::Server;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const QUOTA: usize = 10;

/// What curl sends for a `POST` with these headers and this body.
async fn curl(server: &Server, path: &str, content_type: &str, body: &str) -> Answer {
    let url = server.text("/public_url");
    let authority = url.strip_prefix("http://").unwrap();
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: curl/8.14.1\r\nAccept: */*\r\n\
         Content-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    exchange(authority, &request).await.unwrap()
}

fn text<'a>(object: &'a Value, member: &str) -> &'a str {
    object[member]
        .as_str()
        .unwrap_or_else(|| panic!("no {member} in {object}"))
}

/// A client of the account that holds `read:leads`: its id and its secret.
async fn client(server: &Server, settings: &[(&str, Value)]) -> (String, String) {
    let mut body = json!({"name": "Sync", "kind": "machine", "scopes": ["read:leads"]});
    for (name, value) in settings {
        body[*name] = value.clone();
    }
    let made = post(
        &server.public("/v1/clients"),
        server.text("/session_token"),
        &body,
    )
    .await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    (
        text(&made, "client_id").to_owned(),
        text(&made, "client_secret").to_owned(),
    )
}

#[tokio::test]
async fn the_commands_of_the_documents_get_tokens_that_the_demo_takes() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let (id, secret) = (
        server.text("/client/client_id"),
        server.text("/client/client_secret"),
    );
    let audience = server.text("/api/audience");
    // Document 000: --data-urlencode of each parameter.
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    // Document 001: a JSON object over several lines; its audience and grant_type follow.
    let object = format!(
        "{{\n    \"client_id\": \"{id}\",\n    \"client_secret\": \"{secret}\",\n    \
         \"audience\": \"{audience}\",\n    \"grant_type\": \"client_credentials\"\n  }}"
    );
    // Document 004: the same without indentation.
    let flat = format!(
        "{{\n\"grant_type\": \"client_credentials\",\n\"client_id\": \"{id}\",\n\
         \"client_secret\": \"{secret}\"\n}}"
    );
    for (path, content_type, body) in [
        ("/connect/token", FORM, &form),
        ("/oauth/token", JSON, &object),
        ("/oauth/token", JSON, &flat),
    ] {
        let answer = curl(&server, path, content_type, body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let answer = answer.json();
        assert_eq!(
            (&answer["token_type"], &answer["expires_in"]),
            (&json!("Bearer"), &json!(3600))
        );
        let token = text(&answer, "access_token");
        for leads in ["/demo/v1/leads", "/demo/v1/people"] {
            assert_eq!(get(&server.public(leads), token).await.status, 200);
        }
    }
    // The other half of document 004 needs a code.
    let code = flat.replace("client_credentials", "authorization_code");
    let answer = curl(&server, "/oauth/token", JSON, &code).await;
    assert_eq!(
        (answer.status, text(&answer.json(), "error")),
        (400, "invalid_request")
    );
}

#[tokio::test]
async fn a_revoked_token_stays_revoked_after_a_power_failure() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let (id, secret) = client(&server, &[]).await;
    let credentials = format!("client_id={id}&client_secret={secret}");
    let form = format!("grant_type=client_credentials&{credentials}");
    let token = async |server: &Server| {
        let answer = curl(server, "/oauth/token", FORM, &form).await;
        text(&answer.json(), "access_token").to_owned()
    };
    let (revoked, other) = (token(&server).await, token(&server).await);
    let about = format!("{credentials}&token={revoked}");
    let answer = curl(&server, "/oauth/revoke", FORM, &about).await;
    assert_eq!((answer.status, &*answer.body), (200, ""));
    let server = again(&directory, server).await;
    for (token, is_active) in [(revoked, false), (other, true)] {
        let about = format!("{credentials}&token={token}");
        let answer = curl(&server, "/oauth/introspect", FORM, &about).await;
        assert_eq!(answer.json()["active"], is_active, "{answer:?}");
        let status = if is_active { 200 } else { 401 };
        assert_eq!(
            get(&server.public("/demo/v1/leads"), &token).await.status,
            status
        );
    }
}

/// The same instance after a power failure, at the same address: the issuer is the same.
async fn again(directory: &Directory, server: Server) -> Server {
    let url = server.text("/public_url").to_owned();
    let listen = url.strip_prefix("http://").unwrap();
    server.kill().await;
    let data = directory.path("data");
    let arguments = ["dev", "--json", "--data", &data, "--listen", listen];
    let internal = ["--internal-listen", "127.0.0.1:0"];
    let mut server = Server::spawn(directory, &[&arguments[..], &internal].concat());
    server.ready = serde_json::from_str(&server.next_line().await).unwrap();
    server
}

#[tokio::test]
async fn exactly_the_rest_of_a_quota_is_left_after_a_power_failure() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let (id, secret) = client(&server, &[("tokens_per_day", json!(QUOTA))]).await;
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let mut first_reset = 0;
    for used in 1..=4 {
        let answer = curl(&server, "/oauth/token", FORM, &form).await;
        let (left, reset) = quota(&answer);
        assert_eq!((answer.status, left), (200, QUOTA - used));
        first_reset = reset;
    }
    server.kill().await;

    let server = Server::dev(&directory).await;
    let asked = (0..64).map(|_| curl(&server, "/oauth/token", FORM, &form));
    let answers = futures_util::future::join_all(asked).await;
    let given = answers.iter().filter(|answer| answer.status == 200).count();
    let (_, last_reset) = quota(&answers[0]);
    let is_same_day = last_reset <= first_reset;
    assert_eq!(given, if is_same_day { QUOTA - 4 } else { QUOTA });
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(refused.status, 429, "{refused:?}");
        assert_eq!(text(&refused.json(), "error"), "quota_exhausted");
        assert!(refused.header("retry-after").is_some());
    }
}

/// The tokens that are left, and the seconds until there are new ones.
fn quota(answer: &Answer) -> (usize, u32) {
    let state = answer
        .header("ratelimit")
        .unwrap_or_else(|| panic!("{answer:?}"));
    let number = |name: &str| {
        let found = state
            .split(';')
            .find_map(|member| member.strip_prefix(name));
        found
            .unwrap_or_else(|| panic!("no {name} in {state}"))
            .to_owned()
    };
    (number("r=").parse().unwrap(), number("t=").parse().unwrap())
}
