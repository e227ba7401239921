// SPDX-License-Identifier: MIT OR Apache-2.0
//! [`Status`]: an NDIS status code as an error value. Any IRQL.

use core::fmt;

use crate::ffi::{self, NDIS_STATUS};

/// An `NDIS_STATUS`. Success and informational codes are `>= 0`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Status(pub NDIS_STATUS);

/// A result whose error is a [`Status`].
pub type Result<T, E = Status> = core::result::Result<T, E>;

macro_rules! statuses {
    ($( $(#[$meta:meta])* $name:ident = $value:ident; )*) => {
        impl Status {
            $( $(#[$meta])* pub const $name: Self = Self(ffi::$value); )*

            /// The name of a code this crate knows. Any IRQL.
            #[must_use]
            pub fn name(self) -> Option<&'static str> {
                match self {
                    $( Self::$name => Some(stringify!($value)), )*
                    _ => None,
                }
            }
        }
    };
}

statuses! {
    /// Done.
    SUCCESS = NDIS_STATUS_SUCCESS;
    /// Accepted; a completion call follows.
    PENDING = NDIS_STATUS_PENDING;
    /// Failed without a better reason.
    FAILURE = NDIS_STATUS_FAILURE;
    /// Memory or another resource is missing.
    RESOURCES = NDIS_STATUS_RESOURCES;
    /// The adapter cannot take this now: removed, or resetting.
    NOT_ACCEPTED = NDIS_STATUS_NOT_ACCEPTED;
    /// Not offered by this miniport.
    NOT_SUPPORTED = NDIS_STATUS_NOT_SUPPORTED;
    /// The NDIS version or a structure revision does not fit.
    BAD_VERSION = NDIS_STATUS_BAD_VERSION;
    /// Characteristics that NDIS cannot accept.
    BAD_CHARACTERISTICS = NDIS_STATUS_BAD_CHARACTERISTICS;
    /// The adapter was not found.
    ADAPTER_NOT_FOUND = NDIS_STATUS_ADAPTER_NOT_FOUND;
    /// Hardware resources overlap or are missing.
    RESOURCE_CONFLICT = NDIS_STATUS_RESOURCE_CONFLICT;
    /// The multicast list is full.
    MULTICAST_FULL = NDIS_STATUS_MULTICAST_FULL;
    /// The request was cancelled.
    REQUEST_ABORTED = NDIS_STATUS_REQUEST_ABORTED;
    /// A reset is running.
    RESET_IN_PROGRESS = NDIS_STATUS_RESET_IN_PROGRESS;
    /// A buffer has the wrong length.
    INVALID_LENGTH = NDIS_STATUS_INVALID_LENGTH;
    /// A buffer's content is out of range.
    INVALID_DATA = NDIS_STATUS_INVALID_DATA;
    /// The reply does not fit.
    BUFFER_TOO_SHORT = NDIS_STATUS_BUFFER_TOO_SHORT;
    /// The OID is unknown.
    INVALID_OID = NDIS_STATUS_INVALID_OID;
    /// A parameter is out of range.
    INVALID_PARAMETER = NDIS_STATUS_INVALID_PARAMETER;
    /// The send was cancelled.
    SEND_ABORTED = NDIS_STATUS_SEND_ABORTED;
    /// The miniport is paused.
    PAUSED = NDIS_STATUS_PAUSED;
    /// The adapter is in a low-power state.
    LOW_POWER_STATE = NDIS_STATUS_LOW_POWER_STATE;
    /// The hardware failed.
    HARD_ERRORS = NDIS_STATUS_HARD_ERRORS;
    /// A correctable fault.
    SOFT_ERRORS = NDIS_STATUS_SOFT_ERRORS;
    /// No cable, or no link.
    MEDIA_DISCONNECTED = NDIS_STATUS_MEDIA_DISCONNECTED;
}

impl Status {
    /// `true` for every code that is no error. Any IRQL.
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 >= 0
    }

    /// `Ok` for a success code, the code itself as the error otherwise. Any IRQL.
    ///
    /// # Errors
    /// The code, when it is an error.
    pub const fn ok(self) -> Result<()> {
        if self.is_success() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "NDIS_STATUS {:#010X}", self.0),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl core::error::Error for Status {}

impl From<Result<()>> for Status {
    fn from(result: Result<()>) -> Self {
        match result {
            Ok(()) => Self::SUCCESS,
            Err(status) => status,
        }
    }
}
