//! The modules of a crate, read from its source, and the paths in them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};

use super::graph::Graph;

/// The names on the way from the root of the crate to an item.
type ItemPath = Vec<String>;

/// A name that a module imports, and the unresolved path of the import. A glob has the name `*`.
struct Import {
    name: String,
    path: ItemPath,
}

#[derive(Default)]
struct Module {
    children: BTreeSet<String>,
    imports: Vec<Import>,
    /// Unresolved paths outside `use` items.
    paths: Vec<ItemPath>,
}

/// The modules of a crate, without those that exist only in tests.
pub(super) struct Crate {
    /// The name of the root file without its extension.
    root: String,
    modules: BTreeMap<ItemPath, Module>,
}

type ReadFile<'a> = dyn Fn(&Path) -> Option<String> + 'a;

impl Crate {
    /// Reads the root file of a crate and every file that belongs to it.
    pub(super) fn read(file: &Path, read: &ReadFile<'_>) -> Self {
        let root = file.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        let mut found = Crate { root, modules: BTreeMap::new() };
        let folder = file.parent().expect("the file is in a folder").to_owned();
        found.read_module(Vec::new(), &[file.to_owned()], &folder, read);
        found
    }

    /// Reads the first file that exists. `folder` contains the files of its children.
    fn read_module(&mut self, path: ItemPath, files: &[PathBuf], folder: &Path, read: &ReadFile<'_>) {
        let text = files.iter().find_map(|file| read(file)).unwrap_or_else(|| panic!("{files:?} can be read"));
        let tokens: TokenStream = text.parse().unwrap_or_else(|fault| panic!("{files:?}: {fault}"));
        self.add_module(path, tokens, folder, read);
    }

    fn add_module(&mut self, path: ItemPath, tokens: TokenStream, folder: &Path, read: &ReadFile<'_>) {
        let mut scan = Scan::default();
        scan.tokens(tokens);
        for (name, body) in scan.children {
            let child: ItemPath = path.iter().cloned().chain([name.clone()]).collect();
            let below = folder.join(&name);
            match body {
                Some(body) => self.add_module(child, body, &below, read),
                None => {
                    let files = [folder.join(format!("{name}.rs")), below.join("mod.rs")];
                    self.read_module(child, &files, &below, read);
                }
            }
        }
        self.modules.insert(path, scan.module);
    }

    /// Returns the edges among the children of a module, whose name is empty for the root. The module itself is a node,
    /// too: its items are not those of a child.
    pub(super) fn edges_below(&self, module: &str) -> Graph {
        let parent: ItemPath = module.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect();
        assert!(self.modules.contains_key(&parent), "the crate has no module `{module}`");
        let own = parent.last().unwrap_or(&self.root);
        let mut graph = Graph::default();
        for (path, module) in &self.modules {
            let Some(rest) = path.strip_prefix(parent.as_slice()) else { continue };
            let from = rest.first().unwrap_or(own);
            let paths = module.imports.iter().map(|import| &import.path).chain(&module.paths);
            for target in paths.filter_map(|written| self.absolute(path, written)) {
                if let Some(to) = self.node(&parent, own, &target) {
                    graph.add(from, &to);
                }
            }
        }
        graph
    }

    /// Returns the path from the root, or `None` if the path does not lead into this crate.
    fn absolute(&self, module: &ItemPath, written: &ItemPath) -> Option<ItemPath> {
        let (first, rest) = written.split_first()?;
        let start = match first.as_str() {
            "crate" => Vec::new(),
            "self" => module.clone(),
            "super" => {
                let ups = written.iter().take_while(|name| *name == "super").count();
                let start = module[..module.len().checked_sub(ups)?].to_vec();
                return Some(start.into_iter().chain(written[ups..].iter().cloned()).collect());
            }
            _ if self.modules[module].children.contains(first) => {
                return Some(module.iter().chain(written).cloned().collect());
            }
            _ => return None,
        };
        Some(start.into_iter().chain(rest.iter().cloned()).collect())
    }

    /// Returns the child of `parent` that a path leads to, or `own` if the path leads to an item of `parent` itself. A
    /// name that `parent` imports from a child leads to this child.
    fn node(&self, parent: &ItemPath, own: &str, target: &ItemPath) -> Option<String> {
        let rest = target.strip_prefix(parent.as_slice())?;
        let Some(name) = rest.first() else { return Some(own.to_owned()) };
        let module = &self.modules[parent];
        if module.children.contains(name) {
            return Some(name.clone());
        }
        let import = module.imports.iter().find(|import| import.name == *name && import.name != "*");
        let Some(import) = import else { return Some(own.to_owned()) };
        let imported = self.absolute(parent, &import.path)?;
        if imported == *target { Some(own.to_owned()) } else { self.node(parent, own, &imported) }
    }
}

/// Collects what a module contains.
#[derive(Default)]
struct Scan {
    module: Module,
    /// The body of a child; `None` if it is in a file of its own.
    children: Vec<(String, Option<TokenStream>)>,
}

fn ident(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string().trim_start_matches("r#").to_owned()),
        _ => None,
    }
}

fn is_punct(token: Option<&TokenTree>, expected: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == expected)
}

fn group(token: Option<&TokenTree>, delimiter: Delimiter) -> Option<&Group> {
    match token {
        Some(TokenTree::Group(group)) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}

/// Returns whether `::` starts at the position.
fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    let is_joint = matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.spacing() == Spacing::Joint);
    is_joint && is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')
}

/// Returns whether an attribute restricts an item to tests: `cfg(test)`, `cfg(all(test, …))`.
fn is_only_for_tests(attribute: &Group) -> bool {
    fn requires_test(tokens: TokenStream) -> bool {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        tokens.iter().enumerate().any(|(at, token)| match ident(Some(token)).as_deref() {
            Some("test") => true,
            Some("all") => {
                group(tokens.get(at + 1), Delimiter::Parenthesis).is_some_and(|all| requires_test(all.stream()))
            }
            _ => false,
        })
    }
    let tokens: Vec<TokenTree> = attribute.stream().into_iter().collect();
    let condition = group(tokens.get(1), Delimiter::Parenthesis);
    ident(tokens.first()).as_deref() == Some("cfg") && condition.is_some_and(|all| requires_test(all.stream()))
}

/// Returns the position after the item, field, variant or argument that starts at the position.
fn end_of_item(tokens: &[TokenTree], mut at: usize) -> usize {
    const ITEMS: [&str; 14] = [
        "pub", "mod", "use", "fn", "impl", "const", "static", "struct", "enum", "type", "trait", "async", "unsafe",
        "let",
    ];
    while is_punct(tokens.get(at), '#') {
        at += 2;
    }
    let is_item = ident(tokens.get(at)).is_some_and(|word| ITEMS.contains(&word.as_str()));
    while let Some(token) = tokens.get(at) {
        let is_end = is_punct(Some(token), ';')
            || group(Some(token), Delimiter::Brace).is_some()
            || (!is_item && is_punct(Some(token), ','));
        at += 1;
        if is_end {
            break;
        }
    }
    at
}

impl Scan {
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            at = self.token(&tokens, at);
        }
    }

    /// Reads the token or item at the position, and returns the position after it.
    fn token(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        match &tokens[at] {
            TokenTree::Group(group) => {
                // The path in `pub(in path)` is not an import.
                let is_visibility = ident(group.stream().into_iter().next().as_ref()).as_deref() == Some("in");
                if !is_visibility {
                    self.tokens(group.stream());
                }
                at + 1
            }
            TokenTree::Punct(punct) if punct.as_char() == '#' => self.attribute(tokens, at),
            TokenTree::Ident(_) => self.word(tokens, at),
            _ => at + 1,
        }
    }

    fn attribute(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let is_inner = is_punct(tokens.get(at + 1), '!');
        let content = at + 1 + usize::from(is_inner);
        let Some(attribute) = group(tokens.get(content), Delimiter::Bracket) else { return at + 1 };
        if !is_only_for_tests(attribute) {
            return content;
        }
        if is_inner { tokens.len() } else { end_of_item(tokens, content + 1) }
    }

    fn word(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        match ident(tokens.get(at)).as_deref() {
            Some("mod") => self.child(tokens, at + 1),
            // `impl Trait + use<'_>` is not an import.
            Some("use") if !is_punct(tokens.get(at + 1), '<') => {
                let length = tokens[at..].iter().take_while(|token| !is_punct(Some(token), ';')).count();
                self.import(&tokens[at + 1..at + length], &[]);
                at + length
            }
            _ => self.path(tokens, at),
        }
    }

    fn child(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let Some(name) = ident(tokens.get(at)) else { return at };
        let body = group(tokens.get(at + 1), Delimiter::Brace).map(Group::stream);
        if body.is_some() || is_punct(tokens.get(at + 1), ';') {
            self.module.children.insert(name.clone());
            self.children.push((name, body));
        }
        at + 2
    }

    /// Reads a tree of imports below a path.
    fn import(&mut self, tree: &[TokenTree], below: &[String]) {
        if tree.is_empty() {
            // A group may end with a comma.
            return;
        }
        let mut path = below.to_vec();
        let mut name = None;
        let mut at = 0;
        while let Some(token) = tree.get(at) {
            if let Some(group) = group(Some(token), Delimiter::Brace) {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                inner.split(|token| is_punct(Some(token), ',')).for_each(|part| self.import(part, &path));
                return;
            }
            match ident(Some(token)).as_deref() {
                Some("as") => {
                    name = ident(tree.get(at + 1));
                    break;
                }
                // `{self, …}` imports the path itself.
                Some("self") if !path.is_empty() => {}
                Some(part) => path.push(part.to_owned()),
                None if is_punct(Some(token), '*') => name = Some("*".to_owned()),
                None => {}
            }
            at += 1;
        }
        if let Some(name) = name.or_else(|| path.last().cloned()) {
            self.module.imports.push(Import { name, path });
        }
    }

    fn path(&mut self, tokens: &[TokenTree], mut at: usize) -> usize {
        let mut path: Vec<String> = ident(tokens.get(at)).into_iter().collect();
        at += 1;
        while is_separator(tokens, at) {
            at += 2;
            let Some(name) = ident(tokens.get(at)) else { break };
            path.push(name);
            at += 1;
        }
        if path.len() > 1 {
            self.module.paths.push(path);
        }
        at
    }
}
