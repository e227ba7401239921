// SPDX-License-Identifier: MIT OR Apache-2.0
//! A counted singly linked list of NBLs, through their `Next` members. Any IRQL.

use core::ptr::{NonNull, null_mut};

use crate::ffi::NET_BUFFER_LIST;

/// Head, tail and length. Owns nothing: its users decide what an element is.
#[derive(Debug)]
pub(crate) struct RawList {
    head: *mut NET_BUFFER_LIST,
    tail: *mut NET_BUFFER_LIST,
    len: usize,
}

impl RawList {
    pub(crate) const EMPTY: Self = Self {
        head: null_mut(),
        tail: null_mut(),
        len: 0,
    };

    /// Adopts a NULL-terminated chain, calling `each` on every element.
    ///
    /// # Safety
    /// `head` is null or a valid, finite chain that nobody else uses.
    pub(crate) unsafe fn adopt(
        head: *mut NET_BUFFER_LIST,
        mut each: impl FnMut(&mut NET_BUFFER_LIST),
    ) -> Self {
        let mut list = Self {
            head,
            tail: null_mut(),
            len: 0,
        };
        let mut at = head;
        // SAFETY: an element of the caller's chain.
        while let Some(nbl) = unsafe { at.as_mut() } {
            each(nbl);
            list.tail = at;
            list.len += 1;
            at = nbl.next();
        }
        list
    }

    pub(crate) fn head(&self) -> *mut NET_BUFFER_LIST {
        self.head
    }

    /// First and last element, unless the list is empty.
    pub(crate) fn ends(&self) -> Option<(NonNull<NET_BUFFER_LIST>, NonNull<NET_BUFFER_LIST>)> {
        Some((NonNull::new(self.head)?, NonNull::new(self.tail)?))
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn push(&mut self, nbl: NonNull<NET_BUFFER_LIST>) {
        // SAFETY: elements are valid and exclusively the list's.
        unsafe { (*nbl.as_ptr()).set_next(null_mut()) };
        match NonNull::new(self.tail) {
            // SAFETY: as above.
            Some(tail) => unsafe { (*tail.as_ptr()).set_next(nbl.as_ptr()) },
            None => self.head = nbl.as_ptr(),
        }
        self.tail = nbl.as_ptr();
        self.len += 1;
    }

    /// Adds everything that `more` gives at the end. Only the end is written for each, and no decision is made whether it is
    /// the first one: loops over frames use this and not [`push`](Self::push).
    #[inline]
    pub(crate) fn extend(&mut self, more: impl Iterator<Item = NonNull<NET_BUFFER_LIST>>) {
        let mut end = End::of(self);
        for nbl in more {
            end.push(nbl);
        }
    }

    pub(crate) fn pop(&mut self) -> Option<NonNull<NET_BUFFER_LIST>> {
        let first = NonNull::new(self.head)?;
        // SAFETY: elements are valid and exclusively the list's.
        self.head = unsafe { (*first.as_ptr()).next() };
        // SAFETY: as above.
        unsafe { (*first.as_ptr()).set_next(null_mut()) };
        if self.head.is_null() {
            self.tail = null_mut();
        }
        self.len -= 1;
        Some(first)
    }

    pub(crate) fn append(&mut self, other: &mut Self) {
        let other = core::mem::replace(other, Self::EMPTY);
        match NonNull::new(self.tail) {
            None => *self = other,
            Some(tail) if !other.head.is_null() => {
                // SAFETY: elements are valid and exclusively the list's.
                unsafe { (*tail.as_ptr()).set_next(other.head) };
                self.tail = other.tail;
                self.len += other.len;
            }
            Some(_) => {}
        }
    }

    /// Gives the chain away.
    pub(crate) fn take(&mut self) -> Self {
        core::mem::replace(self, Self::EMPTY)
    }

    /// Whether `wanted` says so of an element.
    pub(super) fn any(&self, wanted: impl Fn(&NET_BUFFER_LIST) -> bool) -> bool {
        let mut at = self.head;
        // SAFETY: elements are valid and exclusively the list's.
        while let Some(nbl) = unsafe { at.as_ref() } {
            if wanted(nbl) {
                return true;
            }
            at = nbl.next();
        }
        false
    }

    /// Calls `each` on every element.
    pub(crate) fn for_each(&mut self, mut each: impl FnMut(&mut NET_BUFFER_LIST)) {
        let mut at = self.head;
        // SAFETY: elements are valid and exclusively the list's.
        while let Some(nbl) = unsafe { at.as_mut() } {
            each(nbl);
            at = nbl.next();
        }
    }
}

/// The end of a list that grows; the list is whole again when this is dropped.
struct End<'a> {
    list: &'a mut RawList,
    /// Where the next element is linked: the `Next` member of the last one, or the list's head.
    link: *mut *mut NET_BUFFER_LIST,
    len: usize,
}

// An element is found by its `Next` member.
const _: () = assert!(core::mem::offset_of!(NET_BUFFER_LIST, u0) == 0);

impl<'a> End<'a> {
    #[inline]
    fn of(list: &'a mut RawList) -> Self {
        let link = match NonNull::new(list.tail) {
            Some(tail) => tail.as_ptr().cast(),
            None => &raw mut list.head,
        };
        let len = list.len;
        Self { list, link, len }
    }

    #[inline]
    fn push(&mut self, nbl: NonNull<NET_BUFFER_LIST>) {
        // SAFETY: the head of the borrowed list, or the first member of an element that is exclusively the list's.
        unsafe { *self.link = nbl.as_ptr() };
        self.link = nbl.as_ptr().cast();
        self.len += 1;
    }
}

impl Drop for End<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.len == self.list.len {
            return;
        }
        // SAFETY: as in `push`.
        unsafe { *self.link = null_mut() };
        self.list.tail = self.link.cast();
        self.list.len = self.len;
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn a_list_that_grew_is_one_that_was_pushed() {
        let mut nbls = [NET_BUFFER_LIST::zeroed(); 5];
        for nbl in &mut nbls {
            nbl.set_next(core::ptr::without_provenance_mut(0xBAD0));
        }
        let [a, b, c, d, e] = nbls.each_mut().map(NonNull::from);
        let mut list = RawList::EMPTY;
        list.extend(core::iter::empty());
        assert_eq!(
            (list.head(), list.ends(), list.len()),
            (null_mut(), None, 0)
        );
        list.extend([a, b].into_iter());
        assert_eq!((list.ends(), list.len()), (Some((a, b)), 2));
        list.extend(core::iter::empty());
        list.push(c);
        list.extend([d, e].into_iter());
        assert_eq!((list.ends(), list.len()), (Some((a, e)), 5));
        let all: Vec<_> = core::iter::from_fn(|| list.pop()).collect();
        assert_eq!(all, [a, b, c, d, e]);
        assert_eq!((list.ends(), list.len()), (None, 0));
    }
}
