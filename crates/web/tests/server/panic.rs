use axum::Router;
use axum::routing::get;
use claviger_web::server::Settings;

use crate::support::start;

async fn broken() -> &'static str {
    tokio::task::yield_now().await;
    panic!("on purpose")
}

#[tokio::test]
async fn a_panic_is_one_requests_500() {
    let router = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/broken", get(broken));
    let server = start(router, Settings::default()).await;
    let mut client = server.connect().await;
    assert_eq!(client.get("/").await.body, "hello");
    let answer = client.get("/broken?x=1").await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (500, "oops GET /broken?x=1")
    );
    assert_eq!(client.get("/").await.body, "hello");
    assert_eq!(server.connect().await.get("/").await.body, "hello");
}
