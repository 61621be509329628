//! `/metrics`, for Prometheus.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::Reason;
use claviger_service::stripes::Striped;
use claviger_service::{App, Condition};
use http::header::CONTENT_TYPE;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use crate::state::Web;

const CONTENT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What this process counts: a counter for each reason, so that a decision costs one addition.
pub struct Metrics {
    registry: Registry,
    decisions: Arc<Striped<{ Reason::ALL.len() }>>,
    answers: Arc<Striped<5>>,
}

impl Metrics {
    /// The metrics of an application.
    pub fn new(app: &App) -> Self {
        let decisions = Arc::<Striped<_>>::default();
        let answers = Arc::<Striped<_>>::default();
        let mut registry = Registry::with_prefix("claviger");
        registry.register_collector(Box::new(Collector {
            app: app.clone(),
            decisions: Arc::clone(&decisions),
            answers: Arc::clone(&answers),
        }));
        Self {
            registry,
            decisions,
            answers,
        }
    }

    /// Counts a decision.
    pub fn decided(&self, reason: Reason) {
        self.decisions.add(reason as usize);
    }

    /// Counts an answer of a listener by its class: 2 for 2xx and so on.
    pub fn answered(&self, status: http::StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5);
        self.answers.add(class - 1);
    }
}

/// What Prometheus reads
#[utoipa::path(get, path = "/metrics", operation_id = "metrics",
    tag = "health",
    responses((status = 200, description = "OpenMetrics text", body = String)))]
pub async fn show(State(web): State<Web>) -> Response {
    let mut text = String::new();
    if encode(&mut text, &web.metrics().registry).is_err() {
        text.clear();
        let _ = write!(text, "# EOF");
    }
    ([(CONTENT_TYPE, CONTENT)], text).into_response()
}

/// Reads the counters when Prometheus asks.
struct Collector {
    app: App,
    decisions: Arc<Striped<{ Reason::ALL.len() }>>,
    answers: Arc<Striped<5>>,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Collector")
    }
}

impl prometheus_client::collector::Collector for Collector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let help = "Decisions by reason";
        let mut family = encoder.encode_descriptor("decisions", help, None, MetricType::Counter)?;
        for reason in Reason::ALL {
            let count = self.decisions.sum(reason as usize);
            if count > 0 {
                let labels = [("reason", reason.as_str())];
                ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
            }
        }
        let help = "Requests whose usage was not counted, because too much waited to be written";
        let uncounted = ConstCounter::new(self.app.usage().dropped());
        let counter = MetricType::Counter;
        let metric = encoder.encode_descriptor("usage_dropped", help, None, counter)?;
        uncounted.encode(metric)?;
        let help = "How often the disk of the database failed, or damage was found in its file";
        let errors = ConstCounter::new(self.app.disk_errors());
        let metric = encoder.encode_descriptor("disk_errors", help, None, counter)?;
        errors.encode(metric)?;
        let help = "Answers of the listeners by class of status";
        let mut family = encoder.encode_descriptor("answers", help, None, MetricType::Counter)?;
        for class in 0..5 {
            let labels = [("class", format!("{}xx", class + 1))];
            let count = self.answers.sum(class);
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        self.encode_gauges(&mut encoder)
    }
}

impl Collector {
    fn encode_gauges(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let verifier = self.app.verifier();
        let staleness = verifier
            .freshness()
            .staleness_millis(self.app.sources().both());
        let seconds = staleness.map_or(f64::INFINITY, |millis| {
            f64::from(u32::try_from(millis).unwrap_or(u32::MAX)) / 1_000.0
        });
        let index_size = i64::try_from(verifier.index().len()).unwrap_or(i64::MAX);
        let gauges = [
            (
                "epoch",
                "The epoch up to which changes are applied",
                verifier.freshness().epoch(),
            ),
            ("index_secrets", "Secrets in the resident index", index_size),
            (
                "storage_unsound",
                "1 while the disk of the database is full or fails, or its file is damaged",
                i64::from(self.app.condition() != Condition::Sound),
            ),
            (
                "clock_jump_milliseconds",
                "By how much the wall clock jumped, as long as nothing is issued because of it",
                self.app.sources().clock_jump().unwrap_or(0),
            ),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(value);
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            gauge.encode(metric)?;
        }
        let help = "Age of the last heartbeat; infinite when the lease has run out";
        let unit = Some(&Unit::Seconds);
        let metric = encoder.encode_descriptor("staleness", help, unit, MetricType::Gauge)?;
        ConstGauge::new(seconds).encode(metric)
    }
}
