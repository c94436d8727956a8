//! Documents and messages use the standard words of the field, so that a reader can search for them.

use super::{documents, files_below, prose, read_repository_file, root};

/// Words and phrases that have a standard equivalent, with that equivalent.
const AVOIDED: [(&str, &str); 22] = [
    ("anew", "again"),
    ("as it is said", "as specified"),
    ("beside", "in addition to, compared with"),
    ("cannot stand", "is not allowed"),
    ("further up", "earlier"),
    ("gives no answer", "timeout, unavailable"),
    ("has ended", "has stopped"),
    ("heed", "ignore"),
    ("heeded", "ignored"),
    ("into use", "activated"),
    ("is none", "is not"),
    ("is told", "receives"),
    ("is waited for", "waiting for"),
    ("it is so", "if so"),
    ("made anew", "created again"),
    ("must say", "must specify"),
    ("of itself", "automatically"),
    ("once more", "again"),
    ("out of use", "deactivated"),
    ("says of", "reports"),
    ("stands in", "is in"),
    ("whom", "who"),
];

/// Returns the string literals of a line of Rust, without those in its comment.
fn literals(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut current: Option<String> = None;
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        match (&mut current, c) {
            (None, '/') if characters.peek() == Some(&'/') => break,
            (None, '\'') if characters.peek() == Some(&'"') => {
                characters.next();
            }
            (None, '"') => current = Some(String::new()),
            (Some(_), '"') => found.extend(current.take()),
            (Some(text), '\\') => text.extend(characters.next()),
            (Some(text), c) => text.push(c),
            (None, _) => {}
        }
    }
    // A literal that continues on the next line counts, too.
    found.extend(current);
    found
}

/// Returns the avoided phrases of a text, with their equivalents. Punctuation and case are ignored.
fn avoided(text: &str) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let plain = format!(" {} ", words.join(" ").to_lowercase());
    AVOIDED.iter().filter(move |(phrase, _)| plain.contains(&format!(" {phrase} ")))
}

#[test]
fn documents_use_standard_words() {
    let mut found = Vec::new();
    for document in documents() {
        for (number, line) in prose(&read_repository_file(&document)) {
            // Code in backticks is not prose.
            let words: String = line.split('`').step_by(2).collect::<Vec<_>>().join(" ");
            for (phrase, standard) in avoided(&words) {
                found.push(format!("{}:{number}: `{phrase}`; write: {standard}", document.display()));
            }
        }
    }

    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn messages_use_standard_words() {
    let mut found = Vec::new();
    let folders = ["src", "actors", "store", "planning"];
    for file in folders.iter().flat_map(|folder| files_below(&root().join(folder), "rs")) {
        for (number, line) in (1..).zip(read_repository_file(&file).lines()) {
            for (phrase, standard) in
                literals(line).iter().filter(|text| text.contains(' ')).flat_map(|text| avoided(text))
            {
                found.push(format!("{}:{number}: `{phrase}`; write: {standard}", file.display()));
            }
        }
    }

    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn literals_of_a_line_exclude_its_comment() {
    assert_eq!(literals(r#"warn!("database \"x\" out", '"'); // "comment""#), [r#"database "x" out"#]);
    assert_eq!(
        avoided("The change is out of use, Anew.").map(|(phrase, _)| *phrase).collect::<Vec<_>>(),
        ["anew", "out of use"]
    );
}
