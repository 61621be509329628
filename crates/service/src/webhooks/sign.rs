//! Signatures as Standard Webhooks 1.0 says: `v1,` and the base64 of the HMAC-SHA-256 of
//! `id.timestamp.body`, for each secret that signs.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claviger_model::UnixMillis;
use claviger_model::ids::{EventId, WebhookId};
use claviger_model::secret::Plaintext;
use zeroize::Zeroizing;

/// What secrets start with where people see them.
const PREFIX: &str = "whsec_";

/// To what the encrypted secret of a webhook is bound.
pub(super) fn context(id: WebhookId) -> String {
    format!("webhook secret {id}")
}

/// A secret as it is shown.
pub(super) fn shown(key: &[u8]) -> Plaintext {
    let text = Zeroizing::new(STANDARD.encode(key));
    Plaintext::restore(format!("{PREFIX}{}", text.as_str()))
}

/// The headers of a message.
pub(super) fn headers(
    keys: &[Zeroizing<Vec<u8>>],
    id: EventId,
    at: UnixMillis,
    body: &str,
) -> [(&'static str, String); 3] {
    let seconds = at.0.div_euclid(1_000);
    let signed = format!("{id}.{seconds}.{body}");
    let signatures = keys.iter().map(|key| signature(key, &signed));
    [
        ("webhook-id", id.to_string()),
        ("webhook-timestamp", seconds.to_string()),
        (
            "webhook-signature",
            signatures.collect::<Vec<String>>().join(" "),
        ),
    ]
}

/// The signature of `id.timestamp.body`.
fn signature(key: &[u8], signed: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let tag = hmac::sign(&key, signed.as_bytes());
    format!("v1,{}", STANDARD.encode(tag.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification, whose id is not one of ours.
    #[test]
    fn the_example_of_the_specification_is_signed_as_there() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = "{\"test\": 2432232314}";
        let signed = format!("msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{body}");
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signature(&key, &signed), expected);
    }

    #[test]
    fn every_secret_signs_the_same_bytes() {
        let keys = [Zeroizing::new(vec![1; 32]), Zeroizing::new(vec![2; 32])];
        let id = EventId::new(UnixMillis(5), &[1; 10]);
        let [(_, shown), (_, seconds), (_, both)] = headers(&keys, id, UnixMillis(1_999), "{}");
        assert_eq!((shown, seconds.as_str()), (id.to_string(), "1"));
        let [_, _, (_, first)] = headers(&keys[..1], id, UnixMillis(1_000), "{}");
        let [_, _, (_, second)] = headers(&keys[1..], id, UnixMillis(1_000), "{}");
        assert_eq!(both, format!("{first} {second}"));
        assert_ne!(first, second);
        assert!(shown_text(&keys[0]).starts_with("whsec_AQEB"));
    }

    fn shown_text(key: &[u8]) -> String {
        shown(key).expose().to_owned()
    }
}
