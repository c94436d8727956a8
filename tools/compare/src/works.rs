//! The measurements.

mod creation;
mod hot_key;
mod limits;
mod million;
mod mixed;
mod overload;
mod pressure;
mod reads;
mod repeats;
mod sizes;
mod yardsticks;

use crate::field::Field;
use crate::row::Row;

/// The default number of connections of a closed loop: it keeps two processors busy with short queues.
const CONNECTIONS: u32 = 64;

/// The duration of the warm-up, because every process responds more slowly to its first requests.
const WARMUP_SECONDS: u64 = 1;

/// A measurement that results in one or more rows.
#[derive(Clone, Copy)]
pub(crate) struct Work {
    name: &'static str,
    /// Whether it runs only if it is named, because it takes minutes or requires root.
    is_named_only: bool,
    measure: fn(&Field) -> anyhow::Result<Vec<Row>>,
}

const fn work(name: &'static str, measure: fn(&Field) -> anyhow::Result<Vec<Row>>) -> Work {
    Work { name, is_named_only: false, measure }
}

const fn named_only(name: &'static str, measure: fn(&Field) -> anyhow::Result<Vec<Row>>) -> Work {
    Work { name, is_named_only: true, measure }
}

const WORKS: [Work; 16] = [
    work("create32", creation::at_32),
    work("create128", creation::at_128),
    work("create-broker", creation::at_a_broker),
    work("repeat", repeats::byte_for_byte),
    work("reorder", repeats::in_another_order),
    work("get-hot", reads::hot),
    work("get-cold", reads::cold),
    work("mixed80", mixed::at_80_percent),
    work("mixed20", mixed::at_20_percent),
    work("hot-key", hot_key::planned_once),
    work("size", sizes::cost_per_instrument),
    work("yardstick", yardsticks::as_fast_as_the_anchor),
    named_only("overload", overload::shed),
    named_only("box", limits::small_box),
    named_only("pressure", pressure::bounded),
    named_only("million", million::as_fast_as_empty),
];

/// Returns the works with these names, in the order of `WORKS`. Without names it returns the default works.
pub(crate) fn named(names: &[String]) -> anyhow::Result<Vec<Work>> {
    for name in names {
        let known = WORKS.map(|work| work.name);
        anyhow::ensure!(known.contains(&name.as_str()), "unknown work `{name}`: expected one of {}", known.join(", "));
    }
    let is_wanted = |work: &Work| match names {
        [] => !work.is_named_only,
        names => names.iter().any(|name| name == work.name),
    };
    Ok(WORKS.into_iter().filter(is_wanted).collect())
}

/// Runs the works one after the other. The row of a failed work contains the error, and the other works still run.
///
/// # Errors
/// A signal has arrived.
pub(crate) fn measure(works: &[Work], field: &Field) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for work in works {
        match (work.measure)(field) {
            Ok(measured) => rows.extend(measured),
            Err(error) => {
                field.check()?;
                field.say(&format!("{} failed: {error:#}", work.name));
                rows.push(Row::failed(work.name, &error));
                field.clear();
            }
        }
    }
    let left_out = WORKS.map(|work| work.name).into_iter().filter(|name| !works.iter().any(|work| work.name == *name));
    let left_out: Vec<&str> = left_out.collect();
    if !left_out.is_empty() {
        field.say(&format!("skipped: not in --only: {}", left_out.join(", ")));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(asked: &[&str]) -> Vec<&'static str> {
        let asked: Vec<String> = asked.iter().map(|&name| name.to_owned()).collect();
        named(&asked).unwrap().iter().map(|work| work.name).collect()
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
