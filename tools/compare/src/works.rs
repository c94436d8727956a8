//! The measurements.

mod comparisons;
mod hot_key;
mod million;
mod mixed;
mod overload;
mod pressure;
mod sizes;
mod small_box;

use crate::field::Field;
use crate::row::Row;

/// The works that run by default.
const USUAL: [&str; 12] = [
    "create32",
    "create128",
    "create-broker",
    "repeat",
    "reorder",
    "get-hot",
    "get-cold",
    "mixed80",
    "mixed20",
    "hot-key",
    "size",
    "yardstick",
];

/// The works that run only if they are named, because they take minutes or require root.
const NAMED_ONLY: [&str; 4] = ["overload", "box", "pressure", "million"];

/// Returns the works with these names, in their usual order. Without names it returns the usual works.
pub(crate) fn named(names: &[String]) -> anyhow::Result<Vec<&'static str>> {
    let known = [&USUAL[..], &NAMED_ONLY].concat();
    for name in names {
        anyhow::ensure!(known.contains(&name.as_str()), "unknown work `{name}`: expected one of {}", known.join(", "));
    }
    if names.is_empty() {
        return Ok(USUAL.to_vec());
    }
    Ok(known.into_iter().filter(|work| names.iter().any(|name| name == work)).collect())
}

/// Runs the works one after the other. The row of a failed work contains the error, and the other works still run.
pub(crate) async fn measure(works: &[&'static str], field: &Field) -> Vec<Row> {
    let mut rows = Vec::new();
    for &work in works {
        match Box::pin(measure_one(work, field)).await {
            Ok(measured) => rows.extend(measured),
            Err(error) => {
                field.say(&format!("{work} failed: {error:#}"));
                rows.push(Row::failed(work, &error));
                field.clear();
            }
        }
    }
    let left_out: Vec<&str> = USUAL.into_iter().chain(NAMED_ONLY).filter(|work| !works.contains(work)).collect();
    if !left_out.is_empty() {
        field.say(&format!("skipped: not in --only: {}", left_out.join(", ")));
    }
    rows
}

async fn measure_one(work: &'static str, field: &Field) -> anyhow::Result<Vec<Row>> {
    match work {
        "create32" => comparisons::create(field, work, 32).await,
        "create128" => comparisons::create(field, work, 128).await,
        "create-broker" => comparisons::create_at_broker(field, work).await,
        "repeat" => comparisons::constant_answers(field, work, "warm", "echo").await,
        "reorder" => comparisons::reorder(field, work).await,
        "get-hot" => comparisons::constant_answers(field, work, "read", "hello").await,
        "get-cold" => comparisons::cold_reads(field, work).await,
        "mixed80" => mixed::at(field, work, 0.8, 1.0 / 3.0).await,
        "mixed20" => mixed::at(field, work, 0.2, 1.0).await,
        "hot-key" => hot_key::planned_once(field, work).await,
        "size" => sizes::cost_per_instrument(field, work).await,
        "yardstick" => comparisons::yardstick(field, work).await,
        "overload" => overload::shed(field).await,
        "box" => small_box::limits(field, work).await,
        "pressure" => pressure::bounded(field).await,
        "million" => million::as_fast_as_empty(field, work).await,
        _ => anyhow::bail!("unknown work `{work}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(asked: &[&str]) -> Vec<&'static str> {
        let asked: Vec<String> = asked.iter().map(|&name| name.to_owned()).collect();
        named(&asked).unwrap()
    }

    #[test]
    fn long_works_run_only_if_they_are_named() {
        assert_eq!(names(&["million", "create32"]), ["create32", "million"]);
        assert!(names(&[]).contains(&"size"));
        assert!(!names(&[]).contains(&"overload"));
    }

    #[test]
    fn an_unknown_work_is_rejected_with_the_known_names() {
        let error = named(&["nothing".to_owned()]).err().unwrap().to_string();

        assert!(
            error.starts_with("unknown work `nothing`: expected one of create32, create128, create-broker"),
            "{error}"
        );
    }
}
