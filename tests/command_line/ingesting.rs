//! The command `ingest` with files of brokers: accepted, compressed, archived, unreadable and uploaded ones.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::run_plan_json;
use super::standin::service_with;
use crate::support::{CommandResult, gzip, run, texts, zip};

pub(super) const KITE_HEADER: &str = "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,\
    tick_size,lot_size,instrument_type,segment,exchange\n";
pub(super) const KITE_CASH: &str = "738561,2885,RELIANCE,RELIANCE INDUSTRIES,0,,0,0.05,1,EQ,NSE,NSE\n\
    2953217,11536,TCS,TATA CONSULTANCY SERV,0,,0,0.05,1,EQ,NSE,NSE\n\
    256265,1001,NIFTY 50,NIFTY 50,0,,0,0,0,EQ,INDICES,NSE\n";
pub(super) const KITE_DERIVATIVES: &str = "16777474,65537,NIFTY31AUGFUT,NIFTY,0,2031-08-26,0,0.05,65,FUT,NFO-FUT,NFO\n\
    16777475,65538,NIFTY31AUG24350CE,NIFTY,0,2031-08-26,24350,0.05,65,CE,NFO-OPT,NFO\n";
/// A row without a token, one with an unknown exchange, and a duplicate.
const KITE_FAULTS: &str = ",1,BROKEN,BROKEN,0,,0,0.05,1,EQ,NSE,NSE\n\
    1,1,APPLE,APPLE,0,,0,0.05,1,EQ,NYSE,NYSE\n\
    738561,2885,RELIANCE,RELIANCE INDUSTRIES,0,,0,0.05,1,EQ,NSE,NSE\n";

fn upstox_json() -> Value {
    json!([
        {"segment": "NSE_EQ", "name": "INFOSYS LIMITED", "exchange": "NSE", "isin": "INE009A01021",
            "instrument_type": "EQ", "instrument_key": "NSE_EQ|INE009A01021", "lot_size": 1, "tick_size": 5.0,
            "trading_symbol": "INFY", "exchange_token": "1594"},
        {"weekly": false, "segment": "NSE_FO", "name": "NIFTY", "exchange": "NSE", "expiry": 1_945_535_399_000_u64,
            "instrument_type": "FUT", "asset_symbol": "NIFTY", "underlying_symbol": "NIFTY",
            "instrument_key": "NSE_FO|77", "lot_size": 65, "exchange_token": "77", "tick_size": 5.0,
            "trading_symbol": "NIFTY FUT 26 AUG 31", "strike_price": 0.0},
        {"segment": "NSE_EQ", "instrument_key": "BSE_EQ|INE009A01021"},
    ])
}

pub(super) fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).expect("the file can be written");
    path
}

/// Accepts a first file with a single row, so that the files of these tests can be short.
pub(super) const FEW: [(&str, &str); 1] = [("INSTRUMENT_REGISTRY_GATE_FIRST_ROWS_MIN", "1")];

pub(super) fn ingest(path: &Path, broker: &str, data_dir: &Path) -> CommandResult {
    run(&["ingest", &path.display().to_string(), "--broker", broker], data_dir, &FEW)
}

pub(super) fn ingest_forced(path: &Path, broker: &str, data_dir: &Path) -> CommandResult {
    run(&["ingest", &path.display().to_string(), "--broker", broker, "--force"], data_dir, &FEW)
}

/// Returns a gzip file of 1051 bytes that decompresses to 1 MiB of zeros.
fn zeros_packed() -> Vec<u8> {
    let mut packed = b"\x1f\x8b\x08\0\0\0\0\0\x02\x03\xed\xc1\x31\x01\0\0\0\xc2\xa0\xf5\x4f\x6d\x08\x5f\xa0".to_vec();
    packed.extend([0; 1016]);
    packed.extend(b"\x3e\x03\x1c\xea\x38\xa7\0\0\x10\0");
    packed
}

#[test]
fn an_accepted_kite_file_is_counted_and_used_by_plans() {
    let folder = TempDir::new().unwrap();
    let content = [KITE_HEADER, KITE_CASH, KITE_DERIVATIVES, KITE_FAULTS].concat();
    let file = write(folder.path(), "kite_2026-08-17.csv", content);

    // A quarter of the rows are invalid, which is too many even for the first file of a broker.
    let finished = ingest_forced(&file, "kite", folder.path());

    assert_eq!(finished.code, Some(0));
    assert_eq!(finished.stderr.as_str(), "");
    for (row, count) in [
        ("read", "8"),
        ("kept", "5"),
        ("rejected", "2"),
        ("instrument_token is not a positive 32-bit integer", "1"),
        ("exchange is unknown", "1"),
        ("skipped", "0"),
        ("duplicates", "1"),
    ] {
        assert_eq!(finished.row(row).unwrap(), [row, count]);
    }
    let example = "first example, line 7: instrument_token is not a positive 32-bit integer: `,1,BROKEN,BROKEN,0,,0,0.05,1,EQ,NSE,NSE`\n";
    assert!(finished.output.contains(example), "{}", finished.output);
    assert!(finished.output.ends_with("catalog version 1: 5 instruments from the kite file of 2026-08-17\n"));
    let plan = run_plan_json(
        &folder,
        &["--as-of", "2026-08-18", "--strictness", "strict", "NFO:NIFTY31AUGFUT", "NSE:NIFTY", "NSE:INFY"],
    );
    assert_eq!(texts(&plan["instruments"]), ["NFO:NIFTY31AUGFUT", "NSE:NIFTY"]);
    assert_eq!(plan["metadata"]["catalogue"]["version"], "1");
    assert_eq!(plan["metadata"]["catalogue"]["file_date"], "2026-08-17");
    assert_eq!(plan["metadata"]["warnings"], json!([]));
    assert_eq!(plan["rejected"][0]["reason"], "unknown");
}

#[test]
fn an_upstox_file_joins_the_kite_file() {
    let folder = TempDir::new().unwrap();
    let kite = write(folder.path(), "kite.csv", [KITE_HEADER, KITE_CASH].concat());
    let upstox = write(folder.path(), "upstox.json", upstox_json().to_string());

    let first = ingest(&kite, "kite", folder.path());
    // A third of the rows are invalid.
    let second = ingest_forced(&upstox, "upstox", folder.path());

    assert!(
        first.output.ends_with("catalog version 1: 3 instruments from the kite file (file date unknown)\n"),
        "{first:?}"
    );
    assert_eq!(second.code, Some(0));
    assert_eq!(second.row("read").unwrap()[1], "3");
    assert_eq!(second.row("kept").unwrap()[1], "2");
    assert!(
        second.output.ends_with("catalog version 2: 2 instruments from the upstox file (file date unknown)\n"),
        "{second:?}"
    );
    let plan = run_plan_json(
        &folder,
        &["--strictness", "strict", "--as-of", "2031-08-26", "NSE:TCS", "NSE:INFY", "NFO:NIFTY31AUGFUT"],
    );
    assert_eq!(texts(&plan["instruments"]), ["NFO:NIFTY31AUGFUT", "NSE:INFY", "NSE:TCS"]);
    assert_eq!(plan["metadata"]["catalogue"]["version"], "2");
}

/// For each other broker, the broker, the file name and the content of a file with the same contract and a row with an
/// unknown exchange.
const OTHERS: [(&str, &str, &str); 9] = [
    (
        "dhan",
        "compact.csv",
        "SEM_EXM_EXCH_ID,SEM_SEGMENT,SEM_SMST_SECURITY_ID,SEM_INSTRUMENT_NAME,SEM_TRADING_SYMBOL,SEM_LOT_UNITS,\
         SEM_EXPIRY_DATE,SEM_STRIKE_PRICE,SEM_OPTION_TYPE,SEM_TICK_SIZE,SEM_EXPIRY_FLAG\n\
         NSE,D,65537,FUTIDX,NIFTY-Aug2031-FUT,65.0,2031-08-26 14:30:00,-0.01000,XX,5.0000,M\n\
         NYSE,E,1,EQUITY,APPLE,1.0,,,,5.0000,NA\n",
    ),
    (
        "dhan",
        "detailed.csv",
        "EXCH_ID,SEGMENT,SECURITY_ID,INSTRUMENT,UNDERLYING_SYMBOL,SYMBOL_NAME,LOT_SIZE,SM_EXPIRY_DATE,STRIKE_PRICE,\
         OPTION_TYPE,TICK_SIZE,EXPIRY_FLAG,\nNSE,D,65537,FUTIDX,NIFTY,NIFTY-Aug2031-FUT,65.0,8/26/2031,-0.01,XX,5.0,M,\n\
         NYSE,E,1,EQUITY,APPLE,APPLE,1.0,,,,5.0,NA,\n",
    ),
    (
        "angel",
        "angel.json",
        r#"[{"token":"65537","symbol":"NIFTY26AUG31FUT","name":"NIFTY","expiry":"26AUG2031","strike":"-1.000000",
        "lotsize":"65","instrumenttype":"FUTIDX","exch_seg":"NFO","tick_size":"5.000000"},{"token":"1","exch_seg":"NYSE"}]"#,
    ),
    (
        "fyers",
        "fyers.csv",
        "1,NIFTY 26 Aug 31 FUT,11,65,0.05,,,,1945504800,NSE:NIFTY31AUGFUT,10,11,65537,NIFTY,26000,-1.0,XX,1,None,0,0.0\n\
         1,APPLE,0,1,0.05,,,,,NSE:APPLE-EQ,99,10,1,APPLE,1,-1.0,XX,1,None,0,0.0\n",
    ),
    (
        "fyers",
        "fyers.json",
        r#"{"NSE:NIFTY31AUGFUT":{"fyToken":"1","symTicker":"NSE:NIFTY31AUGFUT","exchange":10,"segment":11,"minLotSize":65,
        "tickSize":0.05,"expiryDate":"1945504800","strikePrice":-1.0,"optType":"XX","underSym":"NIFTY"},
        "NYSE:APPLE":{"fyToken":"2","exchange":99}}"#,
    ),
    (
        "groww",
        "groww.csv",
        "exchange,exchange_token,trading_symbol,instrument_type,segment,underlying_symbol,expiry_date,strike_price,\
         lot_size,tick_size\nNSE,65537,NIFTY31AUGFUT,FUT,FNO,NIFTY,2031-08-26,,65,0.05\nNYSE,1,APPLE,EQ,CASH,,,,1,0.05\n",
    ),
    (
        "nuvama",
        "nuvama.csv",
        "exchangetoken,tradingsymbol,symbolname,expiry,strikeprice,ticksize,lotsize,optiontype,assettype,exchange\n\
         65537_NFO,NIFTY26AUG31FUT,NIFTY,26/AUG/31,0,0.05,65,XX,FUTIDX,NFO\n1_NYSE,APPLE,APPLE,,,0.05,1,,EQUITY,NYSE\n",
    ),
    (
        "shoonya",
        "NFO_symbols.txt",
        "Exchange,Token,LotSize,Symbol,TradingSymbol,Expiry,Instrument,OptionType,StrikePrice,TickSize,\n\
         NFO,65537,65,NIFTY,NIFTY26AUG31F,26-AUG-2031,FUTIDX,XX,-0.01,0.05,\n\
         NYSE,1,1,APPLE,APPLE,,EQ,,,0.05,\n",
    ),
    (
        "aliceblue",
        "NFO.csv",
        "Exch,Exchange Segment,Symbol,Token,Instrument Type,Option Type,Strike Price,Instrument Name,Formatted Ins Name,\
         Trading Symbol,Expiry Date,Lot Size,Tick Size\n\
         NFO,nse_fo,NIFTY,65537,FUTIDX,XX,-1,NIFTY,NIFTY AUG FUT,NIFTY26AUG31F,2031-08-26,65,0.05\n\
         NYSE,nyse,APPLE,1,EQ,,,APPLE,APPLE,APPLE,,1,0.05\n",
    ),
];

#[test]
fn every_brokers_file_gives_one_contract_the_same_key() {
    let folder = TempDir::new().unwrap();
    for (version, (broker, name, content)) in OTHERS.into_iter().enumerate() {
        let file = write(folder.path(), name, gzip(content.as_bytes()));

        // Half of the rows are invalid, which is too many.
        let finished = ingest_forced(&file, broker, folder.path());

        assert_eq!(finished.code, Some(0), "{name}");
        assert_eq!(finished.stderr.as_str(), "", "{name}");
        assert_eq!(finished.row("kept").unwrap()[1], "1", "{name}");
        assert_eq!(finished.row("rejected").unwrap()[1], "1", "{name}");
        let place = if name.contains(".json") { "element" } else { "line" };
        assert!(finished.output.contains(&format!("\nfirst example, {place} ")), "{name}: {}", finished.output);
        let message =
            format!("catalog version {}: 1 instrument from the {broker} file (file date unknown)\n", version + 1);
        assert!(finished.output.ends_with(&message), "{name}: {}", finished.output);
        let plan = run_plan_json(&folder, &["--strictness", "strict", "--as-of", "2031-08-26", "NFO:NIFTY31AUGFUT"]);
        assert_eq!(texts(&plan["instruments"]), ["NFO:NIFTY31AUGFUT"], "{name}");
    }
}

#[test]
fn the_files_of_an_archive_are_one_file_of_the_broker() {
    let folder = TempDir::new().unwrap();
    let cash = "Exchange,Token,LotSize,Symbol,TradingSymbol,Instrument,TickSize,\nNSE,11536,1,TCS,TCS-EQ,EQ,0.10,\n\
        NSE,26000,1,Nifty 50,NIFTY INDEX,INDEX,0,\n";
    let contracts = "Exchange,Token,LotSize,Symbol,TradingSymbol,Expiry,Instrument,OptionType,StrikePrice,TickSize,\n\
        NFO,65537,65,NIFTY,NIFTY26AUG31F,26-AUG-2031,FUTIDX,XX,-0.01,0.05,\n\
        NFO,65538,65,NIFTY,NIFTY26AUG31C24350,26-AUG-2031,OPTIDX,CE,24350,NaN,\n";
    let archive = zip(&[("README", "files of 2026-08-17"), ("NSE_symbols.txt", cash), ("NFO_symbols.txt", contracts)]);
    let file = write(folder.path(), "shoonya_2026-08-17.zip", &archive);

    let finished = ingest_forced(&file, "shoonya", folder.path());

    assert_eq!(finished.stderr, "");
    let example = "first example, line 3 of `NFO_symbols.txt`: TickSize is not a positive number: `NFO,65538,";
    assert!(finished.output.contains(example), "{}", finished.output);
    assert!(finished.output.ends_with("3 instruments from the shoonya file of 2026-08-17\n"), "{}", finished.output);
    let keys = ["NSE:TCS", "NSE:NIFTY 50", "NFO:NIFTY31AUGFUT"];
    let plan = run_plan_json(&folder, &[&["--broker", "shoonya", "--strictness", "strict"][..], &keys].concat());
    assert_eq!(texts(&plan["instruments"]).len(), 3);

    let other = zip(&[("NSE_symbols.txt", cash), ("kite.csv", &[KITE_HEADER, KITE_CASH].concat())]);
    let finished = ingest(&write(folder.path(), "other.zip", other), "shoonya", folder.path());
    assert_eq!(finished.code, Some(1));
    let found = "expected a CSV with the columns of Shoonya's instruments, got the columns of Kite's file in the member \
        `kite.csv`\n";
    assert!(finished.stderr.contains(found), "{}", finished.stderr);
}

#[test]
fn a_compressed_file_is_read_with_an_explicit_date() {
    let folder = TempDir::new().unwrap();
    let content = [KITE_HEADER, KITE_CASH].concat();
    let file = write(folder.path(), "kite_2026-08-17.csv.gz", gzip(content.as_bytes()));
    let path = file.display().to_string();

    let finished = run(&["ingest", &path, "--broker", "kite", "--file-date", "2026-08-20"], folder.path(), &FEW);

    assert_eq!(finished.code, Some(0));
    assert_eq!(finished.stderr.as_str(), "");
    assert!(finished.output.ends_with("3 instruments from the kite file of 2026-08-20\n"), "{}", finished.output);
    let early = run_plan_json(&folder, &["--as-of", "2026-08-19", "NSE:TCS"]);
    let warning = early["metadata"]["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("as_of 2026-08-19 is earlier than the catalog's file date 2026-08-20"), "{warning}");
    assert_eq!(texts(&early["instruments"]), ["NSE:TCS"], "it is a warning, not a refusal");
}

#[test]
fn an_unreadable_file_reports_expected_and_actual_content() {
    let folder = TempDir::new().unwrap();
    let kite = [KITE_HEADER, KITE_CASH].concat();
    ingest(&write(folder.path(), "kite.csv", &kite), "kite", folder.path());
    let before = run_plan_json(&folder, &["NSE:TCS"]);
    let upstox = upstox_json().to_string();
    let packed = gzip(kite.as_bytes());
    let html = "<!DOCTYPE html>\n<html>maintenance</html>";
    let noise: Vec<u8> = (0..9000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let expected = |broker: &str| match broker {
        "kite" => "expected a CSV with the columns of Kite's instruments, got ",
        "upstox" => "expected a JSON array or a CSV of Upstox's instruments, got ",
        "dhan" => "expected a CSV with the columns of Dhan's compact or detailed instruments, got ",
        "angel" => "expected a JSON array of Angel One's instruments, got ",
        "fyers" => "expected a CSV without a header or a JSON object of Fyers's instruments, got ",
        "groww" => "expected a CSV with the columns of Groww's instruments, got ",
        "nuvama" => "expected a CSV with the columns of Nuvama's instruments, got ",
        "shoonya" => "expected a CSV with the columns of Shoonya's instruments, got ",
        _ => "expected a CSV with the columns of Alice Blue's instruments, got ",
    };

    for (name, content, broker, found) in [
        ("upstox.json", upstox.as_bytes(), "kite", "the columns of Upstox's file\n"),
        ("kite-as-upstox.csv", kite.as_bytes(), "upstox", "the columns of Kite's file\n"),
        ("page.html", html.as_bytes(), "kite", "an HTML page: `<!DOCTYPE html> <html>main"),
        ("page.html", html.as_bytes(), "upstox", "an HTML page: `<!DOCTYPE html> <html>main"),
        ("page.html", html.as_bytes(), "dhan", "an HTML page: `<!DOCTYPE html> <html>main"),
        ("page.html", html.as_bytes(), "angel", "an HTML page: `<!DOCTYPE html> <html>main"),
        ("page.html", html.as_bytes(), "fyers", "an HTML page: `<!DOCTYPE html> <html>main"),
        ("page.html", html.as_bytes(), "groww", "an HTML page: `<!DOCTYPE html> <html>main"),
        ("page.html", html.as_bytes(), "nuvama", "an HTML page: `<!DOCTYPE html> <html>main"),
        ("page.html", html.as_bytes(), "shoonya", "an HTML page: `<!DOCTYPE html> <html>main"),
        ("page.html", html.as_bytes(), "aliceblue", "an HTML page: `<!DOCTYPE html> <html>main"),
        ("upstox.json", upstox.as_bytes(), "angel", "the columns of Upstox's file\n"),
        ("kite-as-groww.csv", kite.as_bytes(), "groww", "the columns of Kite's file\n"),
        ("error.json", b"{\"status\": \"error\"}", "kite", "a JSON object: `{\"status\": \"error\"}`"),
        ("empty", b"", "kite", "nothing"),
        ("empty", b"", "upstox", "nothing"),
        ("noise", &noise, "kite", "binary data that begins with the bytes 00 9e"),
        ("noise", &noise, "upstox", "binary data that begins with the bytes 00 9e"),
    ] {
        let file = write(folder.path(), name, content);
        let finished = ingest(&file, broker, folder.path());

        assert_eq!(finished.code, Some(1), "{name}");
        assert_eq!(finished.output.as_str(), "", "{name}");
        let message = format!("error: {}: {broker} file rejected: {}{found}", file.display(), expected(broker));
        assert!(finished.stderr.starts_with(&message), "{name}: {}", finished.stderr);
        assert!(finished.stderr.len() < message.len() + 350, "{name}: {}", finished.stderr);
    }
    for cut in [packed.len() / 2, packed.len() - 6, 12] {
        let file = write(folder.path(), "cut.csv.gz", &packed[..cut]);
        let finished = ingest(&file, "kite", folder.path());

        assert_eq!(finished.code, Some(1), "{cut}");
        assert_eq!(finished.output.as_str(), "", "{cut}");
        let found = "expected a complete gzip file, got a truncated file\n";
        let message = format!("error: {}: kite file rejected: {found}", file.display());
        assert!(finished.stderr.starts_with(&message), "{cut}: {}", finished.stderr);
    }

    // A file of 264 KiB that decompresses to 257 MiB, and an uncompressed file of 257 MiB.
    let bomb = write(folder.path(), "bomb.csv.gz", zeros_packed().repeat(257));
    let large = write(folder.path(), "large.csv", b"");
    std::fs::File::options().write(true).open(&large).unwrap().set_len(257 << 20).unwrap();
    for (file, refused) in [
        (bomb, "expected at most 256 MiB after decompression, got more (reached after the first "),
        (large, "expected a file of at most 256 MiB, got a larger one\n"),
    ] {
        let finished = ingest(&file, "kite", folder.path());

        assert_eq!(finished.code, Some(1));
        assert_eq!(finished.output.as_str(), "");
        let message = format!("error: {}: kite file rejected: {refused}", file.display());
        assert!(finished.stderr.starts_with(&message), "{}", finished.stderr);
    }

    let after = run_plan_json(&folder, &["NSE:TCS"]);
    assert_eq!(after["metadata"]["catalogue"], before["metadata"]["catalogue"], "the catalogue is as it was");
}

#[test]
fn force_does_not_accept_a_file_without_valid_rows() {
    let folder = TempDir::new().unwrap();

    for (content, rows) in [(KITE_HEADER.to_owned(), 0), (format!("{KITE_HEADER}1,2,3\n,,,\n"), 2)] {
        let file = write(folder.path(), "kite.csv", content);
        let finished = ingest_forced(&file, "kite", folder.path());

        assert_eq!(finished.code, Some(1));
        assert_eq!(finished.row("kept").unwrap()[1], "0");
        let message = format!("  readable: no valid rows ({rows} rows read)\n");
        assert!(finished.stderr.contains(&message), "{}", finished.stderr);
        assert!(!finished.stderr.contains("--force"), "{}", finished.stderr);
    }
}

#[test]
fn a_file_name_with_a_control_character_is_rejected() {
    let folder = TempDir::new().unwrap();
    let path = write(folder.path(), "a\u{1}.csv", format!("{KITE_HEADER}{KITE_CASH}"));

    let finished = ingest(&path, "kite", folder.path());

    assert_eq!(finished.code, Some(1));
    assert_eq!(finished.stderr, "error: file name must not contain control characters, got \"a\\u{1}.csv\"\n");
}

#[test]
fn a_missing_file_is_reported() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("nowhere.csv");

    let finished = ingest(&path, "kite", folder.path());

    assert_eq!(finished.code, Some(1));
    assert!(
        finished.stderr.starts_with(&format!("error: failed to open {}: No such file", path.display())),
        "{finished:?}"
    );
}

#[test]
fn a_local_read_error_is_not_a_rejection() {
    let data = TempDir::new().unwrap();
    let folder = TempDir::new().unwrap();
    // The first page of a process is never mapped, so that reading it fails.
    for (path, cause) in [(folder.path(), "Is a directory"), (Path::new("/proc/self/mem"), "Input/output error")] {
        let finished = ingest(path, "fyers", data.path());

        assert_eq!(finished.code, Some(1), "{finished:?}");
        let message = format!("error: failed to read {}: {cause}", path.display());
        assert!(finished.stderr.starts_with(&message), "{finished:?}");
        let stored: Vec<_> = std::fs::read_dir(data.path()).unwrap().collect();
        assert!(stored.is_empty(), "{stored:?}");
    }
}

#[test]
fn every_row_of_a_real_file_is_kept() {
    let shared = std::env::var_os("REGISTRY_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let file = shared.join("data/kite_nfo_bfo_2026-08-17.csv.gz");
    if !file.exists() {
        eprintln!("skipped: {} is not there", file.display());
        return;
    }
    let folder = TempDir::new().unwrap();

    let finished = ingest(&file, "kite", folder.path());

    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(finished.row("read").unwrap(), ["read", "39941"]);
    assert_eq!(finished.row("kept").unwrap(), ["kept", "39941"]);
    assert_eq!(finished.row("rejected").unwrap(), ["rejected", "0"]);
    let plan = run_plan_json(&folder, &["--as-of", "2026-08-18", "--strictness", "strict", "NFO:NIFTY26AUGFUT"]);
    assert_eq!(texts(&plan["instruments"]), ["NFO:NIFTY26AUGFUT"]);
}

/// Runs `ingest --server` with a service that gives these answers in order, and the last one to all further requests.
fn ingest_with_answers(answers: &'static [(&'static str, &'static str)]) -> CommandResult {
    let folder = TempDir::new().expect("a folder can be created");
    let file = write(folder.path(), "kite_2026-08-17.csv", [KITE_HEADER, KITE_CASH].concat());
    let mut requests = 0;
    let url = service_with(move |_| {
        let (status, body) = answers[requests.min(answers.len() - 1)];
        requests += 1;
        (!status.is_empty()).then(|| (status, body.to_owned()))
    });
    let arguments = ["ingest", &file.display().to_string(), "--broker", "kite", "--server", &url];
    run(&arguments, folder.path(), &[("INTERNAL_API_KEY", "a-fake-key")])
}

#[test]
fn an_upload_waits_while_the_service_does_not_respond() {
    let finished = ingest_with_answers(&[
        ("202 Accepted", r#"{"job_id": "job_1", "status": "queued"}"#),
        ("503 Service Unavailable", r#"{"detail": "shutting down"}"#),
        ("", ""),
        ("200 OK", r#"{"job_id": "job_1", "status": "completed", "version": "7"}"#),
    ]);

    assert_eq!(finished.stderr, "");
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(finished.row("job_1").unwrap()[1], "completed");
}

#[test]
fn a_failed_wait_for_a_job_names_the_job() {
    let finished = ingest_with_answers(&[
        ("202 Accepted", r#"{"job_id": "job_1", "status": "queued"}"#),
        ("404 Not Found", r#"{"detail": "unknown job id"}"#),
    ]);

    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.contains("job job_1"), "{finished:?}");
    assert!(finished.stderr.contains("unknown job id"), "{finished:?}");
}

#[test]
fn a_file_above_the_limit_is_not_uploaded() {
    let folder = TempDir::new().unwrap();
    let large = write(folder.path(), "large.csv", vec![b'0'; (1 << 20) + 1]);
    let (requested, requests) = std::sync::mpsc::channel();
    let url = service_with(move |line| {
        let _ = requested.send(line.to_owned());
        None
    });

    // A device has no size.
    for path in [large.to_str().unwrap(), "/dev/zero"] {
        let arguments = ["ingest", path, "--broker", "kite", "--server", &url];
        let variables = [("INTERNAL_API_KEY", "a-fake-key"), ("INSTRUMENT_REGISTRY_INGEST_BYTES_MAX", "1048576")];
        let finished = run(&arguments, folder.path(), &variables);

        assert_eq!(finished.code, Some(1), "{finished:?}");
        let message = format!("error: {path}: file not uploaded: expected a file of at most 1 MiB, got a larger one; ");
        assert!(finished.stderr.starts_with(&message), "{finished:?}");
        assert_eq!(requests.try_recv().ok(), None);
    }
}
