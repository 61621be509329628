//! Charts: drawn as SVG by the server, in the colour of the text around them, each with the table
//! of what it shows.

/// The width of a chart in its own units; on the page it is as wide as there is room.
const WIDTH: usize = 600;
/// The height of a chart.
const HEIGHT: usize = 120;
/// The width of a sparkline.
const SPARK_WIDTH: usize = 96;
/// The height of a sparkline, without the line's own breadth.
const SPARK_HEIGHT: usize = 20;

/// One step of what is charted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// Which one, such as "22 November" or "14:00".
    pub label: String,
    /// How many.
    pub count: i64,
}

/// A chart of bars over time, with its table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chart {
    /// What it shows, such as "Refusals".
    pub title: String,
    /// What a step is called in the head of the table, such as "Day".
    pub step_name: &'static str,
    /// All of it in one sentence, for those who do not see it.
    pub summary: String,
    /// The bars.
    pub bars: Vec<Bar>,
    /// What the upper line stands for.
    pub top: String,
    /// What the line in the middle stands for.
    pub middle: String,
    /// The label of the first step.
    pub first: String,
    /// The label of the last step.
    pub last: String,
}

/// One bar: its place in the drawing and what it stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bar {
    /// From the left.
    pub x: usize,
    /// From above.
    pub y: usize,
    /// How broad.
    pub width: usize,
    /// How high.
    pub height: usize,
    /// Which step.
    pub label: String,
    /// How many.
    pub count: String,
}

/// A line without axes for a cell of a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sparkline {
    /// The path of the line.
    pub path: String,
    /// What it shows, in words.
    pub summary: String,
}

impl Chart {
    /// A chart of these steps; none when there is nothing in any of them.
    pub fn of(title: &str, step_name: &'static str, steps: &[Step]) -> Option<Self> {
        let most = steps.iter().max_by_key(|step| step.count)?;
        if most.count <= 0 {
            return None;
        }
        let total: i64 = steps.iter().map(|step| step.count).sum();
        let top = ceiling(most.count);
        let slot = (WIDTH / steps.len()).max(1);
        let gap = if slot > 6 { slot / 5 } else { 0 };
        let bar = |(position, step): (usize, &Step)| {
            let height = scaled(step.count, top, HEIGHT);
            Bar {
                x: position * WIDTH / steps.len() + gap / 2,
                y: HEIGHT - height,
                width: slot - gap,
                height,
                label: step.label.clone(),
                count: told(step.count),
            }
        };
        let label = |step: Option<&Step>| step.map(|step| step.label.clone()).unwrap_or_default();
        Some(Self {
            title: title.to_owned(),
            step_name,
            summary: format!(
                "{title}: {} in all, most of them, {}, in the step {}.",
                told(total),
                told(most.count),
                most.label
            ),
            bars: steps.iter().enumerate().map(bar).collect(),
            top: told(top),
            middle: told(top / 2),
            first: label(steps.first()),
            last: label(steps.last()),
        })
    }
}

impl Sparkline {
    /// A line through these counts, the oldest first; none when there is nothing in any of them.
    /// `span` says over which time, such as "30 days", `things` what is counted.
    pub fn of(counts: &[i64], span: &str, things: &str) -> Option<Self> {
        let most = counts.iter().copied().max().filter(|most| *most > 0)?;
        let last = counts.len().saturating_sub(1).max(1);
        let point = |(position, count): (usize, &i64)| {
            let x = position * SPARK_WIDTH / last;
            let y = 2 + SPARK_HEIGHT - scaled(*count, most, SPARK_HEIGHT);
            format!("{x} {y}")
        };
        let points: Vec<String> = counts.iter().enumerate().map(point).collect();
        let total: i64 = counts.iter().sum();
        Some(Self {
            path: format!("M{}", points.join(" ")),
            summary: format!("{span}: {} {things}", told(total)),
        })
    }
}

/// A count with its thousands apart, such as 14,200.
pub fn told(count: i64) -> String {
    let digits = count.unsigned_abs().to_string();
    let mut told = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            told.push(',');
        }
        told.push(digit);
    }
    if count < 0 { format!("-{told}") } else { told }
}

/// The least of 2, 4, 10, 20, 40, 100 and so on that is not below `most`: its half is whole.
fn ceiling(most: i64) -> i64 {
    let mut decade = 1_i64;
    loop {
        for factor in [2, 4, 10] {
            let ceiling = decade.saturating_mul(factor);
            if ceiling >= most {
                return ceiling;
            }
        }
        decade = decade.saturating_mul(10);
    }
}

/// How high a count is where `top` is `height`; what is there at all can be seen.
fn scaled(count: i64, top: i64, height: usize) -> usize {
    let (count, top) = (count.max(0).unsigned_abs(), top.max(1).unsigned_abs());
    let scaled = u128::from(count) * height as u128 / u128::from(top);
    let scaled = usize::try_from(scaled).unwrap_or(height).min(height);
    if count > 0 { scaled.max(1) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(counts: &[i64]) -> Vec<Step> {
        let step = |(hour, count): (usize, &i64)| Step {
            label: format!("{hour}:00"),
            count: *count,
        };
        counts.iter().enumerate().map(step).collect()
    }

    #[test]
    fn bars_stand_side_by_side_and_reach_no_further_than_the_top() {
        let chart = Chart::of("Refusals", "Hour", &steps(&[0, 1, 1_500])).expect("a chart");
        assert_eq!(
            (chart.top.as_str(), chart.middle.as_str()),
            ("2,000", "1,000")
        );
        let heights: Vec<_> = chart.bars.iter().map(|bar| bar.height).collect();
        assert_eq!(heights, [0, 1, 90]);
        for bar in &chart.bars {
            assert_eq!(bar.y + bar.height, HEIGHT);
            assert!(bar.x + bar.width <= WIDTH);
        }
        assert_eq!(
            (chart.first.as_str(), chart.last.as_str()),
            ("0:00", "2:00")
        );
        let summary = "Refusals: 1,501 in all, most of them, 1,500, in the step 2:00.";
        assert_eq!(chart.summary, summary);
    }

    #[test]
    fn nothing_makes_no_chart() {
        assert_eq!(Chart::of("Refusals", "Hour", &[]), None);
        assert_eq!(Chart::of("Refusals", "Hour", &steps(&[0, 0])), None);
        assert_eq!(Sparkline::of(&[0, 0], "30 days", "requests"), None);
        assert_eq!(Sparkline::of(&[], "30 days", "requests"), None);
    }

    #[test]
    fn a_sparkline_begins_at_the_left_and_ends_at_the_right() {
        let line = Sparkline::of(&[0, 5, 10], "30 days", "requests").expect("a line");
        assert_eq!(line.path, "M0 22 48 12 96 2");
        assert_eq!(line.summary, "30 days: 15 requests");
        assert!(Sparkline::of(&[3], "30 days", "requests").is_some());
    }

    #[test]
    fn ceilings_have_whole_halves() {
        for (most, expected) in [
            (1, 2),
            (2, 2),
            (3, 4),
            (5, 10),
            (11, 20),
            (21, 40),
            (41, 100),
        ] {
            assert_eq!(ceiling(most), expected);
        }
        assert!(ceiling(i64::MAX) > 0);
        assert_eq!(told(-1_234_567), "-1,234,567");
    }
}
