//! Quotas of connections whose limits differ, by the maximum flow from modes over accounts to connections.

use std::collections::{BTreeMap, VecDeque};

use super::deal::Slot;

/// Returns the number of instruments of each mode on each connection: for each mode, the largest of these numbers is as
/// small as the limits allow.
///
/// # Panics
/// If the instruments do not fit.
pub(super) fn quotas(counts: &[u32], slots: &[Slot]) -> Vec<Vec<u32>> {
    let total: u32 = counts.iter().sum();
    let mut levels = vec![u32::MAX; counts.len()];
    for mode in 0..counts.len() {
        let (mut low, mut high) = (0, counts[mode]);
        while low < high {
            let middle = u32::midpoint(low, high);
            levels[mode] = middle;
            let mut network = Network::new(counts, slots, &levels, &[]);
            if network.saturate() == total { high = middle } else { low = middle + 1 }
        }
        levels[mode] = high;
    }
    let mut network = Network::new(counts, slots, &levels, &[]);
    assert_eq!(network.saturate(), total, "the instruments of a fit can be placed");
    network.quotas()
}

/// Returns the number of instruments of each mode on each connection. As many as possible of them are among the wanted
/// numbers, which each connection should have in each mode.
///
/// # Panics
/// If the instruments do not fit.
pub(super) fn stable_quotas(counts: &[u32], slots: &[Slot], wanted: &[&[u32]]) -> Vec<Vec<u32>> {
    let mut network = Network::new(counts, slots, &vec![u32::MAX; counts.len()], wanted);
    let sent = network.send(Network::cheapest_path);
    assert_eq!(sent, counts.iter().sum::<u32>(), "the instruments of a fit can be placed");
    network.quotas()
}

/// A network of a source, modes, modes of accounts, connections, accounts and a sink.
struct Network {
    edges: Vec<Edge>,
    of_nodes: Vec<Vec<usize>>,
    /// For each connection and mode, the edges for wanted instruments and for others.
    quotas: Vec<Vec<[usize; 2]>>,
}

struct Edge {
    to: usize,
    left: u32,
    cost: i64,
}

const SOURCE: usize = 0;
const SINK: usize = 1;

impl Network {
    /// `wanted` has the number of wanted instruments by connection and mode, or nothing.
    fn new(counts: &[u32], slots: &[Slot], levels: &[u32], wanted: &[&[u32]]) -> Self {
        let modes = counts.len();
        let mut accounts: BTreeMap<usize, (usize, &Slot)> = BTreeMap::new();
        for slot in slots {
            let number = accounts.len();
            accounts.entry(slot.account).or_insert((number, slot));
        }
        let mode_node = |mode: usize| 2 + mode;
        let account_mode_node = |account: usize, mode: usize| 2 + modes + account * modes + mode;
        let account_node = |account: usize| 2 + modes + accounts.len() * modes + account;
        let slot_node = |slot: usize| 2 + modes + accounts.len() * (modes + 1) + slot;
        let nodes = slot_node(slots.len());
        let mut network =
            Network { edges: Vec::new(), of_nodes: vec![Vec::new(); nodes], quotas: vec![Vec::new(); slots.len()] };
        for (mode, count) in counts.iter().enumerate() {
            network.connect(SOURCE, mode_node(mode), *count, 0);
        }
        for (number, slot) in accounts.values() {
            for (mode, max) in slot.account_max_of_modes.iter().enumerate() {
                network.connect(mode_node(mode), account_mode_node(*number, mode), *max, 0);
            }
            network.connect(account_node(*number), SINK, slot.account_max, 0);
        }
        for (at, slot) in slots.iter().enumerate() {
            let (number, _) = accounts[&slot.account];
            for (mode, (of_mode, level)) in slot.max_of_modes.iter().zip(levels).enumerate() {
                let max = (*of_mode).min(*level);
                let wanted = wanted.get(at).map_or(0, |of_modes| of_modes[mode].min(max));
                let (from, to) = (account_mode_node(number, mode), slot_node(at));
                let edges = [network.connect(from, to, wanted, 0), network.connect(from, to, max - wanted, 1)];
                network.quotas[at].push(edges);
            }
            network.connect(slot_node(at), account_node(number), slot.max, 0);
        }
        network
    }

    /// Adds an edge and its reverse, and returns the edge.
    fn connect(&mut self, from: usize, to: usize, capacity: u32, cost: i64) -> usize {
        let edge = self.edges.len();
        self.edges.push(Edge { to, left: capacity, cost });
        self.edges.push(Edge { to: from, left: 0, cost: -cost });
        self.of_nodes[from].push(edge);
        self.of_nodes[to].push(edge + 1);
        edge
    }

    /// Sends as much as possible from the source to the sink, and returns the amount.
    fn saturate(&mut self) -> u32 {
        self.send(Network::path)
    }

    /// Sends as much as possible, on the paths that `next` finds.
    fn send(&mut self, next: impl Fn(&Self) -> Option<Vec<usize>>) -> u32 {
        let mut sent = 0;
        while let Some(path) = next(self) {
            let amount = path.iter().map(|edge| self.edges[*edge].left).min().unwrap_or(0);
            for edge in path {
                self.edges[edge].left -= amount;
                self.edges[edge ^ 1].left = self.edges[edge ^ 1].left.saturating_add(amount);
            }
            sent += amount;
        }
        sent
    }

    /// Returns the edges of a shortest path with capacity left.
    fn path(&self) -> Option<Vec<usize>> {
        let mut edge_to: Vec<Option<usize>> = vec![None; self.of_nodes.len()];
        let mut queue = VecDeque::from([SOURCE]);
        while let Some(node) = queue.pop_front() {
            for edge in &self.of_nodes[node] {
                let Edge { to, left, .. } = self.edges[*edge];
                if left > 0 && to != SOURCE && edge_to[to].is_none() {
                    edge_to[to] = Some(*edge);
                    queue.push_back(to);
                }
            }
        }
        self.path_along(&edge_to)
    }

    /// Returns the edges of a cheapest path with capacity left.
    fn cheapest_path(&self) -> Option<Vec<usize>> {
        let mut cost_of: Vec<Option<i64>> = vec![None; self.of_nodes.len()];
        let mut edge_to: Vec<Option<usize>> = vec![None; self.of_nodes.len()];
        cost_of[SOURCE] = Some(0);
        let mut queue = VecDeque::from([SOURCE]);
        while let Some(node) = queue.pop_front() {
            let cost_of_node = cost_of[node].unwrap_or(0);
            for edge in &self.of_nodes[node] {
                let Edge { to, left, cost } = self.edges[*edge];
                let cost = cost_of_node + cost;
                // A cheapest flow has no cycle of negative cost, so that the source stays at 0.
                if left > 0 && cost_of[to].is_none_or(|known| cost < known) {
                    cost_of[to] = Some(cost);
                    edge_to[to] = Some(*edge);
                    queue.push_back(to);
                }
            }
        }
        self.path_along(&edge_to)
    }

    /// Returns the path to the sink, given the edge to each node.
    fn path_along(&self, edge_to: &[Option<usize>]) -> Option<Vec<usize>> {
        let mut path = Vec::new();
        let mut node = SINK;
        while node != SOURCE {
            let edge = edge_to[node]?;
            path.push(edge);
            node = self.edges[edge ^ 1].to;
        }
        Some(path)
    }

    fn quotas(&self) -> Vec<Vec<u32>> {
        // The capacity of the reverse edge is the amount that was sent.
        let used = |edges: &[usize; 2]| edges.iter().map(|edge| self.edges[edge ^ 1].left).sum();
        self.quotas.iter().map(|of_slot| of_slot.iter().map(used).collect()).collect()
    }
}
