//! Tests have short names, and each assertion compares one value, so that a failure names what differs.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::documents::files_below;

/// A longer name describes more than one behavior.
const NAME_CHARACTERS_MAX: usize = 59;

const FOLDERS: [&str; 8] = ["actors", "benches", "loadtest", "planning", "src", "store", "tests", "tools"];

/// Collects the tests with long names, and the assertions that compare tuples.
fn faults(tokens: TokenStream, found: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut is_test = false;
    for (at, token) in tokens.iter().enumerate() {
        let before = |count: usize| at.checked_sub(count).map(|at| &tokens[at]);
        match token {
            // Only attributes have brackets behind `#`: `#[test]` and `#[tokio::test(…)]`.
            TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => {
                let attribute = group.stream().to_string();
                is_test |= attribute == "test" || attribute.starts_with("tokio :: test");
            }
            TokenTree::Ident(name) if matches!(before(1), Some(TokenTree::Ident(word)) if word == "fn") => {
                if is_test && name.to_string().len() > NAME_CHARACTERS_MAX {
                    found.push(format!("`{name}`: expected at most {NAME_CHARACTERS_MAX} characters"));
                }
                is_test = false;
            }
            TokenTree::Group(group) => {
                let is_assertion = matches!(before(2), Some(TokenTree::Ident(name)) if name == "assert_eq")
                    && matches!(before(1), Some(TokenTree::Punct(bang)) if bang.as_char() == '!');
                if is_assertion && is_pair_of_tuples(group.stream()) {
                    found.push(format!("`assert_eq!({})` compares tuples", group.stream()));
                }
                faults(group.stream(), found);
            }
            _ => {}
        }
    }
}

/// Whether the first two arguments of a macro are tuples.
fn is_pair_of_tuples(arguments: TokenStream) -> bool {
    let mut arguments = arguments.into_iter();
    let mut is_tuple = || {
        let argument: Vec<TokenTree> = arguments.by_ref().take_while(|token| token.to_string() != ",").collect();
        match argument.as_slice() {
            [TokenTree::Group(group)] if group.delimiter() == Delimiter::Parenthesis => {
                group.stream().into_iter().any(|token| token.to_string() == ",")
            }
            _ => false,
        }
    };
    is_tuple() && is_tuple()
}

#[test]
fn tests_have_short_names_and_compare_one_value_at_a_time() {
    let mut found = Vec::new();
    for path in FOLDERS.iter().flat_map(|folder| files_below(&super::root().join(folder), "rs")) {
        if path.components().any(|part| part.as_os_str() == "target") {
            continue;
        }
        let content = std::fs::read_to_string(&path).expect("a source is UTF-8");
        let mut of_file = Vec::new();
        faults(content.parse().unwrap_or_else(|fault| panic!("{}: {fault}", path.display())), &mut of_file);
        found.extend(of_file.into_iter().map(|fault| format!("{}: {fault}", path.display())));
    }

    assert_eq!(found, super::NOTHING);
}

#[test]
fn long_names_and_tuples_of_tests_are_found() {
    let long = "a".repeat(NAME_CHARACTERS_MAX + 1);
    let code = format!(
        "#[test] fn {long}() {{ assert_eq!((a, b), (1, 2)); }} #[tokio::test(flavor = \"x\")] async fn {long}() {{}}
         fn {long}() {{ assert_eq!((a), (b)); assert_eq!((a, b).c(), (1, 2)); assert_eq!(a[0], (1, 2)) }}"
    );
    let mut found = Vec::new();

    faults(code.parse().expect("valid Rust"), &mut found);

    let name = format!("`{long}`: expected at most 59 characters");
    assert_eq!(found, [name.clone(), "`assert_eq!((a , b) , (1 , 2))` compares tuples".to_owned(), name]);
}
