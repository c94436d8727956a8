//! Brokers' real files. They are not in the repository: `$REGISTRY_SHARED/data` has them, by default `../shared/data`
//! beside the repository. Without them, each test here reports that it was skipped.

use std::fs::File;
use std::path::Path;

use super::*;
use crate::dump::symbol::Expiries;

const UPSTOX_CSV: (Broker, &str) = (Broker::Upstox, "upstox_complete_2024-09-05.csv.gz");
const UPSTOX_JSON: (Broker, &str) = (Broker::Upstox, "upstox_complete_2025-06-12.json.gz");

fn rows((broker, name): (Broker, &str)) -> Option<Vec<Row>> {
    let shared = std::env::var_os("REGISTRY_SHARED").unwrap_or_else(|| "../shared".into());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(shared).join("data").join(name);
    let Ok(file) = File::open(&path) else {
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        let skipped = format!("skipped: {test}: {} is missing", path.display());
        writeln!(std::io::stderr(), "{skipped}").unwrap();
        return None;
    };
    Some(load(broker, file).unwrap().rows)
}

fn is_currency(row: &Row) -> bool {
    matches!(row.segment, Segment::NseCurrency | Segment::BseCurrency)
}

#[test]
fn expiries_determine_the_cycle_of_every_currency_contract() {
    for (file, currency_count) in [(UPSTOX_CSV, 18_094), (UPSTOX_JSON, 18_548)] {
        let Some(rows) = rows(file) else { return };
        let mut expiries = Expiries::default();
        rows.iter().for_each(|row| expiries.add(row));

        let contracts: Vec<&Row> = rows.iter().filter(|row| is_currency(row)).collect();

        assert_eq!(contracts.len(), currency_count);
        for row in contracts {
            assert_eq!(expiries.symbol_of(row), row.symbol);
            assert_eq!(expiries.correction_of(row), None, "{}", row.symbol);
        }
    }
}
