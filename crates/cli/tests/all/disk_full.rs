//! A full disk: decisions go on, nothing new is kept, and power can still be taken away.

use serde_json::{Value, json};

use crate::directory::Directory;
use crate::http::{get, send};
use crate::program::{Server, run_inside, until};
use crate::small_disk::SmallDisk;

const MEGABYTES: u32 = 40;
const LISTEN: [&str; 2] = ["--listen", "127.0.0.1:0"];
const BALLAST_BYTES: &str = "16777216";
/// Keys that are revoked while nothing fits.
const REVOKED: usize = 40;
/// More than fit into what SQLite has taken before.
const CREATES_MOST: usize = 5_000;

#[tokio::test]
async fn a_full_disk_stops_what_is_new_and_no_revocation() {
    let directory = Directory::new();
    let Some(disk) = SmallDisk::mount(&directory, MEGABYTES).await else {
        eprintln!("skipped: nothing can be mounted here");
        return;
    };
    let server = Server::dev_inside(&directory, &disk.entry(), &LISTEN).await;
    assert_eq!(disk.shell("stat -c %s ballast").await.trim(), BALLAST_BYTES);
    let mut keys = Vec::new();
    for _ in 0..REVOKED {
        keys.push(create(&server).await.unwrap());
    }

    disk.shell("dd if=/dev/zero of=fill bs=4k 2>/dev/null")
        .await;
    let mut created = 0;
    let refused = loop {
        assert!(created < CREATES_MOST, "the disk is never full");
        match create(&server).await {
            Ok(_) => created += 1,
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused.0, 503, "{}", refused.1);
    assert_eq!(refused.1["error"]["reason"], "storage", "{}", refused.1);
    let told = refused.1["error"]["message"].as_str().unwrap();
    assert!(told.contains("disk") && told.contains("Revoking"), "{told}");

    for (id, key) in &keys {
        let leads = server.public("/demo/v1/leads");
        assert_eq!(get(&leads, key).await.status, 200, "decisions go on");
        let url = server.public(&format!("/api/keys/{id}"));
        let session = Some(server.text("/session_token"));
        let revoked = send("DELETE", &url, session, None).await.unwrap();
        assert_eq!(
            revoked.status,
            200,
            "{}\n{}",
            revoked.json(),
            server.stderr()
        );
        assert_eq!(&*get(&leads, key).await.reason(), "revoked");
    }
    assert_eq!(create(&server).await.unwrap_err().0, 503, "still full");

    disk.shell("rm fill").await;
    until(async || create(&server).await.ok()).await;
    assert_eq!(disk.shell("stat -c %s ballast").await.trim(), BALLAST_BYTES);
    server.kill().await;

    let server = Server::dev_inside(&directory, &disk.entry(), &LISTEN).await;
    for (_, key) in &keys {
        let refused = get(&server.public("/demo/v1/leads"), key).await;
        assert_eq!((refused.status, &*refused.reason()), (401, "revoked"));
    }
    server.kill().await;
    let data = directory.path("data");
    let chain = run_inside(&disk.entry(), &["audit", "verify", "--data", &data]).await;
    assert!(chain.done().starts_with("intact: "));
}

/// A new key, its id and text; the status and body of what is refused.
async fn create(server: &Server) -> Result<(String, String), (u16, Value)> {
    let body = json!({
        "name": "Key",
        "description": "d".repeat(200),
        "scopes": ["read:leads"],
    });
    let (url, session) = (server.public("/api/keys"), server.text("/session_token"));
    let answer = send("POST", &url, Some(session), Some(&body))
        .await
        .unwrap();
    let shown = answer.json();
    if answer.status != 201 {
        return Err((answer.status, shown));
    }
    let text = |member: &str| shown[member].as_str().unwrap().to_owned();
    Ok((text("id"), text("key")))
}
