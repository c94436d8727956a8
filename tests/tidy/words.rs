//! Comments, messages and documents use the standard words of the field, so that a reader can search for them.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proc_macro2::{TokenStream, TokenTree};
use regex::Regex;

use crate::documents::{files_below, prose};

/// A wording that has a standard equivalent.
struct Habit {
    /// The wording, as a regular expression.
    pattern: &'static str,
    /// The text from the start of a match that makes it right, as a regular expression. Empty if nothing does.
    right: &'static str,
    standard: &'static str,
}

const fn habit(pattern: &'static str, right: &'static str, standard: &'static str) -> Habit {
    Habit { pattern, right, standard }
}

const HABITS: [Habit; 17] = [
    habit(r"(?:^|[.:;,(] )[Ww]hat \w+", r"^\W*[Ww]hat [^.;:]*\?", "a noun: The values that …"),
    habit(r"\b[Ww]here (?:there|that|it|one|nobody|nothing|none|given|known|absent)\b", "", "if, when"),
    habit(r"\b(?:says?|said) (?:of|so|what|whether|how|that|which|where)\b|\bis said\b", "", "reports, specifies"),
    habit(r"\b(?:stands?|stood)\b", r"^stands? (?:for|in for|alone|by)\b|^stand-in", "is"),
    habit(r"\b(?:is|are|was|were|be|been) told\b", "", "receives"),
    habit(r"\btells? (?:of|what|every|how|the|a)\b", "", "reports, returns"),
    habit(r"\bbeside\b", "", "compared with, in addition to"),
    habit(r"\banew\b|\bonce more\b", "", "again"),
    habit(r"\b(?:out of|into) use\b", "", "deactivated, activated"),
    habit(r"\b(?:\w+ )?(?:is|are|was|were) none\b", "^[Tt]here ", "is not"),
    habit(r"\ball the same\b|\bat hand\b|\bfurther up\b", "", "nevertheless, available, earlier"),
    habit(r"\bwhom\b", "", "who"),
    habit(r"\bheed(?:s|ed)?\b|\bminds (?:the|it|a|whether)\b", "", "ignore, check"),
    habit(r"\b(?:is|are|was|be) so\b", r"^\w+ so (?:that|far|long|many|much|little|few)\b", "if so"),
    habit(r"\b(?:of|by) (?:itself|themselves)\b", "", "automatically, alone"),
    habit(r"\bis waited for\b", "", "waiting for"),
    habit(r"\bgives no answer\b", "", "timeout, unavailable"),
];

/// Folders with sources and documents. Migrations are left out: databases store their checksums.
const FOLDERS: [&str; 11] =
    ["actors", "benches", "clients", "deploy", "docs", "loadtest", "planning", "src", "store", "tests", "tools"];

/// Parts of paths whose text is generated, or lists the wordings.
const LEFT_OUT: [&str; 3] = ["/generated/", "/target/", "tests/tidy/words.rs"];

/// Returns the comment of a line of Rust, and its string literals that contain a space.
fn rust_texts(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut current: Option<String> = None;
    let mut characters = line.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        match (&mut current, c) {
            (None, '/') if next == Some('/') => {
                found.push(line[at..].trim_start_matches(['/', '!']).trim().to_owned());
                return found;
            }
            (None, '\'') if next == Some('"') => {
                characters.next();
            }
            (None, '"') => current = Some(String::new()),
            (Some(_), '"') => found.extend(current.take().filter(|text| text.contains(' '))),
            (Some(text), '\\') => text.extend(characters.next().map(|(_, escaped)| escaped)),
            (Some(text), c) => text.push(c),
            (None, _) => {}
        }
    }
    // A literal that continues on the next line counts as well.
    found.extend(current);
    found
}

/// Returns the comment of a line of a shell script, Python, TOML, YAML or Make.
fn hash_comment(line: &str) -> Option<String> {
    let (before, comment) = line.split_once("# ")?;
    (before.is_empty() || before.ends_with(char::is_whitespace)).then(|| comment.to_owned())
}

/// Returns the texts for people in a file, with their line numbers.
fn texts(path: &Path, content: &str) -> Vec<(usize, String)> {
    // Names in backticks are not prose.
    let plain = |text: &str| text.split('`').step_by(2).collect::<Vec<_>>().join("X");
    let lines = (1..).zip(content.lines());
    let found: Vec<(usize, String)> = match path.extension().and_then(|extension| extension.to_str()) {
        Some("md") => prose(content).map(|(number, line)| (number, line.to_owned())).collect(),
        Some("rs") => {
            lines.flat_map(|(number, line)| rust_texts(line).into_iter().map(move |text| (number, text))).collect()
        }
        _ => lines.filter_map(|(number, line)| Some((number, hash_comment(line)?))).collect(),
    };
    found.into_iter().map(|(number, text)| (number, plain(&text))).collect()
}

/// Returns every habit in a text, with the words that match.
fn habits_in(text: &str) -> Vec<(String, &'static str)> {
    // Most texts have none, and one search is faster than one for each habit.
    static ANY: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(&HABITS.map(|habit| habit.pattern).join("|")).expect("a valid pattern"));
    static PATTERNS: LazyLock<Vec<(Regex, Option<Regex>, &str)>> = LazyLock::new(|| {
        let parse = |pattern: &str| Regex::new(pattern).expect("a valid pattern");
        let right = |habit: &Habit| (!habit.right.is_empty()).then(|| parse(habit.right));
        HABITS.iter().map(|habit| (parse(habit.pattern), right(habit), habit.standard)).collect()
    });
    if !ANY.is_match(text) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (pattern, right, standard) in PATTERNS.iter() {
        for words in pattern.find_iter(text) {
            let is_right = right.as_ref().is_some_and(|right| right.is_match(&text[words.start()..]));
            if !is_right {
                found.push((words.as_str().trim().to_owned(), *standard));
            }
        }
    }
    found
}

fn files() -> Vec<PathBuf> {
    let extensions = ["rs", "md", "sh", "py", "toml", "yml", "yaml"];
    let below = |folder: &&str| {
        let folder = super::root().join(folder);
        extensions.iter().flat_map(move |extension| files_below(&folder, extension)).collect::<Vec<_>>()
    };
    let in_root = ["Makefile", "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "Cargo.toml"];
    let mut found: Vec<PathBuf> = FOLDERS.iter().flat_map(below).collect();
    found.extend(in_root.map(|name| super::root().join(name)));
    found.retain(|path| !LEFT_OUT.iter().any(|part| path.to_string_lossy().contains(part)));
    found
}

#[test]
fn texts_use_standard_words() {
    let mut found = Vec::new();
    for path in files() {
        let content = std::fs::read_to_string(&path).expect("a source is UTF-8");
        for (number, text) in texts(&path, &content) {
            for (words, standard) in habits_in(&text) {
                found.push(format!("{}:{number}: `{words}`; write: {standard}", path.display()));
            }
        }
    }

    assert_eq!(found, super::NOTHING, "{} places", found.len());
}

#[test]
fn habits_are_found_in_comments_and_literals_only() {
    let rust = "let beside = 1; // What is left stands.\nwarn!(\"made anew, \\\"x\\\"\", '\"'); //! There is none.";
    let words = |name: &str, content: &str| -> Vec<(usize, String)> {
        let texts = texts(Path::new(name), content);
        let found = texts.iter().flat_map(|(number, text)| {
            habits_in(text).into_iter().map(|(words, _)| (*number, words)).collect::<Vec<_>>()
        });
        found.collect()
    };

    assert_eq!(words("a.rs", rust), [(1, "What is"), (1, "stands"), (2, "anew")].map(|(n, w)| (n, w.to_owned())));
    assert_eq!(words("a.sh", "beside # beside it"), [(1, "beside".to_owned())]);
    assert_eq!(words("a.md", "It `stands`.\n```\nanew\n```\nIt stands for X. What is it?"), []);
}

/// Returns the messages of the log macros in code.
fn log_messages(tokens: TokenStream, found: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        let is_macro = match at.checked_sub(2).map(|start| &tokens[start..at]) {
            Some([TokenTree::Ident(name), TokenTree::Punct(bang)]) => {
                bang.as_char() == '!'
                    && ["trace", "debug", "info", "warn", "error"].contains(&name.to_string().as_str())
            }
            _ => false,
        };
        let last = group.stream().into_iter().filter(|token| token.to_string() != ",").last();
        match last {
            Some(TokenTree::Literal(message)) if is_macro && message.to_string().starts_with('"') => {
                found.push(message.to_string().trim_matches('"').to_owned());
            }
            _ => log_messages(group.stream(), found),
        }
    }
}

/// Whether a log message begins in lower case or with a name in capitals, has its figures as fields, and has no full stop.
fn is_log_form(message: &str) -> bool {
    let first = message.split([' ', ':']).next().unwrap_or_default();
    let is_name = first.len() > 1 && first.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    (is_name || first.starts_with(|c: char| c.is_ascii_lowercase()))
        && !message.ends_with('.')
        && !message.contains('{')
}

#[test]
fn log_messages_can_be_searched_for() {
    let mut messages = Vec::new();
    for folder in ["src", "actors/src", "store/src"] {
        for path in files_below(&super::root().join(folder), "rs") {
            if path.ends_with("telemetry/tests.rs") {
                continue;
            }
            let content = std::fs::read_to_string(&path).expect("a source is UTF-8");
            log_messages(content.parse().expect("valid Rust"), &mut messages);
        }
    }
    assert!(messages.len() > 100, "{}", messages.len());

    messages.retain(|message| !is_log_form(message));

    assert_eq!(messages, super::NOTHING);
}

#[test]
fn the_form_of_a_log_message_is_checked() {
    let mut found = Vec::new();
    let code = r#"fn f() { if x { warn!(%fault, "failed to {verb} it."); info!(target: "a", "ready") } }"#;

    log_messages(code.parse().expect("valid Rust"), &mut found);

    assert_eq!(found, ["failed to {verb} it.", "ready"]);
    let wrong = ["Failed to read", "failed to {verb}", "it has failed."];
    assert!(wrong.iter().all(|message| !is_log_form(message)));
    assert!(["failed to read the file", "SIGHUP received", "API_KEY is not set"].iter().all(|form| is_log_form(form)));
}
