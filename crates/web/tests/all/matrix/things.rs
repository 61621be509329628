//! One thing of each kind that Acme has, so that others can ask for it.

use std::collections::BTreeMap;

use serde_json::json;

use crate::disable::exchanged;
use crate::instance::{Instance, text};
use crate::oauth::client;
use crate::requests::{get, post};

/// The ids of Acme's things, by their prefixes.
pub(super) struct Things(BTreeMap<String, String>);

impl Things {
    pub(super) async fn make(instance: &Instance) -> Self {
        let test = instance.test();
        let (owner, operator) = (
            instance.session("owner").await,
            instance.session("operator").await,
        );
        let key = instance.key(json!({})).await;
        instance
            .check(text(&key, "key"), json!({}), "allowed")
            .await;
        let machine = client(instance, json!({})).await;
        let (app, _) = test.connected_app().await;
        let (grant, _) = exchanged(instance, &app, &test.owner).await;
        let send = async |path: &str, body| {
            let made = instance.send(post(path, &body).by(&owner)).await;
            made.is(201)
        };
        let role = json!({"name": "Role of Acme", "permissions": [], "scopes": []});
        let role = send("/v1/roles", role).await;
        let hook = json!({"url": "https://8.8.8.8/told", "events": ["*"]});
        let hook = send("/v1/webhooks", hook).await;
        let invited = json!({"email": "invited@acme.test", "role": "viewer"});
        send("/v1/members", invited).await;
        let user = instance
            .add_member("member@acme.test", "viewer", &instance.account_id())
            .await;
        let first = async |path: &str, by: &str| {
            let listed = instance.send(get(path).by(by)).await.is(200);
            text(&listed["data"][0], "id").to_owned()
        };
        let invitation = first("/v1/invitations", &owner).await;
        let session = first("/v1/sessions", &owner).await;
        let event = first("/v1/audit", &owner).await;
        let api = first("/v1/apis", &operator).await;
        let signing = first("/v1/signing-keys", &operator).await;
        let ids = [
            ("key_", text(&key, "id")),
            ("acct_", &instance.account_id()),
            ("usr_", &user),
            ("sid_", &session),
            ("role_", text(&role, "id")),
            ("inv_", &invitation),
            ("api_", &api),
            ("cli_", &machine.id),
            ("grt_", &grant.to_string()),
            ("sec_", &machine.secret_id),
            ("sgn_", &signing),
            ("whk_", text(&hook, "id")),
            ("evt_", &event),
        ];
        let ids = ids.map(|(kind, id)| (kind.to_owned(), id.to_owned()));
        Self(ids.into_iter().collect())
    }

    /// The id of a kind; one that is nobody's where Acme has none.
    pub(super) fn id(&self, kind: &str) -> String {
        let known = self.0.get(kind).cloned();
        known.unwrap_or_else(|| format!("{kind}00000000000000000000000000"))
    }

    /// Which of the things of the account alone a text tells of.
    pub(super) fn told_by(&self, text: &str) -> Vec<&str> {
        let own = self
            .0
            .iter()
            .filter(|(kind, _)| !["api_", "sgn_"].contains(&&***kind));
        let told = own.filter(|(_, id)| text.contains(&***id));
        told.map(|(kind, _)| kind.as_str()).collect()
    }
}
