//! Recognizes a file that is not one of the broker by its start.

use super::field::{excerpt, start_of};
use super::fyers;
use super::table::{Fields, Lines, delimiter_of, is_around};
use crate::vocabulary::Broker;

/// The number of bytes that are examined: the longest header has about 800 bytes, an object of a JSON file up to 1000.
pub(super) const START_BYTES_MAX: u64 = 4096;

/// The publisher of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// A broker whose files are read.
    Broker(Broker),
    /// A publisher whose files are not read.
    Other(&'static str),
}

/// The columns, or keys of each object, that only the files of one publisher have. The first entry that matches counts.
const MARKS: [(Owner, &[&str]); 17] = [
    (Owner::Broker(Broker::Kite), &["instrument_token", "tradingsymbol"]),
    (Owner::Broker(Broker::Upstox), &["instrument_key"]),
    (Owner::Broker(Broker::Dhan), &["sem_smst_security_id"]),
    (Owner::Broker(Broker::Dhan), &["security_id", "exch_id"]),
    (Owner::Broker(Broker::Angel), &["exch_seg"]),
    (Owner::Broker(Broker::Fyers), &["fytoken"]),
    (Owner::Broker(Broker::Groww), &["exchange_token", "trading_symbol", "underlying_symbol"]),
    (Owner::Broker(Broker::Nuvama), &["exchangetoken", "assettype"]),
    (Owner::Other("5paisa"), &["exch", "exchtype", "scripcode"]),
    (Owner::Other("Kotak"), &["psymbol", "ptrdsymbol"]),
    (Owner::Other("Kotak"), &["instrumenttoken", "instrumentname", "exchangetoken"]),
    (Owner::Other("ICICI Breeze"), &["ec", "sc", "tk", "sg"]),
    (Owner::Other("ICICI Breeze"), &["shortname", "exchangecode"]),
    (Owner::Broker(Broker::Shoonya), &["exchange", "token", "tradingsymbol", "ticksize"]),
    (Owner::Broker(Broker::AliceBlue), &["exch", "exchange segment", "formatted ins name"]),
    (Owner::Other("the exchange NSE, its list of securities"), &["name of company", "isin number"]),
    (Owner::Other("an exchange, its bhavcopy"), &["tckrsymb", "fininstrmid"]),
];

/// Describes the content of a rejected file, if that is more than the reader of the broker's form can report. `None` if
/// the file may be the broker's own, or if its content is not known.
pub(super) fn of(start: &[u8], broker: Broker) -> Option<String> {
    let text = start.trim_ascii_start();
    let first = *text.first()?;
    let is_json = matches!(first, b'[' | b'{');
    match owner_of(text) {
        Some(Owner::Broker(owner)) if is_json && !publishes_json(owner, first) => {
            return Some(format!("{}'s instruments as JSON", name_of(owner)));
        }
        // If it is the broker's own, its reader reports the missing parts.
        Some(Owner::Broker(owner)) => {
            return (owner != broker).then(|| format!("the columns of {}'s file", name_of(owner)));
        }
        Some(Owner::Other(name)) => return Some(format!("the columns of a file of {name}, which is not supported")),
        None => {}
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
        Broker::Shoonya => "Shoonya",
        Broker::AliceBlue => "Alice Blue",
        Broker::Kotak => "Kotak Neo",
        Broker::FivePaisa => "5paisa",
        Broker::Breeze => "ICICI Breeze",
    }
}

/// Whether the broker publishes JSON that starts with this byte.
fn publishes_json(broker: Broker, first: u8) -> bool {
    match broker {
        Broker::Upstox | Broker::Angel => first == b'[',
        Broker::Fyers => first == b'{',
        _ => false,
    }
}

/// Returns the publisher whose columns or keys the file starts with.
fn owner_of(text: &[u8]) -> Option<Owner> {
    let is_json = matches!(text.first(), Some(b'[' | b'{'));
    let names = if is_json { texts_in(text) } else { columns_of(text)? };
    let marked = MARKS.iter().find(|(_, marks)| marks.iter().all(|mark| names.iter().any(|name| name == mark)));
    match marked {
        Some((owner, _)) => Some(*owner),
        // Its CSV has no column names.
        None => (!is_json && fyers::is_csv(text)).then_some(Owner::Broker(Broker::Fyers)),
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
    let delimiter = if line.contains(&b'|') && !line.contains(&b',') { b'|' } else { delimiter_of(line) };
    let mut fields = Fields::default();
    fields.split(line, delimiter);
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
        [b'P', b'K', 3, 4, ..] => zip(start),
        [b'%', b'P', b'D', b'F', ..] => "a PDF document".to_owned(),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => "an old Excel or Word document".to_owned(),
        [0x1f, 0x8b, ..] => "a gzip file inside the gzip file".to_owned(),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "UTF-16 text".to_owned(),
        _ => {
            let bytes: Vec<String> = start.iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect();
            format!("binary data that begins with the bytes {}", bytes.join(" "))
        }
    }
}

/// Describes a ZIP archive by the name of its first member.
fn zip(start: &[u8]) -> String {
    // The local header has 30 bytes, then the name; bytes 26 and 27 are its length.
    let length = start.get(26..28).map_or(0, |length| usize::from(length[0]) | usize::from(length[1]) << 8);
    match start.get(30..30 + length).filter(|name| !name.is_empty()) {
        Some(name) if name.starts_with(b"xl/") || name == b"[Content_Types].xml" => {
            "an Excel or Word document".to_owned()
        }
        Some(name) => format!("a ZIP archive of {}", excerpt(name)),
        None => "a ZIP archive".to_owned(),
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
    fn files_of_other_publishers_are_named() {
        let not_read = |name: &str| format!("the columns of a file of {name}, which is not supported");
        for (start, expected) in [
            ("\"SEM_SMST_SECURITY_ID\",B\n", "the columns of Dhan's file".to_owned()),
            ("[{\"exch_seg\":\"NSE\"}]", "the columns of Angel One's file".to_owned()),
            ("10100000001594,INFOSYS,0,1,0.05,INE009A01021,,,,NSE:INFY-EQ,10,10,1594,INFY,1594,-1.0,XX,,,,\n", {
                "the columns of Fyers's file".to_owned()
            }),
            (
                "Exch,ExchType,Scripcode,Name,Series,Expiry,CpType,Strikerate,WireCat,ISIN,Fullname,LotSize\n",
                not_read("5paisa"),
            ),
            ("pSymbol;,pGroup;,pExchSeg;,pInstType;,pSymbolName;,pTrdSymbol;\n", not_read("Kotak")),
            ("instrumentToken|instrumentName|name|lastPrice|exchangeToken\n", not_read("Kotak")),
            ("CD,NS,EC,SC,SG,TK,SM\n", not_read("ICICI Breeze")),
            ("\"Token\", \"ShortName\", \"Series\", \"CompanyName\", \"ExchangeCode\"\n", not_read("ICICI Breeze")),
            (
                "Exchange,Token,LotSize,Symbol,TradingSymbol,Instrument,TickSize,\n",
                "the columns of Shoonya's file".to_owned(),
            ),
            (
                "Exch,Exchange Segment,Symbol,Token,Instrument Type,Instrument Name,Formatted Ins Name\n",
                "the columns of Alice Blue's file".to_owned(),
            ),
            (
                "SYMBOL,NAME OF COMPANY, SERIES, DATE OF LISTING, PAID UP VALUE, MARKET LOT, ISIN NUMBER\n",
                not_read("the exchange NSE, its list of securities"),
            ),
        ] {
            assert_eq!(found(start).as_deref(), Some(expected.as_str()), "{start}");
        }
    }

    #[test]
    fn a_csv_brokers_instruments_as_json_are_named() {
        let array = "[{\"instrument_token\":738561,\"tradingsymbol\":\"RELIANCE\"}]";
        let object = "{\"status\":\"success\",\"data\":[{\"instrument_token\":1,\"tradingsymbol\":\"A\"}]}";

        for json in [array, object] {
            for broker in [Broker::Kite, Broker::Upstox, Broker::Fyers, Broker::Nuvama] {
                assert_eq!(of(json.as_bytes(), broker).as_deref(), Some("Kite's instruments as JSON"), "{json}");
            }
        }
        let upstox = "{\"data\":[{\"instrument_key\":\"NSE_EQ|INE002A01018\"}]}";
        assert_eq!(of(upstox.as_bytes(), Broker::Upstox).as_deref(), Some("Upstox's instruments as JSON"));
        let angel = b"token,symbol,name,expiry,strike,lotsize,instrumenttype,exch_seg,tick_size\n";
        assert_eq!(of(angel, Broker::Angel), None);
        assert_eq!(of(angel, Broker::Dhan).as_deref(), Some("the columns of Angel One's file"));
    }

    #[test]
    fn an_archive_is_described_by_its_first_member() {
        let archive = |name: &[u8]| {
            let mut start = b"PK\x03\x04\x14\0\0\0\x08\0".to_vec();
            start.resize(26, 0);
            start.extend([u8::try_from(name.len()).unwrap(), 0, 0, 0]);
            [&start, name, b"\x01\x02\0"].concat()
        };

        assert_eq!(found(archive(b"report.pdf")).as_deref(), Some("a ZIP archive of `report.pdf`"));
        assert_eq!(found(archive(b"[Content_Types].xml")).as_deref(), Some("an Excel or Word document"));
        assert_eq!(found(archive(b"")).as_deref(), Some("a ZIP archive"));
        assert_eq!(found(&archive(b"report.pdf")[..35]).as_deref(), Some("a ZIP archive"));
        assert_eq!(found(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\0").as_deref(), Some("a PDF document"));
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
