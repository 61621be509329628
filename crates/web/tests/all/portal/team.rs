//! `/team` and `/roles`: members, invitations and roles, and who may do what with them.

use claviger_service::testing::PASSWORD;
use serde_json::{Value, json};

use crate::authorize::Browser;
use crate::instance::{Instance, for_each_app, text};
use crate::requests::{get, post};

async fn listed(instance: &Instance, path: &str) -> Vec<Value> {
    let owner = instance.session("owner").await;
    let page = instance.send(get(path).by(&owner)).await.is(200);
    page["data"].as_array().expect("a list").clone()
}

async fn user_id(instance: &Instance, email: &str) -> String {
    let members = listed(instance, "/v1/members").await;
    let found = members.iter().find(|member| member["email"] == email);
    text(found.expect("a member"), "user_id").to_owned()
}

/// The link of an invitation that a page shows, without the issuer.
fn shown_link(instance: &Instance, page: &crate::requests::Answer) -> String {
    let secrets = page.shown_secrets();
    assert_eq!(secrets.len(), 1, "{page:?}");
    let link = secrets[0].strip_prefix(instance.issuer());
    link.expect("a link of ours").to_owned()
}

#[tokio::test]
async fn somebody_is_invited_joins_gets_another_role_and_is_removed() {
    for_each_app(async |instance| {
        let mut owner = Browser::of(instance, "owner@acme.test").await;
        let team = owner.open("/team").await;
        team.is_page(200);
        for told in [
            "admin@acme.test",
            "Owner",
            "Nobody is invited",
            "you</span>",
        ] {
            team.tells(told);
        }
        let typed = [("email", "Ana@Acme.test"), ("role", "admin")];
        let form = owner.open("/team/invite").await;
        let shown = owner.submit(&form, &typed).await;
        shown.is_page(200);
        let link = shown_link(instance, &shown);
        assert!(link.starts_with("/invitation?token=ci_"), "{link}");
        let again = owner.submit(&form, &typed).await;
        again.tells("This was created before");
        assert_eq!(listed(instance, "/v1/invitations").await.len(), 1);
        owner.open("/team").await.tells("ana@acme.test");

        let mut ana = Browser::new(instance);
        let offer = ana.open(&link).await;
        offer.is_page(200);
        for told in ["Acme", "admin", "ana@acme.test", "Choose a password"] {
            offer.tells(told);
        }
        for weak in ["short", "ana@acme.test"] {
            let refused = ana.submit(&offer, &[("password", weak)]).await;
            refused.is_page(422);
            refused.tells("The password ");
            refused.tells_not(&format!("value=\"{weak}\" autocomplete=\"new-password\""));
        }
        let joined = ana.submit(&offer, &[("password", PASSWORD)]).await;
        assert_eq!(joined.leads_on(), "/");
        ana.open("/keys").await.is_page(200);
        let used = ana.open(&link).await;
        used.is_page(404);
        used.tells("ask whoever invited you for a new one");

        let path = format!("/team/{}", user_id(instance, "ana@acme.test").await);
        let changed = owner.fill_in(&path, &[("role", "viewer")]).await;
        assert_eq!(changed.leads_on(), "/team?done=role");
        owner
            .open(changed.leads_on())
            .await
            .tells("The role was changed");
        let refused = ana.open("/keys").await;
        refused.is_page(403);
        refused.tells("owner@acme.test");

        let confirm = owner.open(&format!("{path}/remove")).await;
        confirm.tells("Remove ana@acme.test from Acme?");
        let removed = owner.submit(&confirm, &[]).await;
        assert_eq!(removed.leads_on(), "/team?done=removed");
        assert!(
            ana.open("/account")
                .await
                .leads_on()
                .starts_with("/sign-in")
        );
        owner.open(&path).await.is_page(404);
    })
    .await;
}

#[tokio::test]
async fn what_a_member_made_stays_and_says_that_its_maker_left() {
    for_each_app(async |instance| {
        instance
            .add_member("ana@acme.test", "admin", &instance.account_id())
            .await;
        let session = instance.sign_in("ana@acme.test").await;
        let key = json!({"name": "Nightly", "scopes": ["read:leads"]});
        let made = instance.send(post("/api/keys", &key).by(&session)).await;
        let key = text(&made.is(201), "key").to_owned();
        let mut owner = Browser::of(instance, "owner@acme.test").await;
        let path = format!("/team/{}/remove", user_id(instance, "ana@acme.test").await);
        let confirm = owner.open(&path).await;
        confirm.tells("that ana@acme.test made stays and works on");
        confirm.tells("may have copies of these keys");
        owner.submit(&confirm, &[]).await.leads_on();
        instance.check(&key, json!({}), "allowed").await;
        owner
            .open("/keys")
            .await
            .tells("ana@acme.test (not a member)");
    })
    .await;
}

#[tokio::test]
async fn nobody_gives_or_takes_more_than_they_have() {
    for_each_app(async |instance| {
        let mut admin = Browser::of(instance, "admin@acme.test").await;
        let owner = user_id(instance, "owner@acme.test").await;
        let team = admin.open("/team").await;
        team.tells_not(&format!("/team/{owner}"));
        let form = admin.open("/team/invite").await;
        form.tells_not("value=\"owner\"");
        let typed = [("email", "ana@acme.test"), ("role", "owner")];
        let refused = admin.submit(&form, &typed).await;
        refused.is_page(403);
        refused.tells("This role holds more than your own");
        refused.tells("value=\"ana@acme.test\"");
        for path in [format!("/team/{owner}"), format!("/team/{owner}/remove")] {
            let refused = admin.fill_in(&path, &[("role", "viewer")]).await;
            refused.is_page(403);
        }
        let own = format!("/team/{}", user_id(instance, "admin@acme.test").await);
        admin.fill_in(&own, &[("role", "owner")]).await.is_page(403);
        let role = [("name", "Boss"), ("permissions", "account")];
        let refused = admin.fill_in("/roles/new", &role).await;
        refused.is_page(403);
        refused.tells("value=\"Boss\"");
        assert_eq!(listed(instance, "/v1/invitations").await.len(), 0);
        assert_eq!(listed(instance, "/v1/members").await.len(), 2);

        // The last owner stays.
        let mut last = Browser::of(instance, "owner@acme.test").await;
        let kept = last.fill_in(&format!("/team/{owner}/remove"), &[]).await;
        kept.is_page(409);
        kept.tells("This is the last owner");
    })
    .await;
}

#[tokio::test]
async fn the_team_is_for_those_with_the_permission_and_of_the_own_account() {
    for_each_app(async |instance| {
        let (neighbour, session) = instance.neighbour().await;
        let foreign = instance.send(get("/v1/members").by(&session)).await.is(200);
        let foreign = text(&foreign["data"][0], "user_id").to_owned();
        instance
            .add_member("dev@acme.test", "developer", &instance.account_id())
            .await;
        let mut developer = Browser::of(instance, "dev@acme.test").await;
        for path in ["/team", "/team/invite", "/roles", "/roles/new"] {
            let refused = developer.open(path).await;
            refused.is_page(403);
            refused.tells("Ask owner@acme.test or admin@acme.test");
        }
        developer
            .open("/settings")
            .await
            .tells_not("href=\"/team\"");
        let mut admin = Browser::of(instance, "admin@acme.test").await;
        for path in [
            format!("/team/{foreign}"),
            format!("/team/{foreign}/remove"),
            "/team/invitations/inv_00000000000000000000000000/withdraw".to_owned(),
            "/roles/role_00000000000000000000000000".to_owned(),
            "/roles/role_00000000000000000000000000/delete".to_owned(),
        ] {
            admin.open(&path).await.is_page(404);
        }
        assert!(neighbour.starts_with("acct_"));
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_an_invitation_is_told_at_its_field() {
    for_each_app(async |instance| {
        let mut admin = Browser::of(instance, "admin@acme.test").await;
        for (typed, status, told) in [
            (
                [("email", "no address"), ("role", "viewer")],
                422,
                "id=\"email-problem\"",
            ),
            (
                [("email", "a@b.test"), ("role", "emperor")],
                422,
                "href=\"#role-0\"",
            ),
            (
                [("email", "owner@acme.test"), ("role", "viewer")],
                409,
                "is a member already",
            ),
        ] {
            let page = admin.fill_in("/team/invite", &typed).await;
            page.is_page(status);
            page.tells(told);
            page.tells(&format!("value=\"{}\"", typed[0].1));
        }
        let shown = admin
            .fill_in("/team/invite", &[("email", "a@b.test"), ("role", "viewer")])
            .await;
        let link = shown_link(instance, &shown);
        let id = text(&listed(instance, "/v1/invitations").await[0], "id").to_owned();
        let path = format!("/team/invitations/{id}/withdraw");
        let gone = admin.fill_in(&path, &[]).await;
        assert_eq!(gone.leads_on(), "/team?done=withdrawn");
        Browser::new(instance).open(&link).await.is_page(404);
        admin.open(&path).await.is_page(404);
    })
    .await;
}

#[tokio::test]
async fn a_role_is_made_changed_and_deleted() {
    for_each_app(async |instance| {
        let mut admin = Browser::of(instance, "admin@acme.test").await;
        let form = admin.open("/roles/new").await;
        for told in ["Reads usage, decisions and the audit log.", "read:*"] {
            form.tells(told);
        }
        form.tells_not("value=\"account\"");
        let bad = [("name", "admin"), ("scopes", "read:*\r\nbad\"one")];
        let page = admin.submit(&form, &bad).await;
        page.is_page(422);
        page.tells("id=\"name-problem\"");
        page.tells("id=\"scopes-problem\"");
        let good = [
            ("name", "Support \u{1f511}"),
            ("permissions", "evidence"),
            ("permissions", "settings"),
            ("scopes", "read:*\r\nwebhooks"),
        ];
        let made = admin.submit(&form, &good).await;
        assert_eq!(made.leads_on(), "/roles?done=created");
        let roles = listed(instance, "/v1/roles").await;
        let role = roles.last().expect("a role");
        assert_eq!(role["permissions"], json!(["settings", "evidence"]));
        assert_eq!(role["scopes"], json!(["read:*", "webhooks"]));
        let path = format!("/roles/{}", text(role, "id"));
        let page = admin.open(&path).await;
        page.tells("value=\"evidence\" checked");
        let stale = admin.open(&path).await;
        let saved = admin
            .submit(&page, &[("name", "Help"), ("scopes", "")])
            .await;
        assert_eq!(saved.leads_on(), "/roles?done=saved");
        let late = admin.submit(&stale, &[("name", "Helpers")]).await;
        assert_eq!(late.status, 412, "{late:?}");
        admin.open("/roles").await.tells("Help");

        let invited = [("email", "a@b.test"), ("role", text(role, "id"))];
        admin.fill_in("/team/invite", &invited).await.is_page(200);
        let delete = format!("{path}/delete");
        admin.fill_in(&delete, &[]).await.is_page(409);
        let id = text(&listed(instance, "/v1/invitations").await[0], "id").to_owned();
        let withdraw = format!("/team/invitations/{id}/withdraw");
        admin.fill_in(&withdraw, &[]).await.leads_on();
        let gone = admin.fill_in(&delete, &[]).await;
        assert_eq!(gone.leads_on(), "/roles?done=deleted");
        admin.open(&path).await.is_page(404);
    })
    .await;
}
