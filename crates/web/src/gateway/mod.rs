//! The verifier over HTTP: `/v1/verify`, and one adapter for each kind of gateway. All render the
//! same decision.

pub mod http;
pub mod verify;

use claviger_model::ids::RequestId;
use claviger_service::decisions::{DecisionRecord, RequestFacts};
use claviger_verify::{Decision, Request};

use crate::state::Web;

/// Decides, counts, and keeps what has to be explained later.
pub(crate) fn decide(
    web: &Web,
    request: &Request<'_>,
    request_id: RequestId,
    always_keep: bool,
) -> Decision {
    let app = web.app();
    let now = app.sources().both();
    let decision = app.verifier().decide(request, now);
    web.metrics().decided(decision.reason);
    let recorder = app.decisions();
    if always_keep || recorder.wants(&decision) {
        let facts = RequestFacts {
            request_id,
            at: now.wall,
            ip: request.ip,
            method: request.method,
            path: request.path,
        };
        recorder.record(DecisionRecord::of(&decision, &facts));
    }
    decision
}
