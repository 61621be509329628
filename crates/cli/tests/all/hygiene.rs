//! No secret is anywhere but in the one answer that shows it: not in logs, not in files, not in
//! databases and their journals, not in what commands print beside it.

use serde_json::{Value, json};

use crate::directory::{Directory, files};
use crate::http::{get, post, send};
use crate::program::{Ran, Server, run, run_with};

/// Every secret that was issued, and everything that was written.
#[derive(Default)]
struct Evidence {
    secrets: Vec<String>,
    written: Vec<(String, String)>,
}

impl Evidence {
    fn secret(&mut self, secret: &str) -> String {
        assert!(!secret.is_empty());
        self.secrets.push(secret.to_owned());
        secret.to_owned()
    }

    /// A command that shows a secret alone on standard output.
    fn shows(&mut self, ran: Ran) -> String {
        self.written
            .push(("standard error of a command".to_owned(), ran.stderr.clone()));
        let shown = ran.done();
        assert!(
            !shown.contains(char::is_whitespace),
            "the secret alone: {shown}"
        );
        self.secret(&shown)
    }

    fn silent(&mut self, ran: Ran) {
        self.written
            .push(("standard error of a command".to_owned(), ran.stderr.clone()));
        self.written
            .push(("standard output of a command".to_owned(), ran.stdout));
    }

    /// Nothing that was written, and no file, holds a secret or the random part of one.
    fn check(&self, directory: &Directory) {
        for secret in &self.secrets {
            // Without prefix and public id, which are in no way secret.
            let core = &secret[secret.len().saturating_sub(38)..];
            for (place, text) in &self.written {
                assert!(!text.contains(core), "{place} holds a secret:\n{text}");
            }
            for (path, bytes) in files(directory.root()) {
                let found = bytes
                    .windows(core.len())
                    .any(|window| window == core.as_bytes());
                assert!(!found, "{} holds a secret", path.display());
            }
        }
    }
}

#[tokio::test]
async fn secrets_are_in_no_log_file_database_or_journal() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let data = directory.path("data");
    let mut evidence = Evidence::default();
    for pointer in [
        "/user/password",
        "/session_token",
        "/live_key",
        "/test_key",
        "/client/client_secret",
    ] {
        evidence.secret(server.text(pointer));
    }
    over_http(&server, &mut evidence).await;
    clients_and_tokens(&server, &mut evidence).await;
    by_command(&data, &mut evidence).await;
    // While the server runs, what is in the journals has not moved yet.
    evidence.check(&directory);
    server.kill().await;
    let server = Server::dev(&directory).await;
    let wrote = server.stop().await;
    evidence.written.push(("the server".to_owned(), wrote));
    evidence.check(&directory);
}

/// Issues, uses and misuses secrets.
async fn over_http(server: &Server, evidence: &mut Evidence) {
    let session = server.text("/session_token").to_owned();
    let keys = server.public("/api/keys");
    let body = json!({"name": "Over HTTP", "scopes": ["read:leads"]});
    let created = post(&keys, &session, &body).await.json();
    let key = evidence.secret(created["key"].as_str().unwrap());
    get(&server.public("/demo/v1/leads"), &key).await;
    get(&server.public("/demo/v1/people"), &key).await;
    get(&keys, &key).await;
    post(
        &server.internal("/v1/verify"),
        "",
        &json!({"credential": key}),
    )
    .await;
    // Where a secret does not belong, people put it all the same.
    get(
        &server.public(&format!("/demo/v1/leads?access_token={key}")),
        &key,
    )
    .await;
    get(&server.public(&format!("/demo/v1/{key}")), &key).await;
    get(&server.public(&format!("/api/keys/{key}")), &session).await;
    post(
        &keys,
        &session,
        &json!({"name": key, "scopes": [key], key.clone(): 1}),
    )
    .await;
    post(
        &server.internal("/v1/verify"),
        "",
        &json!({"credential": key, "api": key}),
    )
    .await;

    let email = server.text("/user/email");
    for password in [server.text("/user/password"), "a wrong password of theirs"] {
        let body = json!({"email": email, "password": password});
        let answer = send("POST", &server.public("/v1/sessions"), None, Some(&body))
            .await
            .unwrap();
        if let Some(token) = answer.json()["session_token"].as_str() {
            evidence.secret(token);
        } else {
            evidence.secret(password);
        }
    }
    let members = server.public("/v1/members");
    let invited = post(
        &members,
        &session,
        &json!({"email": "a@b.test", "role": "viewer"}),
    )
    .await;
    evidence.secret(invited.json()["token"].as_str().unwrap());
}

/// Issues, uses and misuses secrets of clients, access tokens and a legacy key.
async fn clients_and_tokens(server: &Server, evidence: &mut Evidence) {
    let session = server.text("/session_token").to_owned();
    let clients = server.public("/v1/clients");
    let body = json!({"name": "CI", "scopes": ["keys:write", "read:leads"]});
    let made = post(&clients, &session, &body).await.json();
    let first = evidence.secret(made["client_secret"].as_str().unwrap());
    let id = made["id"].as_str().unwrap();
    let secrets = server.public(&format!("/v1/clients/{id}/secrets"));
    let added = post(&secrets, &session, &json!({"description": "Second"})).await;
    let added = added.json();
    let second = evidence.secret(added["client_secret"].as_str().unwrap());
    let path = format!("{secrets}/{}", added["id"].as_str().unwrap());
    let ask = async |secret: &str, audience: Option<&str>| {
        let mut body = json!({
            "grant_type": "client_credentials", "client_id": id, "client_secret": secret,
        });
        if let Some(audience) = audience {
            body["audience"] = audience.into();
        }
        let token = server.public("/oauth/token");
        send("POST", &token, None, Some(&body)).await.unwrap()
    };
    let token = ask(&first, None).await.json();
    let token = evidence.secret(token["access_token"].as_str().unwrap());
    get(&server.public("/demo/v1/leads"), &token).await;
    get(&server.public("/demo/v1/people"), &token).await;
    let manage = ask(&second, Some(server.text("/public_url"))).await.json();
    let manage = evidence.secret(manage["access_token"].as_str().unwrap());
    get(&server.public("/v1/keys"), &manage).await;
    send("DELETE", &path, Some(&session), None).await.unwrap();
    get(&server.public("/v1/keys"), &manage).await;
    // What is refused, and what people put in the wrong place.
    ask(&second, None).await;
    ask(&first, Some(&first)).await;
    get(&server.public("/demo/v1/leads"), &first).await;
    get(&format!("{clients}?client_secret={first}"), &session).await;
    let body = json!({"name": first, "scopes": [first]});
    post(&clients, &session, &body).await;

    let legacy = server.public("/v1/legacy-key");
    let made = post(&legacy, &session, &json!({})).await.json();
    let key = evidence.secret(made["key"].as_str().unwrap());
    get(&server.public("/demo/old/v1/people"), &key).await;
    let misplaced = format!("/demo/old/v1/people?api_key={key}");
    get(&server.public(&misplaced), &key).await;
    send("DELETE", &legacy, Some(&session), None).await.unwrap();
    get(&server.public("/demo/old/v1/people"), &key).await;
}

async fn by_command(data: &str, evidence: &mut Evidence) {
    let place = ["--data", data];
    let key = [
        "key",
        "create",
        "--name",
        "By command",
        "--scope",
        "read:leads",
    ];
    let key = evidence.shows(run(&[&key[..], &place].concat()).await);
    let client = ["client", "create", "--name", "C", "--scope", "keys:read"];
    evidence.shows(run(&[&client[..], &place].concat()).await);
    let added = ["client", "add-secret", "C", "--description", "Second"];
    evidence.shows(run(&[&added[..], &place].concat()).await);
    let invited = ["member", "add", "c@d.test", "--role", "viewer"];
    evidence.shows(run(&[&invited[..], &place].concat()).await);
    let password = evidence.secret("the password of a new member");
    let member = [
        "member",
        "add",
        "e@f.test",
        "--role",
        "viewer",
        "--password-stdin",
    ];
    evidence.silent(run_with(&[&member[..], &place].concat(), &password, &[]).await);
    for arguments in [&["verify"][..], &["verify", "--json"], &["key", "revoke"]] {
        evidence.silent(run_with(&[arguments, &place].concat(), &key, &[]).await);
    }
    for arguments in [
        &["key", "list", "--all", "--json"][..],
        &["audit", "list", "--json", "--limit", "1000"],
        &["client", "list", "--json"],
        &["client", "show", "C"],
        &["member", "list", "--json"],
    ] {
        evidence.silent(run(&[arguments, &place].concat()).await);
    }
    let wrong = Value::from("ck_live_0000000000000000000000000000000000000000000000000");
    evidence.silent(
        run_with(
            &[&["verify"][..], &place].concat(),
            wrong.as_str().unwrap(),
            &[],
        )
        .await,
    );
}
