//! What a good token may do, and what ends it.

use claviger_model::Reason;
use claviger_model::apis::SigningAlgorithm;
use claviger_verify::checks::Outcome;

use crate::issuer::{CLIENT, claims, client, published, signed};
use crate::support::{ASKED, Instance, NOW};

#[test]
fn a_good_token_of_each_algorithm_passes_with_every_check_asked() {
    let instance = Instance::with_client();
    for (number, algorithm) in [1, 2, 3].into_iter().zip(SigningAlgorithm::ALL) {
        assert_eq!(published(number).algorithm, algorithm);
        let token = signed(&claims(), number);
        for _ in 0..2 {
            let decision = instance.decide_text(&token, &ASKED);
            assert_eq!(decision.reason, Reason::Allowed, "{algorithm:?}");
            let mut checks = decision.checks.iter();
            assert!(checks.all(|(_, outcome)| outcome == Outcome::Passed));
            let entry = decision.credential.unwrap();
            assert_eq!(entry.identity.id(), CLIENT.to_string());
            assert_eq!(entry.identity.token_id(), Some(claims().jti));
        }
    }
    assert_eq!(instance.verifier.index().remembered_tokens(), 3);
}

#[test]
fn a_login_gives_the_client() {
    let instance = Instance::with_client();
    let secret = instance.put_client(&client(&["read:leads"]));
    let login = instance
        .verifier
        .authenticate_client(&CLIENT.to_string(), secret.expose(), NOW);
    assert_eq!(login.unwrap().client.id, CLIENT);
}
