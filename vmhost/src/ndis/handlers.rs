// SPDX-License-Identifier: MIT OR Apache-2.0
//! The driver's entry points as addresses. Pure data.

use ::ndis::ffi::{NDIS_MINIPORT_DRIVER_CHARACTERISTICS, NDIS_MINIPORT_PNP_CHARACTERISTICS};

/// Handlers of `NDIS_MINIPORT_DRIVER_CHARACTERISTICS`; 0 where the driver gave none.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs, reason = "named after the members of the structure")]
pub struct Handlers {
    pub set_options: usize,
    pub initialize: usize,
    pub halt: usize,
    pub unload: usize,
    pub pause: usize,
    pub restart: usize,
    pub oid_request: usize,
    pub send: usize,
    pub return_nbls: usize,
    pub cancel_send: usize,
    pub check_for_hang: usize,
    pub reset: usize,
    pub pnp_event: usize,
    pub shutdown: usize,
    pub cancel_oid: usize,
    pub direct_oid: usize,
    pub cancel_direct_oid: usize,
}

/// The address of an optional function pointer, which C keeps as a pointer that may be NULL.
macro_rules! address {
    ($f:expr) => {
        $f.map_or(0, |f| f as *const () as usize)
    };
}
pub(super) use address;

impl Handlers {
    /// Copies the addresses out of `c`, whose revision is `revision`.
    pub fn new(c: &NDIS_MINIPORT_DRIVER_CHARACTERISTICS, revision: u8) -> Self {
        Self {
            set_options: address!(c.SetOptionsHandler),
            initialize: address!(c.InitializeHandlerEx),
            halt: address!(c.HaltHandlerEx),
            unload: address!(c.UnloadHandler),
            pause: address!(c.PauseHandler),
            restart: address!(c.RestartHandler),
            oid_request: address!(c.OidRequestHandler),
            send: address!(c.SendNetBufferListsHandler),
            return_nbls: address!(c.ReturnNetBufferListsHandler),
            cancel_send: address!(c.CancelSendHandler),
            check_for_hang: address!(c.CheckForHangHandlerEx),
            reset: address!(c.ResetHandlerEx),
            pnp_event: address!(c.DevicePnPEventNotifyHandler),
            shutdown: address!(c.ShutdownHandlerEx),
            cancel_oid: address!(c.CancelOidRequestHandler),
            direct_oid: if revision >= 2 {
                address!(c.DirectOidRequestHandler)
            } else {
                0
            },
            cancel_direct_oid: if revision >= 2 {
                address!(c.CancelDirectOidRequestHandler)
            } else {
                0
            },
        }
    }

    /// The handlers that a miniport must have (L-02), with their names.
    pub fn mandatory(&self) -> [(&'static str, usize); 12] {
        [
            ("InitializeHandlerEx", self.initialize),
            ("HaltHandlerEx", self.halt),
            ("UnloadHandler", self.unload),
            ("PauseHandler", self.pause),
            ("RestartHandler", self.restart),
            ("OidRequestHandler", self.oid_request),
            ("CancelOidRequestHandler", self.cancel_oid),
            ("SendNetBufferListsHandler", self.send),
            ("ReturnNetBufferListsHandler", self.return_nbls),
            ("CancelSendHandler", self.cancel_send),
            ("DevicePnPEventNotifyHandler", self.pnp_event),
            ("ShutdownHandlerEx", self.shutdown),
        ]
    }
}

/// Handlers of `NDIS_MINIPORT_PNP_CHARACTERISTICS`; 0 where the driver gave none.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs, reason = "named after the members of the structure")]
pub struct PnpHandlers {
    pub add_device: usize,
    pub remove_device: usize,
    pub filter_resources: usize,
    pub start_device: usize,
}

impl PnpHandlers {
    /// Copies the addresses out of `c`.
    pub fn new(c: &NDIS_MINIPORT_PNP_CHARACTERISTICS) -> Self {
        Self {
            add_device: address!(c.MiniportAddDeviceHandler),
            remove_device: address!(c.MiniportRemoveDeviceHandler),
            filter_resources: address!(c.MiniportFilterResourceRequirementsHandler),
            start_device: address!(c.MiniportStartDeviceHandler),
        }
    }
}
