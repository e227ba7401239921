// SPDX-License-Identifier: MIT OR Apache-2.0
//! Memory that the driver and the host share: pointers that came from the driver, and blocks
//! that the host hands to it. Any IRQL.
//!
//! A pointer from the driver is only a number until it was checked against the page tables. An
//! address that is not mapped, read-only where the host must write, or inside freed memory ends
//! the run with a violation that says which import got it: on Windows the same call would have
//! been a bugcheck (0x50, 0xD1, or 0xCC/0xD5 for freed special pool), so there is nothing to go
//! on with. The host itself never faults on a driver's pointer.

use alloc::{format, string::String, vec::Vec};
use core::{fmt, marker::PhantomData};

use crate::{machine::vspace, verify};

/// Bytes in a page.
pub const PAGE: usize = 4096;
/// What fresh memory is filled with, so that a read of unwritten memory shows (contract G-07).
pub const POISON: u8 = 0xC7;

/// A typed address in the driver's memory. Copying it costs nothing; every access is checked.
pub struct Ptr<T>(usize, PhantomData<fn() -> T>);

impl<T> Clone for Ptr<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Ptr<T> {}
impl<T> PartialEq for Ptr<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T> Eq for Ptr<T> {}
impl<T> fmt::Debug for Ptr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl<T> Ptr<T> {
    /// The null pointer.
    pub const NULL: Self = Self(0, PhantomData);

    /// Wraps an address.
    pub const fn new(address: usize) -> Self {
        Self(address, PhantomData)
    }

    /// The address.
    pub const fn addr(self) -> usize {
        self.0
    }

    /// The address as a raw pointer, for the structures of `ndis::ffi`.
    pub const fn raw(self) -> *mut T {
        self.0 as *mut T
    }

    /// True for NULL.
    pub const fn is_null(self) -> bool {
        self.0 == 0
    }

    /// The same address with another type.
    pub const fn cast<U>(self) -> Ptr<U> {
        Ptr::new(self.0)
    }

    /// The `n`th element of the array that starts here.
    pub const fn add(self, n: usize) -> Self {
        Self::new(self.0.wrapping_add(n.wrapping_mul(size_of::<T>())))
    }

    /// The address of a member; use it through [`field!`](crate::field).
    pub fn project<U>(self, member: impl FnOnce(*mut T) -> *mut U) -> Ptr<U> {
        Ptr::new(member(self.raw()) as usize)
    }
}

impl<T: Copy> Ptr<T> {
    /// Reads the value. Ends the run with a violation when the address is bad.
    pub fn read(self) -> T {
        read(self.0)
    }

    /// Writes the value. Ends the run with a violation when the address is bad.
    pub fn write(self, value: T) {
        write(self.0, value);
    }

    /// Writes unless the pointer is NULL, for out-parameters that are optional.
    pub fn write_if(self, value: T) {
        if !self.is_null() {
            self.write(value);
        }
    }

    /// Reads the value, or `None` when the address is bad; no violation.
    pub fn try_read(self) -> Option<T> {
        is_valid(self.0, size_of::<T>(), false).then(|| read_checked(self.0))
    }
}

/// The address of a (nested) member of the structure that a [`Ptr`] points to:
/// `field!(nb, DataLength).read()`. Members of unions are reached the same way.
#[macro_export]
macro_rules! field {
    ($p:expr, $($member:tt)+) => {
        $crate::guest::Ptr::project($p, |s| {
            // SAFETY: address arithmetic only, nothing is read; the result is checked at each
            // access by `Ptr`.
            unsafe { &raw mut (*s).$($member)+ }
        })
    };
}

/// True when `[address, address + len)` is mapped, and writable if `write`.
pub fn is_valid(address: usize, len: usize, write: bool) -> bool {
    len == 0
        || (address != 0
            && address.checked_add(len).is_some()
            && vspace::is_mapped(address, len, write))
}

/// Ends the run when the range cannot be used; says what the address is.
pub fn require(address: usize, len: usize, write: bool) {
    if !is_valid(address, len, write) {
        bad_pointer(address, len, write);
    }
}

/// Describes an address for a violation's text: NULL, inside freed memory, never mapped, ….
pub fn describe(address: usize) -> String {
    if address == 0 {
        return String::from("NULL");
    }
    match vspace::region_of(address) {
        Some(region) if !region.live => format!(
            "{address:#x}, offset {:#x} of a freed block of {} page(s)",
            address.wrapping_sub(region.base),
            region.pages
        ),
        Some(region) => format!(
            "{address:#x}, offset {:#x} of a region of {} page(s)",
            address.wrapping_sub(region.base),
            region.pages
        ),
        None => format!("{address:#x}, never mapped"),
    }
}

fn bad_pointer(address: usize, len: usize, write: bool) -> ! {
    let freed = vspace::region_of(address).is_some_and(|r| !r.live);
    verify::stop(
        if freed { "V-01" } else { "V-28" },
        format!(
            "{} bytes cannot be {} at {}",
            len,
            if write { "written" } else { "read" },
            describe(address)
        ),
    )
}

/// Reads a plain value at any alignment. Ends the run with a violation when the address is bad.
pub fn read<T: Copy>(address: usize) -> T {
    require(address, size_of::<T>(), false);
    read_checked(address)
}

fn read_checked<T: Copy>(address: usize) -> T {
    // SAFETY: the caller found the range mapped; `T` is plain data read from memory that the
    // driver owns, so any bit pattern it left there is what we want to see.
    unsafe { (address as *const T).read_unaligned() }
}

/// Reads the first `size` bytes of a versioned structure, whose older revisions are shorter; the
/// rest has its default. Ends the run with a violation when the address is bad.
pub fn read_prefix<T: Copy + Default>(address: usize, size: usize) -> T {
    let size = size.min(size_of::<T>());
    require(address, size, false);
    let mut value = T::default();
    // SAFETY: `require` found the source mapped, `size` is within `value`, and `T` is plain data
    // of the driver's, so any bit pattern is what we want to see.
    unsafe { core::ptr::copy_nonoverlapping(address as *const u8, (&raw mut value).cast(), size) }
    value
}

/// Writes a plain value at any alignment. Ends the run with a violation when the address is bad.
pub fn write<T: Copy>(address: usize, value: T) {
    require(address, size_of::<T>(), true);
    // SAFETY: `require` found the range mapped and writable.
    unsafe { (address as *mut T).write_unaligned(value) }
}

/// Copies bytes out of the driver's memory.
pub fn bytes(address: usize, len: usize) -> Vec<u8> {
    require(address, len, false);
    let mut out = Vec::with_capacity(len);
    for i in 0..len {
        out.push(read_checked::<u8>(address + i));
    }
    out
}

/// Copies bytes into the driver's memory.
pub fn copy_in(address: usize, data: &[u8]) {
    require(address, data.len(), true);
    // SAFETY: `require` found the destination mapped and writable; `data` is host memory.
    unsafe { core::ptr::copy_nonoverlapping(data.as_ptr(), address as *mut u8, data.len()) }
}

/// Copies inside the driver's memory; the ranges may overlap.
pub fn copy(to: usize, from: usize, len: usize) {
    require(from, len, false);
    require(to, len, true);
    // SAFETY: both ranges were found mapped, the destination writable; `copy` allows overlap.
    unsafe { core::ptr::copy(from as *const u8, to as *mut u8, len) }
}

/// Fills a range of the driver's memory.
pub fn fill(address: usize, len: usize, byte: u8) {
    require(address, len, true);
    // SAFETY: `require` found the range mapped and writable.
    unsafe { core::ptr::write_bytes(address as *mut u8, byte, len) }
}

/// The first offset in `[address, address + len)` whose byte is not `byte`.
pub fn find_not(address: usize, len: usize, byte: u8) -> Option<usize> {
    require(address, len, false);
    (0..len).find(|i| read_checked::<u8>(address + i) != byte)
}

/// A view of the driver's memory for the time of one host call.
///
/// The driver can write to it at any moment, so look at each byte once.
pub fn slice<'a>(address: usize, len: usize) -> &'a [u8] {
    require(address, len, false);
    if len == 0 {
        return &[];
    }
    // SAFETY: `require` found the range mapped. Callers use the view inside one import call,
    // where the driver promised the memory stays.
    unsafe { core::slice::from_raw_parts(address as *const u8, len) }
}

/// Bytes of a NUL-terminated ANSI string, at most `max`; stops at the first NUL.
pub fn ansi_z(address: usize, max: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while out.len() < max {
        let c: u8 = read(address + out.len());
        if c == 0 {
            break;
        }
        out.push(c);
    }
    out
}

/// Characters of a NUL-terminated wide string, at most `max`.
pub fn wide_z(address: usize, max: usize) -> Vec<u16> {
    let mut out = Vec::new();
    while out.len() < max {
        let c: u16 = read(address + out.len() * 2);
        if c == 0 {
            break;
        }
        out.push(c);
    }
    out
}

/// Layout of `UNICODE_STRING` and `ANSI_STRING`, which Windows documents as one.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct CountedString {
    /// Bytes in use.
    pub length: u16,
    /// Bytes allocated.
    pub maximum: u16,
    /// The characters.
    pub buffer: usize,
}

/// The characters of a `UNICODE_STRING`. Checks the header (contract V-09: even length, maximum
/// not below length).
pub fn unicode(address: usize) -> Vec<u16> {
    let header: CountedString = read(address);
    verify::check(
        "V-09",
        header.length.is_multiple_of(2) && header.length <= header.maximum,
        || {
            format!(
                "UNICODE_STRING at {address:#x}: Length {} MaximumLength {}",
                header.length, header.maximum
            )
        },
    );
    let count = usize::from(header.length / 2);
    require(header.buffer, count * 2, false);
    (0..count)
        .map(|i| read_checked(header.buffer + i * 2))
        .collect()
}

/// A `UNICODE_STRING` as text; what is no UTF-16 becomes U+FFFD.
pub fn unicode_text(address: usize) -> String {
    String::from_utf16_lossy(&unicode(address))
}

/// A block of pages that the host made for the driver: guard pages around it, its end at the end
/// of a page, its address never used again. Freed on drop.
pub struct Block {
    base: usize,
    address: usize,
    len: usize,
}

impl Block {
    /// A block of `len` bytes, aligned to `align` (a power of two up to a page), filled with
    /// [`POISON`] or with zeroes. `None` when memory is exhausted.
    pub fn new(len: usize, align: usize, zero: bool) -> Option<Self> {
        let pages = len.div_ceil(PAGE).max(1);
        let prot = vspace::Prot {
            write: true,
            exec: false,
            cache: vspace::Cache::WriteBack,
        };
        let base = vspace::map_new(pages, prot, if zero { 0 } else { POISON })?;
        // As near to the guard page behind as the alignment allows (V-01).
        let address = (base + pages * PAGE - len) & !(align - 1);
        Some(Self { base, address, len })
    }

    /// A block that holds a copy of `data`.
    pub fn with(data: &[u8], align: usize) -> Option<Self> {
        let block = Self::new(data.len(), align, false)?;
        copy_in(block.address, data);
        Some(block)
    }

    /// Where the driver sees it.
    pub fn address(&self) -> usize {
        self.address
    }

    /// As a typed pointer.
    pub fn ptr<T>(&self) -> Ptr<T> {
        Ptr::new(self.address)
    }

    /// Makes the pages read-only or writable for everybody.
    pub fn set_writable(&self, write: bool) {
        let pages = self.len.div_ceil(PAGE).max(1);
        vspace::protect(
            self.base,
            pages,
            vspace::Prot {
                write,
                exec: false,
                cache: vspace::Cache::WriteBack,
            },
        );
    }

    /// Gives up ownership without unmapping; [`unmap`](Self::unmap) frees it later.
    pub fn leak(self) -> usize {
        let address = self.address;
        core::mem::forget(self);
        address
    }

    /// Frees a leaked block by the address that the driver saw. No [`crate::machine::lock`] may
    /// be held: other CPUs are interrupted.
    pub fn unmap(address: usize) {
        vspace::unmap(address & !(PAGE - 1));
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        vspace::unmap(self.base);
    }
}
