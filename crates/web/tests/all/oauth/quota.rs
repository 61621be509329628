//! The quota of tokens in a UTC day: exact, told in headers, and not spent by what is refused.

use claviger_model::clients::QuotaMode;
use claviger_service::settings::{Settings, TokenSettings};
use futures_util::future::join_all;
use serde_json::json;

use super::client;
use crate::instance::{Instance, for_each_app, for_each_app_with};
use crate::requests::Answer;

const DAY_MILLIS: i64 = 86_400_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_at_once_against_a_quota_of_ten_are_ten_tokens() {
    for_each_app(async |instance| {
        start_of_day(instance).await;
        let client = client(instance, json!({"tokens_per_day": 10})).await;
        let asked = (0..64).map(|_| instance.send(client.form(&[])));
        let answers = join_all(asked).await;
        let given = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(given, 10);
        let mut left: Vec<u32> = answers
            .iter()
            .filter(|answer| answer.status == 200)
            .map(remaining)
            .collect();
        left.sort_unstable();
        assert_eq!(left, (0..10).collect::<Vec<_>>());
        for refused in answers.iter().filter(|answer| answer.status != 200) {
            exhausted(refused, 10);
        }
    })
    .await;
}

#[tokio::test]
async fn the_count_starts_anew_with_the_utc_day() {
    for_each_app(async |instance| {
        start_of_day(instance).await;
        let client = client(instance, json!({"tokens_per_day": 2})).await;
        let ask = async || instance.send(client.form(&[])).await;
        for left in [1, 0] {
            let answer = ask().await;
            answer.is(200);
            assert_eq!(remaining(&answer), left);
            assert_eq!(
                answer.header("ratelimit-policy"),
                "\"tokens-per-day\";q=2;w=86400"
            );
        }
        exhausted(&ask().await, 2);
        // Shortly before midnight in UTC it is the same day, and shortly after it the next.
        let since_midnight = instance.now() % DAY_MILLIS;
        instance.pass(DAY_MILLIS - since_midnight - 60_000).await;
        exhausted(&ask().await, 2);
        instance.pass(60_000).await;
        let answer = ask().await;
        answer.is(200);
        assert_eq!(remaining(&answer), 1);
    })
    .await;
}

#[tokio::test]
async fn what_is_refused_does_not_count() {
    for_each_app(async |instance| {
        start_of_day(instance).await;
        let client = client(instance, json!({"tokens_per_day": 1})).await;
        for refused in [
            &[("scope", "no:such")][..],
            &[("audience", "https://nowhere.test")],
            &[("client_assertion", "x")],
        ] {
            let answer = instance.send(client.form(refused)).await;
            assert_eq!(answer.status, 400, "{answer:?}");
            assert!(!answer.headers.contains_key("ratelimit"));
        }
        assert_eq!(remaining(&instance.send(client.form(&[])).await), 0);
    })
    .await;
}

#[tokio::test]
async fn a_quota_may_be_observed_only_and_may_be_the_instances() {
    let settings = Settings {
        tokens: TokenSettings {
            per_day: Some(2),
            quota_mode: QuotaMode::Observe,
            ..TokenSettings::default()
        },
        ..Settings::default()
    };
    for_each_app_with(&settings, async |instance| {
        start_of_day(instance).await;
        let observed = client(instance, json!({})).await;
        for left in [1, 0, 0, 0] {
            let answer = instance.send(observed.form(&[])).await;
            answer.is(200);
            assert_eq!(remaining(&answer), left);
        }
        let settings = json!({"tokens_per_day": 1, "quota_mode": "enforce"});
        let enforced = client(instance, settings).await;
        instance.send(enforced.form(&[])).await.is(200);
        exhausted(&instance.send(enforced.form(&[])).await, 1);
    })
    .await;
}

#[tokio::test]
async fn without_a_quota_there_are_no_headers_of_one() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let answer = instance.send(client.form(&[])).await;
        answer.is(200);
        assert!(!answer.headers.contains_key("ratelimit"));
        assert!(!answer.headers.contains_key("ratelimit-policy"));
    })
    .await;
}

/// Takes the clock to shortly after midnight in UTC, so that no test sees a day end.
async fn start_of_day(instance: &Instance) {
    let since = instance.now() % DAY_MILLIS;
    instance.pass(DAY_MILLIS - since + 60_000).await;
}

/// The tokens that are left, by the header.
fn remaining(answer: &Answer) -> u32 {
    let told = answer.header("ratelimit");
    let state = told.strip_prefix("\"tokens-per-day\";r=").expect("a state");
    let (left, seconds) = state.split_once(";t=").expect("a reset");
    let seconds: u32 = seconds.parse().expect("seconds");
    assert!((1..=86_400).contains(&seconds), "{told}");
    left.parse().expect("a number")
}

#[track_caller]
fn exhausted(answer: &Answer, limit: u32) {
    let told = answer.oauth_error(429, "quota_exhausted");
    for part in ["until it expires", "UTC"] {
        assert!(told.contains(part), "{told}");
    }
    assert_eq!(remaining(answer), 0);
    let policy = format!("\"tokens-per-day\";q={limit};w=86400");
    assert_eq!(answer.header("ratelimit-policy"), policy);
    let seconds: u32 = answer.header("retry-after").parse().expect("seconds");
    assert!((1..=86_400).contains(&seconds), "{seconds}");
}
