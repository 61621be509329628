//! The oracle finds what breaks each law: a history that says what the server did not do is a
//! server that does not do what the history says.

use serde_json::json;

use super::history::{Begun, History, Operation, Shared};
use super::load::carry_out;
use super::oracle::Oracle;
use super::random::Random;
use super::site::{Call, Site};
use crate::directory::Directory;
use crate::program::Server;

/// An instance with a key and a client that an oracle knows of.
struct Court<'a> {
    site: &'a Site,
    history: Shared,
    oracle: Oracle,
    key: usize,
    client: usize,
}

impl<'a> Court<'a> {
    async fn new(site: &'a Site, name: &str) -> Self {
        let history = Shared::default();
        let oracle = Oracle::new(site, &history).await;
        let mut made = Vec::new();
        for operation in [Operation::CreateKey, Operation::CreateClient] {
            let begun = Begun {
                operation,
                thing: None,
                name: format!("{name} {operation:?}"),
            };
            made.push(carry_out(site, &history, &begun).await.unwrap().1.unwrap());
        }
        Self {
            site,
            history,
            oracle,
            key: made[0],
            client: made[1],
        }
    }

    fn begun(&self, operation: Operation) -> Begun {
        Begun {
            operation,
            thing: Some(self.key),
            name: String::new(),
        }
    }

    /// Changes the key behind the history's back.
    async fn change(&self, operation: Operation) {
        let id = self.history.lock().things[self.key].id.clone();
        let answer = self.site.call(&self.begun(operation).call(&id)).await;
        assert_eq!(answer.unwrap().status, 200);
    }

    /// What the oracle finds, all in one text.
    async fn verdict(mut self) -> String {
        self.oracle.look(self.site, &mut Random::new(1)).await;
        self.oracle.look_at_everything(self.site).await;
        self.history.lock().violations.join("\n")
    }
}

#[tokio::test]
async fn the_oracle_sees_every_law_broken() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let site = Site::of(&server);

    let honest = Court::new(&site, "honest").await;
    assert_eq!(honest.verdict().await, "");

    let lie = |court: &Court<'_>, lie: fn(&mut History, usize)| {
        lie(&mut court.history.lock(), court.key);
    };
    let court = Court::new(&site, "lost").await;
    lie(&court, |history, key| {
        let id = &mut history.things[key].id;
        id.replace_range(id.len() - 8.., "00000000");
    });
    let found = court.verdict().await;
    assert!(found.contains("is not listed"), "{found}");
    assert!(found.contains("nobody made key_"), "{found}");

    let court = Court::new(&site, "accepted").await;
    lie(&court, |history, key| history.things[key].has_ended = true);
    let client = court.client;
    court.history.lock().things[client].has_ended = true;
    let found = court.verdict().await;
    assert!(
        found.contains("is Allowed, and has to be Refused"),
        "{found}"
    );
    assert!(
        found.contains("was answered 200, and has to be Refused"),
        "{found}"
    );

    let court = Court::new(&site, "refused").await;
    court.change(Operation::Revoke).await;
    let found = court.verdict().await;
    let told = "is Refused(\"revoked\"), and has to be Allowed";
    assert!(found.contains(told), "{found}");

    let court = Court::new(&site, "unseen").await;
    lie(&court, |history, _| {
        history.acknowledged[0].request_id = "elsewhere".to_owned();
    });
    let found = court.verdict().await;
    assert!(found.contains("acknowledged without its event"), "{found}");

    // The event of a change, and another one done.
    let court = Court::new(&site, "half").await;
    court.change(Operation::Narrow).await;
    let begun = court.begun(Operation::SwitchOff);
    court.history.lock().begin(&begun);
    court.history.lock().lost(begun);
    let found = court.verdict().await;
    assert!(found.contains("half a change"), "{found}");

    let court = Court::new(&site, "strange").await;
    let call = Call {
        method: "POST",
        path: "/api/keys".to_owned(),
        body: Some(json!({"name": "nobody's", "scopes": ["read:leads"]})),
        repeatable: None,
    };
    assert_eq!(site.call(&call).await.unwrap().status, 201);
    let found = court.verdict().await;
    assert!(found.contains("nobody made key_"), "{found}");
    server.stop().await;
}
