use std::time::Duration;

use claviger_model::time::DAY_MILLIS;
use claviger_service::decisions::{DecisionFilter, DecisionRecord, RequestFacts, page};
use claviger_service::jobs;
use claviger_service::testing::for_each_app;
use claviger_verify::possession::Sent;
use claviger_verify::{Request, Target};

#[tokio::test]
async fn what_is_over_is_forgotten() {
    for_each_app(async |test| {
        let now = test.app.sources().both();
        let request = Request {
            credential: None,
            target: Target::Default,
            environment: None,
            method: None,
            path: None,
            scopes: &[],
            ip: None,
            sent: Sent::BEARER,
        };
        let facts = RequestFacts {
            request_id: test.app.sources().request_id(),
            at: now.wall,
            ip: None,
            method: None,
            path: None,
        };
        let decision = test.app.verifier().decide(&request, now);
        test.app
            .decisions()
            .record(DecisionRecord::of(&decision, &facts));
        let everything = test.operator.evidence().unwrap();
        let kept = async || {
            let all = DecisionFilter::default();
            page(&test.app, &everything, &all, None, 10)
                .await
                .unwrap()
                .decisions
                .len()
        };
        assert_eq!(kept().await, 1);
        assert!(!test.app.verifier().index().is_empty());

        test.app.sources().shift_wall_clock(9 * DAY_MILLIS);
        let jobs = jobs::start(test.app.clone());
        let emptied = async {
            while kept().await > 0 || !test.app.verifier().index().is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), emptied)
            .await
            .unwrap();
        jobs.stop().await;
    })
    .await;
}
