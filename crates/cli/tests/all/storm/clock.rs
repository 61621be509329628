//! A wall clock that jumps: what was decided goes on, nothing is issued, nothing comes back.

use claviger_service::sources::Sources;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::shim::Machine;
use crate::directory::Directory;
use crate::http::{Answer, get, post, send};
use crate::program::{Server, until};

const SECOND: i64 = 1_000;
const DAY: i64 = 86_400 * SECOND;
/// Jumps that no time service makes.
const JUMPS: [i64; 6] = [
    31 * SECOND,
    -31 * SECOND,
    3_600 * SECOND,
    -3_600 * SECOND,
    400 * DAY,
    -400 * DAY,
];
const LISTEN: [&str; 2] = ["--listen", "127.0.0.1:0"];

/// A server on a machine whose clock can be set.
struct Scene {
    server: Server,
    session: String,
    /// Id and text of a key, and a token.
    live: (String, String),
    token: String,
    /// What was revoked, and what has expired.
    over: Vec<(String, &'static str)>,
}

impl Scene {
    async fn new(directory: &Directory, machine: &Machine) -> Self {
        let server = Server::dev_inside(directory, &machine.entry(), &LISTEN).await;
        let session = server.text("/session_token").to_owned();
        let mut scene = Self {
            server,
            session,
            live: Default::default(),
            token: String::new(),
            over: Vec::new(),
        };
        scene.live = made(&scene.create(&json!({})).await);
        let revoked = made(&scene.create(&json!({})).await);
        assert_eq!(scene.revoke(&revoked.0).await.status, 200);
        scene.over.push((revoked.1, "revoked"));
        let expiring = made(&scene.create_expiring().await);
        until(async || (scene.decision(&expiring.1).await == "expired").then_some(())).await;
        scene.over.push((expiring.1, "expired"));
        scene.token = scene.issued().await.json()["access_token"]
            .as_str()
            .unwrap()
            .to_owned();
        scene
    }

    async fn create(&self, more: &Value) -> Answer {
        let mut body = json!({"name": "K", "scopes": ["read:leads"]});
        if let Some(expires_at) = more.get("expires_at") {
            body["expires_at"] = expires_at.clone();
        }
        post(&self.server.public("/api/keys"), &self.session, &body).await
    }

    /// A key that ends in a second, however long it takes to ask for it.
    async fn create_expiring(&self) -> Answer {
        until(async || {
            let soon = Sources::system().unwrap().now().0 + SECOND;
            let answer = self.create(&json!({"expires_at": soon})).await;
            (answer.status == 201).then_some(answer)
        })
        .await
    }

    async fn revoke(&self, id: &str) -> Answer {
        let url = self.server.public(&format!("/api/keys/{id}"));
        send("DELETE", &url, Some(&self.session), None)
            .await
            .unwrap()
    }

    async fn issued(&self) -> Answer {
        let body = json!({"grant_type": "client_credentials",
            "client_id": self.server.text("/client/client_id"),
            "client_secret": self.server.text("/client/client_secret")});
        let url = self.server.public("/oauth/token");
        send("POST", &url, None, Some(&body)).await.unwrap()
    }

    async fn sign_in(&self) -> Answer {
        let body = json!({"email": self.server.text("/user/email"),
            "password": self.server.text("/user/password")});
        let url = self.server.public("/v1/sessions");
        send("POST", &url, None, Some(&body)).await.unwrap()
    }

    /// `allowed`, or why not.
    async fn decision(&self, credential: &str) -> String {
        let question = json!({"credential": credential, "method": "GET", "path": "/v1/leads"});
        let decided = post(&self.server.internal("/v1/verify"), "", &question).await;
        decided.json()["reason"].as_str().unwrap().to_owned()
    }

    async fn nothing_changed(&self, when: &str) {
        assert_eq!(self.decision(&self.live.1).await, "allowed", "{when}");
        assert_eq!(self.decision(&self.token).await, "allowed", "{when}");
        for (text, reason) in &self.over {
            assert_eq!(self.decision(text).await, *reason, "{when}");
        }
    }

    /// A jump forward by more than a lease ends it until the next heartbeat, as that of a machine
    /// that was paused. Until then nothing is decided, and nobody is refused.
    async fn lease_is_renewed(&self) {
        let is_decided = async || {
            let reason = self.decision(&self.live.1).await;
            assert!(["allowed", "stale"].contains(&&*reason), "{reason}");
            (reason == "allowed").then_some(())
        };
        until(is_decided).await;
    }

    async fn ready(&self) -> Value {
        let ready = get(&self.server.internal("/readyz"), "").await;
        assert_eq!(ready.status, 200, "{ready:?}");
        ready.json()
    }
}

#[tokio::test]
async fn a_clock_that_jumps_pauses_what_is_issued_and_nothing_else() {
    let directory = Directory::new();
    let machine = Machine::new(&directory);
    let mut scene = Scene::new(&directory, &machine).await;
    for jump in JUMPS {
        let when = format!("{jump} ms");
        let spare = made(&scene.create(&json!({})).await);
        machine.set_clock(jump);
        scene.lease_is_renewed().await;
        for refused in [scene.create(&json!({})).await, scene.sign_in().await] {
            assert_eq!(
                (refused.status, &*refused.reason()),
                (503, "clock"),
                "{when}"
            );
            assert!(refused.header("retry-after").is_some(), "{refused:?}");
        }
        let refused = scene.issued().await;
        assert_eq!(refused.status, 503, "{when}: {refused:?}");
        assert_eq!(refused.json()["error"], "temporarily_unavailable");
        assert!(refused.header("retry-after").is_some(), "{refused:?}");
        scene.nothing_changed(&when).await;
        assert_eq!(scene.revoke(&spare.0).await.status, 200, "{when}");
        assert_eq!(scene.decision(&spare.1).await, "revoked", "{when}");
        scene.over.push((spare.1, "revoked"));
        assert_eq!(scene.ready().await["clock"], "jumped");
        let metrics = get(&scene.server.internal("/metrics"), "").await.body;
        assert!(!metrics.contains("clock_jump_milliseconds 0"), "{metrics}");
        let alarms = async || {
            let log = scene.server.stderr();
            log.contains("the clock of this machine jumped")
                .then_some(())
        };
        until(alarms).await;
        machine.set_clock(0);
        scene.lease_is_renewed().await;
        assert_eq!(scene.create(&json!({})).await.status, 201, "{when}, back");
        assert_eq!(scene.issued().await.status, 200, "{when}, back");
        assert_eq!(scene.ready().await["clock"], "believed");
        scene.nothing_changed("back").await;
    }
    eprintln!("clock: {} jumps", JUMPS.len());
    let events = async || {
        let log = get(&scene.server.internal("/healthz"), "").await;
        assert_eq!(log.status, 200);
        let log = scene.server.stderr();
        log.contains("the clock is right again").then_some(())
    };
    until(events).await;
    // What a time service sets is no jump. It comes last: who has believed it expects it to stay.
    machine.set_clock(25 * SECOND);
    scene.lease_is_renewed().await;
    let by_a_service = scene.create(&json!({})).await;
    assert_eq!(by_a_service.status, 201, "{by_a_service:?}");
    scene.server.stop().await;
}

#[tokio::test]
async fn nothing_that_was_revoked_comes_back_with_an_earlier_clock() {
    let directory = Directory::new();
    let machine = Machine::new(&directory);
    let scene = Scene::new(&directory, &machine).await;
    let revoked = scene.over[0].0.clone();
    scene.server.kill().await;
    for jump in [-3_600 * SECOND, 3_600 * SECOND, -400 * DAY] {
        machine.set_clock(jump);
        // The start of a server takes the time of the machine: an operator who restarts it says so.
        let mut server = Server::dev_inside(&directory, &machine.entry(), &LISTEN).await;
        let question = json!({"credential": revoked, "method": "GET", "path": "/v1/leads"});
        let decided = post(&server.internal("/v1/verify"), "", &question).await;
        assert_eq!(decided.json()["reason"], "revoked", "{jump}");
        server.signal(Signal::KILL);
        server.ended().await;
    }
}

/// The id and text of a key.
fn made(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, 201, "{answer:?}");
    let shown = answer.json();
    let text = |member: &str| shown[member].as_str().unwrap().to_owned();
    (text("id"), text("key"))
}
