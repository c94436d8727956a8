//! Compares the time from the packed JSON of a broker to a catalog that is ready to serve with the time of
//! deserializing alone.

use std::fs;
use std::hint::black_box;
use std::io::{self, BufReader, Read, Write};
use std::ops::ControlFlow;
use std::time::Instant;

use flate2::bufread::MultiGzDecoder;
use registry_planning::catalogue::Catalogue;
use registry_planning::dump::Limits;
use registry_planning::ingest::archive::ArchivedRow;
use registry_planning::ingest::read_file;
use registry_planning::merge::{self, Part};
use registry_planning::vocabulary::Broker;
use serde::Deserialize;

const FILE: &str = "upstox_complete_2025-06-12.json.gz";

/// The maximum of the time, as a multiple of the time of deserializing.
const RATIO_MAX: f64 = 2.0;

/// Every field of the file, as code that uses the values would declare them.
#[derive(Deserialize)]
#[allow(dead_code, reason = "only the time of deserializing it matters")]
struct Instrument {
    weekly: Option<bool>,
    segment: Option<String>,
    name: Option<String>,
    exchange: Option<String>,
    expiry: Option<f64>,
    instrument_type: Option<String>,
    asset_symbol: Option<String>,
    underlying_symbol: Option<String>,
    instrument_key: Option<String>,
    lot_size: Option<f64>,
    freeze_quantity: Option<f64>,
    exchange_token: Option<String>,
    minimum_lot: Option<f64>,
    tick_size: Option<f64>,
    asset_type: Option<String>,
    underlying_type: Option<String>,
    trading_symbol: Option<String>,
    strike_price: Option<f64>,
    qty_multiplier: Option<f64>,
    isin: Option<String>,
    short_name: Option<String>,
    security_type: Option<String>,
    asset_key: Option<String>,
    underlying_key: Option<String>,
    mtf_enabled: Option<bool>,
    mtf_bracket: Option<f64>,
    last_trading_date: Option<f64>,
    price_quote_unit: Option<String>,
}

/// Each round measures everything in turn, so that a disturbance of the machine affects all equally.
pub(crate) fn measure(out: &mut impl Write, rounds: usize) -> io::Result<()> {
    let Some(file) = crate::dumps::folder().and_then(|folder| fs::read(folder.join(FILE)).ok()) else {
        return writeln!(out, "SKIPPED: building a catalog from a file: {FILE} not found");
    };
    let (mut reading, mut ours, mut from_reader, mut from_slice) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut counts = (0, 0);
    for _ in 0..rounds {
        let start = Instant::now();
        let load = read_file(Broker::Upstox, &file[..], &Limits::default(), &mut |_| ControlFlow::Continue(()))
            .map_err(io::Error::other)?;
        reading.push(start.elapsed().as_secs_f64());
        let catalogue = catalogue(load.rows)?;
        ours.push(start.elapsed().as_secs_f64());
        counts = (load.rows_read, black_box(&catalogue).instrument_count());
        drop(catalogue);

        let start = Instant::now();
        let instruments: Vec<Instrument> =
            serde_json::from_reader(BufReader::with_capacity(64 * 1024, MultiGzDecoder::new(&file[..])))?;
        from_reader.push(start.elapsed().as_secs_f64());
        drop(black_box(instruments));

        let start = Instant::now();
        let mut text = Vec::new();
        MultiGzDecoder::new(&file[..]).read_to_end(&mut text)?;
        let instruments: Vec<Instrument> = serde_json::from_slice(&text)?;
        from_slice.push(start.elapsed().as_secs_f64());
        drop(black_box((text, instruments)));
    }
    let milliseconds = |seconds: &[f64]| crate::median(seconds.to_vec()) * 1e3;
    // The faster one of the two ways to deserialize.
    let theirs = if milliseconds(&from_reader) < milliseconds(&from_slice) { &from_reader } else { &from_slice };
    let ratios = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
    let (read, instruments) = counts;
    writeln!(
        out,
        "building a catalog of {instruments} instruments from {FILE} with {read} rows (median of {rounds} rounds)\n"
    )?;
    writeln!(out, "{:<46} {:>8.1} ms", "reading, resolving keys and hashing", milliseconds(&reading))?;
    writeln!(out, "{:<46} {:>8.1} ms", "the same, plus building catalog and indexes", milliseconds(&ours))?;
    writeln!(out, "{:<46} {:>8.1} ms", "serde_json::from_reader into structs", milliseconds(&from_reader))?;
    writeln!(out, "{:<46} {:>8.1} ms", "decompressing, then serde_json::from_slice", milliseconds(&from_slice))?;
    writeln!(
        out,
        "{:<46} {:>8.2}x  at most {RATIO_MAX}x",
        "median ratio to the faster serde_json variant",
        crate::median(ratios)
    )
}

fn catalogue(rows: Vec<registry_planning::dump::Row>) -> io::Result<Catalogue> {
    let rows = rows.into_iter().map(|row| Ok(ArchivedRow::new(row, true)));
    let part = Part { broker: Broker::Upstox, file_date: None, loaded_at: None, rows: Box::new(rows) };
    merge::catalogue(vec![part], "bench".to_owned()).map_err(io::Error::other)
}
