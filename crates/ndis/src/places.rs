// SPDX-License-Identifier: MIT OR Apache-2.0
//! [`Places`]: where values are put down on any processor, in any order, and picked up in the order of their numbers.
//! Lock-free. Any IRQL.
//!
//! Somebody who sends many things at once *opens* a place for each, has it fetched, and picks up in the end what has been
//! put down by then. What comes later has to be picked up by whoever puts it down. Each place tells which of the two it
//! is, so that nothing is left lying:
//!
//! ```text
//!            open            put: true                 take
//!   nothing ─────► attended ───────────────► value ─────────► nothing
//!      ▲              │ part                   ▲
//!      └──────────────┘   put: false           │
//!         unattended ──────────────────────────┘
//! ```
//! A place that is [`skip`](Taker::skip)ped holds nothing and holds nobody up.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::marker::PhantomData;
use core::ops::Range;
use core::ptr::{NonNull, null_mut};

#[cfg(not(loom))]
use core::sync::atomic::{AtomicPtr, Ordering};
#[cfg(loom)]
use loom::sync::atomic::{AtomicPtr, Ordering};

use crate::irql::{AtMost, Dispatch, Irql};
use crate::mem::Shared;
use crate::status::{Result, Status};

/// Nothing is here, and nobody waits for it.
const UNATTENDED: *mut () = null_mut();
/// Nothing is here yet; whoever opened the place will look again.
const ATTENDED: *mut () = core::ptr::without_provenance_mut(1);
/// Nothing will be here.
const SKIPPED: *mut () = core::ptr::without_provenance_mut(2);

/// A value that is a pointer.
///
/// # Safety
/// `from_pointer` gives back the value of `into_pointer`, on any processor. Pointers are aligned to 4 bytes at least.
pub unsafe trait Parked: Send {
    /// The value as a pointer.
    fn into_pointer(self) -> NonNull<()>;

    /// The value again.
    ///
    /// # Safety
    /// From `into_pointer`, once.
    unsafe fn from_pointer(pointer: NonNull<()>) -> Self;
}

// SAFETY: the pointer of a box, which `Box::from_raw` takes back; `u64` is aligned to 8 bytes.
unsafe impl Parked for Box<u64> {
    fn into_pointer(self) -> NonNull<()> {
        NonNull::from(Box::leak(self)).cast()
    }

    unsafe fn from_pointer(pointer: NonNull<()>) -> Self {
        // SAFETY: from `into_pointer`, once.
        unsafe { Box::from_raw(pointer.cast().as_ptr()) }
    }
}

#[derive(Debug)]
struct Row<T: Parked> {
    places: Box<[AtomicPtr<()>]>,
    values: PhantomData<T>,
}

/// A share of a row, with what is needed to find a place at hand.
#[derive(Debug)]
struct Side<T: Parked> {
    first: NonNull<AtomicPtr<()>>,
    /// The count, a power of two, less one.
    mask: u32,
    /// Keeps the places.
    _row: Shared<Row<T>>,
}

// SAFETY: atomics that the row keeps; values are handed over through them, and `Parked` ones may be.
unsafe impl<T: Parked> Send for Side<T> {}
// SAFETY: as above.
unsafe impl<T: Parked> Sync for Side<T> {}

impl<T: Parked> Side<T> {
    /// Of the `count` places from `at` on, a power of two.
    fn of(row: &Shared<Row<T>>, at: usize, count: usize) -> Result<Self> {
        let places = row.places.get(at..).and_then(|row| row.get(..count));
        let first = places.and_then(<[_]>::first);
        Ok(Self {
            first: NonNull::from(first.ok_or(Status::INVALID_PARAMETER)?),
            mask: count as u32 - 1,
            _row: row.clone(),
        })
    }

    /// The place of a number, which wraps around the row.
    #[inline]
    fn at(&self, number: u32) -> &AtomicPtr<()> {
        // SAFETY: masked, so below the count.
        let place = unsafe { self.first.add((number & self.mask) as usize) };
        // SAFETY: the row lives as long as this share of it, and never moves.
        unsafe { place.as_ref() }
    }
}

impl<T: Parked> Drop for Row<T> {
    fn drop(&mut self) {
        for place in &self.places {
            // Acquire: what is behind the pointer was written before it was put down.
            drop(value::<T>(place.swap(UNATTENDED, Ordering::Acquire)));
        }
    }
}

/// The value that a place holds. Called once for each that was put down.
#[inline]
fn value<T: Parked>(pointer: *mut ()) -> Option<T> {
    if pointer.addr() <= SKIPPED.addr() {
        return None;
    }
    // SAFETY: not null.
    let pointer = unsafe { NonNull::new_unchecked(pointer) };
    // SAFETY: put down by `put`; whoever calls this has made sure that nobody else takes it.
    Some(unsafe { T::from_pointer(pointer) })
}

/// The side that opens places and puts values down.
#[derive(Debug)]
pub struct Places<T: Parked> {
    side: Side<T>,
    /// How many a taker has, a power of two.
    part: u32,
}

/// The one side that picks values up.
#[derive(Debug)]
pub struct Taker<T: Parked>(Side<T>);

/// What a [`Taker`] finds.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<T> {
    /// Not yet.
    Nothing,
    /// Skipped.
    Skipped,
    /// What was put down.
    Value(T),
}

/// `count` places, all closed.
fn row<T: Parked, L: AtMost<Dispatch>>(count: usize, irql: &Irql<L>) -> Result<Shared<Row<T>>> {
    if !count.is_power_of_two() {
        return Err(Status::INVALID_PARAMETER);
    }
    let mut places = Vec::new();
    places
        .try_reserve_exact(count)
        .map_err(|_| Status::RESOURCES)?;
    places.extend((0..count).map(|_| AtomicPtr::new(UNATTENDED)));
    let row = Row {
        places: places.into_boxed_slice(),
        values: PhantomData,
    };
    Shared::new(row, irql)
}

/// `count` places, all closed. At most DISPATCH_LEVEL.
///
/// # Errors
/// [`Status::RESOURCES`] without memory; [`Status::INVALID_PARAMETER`] for a count that is no power of two.
pub fn places<T: Parked, L: AtMost<Dispatch>>(
    count: usize,
    irql: &Irql<L>,
) -> Result<(Places<T>, Taker<T>)> {
    let row = row(count, irql)?;
    let side = || Side::of(&row, 0, count);
    Ok((Places::new(side()?, count), Taker(side()?)))
}

/// `count` places for each of two takers, all closed. Who puts something down needs not choose between the two: the place
/// that [`Opening::open`] tells says it. At most DISPATCH_LEVEL.
///
/// # Errors
/// As for [`places`].
pub fn pair<T: Parked, L: AtMost<Dispatch>>(
    count: usize,
    irql: &Irql<L>,
) -> Result<(Places<T>, [Taker<T>; 2])> {
    let all = count.saturating_mul(2);
    let row = row(all, irql)?;
    let side = |at, count| Side::of(&row, at, count);
    let takers = [Taker(side(0, count)?), Taker(side(count, count)?)];
    Ok((Places::new(side(0, all)?, count), takers))
}

/// The same for a model, which has no IRQL.
///
/// # Errors
/// As for [`places`].
#[cfg(loom)]
pub fn places_of_a_model<T: Parked>(count: usize) -> Result<(Places<T>, Taker<T>)> {
    // SAFETY: nothing here is a kernel.
    places(count, &unsafe { Irql::<Dispatch>::assume() })
}

impl<T: Parked> Places<T> {
    fn new(side: Side<T>, part: usize) -> Self {
        let part = part as u32;
        Self { side, part }
    }

    /// Opens a place: whoever does so looks again before it [`part`](Taker::part)s from it. A value that is there is
    /// lost. Any IRQL.
    #[inline]
    pub fn open(&self, number: u32) {
        // Relaxed: who puts something down was told the number after this, in a way that orders the two.
        self.side.at(number).store(ATTENDED, Ordering::Relaxed);
    }

    /// To open many of taker `part`, in a loop. Any IRQL.
    #[inline]
    #[must_use]
    pub fn opening(&self, part: usize) -> Opening<'_, T> {
        Opening {
            first: self.side.first,
            // A multiple of the part, below the count.
            base: self.part.wrapping_mul(part as u32) & self.side.mask,
            mask: self.part - 1,
            places: PhantomData,
        }
    }

    /// The taker of a place. Any IRQL.
    #[inline]
    #[must_use]
    pub fn part_of(&self, place: u32) -> usize {
        ((place & self.side.mask) >> self.part.trailing_zeros()) as usize
    }

    /// Puts a value down, once a number, at the place that [`Opening::open`] told; of a single taker also by the number.
    /// `false`: nobody waits for it, and it has to be picked up now. Any IRQL.
    #[inline]
    #[must_use]
    pub fn put(&self, place: u32, value: T) -> bool {
        let place = self.side.at(place);
        // Release: the value is written before it is seen here. Acquire: nobody there, so what they did before they went
        // is seen by whoever picks up now. A value that was here is lost, and never had twice.
        place.swap(value.into_pointer().as_ptr(), Ordering::AcqRel) == ATTENDED
    }
}

impl<T: Parked> Taker<T> {
    /// How many places there are. Any IRQL.
    #[inline]
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.mask + 1
    }

    /// Picks up what lies at a number. Any IRQL.
    #[inline]
    #[must_use]
    pub fn take(&mut self, number: u32) -> Found<T> {
        let place = self.0.at(number);
        // Acquire: pairs with `put`.
        let pointer = place.load(Ordering::Acquire);
        if pointer.addr() < SKIPPED.addr() {
            return Found::Nothing;
        }
        // No read-modify-write: there is one taker, so nobody else has seen the value. Relaxed: whoever opens the place
        // next was told that it is free in a way that orders the two.
        place.store(UNATTENDED, Ordering::Relaxed);
        value(pointer).map_or(Found::Skipped, Found::Value)
    }

    /// To pick up many in a loop. Any IRQL.
    #[inline]
    #[must_use]
    pub fn values(&mut self) -> Values<'_, T> {
        Values {
            first: self.0.first,
            mask: self.0.mask,
            taker: PhantomData,
        }
    }

    /// Nothing will be put down: this number holds nobody up. Any IRQL.
    pub fn skip(&mut self, number: u32) {
        // Relaxed: only this side looks.
        self.0.at(number).store(SKIPPED, Ordering::Relaxed);
    }

    /// Picks up the values of these numbers that `wanted` says so of, and skips their numbers. Any IRQL.
    pub fn take_if(
        &mut self,
        numbers: Range<u32>,
        mut wanted: impl FnMut(&T) -> bool,
        mut each: impl FnMut(T),
    ) {
        let mut number = numbers.start;
        while number != numbers.end {
            let place = self.0.at(number);
            // Acquire: pairs with `put`.
            if let Some(value) = value::<T>(place.load(Ordering::Acquire)) {
                if wanted(&value) {
                    // Relaxed: as in `take`.
                    place.store(SKIPPED, Ordering::Relaxed);
                    each(value);
                } else {
                    // It stays where it is, and this is no second owner.
                    let _ = value.into_pointer();
                }
            }
            number = number.wrapping_add(1);
        }
    }

    /// Whether something lies at one of these numbers. Any IRQL.
    #[must_use]
    pub fn has_any(&self, numbers: Range<u32>) -> bool {
        let mut number = numbers.start;
        while number != numbers.end {
            // Relaxed: a look.
            if self.0.at(number).load(Ordering::Relaxed).addr() > SKIPPED.addr() {
                return true;
            }
            number = number.wrapping_add(1);
        }
        false
    }

    /// Parts from opened places. `true`: something was put down meanwhile by somebody who relies on this side to pick it
    /// up. Any IRQL.
    #[must_use]
    pub fn part(&mut self, numbers: Range<u32>) -> bool {
        let mut number = numbers.start;
        let mut met = false;
        while number != numbers.end {
            // Release: who puts something down later, and finds nobody, sees what was done here. Acquire: pairs with
            // `put`.
            let closed = self.0.at(number).compare_exchange(
                ATTENDED,
                UNATTENDED,
                Ordering::Release,
                Ordering::Acquire,
            );
            met |= closed.is_err_and(|found| found != UNATTENDED);
            number = number.wrapping_add(1);
        }
        met
    }
}

/// A [`Taker`] for a loop: it has what finds a place at hand, where no access of the loop around it can change it.
#[derive(Debug)]
pub struct Values<'a, T: Parked> {
    first: NonNull<AtomicPtr<()>>,
    mask: u32,
    taker: PhantomData<&'a mut Taker<T>>,
}

impl<T: Parked> Values<'_, T> {
    /// Picks up the value at a number; without one, skipped or not, nothing changes. Any IRQL.
    #[inline]
    #[must_use]
    pub fn take(&mut self, number: u32) -> Option<T> {
        // SAFETY: masked, so below the count.
        let place = unsafe { self.first.add((number & self.mask) as usize) };
        // SAFETY: the taker's share keeps the row, which never moves.
        let place = unsafe { place.as_ref() };
        // Acquire: pairs with `put`.
        let value = value::<T>(place.load(Ordering::Acquire))?;
        // Relaxed, and no read-modify-write: as in `Taker::take`.
        place.store(UNATTENDED, Ordering::Relaxed);
        Some(value)
    }
}

/// [`Places`] for a loop that opens many, as [`Values`].
#[derive(Debug)]
pub struct Opening<'a, T: Parked> {
    first: NonNull<AtomicPtr<()>>,
    base: u32,
    mask: u32,
    places: PhantomData<&'a Places<T>>,
}

impl<T: Parked> Opening<'_, T> {
    /// As [`Places::open`]; returns the place, for [`Places::put`]. Any IRQL.
    #[inline]
    pub fn open(&self, number: u32) -> u32 {
        let at = self.base + (number & self.mask);
        // SAFETY: a base and what is below the part: below the count.
        let place = unsafe { self.first.add(at as usize) };
        // SAFETY: the share of the places keeps the row, which never moves.
        let place = unsafe { place.as_ref() };
        // Relaxed: as there.
        place.store(ATTENDED, Ordering::Relaxed);
        at
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::irql::Level;

    fn irql<L: Level>() -> Irql<L> {
        // SAFETY: nothing here is a kernel.
        unsafe { Irql::assume() }
    }

    #[test]
    fn whoever_comes_late_picks_up() {
        let (places, mut taker) = places::<Box<u64>, _>(4, &irql::<Dispatch>()).expect("memory");
        for number in 6..9 {
            places.open(number);
        }
        assert!(places.put(7, Box::new(7)), "attended");
        assert_eq!(taker.take(6), Found::Nothing);
        assert!(taker.part(6..9), "7 is there");
        assert!(!places.put(6, Box::new(6)), "nobody waits");
        assert!(!taker.part(8..9));
        assert_eq!(taker.take(6), Found::Value(Box::new(6)));
        assert_eq!(taker.take(6), Found::Nothing);
        assert_eq!(taker.take(7), Found::Value(Box::new(7)));
        taker.skip(8);
        assert_eq!(taker.take(8), Found::Skipped);
        assert_eq!(taker.take(8), Found::Nothing);
    }

    #[test]
    fn some_are_taken_out_of_their_turn() {
        let (places, mut taker) = places::<Box<u64>, _>(8, &irql::<Dispatch>()).expect("memory");
        for number in 0..5 {
            places.open(number);
        }
        for number in [4, 0, 2] {
            assert!(places.put(number, Box::new(u64::from(number))));
        }
        assert!(taker.has_any(1..5) && !taker.has_any(1..2));
        let mut odd = Vec::new();
        taker.take_if(0..5, |v| **v != 2, |v| odd.push(*v));
        assert_eq!(odd, [0, 4]);
        assert_eq!(taker.take(0), Found::Skipped);
        assert_eq!(taker.take(1), Found::Nothing);
        assert_eq!(taker.take(2), Found::Value(Box::new(2)));
        assert_eq!(taker.take(4), Found::Skipped);
    }

    #[test]
    fn loops_open_and_pick_up_the_same_places() {
        let (places, mut taker) = places::<Box<u64>, _>(4, &irql::<Dispatch>()).expect("memory");
        for number in 2..6 {
            assert_eq!(places.opening(0).open(number), number & 3);
        }
        for number in [2, 3, 5] {
            assert!(places.put(number, Box::new(u64::from(number))));
        }
        taker.skip(4);
        let mut values = taker.values();
        let found = [2, 3, 4, 5, 2].map(|number| values.take(number).map(|v| *v));
        assert_eq!(found, [Some(2), Some(3), None, Some(5), None]);
        assert_eq!(taker.take(4), Found::Skipped, "left as it was");
    }

    #[test]
    fn a_place_says_whose_it_is() {
        let (places, takers) = pair::<Box<u64>, _>(4, &irql::<Dispatch>()).expect("memory");
        let [mut first, mut second] = takers;
        let told = [0, 1, 2].map(|part| places.opening(part).open(6));
        assert_eq!(told, [2, 6, 2], "there are two");
        assert_eq!(told.map(|place| places.part_of(place)), [0, 1, 0]);
        assert!(places.put(told[1], Box::new(1)));
        assert_eq!(first.take(6), Found::Nothing);
        assert_eq!(second.take(6), Found::Value(Box::new(1)));
        assert!(places.put(told[0], Box::new(0)));
        assert!(first.part(6..7) && !second.part(6..7));
        assert_eq!(first.values().take(2), Some(Box::new(0)));
        assert!(pair::<Box<u64>, _>(3, &irql::<Dispatch>()).is_err());
        assert!(pair::<Box<u64>, _>(0, &irql::<Dispatch>()).is_err());
    }

    #[test]
    fn what_is_left_is_dropped_and_odd_counts_are_refused() {
        let (places, taker) = places::<Box<u64>, _>(2, &irql::<Dispatch>()).expect("memory");
        places.open(0);
        assert!(places.put(0, Box::new(1)));
        drop(taker);
        drop(places);
        assert!(super::places::<Box<u64>, _>(3, &irql::<Dispatch>()).is_err());
        assert!(super::places::<Box<u64>, _>(0, &irql::<Dispatch>()).is_err());
    }
}
