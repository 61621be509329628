//! `/apps` and what is below it.

use crate::authorize::{Browser, CALLBACK, path, request, with};
use crate::instance::for_each_app;
use crate::requests::Answer;

/// What is typed into the form of a new app.
const TYPED: [(&str, &str); 6] = [
    ("name", "Calendar <b>"),
    ("client_type", "confidential"),
    ("environment", "live"),
    (
        "redirect_uris",
        "https://app.test/cb\r\nhttp://127.0.0.1/cb\r\n",
    ),
    ("scopes", "read:leads"),
    ("policy_uri", "https://app.test/privacy"),
];

/// The id in the first link to an app.
fn app_id(page: &Answer) -> String {
    let (_, rest) = page.text.split_once("/apps/cli_").expect("a link");
    let id: String = rest
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    format!("cli_{id}")
}

#[tokio::test]
async fn an_app_is_created_its_secret_shown_once_and_connected() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        browser.open("/apps").await.tells("No apps yet");
        let created = browser.fill_in("/apps/new", &TYPED).await;
        created.is_page(200);
        let shown = created.shown_secrets();
        assert_eq!(shown.len(), 2);
        assert!(shown[1].starts_with("cs_live_"), "{shown:?}");
        let list = browser.open("/apps").await;
        list.is_page(200);
        list.tells("Calendar &#60;b&#62;");
        list.tells("Confidential");
        list.tells_not(&shown[1]);
        let id = app_id(&list);
        assert_eq!(id, shown[0]);
        let page = browser.open(&format!("/apps/{id}")).await;
        page.is_page(200);
        for told in [
            "http://127.0.0.1/cb",
            "https://app.test/privacy",
            "nobody yet",
            "/oauth/authorize?response_type=code&#38;client_id=",
            "None in the last",
            &shown[1][shown[1].len() - 4..],
        ] {
            page.tells(told);
        }
        page.tells_not(&shown[1]);

        let asked = with(request(&id), "scope", Some("read:leads"));
        browser.allow(&asked).await;
        let wrong = with(request(&id), "redirect_uri", Some("https://app.test/cb/"));
        browser.open(&path(&wrong)).await;
        let page = browser.open(&format!("/apps/{id}")).await;
        page.tells("1 user");
        page.tells("is not registered");
        let delete = format!("/apps/{id}/delete");
        let confirm = browser.open(&delete).await;
        confirm.is_page(200);
        confirm.tells("1 user has connected it and loses it.");
        assert_eq!(browser.submit(&confirm, &[]).await.leads_on(), "/apps");
        browser.open("/apps").await.tells("No apps yet");
        browser.open(&format!("/apps/{id}")).await.tells("Deleted.");
        let list = browser.open("/connected-apps").await;
        list.tells_not("Calendar");
    })
    .await;
}

#[tokio::test]
async fn a_public_app_has_no_secret_and_a_test_app_is_on_the_other_list() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let typed = [
            ("name", "Phone"),
            ("client_type", "public"),
            ("environment", "test"),
            ("redirect_uris", "com.example.app:/cb"),
            ("scopes", "read:leads"),
        ];
        let created = browser.fill_in("/apps/new", &typed).await;
        let to = created.leads_on().to_owned();
        assert!(to.contains("done=created"), "{to}");
        let page = browser.open(&to).await;
        page.is_page(200);
        page.tells("Public");
        page.tells_not("Add secret");
        browser.open("/apps").await.tells("No apps yet");
        browser.open("/apps?environment=test").await.tells("Phone");
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_told_at_its_field_and_changes_hold() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let wrong = [
            ("name", ""),
            ("client_type", "confidential"),
            ("redirect_uris", "https://app.test/*"),
            ("scopes", "read:leads"),
            ("policy_uri", "javascript:alert(1)"),
        ];
        let again = browser.fill_in("/apps/new", &wrong).await;
        again.is_page(422);
        for told in [
            "href=\"#name\"",
            "href=\"#redirect_uris\"",
            "https://app.test/*",
        ] {
            again.tells(told);
        }
        let created = browser.fill_in("/apps/new", &TYPED).await;
        let id = app_id(&created);
        let edit = format!("/apps/{id}/edit");
        let changed = [
            ("name", "Planner"),
            ("redirect_uris", CALLBACK),
            ("scopes", "read:people"),
        ];
        let saved = browser.fill_in(&edit, &changed).await;
        let page = browser.open(saved.leads_on()).await;
        page.tells("Saved.");
        page.tells("Planner");
        page.tells("read:people");
        page.tells_not("read:leads</span>");
        page.tells_not("https://app.test/privacy");

        let added = browser
            .fill_in(
                &format!("/apps/{id}/secrets/new"),
                &[("description", "from May")],
            )
            .await;
        let shown = added.shown_secrets();
        assert_eq!(shown.len(), 2);
        let page = browser.open(&format!("/apps/{id}")).await;
        page.tells("from May");
        let (_, rest) = page.text.split_once("/secrets/sec_").expect("a link");
        let secret: String = rest
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        let revoke = format!("/apps/{id}/secrets/sec_{secret}/revoke");
        let gone = browser.fill_in(&revoke, &[]).await;
        let page = browser.open(gone.leads_on()).await;
        page.tells("REVOKED");
    })
    .await;
}

#[tokio::test]
async fn others_apps_are_not_there_and_roles_say_who_can() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let created = browser.fill_in("/apps/new", &TYPED).await;
        let id = app_id(&created);
        instance.neighbour().await;
        let mut other = Browser::of(instance, "admin@neighbour.test").await;
        instance.session("viewer").await;
        let mut viewer = Browser::of(instance, "viewer@acme.test").await;
        for below in ["", "/edit", "/delete", "/secrets/new"] {
            let path = format!("/apps/{id}{below}");
            other.open(&path).await.is_page(404);
            viewer.open(&path).await.is_page(403);
        }
        viewer.open("/apps").await.is_page(403);
        // A machine client has a page elsewhere.
        let machine = crate::oauth::client(instance, serde_json::json!({})).await;
        let page = browser.open(&format!("/apps/{}", machine.id)).await;
        assert_eq!(page.leads_on(), format!("/clients/{}", machine.id));
        browser
            .open(&format!("/apps/{}/edit", machine.id))
            .await
            .is_page(404);
    })
    .await;
}
