//! The head of a response, and the chunks of its body.

use httparse::{EMPTY_HEADER, Status, parse_chunk_size};

use crate::fault::Fault;

/// Maximum number of headers: more than any of the servers sends.
const HEADERS_MAX: usize = 64;
pub(super) const BYTES_MAX: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// Seconds of `Retry-After`, if it is present and a number.
    pub(super) retry_after: Option<u64>,
    /// The length of the body. `None`: the body consists of chunks.
    pub(super) length: Option<usize>,
    /// Whether the connection can be used again.
    pub(super) is_kept: bool,
    /// The length of the head, which is the start of the body.
    pub(super) bytes: usize,
}

impl Head {
    /// Parses the head at the start of `buffer`. Returns `None` if it is incomplete.
    pub(super) fn parse(buffer: &[u8]) -> Result<Option<Self>, Fault> {
        let mut headers = [EMPTY_HEADER; HEADERS_MAX];
        let mut response = httparse::Response::new(&mut headers);
        let bytes = match response.parse(buffer).map_err(malformed)? {
            Status::Complete(bytes) => bytes,
            Status::Partial if buffer.len() > BYTES_MAX => return Err(malformed("the header section does not end")),
            Status::Partial => return Ok(None),
        };
        let status = response.code.unwrap_or_default();
        let (mut retry_after, mut length, mut is_chunked, mut is_kept) = (None, None, false, true);
        for header in &*response.headers {
            if header.name.eq_ignore_ascii_case("content-length") {
                length = Some(number(header.value).ok_or_else(|| malformed("`Content-Length` is not a number"))?);
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                is_chunked = header.value.eq_ignore_ascii_case(b"chunked");
            } else if header.name.eq_ignore_ascii_case("connection") {
                is_kept = !header.value.eq_ignore_ascii_case(b"close");
            } else if header.name.eq_ignore_ascii_case("retry-after") {
                retry_after = number(header.value);
            }
        }
        let length = match (status, length) {
            (204 | 304, _) => Some(0),
            (200.., Some(length)) => Some(usize::try_from(length).unwrap_or(usize::MAX)),
            (200.., None) if is_chunked => None,
            _ => return Err(malformed("unexpected interim status, or neither a length nor chunks")),
        };
        Ok(Some(Self { status, retry_after, length, is_kept, bytes }))
    }
}

/// Moves the complete chunks of `buffer` together, so that the body is contiguous. `end` is the end of the contiguous
/// body, and `next` the start of the next chunk. Returns whether the last one was taken.
pub(super) fn join_chunks(buffer: &mut [u8], end: &mut usize, next: &mut usize) -> Result<bool, Fault> {
    loop {
        let size = parse_chunk_size(&buffer[*next..]).map_err(|_| malformed("a chunk has no valid length"))?;
        let Status::Complete((head, length)) = size else { return Ok(false) };
        let start = *next + head;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let rest = buffer.get(start.saturating_add(length)..);
        let Some(line_end) = rest.and_then(|rest| rest.get(..2)) else { return Ok(false) };
        if line_end != b"\r\n" {
            return Err(malformed("a chunk is longer than its stated length, or trailers follow"));
        }
        if length == 0 {
            return Ok(true);
        }
        buffer.copy_within(start..start + length, *end);
        *end += length;
        *next = start + length + 2;
    }
}

/// Parses an integer of digits only.
fn number(value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value).ok()?.trim();
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn malformed(reason: impl std::fmt::Display) -> Fault {
    Fault::transport(format_args!("response is not HTTP/1.1: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Head {
        Head::parse(text.as_bytes()).expect("it is HTTP").expect("it is complete")
    }

    #[test]
    fn a_head_contains_the_framing_and_whether_to_keep_alive() {
        let plain = head("HTTP/1.1 200 OK\r\nContent-Length: 12\r\nDate: today\r\n\r\n");

        assert_eq!(plain.status, 200);
        assert_eq!(plain.length, Some(12));
        assert!(plain.is_kept);
        let refused = head("HTTP/1.1 503 Busy\r\nretry-after: 7\r\nconnection: Close\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(refused.status, 503);
        assert_eq!(refused.retry_after, Some(7));
        assert!(!refused.is_kept);
        assert_eq!(head("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").length, None);
        assert_eq!(head("HTTP/1.1 204 No Content\r\n\r\n").length, Some(0));
    }

    #[test]
    fn an_incomplete_head_is_awaited_and_a_malformed_head_fails() {
        assert_eq!(Head::parse(b"HTTP/1.1 200 OK\r\nContent-Le"), Ok(None));
        assert!(Head::parse(b"SSH-2.0-OpenSSH_9.6\r\n").is_err());
        assert!(Head::parse(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n").is_err());
        assert!(Head::parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(Head::parse(b"HTTP/1.1 100 Continue\r\n\r\n").is_err());
    }

    #[test]
    fn chunks_are_joined_for_any_split_of_the_data() {
        let whole = b"HEAD5\r\nhello\r\n6;name=value\r\n world\r\n0\r\n\r\n";
        for cut in 4..whole.len() {
            let mut buffer = whole[..cut].to_vec();
            let (mut end, mut next) = (4, 4);

            assert_eq!(join_chunks(&mut buffer, &mut end, &mut next), Ok(false), "{cut}");
            buffer.extend_from_slice(&whole[cut..]);

            assert_eq!(join_chunks(&mut buffer, &mut end, &mut next), Ok(true), "{cut}");
            assert_eq!(&buffer[4..end], b"hello world", "{cut}");
        }
    }

    #[test]
    fn chunks_with_a_wrong_length_are_a_fault() {
        for text in ["3\r\nhello\r\n0\r\n\r\n", "x\r\n", "0\r\nTrailer: value\r\n\r\n"] {
            let mut buffer = text.as_bytes().to_vec();

            assert!(join_chunks(&mut buffer, &mut 0, &mut 0).is_err(), "{text}");
        }
    }
}
