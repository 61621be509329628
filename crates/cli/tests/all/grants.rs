//! `claviger grant`, on what an app was allowed.

use claviger_model::ids::{AccountId, GrantId, SessionId};
use claviger_model::roles::{BuiltInRole, RoleRef};
use claviger_service::actor::{Place, SignedIn};
use claviger_service::config::Config;
use claviger_service::propagation::Role;
use claviger_service::sources::Sources;
use claviger_service::testing::ConnectedApp;
use claviger_service::{Actor, App, Caller};
use serde_json::{Value, json};

use crate::directory::Directory;
use crate::program::{Ran, Server, run};

/// Has the admin of a stopped `claviger dev` allow an app to act.
async fn connected(data: &str) -> GrantId {
    let members = run(&["member", "list", "--json", "--data", data])
        .await
        .json();
    let member = &members[0];
    let text = |member: &Value| member.as_str().expect("a text").to_owned();
    let account_id: AccountId = text(&member["account_id"]).parse().expect("an id");
    let config = format!("[database]\ndata_dir = {}\n", json!(data));
    let config = Config::parse(&config, "test").expect("a configuration");
    let (storage, keyring) = (config.storage(&|_| None), config.keyring(&|_| None));
    let (storage, keyring) = (storage.expect("storage"), keyring.expect("a master key"));
    let sources = Sources::system().expect("sources");
    let app = App::open(&storage, keyring, config.settings(), sources, Role::Command);
    let app = app.await.expect("a store");
    let loaded = app.propagation().load_once(app.verifier()).await;
    loaded.expect("an index");
    let admin = Caller {
        actor: Actor::User(SignedIn {
            session_id: SessionId(1),
            user_id: text(&member["user_id"]).parse().expect("an id"),
            email: text(&member["email"]),
            name: None,
            is_operator: false,
            place: Some(Place {
                account_id,
                role: Some(RoleRef::BuiltIn(BuiltInRole::Admin)),
                powers: BuiltInRole::Admin.powers(),
            }),
        }),
        ip: None,
        request_id: None,
    };
    let made = ConnectedApp::make(&app, account_id).await;
    let grant = made.consented(&app, &admin, &["read:leads"]).await;
    app.close().await;
    grant.id
}

#[tokio::test]
async fn grants_are_listed_and_ended() {
    let directory = Directory::new();
    Server::dev(&directory).await.stop().await;
    let data = directory.path("data");
    let on = async |arguments: &[&str]| -> Ran {
        let all = [&["grant"], arguments, &["--data", &data]].concat();
        run(&all).await
    };
    let none = on(&["list"]).await;
    assert_eq!(
        (none.stdout.as_str(), none.stderr.as_str()),
        ("", "no app acts for anybody\n")
    );
    let id = connected(&data).await.to_string();

    let listed = on(&["list"]).await.done();
    let lines: Vec<&str> = listed.lines().collect();
    let titles: Vec<&str> = lines[0].split_whitespace().collect();
    let expected = [
        "GRANT", "APP", "CLIENT", "ACCOUNT", "USER", "SCOPES", "AGREED",
    ];
    assert_eq!(titles, expected);
    let row: Vec<&str> = lines[1].split_whitespace().collect();
    assert_eq!(
        (lines.len(), row[0], &row[1..3]),
        (2, &*id, &["Campaign", "Planner"][..])
    );
    assert_eq!(row[4..7], ["Acme", "admin@acme.test", "read:leads"]);
    let as_json = on(&["list", "--json"]).await.json();
    assert_eq!(as_json[0]["scopes"][0]["name"], "read:leads");
    let client = as_json[0]["client_id"].as_str().expect("an id").to_owned();
    for (arguments, count) in [
        (["--account", "Acme"], 1),
        (["--user", "Admin@acme.test"], 1),
        (["--user", "nobody@acme.test"], 0),
        (["--client", "Campaign Planner"], 1),
        (["--client", &client], 1),
        (["--client", "cli_00000000000000000000000000"], 0),
    ] {
        let listed = on(&[&["list", "--json"], &arguments[..]].concat())
            .await
            .json();
        let found = listed.as_array().map(Vec::len);
        assert_eq!(found, Some(count), "{arguments:?}");
    }

    for _ in 0..2 {
        let ended = on(&["end", &id]).await.done();
        assert_eq!(ended, "disconnected; none of its tokens works any more");
    }
    assert_eq!(on(&["list", "--json"]).await.json(), json!([]));
    let unknown = on(&["end", "grt_00000000000000000000000000"]).await;
    assert_eq!(unknown.code, 3, "{}", unknown.stderr);
    assert_eq!(on(&["end", "nothing"]).await.code, 2);
}
