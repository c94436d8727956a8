//! A graph of modules and its circles.

use std::collections::{BTreeMap, BTreeSet};

/// The modules that each module imports.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Graph(BTreeMap<String, BTreeSet<String>>);

impl Graph {
    pub(super) fn add(&mut self, from: &str, to: &str) {
        if from != to {
            self.0.entry(from.to_owned()).or_default().insert(to.to_owned());
        }
    }

    pub(super) fn modules(&self) -> impl Iterator<Item = (&String, &BTreeSet<String>)> {
        self.0.iter()
    }

    /// Returns the edges that the other graph does not have.
    pub(super) fn without<'a>(&'a self, other: &'a Graph) -> impl Iterator<Item = (&'a str, &'a str)> {
        let edges = self.0.iter().flat_map(|(from, all)| all.iter().map(move |to| (from.as_str(), to.as_str())));
        edges.filter(|(from, to)| !other.0.get(*from).is_some_and(|all| all.contains(*to)))
    }

    /// Returns the modules that can be reached from a module through at least one edge.
    fn reachable(&self, from: &str) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut pending = vec![from];
        while let Some(module) = pending.pop() {
            for next in self.0.get(module).into_iter().flatten() {
                if reached.insert(next.as_str()) {
                    pending.push(next);
                }
            }
        }
        reached
    }

    /// Returns the largest groups of modules in which each module imports every other, directly or through others.
    pub(super) fn circles(&self) -> BTreeSet<BTreeSet<String>> {
        let reachable: BTreeMap<&str, BTreeSet<&str>> =
            self.0.keys().map(|module| (module.as_str(), self.reachable(module))).collect();
        let reaches = |from: &str, to: &str| reachable.get(from).is_some_and(|reached| reached.contains(to));
        let group = |module: &str| -> BTreeSet<String> {
            let others = reachable[module].iter().filter(|other| reaches(other, module));
            others.map(|other| (*other).to_owned()).collect()
        };
        self.0.keys().map(|module| group(module)).filter(|group| !group.is_empty()).collect()
    }
}
