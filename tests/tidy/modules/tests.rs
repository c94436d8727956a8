//! Tests of the checker itself, with small crates.

use std::collections::BTreeSet;
use std::path::Path;

use super::graph::Graph;
use super::source::Crate;
use super::table::Table;

/// Returns the edges below a module of a crate as `from -> to`, in order.
fn edges(files: &[(&str, &str)], module: &str) -> Vec<String> {
    let read = |path: &Path| files.iter().find(|(name, _)| Path::new(name) == path).map(|(_, text)| (*text).to_owned());
    let graph = Crate::read(Path::new(files[0].0), &read).edges_below(module);
    graph.without(&Graph::default()).map(|(from, to)| format!("{from} -> {to}")).collect()
}

/// Returns the edges of a crate with the modules `a` to `d`. The text is the source of `a`.
fn edges_from(text: &str) -> Vec<String> {
    let files = [("lib.rs", "mod a; mod b; mod c; mod d;"), ("a.rs", text), ("b.rs", ""), ("c.rs", ""), ("d.rs", "")];
    edges(&files, "")
}

fn graph(edges: &[(&str, &str)]) -> Graph {
    let mut graph = Graph::default();
    edges.iter().for_each(|(from, to)| graph.add(from, to));
    graph
}

#[test]
fn imports_are_found_in_nested_groups_on_several_lines() {
    let text = "use crate::{\n    b::{self, x::{Y, Z as W}},\n    c::*,\n};\nuse std::{fmt, d};";

    assert_eq!(edges_from(text), ["a -> b", "a -> c"]);
}

#[test]
fn paths_in_code_macros_and_attributes_count() {
    let text = "#[derive(crate::b::X)] struct A;\nfn f() { print!(\"{}\", [crate::c::x()]); super::d::Y::<A>::new() }";

    assert_eq!(edges_from(text), ["a -> b", "a -> c", "a -> d"]);
}

#[test]
fn strings_comments_and_visibilities_do_not_count() {
    let text = "/// [`crate::b::X`]\n// crate::b\n/* use crate::c; */\npub(in crate::a) fn f() -> &'static str { \"crate::d::x\" }\n\
                pub(crate) fn g() -> impl Fn() + use<> { || () }";

    assert_eq!(edges_from(text), [""; 0]);
}

#[test]
fn code_that_exists_only_in_tests_does_not_count() {
    let text = "#[cfg(test)]\nmod tests { use crate::b::X; }\n#[cfg(test)]\nuse crate::b::{X, Y};\n\
                #[cfg(all(test, unix))]\n#[allow(dead_code)]\nfn f(a: u8, b: u8) -> crate::b::X { crate::b::x() }\n\
                struct A { #[cfg(test)] x: crate::b::X, y: crate::c::Y }\n\
                #[cfg(any(test, feature = \"testing\"))]\nuse crate::d::X;";

    assert_eq!(edges_from(text), ["a -> c", "a -> d"]);
}

#[test]
fn a_file_that_exists_only_in_tests_is_not_read() {
    let files = [("lib.rs", "mod a;"), ("a.rs", "#[cfg(test)] mod tests;\nmod inner;"), ("a/inner.rs", "")];

    assert_eq!(edges(&files, ""), [""; 0]);
}

#[test]
fn super_counts_only_if_it_leaves_the_module() {
    let inner = "use super::X; use super::super::b::Y; mod deep { use super::super::super::c::Z; fn f() { super::super::g() } }";
    let files = [
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "mod inner; use self::inner::X;"),
        ("a/inner.rs", inner),
        ("b.rs", ""),
        ("c.rs", ""),
    ];

    assert_eq!(edges(&files, ""), ["a -> b", "a -> c"]);
}

#[test]
fn an_item_of_the_root_is_an_edge_to_the_root() {
    let files = [
        ("src/lib.rs", "mod a; mod b; pub use self::b::{Type as Name}; pub fn plan() { a::f() }"),
        ("src/a.rs", "use crate::Name;"),
        ("src/b.rs", "use crate::plan;"),
    ];

    assert_eq!(edges(&files, ""), ["a -> b", "b -> lib", "lib -> a", "lib -> b"]);
}

#[test]
fn the_children_of_a_module_are_a_level_of_their_own() {
    let files = [
        ("lib.rs", "mod http; mod other;"),
        ("http.rs", "mod plans; mod body { use super::super::other::X; } pub use self::body::Body; const MAX: u8 = 1;"),
        ("http/plans.rs", "use super::{Body, MAX}; use crate::other;"),
        ("other.rs", "use crate::http::body::Body;"),
    ];

    assert_eq!(edges(&files, ""), ["http -> other", "other -> http"]);
    assert_eq!(edges(&files, "http"), ["http -> body", "plans -> body", "plans -> http"]);
}

#[test]
fn a_circle_is_found_through_several_modules() {
    let graph = graph(&[("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("e", "a"), ("f", "g"), ("g", "f")]);

    let circles: Vec<Vec<String>> = graph.circles().into_iter().map(|all| all.into_iter().collect()).collect();

    assert_eq!(circles, [vec!["a", "b", "c"], vec!["f", "g"]]);
}

#[test]
fn a_difference_from_the_table_is_a_violation() {
    let text = "# comment\n\n[lib.rs]\na => b,\n    c\nd => a\n\n[lib.rs http]\n";
    let table = Table::parse(text);
    assert_eq!(table.to_string(), text.replace(",\n   ", ","));
    let violations = |edges| table.sections[0].violations(&graph(edges));

    assert_eq!(violations(&[("a", "b"), ("a", "c"), ("d", "a")]), [""; 0]);
    let found = violations(&[("a", "b"), ("a", "c"), ("c", "a"), ("d", "a")]);
    assert_eq!(
        found,
        [
            "[lib.rs] `c` imports `a`: this edge is not in the table; remove the import, or add the edge",
            "[lib.rs] these modules import each other in a circle: a, c",
        ]
    );
    let found = violations(&[("a", "b"), ("d", "a")]);
    assert_eq!(found, ["[lib.rs] `a` does not import `c`: remove this edge from the table"]);
}

#[test]
fn a_long_list_continues_on_the_next_line() {
    let names: BTreeSet<String> = (100..140).map(|number| format!("m{number}")).collect();
    let mut graph = Graph::default();
    names.iter().for_each(|name| graph.add("a", name));
    let mut table = Table::parse("[lib.rs]\n");
    table.sections[0].allowed = graph.clone();

    let text = table.to_string();

    assert!(text.lines().all(|line| line.len() <= 120), "{text}");
    assert_eq!(Table::parse(&text).sections[0].allowed, graph);
}
