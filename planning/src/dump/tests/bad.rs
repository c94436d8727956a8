//! The error of every reader for every kind of bad file.

use super::*;

/// Returns the description of the expected file in the error of a form.
fn expected(form: &str) -> &'static str {
    match form.split(' ').next() {
        Some("kite") => "a CSV with the columns of Kite's instruments",
        Some("upstox") => "a JSON array or a CSV of Upstox's instruments",
        Some("dhan") => "a CSV with the columns of Dhan's compact or detailed instruments",
        Some("angel") => "a JSON array of Angel One's instruments",
        Some("fyers") => "a CSV without a header or a JSON object of Fyers's instruments",
        Some("groww") => "a CSV with the columns of Groww's instruments",
        Some("nuvama") => "a CSV with the columns of Nuvama's instruments",
        Some("shoonya") => "a CSV with the columns of Shoonya's instruments",
        _ => "a CSV with the columns of Alice Blue's instruments",
    }
}

fn owner(broker: Broker) -> &'static str {
    match broker {
        Broker::Kite => "Kite",
        Broker::Upstox => "Upstox",
        Broker::Dhan => "Dhan",
        Broker::Angel => "Angel One",
        Broker::Fyers => "Fyers",
        Broker::Groww => "Groww",
        Broker::Nuvama => "Nuvama",
        Broker::Shoonya => "Shoonya",
        Broker::AliceBlue => "Alice Blue",
        Broker::Kotak | Broker::FivePaisa | Broker::Breeze => unreachable!("no file of {broker} is read"),
    }
}

fn refusal(broker: Broker, file: impl AsRef<[u8]>) -> String {
    load(broker, file.as_ref()).unwrap_err().to_string()
}

/// Files of no broker, with the description of their content.
fn of_nobody() -> Vec<(Vec<u8>, &'static str)> {
    let noise: Vec<u8> = (0..9000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        (text(""), "nothing"),
        (text("\u{feff}"), "nothing"),
        (text(" \n\r\n\t\n"), "nothing"),
        (text("<!DOCTYPE html>\n<html><body>Down for maintenance</body></html>"), PAGE),
        (text("\u{feff}\r\n<html lang=\"en\">\n<p>503, try later</p></html>\n"), SHORT_PAGE),
        (text("<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code></Error>"), XML),
        (text("{\"status\":\"error\",\"message\":\"Token is invalid or has expired\",\"data\":{}}"), MESSAGE),
        (text("{\n  \"errors\": [{\"code\": 429}]\n}"), "a JSON object: `{ \"errors\": [{\"code\": 429}] }`"),
        (noise, "binary data that begins with the bytes 00 9e 3c da 78 17 b5 53"),
        (vec![0; 100_000], "binary data that begins with the bytes 00 00 00 00 00 00 00 00"),
        (text("PK\u{3}\u{4}\u{14}\0\0\0\u{8}\0kite.csv"), "a ZIP archive"),
        (gzip(b"instrument_token,tradingsymbol"), "a gzip file inside the gzip file"),
        (text("Access \u{1b}[31mdenied\u{7}\u{202e}\r\n"), "`Access [31mdenied`"),
        ("é".repeat(90_000).into_bytes(), LONG),
    ]
}

const PAGE: &str = "an HTML page: `<!DOCTYPE html> <html><body>Down for maintenance</body></htm…`";
const SHORT_PAGE: &str = "an HTML page: `<html lang=\"en\"> <p>503, try later</p></html>`";
const XML: &str = "an XML document: `<?xml version=\"1.0\"?> <Error><Code>AccessDenied</Code></Erro…`";
const MESSAGE: &str = "a JSON object: `{\"status\":\"error\",\"message\":\"Token is invalid or has expired…`";
const LONG: &str = "`éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé…`";

#[test]
fn every_reader_describes_a_file_that_is_not_of_instruments() {
    for (form, broker, _) in fixtures::all() {
        for (file, found) in of_nobody() {
            let message = format!("expected {}, got {found}", expected(form));
            // A file that is packed already is then packed twice.
            if !is_packed(&file) {
                assert_eq!(refusal(broker, &file), message, "{form}");
            }
            assert_eq!(refusal(broker, gzip(&file)), message, "{form}, packed");
        }
    }
}

#[test]
fn every_reader_names_the_broker_of_another_file() {
    for (form, of, file) in fixtures::all() {
        for (as_form, broker, _) in fixtures::all().into_iter().filter(|(_, broker, _)| *broker != of) {
            let message = format!("expected {}, got the columns of {}'s file", expected(as_form), owner(of));
            assert_eq!(refusal(broker, &file), message, "{form} as {as_form}");
            assert_eq!(refusal(broker, gzip(file.as_bytes())), message, "{form} as {as_form}, packed");
        }
    }
}

#[test]
fn a_truncated_or_damaged_gzip_file_is_rejected() {
    for (form, broker, file) in fixtures::all() {
        let packed = gzip(file.as_bytes());
        for cut in 2..packed.len() {
            let message = "expected a complete gzip file, got a truncated file";
            assert_eq!(refusal(broker, &packed[..cut]), message, "{form}, {cut}");
        }
        let checksum = packed.len() - 8;
        for damage in [2, checksum, checksum + 4] {
            let mut damaged = packed.clone();
            damaged[damage] ^= 0x55;
            let message = "expected a complete gzip file, got a damaged file";
            assert_eq!(refusal(broker, &damaged), message, "{form}, {damage}");
        }
        let mut followed = packed.clone();
        followed.extend_from_slice(b"<html>");
        assert!(refusal(broker, &followed).starts_with("expected a complete gzip file, got a "), "{form}");
        assert_eq!(load(broker, &packed.repeat(1)[..]).unwrap().rows.len(), 9, "{form}");
    }
}

/// A row that is cut off is rejected or still complete: its content is never different from the original row. A JSON
/// file that is cut off anywhere is rejected.
#[test]
fn a_truncated_file_yields_no_new_rows() {
    for (form, broker, file) in fixtures::all() {
        let is_json = file.starts_with(['[', '{']);
        let whole = load(broker, file.as_bytes()).unwrap();
        for cut in 1..file.trim_end().len() {
            match load(broker, &file.as_bytes()[..cut]) {
                Err(error) => {
                    let message = error.to_string();
                    assert!(
                        message.starts_with(&format!("expected {}, got ", expected(form))),
                        "{form}, {cut}: {message}"
                    );
                    assert!(
                        !is_json || message.contains("the end of the file in element "),
                        "{form}, {cut}: {message}"
                    );
                }
                Ok(load) => {
                    assert!(!is_json, "{form}, {cut}");
                    assert_eq!(accounted(&load), load.rows_read, "{form}, {cut}");
                    for row in &load.rows {
                        let other = whole.rows.iter().find(|other| other.token == row.token);
                        let mut other = other.unwrap_or_else(|| panic!("{form}, {cut}: {row:?}")).clone();
                        other.name.clone_from(&row.name);
                        // All rows determine which expiry is monthly; the gates detect that some are missing.
                        if matches!(form, "groww" | "nuvama" | "shoonya" | "aliceblue") {
                            other.symbol.clone_from(&row.symbol);
                        }
                        assert_eq!(*row, other, "{form}, {cut}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_error_names_every_missing_required_column() {
    let is_csv = |(form, _, file): &(&str, Broker, String)| *form != "fyers csv" && !file.starts_with(['[', '{']);
    for (form, broker, file) in fixtures::all().into_iter().filter(is_csv) {
        let (header, rows) = file.split_once('\n').unwrap();
        let mut missed = 0;
        for name in header.split(',').filter(|name| !name.is_empty()) {
            let renamed = header.split(',').map(|other| if other == name { "another" } else { other });
            let renamed = renamed.collect::<Vec<_>>().join(",");
            let Err(error) = load(broker, format!("{renamed}\n{rows}").as_bytes()) else { continue };
            missed += 1;
            let message = error.to_string();
            let name = name.trim_matches('"');
            let found = format!("expected {}, got a header without the column `{name}`", expected(form));
            // Without the column that distinguishes Dhan's two forms, the error names a column of the other form.
            let is_other = form == "dhan compact" && name == "SEM_SMST_SECURITY_ID";
            assert!(message == found || is_other, "{form}: {message}");
        }
        assert!(missed >= 10, "{form}: {missed}");
    }
}

#[test]
fn of_a_repeated_row_one_is_kept() {
    for (form, broker, file) in fixtures::all() {
        let doubled = match file.as_bytes() {
            [b'[', ..] => format!("[{0},{0}]", &file[1..file.len() - 1]),
            [b'{', ..] => format!("{{{0},{0}}}", &file[1..file.len() - 1]),
            _ => {
                let (_, rows) = file.split_once('\n').filter(|_| form != "fyers csv").unwrap_or(("", &file));
                format!("{file}{rows}")
            }
        };
        let (once, twice) = (load(broker, file.as_bytes()).unwrap(), load(broker, doubled.as_bytes()).unwrap());

        assert_eq!(twice.rows, once.rows, "{form}");
        assert_eq!(twice.content_hash, once.content_hash, "{form}");
        assert_eq!(twice.duplicates, 9, "{form}");
        assert_eq!(twice.rejected, once.rejected, "{form}");
    }
}
