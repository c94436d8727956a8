//! The measurements.

mod comparisons;
mod hot_key;
mod million;
mod mixed;
mod overload;
mod pressure;
mod sizes;
mod small_box;

use clap::ValueEnum;

use crate::args::Work;
use crate::field::Field;
use crate::row::Row;

/// Returns whether the work is selected. The works that take minutes or require root run only if they are named.
fn is_selected(work: Work, only: &[Work]) -> bool {
    let is_usual = !matches!(work, Work::Overload | Work::Box | Work::Pressure | Work::Million);
    only.contains(&work) || only.is_empty() && is_usual
}

/// Runs the selected works one after the other. The row of a failed work contains the error, and the other works still
/// run.
pub(crate) async fn measure(only: &[Work], field: &Field) -> Vec<Row> {
    let (works, left_out): (Vec<Work>, Vec<_>) =
        Work::value_variants().iter().partition(|work| is_selected(**work, only));
    let mut rows = Vec::new();
    for work in works {
        match Box::pin(measure_one(work, field)).await {
            Ok(measured) => rows.extend(measured),
            Err(error) => {
                field.say(&format!("{} failed: {error:#}", <&str>::from(work)));
                rows.push(Row::failed(work.into(), &error));
                field.clear();
            }
        }
    }
    if !left_out.is_empty() {
        let names: Vec<&str> = left_out.into_iter().map(Into::into).collect();
        field.say(&format!("skipped: not in --only: {}", names.join(", ")));
    }
    rows
}

async fn measure_one(work: Work, field: &Field) -> anyhow::Result<Vec<Row>> {
    let name = work.into();
    match work {
        Work::Create32 => comparisons::create(field, name, 32).await,
        Work::Create128 => comparisons::create(field, name, 128).await,
        Work::CreateBroker => comparisons::create_at_broker(field, name).await,
        Work::Repeat => comparisons::constant_answers(field, name, "warm", "echo").await,
        Work::Reorder => comparisons::reorder(field, name).await,
        Work::GetHot => comparisons::constant_answers(field, name, "read", "hello").await,
        Work::GetCold => comparisons::cold_reads(field, name).await,
        Work::Mixed80 => mixed::at(field, name, 0.8, 1.0 / 3.0).await,
        Work::Mixed20 => mixed::at(field, name, 0.2, 1.0).await,
        Work::HotKey => hot_key::planned_once(field, name).await,
        Work::Size => sizes::cost_per_instrument(field, name).await,
        Work::Yardstick => comparisons::yardstick(field, name).await,
        Work::Overload => overload::shed(field, name).await,
        Work::Box => small_box::limits(field, name).await,
        Work::Pressure => pressure::bounded(field).await,
        Work::Million => million::as_fast_as_empty(field, name).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_works_run_only_if_they_are_named() {
        assert!(is_selected(Work::Million, &[Work::Million]));
        assert!(is_selected(Work::Size, &[]));
        assert!(!is_selected(Work::Size, &[Work::Million]));
        assert!(!is_selected(Work::Overload, &[]));
    }

    #[test]
    fn works_have_the_same_name_as_option_and_in_the_report() {
        for work in Work::value_variants() {
            assert_eq!(Work::from_str((*work).into(), false), Ok(*work));
        }
    }
}
