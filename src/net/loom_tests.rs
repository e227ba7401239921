// SPDX-License-Identifier: MIT OR Apache-2.0
//! The places of the transmit window under loom: a sender in its loop, and callbacks on other processors. The code is the
//! one that ships: [`ndis::places`], driven as `net::send` does.

extern crate std;

use loom::model::Builder;
use loom::sync::{Arc, Mutex};
use loom::thread;
use ndis::places::{Found, Places, Taker, places_of_a_model};
use std::boxed::Box;
use std::vec::Vec;

/// What the ring's lock guards.
struct Ring {
    taker: Taker<Box<u64>>,
    next: u32,
    tail: u32,
    sent: Vec<u64>,
}

struct Window {
    places: Places<Box<u64>>,
    ring: Mutex<Ring>,
}

impl Ring {
    fn advance(&mut self) {
        while self.next != self.tail {
            // A run of usual ones, and then one at a time, as `Ring::advance` of the window does.
            if let Some(value) = self.taker.values().take(self.next) {
                self.sent.push(*value);
                self.next += 1;
                continue;
            }
            match self.taker.take(self.next) {
                Found::Nothing => return,
                Found::Skipped => {}
                Found::Value(value) => self.sent.push(*value),
            }
            self.next += 1;
        }
    }
}

impl Ring {
    /// As `Ring::push_next` of the window.
    fn push_next(&mut self) -> bool {
        let Some(value) = self.taker.values().take(self.next) else {
            return false;
        };
        self.sent.push(*value);
        self.next += 1;
        true
    }
}

impl Window {
    fn new() -> Arc<Self> {
        let (places, taker) = places_of_a_model(4).unwrap();
        Arc::new(Self {
            places,
            ring: Mutex::new(Ring {
                taker,
                next: 0,
                tail: 0,
                sent: Vec::new(),
            }),
        })
    }

    /// Tickets for `count` net buffers, opened.
    fn begin(&self, count: u32) -> u32 {
        let mut ring = self.ring.lock().unwrap();
        let first = ring.tail;
        ring.tail += count;
        drop(ring);
        for ticket in first..first + count {
            let place = self.places.opening(0).open(ticket);
            assert_eq!(place, ticket & 3);
        }
        first
    }

    /// The sender has had them all mapped.
    fn settle(&self, first: u32, count: u32) {
        let mut ring = self.ring.lock().unwrap();
        if count != 1 || !ring.push_next() || ring.next != ring.tail {
            ring.advance();
        }
        let (from, end) = (ring.next.max(first), first + count);
        if from < end && ring.taker.part(from..end) {
            ring.advance();
        }
    }

    /// The callback of a ticket.
    fn mapped(&self, ticket: u32) {
        if !self.places.put(ticket, Box::new(u64::from(ticket))) {
            self.ring.lock().unwrap().advance();
        }
    }

    fn check(&self, count: u64) {
        let ring = self.ring.lock().unwrap();
        assert_eq!(
            ring.sent,
            (0..count).collect::<Vec<_>>(),
            "each once, in order"
        );
    }
}

fn explore(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

#[test]
fn loom_places_a_late_callback_is_not_forgotten() {
    explore(|| {
        let window = Window::new();
        let first = window.begin(2);
        let late = {
            let window = Arc::clone(&window);
            thread::spawn(move || window.mapped(first))
        };
        window.mapped(first + 1);
        window.settle(first, 2);
        late.join().unwrap();
        window.check(2);
    });
}

#[test]
fn loom_places_two_late_callbacks() {
    explore(|| {
        let window = Window::new();
        let first = window.begin(2);
        let late = [first + 1, first].map(|ticket| {
            let window = Arc::clone(&window);
            thread::spawn(move || window.mapped(ticket))
        });
        window.settle(first, 2);
        for one in late {
            one.join().unwrap();
        }
        window.check(2);
    });
}

#[test]
fn loom_places_two_senders() {
    explore(|| {
        let window = Window::new();
        let first = window.begin(1);
        let other = {
            let window = Arc::clone(&window);
            thread::spawn(move || {
                let mine = window.begin(1);
                window.mapped(mine);
                window.settle(mine, 1);
            })
        };
        window.mapped(first);
        window.settle(first, 1);
        other.join().unwrap();
        window.check(2);
    });
}

#[test]
fn loom_places_a_failed_mapping_holds_nobody_up() {
    explore(|| {
        let window = Window::new();
        let first = window.begin(2);
        let late = {
            let window = Arc::clone(&window);
            thread::spawn(move || window.mapped(first + 1))
        };
        window.ring.lock().unwrap().taker.skip(first);
        window.settle(first, 2);
        late.join().unwrap();
        assert_eq!(window.ring.lock().unwrap().sent, [u64::from(first) + 1]);
    });
}
