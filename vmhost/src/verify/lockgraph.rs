// SPDX-License-Identifier: MIT OR Apache-2.0
//! The order in which locks were taken while others were held, over the whole run, and the search
//! for a cycle in it (contract V-06). Pure logic: compiles under `std` for the host tests.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec,
    vec::Vec,
};

/// Lock order graph. An edge a → b says that b was taken while a was held.
#[derive(Default)]
pub struct Graph {
    edges: BTreeMap<u64, BTreeMap<u64, u64>>,
}

impl Graph {
    /// No edges.
    pub const fn new() -> Self {
        Self {
            edges: BTreeMap::new(),
        }
    }

    /// Notes that `second` was taken at `place` while `first` was held. Returns the cycle that
    /// this closes, as the locks from `second` back to `first`; only the first time an edge is
    /// seen, so that a cycle is told once.
    pub fn add(&mut self, first: u64, second: u64, place: u64) -> Option<Vec<u64>> {
        if self
            .edges
            .get(&first)
            .is_some_and(|e| e.contains_key(&second))
        {
            return None;
        }
        let cycle = self.path(second, first);
        self.edges.entry(first).or_default().insert(second, place);
        cycle
    }

    /// Where the edge was first seen.
    pub fn place(&self, first: u64, second: u64) -> Option<u64> {
        self.edges.get(&first)?.get(&second).copied()
    }

    /// Drops every lock in `[address, address + len)`: its memory was freed or initialised anew,
    /// and another lock at that address is another lock.
    pub fn forget(&mut self, address: u64, len: u64) {
        let end = address.saturating_add(len);
        self.edges.retain(|lock, _| !(address..end).contains(lock));
        for edges in self.edges.values_mut() {
            edges.retain(|lock, _| !(address..end).contains(lock));
        }
        self.edges.retain(|_, edges| !edges.is_empty());
    }

    /// A path from `from` to `to` along the edges, both ends included.
    fn path(&self, from: u64, to: u64) -> Option<Vec<u64>> {
        let mut seen = BTreeSet::new();
        let mut stack = vec![vec![from]];
        while let Some(path) = stack.pop() {
            let last = *path.last()?;
            if last == to {
                return Some(path);
            }
            if !seen.insert(last) {
                continue;
            }
            for next in self.edges.get(&last).into_iter().flat_map(BTreeMap::keys) {
                let mut longer = path.clone();
                longer.push(*next);
                stack.push(longer);
            }
        }
        None
    }
}
