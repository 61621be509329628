//! What pages load for the brand of an instance.

use axum::body::Body;
use claviger_model::colours::Colour;
use claviger_service::branding::{Accents, Logo, Support};
use claviger_service::settings::Settings;
use claviger_web::{Options, Web, router};
use http::{Request, Response};
use tower::ServiceExt;

use crate::instance::for_each_app_with;

const SVG: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>"#;

async fn fetch(router: &axum::Router, path: &str) -> (Response<()>, String) {
    let request = Request::get(path).header("accept", "text/html");
    let request = router::body_limits().guard(request.body(Body::empty()).unwrap());
    let Ok(answer) = router.clone().oneshot(request).await;
    let (parts, body) = answer.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let body = String::from_utf8_lossy(&body).into_owned();
    (Response::from_parts(parts, ()), body)
}

/// What stands between two texts of a page.
fn between<'a>(page: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = page.split_once(before).unwrap_or_else(|| panic!("{page}"));
    rest.split(after).next().unwrap_or_default()
}

#[tokio::test]
async fn pages_load_accents_and_logo_and_link_to_help() {
    let mut settings = Settings::default();
    let brand = &mut settings.portal.brand;
    let accent = Colour::parse("#0b6b3a").unwrap();
    brand.accents = Accents::of(Some(accent), None);
    brand.support = Some(Support::Mail("help@acme.test".to_owned()));
    for_each_app_with(&settings, async |instance| {
        let options = Options {
            logo: Some(Logo::new(SVG.into()).unwrap()),
            ..Options::default()
        };
        let public = router::public(Web::new(instance.app().clone(), options));
        let (_, page) = fetch(&public, "/sign-in").await;
        assert!(page.contains("href=\"mailto:help@acme.test\""), "{page}");
        let logo = between(&page, "<img class=\"logo\" src=\"", "\"").to_owned();
        assert!(
            page.contains(&format!("type=\"image/svg+xml\" href=\"{logo}\"")),
            "{page}"
        );
        let (answer, content) = fetch(&public, &logo).await;
        assert_eq!(content, SVG);
        assert_eq!(answer.headers()["content-type"], "image/svg+xml");
        let policy = answer.headers()["content-security-policy"]
            .to_str()
            .unwrap();
        assert!(policy.starts_with("default-src 'none'") && policy.contains("sandbox"));
        let sheets: Vec<&str> = page.split("rel=\"stylesheet\" href=\"").skip(1).collect();
        assert_eq!(sheets.len(), 2);
        let own = sheets[1].split('"').next().unwrap();
        let (answer, content) = fetch(&public, own).await;
        assert_eq!(answer.headers()["content-type"], "text/css");
        assert!(
            content.contains("--accent: light-dark(#0b6b3a, #"),
            "{content}"
        );
        assert!(
            content.contains("--accent-ink: light-dark(#ffffff, #"),
            "{content}"
        );
    })
    .await;
}

#[tokio::test]
async fn without_a_brand_nothing_more_is_loaded() {
    for_each_app_with(&Settings::default(), async |instance| {
        let web = Web::new(instance.app().clone(), Options::default());
        let (_, page) = fetch(&router::public(web), "/sign-in").await;
        assert_eq!(page.matches("rel=\"stylesheet\"").count(), 1);
        assert!(!page.contains("class=\"logo\"") && !page.contains(">Help<"));
    })
    .await;
}
