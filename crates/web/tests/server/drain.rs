use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use claviger_web::server::{Drained, Settings};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore};

use crate::support::{Client, get as request, start, within};

fn hello() -> Router {
    Router::new().route("/", get(|| async { "hello" }))
}

/// Asks until an answer says that it is the last; returns how many it got.
async fn hammer(mut client: Client<TcpStream>, answered: Arc<Semaphore>) -> usize {
    let mut own = 0;
    loop {
        client.send(&request("/")).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "hello"));
        own += 1;
        answered.add_permits(1);
        if answer.closes() {
            assert_eq!(client.rest().await, "");
            return own;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_no_request_is_lost() {
    for round in 1..=10 {
        let server = start(hello(), Settings::default()).await;
        let answered = Arc::new(Semaphore::new(0));
        let mut clients = Vec::new();
        for _ in 0..16 {
            let client = server.connect().await;
            clients.push(tokio::spawn(hammer(client, Arc::clone(&answered))));
        }
        let _enough = within(answered.acquire_many(100 * round)).await.unwrap();
        server.drain.start();
        for client in clients {
            assert!(within(client).await.unwrap() > 0);
        }
        let address = server.address;
        assert_eq!(server.end().await, Drained { cut: 0 });
        assert!(
            TcpStream::connect(address).await.is_err(),
            "still listening"
        );
    }
}

#[tokio::test]
async fn an_idle_connection_gets_one_more_answer() {
    let server = start(hello(), Settings::default()).await;
    let mut used = server.connect().await;
    used.get("/").await;
    let mut fresh = server.connect().await;
    let mut begun = server.connect().await;
    begun.send("GET / HT").await;
    used.get("/").await;
    server.drain.start();
    begun.send("TP/1.1\r\nhost: edge\r\n\r\n").await;
    for client in [&mut fresh, &mut used] {
        client.send(&request("/")).await;
    }
    for mut client in [used, fresh, begun] {
        let answer = client.answer().await;
        assert_eq!((answer.body.as_str(), answer.closes()), ("hello", true));
        assert_eq!(client.rest().await, "");
    }
    assert_eq!(server.end().await, Drained { cut: 0 });
}

#[tokio::test]
async fn idle_connections_are_closed_after_the_grace() {
    let drain_grace = Duration::from_millis(200);
    let server = start(
        hello(),
        Settings {
            drain_grace,
            ..Settings::default()
        },
    )
    .await;
    let mut used = server.connect().await;
    used.get("/").await;
    let mut fresh = server.connect().await;
    server.drain.start();
    assert_eq!(used.rest().await, "");
    assert_eq!(fresh.rest().await, "");
    assert_eq!(server.end().await, Drained { cut: 0 });
}

#[tokio::test]
async fn a_request_that_runs_is_finished() {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let gates = (Arc::clone(&entered), Arc::clone(&release));
    let handler = move || async move {
        gates.0.notify_one();
        let _permit = gates.1.acquire().await.unwrap();
        "finished"
    };
    let drain_grace = Duration::from_millis(50);
    let settings = Settings {
        drain_grace,
        ..Settings::default()
    };
    let server = start(Router::new().route("/", get(handler)), settings).await;
    let mut client = server.connect().await;
    client.send(&request("/")).await;
    within(entered.notified()).await;
    server.drain.start();
    assert!(
        tokio::time::timeout(Duration::from_millis(300), client.answer())
            .await
            .is_err()
    );
    release.add_permits(1);
    let answer = client.answer().await;
    assert_eq!((answer.body.as_str(), answer.closes()), ("finished", true));
    assert_eq!(server.end().await, Drained { cut: 0 });
}

#[tokio::test]
async fn what_does_not_end_is_cut_at_the_deadline() {
    let entered = Arc::new(Notify::new());
    let gate = Arc::clone(&entered);
    let handler = move || async move {
        gate.notify_one();
        std::future::pending::<()>().await;
    };
    let drain_timeout = Duration::from_millis(200);
    let settings = Settings {
        drain_timeout,
        ..Settings::default()
    };
    let server = start(Router::new().route("/", get(handler)), settings).await;
    let mut client = server.connect().await;
    client.send(&request("/")).await;
    within(entered.notified()).await;
    server.drain.start();
    assert_eq!(client.rest().await, "");
    assert_eq!(server.end().await, Drained { cut: 1 });
}

#[tokio::test]
async fn connections_in_the_backlog_are_answered() {
    let server = start(
        hello(),
        Settings {
            connections_max: 1,
            ..Settings::default()
        },
    )
    .await;
    let mut holder = server.connect().await;
    holder.get("/").await;
    let mut waiting = Vec::new();
    for _ in 0..10 {
        let mut client = server.connect().await;
        client.send(&request("/")).await;
        waiting.push(client);
    }
    server.drain.start();
    for mut client in waiting {
        let answer = client.answer().await;
        assert_eq!((answer.body.as_str(), answer.closes()), ("hello", true));
    }
    assert!(holder.get("/").await.closes());
    assert_eq!(server.end().await, Drained { cut: 0 });
}
