//! Zip archives: as they should be, broken, and as large as they can be.

use flate2::Crc;
use flate2::write::DeflateEncoder;
use proptest::prelude::*;

use super::*;
use crate::ingest::QuarantinedRow;

/// A member of an archive that a test writes.
#[derive(Clone)]
struct Written<'a> {
    name: &'a str,
    content: &'a [u8],
    flags: u16,
    method: u16,
}

const STREAMED: u16 = 1 << 3;
const ENCRYPTED: u16 = 1;

fn deflated<'a>(name: &'a str, content: &'a [u8]) -> Written<'a> {
    Written { name, content, flags: 0, method: 8 }
}

fn stored<'a>(name: &'a str, content: &'a [u8]) -> Written<'a> {
    Written { method: 0, ..deflated(name, content) }
}

fn streamed<'a>(name: &'a str, content: &'a [u8]) -> Written<'a> {
    Written { flags: STREAMED, ..deflated(name, content) }
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}

/// Writes an archive, as archivers do.
fn archive(members: &[Written<'_>]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for Written { name, content, flags, method } in members {
        let packed = match method {
            8 => {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(content).unwrap();
                encoder.finish().unwrap()
            }
            _ => content.to_vec(),
        };
        let mut crc = Crc::new();
        crc.update(content);
        let sums = [crc.sum(), length(&packed), length(content)].map(u32::to_le_bytes).concat();
        let fixed = [20, *flags, *method, 0, 0].map(u16::to_le_bytes).concat();
        let name_length = u16::try_from(name.len()).unwrap().to_le_bytes();
        let start = length(&bytes);
        let is_streamed = flags & STREAMED != 0;
        let known = if is_streamed { vec![0; 12] } else { sums.clone() };
        for part in [&b"PK\x03\x04"[..], &fixed, &known, &name_length, &[0, 0], name.as_bytes(), &packed] {
            bytes.extend_from_slice(part);
        }
        if is_streamed {
            bytes.extend_from_slice(b"PK\x07\x08");
            bytes.extend_from_slice(&sums);
        }
        let parts = [&b"PK\x01\x02\x14\0"[..], &fixed, &sums, &name_length, &[0; 12], &start.to_le_bytes()];
        parts.into_iter().chain([name.as_bytes()]).for_each(|part| directory.extend_from_slice(part));
    }
    let count = u16::try_from(members.len()).unwrap().to_le_bytes();
    let (at, size) = (length(&bytes).to_le_bytes(), length(&directory).to_le_bytes());
    let end = [&directory, &b"PK\x05\x06\0\0\0\0"[..], &count, &count, &size, &at, &[0, 0]].concat();
    [bytes, end].concat()
}

fn refusal(broker: Broker, file: &[u8]) -> String {
    load(broker, file).unwrap_err().to_string()
}

/// Written by the module `zipfile` of Python: to a file, and to a pipe, with the sizes after the content; then both with
/// sizes of 64 bits.
const BY_PYTHON: [&[u8]; 4] = [
    b"PK\x03\x04\x14\x00\x00\x00\x08\x00\x00@\x11]\xbd\xdd\xcf7[\x00\x00\x00j\x00\x00\x00\x0f\x00\x00\x00\
        NSE_symbols.txts\xadH\xceH\xccKO\xd5\x09\xc9\xcfN\xcd\xd3\xf1\xc9/\x09\xce\xacJ\xd5\x09\xae\xccM\
        \xca\xcf\xd1\x09)JL\xc9\xccK\x87\xf2<\xf3\x8aK\x8aJsS\xf3JtB2\x93\xb3\xc1\x0a\xb9\xfc\x82]u\x8c,\
        ,Lu\x0cu\x82\x5c}<\x1d\xfd\x9c]\xe1\x0c]\xd7@\x1d 2\xd034\xd0\xe1\x02\x00PK\x01\x02\x14\x03\x14\x00\
        \x00\x00\x08\x00\x00@\x11]\xbd\xdd\xcf7[\x00\x00\x00j\x00\x00\x00\x0f\x00\x00\x00\x00\x00\x00\x00\
        \x00\x00\x00\x00\x80\x01\x00\x00\x00\x00NSE_symbols.txtPK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00\
        =\x00\x00\x00\x88\x00\x00\x00\x00\x00",
    b"PK\x03\x04\x14\x00\x08\x00\x08\x00\x00@\x11]\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0f\
        \x00\x00\x00NSE_symbols.txts\xadH\xceH\xccKO\xd5\x09\xc9\xcfN\xcd\xd3\xf1\xc9/\x09\xce\xacJ\xd5\x09\
        \xae\xccM\xca\xcf\xd1\x09)JL\xc9\xccK\x87\xf2<\xf3\x8aK\x8aJsS\xf3JtB2\x93\xb3\xc1\x0a\xb9\xfc\x82\
        ]u\x8c,,Lu\x0cu\x82\x5c}<\x1d\xfd\x9c]\xe1\x0c]\xd7@\x1d 2\xd034\xd0\xe1\x02\x00PK\x07\x08\xbd\xdd\
        \xcf7[\x00\x00\x00j\x00\x00\x00PK\x01\x02\x14\x03\x14\x00\x08\x00\x08\x00\x00@\x11]\xbd\xdd\xcf7\
        [\x00\x00\x00j\x00\x00\x00\x0f\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x01\x00\x00\x00\x00\
        NSE_symbols.txtPK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00=\x00\x00\x00\x98\x00\x00\x00\x00\x00",
    b"PK\x03\x04-\x00\x00\x00\x08\x00\x00@\x11]\xbd\xdd\xcf7\xff\xff\xff\xff\xff\xff\xff\xff\x0f\x00\x14\
        \x00NSE_symbols.txt\x01\x00\x10\x00j\x00\x00\x00\x00\x00\x00\x00[\x00\x00\x00\x00\x00\x00\x00s\xad\
        H\xceH\xccKO\xd5\x09\xc9\xcfN\xcd\xd3\xf1\xc9/\x09\xce\xacJ\xd5\x09\xae\xccM\xca\xcf\xd1\x09)JL\xc9\
        \xccK\x87\xf2<\xf3\x8aK\x8aJsS\xf3JtB2\x93\xb3\xc1\x0a\xb9\xfc\x82]u\x8c,,Lu\x0cu\x82\x5c}<\x1d\xfd\
        \x9c]\xe1\x0c]\xd7@\x1d 2\xd034\xd0\xe1\x02\x00PK\x01\x02-\x03-\x00\x00\x00\x08\x00\x00@\x11]\xbd\
        \xdd\xcf7[\x00\x00\x00j\x00\x00\x00\x0f\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x01\x00\x00\
        \x00\x00NSE_symbols.txtPK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00=\x00\x00\x00\x9c\x00\x00\x00\x00\
        \x00",
    b"PK\x03\x04-\x00\x08\x00\x08\x00\x00@\x11]\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x0f\x00\
        \x14\x00NSE_symbols.txt\x01\x00\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
        \x00s\xadH\xceH\xccKO\xd5\x09\xc9\xcfN\xcd\xd3\xf1\xc9/\x09\xce\xacJ\xd5\x09\xae\xccM\xca\xcf\xd1\
        \x09)JL\xc9\xccK\x87\xf2<\xf3\x8aK\x8aJsS\xf3JtB2\x93\xb3\xc1\x0a\xb9\xfc\x82]u\x8c,,Lu\x0cu\x82\
        \x5c}<\x1d\xfd\x9c]\xe1\x0c]\xd7@\x1d 2\xd034\xd0\xe1\x02\x00PK\x07\x08\xbd\xdd\xcf7[\x00\x00\x00\
        \x00\x00\x00\x00j\x00\x00\x00\x00\x00\x00\x00PK\x01\x02-\x03-\x00\x08\x00\x08\x00\x00@\x11]\xbd\xdd\
        \xcf7[\x00\x00\x00j\x00\x00\x00\x0f\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x01\x00\x00\x00\
        \x00NSE_symbols.txtPK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00=\x00\x00\x00\xb4\x00\x00\x00\x00\x00\
        ",
];

#[test]
fn archives_of_another_archiver_are_read() {
    for file in BY_PYTHON {
        let load = load(Broker::Shoonya, file).unwrap();
        assert_eq!(load.rows.len(), 1);
        assert_eq!(load.rows[0].symbol, "RELIANCE");
        assert_eq!(load.rows[0].token, "NSE|2885");
    }
}

#[test]
fn every_brokers_file_may_be_in_a_zip_archive() {
    for (form, broker, file) in fixtures::all() {
        let expected = load(broker, file.as_bytes()).unwrap();
        let packed = gzip(file.as_bytes());
        for member in [
            deflated("file.csv", file.as_bytes()),
            stored("file.csv", file.as_bytes()),
            streamed("file.csv", file.as_bytes()),
            stored("file.csv.gz", &packed),
        ] {
            assert_eq!(load(broker, &archive(&[member])[..]).unwrap(), expected, "{form}");
        }
    }
}

#[test]
fn each_file_in_an_archive_has_its_own_columns() {
    let all = |members: &[(&'static str, &'static str)]| {
        let written: Vec<_> = members.iter().map(|(name, text)| deflated(name, text.as_bytes())).collect();
        archive(&written)
    };
    for (broker, file) in
        [(Broker::Shoonya, all(&fixtures::SHOONYA_MEMBERS)), (Broker::AliceBlue, all(&fixtures::ALICE_BLUE_MEMBERS))]
    {
        let load = load(broker, &file[..]).unwrap();
        let keys: Vec<String> = load.rows.iter().map(|row| format!("{}:{}", row.exchange, row.symbol)).collect();
        assert_eq!(keys, fixtures::KEYS, "{broker}");
        let (_, _, whole) = fixtures::all().into_iter().find(|(_, other, _)| *other == broker).unwrap();
        assert_eq!(load.content_hash, self::load(broker, whole.as_bytes()).unwrap().content_hash, "{broker}");
    }
}

#[test]
fn members_that_are_not_data_are_ignored() {
    let [(_, broker, file), ..] = fixtures::all();
    let file = archive(&[
        stored("data/", b""),
        deflated("README.txt", b"Read me"),
        streamed("__MACOSX/data/._kite.csv", b"\0\x05\x16\x07"),
        stored("data/.DS_Store", b"Bud1"),
        deflated("data/kite.csv", file.as_bytes()),
    ]);

    assert_eq!(load(broker, &file[..]).unwrap().rows.len(), 9);
    assert!(!is_json(&file[..]));
}

#[test]
fn the_first_file_determines_whether_rows_are_elements() {
    for (form, _, file) in fixtures::all() {
        let packed = gzip(file.as_bytes());
        let is_json_file = file.starts_with(['[', '{']);
        for member in [streamed("a", file.as_bytes()), stored("a.gz", &packed)] {
            assert_eq!(is_json(&archive(&[deflated("readme.md", b"[1]"), member])[..]), is_json_file, "{form}");
        }
    }
}

#[test]
fn a_rejected_row_is_named_by_its_line_and_member() {
    let header =
        "instrument_token,tradingsymbol,name,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange";
    let [good, bad] = ["1,A,A,,0,0.05,1,EQ,NSE,NSE", "2,B,B,,0,0.05,1,EQ,NYSE,NYSE"];
    let first = format!("{header}\n{good}\n{bad}\n");
    let second = format!("{header}\n\n{bad}\n{good}\n");
    let file = archive(&[deflated("a.csv", first.as_bytes()), deflated("b.csv", second.as_bytes())]);
    let places = |quarantine: Vec<QuarantinedRow>| -> Vec<(Option<String>, u64)> {
        quarantine.into_iter().map(|row| (row.member, row.line)).collect()
    };

    let load = load(Broker::Kite, &file[..]).unwrap();

    let expected = [("a.csv", 3), ("b.csv", 3)].map(|(name, line)| (Some(name.to_owned()), line));
    assert_eq!(load.duplicates, 1, "the row of `A` in the second file is a duplicate");
    assert_eq!(places(load.quarantine), expected);
    let single = archive(&[deflated("a.csv", first.as_bytes())]);
    assert_eq!(places(self::load(Broker::Kite, &single[..]).unwrap().quarantine), [(None, 3)]);
}

#[test]
fn an_archive_that_cannot_be_read_is_described() {
    let kite = fixtures::all()[0].2.clone();
    let kite = kite.as_bytes();
    let method = |method| Written { method, ..stored("kite.csv", kite) };
    for (members, message) in [
        (vec![], "expected a zip archive with a file of instruments, got a zip archive without one"),
        (
            vec![stored("README", b"x")],
            "expected a zip archive with a file of instruments, got a zip archive without one",
        ),
        (
            vec![Written { flags: ENCRYPTED, ..deflated("kite.csv", kite) }],
            "expected a zip archive without a password, got the encrypted member `kite.csv`",
        ),
        (
            vec![method(93)],
            "expected a zip archive whose members are deflated or not compressed, got the member `kite.csv` with the \
             compression method 93",
        ),
        (
            vec![Written { flags: STREAMED, ..stored("kite.csv", kite) }],
            "expected a zip archive with the size of each member that is not compressed, got the member `kite.csv` \
             without its size",
        ),
        (
            vec![deflated("a.csv", kite), deflated("page.html", b"<!DOCTYPE html>\n<html></html>")],
            "expected a CSV with the columns of Kite's instruments, got an HTML page: `<!DOCTYPE html> <html></html>` \
             in the member `page.html`",
        ),
        (
            vec![deflated("NSE\u{1b}[31m.csv", fixtures::SHOONYA_MEMBERS[0].1.as_bytes())],
            "expected a CSV with the columns of Kite's instruments, got the columns of Shoonya's file in the member \
             `NSE [31m.csv`",
        ),
        (
            vec![stored("inner.zip", BY_PYTHON[0])],
            "expected a CSV with the columns of Kite's instruments, got a ZIP archive of `NSE_symbols.txt` in the member `inner.zip`",
        ),
    ] {
        assert_eq!(refusal(Broker::Kite, &archive(&members)), message);
    }
}

#[test]
fn each_file_in_an_archive_has_an_order_of_dates() {
    let file = |exchange: &str, dates: [&str; 2]| {
        let row = |date: &str| format!("{exchange},{}1,A,FUT,FNO,NIFTY,65,{date},,0.1\n", date.len());
        let header = "exchange,exchange_token,trading_symbol,instrument_type,segment,underlying_symbol,lot_size,\
            expiry_date,strike_price,tick_size";
        format!("{header}\n{}{}", row(dates[0]), row(dates[1]))
    };
    let (first, second) = (file("NSE", ["30/12/2025", "2/12/2025"]), file("BSE", ["12/30/2025", "12/2/2025"]));
    let members = [deflated("a.csv", first.as_bytes()), deflated("b.csv", second.as_bytes())];

    let load = load(Broker::Groww, &archive(&members)[..]).unwrap();

    let found: Vec<_> = load.rows.iter().map(|row| format!("{}:{}", row.exchange, row.symbol)).collect();
    assert_eq!(found, ["BFO:NIFTY25D02FUT", "BFO:NIFTY25DECFUT", "NFO:NIFTY25D02FUT", "NFO:NIFTY25DECFUT"]);
    assert_eq!(load.rejected_total(), 0);
}

#[test]
fn an_archive_of_too_many_files_is_rejected() {
    let names: Vec<String> = (0..1001).map(|number| format!("{number}.csv")).collect();
    let header =
        b"instrument_token,tradingsymbol,name,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange\n";
    let members: Vec<_> = names.iter().map(|name| stored(name, header)).collect();

    let error = load(Broker::Kite, &archive(&members)[..]).unwrap_err();

    assert_eq!(error.to_string(), "expected a zip archive of at most 1,000 files, got more files");
    assert!(load(Broker::Kite, &archive(&members[..1000])[..]).is_ok());
}

#[test]
fn a_truncated_archive_is_rejected() {
    for (form, broker, file) in fixtures::all() {
        let text = file.as_bytes();
        let members = [deflated("readme", b"x"), streamed("a.csv", text), stored("b.csv", text)];
        let file = archive(&members);
        for cut in 4..file.len() {
            let message = refusal(broker, &file[..cut]);
            assert_eq!(message, "expected a complete zip archive, got a truncated file", "{form}, {cut}");
        }
    }
}

#[test]
fn an_archive_that_contradicts_itself_is_rejected() {
    let [(_, broker, file), ..] = fixtures::all();
    let text = file.as_bytes();
    let damaged = "expected a complete zip archive, got a damaged file";
    let file = archive(&[deflated("a.csv", text), deflated("b.csv", text)]);
    let directory = file.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();

    let with_other = |at: usize| {
        let mut other = file.clone();
        other[at] ^= 0x20;
        other
    };
    // The checksum and size of a member, its name in the directory, the signature of the end.
    for at in [14, 18, directory + 46, file.len() - 22] {
        assert_eq!(refusal(broker, &with_other(at)), damaged, "{at}");
    }
    assert_eq!(refusal(broker, &[&file[..], b"<html>"].concat()), damaged);
    // The directory does not list a member that was deleted.
    let one = archive(&[deflated("a.csv", text)]);
    let start_of_second = file.windows(4).rposition(|bytes| bytes == b"PK\x03\x04").unwrap();
    let end_of_one = one.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    let updated = [&file[..directory], &one[end_of_one..]].concat();
    assert_eq!(start_of_second, end_of_one);
    assert_eq!(refusal(broker, &updated), damaged);
}

fn refusal_within(broker: Broker, mut file: &[u8], bytes_max: u64, rows_max: u64) -> (String, usize) {
    let limits = Limits { bytes_max, rows_max };
    let read = read_file(broker, &mut file, &limits, &mut |_| ControlFlow::Continue(()));
    (read.unwrap_err().to_string(), file.len())
}

#[test]
fn the_limits_apply_to_all_members_together() {
    for (form, broker, file) in fixtures::all() {
        let text = file.as_bytes();
        let file = archive(&[deflated("a", text), streamed("b", text), stored("c", text)]);
        let bytes = 3 * text.len() as u64;
        let limits = |bytes_max, rows_max| Limits { bytes_max, rows_max };
        let read = |limits| read_file(broker, &file[..], &limits, &mut |_| ControlFlow::Continue(()));

        assert_eq!(read(limits(bytes.max(file.len() as u64), 27)).unwrap().rows.len(), 9, "{form}");
        let (rows, _) = refusal_within(broker, &file, u64::MAX, 26);
        assert_eq!(rows, "expected at most 26 rows, got more", "{form}");
        let (large, _) = refusal_within(broker, &file, bytes - 1, u64::MAX);
        assert!(
            large.starts_with("expected ") && large.contains(" of at most ") || large.contains("after dec"),
            "{large}"
        );
    }
}

#[test]
fn an_archive_of_zeros_is_not_unpacked_beyond_the_limit() {
    const BYTES_MAX: u64 = 1024 * 1024;
    let zeros = vec![b'\n'; 64 << 20];
    let text = vec![b'\n'; 900 << 10];
    let packed = gzip(&zeros);
    for members in [
        vec![deflated("a", &zeros)],
        vec![deflated("readme", &zeros)],
        vec![streamed("a", &zeros)],
        vec![stored("a.gz", &packed)],
        vec![deflated("a.gz", &packed)],
        vec![deflated("readme", &text), deflated("readme2", &text)],
    ] {
        let file = archive(&members);
        let (refused, _) = refusal_within(Broker::Kite, &file, BYTES_MAX, u64::MAX);
        let message = "expected at most 1 MiB after decompression, got more (reached after the first ";
        assert!(refused.starts_with(message), "{refused}");
    }
}

#[test]
fn an_archive_of_empty_members_is_not_read_to_its_end() {
    let member = stored("readme", b"");
    let file = archive(&vec![member; 60_000]);
    let directory = file.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    let (refused, unread) = refusal_within(Broker::Kite, &file[..directory], u64::MAX, u64::MAX);

    let message = "expected a zip archive that is smaller than its decompressed content, got a zip archive of many almost \
        empty members";
    assert_eq!(refused, message);
    assert!(unread > 0, "{unread}");
}

#[test]
fn reading_an_archive_can_be_stopped() {
    let blank = vec![b'\n'; 8 << 20];
    for member in [deflated("a", &blank), stored("a", &blank), deflated("readme", &blank)] {
        let file = archive(&[member]);
        let mut calls = 0;
        let mut on_progress = |_| {
            calls += 1;
            if calls == 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };

        let stopped = read_file(Broker::Kite, &file[..], &Limits::default(), &mut on_progress);

        assert!(matches!(stopped, Err(DumpError::Stopped)));
        assert_eq!(calls, 10, "nothing is read after that");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_broken_archive_is_rejected_or_has_the_same_rows(
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 1..4),
        form in any::<prop::sample::Index>(),
    ) {
        let (form, broker, file) = form.get(&fixtures::all()[..]).clone();
        let text = file.as_bytes();
        let mut broken = archive(&[deflated("a.csv", text), streamed("b.csv", text)]);
        for (at, bits) in flips {
            let at = at.index(broken.len());
            broken[at] ^= bits;
        }
        match load(broker, &broken[..]) {
            Ok(load) => prop_assert_eq!(load.rows, self::load(broker, text).unwrap().rows, "{}", form),
            Err(error) => {
                let message = error.to_string();
                prop_assert!(message.starts_with("expected a "), "{message}");
                prop_assert!(message.chars().count() < 300, "{message}");
                prop_assert!(!message.contains(char::is_control), "{message}");
            }
        }
    }
}
