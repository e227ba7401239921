// SPDX-License-Identifier: MIT OR Apache-2.0
//! DbgPrint and the C printing functions. Any IRQL up to DIRQL.
//!
//! What the driver prints goes to the log, line by line, as `driver: text`.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

use crate::{
    exports,
    exports::{
        Call,
        format::{Arguments, Memory, format_c},
        number,
    },
    guest, log,
    machine::{cpu, lock::IrqSpin},
    verify,
};

/// Longest unfinished line that is kept.
const MAX_LINE: usize = 4096;
/// Longest result of one DbgPrint: Windows cuts at 512 bytes; a longer one is cut here too.
const MAX_PRINT: usize = 4096;
/// Longest format.
const MAX_FORMAT: usize = 16384;

/// Text without its end of line yet, a CPU each: a driver may print a line in pieces.
static PARTIAL: IrqSpin<BTreeMap<usize, String>> = IrqSpin::new(BTreeMap::new());

/// Slots in the driver's stack or in a `va_list`, which is the same on x64.
pub struct Slots(pub usize);

impl Arguments for Slots {
    fn next(&mut self) -> u64 {
        let slot = guest::Ptr::<u64>::new(self.0);
        self.0 += 8;
        // Slots of a call lie on the driver's stack, which is the host's memory and always there.
        // SAFETY: the address is a slot of the caller's frame or of a `va_list` made from one.
        unsafe { slot.raw().read_unaligned() }
    }
}

/// The driver's memory; strings may also lie in the image or on the stack.
pub struct Strings;

impl Memory for Strings {
    fn narrow(&self, address: usize, max: usize) -> Vec<u8> {
        guest::ansi_z(address, max)
    }
    fn wide(&self, address: usize, max: usize) -> Vec<u16> {
        guest::wide_z(address, max)
    }
    fn counted_narrow(&self, address: usize) -> Vec<u8> {
        let header: guest::CountedString = guest::read(address);
        guest::bytes(header.buffer, usize::from(header.length))
    }
    fn counted_wide(&self, address: usize) -> Vec<u16> {
        guest::unicode(address)
    }
}

/// Formats a narrow format string with arguments from `slots`.
pub fn narrow(format: usize, slots: usize) -> Vec<u16> {
    let text: Vec<u16> = guest::ansi_z(format, MAX_FORMAT)
        .into_iter()
        .map(u16::from)
        .collect();
    format_c(&text, false, &mut Slots(slots), &Strings)
}

/// Formats a wide format string.
pub fn wide(format: usize, slots: usize) -> Vec<u16> {
    format_c(
        &guest::wide_z(format, MAX_FORMAT),
        true,
        &mut Slots(slots),
        &Strings,
    )
}

/// Puts text into the log, complete lines only.
pub fn print(text: &[u16]) {
    let text = String::from_utf16_lossy(&text[..text.len().min(MAX_PRINT)]);
    let mut lines = Vec::new();
    {
        let mut partial = PARTIAL.lock();
        let line = partial.entry(cpu::id()).or_default();
        for c in text.chars() {
            match c {
                '\n' => lines.push(core::mem::take(line)),
                '\r' => {}
                '\t' => line.push(c),
                // Nothing of the driver's may look like a record or end the terminal's patience.
                c if c.is_control() => line.push('\u{FFFD}'),
                c => line.push(c),
            }
            if line.len() >= MAX_LINE {
                lines.push(core::mem::take(line));
            }
        }
    }
    for line in lines {
        crate::ndis::interrupt::counts::note_debug_line(&line);
        log!("driver: {line}");
    }
}

/// At the end of a call into the driver or of the run: what was printed without an end of line.
pub fn flush() {
    let rest = core::mem::take(&mut *PARTIAL.lock());
    for line in rest.into_values().filter(|l| !l.is_empty()) {
        crate::ndis::interrupt::counts::note_debug_line(&line);
        log!("driver: {line}");
    }
}

/// Writes a narrow result into a buffer of `room` bytes as `_snprintf` does: no terminator when
/// it does not fit, -1 when it is cut.
fn put_narrow(buffer: usize, room: usize, text: &[u16]) -> i32 {
    let bytes: Vec<u8> = text.iter().map(|c| number::to_ansi(*c)).collect();
    let n = bytes.len().min(room);
    guest::copy_in(buffer, &bytes[..n]);
    if n < room {
        guest::write(buffer + n, 0u8);
    }
    if bytes.len() > room {
        -1
    } else {
        bytes.len() as i32
    }
}

fn put_wide(buffer: usize, room: usize, text: &[u16]) -> i32 {
    let n = text.len().min(room);
    for (i, c) in text.iter().take(n).enumerate() {
        guest::write(buffer + i * 2, *c);
    }
    if n < room {
        guest::write(buffer + n * 2, 0u16);
    }
    if text.len() > room {
        -1
    } else {
        text.len() as i32
    }
}

/// The `_s` functions: the result must fit with its terminator; else the buffer is emptied. The
/// real ones would end the system here, so it is a violation.
fn put_secure(call: &Call, buffer: usize, room: usize, text: &[u16], wide: bool) -> i32 {
    if !verify::check("V-28", text.len() < room, || {
        call.text(&format!("{} characters do not fit into {room}", text.len()))
    }) {
        if room != 0 {
            if wide {
                guest::write(buffer, 0u16)
            } else {
                guest::write(buffer, 0u8)
            }
        }
        return -1;
    }
    if wide {
        put_wide(buffer, room, text)
    } else {
        put_narrow(buffer, room, text)
    }
}

exports! {
    "ntoskrnl.exe";

    /// Prints.
    [Dirql] fn DbgPrint(call, format: usize) -> u32 {
        print(&narrow(format, call.varargs(1) as usize));
        0
    }
    /// Prints, whatever the component and level.
    [Dirql] fn DbgPrintEx(call, _component: u32, _level: u32, format: usize) -> u32 {
        print(&narrow(format, call.varargs(3) as usize));
        0
    }
    /// Prints; the caller has a `va_list`.
    [Dirql] fn vDbgPrintEx(_call, _component: u32, _level: u32, format: usize, list: usize) -> u32 {
        print(&narrow(format, list));
        0
    }
    /// Prints with a prefix.
    [Dirql] fn vDbgPrintExWithPrefix(_call, prefix: usize, _component: u32, _level: u32, format: usize, list: usize) -> u32 {
        let mut text: Vec<u16> = guest::ansi_z(prefix, MAX_FORMAT).into_iter().map(u16::from).collect();
        text.extend(narrow(format, list));
        print(&text);
        0
    }
    /// Prints to the debugger only; here the same as DbgPrint.
    [Dirql] fn DbgPrintReturnControlC(call, format: usize) -> u32 {
        print(&narrow(format, call.varargs(1) as usize));
        0
    }
    /// Every component is enabled.
    [Any] fn DbgQueryDebugFilterState(_call, _component: u32, _level: u32) -> i32 { 1 }
    /// Accepted; every component stays enabled.
    [Any] fn DbgSetDebugFilterState(_call, _component: u32, _level: u32, _state: bool) -> i32 { 0 }
    /// A breakpoint without a debugger is a bugcheck.
    [Any] fn DbgBreakPoint(call) { verify::stop("V-28", call.text("breakpoint, no debugger")) }
    /// See `DbgBreakPoint`.
    [Any] fn DbgBreakPointWithStatus(call, status: u32) { verify::stop("V-28", call.text(&format!("breakpoint {status:#x}, no debugger"))) }
    /// There is no debugger.
    [Any] fn KdRefreshDebuggerNotPresent(_call) -> bool { true }
    /// There is no debugger to turn off.
    [Any] fn KdDisableDebugger(_call) -> i32 { 0xC000_0354_u32 as i32 }
    /// See `KdDisableDebugger`.
    [Any] fn KdEnableDebugger(_call) -> i32 { 0xC000_0354_u32 as i32 }
    /// A failed assertion.
    [Any] fn RtlAssert(call, assertion: usize, file: usize, line: u32, message: usize) {
        let text = |a: usize| if a == 0 { String::new() } else { String::from_utf8_lossy(&guest::ansi_z(a, 512)).into_owned() };
        verify::stop("V-28", call.text(&format!("assertion failed: {} at {}:{line} {}", text(assertion), text(file), text(message))))
    }

    /// Formats into a buffer.
    [Any] fn _snprintf(call, buffer: usize, room: usize, format: usize) -> i32 {
        put_narrow(buffer, room, &narrow(format, call.varargs(3) as usize))
    }
    /// Formats into a buffer; the caller has a `va_list`.
    [Any] fn _vsnprintf(_call, buffer: usize, room: usize, format: usize, list: usize) -> i32 { put_narrow(buffer, room, &narrow(format, list)) }
    /// Formats wide characters.
    [Any] fn _snwprintf(call, buffer: usize, room: usize, format: usize) -> i32 {
        put_wide(buffer, room, &wide(format, call.varargs(3) as usize))
    }
    /// Formats wide characters; the caller has a `va_list`.
    [Any] fn _vsnwprintf(_call, buffer: usize, room: usize, format: usize, list: usize) -> i32 { put_wide(buffer, room, &wide(format, list)) }
    /// Formats into a buffer of unknown length.
    [Any] fn sprintf(call, buffer: usize, format: usize) -> i32 {
        put_narrow(buffer, usize::MAX, &narrow(format, call.varargs(2) as usize))
    }
    /// Formats into a buffer of unknown length.
    [Any] fn vsprintf(_call, buffer: usize, format: usize, list: usize) -> i32 { put_narrow(buffer, usize::MAX, &narrow(format, list)) }
    /// Formats wide characters into a buffer of unknown length.
    [Any] fn swprintf(call, buffer: usize, format: usize) -> i32 {
        put_wide(buffer, usize::MAX, &wide(format, call.varargs(2) as usize))
    }
    /// Formats; the result must fit.
    [Any] fn sprintf_s(call, buffer: usize, room: usize, format: usize) -> i32 {
        put_secure(call, buffer, room, &narrow(format, call.varargs(3) as usize), false)
    }
    /// Formats; the result must fit.
    [Any] fn vsprintf_s(call, buffer: usize, room: usize, format: usize, list: usize) -> i32 {
        put_secure(call, buffer, room, &narrow(format, list), false)
    }
    /// Formats wide characters; the result must fit.
    [Any] fn swprintf_s(call, buffer: usize, room: usize, format: usize) -> i32 {
        put_secure(call, buffer, room, &wide(format, call.varargs(3) as usize), true)
    }
    /// Formats wide characters; the result must fit.
    [Any] fn vswprintf_s(call, buffer: usize, room: usize, format: usize, list: usize) -> i32 {
        put_secure(call, buffer, room, &wide(format, list), true)
    }
    /// Formats at most `count` characters; the result is always terminated.
    [Any] fn _snprintf_s(call, buffer: usize, room: usize, count: usize, format: usize) -> i32 {
        truncated(buffer, room, count, &narrow(format, call.varargs(4) as usize))
    }
    /// Formats at most `count` characters; the result is always terminated.
    [Any] fn _vsnprintf_s(_call, buffer: usize, room: usize, count: usize, format: usize, list: usize) -> i32 {
        truncated(buffer, room, count, &narrow(format, list))
    }
}

fn truncated(buffer: usize, room: usize, count: usize, text: &[u16]) -> i32 {
    let most = count.min(room.saturating_sub(1));
    let fits = text.len() <= most;
    put_narrow(buffer, room, &text[..text.len().min(most)]);
    if fits { text.len() as i32 } else { -1 }
}
