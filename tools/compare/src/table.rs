//! The report as text.

use crate::figures::Spread;
use crate::row::{Row, Target, TargetResult};

/// Formats the rows as columns with a heading; the note of a row is on the next line.
pub(crate) fn table(rows: &[Row]) -> String {
    let heading =
        ["work", "measurement", "service", "baseline", "ratio", "min – max", "target", "result"].map(str::to_owned);
    let lines: Vec<[String; 8]> = [heading].into_iter().chain(rows.iter().map(cells)).collect();
    let widths: [usize; 8] =
        std::array::from_fn(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default());
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        let cells = line.iter().zip(widths).enumerate().map(|(column, (cell, width))| match column {
            2..=5 => format!("{cell:>width$}"),
            _ => format!("{cell:<width$}"),
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
        if let Some(note) = index.checked_sub(1).and_then(|row| rows[row].note.as_ref()) {
            text.push_str(&format!("    {note}\n"));
        }
    }
    text
}

fn cells(row: &Row) -> [String; 8] {
    let with_unit = |spread: Option<Spread>| {
        spread.map(|spread| format!("{} {}", number(spread.median), row.unit).trim_end().to_owned()).unwrap_or_default()
    };
    let (ratio, spread) = match (row.ratio, row.ours) {
        (Some(ratio), _) => (number(ratio.median), between(ratio)),
        (None, Some(ours)) => (String::new(), between(ours)),
        (None, None) => (String::new(), String::new()),
    };
    let target = match row.target {
        None => String::new(),
        Some(Target::AtLeast(least)) => format!("≥ {}", number(least)),
        Some(Target::AtMost(most)) => format!("≤ {}", number(most)),
        Some(Target::Exactly(value)) => format!("= {}", number(value)),
    };
    let verdict = match row.verdict {
        TargetResult::Met => "met",
        TargetResult::Missed => "MISSED",
        TargetResult::NoTarget => "",
        TargetResult::Skipped => "skipped",
        TargetResult::Failed => "FAILED",
    };
    [
        row.work.clone(),
        row.what.clone(),
        with_unit(row.ours),
        with_unit(row.other),
        ratio,
        spread,
        target,
        verdict.to_owned(),
    ]
}

fn between(spread: Spread) -> String {
    format!("{} – {}", number(spread.min), number(spread.max))
}

/// Formats a number with about three digits, because measurements are not more precise.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Pairs;

    #[test]
    fn columns_are_aligned_and_notes_follow_their_row() {
        let pairs = Pairs { ours: vec![9000.0, 9100.0], other: vec![1500.0, 1300.0] };
        let rows = [
            Row::ratio("create32", "plans created", "plans/s", &pairs, Target::AtLeast(5.0)),
            Row::figure("box", "peak memory", "MB", &[201.0], Target::AtMost(192.0)).noted("2,000 plans/s"),
            Row::skipped("million", "takes minutes"),
        ];

        assert_eq!(
            table(&rows),
            "\
work      measurement         service      baseline  ratio    min – max  target  result
create32  plans created  9050 plans/s  1400 plans/s   6.50  6.00 – 7.00  ≥ 5.00  met
box       peak memory          201 MB                         201 – 201  ≤ 192   MISSED
    2,000 plans/s
million                                                                          skipped
    takes minutes
"
        );
    }

    #[test]
    fn numbers_have_about_three_digits() {
        let numbers = [0.0, 0.01234, 0.951, 12.34, 123.4, 12345.6].map(number);

        assert_eq!(numbers, ["0", "0.0123", "0.95", "12.3", "123", "12346"]);
    }
}
