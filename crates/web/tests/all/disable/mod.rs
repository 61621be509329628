//! Every way to take power away from an app that acts for a user, against every way to use it.
//! Keys, clients and people themselves are in `own`.

mod own;

use claviger_model::grants::Authorized;
use claviger_model::ids::{GrantId, UserId};
use claviger_model::scopes::ScopeName;
use claviger_service::testing::{Allowed, ConnectedApp, PASSWORD, make_code};
use claviger_service::{Actor, Caller};
use serde_json::{Value, json};

use crate::instance::{Instance, for_each_app, text};
use crate::oauth::{TestClient, client, form};
use crate::requests::{delete, get, patch, post};

/// What takes power away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    Disconnect,
    DisconnectEverywhere,
    DisconnectByManager,
    SuspendUser,
    ChangePassword,
    RemoveMember,
    NarrowRole,
    OtherRole,
    SuspendAccount,
    EndTokensOfAccount,
    DeleteClient,
    RevokeSecret,
    EndTokensOfClient,
    NarrowClient,
    RevokeToken,
}

const WAYS: [Way; 15] = [
    Way::Disconnect,
    Way::DisconnectEverywhere,
    Way::DisconnectByManager,
    Way::SuspendUser,
    Way::ChangePassword,
    Way::RemoveMember,
    Way::NarrowRole,
    Way::OtherRole,
    Way::SuspendAccount,
    Way::EndTokensOfAccount,
    Way::DeleteClient,
    Way::RevokeSecret,
    Way::EndTokensOfClient,
    Way::NarrowClient,
    Way::RevokeToken,
];

/// What the paths say of a token.
#[derive(PartialEq, Eq, Debug)]
struct Found {
    /// Of the decision.
    reason: String,
    /// To a gateway.
    gateway: u16,
    /// Of the demo's API.
    demo: u16,
    /// Whether introspection tells of it, and with the scope that the paths need.
    is_active: bool,
    holds_scope: bool,
}

/// An app that acts for a user of its own, and for another one.
struct World<'a> {
    instance: &'a Instance,
    app: ConnectedApp,
    role_id: String,
    email: String,
    session: String,
    user_id: UserId,
    grant_id: GrantId,
    token: String,
    refresh_token: String,
    /// The other user's.
    other_token: String,
}

impl Way {
    /// What the paths say of the user's token afterwards.
    fn leaves(self) -> Found {
        let (reason, status, is_active) = match self {
            Self::NarrowRole | Self::OtherRole => ("user_lacks_access", 403, true),
            Self::NarrowClient => ("insufficient_scope", 403, true),
            Self::RemoveMember => ("user_lacks_access", 403, false),
            _ => ("revoked", 401, false),
        };
        Found {
            reason: reason.to_owned(),
            gateway: status,
            demo: status,
            is_active,
            holds_scope: false,
        }
    }

    /// What the refresh token gives afterwards, by the status.
    const fn leaves_refreshing(self) -> u16 {
        match self {
            Self::DeleteClient | Self::RevokeSecret => 401,
            // Access tokens alone were ended: the app may have another one.
            Self::EndTokensOfAccount | Self::EndTokensOfClient | Self::RevokeToken => 200,
            _ => 400,
        }
    }

    /// Whether the app goes on for others.
    const fn spares_others(self) -> bool {
        !matches!(
            self,
            Self::SuspendAccount
                | Self::EndTokensOfAccount
                | Self::DeleteClient
                | Self::RevokeSecret
                | Self::EndTokensOfClient
                | Self::NarrowClient
        )
    }
}

impl<'a> World<'a> {
    async fn new(instance: &'a Instance, number: usize) -> Self {
        let test = instance.test();
        let owner = instance.session("owner").await;
        let role = json!({"name": format!("Role {number}"), "permissions": [],
            "scopes": ["read:*"]});
        let made = post("/v1/roles", &role).by(&owner);
        let role_id = text(&instance.send(made).await.is(201), "id").to_owned();
        let email = format!("user{number}@acme.test");
        let user = test.member(&email, &role_id).await;
        let app = ConnectedApp::make(&test.app, test.account.id).await;
        let (grant_id, tokens) = exchanged(instance, &app, &user).await;
        let (_, others) = exchanged(instance, &app, &test.owner).await;
        Self {
            instance,
            role_id,
            session: instance.sign_in(&email).await,
            email,
            user_id: user_id(&user),
            grant_id,
            token: text(&tokens, "access_token").to_owned(),
            refresh_token: text(&tokens, "refresh_token").to_owned(),
            other_token: text(&others, "access_token").to_owned(),
            app,
        }
    }

    async fn take(&self, way: Way) {
        let instance = self.instance;
        let client = format!("/v1/clients/{}", self.app.client.id);
        let member = format!("/v1/members/{}", self.user_id);
        let (user, nothing) = (format!("/v1/users/{}", self.user_id), json!({}));
        let account = format!("/v1/accounts/{}", instance.account_id());
        let call = match way {
            Way::Disconnect | Way::DisconnectByManager => {
                delete(&format!("/v1/grants/{}", self.grant_id))
            }
            Way::DisconnectEverywhere => {
                delete(&format!("/v1/grants?client_id={}", self.app.client.id))
            }
            Way::SuspendUser => patch(&user, &json!({"status": "suspended"})),
            Way::ChangePassword => {
                let new = "another password for tests";
                post(
                    "/v1/password",
                    &json!({"old_password": PASSWORD, "new_password": new}),
                )
            }
            Way::RemoveMember => delete(&member),
            Way::NarrowRole => {
                let role = format!("/v1/roles/{}", self.role_id);
                patch(&role, &json!({"scopes": ["read:people"]}))
            }
            Way::OtherRole => patch(&member, &json!({"role": self.powerless_role().await})),
            Way::SuspendAccount => patch(&account, &json!({"status": "suspended"})),
            Way::EndTokensOfAccount => post(&format!("{account}/revoke-tokens"), &nothing),
            Way::DeleteClient => delete(&client),
            Way::RevokeSecret => delete(&format!("{client}/secrets/{}", self.app.secret_id)),
            Way::EndTokensOfClient => post(&format!("{client}/revoke-tokens"), &nothing),
            Way::NarrowClient => patch(&client, &json!({"scopes": ["read:people"]})),
            Way::RevokeToken => {
                let (id, secret) = (self.app.client.id.to_string(), self.app.secret.expose());
                form("/oauth/revoke", &[("token", &self.token)]).basic(&id, secret)
            }
        };
        let by = match way {
            Way::RevokeToken => return self.done(instance.send(call).await.status),
            Way::Disconnect | Way::DisconnectEverywhere | Way::ChangePassword => {
                self.session.clone()
            }
            Way::SuspendUser | Way::SuspendAccount => instance.session("operator").await,
            _ => instance.session("owner").await,
        };
        self.done(instance.send(call.by(&by)).await.status);
    }

    #[track_caller]
    fn done(&self, status: u16) {
        assert_eq!(status, 200, "{}", self.email);
    }

    async fn powerless_role(&self) -> String {
        let owner = self.instance.session("owner").await;
        let name = format!("Nothing of {}", self.email);
        let role = json!({"name": name, "permissions": [], "scopes": ["read:people"]});
        let made = self
            .instance
            .send(post("/v1/roles", &role).by(&owner))
            .await;
        text(&made.is(201), "id").to_owned()
    }

    /// What the token endpoint answers to the refresh token, and whether what it gives works.
    async fn refreshed(&self) -> u16 {
        let (id, secret) = (self.app.client.id.to_string(), self.app.secret.expose());
        let parameters = [
            ("grant_type", "refresh_token"),
            ("refresh_token", &*self.refresh_token),
        ];
        let call = form("/oauth/token", &parameters).basic(&id, secret);
        let answer = self.instance.send(call).await;
        if answer.status == 200 {
            let fresh = answer.json();
            let request = json!({"method": "GET", "path": "/v1/leads"});
            self.instance
                .check(text(&fresh, "access_token"), request, "allowed")
                .await;
        }
        answer.status
    }

    /// What the paths say of a token; `server` is whom an API asks with.
    async fn found(&self, token: &str, server: &TestClient) -> Found {
        let request = json!({"method": "GET", "path": "/v1/leads"});
        let decision = self.instance.verify(token, request).await;
        let forwarded = get("/verify/http")
            .header("x-forwarded-host", "live.acme.test")
            .header("x-forwarded-method", "GET")
            .header("x-forwarded-uri", "/v1/leads");
        let gateway = self.instance.send_inside(forwarded.by(token)).await;
        let demo = self.instance.send(get("/demo/v1/leads").by(token)).await;
        let told: Value = server.introspect(self.instance, token).await;
        let scope = told["scope"].as_str().unwrap_or_default();
        Found {
            reason: text(&decision, "reason").to_owned(),
            gateway: gateway.status,
            demo: demo.status,
            is_active: told["active"] == true,
            holds_scope: scope.split(' ').any(|name| name == "read:leads"),
        }
    }
}

fn user_id(caller: &Caller) -> UserId {
    let Actor::User(user) = &caller.actor else {
        unreachable!("a user");
    };
    user.user_id
}

/// The first tokens of an app that a user allowed `read:leads`.
pub(crate) async fn exchanged(
    instance: &Instance,
    app: &ConnectedApp,
    user: &Caller,
) -> (GrantId, Value) {
    let scope = ScopeName::new("read:leads").expect("a scope");
    let allowed = Allowed {
        client_id: app.client.id,
        user_id: user_id(user),
        account_id: instance.test().account.id,
        authorized: Authorized {
            scopes: vec![scope],
            ..Authorized::default()
        },
        redirect_uri: "https://app.example/callback".to_owned(),
        is_redirect_uri_named: true,
        challenge: Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned()),
    };
    let (code, grant_id) = make_code(instance.app(), &allowed).await;
    let parameters = [
        ("grant_type", "authorization_code"),
        ("code", code.expose()),
        ("redirect_uri", "https://app.example/callback"),
        (
            "code_verifier",
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        ),
    ];
    let (id, secret) = (app.client.id.to_string(), app.secret.expose());
    let call = form("/oauth/token", &parameters).basic(&id, secret);
    (grant_id, instance.send(call).await.is(200))
}

fn all_is_well() -> Found {
    Found {
        reason: "allowed".to_owned(),
        gateway: 200,
        demo: 200,
        is_active: true,
        holds_scope: true,
    }
}

#[tokio::test]
async fn what_takes_power_away_takes_it_on_every_path() {
    for_each_app(async |instance| {
        let server = client(instance, json!({"scopes": ["read:people"]})).await;
        let mut wrong: Vec<Way> = Vec::new();
        let mut cells = 0;
        for (number, way) in WAYS.into_iter().enumerate() {
            let world = World::new(instance, number).await;
            for token in [&world.token, &world.other_token] {
                let found = world.found(token, &server).await;
                assert_eq!(found, all_is_well(), "before {way:?}");
            }
            world.take(way).await;
            if way == Way::SuspendAccount {
                // Nobody of the account can ask meanwhile, and what it ended stays so.
                for token in [&world.token, &world.other_token] {
                    instance.check(token, json!({}), "revoked").await;
                }
                let operator = instance.session("operator").await;
                let path = format!("/v1/accounts/{}", instance.account_id());
                let call = patch(&path, &json!({"status": "active"})).by(&operator);
                instance.send(call).await.is(200);
            }
            let found = world.found(&world.token, &server).await;
            assert_eq!(found, way.leaves(), "{way:?}");
            wrong.extend((world.refreshed().await != way.leaves_refreshing()).then_some(way));
            let others = world.found(&world.other_token, &server).await;
            // The five paths of `Found`, for each of the two users, and the refresh token.
            cells += 2 * 5 + 1;
            if way.spares_others() {
                assert_eq!(others, all_is_well(), "others after {way:?}");
            } else {
                assert_eq!(others, way.leaves(), "others after {way:?}");
            }
        }
        eprintln!("disable x path, of apps: {cells} cells");
        assert_eq!(wrong, [], "what refresh tokens give");
    })
    .await;
}
