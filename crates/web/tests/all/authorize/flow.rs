//! Sign-in, consent, code.

use serde_json::json;

use super::{Browser, CALLBACK, app, path, request, with};
use crate::instance::for_each_app;

#[tokio::test]
async fn an_app_gets_a_code_once_its_user_signed_in_and_agreed() {
    for_each_app(async |instance| {
        let id = app(instance, json!({})).await;
        let mut browser = Browser::new(instance);
        let first = browser.open(&path(&request(&id))).await;
        let form = browser.open(first.leads_on()).await;
        form.is_page(200);
        assert!(form.text.contains("Calendar"), "{}", form.text);
        let fields = [
            ("email", "admin@acme.test"),
            ("password", claviger_service::testing::PASSWORD),
        ];
        let signed_in = browser.submit(&form, &fields).await;
        let consent = browser.open(signed_in.leads_on()).await;
        consent.is_page(200);
        for told in ["Calendar", "Acme", "May read leads.", "app.test", "30 days"] {
            assert!(consent.text.contains(told), "{told}: {}", consent.text);
        }
        let back = browser.submit(&consent, &[("decision", "allow")]).await;
        let back = back.redirected(CALLBACK);
        assert!(back["code"].starts_with("cac_"));
        assert_eq!((&*back["state"], &*back["iss"]), ("xyz", instance.issuer()));
        assert_eq!(back.len(), 3);

        // The next time nothing is asked.
        let again = browser.open(&path(&request(&id))).await;
        assert_ne!(again.redirected(CALLBACK)["code"], back["code"]);
        // But for what is new.
        let more = with(request(&id), "scope", Some("read:leads read:people"));
        let consent = browser.open(&path(&more)).await;
        consent.is_page(200);
        assert!(consent.text.contains("It will also be able to"));
        let denied = browser.submit(&consent, &[("decision", "deny")]).await;
        assert_eq!(denied.sent_back("access_denied")["state"], "xyz");
    })
    .await;
}
