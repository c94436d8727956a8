//! The content of a member of a zip archive.

use std::io::{self, BufRead, ErrorKind, Read};

use flate2::{Decompress, FlushDecompress, Status};

/// A reader of the unpacked content of a member. It takes no byte after the content from the archive, and fails if the
/// archive ends before the content does.
pub(super) struct MemberContent<'a, R> {
    archive: &'a mut R,
    packed_bytes: u64,
    packing: Packing,
}

enum Packing {
    /// The content as it is, with the number of bytes that are left.
    Stored(u64),
    Deflated(Box<Decompress>),
    /// The content has ended.
    Ended,
}

impl<'a, R: BufRead> MemberContent<'a, R> {
    pub(super) fn stored(archive: &'a mut R, bytes: u64) -> Self {
        MemberContent { archive, packed_bytes: 0, packing: Packing::Stored(bytes) }
    }

    pub(super) fn deflated(archive: &'a mut R) -> Self {
        MemberContent { archive, packed_bytes: 0, packing: Packing::Deflated(Box::new(Decompress::new(false))) }
    }

    /// Returns the number of bytes that were taken from the archive.
    pub(super) fn packed_bytes(&self) -> u64 {
        self.packed_bytes
    }
}

impl<R: BufRead> Read for MemberContent<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if buffer.is_empty() {
                return Ok(0);
            }
            let (taken, written, is_ended) = match &mut self.packing {
                Packing::Ended | Packing::Stored(0) => return Ok(0),
                Packing::Stored(left) => {
                    let packed = self.archive.fill_buf()?;
                    let bytes = packed.len().min(buffer.len()).min(usize::try_from(*left).unwrap_or(usize::MAX));
                    if bytes == 0 {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                    buffer[..bytes].copy_from_slice(&packed[..bytes]);
                    *left -= bytes as u64;
                    (bytes, bytes, false)
                }
                Packing::Deflated(inflater) => {
                    let packed = self.archive.fill_buf()?;
                    let (taken, written) = (inflater.total_in(), inflater.total_out());
                    let status = inflater.decompress(packed, buffer, FlushDecompress::None)?;
                    let (taken, written) = (inflater.total_in() - taken, inflater.total_out() - written);
                    let is_ended = status == Status::StreamEnd;
                    if taken == 0 && written == 0 && !is_ended {
                        let is_cut = packed.is_empty();
                        return Err(if is_cut { ErrorKind::UnexpectedEof } else { ErrorKind::InvalidData }.into());
                    }
                    let length = |bytes| usize::try_from(bytes).unwrap_or(usize::MAX);
                    (length(taken), length(written), is_ended)
                }
            };
            self.archive.consume(taken);
            self.packed_bytes += taken as u64;
            if is_ended {
                self.packing = Packing::Ended;
            }
            if written > 0 || is_ended {
                return Ok(written);
            }
        }
    }
}

/// Reads this number of bytes.
pub(super) fn read_array<const N: usize>(reader: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}
