//! Recognizes a file that is not one of the broker by its start.

use super::field::{excerpt, start_of};
use super::fyers;
use super::table::{Fields, Lines, delimiter_of, is_around};
use crate::vocabulary::Broker;

/// The number of bytes that are examined: the longest header has about 800 bytes, an object of a JSON file up to 1000.
pub(super) const START_BYTES_MAX: u64 = 4096;

/// The columns, or keys of each object, that only the files of one broker have.
const MARKS: [(Broker, &[&str]); 8] = [
    (Broker::Kite, &["instrument_token", "tradingsymbol"]),
    (Broker::Upstox, &["instrument_key"]),
    (Broker::Dhan, &["sem_smst_security_id"]),
    (Broker::Dhan, &["security_id", "exch_id"]),
    (Broker::Angel, &["exch_seg"]),
    (Broker::Fyers, &["fytoken"]),
    (Broker::Groww, &["exchange_token", "trading_symbol", "underlying_symbol"]),
    (Broker::Nuvama, &["exchangetoken", "assettype"]),
];

/// Describes the content of a rejected file, if that is more than the reader of the broker's form can report. `None` if
/// the file may be the broker's own, or if its content is not known.
pub(super) fn of(start: &[u8], broker: Broker) -> Option<String> {
    let text = start.trim_ascii_start();
    let first = *text.first()?;
    if let Some(owner) = owner_of(text) {
        return (owner != broker).then(|| format!("the columns of {}'s file", name_of(owner)));
    }
    match first {
        _ if is_binary(text) => Some(binary(text)),
        b'<' if is_html(text) => Some(format!("an HTML page: {}", excerpt(text))),
        b'<' => Some(format!("an XML document: {}", excerpt(text))),
        // If the object may be Fyers's, its reader reports the missing parts.
        b'{' if broker != Broker::Fyers || is_message(text) => Some(format!("a JSON object: {}", excerpt(text))),
        _ => None,
    }
}

fn name_of(broker: Broker) -> &'static str {
    match broker {
        Broker::Kite => "Kite",
        Broker::Upstox => "Upstox",
        Broker::Dhan => "Dhan",
        Broker::Angel => "Angel One",
        Broker::Fyers => "Fyers",
        Broker::Groww => "Groww",
        Broker::Nuvama => "Nuvama",
    }
}

/// Returns the broker whose columns or keys the file starts with.
fn owner_of(text: &[u8]) -> Option<Broker> {
    let is_json = matches!(text.first(), Some(b'[' | b'{'));
    let names = if is_json { texts_in(text) } else { columns_of(text)? };
    let marked = MARKS.iter().find(|(_, marks)| marks.iter().all(|mark| names.iter().any(|name| name == mark)));
    match marked {
        Some((broker, _)) => Some(*broker),
        // Its CSV has no column names.
        None => (!is_json && fyers::is_csv(text)).then_some(Broker::Fyers),
    }
}

/// Returns every quoted text in lower case. A parser would be necessary for more, because the text may be cut off
/// anywhere.
fn texts_in(json: &[u8]) -> Vec<String> {
    json.split(|byte| *byte == b'"').map(|text| String::from_utf8_lossy(text).to_lowercase()).collect()
}

/// Whether an object is an error message, or the start of an API response, which no instrument is.
fn is_message(json: &[u8]) -> bool {
    const NAMES: [&str; 5] = ["status", "message", "error", "errors", "code"];
    texts_in(json).iter().any(|text| NAMES.contains(&text.as_str()))
}

/// Returns the fields of the first line in lower case.
fn columns_of(text: &[u8]) -> Option<Vec<String>> {
    let mut lines = Lines::new(text);
    let line = lines.next().ok()??.text;
    let mut fields = Fields::default();
    fields.split(line, delimiter_of(line));
    Some(fields.iter().map(|field| String::from_utf8_lossy(field).trim_matches(is_around).to_lowercase()).collect())
}

fn is_html(text: &[u8]) -> bool {
    let start = start_of(text, 1024).to_lowercase();
    start.starts_with("<!doctype html") || start.contains("<html") || start.contains("<body")
}

/// Whether this is not text: it contains zero bytes, or a tenth of its characters are not printable.
fn is_binary(start: &[u8]) -> bool {
    let text = String::from_utf8_lossy(start);
    let is_unwritten = |c: &char| *c == char::REPLACEMENT_CHARACTER || c.is_control() && !c.is_whitespace();
    start.contains(&0) || text.chars().filter(is_unwritten).count() * 10 > text.chars().count()
}

fn binary(start: &[u8]) -> String {
    const SHOWN: usize = 8;
    match start {
        [b'P', b'K', 3, 4, ..] => "a ZIP archive".to_owned(),
        [0x1f, 0x8b, ..] => "a gzip file inside the gzip file".to_owned(),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "UTF-16 text".to_owned(),
        _ => {
            let bytes: Vec<String> = start.iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect();
            format!("binary data that begins with the bytes {}", bytes.join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(start: impl AsRef<[u8]>) -> Option<String> {
        of(start.as_ref(), Broker::Kite)
    }

    #[test]
    fn other_kinds_of_files_are_recognized() {
        for (start, expected) in [
            ("<!DOCTYPE html>\n<html>", "an HTML page: `<!DOCTYPE html> <html>`"),
            ("\n<head><title>503</title></head><BODY>", "an HTML page: `<head><title>503</title></head><BODY>`"),
            ("<?xml version=\"1.0\"?><Error/>", "an XML document: `<?xml version=\"1.0\"?><Error/>`"),
            ("{\"status\":\"error\"}", "a JSON object: `{\"status\":\"error\"}`"),
            ("PK\u{3}\u{4}\u{14}\0\0\0", "a ZIP archive"),
            ("\u{1}\0abcdefghij", "binary data that begins with the bytes 01 00 61 62 63 64 65 66"),
        ] {
            assert_eq!(found(start).as_deref(), Some(expected));
        }
        assert_eq!(found(b"\x1f\x8b\x08\0").as_deref(), Some("a gzip file inside the gzip file"));
        assert_eq!(found(b"\xff\xfei\0n\0s\0").as_deref(), Some("UTF-16 text"));
    }

    #[test]
    fn files_of_the_broker_are_left_to_its_reader() {
        for start in
            ["", " \n", "Access denied", "[{\"id\":1}]", "instrument_token,tradingsymbol", "exchange,symbol\n\u{fffd}"]
        {
            assert_eq!(found(start), None, "{start}");
        }
    }

    #[test]
    fn a_single_broken_character_does_not_make_a_text_binary() {
        let latin = b"exchange_token,name\n1,CAF\xc9 LIMITED AND ALL ITS SUBSIDIARIES\n";
        assert_eq!(found(latin), None);
    }
}
