// SPDX-License-Identifier: MIT OR Apache-2.0
//! The lock order graph: cycles are found when the closing edge is added, once each.

extern crate alloc;

#[path = "../src/verify/lockgraph.rs"]
mod lockgraph;

use lockgraph::Graph;

#[test]
fn one_order_is_no_cycle() {
    let mut graph = Graph::new();
    assert_eq!(graph.add(1, 2, 100), None);
    assert_eq!(graph.add(2, 3, 101), None);
    assert_eq!(graph.add(1, 3, 102), None);
    assert_eq!(graph.add(1, 2, 103), None);
    assert_eq!(graph.place(1, 2), Some(100), "the first place is kept");
}

#[test]
fn two_orders_of_two_locks() {
    let mut graph = Graph::new();
    assert_eq!(graph.add(1, 2, 0), None);
    assert_eq!(graph.add(2, 1, 0), Some(vec![1, 2]));
    assert_eq!(graph.add(2, 1, 0), None, "told once");
}

#[test]
fn a_ring_of_four() {
    let mut graph = Graph::new();
    for (a, b) in [(1, 2), (2, 3), (3, 4), (2, 9), (9, 8)] {
        assert_eq!(graph.add(a, b, 0), None);
    }
    assert_eq!(graph.add(4, 1, 0), Some(vec![1, 2, 3, 4]));
}

#[test]
fn freed_memory_breaks_the_order() {
    let mut graph = Graph::new();
    graph.add(0x1000, 0x2000, 0);
    graph.forget(0x1FF8, 0x10);
    assert_eq!(graph.place(0x1000, 0x2000), None);
    assert_eq!(
        graph.add(0x2000, 0x1000, 0),
        None,
        "another lock at that address"
    );

    graph.forget(0x2000, 8);
    assert_eq!(graph.add(0x1000, 0x2000, 0), None);
}

#[test]
fn forgetting_ends_before_the_end_of_the_range() {
    let mut graph = Graph::new();
    graph.add(0x1000, 0x2000, 0);
    graph.forget(0x1FF0, 0x10);
    assert_eq!(graph.add(0x2000, 0x1000, 0), Some(vec![0x1000, 0x2000]));
}
