//! Line charts with two axes, as SVG for an HTML page.

use std::fmt::{self, Display, Formatter};

use super::escaped::Escaped;

/// Size of the chart, SVG units.
const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 320.0;
/// Margins for labels.
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 50.0;
/// About as many grid lines are easy to read.
const TICKS: f64 = 6.0;

/// A line chart.
pub(super) struct Plot {
    /// The unique id in the page.
    pub(super) id: &'static str,
    /// The title.
    pub(super) title: &'static str,
    /// The description for screen readers.
    pub(super) about: &'static str,
    /// The horizontal axis.
    pub(super) x: Axis,
    /// The vertical axis.
    pub(super) y: Axis,
    /// The lines. Three colors distinguish them.
    pub(super) lines: Vec<Line>,
}

/// One line.
pub(super) struct Line {
    name: &'static str,
    points: Vec<(f64, f64)>,
}

impl Line {
    /// Returns a line through `points` in their order.
    pub(super) fn new(name: &'static str, points: Vec<(f64, f64)>) -> Self {
        Self { name, points }
    }
}

/// An axis with its label.
pub(super) struct Axis {
    label: &'static str,
    scale: Scale,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scale {
    Linear,
    Logarithmic,
    /// Values are the number of nines of a percentile.
    Nines,
}

impl Axis {
    /// Returns an axis that starts at 0.
    pub(super) fn linear(label: &'static str) -> Self {
        Self { label, scale: Scale::Linear }
    }

    /// Returns a logarithmic axis.
    pub(super) fn logarithmic(label: &'static str) -> Self {
        Self { label, scale: Scale::Logarithmic }
    }

    /// Returns an axis of percentiles on which 90, 99 and 99.9 are equally spaced.
    pub(super) fn percentiles(label: &'static str) -> Self {
        Self { label, scale: Scale::Nines }
    }

    /// Returns a value in the units of the scale. Returns `None` if the scale does not contain it.
    fn position(&self, value: f64) -> Option<f64> {
        match self.scale {
            Scale::Linear | Scale::Nines => Some(value),
            Scale::Logarithmic => (value > 0.0).then(|| value.log10()),
        }
    }

    /// Returns the range of all `values` in the units of the scale.
    fn range(&self, values: impl Iterator<Item = f64>) -> (f64, f64) {
        let placed = values.filter_map(|value| self.position(value));
        let (low, high) = placed.fold((f64::MAX, f64::MIN), |(low, high), at| (low.min(at), high.max(at)));
        match self.scale {
            _ if low > high => (0.0, 1.0),
            Scale::Linear | Scale::Nines => (0.0, if high > 0.0 { high } else { 1.0 }),
            Scale::Logarithmic => (low.floor(), high.ceil().max(low.floor() + 1.0)),
        }
    }

    /// Returns the grid lines in a range: positions and labels.
    fn ticks(&self, (low, high): (f64, f64)) -> Vec<(f64, String)> {
        let step = match self.scale {
            Scale::Linear => linear_step(high - low),
            Scale::Logarithmic | Scale::Nines => 1.0,
        };
        let count = ((high - low) / step + 1e-9).floor() as u32;
        let label = |at: f64| match self.scale {
            Scale::Linear => at,
            Scale::Logarithmic => 10_f64.powf(at),
            Scale::Nines => 100.0 - 100.0 * 10_f64.powf(-at),
        };
        // Sums of tenths are not exact.
        let rounded = |value: f64| (value * 1e6).round() / 1e6;
        (0..=count).map(|n| low + f64::from(n) * step).map(|at| (at, rounded(label(at)).to_string())).collect()
    }
}

/// Returns 1, 2 or 5 times a power of ten, so that `length` has about [`TICKS`] steps.
fn linear_step(length: f64) -> f64 {
    let rough = length / TICKS;
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= rough);
    factor.unwrap_or(10.0) * power
}

impl Display for Plot {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { id, title, about, x, y, lines } = self;
        let points = || lines.iter().flat_map(|line| &line.points);
        let (across, up) = (x.range(points().map(|point| point.0)), y.range(points().map(|point| point.1)));
        let right = |at: f64| LEFT + (at - across.0) / (across.1 - across.0) * (WIDTH - LEFT - RIGHT);
        let height = |at: f64| HEIGHT - BOTTOM - (at - up.0) / (up.1 - up.0) * (HEIGHT - TOP - BOTTOM);
        let (title, about) = (Escaped(title), Escaped(about));
        writeln!(
            f,
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\">\n\
             <title id=\"{id}-title\">{title}</title>\n<desc id=\"{id}-desc\">{about}</desc>"
        )?;
        for (at, label) in x.ticks(across) {
            let (x, low, high) = (right(at), HEIGHT - BOTTOM, TOP);
            writeln!(f, "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{low}\" x2=\"{x:.1}\" y2=\"{high}\"/>")?;
            writeln!(f, "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>", low + 18.0)?;
        }
        for (at, label) in y.ticks(up) {
            let (y, left, end) = (height(at), LEFT, WIDTH - RIGHT);
            writeln!(f, "<line class=\"grid\" x1=\"{left}\" y1=\"{y:.1}\" x2=\"{end}\" y2=\"{y:.1}\"/>")?;
            writeln!(f, "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>", left - 6.0, y + 4.0)?;
        }
        let (middle, low) = ((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 10.0);
        writeln!(f, "<text x=\"{middle}\" y=\"{low}\" text-anchor=\"middle\">{}</text>", Escaped(x.label))?;
        writeln!(f, "<text x=\"{LEFT}\" y=\"14\" text-anchor=\"start\">{}</text>", Escaped(y.label))?;
        for (number, line) in lines.iter().enumerate() {
            let colour = format!("c{}", number % 3);
            let placed = line.points.iter().filter_map(|&(across, up)| Some((x.position(across)?, y.position(up)?)));
            let path: Vec<_> = placed.map(|(across, up)| format!("{:.1},{:.1}", right(across), height(up))).collect();
            let dashes = ["", "stroke-dasharray=\"6 3\"", "stroke-dasharray=\"2 3\""][number % 3];
            writeln!(f, "<polyline class=\"line {colour}\" {dashes} points=\"{}\"/>", path.join(" "))?;
            let (start, end) = (LEFT + 200.0 + 160.0 * number as f64, LEFT + 230.0 + 160.0 * number as f64);
            writeln!(f, "<line class=\"line {colour}\" {dashes} x1=\"{start}\" y1=\"10\" x2=\"{end}\" y2=\"10\"/>")?;
            writeln!(f, "<text x=\"{}\" y=\"14\">{}</text>", end + 6.0, Escaped(line.name))?;
        }
        f.write_str("</svg>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_has_round_numbers() {
        let labels = |axis: Axis, range| axis.ticks(range).into_iter().map(|(_, label)| label).collect::<Vec<_>>();

        assert_eq!(labels(Axis::linear(""), (0.0, 20.0)), ["0", "5", "10", "15", "20"]);
        assert_eq!(labels(Axis::linear(""), (0.0, 1.1)), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        assert_eq!(labels(Axis::logarithmic(""), (-1.0, 2.0)), ["0.1", "1", "10", "100"]);
        assert_eq!(labels(Axis::percentiles(""), (0.0, 3.2)), ["0", "90", "99", "99.9"]);
    }

    #[test]
    fn nothing_and_a_single_point_are_drawn_too() {
        for points in [vec![], vec![(0.0, 0.0)], vec![(3.0, 7.0)]] {
            for axis in [Axis::linear, Axis::logarithmic] {
                let lines = vec![Line::new("one", points.clone())];
                let plot = Plot { id: "p", title: "t", about: "a", x: Axis::linear("x"), y: axis("y"), lines };

                let drawn = plot.to_string();

                assert!(drawn.ends_with("</svg>") && !drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
            }
        }
    }
}
