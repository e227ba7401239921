// SPDX-License-Identifier: MIT OR Apache-2.0
//! OID requests with checked lengths.
//!
//! A query is answered through [`Reply`], a set is read through [`Argument`]; both keep `BytesWritten`, `BytesRead` and
//! `BytesNeeded` right (contract O-05, O-06, §6.4). Nothing is read or written outside the buffer, whose alignment is
//! not trusted (O-04).
#![allow(
    non_upper_case_globals,
    reason = "patterns name constants of the headers"
)]

use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::Deref;
use core::ptr::NonNull;

use crate::adapter::AdapterHandle;
use crate::ffi::*;
use crate::irql::{AtMost, Dispatch, Irql, drop_level_at_most};
use crate::miniport::Outcome;
use crate::plain::{Plain, bytes_of};
use crate::status::{Result, Status};
use crate::sys::ndis;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// Query, or query statistics, which must be answered alike (O-07).
    Query,
    /// Set.
    Set,
    /// Method: both buffers are one.
    Method,
    /// A type that this crate does not know: answer NOT_SUPPORTED.
    Other(NDIS_REQUEST_TYPE),
}

/// Identifies a request for cancelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(pub(crate) *mut c_void);

/// What an open request says and where its answer goes; [`OidRequest`] and [`PendingOid`] deref to it.
#[derive(Debug)]
pub struct OidBody {
    pub(crate) raw: NonNull<NDIS_OID_REQUEST>,
    adapter: AdapterHandle,
}

/// An OID request during `oid_request`: [`done`](Self::done), or [`pend`](Self::pend).
#[derive(Debug)]
pub struct OidRequest<'a> {
    body: OidBody,
    call: PhantomData<&'a mut ()>,
}

impl OidRequest<'_> {
    /// Wraps a request.
    ///
    /// # Safety
    /// `raw` is an open request of `adapter`, exclusively the caller's until it is completed.
    pub(crate) unsafe fn new(raw: NonNull<NDIS_OID_REQUEST>, adapter: AdapterHandle) -> Self {
        Self {
            body: OidBody { raw, adapter },
            call: PhantomData,
        }
    }

    /// Ends the request with `status`, which may not be PENDING: FAILURE then. Any IRQL.
    pub fn done(self, status: Status) -> Outcome {
        Outcome::new(final_status(status))
    }

    /// Keeps the request beyond `oid_request`: complete the [`PendingOid`] later, also before `oid_request` returns.
    /// Any IRQL.
    pub fn pend(self) -> (PendingOid, Outcome) {
        (
            PendingOid { body: self.body },
            Outcome::new(Status::PENDING),
        )
    }
}

/// A request is not completed with PENDING (contract N-01): nobody would complete it then.
fn final_status(status: Status) -> Status {
    if status == Status::PENDING {
        Status::FAILURE
    } else {
        status
    }
}

impl Deref for OidRequest<'_> {
    type Target = OidBody;

    fn deref(&self) -> &OidBody {
        &self.body
    }
}

impl OidBody {
    fn raw(&self) -> &NDIS_OID_REQUEST {
        // SAFETY: open and ours until completed.
        unsafe { self.raw.as_ref() }
    }

    /// What is asked. Any IRQL.
    #[must_use]
    pub fn kind(&self) -> RequestKind {
        match self.raw().RequestType {
            NdisRequestQueryInformation | NdisRequestQueryStatistics => RequestKind::Query,
            NdisRequestSetInformation => RequestKind::Set,
            NdisRequestMethod => RequestKind::Method,
            other => RequestKind::Other(other),
        }
    }

    /// Which object. Any IRQL.
    #[must_use]
    pub fn oid(&self) -> NDIS_OID {
        // SAFETY: the OID is the first member of every variant.
        unsafe { self.raw().DATA.Oid }
    }

    /// The port it is for; 0 is the default port. Any IRQL.
    #[must_use]
    pub fn port(&self) -> NDIS_PORT_NUMBER {
        self.raw().PortNumber
    }

    /// The id that `cancel_oid_request` would name. Any IRQL.
    #[must_use]
    pub fn id(&self) -> RequestId {
        RequestId(self.raw().RequestId)
    }

    fn query(&mut self) -> Option<Reply<'_>> {
        if self.kind() != RequestKind::Query {
            return None;
        }
        // SAFETY: open and ours.
        let raw = unsafe { self.raw.as_mut() };
        // SAFETY: the kind says which variant; plain data.
        let data = unsafe { &mut raw.DATA.QUERY_INFORMATION };
        data.BytesWritten = 0;
        data.BytesNeeded = 0;
        Some(Reply {
            buffer: data.InformationBuffer.cast(),
            length: data.InformationBufferLength as usize,
            written: &mut data.BytesWritten,
            needed: &mut data.BytesNeeded,
        })
    }

    fn set(&mut self) -> Option<Argument<'_>> {
        if self.kind() != RequestKind::Set {
            return None;
        }
        // SAFETY: open and ours.
        let raw = unsafe { self.raw.as_mut() };
        // SAFETY: the kind says which variant; plain data.
        let data = unsafe { &mut raw.DATA.SET_INFORMATION };
        data.BytesRead = 0;
        data.BytesNeeded = 0;
        Some(Argument {
            buffer: data.InformationBuffer.cast(),
            length: data.InformationBufferLength as usize,
            read: &mut data.BytesRead,
            needed: &mut data.BytesNeeded,
        })
    }

    fn set_supported_revision(&mut self, revision: u8) {
        // SAFETY: open and ours.
        unsafe { self.raw.as_mut().SupportedRevision = revision };
    }
}

/// What answers a request. Not by a `DerefMut` to [`OidBody`]: who could swap the bodies of two requests would complete
/// one of them twice.
macro_rules! answers {
    ($($request:ty),*) => { $(
        impl $request {
            /// The reply buffer of a query; `None` for other kinds. Any IRQL.
            pub fn query(&mut self) -> Option<Reply<'_>> {
                self.body.query()
            }

            /// The argument of a set; `None` for other kinds. Any IRQL.
            pub fn set(&mut self) -> Option<Argument<'_>> {
                self.body.set()
            }

            /// The newest revision of a structured set that was understood; to be set on success (O-06). Any IRQL.
            pub fn set_supported_revision(&mut self, revision: u8) {
                self.body.set_supported_revision(revision);
            }
        }
    )* };
}

answers!(OidRequest<'_>, PendingOid);

/// A pending OID request: completed exactly once, with [`Status::FAILURE`] if dropped. Dropped above DISPATCH_LEVEL it
/// stays pending: completing it there would break more.
#[derive(Debug)]
pub struct PendingOid {
    body: OidBody,
}

// SAFETY: NDIS lets a request be completed on any processor; the owner is the only one who touches it.
unsafe impl Send for PendingOid {}

impl PendingOid {
    /// NdisMOidRequestComplete. At most DISPATCH_LEVEL, no lock held. `status` may not be PENDING: FAILURE then.
    pub fn complete<L: AtMost<Dispatch>>(self, status: Status, irql: &Irql<L>) {
        let _ = irql;
        ManuallyDrop::new(self).finish(status);
    }

    fn finish(&mut self, status: Status) {
        let (adapter, raw) = (self.body.adapter.as_raw(), self.body.raw.as_ptr());
        // SAFETY: pending on this adapter, completed once: the callers consume the value.
        unsafe { ndis::NdisMOidRequestComplete(adapter, raw, final_status(status).0) };
    }
}

impl Deref for PendingOid {
    type Target = OidBody;

    fn deref(&self) -> &OidBody {
        &self.body
    }
}

impl Drop for PendingOid {
    fn drop(&mut self) {
        if drop_level_at_most(DISPATCH_LEVEL) {
            self.finish(Status::FAILURE);
        }
    }
}

/// Where the answer of a query goes. Writing sets `BytesWritten` and `BytesNeeded`.
#[derive(Debug)]
pub struct Reply<'a> {
    buffer: *mut u8,
    length: usize,
    written: &'a mut u32,
    needed: &'a mut u32,
}

impl Reply<'_> {
    /// Room in the buffer, in bytes. Any IRQL.
    #[must_use]
    pub fn room(&self) -> usize {
        if self.buffer.is_null() {
            0
        } else {
            self.length
        }
    }

    /// Answers with these bytes, whole or not at all. Any IRQL.
    ///
    /// Returns SUCCESS, or BUFFER_TOO_SHORT with `BytesNeeded` set and nothing written.
    pub fn bytes(&mut self, bytes: &[u8]) -> Status {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        *self.needed = length;
        if self.room() < bytes.len() {
            *self.written = 0;
            return Status::BUFFER_TOO_SHORT;
        }
        if !bytes.is_empty() {
            // SAFETY: room was checked; the request's buffer never overlaps the driver's own value.
            unsafe {
                self.buffer
                    .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len())
            };
        }
        *self.written = length;
        Status::SUCCESS
    }

    /// Answers with one value. Any IRQL.
    pub fn value<T: Plain>(&mut self, value: &T) -> Status {
        self.bytes(bytes_of(value))
    }

    /// Answers with the first `size` bytes of a structure: what `NDIS_SIZEOF_…_REVISION_n` counts. Any IRQL.
    pub fn revision<T: Plain>(&mut self, value: &T, size: u16) -> Status {
        let bytes = bytes_of(value);
        self.bytes(bytes.get(..usize::from(size)).unwrap_or(bytes))
    }

    /// Answers with a 64-bit counter; where only 4 to 7 bytes fit, with its low half (contract §6.4): `BytesNeeded` is
    /// always 8. Any IRQL.
    pub fn counter(&mut self, value: u64) -> Status {
        let status = match self.room() {
            4..8 => self.value(&(value as u32)),
            _ => self.value(&value),
        };
        *self.needed = 8;
        status
    }
}

/// What a set brings. Reading sets `BytesRead` and `BytesNeeded`.
#[derive(Debug)]
pub struct Argument<'a> {
    buffer: *const u8,
    length: usize,
    read: &'a mut u32,
    needed: &'a mut u32,
}

impl Argument<'_> {
    /// Length in bytes. Any IRQL.
    #[must_use]
    pub fn len(&self) -> usize {
        if self.buffer.is_null() {
            0
        } else {
            self.length
        }
    }

    /// `true` without any bytes. Any IRQL.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn too_short<T>(&mut self, needed: usize) -> Result<T> {
        *self.read = 0;
        *self.needed = u32::try_from(needed).unwrap_or(u32::MAX);
        Err(Status::INVALID_LENGTH)
    }

    /// One value that is the whole argument. Any IRQL.
    ///
    /// # Errors
    /// [`Status::INVALID_LENGTH`] if the length is another one.
    pub fn value<T: Plain>(&mut self) -> Result<T> {
        if self.len() != size_of::<T>() {
            return self.too_short(size_of::<T>());
        }
        self.prefix()
    }

    /// One value at the start of the argument, which may be longer. Any IRQL.
    ///
    /// # Errors
    /// [`Status::INVALID_LENGTH`] if the argument is shorter.
    pub fn prefix<T: Plain>(&mut self) -> Result<T> {
        if self.len() < size_of::<T>() {
            return self.too_short(size_of::<T>());
        }
        *self.read = size_of::<T>() as u32;
        // SAFETY: long enough; every byte pattern is a value of `T`; alignment is not assumed.
        Ok(unsafe { self.buffer.cast::<T>().read_unaligned() })
    }

    /// A structure with an object header: at least `size` bytes (`NDIS_SIZEOF_…_REVISION_n`) both by the buffer and by
    /// the header, of this type, and of `revision` or newer. What lies beyond the buffer reads as zero. Any IRQL.
    ///
    /// # Errors
    /// [`Status::INVALID_LENGTH`] if the buffer is shorter than `size`; [`Status::BAD_VERSION`] for an older revision;
    /// [`Status::INVALID_PARAMETER`] for another type, or a size in the header that is less than `size` or beyond the
    /// buffer.
    pub fn structure<T: Plain>(&mut self, object_type: u8, revision: u8, size: u16) -> Result<T> {
        let size = usize::from(size);
        if self.len() < size.max(size_of::<NDIS_OBJECT_HEADER>()) {
            return self.too_short(size);
        }
        let header: NDIS_OBJECT_HEADER = self.prefix()?;
        *self.read = 0;
        if header.Type != object_type {
            return Err(Status::INVALID_PARAMETER);
        }
        if header.Revision < revision {
            return Err(Status::BAD_VERSION);
        }
        let claimed = usize::from(header.Size);
        if claimed < size || claimed > self.len() {
            return Err(Status::INVALID_PARAMETER);
        }
        let length = claimed.min(size_of::<T>());
        let mut value = core::mem::MaybeUninit::<T>::zeroed();
        // SAFETY: `length` bytes are inside the buffer and inside `value`, which is the driver's own.
        unsafe {
            value
                .as_mut_ptr()
                .cast::<u8>()
                .copy_from_nonoverlapping(self.buffer, length)
        };
        *self.read = length as u32;
        // SAFETY: every byte pattern is a value of `T`, and every byte was set.
        Ok(unsafe { value.assume_init() })
    }

    /// All bytes. They can change under the driver's eyes: copy, then check (O-04). Any IRQL.
    pub fn bytes(&mut self) -> &[u8] {
        let length = self.len();
        *self.read = length as u32;
        if length == 0 {
            return &[];
        }
        // SAFETY: a buffer of this length, ours while the request is open.
        unsafe { core::slice::from_raw_parts(self.buffer, length) }
    }

    /// Refuses the argument's length: sets `BytesNeeded` and returns INVALID_LENGTH. Any IRQL.
    pub fn wrong_length(&mut self, needed: u32) -> Status {
        *self.read = 0;
        *self.needed = needed;
        Status::INVALID_LENGTH
    }
}
