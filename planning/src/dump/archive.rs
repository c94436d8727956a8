//! Reads the files in an archive, each as a file of its own with its own form.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use super::limits::{Meter, Packing};
use super::zip::{self, Archive, Member};
use super::{DumpError, OnEntry, PIECE_BYTES, is_gzip, read_unpacked, start_of};
use crate::vocabulary::Broker;

/// The maximum number of files in an archive. A broker publishes one for each exchange; the names of many would need memory
/// that no other limit bounds.
const MEMBERS_MAX: usize = 1000;

/// The files in an archive, in the order in which they were read. A file that is not an archive has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// Their names, each with the last position of the previous one.
    names: Vec<(u64, String)>,
}

impl Members {
    /// Returns the line of a position within its member, and the name of the member if there are several.
    pub fn place(&self, position: u64) -> (Option<&str>, u64) {
        let at = self.names.partition_point(|(before, _)| *before < position);
        match self.names.get(at.saturating_sub(1)) {
            Some((before, name)) if self.names.len() > 1 => (Some(name), position.saturating_sub(*before)),
            _ => (None, position),
        }
    }
}

/// Reads each file in an archive.
pub(super) fn read_members(
    broker: Broker,
    file: impl BufRead,
    meter: &Meter<'_>,
    on_entry: &mut OnEntry<'_>,
) -> Result<Members, DumpError> {
    let mut archive = Archive::new(file);
    let mut members = Members::default();
    let mut last = 0;
    let read = loop {
        let member = match archive.next() {
            Ok(Some(member)) => member,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        let before = last;
        if member.is_data() {
            if members.names.len() == MEMBERS_MAX {
                break Err(DumpError::Form {
                    expected: "a zip archive of at most 1,000 files",
                    found: "more files".to_owned(),
                });
            }
            members.names.push((before, member.shown_name()));
        }
        let read = archive.read_member(&member, |content| {
            let mut content = BufReader::with_capacity(PIECE_BYTES, meter.unpacked(Packing::Zip, content));
            if member.is_data() {
                read_data(broker, &mut content, meter, &mut |line, entry| {
                    last = before + line;
                    on_entry(last, entry);
                })
                .map_err(|error| in_member(error, &member))?;
            }
            // Whatever the reader of the form left, and members without data.
            io::copy(&mut content, &mut io::sink())?;
            Ok(())
        });
        if let Err(error) = read {
            break Err(error);
        }
    };
    match read {
        Err(DumpError::Io(error)) if !meter.has_source_failed() => Err(zip::damaged(&error)),
        Ok(()) if members.names.is_empty() => Err(DumpError::Form {
            expected: "a zip archive with a file of instruments",
            found: "a zip archive without one".to_owned(),
        }),
        read => read.map(|()| members),
    }
}

/// Reads the content of a member, which may be gzipped.
fn read_data(
    broker: Broker,
    mut content: &mut dyn BufRead,
    meter: &Meter<'_>,
    on_entry: &mut OnEntry<'_>,
) -> Result<(), DumpError> {
    let start = start_of(&mut content)?;
    if !is_gzip(&start) {
        return read_unpacked(broker, &start, content, on_entry);
    }
    let unpacked = meter.unpacked(Packing::Zip, MultiGzDecoder::new(start.chain(content)));
    let mut unpacked = BufReader::with_capacity(PIECE_BYTES, unpacked);
    let mut unpacked: &mut dyn BufRead = &mut unpacked;
    let start = start_of(&mut unpacked)?;
    read_unpacked(broker, &start, unpacked, on_entry)
}

/// Adds the name of the member to an error about its form.
fn in_member(error: DumpError, member: &Member) -> DumpError {
    match error {
        DumpError::Form { expected, found } => {
            DumpError::Form { expected, found: format!("{found} in the member `{}`", member.shown_name()) }
        }
        error => error,
    }
}

/// Returns the start of the first file in an archive.
pub(super) fn start_of_data(file: impl BufRead) -> Result<Vec<u8>, DumpError> {
    let mut archive = Archive::new(file);
    let mut start = Vec::new();
    while let Some(member) = archive.next()? {
        let is_data = member.is_data();
        let read = archive.read_member(&member, |mut content| {
            if is_data {
                start = start_of(&mut content)?;
                if is_gzip(&start) {
                    let packed = BufReader::new(start.as_slice().chain(content));
                    start = start_of(&mut MultiGzDecoder::new(packed))?;
                }
                return Ok(());
            }
            io::copy(&mut content, &mut io::sink())?;
            Ok(())
        });
        if is_data {
            break;
        }
        read?;
    }
    Ok(start)
}
