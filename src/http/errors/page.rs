//! The page of errors, as HTML for the service and as Markdown for the repository.

use std::fmt::Write as _;

use super::{CATALOG, ErrorEntry, Retry};
use crate::http::frame::frame;

const INTRODUCTION: &str = "Every error is a problem document (RFC 9457) with the content type \
    `application/problem+json`. Its `code` is a stable word for programs, and its `type` leads to the section of the code \
    on this page. `detail` is for people and may change. Send `correlation_id` with a question to the operator of the \
    service: it is in the lines of the log. A request that is not valid HTTP, or whose head has more than 16 KiB or 100 \
    headers, is the exception: the response is 400 or 431 without a body.";
const RETRY_INTRODUCTION: &str = "Each section names one of these rules. `Idempotency-Key` applies to three operations: \
    create a plan, create a profile, and ingest a file.";

pub(in crate::http) fn html() -> String {
    let mut page = String::from("<h1>Errors</h1>\n");
    element(&mut page, "p", &inline(INTRODUCTION));
    page.push_str("<ul class=\"codes\">\n");
    for entry in &CATALOG {
        let ErrorEntry { code, status, .. } = entry;
        element(&mut page, "li", &format!("<a href=\"#{code}\"><code>{code}</code></a> {status}"));
    }
    page.push_str("</ul>\n<h2 id=\"retries\">Retries</h2>\n");
    element(&mut page, "p", &inline(RETRY_INTRODUCTION));
    page.push_str("<dl>\n");
    for rule in Retry::ALL {
        let (name, text) = rule.rule();
        let _ = writeln!(page, "<dt id=\"{}\">{name}</dt>", anchor(name));
        element(&mut page, "dd", &inline(text));
    }
    page.push_str("</dl>\n");
    CATALOG.iter().for_each(|entry| section(&mut page, entry));
    frame("Errors", &page)
}

fn section(page: &mut String, entry: &ErrorEntry) {
    let ErrorEntry { code, status, .. } = entry;
    let (rule, text) = entry.retry.rule();
    let _ = writeln!(page, "<section id=\"{code}\">");
    let heading = format!(
        "<a href=\"#{code}\"><code>{code}</code></a> <span class=\"status\">{status} {}</span>",
        escaped(entry.title())
    );
    element(page, "h2", &heading);
    element(page, "p", &inline(entry.meaning));
    page.push_str("<dl>\n");
    let retry = format!("<a href=\"#{}\">{rule}</a>: {}", anchor(rule), inline(text));
    for (name, text) in [("Cause", inline(entry.cause)), ("Retry", retry), ("Remedy", inline(entry.action))] {
        element(page, "dt", name);
        element(page, "dd", &text);
    }
    page.push_str("</dl>\n");
    // The block can have the focus, so that the keyboard can scroll it.
    let _ = writeln!(
        page,
        "<pre tabindex=\"0\" aria-label=\"Example of {code}\"><code>{}</code></pre>\n</section>",
        escaped(&entry.text())
    );
}

fn element(page: &mut String, name: &str, content: &str) {
    let _ = writeln!(page, "<{name}>{content}</{name}>");
}

fn anchor(rule: &str) -> String {
    rule.replace(' ', "-")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Renders the code in backticks.
fn inline(text: &str) -> String {
    let parts = escaped(text);
    let parts = parts.split('`').enumerate();
    parts.map(|(at, part)| if at % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::http::problem::ERRORS_PAGE;

    /// Breaks a paragraph into lines of at most 120 characters.
    fn wrapped(text: &str) -> String {
        let mut lines = vec![String::new()];
        for word in text.split(' ') {
            let line = lines.last_mut().unwrap();
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > 120 {
                lines.push(word.to_owned());
            } else {
                let gap = if line.is_empty() { "" } else { " " };
                *line += &format!("{gap}{word}");
            }
        }
        lines.join("\n") + "\n"
    }

    fn markdown() -> String {
        let generated = "The running service has this page at `/docs/errors`, with an example of each document. It is \
                         generated from the catalog in `src/http/errors/table.rs`; \
                         [CONTRIBUTING.md](../CONTRIBUTING.md#add-an-error) has the command.";
        let example = CATALOG.iter().find(|entry| entry.code == "validation_failed").unwrap().text();
        let mut page = format!("# Errors\n\n{}\n{}", wrapped(INTRODUCTION), wrapped(generated));
        page += &format!("\n```json\n{example}\n```\n\n## Retries\n\n");
        page += &wrapped(RETRY_INTRODUCTION);
        for rule in Retry::ALL {
            let (name, text) = rule.rule();
            page += &format!("\n### {name}\n\n{}", wrapped(text));
        }
        for entry in &CATALOG {
            let (rule, _) = entry.retry.rule();
            let anchor = anchor(rule);
            page += &format!("\n## `{}`\n\n{} {}.\n\n", entry.code, entry.status, entry.title());
            page += &wrapped(&format!("{} {}", entry.meaning, entry.cause));
            page += &format!("\n{}\n", wrapped(&format!("Retry: [{rule}](#{anchor}). {}", entry.action)));
            page += &wrapped(&format!("Example: {}", entry.example.detail));
        }
        page
    }

    #[test]
    fn the_page_of_the_repository_is_the_catalog() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors.md");
        if std::env::var_os("ERRORS_RECORD").is_some() {
            std::fs::write(&path, markdown()).unwrap();
        }

        assert_eq!(std::fs::read_to_string(path).unwrap(), markdown(), "set ERRORS_RECORD=1 to write the page");
    }

    #[test]
    fn every_code_has_one_section_and_every_link_a_target() {
        let page = html();
        let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let unique: BTreeSet<&str> = ids.iter().copied().collect();

        assert_eq!(unique.len(), ids.len(), "an id is repeated");
        for entry in &CATALOG {
            assert!(page.contains(&format!("<section id=\"{}\">", entry.code)), "{}", entry.code);
        }
        let targets = page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next());
        let broken: Vec<&str> = targets.filter(|target| !unique.contains(target)).collect();
        assert_eq!(broken, [""; 0]);
    }

    #[test]
    fn the_page_requests_nothing_from_other_origins() {
        let page = html();
        let addresses = ["href=\"", "src=\""].into_iter().flat_map(|name| page.split(name).skip(1));
        let elsewhere: Vec<&str> =
            addresses.filter(|rest| !rest.starts_with(['#', '/'])).filter_map(|rest| rest.split('"').next()).collect();

        assert_eq!(elsewhere, [""; 0]);
        for part in ["<script", "<style", " style=", " onclick="] {
            assert!(!page.contains(part), "{part}");
        }
        assert!(page.contains(ERRORS_PAGE), "examples have a type");
    }

    #[test]
    fn text_is_escaped_and_code_is_marked() {
        assert_eq!(inline("a `b < c` & d"), "a <code>b &lt; c</code> &amp; d");
    }
}
