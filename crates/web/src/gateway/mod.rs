//! The verifier over HTTP: `/v1/verify`, and one adapter for each kind of gateway. All render the
//! same decision.

pub mod front;
pub mod http;
pub mod verify;

use claviger_model::Reason;
use claviger_model::ids::RequestId;
use claviger_service::App;
use claviger_service::decisions::{DecisionRecord, RequestFacts};
use claviger_service::imports::{self, Tried};
use claviger_service::usage::Where;
use claviger_verify::checks::Checks;
use claviger_verify::{Decision, Now, Request};

use crate::state::Web;

/// What is told of a request beside what is decided from.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// Its id.
    pub(crate) request_id: RequestId,
    /// When it is decided.
    pub(crate) now: Now,
    /// The `User-Agent` header of whoever sent it.
    pub(crate) user_agent: Option<&'a str>,
    /// Whether the decision is kept whatever the load.
    pub(crate) always_keep: bool,
}

impl<'a> Asked<'a> {
    /// A request that is decided now, kept if there is room.
    pub(crate) fn now(web: &Web, user_agent: Option<&'a str>) -> Self {
        let sources = web.app().sources();
        let now = sources.both();
        Self {
            request_id: sources.request_id_at(now.wall),
            now,
            user_agent,
            always_keep: false,
        }
    }
}

/// Decides, counts, and keeps what has to be explained later.
pub(crate) async fn decide(web: &Web, request: &Request<'_>, asked: Asked<'_>) -> Decision {
    let app = web.app();
    let now = asked.now;
    let mut decision = app.verifier().decide(request, now);
    if decision.reason == Reason::InvalidCredential {
        // Boxed: the room for it is not each decision's.
        decision = Box::pin(tried(app, request, decision)).await;
    }
    if let (Some(entry), Some(credential)) = (&decision.credential, request.credential) {
        imports::note_use(app, entry, credential);
    }
    web.metrics().decided(decision.reason);
    let seen = Where {
        at: now.wall,
        ip: request.ip,
        user_agent: asked.user_agent,
    };
    app.usage().decided(&decision, request.scopes, seen);
    let recorder = app.decisions();
    if asked.always_keep || recorder.wants(&decision, now.boot_nanos) {
        let facts = RequestFacts {
            request_id: asked.request_id,
            at: now.wall,
            ip: request.ip,
            method: request.method,
            path: request.path,
        };
        recorder.record(DecisionRecord::of(&decision, &facts));
    }
    decision
}

/// What was refused as unknown may be a key that was made elsewhere and has to be tried. One for
/// which there is no time now is not refused: whoever sent it would throw a good key away.
async fn tried(app: &App, request: &Request<'_>, refused: Decision) -> Decision {
    let Some(credential) = request.credential else {
        return refused;
    };
    match imports::try_slow(app, credential, request.ip).await {
        Tried::Wrong => refused,
        Tried::Right => app.verifier().decide(request, app.sources().both()),
        Tried::Busy => Decision {
            reason: Reason::Stale,
            checks: Checks::default(),
            note: None,
            ..refused
        },
    }
}
