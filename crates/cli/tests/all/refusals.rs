//! What stops a server from starting, in words that say what to do.

use crate::directory::Directory;
use crate::program::{Ran, Server, run, run_with};

async fn dev(data: &str) -> Ran {
    let listen = [
        "--listen",
        "127.0.0.1:0",
        "--internal-listen",
        "127.0.0.1:0",
    ];
    run(&[&["dev", "--json", "--data", data], &listen[..]].concat()).await
}

fn refused(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, code, "{ran:?}");
    assert_eq!(ran.stdout, "", "nothing on standard output");
    for word in words {
        assert!(ran.stderr.contains(word), "no {word:?} in {ran:?}");
    }
}

#[tokio::test]
async fn a_wrong_or_missing_master_key() {
    let directory = Directory::new();
    Server::dev(&directory).await.stop().await;
    let (data, key) = (directory.path("data"), directory.path("data/master.key"));
    let right = std::fs::read_to_string(&key).unwrap();

    let other = format!("claviger-master-key:1:{}\n", "7".repeat(64));
    std::fs::write(&key, other).unwrap();
    refused(
        &dev(&data).await,
        1,
        &["not the one that this database was made with", "hint: "],
    );
    std::fs::write(&key, "nonsense\n").unwrap();
    refused(&dev(&data).await, 2, &["master_key.file", "line 1"]);
    std::fs::remove_file(&key).unwrap();
    refused(&dev(&data).await, 2, &["master_key.file", "cannot be read"]);

    std::fs::write(&key, right).unwrap();
    Server::dev(&directory).await.stop().await;
}

#[tokio::test]
async fn a_second_server_on_the_same_data() {
    let directory = Directory::new();
    let _server = Server::dev(&directory).await;
    let words = [
        "another claviger server is running on this data",
        "hint: stop the other server",
    ];
    refused(&dev(&directory.path("data")).await, 6, &words);
}

#[tokio::test]
async fn a_reset_under_a_running_server() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let data = directory.path("data");
    let listen = [
        "--listen",
        "127.0.0.1:0",
        "--internal-listen",
        "127.0.0.1:0",
    ];
    let ran = run(&[&["dev", "--reset", "--data", &data], &listen[..]].concat()).await;
    refused(
        &ran,
        6,
        &["another claviger server is running", "hint: stop it first"],
    );
    let leads = server.public("/demo/v1/leads");
    assert_eq!(
        crate::http::get(&leads, server.text("/live_key"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_directory_that_dev_did_not_make() {
    let directory = Directory::new();
    let data = directory.path("data");
    let email = ["--operator-email", "root@example.com"];
    run(&[&["init", "--data", &data], &email[..]].concat())
        .await
        .done();
    let before = crate::directory::files(directory.root()).len();
    let listen = [
        "--listen",
        "127.0.0.1:0",
        "--internal-listen",
        "127.0.0.1:0",
    ];
    for more in [&[][..], &["--reset"][..]] {
        let ran = run(&[&["dev", "--data", &data], &listen[..], more].concat()).await;
        refused(
            &ran,
            6,
            &[
                "holds an instance that `claviger dev` did not make",
                "hint: ",
            ],
        );
    }
    assert_eq!(
        crate::directory::files(directory.root()).len(),
        before,
        "nothing was touched"
    );
}

#[tokio::test]
async fn a_directory_that_cannot_be_written() {
    let directory = Directory::new();
    let file = directory.write("file", "");
    refused(&dev(&file).await, 1, &["cannot be read", "hint: "]);
    refused(&dev(&format!("{file}/below")).await, 1, &["hint: "]);
    // Nobody, not even root, makes a directory there.
    let ran = dev("/proc/claviger").await;
    assert_ne!(ran.code, 0);
    refused(
        &ran,
        ran.code,
        &[
            "/proc/claviger",
            "hint: name a place where this user may write",
        ],
    );
}

#[tokio::test]
async fn a_port_that_is_in_use() {
    let directory = Directory::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = directory.path("data");
    let ran = run(&["dev", "--data", &data, "--listen", &address]).await;
    let words = [
        "cannot listen on",
        "the port is in use",
        "hint: ",
        "--listen",
    ];
    refused(&ran, 6, &words);
    assert!(!std::path::Path::new(&data).exists(), "nothing was made");
}

#[tokio::test]
async fn an_internal_listener_that_others_reach() {
    let directory = Directory::new();
    let data = directory.path("data");
    let ran = run(&[
        "dev",
        "--data",
        &data,
        "--listen",
        "127.0.0.1:0",
        "--internal-listen",
        "0.0.0.0:0",
    ]);
    refused(&ran.await, 2, &["open to others", "hint: choose 127.0.0.1"]);
    let config = directory.write(
        "claviger.toml",
        "[server]\npublic_listen = \"127.0.0.1:0\"\ninternal_listen = \"0.0.0.0:0\"\n",
    );
    let ran = run(&["serve", "--config", &config]).await;
    refused(
        &ran,
        2,
        &[
            "claviger.toml: ",
            "internal.token_file",
            "not a loopback address",
        ],
    );
}

#[tokio::test]
async fn an_unknown_option_is_named_with_its_line() {
    let directory = Directory::new();
    let config = directory.write("claviger.toml", "[server]\n\nlisten = \"127.0.0.1:0\"\n");
    let ran = run(&["serve", "--config", &config]).await;
    refused(
        &ran,
        2,
        &["claviger.toml:3:1: server.listen is no key", "hint: "],
    );
    let ran = run(&["check", "--config", &config]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.contains("claviger.toml:3:1"), "{ran:?}");
}

#[tokio::test]
async fn arguments_that_do_not_exist() {
    for arguments in [
        &["key", "list", "--nonsense"][..],
        &["nonsense"],
        &["key", "create"],
    ] {
        assert_eq!(run(arguments).await.code, 2, "{arguments:?}");
    }
    let ran = run_with(&["key", "list", "--data", "/nowhere"], "", &[]).await;
    refused(&ran, 3, &["there is no data directory /nowhere", "hint: "]);
}
