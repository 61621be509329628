use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use claviger_web::server::Settings;
use hyper::body::Frame;
use tokio::sync::oneshot;

use crate::support::{get as request, start, within};

/// A body without end that tells when it is dropped.
struct Endless(Option<oneshot::Sender<()>>);

impl hyper::body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 16_384])))))
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        let _ = self.0.take().unwrap().send(());
    }
}

#[tokio::test]
async fn a_peer_that_takes_nothing_is_let_go() {
    let (sender, dropped) = oneshot::channel();
    let sender = Mutex::new(Some(sender));
    let endless = move || {
        let body = Body::new(Endless(sender.lock().unwrap().take()));
        async move { body }
    };
    let endless = std::sync::Arc::new(endless);
    let router = Router::new().route("/", get(move || endless()));
    let write_timeout = Duration::from_millis(200);
    let server = start(
        router,
        Settings {
            write_timeout,
            ..Settings::default()
        },
    )
    .await;
    let mut client = server.connect().await;
    client.send(&request("/")).await;
    within(dropped).await.unwrap();
}
