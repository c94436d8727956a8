//! Reads the members of a zip archive one after the other, from its start to its end.
//!
//! Libraries for zip archives need random access, or the sizes of the members before their content. A file here is a
//! stream, and archivers that write to a pipe store the sizes after the content. So the archive is read in its own order,
//! and the directory at its end confirms that nothing is missing (APPNOTE.TXT, sections 4.3 to 4.5).

mod content;

use std::io::{self, BufRead, Read};

use flate2::CrcReader;

use self::content::{MemberContent, read_array};
use super::DumpError;
use super::field::excerpt;

const MEMBER: [u8; 4] = *b"PK\x03\x04";
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
const DIRECTORY_ENTRY: [u8; 4] = *b"PK\x01\x02";
const LARGE_END: [u8; 4] = *b"PK\x06\x06";
const LARGE_END_LOCATOR: [u8; 4] = *b"PK\x06\x07";
const END: [u8; 4] = *b"PK\x05\x06";

/// The flag of an encrypted member.
const ENCRYPTED: u16 = 1;
/// The flag of a member whose checksum and sizes follow its content.
const WITH_DESCRIPTOR: u16 = 1 << 3;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// The id of the extra field that contains sizes of 64 bits.
const LARGE_SIZES: u16 = 1;

const EXPECTED: &str = "a complete zip archive";

/// Whether a file starts like a zip archive; an empty one starts with its end.
pub(super) fn is_zip(start: &[u8]) -> bool {
    start.starts_with(&MEMBER) || start.starts_with(&END)
}

/// Returns the error for an archive whose bytes contradict each other, or end too soon.
pub(super) fn damaged(error: &io::Error) -> DumpError {
    let is_cut = error.kind() == io::ErrorKind::UnexpectedEof;
    let found = if is_cut { "a truncated file" } else { "a damaged file" };
    DumpError::Form { expected: EXPECTED, found: found.to_owned() }
}

fn contradiction() -> DumpError {
    damaged(&io::ErrorKind::InvalidData.into())
}

/// An archive, from the next member to be read.
pub(super) struct Archive<R> {
    reader: R,
    members: Listing,
}

/// The number of members and a sum over their names and checksums, so that the members and the directory are compared
/// without holding either in memory.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Listing {
    count: u64,
    sum: u64,
}

impl Listing {
    fn add(&mut self, name: &[u8], checksum: u32) {
        let mut of_name = flate2::Crc::new();
        of_name.update(name);
        self.count += 1;
        self.sum = self.sum.wrapping_add(u64::from(of_name.sum()) << 32 | u64::from(checksum));
    }
}

/// A member whose content has not been read.
pub(super) struct Member {
    name: Vec<u8>,
    method: u16,
    checksum: u32,
    packed_bytes: u64,
    /// `None` if no descriptor follows; otherwise whether its sizes have 64 bits.
    descriptor: Option<bool>,
}

impl Member {
    /// Returns the name for messages: on one line, not longer than 60 characters.
    pub(super) fn shown_name(&self) -> String {
        excerpt(&self.name).trim_matches('`').to_owned()
    }

    /// Whether the member is a data file: not hidden, not written by an archiver, and not a text for readers.
    pub(super) fn is_data(&self) -> bool {
        let name = String::from_utf8_lossy(&self.name).to_lowercase();
        let mut parts: Vec<&str> = name.split(['/', '\\']).collect();
        let file = parts.pop().unwrap_or_default();
        let is_incidental =
            file.is_empty() || file.starts_with('.') || file.starts_with("readme") || file == "desktop.ini";
        !is_incidental && !parts.contains(&"__macosx")
    }
}

impl<R: BufRead> Archive<R> {
    pub(super) fn new(reader: R) -> Self {
        Archive { reader, members: Listing::default() }
    }

    /// Returns the next member; `None` at the end of the archive, which has been checked then.
    ///
    /// # Errors
    /// [`DumpError::Form`] for an archive that is damaged, encrypted or compressed by another method.
    pub(super) fn next(&mut self) -> Result<Option<Member>, DumpError> {
        let signature = read_array(&mut self.reader)?;
        if signature == MEMBER {
            return self.member().map(Some);
        }
        self.check_directory(signature)?;
        Ok(None)
    }

    fn member(&mut self) -> Result<Member, DumpError> {
        let header: [u8; 26] = read_array(&mut self.reader)?;
        let [flags, method] = [2, 4].map(|at| u16_at(&header, at));
        let [name, extra] = [22, 24].map(|at| usize::from(u16_at(&header, at)));
        let name = read_bytes(&mut self.reader, name)?;
        let extra = read_bytes(&mut self.reader, extra)?;
        let large_sizes = large_sizes_in(&extra);
        let packed_bytes = match (u32_at(&header, 14), large_sizes) {
            (u32::MAX, Some(sizes)) if sizes.len() >= 16 => u64_at(sizes, 8),
            (bytes, _) => u64::from(bytes),
        };
        let descriptor = (flags & WITH_DESCRIPTOR != 0).then_some(large_sizes.is_some());
        let member = Member { name, method, checksum: u32_at(&header, 10), packed_bytes, descriptor };
        let shown = || excerpt(&member.name);
        match method {
            _ if flags & ENCRYPTED != 0 => Err(DumpError::Form {
                expected: "a zip archive without a password",
                found: format!("the encrypted member {}", shown()),
            }),
            STORED if descriptor.is_some() => Err(DumpError::Form {
                expected: "a zip archive with the size of each member that is not compressed",
                found: format!("the member {} without its size", shown()),
            }),
            STORED | DEFLATED => Ok(member),
            method => Err(DumpError::Form {
                expected: "a zip archive whose members are deflated or not compressed",
                found: format!("the member {} with the compression method {method}", shown()),
            }),
        }
    }

    /// Lets `read` read the content of a member to its end, and checks it.
    ///
    /// # Errors
    /// That of `read`, or [`DumpError::Form`] if the content differs from its checksum.
    pub(super) fn read_member(
        &mut self,
        member: &Member,
        read: impl FnOnce(&mut dyn Read) -> Result<(), DumpError>,
    ) -> Result<(), DumpError> {
        let content = match member.method {
            STORED => MemberContent::stored(&mut self.reader, member.packed_bytes),
            _ => MemberContent::deflated(&mut self.reader),
        };
        let mut content = CrcReader::new(content);
        read(&mut content)?;
        let (checksum, packed_bytes) = (content.crc().sum(), content.get_ref().packed_bytes());
        let (expected, packed_expected) = match member.descriptor {
            Some(is_large) => self.descriptor(is_large)?,
            None => (member.checksum, member.packed_bytes),
        };
        if (checksum, packed_bytes) != (expected, packed_expected) {
            return Err(contradiction());
        }
        self.members.add(&member.name, checksum);
        Ok(())
    }

    /// Reads the checksum and the packed size that follow a content; a signature may precede them.
    fn descriptor(&mut self, is_large: bool) -> Result<(u32, u64), DumpError> {
        let first: [u8; 4] = read_array(&mut self.reader)?;
        let checksum = if first == DESCRIPTOR { read_array(&mut self.reader)? } else { first };
        let packed_bytes = if is_large {
            let sizes: [u8; 16] = read_array(&mut self.reader)?;
            u64_at(&sizes, 0)
        } else {
            let sizes: [u8; 8] = read_array(&mut self.reader)?;
            u64::from(u32_at(&sizes, 0))
        };
        Ok((u32::from_le_bytes(checksum), packed_bytes))
    }

    /// Reads the directory, from after its first signature to the end of the file, and compares it with the members.
    fn check_directory(&mut self, mut signature: [u8; 4]) -> Result<(), DumpError> {
        let mut listed = Listing::default();
        while signature == DIRECTORY_ENTRY {
            let entry: [u8; 42] = read_array(&mut self.reader)?;
            let [name, extra, comment] = [24, 26, 28].map(|at| usize::from(u16_at(&entry, at)));
            let name = read_bytes(&mut self.reader, name)?;
            read_bytes(&mut self.reader, extra + comment)?;
            listed.add(&name, u32_at(&entry, 12));
            signature = read_array(&mut self.reader)?;
        }
        if signature == LARGE_END {
            let length: [u8; 8] = read_array(&mut self.reader)?;
            let length = usize::try_from(u64_at(&length, 0)).ok().filter(|length| *length <= usize::from(u16::MAX));
            read_bytes(&mut self.reader, length.ok_or_else(contradiction)?)?;
            signature = read_array(&mut self.reader)?;
        }
        if signature == LARGE_END_LOCATOR {
            read_bytes(&mut self.reader, 16)?;
            signature = read_array(&mut self.reader)?;
        }
        if signature != END || listed != self.members {
            return Err(contradiction());
        }
        let end: [u8; 18] = read_array(&mut self.reader)?;
        read_bytes(&mut self.reader, usize::from(u16_at(&end, 16)))?;
        if self.reader.fill_buf()?.is_empty() { Ok(()) } else { Err(contradiction()) }
    }
}

/// Returns the sizes of 64 bits among the extra fields of a member: the unpacked and the packed one.
fn large_sizes_in(mut extra: &[u8]) -> Option<&[u8]> {
    while let Some((header, rest)) = extra.split_at_checked(4) {
        let (field, rest) = rest.split_at_checked(usize::from(u16_at(header, 2)))?;
        if u16_at(header, 0) == LARGE_SIZES {
            return Some(field);
        }
        extra = rest;
    }
    None
}

fn read_bytes(reader: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Returns the bytes from `at`, which the caller has read.
fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes[at + index])
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array_at(bytes, at))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}
