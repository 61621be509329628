//! The application that the tests call: "Acme" with its people, an operator, and the demo's APIs.

use std::collections::BTreeMap;
use std::sync::Mutex;

use axum::Router;
use claviger_service::App;
use claviger_service::settings::Settings;
use claviger_service::testing::{PASSWORD, TestApp};
use claviger_web::demo::Demo;
use claviger_web::gateway::front::Front;
use claviger_web::server::Peer;
use claviger_web::{Options, Web, router};
use http::Request;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::requests::{Answer, Call, get, patch, post};

/// The audience of the API with routes, the default one.
pub(crate) const API: &str = "https://api.acme.test";
/// The audience of an API that takes legacy keys alone.
pub(crate) const OLD_API: &str = "https://old.acme.test";
/// The audience of an API without routes that lets everything else pass.
pub(crate) const OPEN_API: &str = "https://open.acme.test";
/// Where requests to the public listener come from.
pub(crate) const ADDRESS: &str = "203.0.113.7";

/// One application with its two routers.
pub(crate) struct Instance {
    test: TestApp,
    public: Router,
    internal: Front,
    tokens: Mutex<BTreeMap<String, String>>,
}

/// Runs a test on an application on each kind of database.
pub(crate) async fn for_each_app(test: impl AsyncFn(&Instance)) {
    for_each_app_with(&Settings::default(), test).await;
}

/// The same with settings of its own.
pub(crate) async fn for_each_app_with(settings: &Settings, test: impl AsyncFn(&Instance)) {
    for app in TestApp::on_each(settings).await {
        let instance = Instance::new(app).await;
        test(&instance).await;
        instance.test.close().await;
    }
}

/// Settings that allow the management routes.
pub(crate) fn with_management() -> Settings {
    Settings {
        management_enabled: true,
        ..Settings::default()
    }
}

impl Instance {
    async fn new(test: TestApp) -> Self {
        let apis = vec![
            ("/old".to_owned(), OLD_API.to_owned()),
            ("/open".to_owned(), OPEN_API.to_owned()),
            (String::new(), API.to_owned()),
        ];
        let options = Options {
            demo: Some(Demo { apis }),
            ..Options::default()
        };
        let web = Web::new(test.app.clone(), options);
        let instance = Self {
            public: router::public(web.clone()),
            internal: router::internal(web),
            tokens: Mutex::default(),
            test,
        };
        let operator = instance.session("operator").await;
        for api in [main_api(), old_api(), open_api()] {
            instance
                .send(post("/v1/apis", &api).by(&operator))
                .await
                .is(201);
        }
        instance
    }

    pub(crate) fn app(&self) -> &App {
        &self.test.app
    }

    pub(crate) fn test(&self) -> &TestApp {
        &self.test
    }

    /// The public router as it prints itself, with all its routes.
    pub(crate) fn printed_router(&self) -> String {
        format!("{:?}", self.public)
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.app().settings().public_url
    }

    pub(crate) fn account_id(&self) -> String {
        self.test.account.id.to_string()
    }

    pub(crate) fn now(&self) -> i64 {
        self.app().sources().now().0
    }

    /// Moves the wall clock, and waits until the node believes it again.
    pub(crate) async fn pass(&self, millis: i64) {
        self.app().sources().shift_wall_clock(millis);
        let ready = async {
            while self.app().readiness().await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        let deadline = std::time::Duration::from_secs(30);
        tokio::time::timeout(deadline, ready)
            .await
            .expect("the node is ready again");
    }

    /// Sends a request to the public listener; on a runtime with threads as a task of its own, so
    /// that those that are sent at once are.
    pub(crate) async fn send(&self, call: Call) -> Answer {
        let flavor = tokio::runtime::Handle::current().runtime_flavor();
        if flavor == tokio::runtime::RuntimeFlavor::CurrentThread {
            return self.send_from_here(call).await;
        }
        let (router, request) = (self.public.clone(), from_outside(call));
        let sent = tokio::spawn(async move { answer(&router, request).await });
        sent.await.expect("an answer")
    }

    /// The same in the task of whoever asks.
    pub(crate) async fn send_from_here(&self, call: Call) -> Answer {
        answer(&self.public, from_outside(call)).await
    }

    /// Sends a request to the internal listener.
    pub(crate) async fn send_inside(&self, call: Call) -> Answer {
        let request = router::body_limits().guard(call.into_request());
        answer(&self.internal, request).await
    }

    /// The token of a session that is started when first asked for: of `operator`, who is in no
    /// account, or of a member of Acme with the role that `who` names.
    pub(crate) async fn session(&self, who: &str) -> String {
        if let Some(token) = self.tokens.lock().expect("a lock").get(who) {
            return token.clone();
        }
        let email = match who {
            "operator" => "operator@claviger.test".to_owned(),
            role => format!("{role}@acme.test"),
        };
        if !matches!(who, "operator" | "owner" | "admin") {
            self.add_member(&email, who, &self.account_id()).await;
        }
        let token = self.sign_in(&email).await;
        self.tokens
            .lock()
            .expect("a lock")
            .insert(who.to_owned(), token.clone());
        token
    }

    /// Signs in with the password of everybody.
    pub(crate) async fn sign_in(&self, email: &str) -> String {
        let answer = self.try_sign_in(email).await.is(201);
        answer["session_token"]
            .as_str()
            .expect("a token")
            .to_owned()
    }

    pub(crate) async fn try_sign_in(&self, email: &str) -> Answer {
        self.send(post(
            "/v1/sessions",
            &json!({"email": email, "password": PASSWORD}),
        ))
        .await
    }

    /// Makes somebody a member, with the password of everybody; answers the user's id.
    pub(crate) async fn add_member(&self, email: &str, role: &str, account_id: &str) -> String {
        let body = json!({
            "email": email, "role": role, "password": PASSWORD, "account_id": account_id,
        });
        let operator = Box::pin(self.session("operator")).await;
        let member = self
            .send(post("/v1/members", &body).by(&operator))
            .await
            .is(201);
        member["user_id"].as_str().expect("an id").to_owned()
    }

    /// Another account: its id, and a session of its admin.
    pub(crate) async fn neighbour(&self) -> (String, String) {
        let operator = self.session("operator").await;
        let body = json!({"name": "Neighbour"});
        let account = self
            .send(post("/v1/accounts", &body).by(&operator))
            .await
            .is(201);
        let id = account["id"].as_str().expect("an id").to_owned();
        self.add_member("admin@neighbour.test", "admin", &id).await;
        (id, self.sign_in("admin@neighbour.test").await)
    }

    /// Makes a key of Acme with these settings; a name and `read:leads` when they say nothing.
    pub(crate) async fn key(&self, settings: Value) -> Value {
        let body = merged(
            &json!({"name": "Script", "scopes": ["read:leads"]}),
            &settings,
        );
        let admin = self.session("admin").await;
        self.send(post("/api/keys", &body).by(&admin)).await.is(201)
    }

    /// Changes a key of Acme.
    pub(crate) async fn edit_key(&self, key: &Value, change: Value) {
        let admin = self.session("admin").await;
        let path = format!("/api/keys/{}", text(key, "id"));
        self.send(patch(&path, &change).by(&admin)).await.is(200);
    }

    /// The decision about a credential; `more` is what is asked beside it.
    pub(crate) async fn verify(&self, credential: &str, more: Value) -> Value {
        let question = merged(&json!({"credential": credential}), &more);
        self.send_inside(post("/v1/verify", &question))
            .await
            .is(200)
    }

    /// Checks the reason of the decision about a credential.
    pub(crate) async fn check(&self, credential: &str, more: Value, reason: &str) {
        let decision = self.verify(credential, more.clone()).await;
        assert_eq!(decision["reason"], reason, "{more}: {decision}");
        assert_eq!(decision["allowed"], reason == "allowed");
    }

    /// The newest audit event of an action, as the operator sees it.
    pub(crate) async fn newest_event(&self, action: &str) -> Value {
        let operator = self.session("operator").await;
        let path = format!("/v1/audit?action={action}&limit=1");
        self.send(get(&path).by(&operator)).await.is(200)["data"][0].clone()
    }
}

/// A body with members added or replaced.
pub(crate) fn merged(body: &Value, change: &Value) -> Value {
    let mut body = body.clone();
    for (member, value) in change.as_object().expect("an object") {
        body[member] = value.clone();
    }
    body
}

/// A member of a body that is text.
pub(crate) fn text<'a>(body: &'a Value, member: &str) -> &'a str {
    body[member]
        .as_str()
        .unwrap_or_else(|| panic!("no {member}: {body}"))
}

fn from_outside(call: Call) -> Request<axum::body::Body> {
    let mut request = router::body_limits().guard(call.into_request());
    let peer = format!("{ADDRESS}:4711").parse().expect("an address");
    request.extensions_mut().get_or_insert(Peer(peer));
    request
}

async fn answer<S>(service: &S, request: Request<axum::body::Body>) -> Answer
where
    S: tower::Service<
            Request<axum::body::Body>,
            Response = axum::response::Response,
            Error = std::convert::Infallible,
        > + Clone,
{
    let Ok(response) = service.clone().oneshot(request).await;
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX)
        .await
        .expect("a whole answer");
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        text: String::from_utf8_lossy(&bytes).into_owned(),
    }
}

fn main_api() -> Value {
    let mut scopes = Vec::new();
    let mut routes = Vec::new();
    for noun in ["leads", "properties", "people", "interviews"] {
        for (verb, method) in [("read", "GET"), ("write", "POST")] {
            let scope = format!("{verb}:{noun}");
            let description = format!("May {verb} {noun}.");
            scopes.push(json!({"name": scope, "description": description, "sensitive": false}));
            routes
                .push(json!({"method": method, "path": format!("/v1/{noun}"), "scopes": [scope]}));
        }
    }
    for name in ["read:analytics", "webhooks"] {
        scopes.push(json!({"name": name, "description": "More.", "sensitive": false}));
    }
    scopes.push(json!({"name": "admin", "description": "Everything.", "sensitive": true}));
    routes.push(json!({"method": "*", "path": "/v1/open", "scopes": []}));
    json!({
        "name": "Acme API", "audience": API, "scopes": scopes, "routes": routes,
        "accepts": ["api_key", "access_token", "session"],
        "live_url": "https://live.acme.test", "sandbox_url": "https://sandbox.acme.test/api",
    })
}

fn old_api() -> Value {
    json!({
        "name": "Old API", "audience": OLD_API, "scopes": [],
        "routes": [{"method": "GET", "path": "/v1/people", "scopes": []}],
        "accepts": ["legacy_key"],
    })
}

fn open_api() -> Value {
    json!({
        "name": "Open API", "audience": OPEN_API, "scopes": [], "routes": [],
        "accepts": ["api_key"], "unmatched": "allow",
    })
}
