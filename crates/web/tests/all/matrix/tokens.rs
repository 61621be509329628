//! Route x access token: what is good for an API opens nothing here, and what is good for
//! management opens what it says and nothing else.

use claviger_service::testing::Tables;
use http::Method;
use serde_json::json;

use super::filled_with;
use super::principals::{BESIDE, routes, try_it};
use super::things::Things;
use crate::disable::exchanged;
use crate::instance::{for_each_app_with, text, with_management};
use crate::keys::management_token;
use crate::oauth::client;

/// What a token for management with `keys:read` opens. The list only shrinks.
const OF_READER: [&str; 3] = [
    "GET /v1/keys",
    "GET /v1/keys/{id}",
    "GET /v1/keys/{id}/scope-use",
];

#[tokio::test]
async fn access_tokens_open_what_they_are_for() {
    for_each_app_with(&with_management(), async |instance| {
        let expired = management_token(instance, &["keys:write", "read:leads"]).await;
        instance.pass(3_601_000).await;
        let things = Things::make(instance).await;
        let reader = management_token(instance, &["keys:read", "read:leads"]).await;
        let machine = client(instance, json!({"scopes": ["read:leads", "keys:write"]})).await;
        let of_api = machine.token(instance).await;
        let issuer = ("audience", instance.issuer());
        let revoked = machine.token_with(instance, &[issuer]).await;
        let revoked = text(&revoked, "access_token").to_owned();
        machine.revoke(instance, &revoked).await;
        let test = instance.test();
        let (app, _) = test.connected_app().await;
        let (_, of_user) = exchanged(instance, &app, &test.owner).await;
        let of_user = text(&of_user, "access_token").to_owned();
        let forged = format!("{}A", &reader[..reader.len() - 2]);

        let db = &test.database().db;
        let tables = Tables::but(db, &BESIDE).await.expect("tables");
        let before = tables.rows(db).await.expect("rows");
        let (mut cells, mut wrong) = (0, Vec::new());
        for (method, path) in routes() {
            let at = filled_with(&path, &|kind| things.id(kind));
            let route = format!("{method} {path}");
            for (what, token, allowed) in [
                ("expired", &expired, &[401][..]),
                ("revoked", &revoked, &[401]),
                ("forged", &forged, &[401]),
                ("for an API", &of_api, &[401, 403]),
                ("of a user", &of_user, &[401, 403]),
                ("keys:read", &reader, &[401, 403]),
            ] {
                let answer = try_it(instance, (&method, &at), token).await;
                cells += 1;
                let is_open = what == "keys:read" && OF_READER.contains(&&*route);
                let is_right = if is_open {
                    answer.status == 200
                } else {
                    allowed.contains(&answer.status)
                };
                let told = if is_open {
                    Vec::new()
                } else {
                    things.told_by(&answer.text)
                };
                if !is_right || !told.is_empty() && method == Method::GET {
                    wrong.push(format!("{route} with one {what}: {answer:?} {told:?}"));
                }
            }
        }
        let after = tables.rows(db).await.expect("rows");
        let changed = before
            .iter()
            .filter(|(table, rows)| after[*table] != **rows);
        wrong.extend(changed.map(|(table, _)| format!("{table} was changed")));
        eprintln!("route x access token: {cells} cells");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    })
    .await;
}
