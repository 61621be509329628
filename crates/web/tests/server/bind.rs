use claviger_web::server::bind;

#[tokio::test]
async fn a_port_in_use_is_named_with_what_to_do() {
    let first = bind("127.0.0.1:0", "--listen").await.unwrap();
    let address = first.local_address();
    assert_ne!(address.port(), 0);
    let error = bind(&address.to_string(), "--listen or listen.public")
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {address}: the port is in use")
    );
    assert_eq!(
        error.hint(),
        "stop the program that has the port, or choose another with --listen or listen.public"
    );
}

#[tokio::test]
async fn what_is_not_an_address_is_named() {
    for (address, problem) in [
        ("nonsense", "it is not an address and a port"),
        ("127.0.0.1", "it is not an address and a port"),
        ("127.0.0.1:99999", "it is not an address and a port"),
        ("192.0.2.1:8080", "this machine does not have that address"),
    ] {
        let error = bind(address, "--listen").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot listen on {address}: {problem}")
        );
        assert!(error.hint().contains("--listen"));
    }
}

#[tokio::test]
async fn a_name_with_a_port_is_looked_up() {
    let bound = bind("localhost:0", "--listen").await.unwrap();
    assert!(bound.local_address().ip().is_loopback());
}
