// SPDX-License-Identifier: MIT OR Apache-2.0
//! [`Configuration`]: the adapter's keywords in the registry. PASSIVE_LEVEL.
//!
//! Missing keywords and wrong types are `None`: fall back to the default. Ranges are the caller's (contract I-10).
#![allow(
    non_upper_case_globals,
    reason = "patterns name constants of the headers"
)]

use core::marker::PhantomData;
use core::ptr::null_mut;

use crate::ffi::*;
use crate::irql::{Irql, Passive};
use crate::status::{Result, Status};
use crate::sys::ndis;

/// Longest keyword, in UTF-16 units.
const LONGEST_KEYWORD: usize = 64;

/// An open configuration handle; closed when dropped. Strings read from it are borrowed from it.
#[derive(Debug)]
pub struct Configuration<'i> {
    handle: NDIS_HANDLE,
    /// Opened at PASSIVE_LEVEL; the borrow keeps the IRQL there until it is closed.
    irql: PhantomData<(&'i Irql<Passive>, *mut ())>,
}

/// A keyword as UTF-16 on the stack.
struct Keyword {
    text: [u16; LONGEST_KEYWORD],
    length: u16,
}

impl Keyword {
    fn new(name: &str) -> Option<Self> {
        let mut text = [0; LONGEST_KEYWORD];
        let mut length = 0;
        for unit in name.encode_utf16() {
            *text.get_mut(usize::from(length))? = unit;
            length += 1;
        }
        Some(Self { text, length })
    }

    fn as_unicode_string(&mut self) -> UNICODE_STRING {
        UNICODE_STRING {
            Length: self.length * 2,
            MaximumLength: self.length * 2,
            Buffer: self.text.as_mut_ptr(),
        }
    }
}

impl<'i> Configuration<'i> {
    pub(crate) fn open(handle: NDIS_HANDLE, irql: &'i Irql<Passive>) -> Result<Self> {
        let _ = irql;
        let mut object = NDIS_CONFIGURATION_OBJECT {
            Header: NDIS_OBJECT_HEADER {
                Type: NDIS_OBJECT_TYPE_CONFIGURATION_OBJECT,
                Revision: NDIS_CONFIGURATION_OBJECT_REVISION_1,
                Size: NDIS_SIZEOF_CONFIGURATION_OBJECT_REVISION_1,
            },
            NdisHandle: handle,
            Flags: 0,
        };
        let mut configuration = null_mut();
        // SAFETY: PASSIVE_LEVEL; both pointers are valid for the call.
        Status(unsafe { ndis::NdisOpenConfigurationEx(&raw mut object, &raw mut configuration) })
            .ok()?;
        if configuration.is_null() {
            return Err(Status::FAILURE);
        }
        Ok(Self {
            handle: configuration,
            irql: PhantomData,
        })
    }

    fn read(
        &self,
        keyword: &str,
        kind: NDIS_PARAMETER_TYPE,
    ) -> Option<NDIS_CONFIGURATION_PARAMETER> {
        let mut keyword = Keyword::new(keyword)?;
        let mut name = keyword.as_unicode_string();
        let mut status = NDIS_STATUS_FAILURE;
        let mut parameter = null_mut();
        // SAFETY: PASSIVE_LEVEL, an open handle, pointers valid for the call.
        unsafe {
            ndis::NdisReadConfiguration(
                &raw mut status,
                &raw mut parameter,
                self.handle,
                &raw mut name,
                kind,
            );
        }
        if status != NDIS_STATUS_SUCCESS || parameter.is_null() {
            return None;
        }
        // SAFETY: on success a valid parameter, which lives until the handle is closed.
        Some(unsafe { *parameter })
    }

    /// A number: a REG_DWORD, or a REG_SZ that NDIS reads as decimal. `None` if missing or of another type.
    /// PASSIVE_LEVEL.
    #[must_use]
    pub fn u32(&self, keyword: &str) -> Option<u32> {
        self.number(keyword, NdisParameterInteger)
    }

    /// A number that a REG_SZ gives in hexadecimal. PASSIVE_LEVEL.
    #[must_use]
    pub fn u32_hex(&self, keyword: &str) -> Option<u32> {
        self.number(keyword, NdisParameterHexInteger)
    }

    fn number(&self, keyword: &str, kind: NDIS_PARAMETER_TYPE) -> Option<u32> {
        let parameter = self.read(keyword, kind)?;
        match parameter.ParameterType {
            NdisParameterInteger | NdisParameterHexInteger => {
                // SAFETY: the type says which member; plain data.
                Some(unsafe { parameter.ParameterData.IntegerData })
            }
            _ => None,
        }
    }

    /// A string, UTF-16 without terminator, borrowed from the open handle. PASSIVE_LEVEL.
    #[must_use]
    pub fn string(&self, keyword: &str) -> Option<&[u16]> {
        let parameter = self.read(keyword, NdisParameterString)?;
        if parameter.ParameterType != NdisParameterString {
            return None;
        }
        // SAFETY: the type says which member.
        let string = unsafe { parameter.ParameterData.StringData };
        if string.Buffer.is_null() {
            return None;
        }
        // SAFETY: NDIS' string, which lives until the handle is closed.
        Some(unsafe { core::slice::from_raw_parts(string.Buffer, usize::from(string.Length / 2)) })
    }

    /// NdisReadNetworkAddress: the address the user set, if it is a valid station address: six bytes, neither
    /// multicast nor all zero. PASSIVE_LEVEL.
    #[must_use]
    pub fn network_address(&self) -> Option<[u8; 6]> {
        let mut status = NDIS_STATUS_FAILURE;
        let mut address = null_mut();
        let mut length = 0;
        // SAFETY: PASSIVE_LEVEL, an open handle, pointers valid for the call.
        unsafe {
            ndis::NdisReadNetworkAddress(
                &raw mut status,
                &raw mut address,
                &raw mut length,
                self.handle,
            );
        }
        if status != NDIS_STATUS_SUCCESS || address.is_null() || length != ETH_LENGTH_OF_ADDRESS {
            return None;
        }
        // SAFETY: `length` is 6 bytes, readable until the handle is closed.
        let address = unsafe { address.cast::<[u8; 6]>().read_unaligned() };
        (address[0] & 1 == 0 && address != [0; 6]).then_some(address)
    }
}

impl Drop for Configuration<'_> {
    fn drop(&mut self) {
        // SAFETY: open, and closed once; PASSIVE_LEVEL, because the token is borrowed until now.
        unsafe { ndis::NdisCloseConfiguration(self.handle) };
    }
}
