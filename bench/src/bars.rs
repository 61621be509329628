//! What is asked of a figure, and the figure.

use std::fmt;

/// What a figure has to be at least or at most.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

/// What a figure is of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    /// So many times another figure of the same run.
    Times,
    Nanos,
    Millis,
    Seconds,
    Bytes,
    Percent,
    Count,
}

/// What is asked of one figure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bar {
    pub(crate) name: &'static str,
    pub(crate) unit: Unit,
    pub(crate) limit: Limit,
}

/// What was measured.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) unit: Unit,
    pub(crate) value: f64,
    pub(crate) limit: Option<Limit>,
    /// What it was made of.
    pub(crate) detail: String,
}

impl Bar {
    /// A bar that the figure has to reach.
    pub(crate) const fn at_least(name: &'static str, unit: Unit, value: f64) -> Self {
        Self {
            name,
            unit,
            limit: Limit::AtLeast(value),
        }
    }

    /// A bar that the figure must not exceed.
    pub(crate) const fn at_most(name: &'static str, unit: Unit, value: f64) -> Self {
        Self {
            name,
            unit,
            limit: Limit::AtMost(value),
        }
    }

    /// The figure that it is for.
    pub(crate) fn figure(&self, value: f64, detail: impl Into<String>) -> Figure {
        Figure {
            limit: Some(self.limit),
            ..Figure::of(self.name, self.unit, value, detail)
        }
    }
}

impl Figure {
    /// A figure that has no bar.
    pub(crate) fn of(
        name: impl Into<String>,
        unit: Unit,
        value: f64,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            unit,
            value,
            limit: None,
            detail: detail.into(),
        }
    }

    /// Whether its bar is met; none where it has none.
    pub(crate) fn is_met(&self) -> Option<bool> {
        // What could not be computed meets nothing.
        self.limit.map(|limit| match limit {
            Limit::AtLeast(bar) => self.value >= bar,
            Limit::AtMost(bar) => self.value <= bar,
        })
    }
}

impl Unit {
    /// A figure of this unit, as it is printed.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Self::Times => format!("{value:.2}x"),
            Self::Nanos => format!("{value:.0} ns"),
            Self::Millis => format!("{value:.2} ms"),
            Self::Seconds => format!("{value:.2} s"),
            Self::Bytes => format!("{value:.0} B"),
            Self::Percent => format!("{value:.1}%"),
            Self::Count => format!("{value:.0}"),
        }
    }
}

impl Limit {
    /// The bar, as it is printed.
    pub(crate) fn show(self, unit: Unit) -> String {
        match self {
            Self::AtLeast(value) => format!(">= {}", unit.show(value)),
            Self::AtMost(value) => format!("<= {}", unit.show(value)),
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bar = self.limit.map(|limit| limit.show(self.unit));
        let met = match self.is_met() {
            Some(true) => "met",
            Some(false) => "NOT MET",
            None => "",
        };
        write!(
            f,
            "{:<62} {:>12} {:>12}  {met:<7}  {}",
            self.name,
            self.unit.show(self.value),
            bar.unwrap_or_default(),
            self.detail
        )
    }
}
