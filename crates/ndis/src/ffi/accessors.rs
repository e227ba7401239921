// SPDX-License-Identifier: MIT OR Apache-2.0
//! The accessor macros of `NET_BUFFER` and `NET_BUFFER_LIST`, as methods.

use super::*;

impl NET_BUFFER {
    const fn data(&self) -> &NET_BUFFER_u0_s {
        // SAFETY: plain data; this variant spans the union.
        unsafe { &self.u0.s }
    }

    const fn data_mut(&mut self) -> &mut NET_BUFFER_u0_s {
        // SAFETY: plain data; this variant spans the union.
        unsafe { &mut self.u0.s }
    }

    /// `NET_BUFFER_NEXT_NB`.
    #[must_use]
    pub const fn next(&self) -> *mut NET_BUFFER {
        self.data().Next
    }

    /// Sets `NET_BUFFER_NEXT_NB`.
    pub const fn set_next(&mut self, next: *mut NET_BUFFER) {
        self.data_mut().Next = next;
    }

    /// `NET_BUFFER_FIRST_MDL`.
    #[must_use]
    pub const fn first_mdl(&self) -> *mut MDL {
        self.data().MdlChain
    }

    /// `NET_BUFFER_CURRENT_MDL`.
    #[must_use]
    pub const fn current_mdl(&self) -> *mut MDL {
        self.data().CurrentMdl
    }

    /// `NET_BUFFER_CURRENT_MDL_OFFSET`.
    #[must_use]
    pub const fn current_mdl_offset(&self) -> u32 {
        self.data().CurrentMdlOffset
    }

    /// `NET_BUFFER_DATA_OFFSET`.
    #[must_use]
    pub const fn data_offset(&self) -> u32 {
        self.data().DataOffset
    }

    /// `NET_BUFFER_DATA_LENGTH`.
    #[must_use]
    pub const fn data_length(&self) -> u32 {
        // SAFETY: plain data.
        unsafe { self.data().u.DataLength }
    }

    /// Points the buffer at `length` bytes, `offset` bytes into the chain that starts with `mdl`; the offset lies in
    /// that first MDL.
    pub const fn set_data(&mut self, mdl: *mut MDL, offset: u32, length: u32) {
        let data = self.data_mut();
        data.MdlChain = mdl;
        data.CurrentMdl = mdl;
        data.CurrentMdlOffset = offset;
        data.DataOffset = offset;
        data.u.stDataLength = length as u64;
    }
}

impl NET_BUFFER_LIST {
    const fn links(&self) -> &NET_BUFFER_LIST_u0_s {
        // SAFETY: plain data; this variant spans the union.
        unsafe { &self.u0.s }
    }

    /// `NET_BUFFER_LIST_NEXT_NBL`.
    #[must_use]
    pub const fn next(&self) -> *mut NET_BUFFER_LIST {
        self.links().Next
    }

    /// Sets `NET_BUFFER_LIST_NEXT_NBL`.
    pub const fn set_next(&mut self, next: *mut NET_BUFFER_LIST) {
        self.u0.s.Next = next;
    }

    /// `NET_BUFFER_LIST_FIRST_NB`.
    #[must_use]
    pub const fn first_net_buffer(&self) -> *mut NET_BUFFER {
        self.links().FirstNetBuffer
    }

    /// Sets `NET_BUFFER_LIST_FIRST_NB`.
    pub const fn set_first_net_buffer(&mut self, first: *mut NET_BUFFER) {
        self.u0.s.FirstNetBuffer = first;
    }

    /// `NET_BUFFER_LIST_STATUS`.
    #[must_use]
    pub const fn status(&self) -> NDIS_STATUS {
        // SAFETY: plain data.
        unsafe { self.u140.Status }
    }

    /// Sets `NET_BUFFER_LIST_STATUS`.
    pub const fn set_status(&mut self, status: NDIS_STATUS) {
        self.u140.Status = status;
    }

    /// `NET_BUFFER_LIST_INFO`; null for a slot that does not exist.
    #[must_use]
    pub fn info(&self, slot: NDIS_NET_BUFFER_LIST_INFO) -> *mut c_void {
        let slot = usize::try_from(slot).unwrap_or(usize::MAX);
        let value = self.NetBufferListInfo.get(slot).copied();
        value.unwrap_or(core::ptr::null_mut())
    }

    /// Sets `NET_BUFFER_LIST_INFO`; a slot that does not exist is ignored.
    pub fn set_info(&mut self, slot: NDIS_NET_BUFFER_LIST_INFO, value: *mut c_void) {
        let slot = usize::try_from(slot).unwrap_or(usize::MAX);
        if let Some(place) = self.NetBufferListInfo.get_mut(slot) {
            *place = value;
        }
    }
}

impl MDL {
    /// `MmGetMdlByteCount`.
    #[must_use]
    pub const fn byte_count(&self) -> u32 {
        self.ByteCount
    }
}
