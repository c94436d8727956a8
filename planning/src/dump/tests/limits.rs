//! Tests with files that are too large, decompression bombs, and readings that are canceled.

use super::*;

const REPEATED: usize = 12;
const ROWS: u64 = 9 * REPEATED as u64;
const ANY: u64 = u64::MAX;

/// Returns a file of each form with some more rows.
fn large() -> Vec<(&'static str, Broker, String)> {
    let larger = |(form, broker, file): (&'static str, Broker, String)| {
        let larger = match file.as_bytes() {
            [open @ (b'[' | b'{'), ..] => {
                let elements = [&file[1..file.len() - 1]; REPEATED].join(",");
                let close = if *open == b'[' { ']' } else { '}' };
                format!("{}{elements}{close}", char::from(*open))
            }
            _ if form == "fyers csv" => file.repeat(REPEATED),
            _ => {
                let (header, rows) = file.split_once('\n').unwrap();
                format!("{header}\n{}", rows.repeat(REPEATED))
            }
        };
        (form, broker, larger)
    };
    fixtures::all().into_iter().map(larger).collect()
}

fn refusal(broker: Broker, file: impl Read, bytes_max: u64, rows_max: u64) -> Option<String> {
    let limits = Limits { bytes_max, rows_max };
    let read = read_file(broker, file, &limits, &mut |_| ControlFlow::Continue(()));
    read.err().map(|error| error.to_string())
}

#[test]
fn a_file_at_the_limit_is_read_a_larger_one_rejected() {
    for (form, broker, file) in large() {
        let bytes = file.len() as u64;
        let packed = gzip(file.as_bytes());
        for file in [file.as_bytes(), &packed] {
            assert_eq!(refusal(broker, file, bytes, ROWS), None, "{form}");
            let message = format!("expected at most {} rows, got more", ROWS - 1);
            assert_eq!(refusal(broker, file, ANY, ROWS - 1), Some(message), "{form}");
        }
        let most = (bytes - 1) / 1024;
        let message = format!("expected a file of at most {most} KiB, got a larger one");
        assert_eq!(refusal(broker, file.as_bytes(), bytes - 1, ANY), Some(message), "{form}");
        let message = format!("expected at most {most} KiB after decompression, got more (reached after the first ");
        let refused = refusal(broker, &packed[..], bytes - 1, ANY).unwrap();
        assert!(refused.starts_with(&message) && refused.ends_with(" of the file)"), "{form}: {refused}");
    }
}

#[test]
fn limits_are_reported_in_readable_units() {
    let default = Limits::default();
    assert_eq!(
        DumpError::TooLarge { bytes_max: default.bytes_max, packed_bytes: Some(261_700) }.to_string(),
        "expected at most 256 MiB after decompression, got more (reached after the first 255 KiB of the file)"
    );
    assert_eq!(
        DumpError::TooLarge { bytes_max: 300, packed_bytes: None }.to_string(),
        "expected a file of at most 300 bytes, got a larger one"
    );
    assert_eq!(
        DumpError::TooManyRows { rows_max: default.rows_max }.to_string(),
        "expected at most 500000 rows, got more"
    );
}

/// A bomb is a valid file until the limit is exceeded, so the reading must end without unpacking more of it.
#[test]
fn a_bomb_is_not_unpacked_beyond_the_limit() {
    const BYTES_MAX: u64 = 1024 * 1024;
    let zeros = gzip(&vec![0; 64 << 20]);
    let members = gzip(&vec![b' '; 1 << 20]).repeat(64);
    let twice = gzip(&gzip(&vec![0; 64 << 20]));
    for (form, broker, file) in fixtures::all() {
        let row = &file[..file.len() - 1];
        let rows = gzip(row.repeat((8 << 20) / row.len()).as_bytes());
        for bomb in [&zeros, &members, &rows] {
            let mut unread = &bomb[..];
            let refused = refusal(broker, &mut unread, BYTES_MAX, ANY).unwrap();
            let is_reported = refused.contains("expected at most 1 MiB after decompression, got more")
                // Broken JSON is detected at once.
                || refused.contains(" element ") || refused.contains("binary data");
            assert!(is_reported, "{form}: {refused}");
            assert!(unread.len() * 4 > bomb.len() || bomb.len() < 512 * 1024, "{form}: {}", unread.len());
        }
        let refused = refusal(broker, &twice[..], BYTES_MAX, ANY).unwrap();
        assert!(refused.ends_with(", got a gzip file inside the gzip file"), "{form}: {refused}");
    }
}

#[test]
fn a_gzip_file_of_empty_parts_is_not_read_to_its_end() {
    let parts = gzip(b"").repeat(200_000);
    for broker in Broker::WITH_FILES {
        let mut unread = &parts[..];
        let message = "expected a gzip file that is smaller than its decompressed content, got a gzip file of many almost empty members";
        assert_eq!(refusal(broker, &mut unread, ANY, ANY).as_deref(), Some(message));
        assert!(unread.len() > parts.len() / 2, "{}", unread.len());
    }
}

#[test]
fn a_row_with_long_texts_is_rejected() {
    let header =
        "instrument_token,tradingsymbol,name,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange";
    let row = |length| format!("{header}\n1,A,{},,0,0.05,1,EQ,BSE,BSE\n", "N".repeat(length));
    assert_eq!(load(Broker::Kite, row(318).as_bytes()).unwrap().rows.len(), 1);
    let rejected = load(Broker::Kite, row(319).as_bytes()).unwrap().rejected;
    assert_eq!(rejected.into_iter().collect::<Vec<_>>(), [("the text fields of the row are too long", 1)]);
}

#[test]
fn elements_without_end_are_rejected_lines_cost_one_row() {
    for (form, broker, file) in fixtures::all() {
        let long = "x".repeat(3 << 20);
        let (file, is_json) = match file.strip_suffix([']', '}']) {
            Some(elements) => (format!("{elements},\"{long}"), true),
            None => (format!("{file}{long}\n"), false),
        };
        match load(broker, file.as_bytes()) {
            Ok(load) => {
                assert!(!is_json && load.rows.len() == 9, "{form}");
                assert_eq!(load.rejected.into_iter().collect::<Vec<_>>(), [("the row is too long", 1)], "{form}");
            }
            Err(error) => {
                assert!(
                    is_json && error.to_string().ends_with(", got element 10 longer than 16 KiB"),
                    "{form}: {error}"
                );
            }
        }
    }
}

#[test]
fn a_reading_can_be_stopped_between_two_pieces() {
    let blank = vec![b'\n'; 8 << 20];
    for broker in Broker::WITH_FILES {
        for file in [blank.clone(), gzip(&blank)] {
            let mut calls = 0;
            let mut on_progress = |rows| {
                calls += 1;
                assert_eq!(rows, 0);
                if calls == 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };

            let stopped = read_file(broker, &file[..], &Limits::default(), &mut on_progress);

            assert!(matches!(stopped, Err(DumpError::Stopped)), "{broker:?}");
            assert_eq!(calls, 10, "{broker:?}: nothing is read after that");
        }
    }
}

/// A file with a single key must not make the reading slow.
#[test]
fn many_rows_with_one_key_are_disambiguated_quickly() {
    let header =
        "instrument_token,tradingsymbol,name,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange\n";
    let rows: String = (1..=20_000).map(|token| format!("{token},A,A,,0,0.05,1,EQ,NSE,NSE\n")).collect();

    let load = load(Broker::Kite, [header, &rows].concat().as_bytes()).unwrap();

    assert_eq!(load.rows.len(), 0);
    assert_eq!(load.rejected_total(), 20_000);
}
