// SPDX-License-Identifier: MIT OR Apache-2.0
//! The poll model (NDIS 6.85).
//!
//! Declarations only; layouts are checked against `facts/layouts.toml`.

#[allow(unused_imports)]
use super::*;

records! {
    /// `NDIS_POLL_CHARACTERISTICS` (ndis/poll.h, NDIS 6.85 and later): 24 bytes on x64.
    struct NDIS_POLL_CHARACTERISTICS record { size 24, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        SetPollNotificationHandler: Option<NDIS_SET_POLL_NOTIFICATION> = 8,
        PollHandler: Option<NDIS_POLL> = 16,
    }

    /// `NDIS_POLL_DATA` (ndis/poll.h, NDIS 6.85 and later): 152 bytes on x64.
    struct NDIS_POLL_DATA record { size 152, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Transmit: NDIS_POLL_TRANSMIT_DATA = 8,
        Receive: NDIS_POLL_RECEIVE_DATA = 80,
    }

    /// `NDIS_POLL_TRANSMIT_DATA` (ndis/poll.h, NDIS 6.85 and later): 72 bytes on x64.
    struct NDIS_POLL_TRANSMIT_DATA record { size 72, align 8 } {
        MaxNblsToComplete: u32 = 0,
        Reserved1: [u32; 3] = 4,
        CompletedNblChain: *mut NET_BUFFER_LIST = 16,
        NumberOfCompletedNbls: u32 = 24,
        NumberOfRemainingNbls: u32 = 28,
        SendCompleteFlags: u32 = 32,
        Reserved2: u32 = 36,
        Reserved3: [*mut c_void; 4] = 40,
    }

    /// `NDIS_POLL_RECEIVE_DATA` (ndis/poll.h, NDIS 6.85 and later): 72 bytes on x64.
    struct NDIS_POLL_RECEIVE_DATA record { size 72, align 8 } {
        MaxNblsToIndicate: u32 = 0,
        Reserved1: [u32; 3] = 4,
        IndicatedNblChain: *mut NET_BUFFER_LIST = 16,
        NumberOfIndicatedNbls: u32 = 24,
        NumberOfRemainingNbls: u32 = 28,
        Flags: u32 = 32,
        Reserved2: u32 = 36,
        Reserved3: [*mut c_void; 4] = 40,
    }

    /// `NDIS_POLL_NOTIFICATION` (ndis/poll.h, NDIS 6.85 and later): 6 bytes on x64.
    struct NDIS_POLL_NOTIFICATION record { size 6, align 2 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Enabled: BOOLEAN = 4,
    }
}
