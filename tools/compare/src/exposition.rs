//! Reads values from the Prometheus text format.

/// Returns the sum over the label sets that contain all of these labels, such as `status="200"`, or 0 if the text does
/// not contain the metric.
pub(crate) fn sum(text: &str, name: &str, labels: &[&str]) -> f64 {
    let lines = text.lines().filter(|line| labels.iter().all(|label| line.contains(label)));
    lines.filter_map(|line| sample(line, name)).sum()
}

fn sample(line: &str, name: &str) -> Option<f64> {
    let rest = line.strip_prefix(name)?;
    let value = match rest.strip_prefix('{') {
        // The value of a label can contain a brace; the value of a sample cannot.
        Some(labels) => labels.rsplit_once('}')?.1,
        None => rest.strip_prefix(' ')?,
    };
    value.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_summed_over_their_labels() {
        let text = "# HELP made_total plans made\n# TYPE made_total counter\n\
                    made_total{level=\"low\",status=\"success\"} 3\nmade_total{level=\"{}\"} 4 1700000000\n\
                    made_total_of_others 100\nup 1\n";

        assert_eq!(sum(text, "made_total", &[]), 7.0);
        assert_eq!(sum(text, "up", &[]), 1.0);
        assert_eq!(sum(text, "none", &[]), 0.0);
        assert_eq!(sum(text, "made_total", &["level=\"low\"", "status=\"success\""]), 3.0);
        assert_eq!(sum(text, "made_total", &["level=\"high\""]), 0.0);
    }
}
