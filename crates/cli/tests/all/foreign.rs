//! OAuth clients and resource servers that somebody else wrote, against the program itself.
//!
//! The programs in `e2e/clients` take the same steps, each with its own library, and print what
//! they saw: what one library sees, all must see.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::directory::Directory;
use crate::http::post;
use crate::program::Server;

const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../e2e/clients");
const NODE: &str = "CLAVIGER_TEST_NODE";
const PYTHON: &str = "CLAVIGER_TEST_PYTHON";
const TIMEOUT: Duration = Duration::from_secs(120);

/// A machine client, as the answer that made it shows it.
pub(crate) struct MachineClient {
    pub(crate) id: String,
    pub(crate) secret: String,
}

#[tokio::test]
async fn oauth4webapi_is_a_client_and_protects_a_resource() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let client = leads_client(&server).await;
    let given = given(&server, &client);
    let mut facts = run(NODE, "with_oauth4webapi.mjs", &given).await;
    let more = facts.as_object_mut().unwrap().remove("more");
    assert_eq!(facts, expected(&server, &client));
    let challenge = |error| json!({"scheme": "bearer", "error": error});
    let more_expected = json!({
        "insufficient": challenge("insufficient_scope"),
        "revoked": challenge("invalid_token"),
        "wrong_secret_in_basic": {"status": 401, "scheme": "basic", "error": "invalid_client"},
        "resource": {
            "servers": [server.text("/public_url")],
            "challenge_names_metadata": true,
            "subject": format!("{}@clients", client.id),
            "grant": "client-credentials",
        },
    });
    assert_eq!(more, Some(more_expected));
}

#[tokio::test]
async fn openid_client_is_a_client() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let client = leads_client(&server).await;
    let facts = run(NODE, "with_openid_client.mjs", &given(&server, &client)).await;
    assert_eq!(facts, expected(&server, &client));
}

#[tokio::test]
async fn authlib_is_a_client_and_protects_a_resource() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let client = leads_client(&server).await;
    let mut facts = run(PYTHON, "with_authlib.py", &given(&server, &client)).await;
    let more = facts.as_object_mut().unwrap().remove("more");
    assert_eq!(facts, expected(&server, &client));
    let subject = format!("{}@clients", client.id);
    let validated = json!({"subject": subject, "outside": "insufficient_scope"});
    assert_eq!(more, Some(json!({"validated": validated})));
}

#[tokio::test]
async fn requests_oauthlib_is_a_client() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let client = leads_client(&server).await;
    let facts = run(
        PYTHON,
        "with_requests_oauthlib.py",
        &given(&server, &client),
    )
    .await;
    assert_eq!(facts, expected(&server, &client));
}

#[tokio::test]
async fn jose_verifies_tokens_of_every_algorithm_from_the_published_keys() {
    let refused = json!({
        "audience": "ERR_JWT_CLAIM_VALIDATION_FAILED",
        "claims": "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
        "unsigned": "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
    });
    every_algorithm_is_verified(NODE, "with_jose.mjs", &refused).await;
}

#[tokio::test]
async fn pyjwt_verifies_tokens_of_every_algorithm_from_the_published_keys() {
    let refused = json!({
        "audience": "InvalidAudienceError",
        "claims": "InvalidSignatureError",
        "unsigned": "InvalidSignatureError",
    });
    every_algorithm_is_verified(PYTHON, "with_pyjwt.py", &refused).await;
}

async fn every_algorithm_is_verified(runtime: &str, program: &str, refused: &Value) {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let apis = [
        (server.text("/api/audience"), "ES256", "read:leads"),
        ("https://reports.acme.test", "RS256", "read:reports"),
        ("https://charts.acme.test", "EdDSA", "read:charts"),
    ];
    for (audience, algorithm, scope) in &apis[1..] {
        declare_api(&server, audience, algorithm, scope).await;
    }
    let client = create_client(&server, &apis.map(|(.., scope)| scope)).await;
    let mut given = given(&server, &client);
    given["algorithm"] = json!("ES256");
    given["apis"] = apis
        .map(|(audience, algorithm, _)| json!({"audience": audience, "algorithm": algorithm}))
        .into();
    let facts = run(runtime, program, &given).await;
    for (audience, algorithm, scope) in apis {
        let expected = json!({
            "typ": "at+jwt",
            "sub": format!("{}@clients", client.id),
            "client_id": client.id,
            "azp": client.id,
            "scope": scope,
            "gty": "client-credentials",
            "lifetime": 3600,
            "refused": refused,
        });
        assert_eq!(facts["verified"][algorithm], expected, "{audience}");
    }
    let for_all = json!({"audiences": [true, true, true], "alg": "ES256"});
    assert_eq!(facts["for_all"], for_all);
}

/// A client that may read and write leads of the demo API, and nothing else.
pub(crate) async fn leads_client(server: &Server) -> MachineClient {
    create_client(server, &["read:leads", "write:leads"]).await
}

async fn create_client(server: &Server, scopes: &[&str]) -> MachineClient {
    let body = json!({"name": "A foreign client", "kind": "machine", "scopes": scopes});
    let clients = server.public("/v1/clients");
    let made = post(&clients, server.text("/session_token"), &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    let text = |member: &str| made[member].as_str().unwrap().to_owned();
    MachineClient {
        id: text("client_id"),
        secret: text("client_secret"),
    }
}

async fn declare_api(server: &Server, audience: &str, algorithm: &str, scope: &str) {
    let body = json!({
        "name": audience,
        "audience": audience,
        "scopes": [{"name": scope, "description": "Read them", "sensitive": false}],
        "accepts": ["access_token"],
        "signing_algorithm": algorithm,
    });
    let apis = server.public("/v1/apis");
    let made = post(&apis, server.text("/session_token"), &body).await;
    assert_eq!(made.status, 201, "{made:?}");
}

/// What a program reads.
fn given(server: &Server, client: &MachineClient) -> Value {
    json!({
        "issuer": server.text("/public_url"),
        "client_id": client.id,
        "client_secret": client.secret,
        "audience": server.text("/api/audience"),
        "demo_url": server.text("/api/demo_url"),
    })
}

/// What every client program has to see.
fn expected(server: &Server, client: &MachineClient) -> Value {
    let granted = json!({
        "scope": ["read:leads", "write:leads"],
        "expires_in": 3600,
        "type": "bearer",
    });
    json!({
        "issuer": server.text("/public_url"),
        "basic": granted,
        "post": granted,
        "wide": 201,
        "narrowed": {"scope": ["read:leads"], "inside": 200, "outside": 403},
        "introspected": {
            "active": true,
            "client_id": client.id,
            "scope": ["read:leads"],
            "aud": server.text("/api/audience"),
        },
        "revoked": {"active": false, "status": 401},
        "refused": {
            "secret": "invalid_client",
            "scope": "invalid_scope",
            "target": "invalid_target",
        },
    })
}

/// Runs a program of `e2e/clients` to its end; what it printed.
async fn run(runtime: &str, program: &str, given: &Value) -> Value {
    let mut child = Command::new(runtime_program(runtime))
        .arg(Path::new(CLIENTS).join(program))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // A program that cannot start reads nothing, and says why.
    let _ = input.write_all(given.to_string().as_bytes()).await;
    drop(input);
    let output = tokio::time::timeout(TIMEOUT, child.wait_with_output());
    let output = output.await.expect("the program ends").unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "where tests find their programs is no argument"
)]
pub(crate) fn runtime_program(variable: &str) -> std::ffi::OsString {
    std::env::var_os(variable).unwrap_or_else(|| {
        panic!(
            "{variable} is not set: run the tests as `cargo xtask test`, which installs foreign \
             clients and says what it could not install"
        )
    })
}
