//! The documents of the repository as pages, so that an operator needs nothing but the service.

use std::collections::BTreeMap;

use pulldown_cmark::{Alignment, CowStr, Event, Options, Parser, Tag, TagEnd, html};

use crate::http::frame::frame;

macro_rules! documents {
    ($($path:literal),* $(,)?) => {
        [$(($path, include_str!(concat!("../../../docs/", $path)))),*]
    };
}

/// The path of each document in `docs`, and its text. The page of errors is not among them: it has a page of its own.
const DOCUMENTS: [(&str, &str); 26] = documents![
    "README.md",
    "brokers.md",
    "calendar.md",
    "catalogue.md",
    "cli.md",
    "configuration.md",
    "dashboard.md",
    "deploy.md",
    "limits.md",
    "operating.md",
    "performance.md",
    "placement.md",
    "plans.md",
    "profiles.md",
    "runbook.md",
    "sdk/angel.md",
    "sdk/dhan.md",
    "sdk/kite.md",
    "sdk/upstox.md",
    "status.md",
    "storage.md",
    "subscriptions.md",
    "tour.md",
    "tracing.md",
    "transitions.md",
    "verification.md",
];

/// Returns the name of each page and its HTML.
pub(super) fn pages() -> Vec<(String, String)> {
    DOCUMENTS.into_iter().map(|(path, text)| (name_of(path), page(path, text))).collect()
}

/// Returns the name of the page of a document: `manual` for the index, `sdk-kite` for `sdk/kite.md`.
fn name_of(path: &str) -> String {
    match path {
        "README.md" => "manual".to_owned(),
        _ => path.trim_end_matches(".md").replace('/', "-"),
    }
}

fn page(path: &str, text: &str) -> String {
    let mut body = String::with_capacity(2 * text.len());
    html::push_html(&mut body, events(path, text).into_iter());
    let title = text.lines().next().unwrap_or_default().trim_start_matches("# ");
    frame(title, &body)
}

/// Returns the events of a document as the page needs them: headings have ids, links lead to pages, images are left
/// out.
fn events<'a>(path: &str, text: &'a str) -> Vec<Event<'a>> {
    let mut events: Vec<Event<'a>> = Vec::new();
    // For each link around the current text: whether it leads to a page.
    let mut links: Vec<bool> = Vec::new();
    let mut heading = None;
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        let event = match event {
            Event::Start(Tag::Heading { .. }) => {
                heading = Some((events.len(), String::new()));
                event
            }
            Event::End(TagEnd::Heading(_)) => {
                if let Some((at, text)) = heading.take()
                    && let Some(Event::Start(Tag::Heading { id, .. })) = events.get_mut(at)
                {
                    *id = Some(unique(anchor(&text), &mut uses).into());
                }
                event
            }
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                let target = target_of(path, &dest_url);
                links.push(target.is_some());
                let Some(target) = target else { continue };
                Event::Start(Tag::Link { link_type, dest_url: target.into(), title, id })
            }
            Event::End(TagEnd::Link) if links.pop() != Some(true) => continue,
            // Markup is only that of pictures, which are not in the binary.
            Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) | Event::Html(_) | Event::InlineHtml(_) => {
                continue;
            }
            // The policy of the page forbids the inline styles of aligned columns.
            Event::Start(Tag::Table(columns)) => {
                events.push(Event::Html(CowStr::Borrowed("<div class=\"table\" tabindex=\"0\">")));
                Event::Start(Tag::Table(vec![Alignment::None; columns.len()]))
            }
            Event::End(TagEnd::Table) => {
                events.push(event);
                Event::Html(CowStr::Borrowed("</div>\n"))
            }
            // The table can have the focus, so that the keyboard can scroll it.
            Event::Start(Tag::CodeBlock(_)) => Event::Html(CowStr::Borrowed("<pre tabindex=\"0\"><code>")),
            Event::End(TagEnd::CodeBlock) => Event::Html(CowStr::Borrowed("</code></pre>\n")),
            other => other,
        };
        if let (Some((_, heading)), Event::Text(part) | Event::Code(part)) = (&mut heading, &event) {
            heading.push_str(part);
        }
        events.push(event);
    }
    events
}

/// Returns the address of the page to which a link of the document leads. `None` if the service has no such page.
fn target_of(path: &str, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with('#') {
        return Some(link.to_owned());
    }
    let (file, fragment) = link.split_once('#').map_or((link, ""), |(file, _)| (file, &link[file.len()..]));
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in file.split('/') {
        match part {
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    let file = parts.join("/");
    if file == "errors.md" {
        return Some(format!("/docs/errors{fragment}"));
    }
    let (path, _) = DOCUMENTS.into_iter().find(|(path, _)| *path == file)?;
    Some(format!("/docs/{}{fragment}", name_of(path)))
}

/// Returns the anchor of a heading, as code hosts form it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Numbers an anchor that occurs again.
fn unique(anchor: String, uses: &mut BTreeMap<String, usize>) -> String {
    let count = uses.entry(anchor.clone()).or_default();
    *count += 1;
    if *count == 1 { anchor } else { format!("{anchor}-{}", *count - 1) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::http::errors;

    fn ids(page: &str) -> BTreeSet<&str> {
        page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }

    #[test]
    fn every_document_has_a_page() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
        let files_in = |folder: &str| {
            let files = std::fs::read_dir(docs.join(folder)).unwrap().map(|entry| entry.unwrap().file_name());
            let files = files.map(|name| name.into_string().unwrap()).filter(|name| name.ends_with(".md"));
            files.map(|name| format!("{folder}{name}")).collect::<Vec<_>>()
        };
        let mut files = [files_in(""), files_in("sdk/")].concat();
        files.retain(|file| file != "errors.md");
        files.sort();

        let listed: Vec<&str> = DOCUMENTS.iter().map(|(path, _)| *path).collect();
        assert_eq!(listed, files);
    }

    #[test]
    fn every_link_between_pages_has_a_target() {
        let mut pages: BTreeMap<String, String> = pages().into_iter().collect();
        pages.insert("errors".to_owned(), errors::html());
        let mut count = 0;
        for (name, page) in &pages {
            for link in page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                let Some((file, fragment)) = link.split_once('#') else { continue };
                if link.contains("://") {
                    continue;
                }
                let target = if file.is_empty() { page } else { &pages[file.trim_start_matches("/docs/")] };
                count += 1;
                assert!(ids(target).contains(fragment), "{name}: {link}");
            }
        }
        assert!(count > 200, "{count} links");
    }

    #[test]
    fn the_pages_obey_their_policy() {
        for (name, page) in pages() {
            for part in ["<script", "<style", " style=", " onclick=", "<img", " src="] {
                assert!(!page.contains(part), "{name}: {part}");
            }
        }
    }

    #[test]
    fn a_link_leads_to_a_page_or_is_text() {
        assert_eq!(target_of("plans.md", "operating.md#tls").as_deref(), Some("/docs/operating#tls"));
        assert_eq!(target_of("sdk/kite.md", "../errors.md").as_deref(), Some("/docs/errors"));
        assert_eq!(target_of("README.md", "sdk/kite.md").as_deref(), Some("/docs/sdk-kite"));
        assert_eq!(target_of("plans.md", "#tls").as_deref(), Some("#tls"));
        assert_eq!(target_of("plans.md", "../CONTRIBUTING.md"), None);
        assert_eq!(target_of("plans.md", "../../x.md"), None);

        let page = page("plans.md", "# T\n\nSee [this](../CONTRIBUTING.md) and [that](limits.md).\n");
        assert!(page.contains("See this and <a href=\"/docs/limits\">that</a>."), "{page}");
    }

    #[test]
    fn repeated_headings_have_different_anchors() {
        let page = page("plans.md", "# T\n\n## A `b`\n\n## A `b`\n");

        assert_eq!(ids(&page), BTreeSet::from(["t", "a-b", "a-b-1"]));
    }
}
