//! A service that responds with prepared answers.

use std::io::{Read, Write};
use std::net::TcpListener;

/// Starts a service that responds to every request with the status line and the body that `answer` returns for its
/// request line, or closes the connection if there is no answer. Returns its URL.
pub(super) fn service_with(mut answer: impl FnMut(&str) -> Option<(&'static str, String)> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("a listener has an address"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let Some(request) = read_request(&mut stream) else { continue };
            let line = request.lines().next().unwrap_or_default();
            if let Some((status, body)) = answer(line) {
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status}\r\nX-Correlation-ID: 1\r\nContent-Type: application/json\r\nContent-Length: {length}"
                );
                let _ = stream.write_all(format!("{head}\r\nConnection: close\r\n\r\n{body}").as_bytes());
            }
        }
    });
    url
}

/// Reads a request with its body, so that closing the connection does not reset it.
fn read_request(stream: &mut impl Read) -> Option<String> {
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&received).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let lengths = head.lines().filter_map(|line| line.split_once(": "));
            let length = lengths
                .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map(|(_, length)| length)
                .next();
            if body.len() >= length.and_then(|length| length.parse().ok()).unwrap_or(0) {
                return Some(text);
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(count) => received.extend_from_slice(&buffer[..count]),
        }
    }
}
