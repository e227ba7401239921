// SPDX-License-Identifier: MIT OR Apache-2.0
//! `IO_RESOURCE_REQUIREMENTS_LIST` edited in place, as bytes: a header, then alternative lists of different lengths one
//! behind the other. Pure; entries only ever go away, so the list never grows out of its memory.

use crate::ffi::*;
use core::mem::offset_of;
use core::num::NonZeroU64;

/// Bytes before the first alternative list.
const HEADER: usize = offset_of!(IO_RESOURCE_REQUIREMENTS_LIST, List);
/// Bytes of an alternative list before its descriptors.
const LIST_HEADER: usize = offset_of!(IO_RESOURCE_LIST, Descriptors);
/// Offset of an alternative list's count.
const COUNT: usize = offset_of!(IO_RESOURCE_LIST, Count);
/// Bytes of a descriptor.
const DESCRIPTOR: usize = size_of::<IO_RESOURCE_DESCRIPTOR>();
/// Offset of the list's size.
const LIST_SIZE: usize = offset_of!(IO_RESOURCE_REQUIREMENTS_LIST, ListSize);
/// Offset of the number of alternative lists.
const ALTERNATIVES: usize = offset_of!(IO_RESOURCE_REQUIREMENTS_LIST, AlternativeLists);

/// What a descriptor asks for, as far as interrupts go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Message,
    Line,
    Other,
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    let raw = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(raw.try_into().ok()?) as usize)
}

fn put_u32(bytes: &mut [u8], at: usize, value: usize) {
    if let (Some(slot), Ok(value)) = (bytes.get_mut(at..at + 4), u32::try_from(value)) {
        slot.copy_from_slice(&value.to_le_bytes());
    }
}

fn kind(descriptor: &[u8]) -> Kind {
    const TYPE: usize = offset_of!(IO_RESOURCE_DESCRIPTOR, Type);
    const FLAGS: usize = offset_of!(IO_RESOURCE_DESCRIPTOR, Flags);
    let flags = match descriptor.get(FLAGS..FLAGS + 2) {
        Some(&[low, high]) => u16::from_le_bytes([low, high]),
        _ => 0,
    };
    if descriptor.get(TYPE) != Some(&CmResourceTypeInterrupt) {
        Kind::Other
    } else if flags & CM_RESOURCE_INTERRUPT_MESSAGE != 0 {
        Kind::Message
    } else {
        Kind::Line
    }
}

/// The descriptors of the alternative list at `at`; `None` if it does not fit.
fn descriptors(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let count = u32_at(bytes, at.checked_add(COUNT)?)?;
    let first = at.checked_add(LIST_HEADER)?;
    bytes.get(first..first.checked_add(count.checked_mul(DESCRIPTOR)?)?)
}

/// Calls `look` with the descriptors of each alternative; `None` if the list is not well-formed.
fn each(bytes: &[u8], mut look: impl FnMut(&[u8])) -> Option<()> {
    let mut at = HEADER;
    for _ in 0..u32_at(bytes, ALTERNATIVES)? {
        let list = descriptors(bytes, at)?;
        look(list);
        at += LIST_HEADER + list.len();
    }
    Some(())
}

/// Removes alternatives and descriptors: those for which `keep_list` or `keep` is false. The list is well-formed.
fn retain(
    bytes: &mut [u8],
    keep_list: impl Fn(&[u8]) -> bool,
    mut keep: impl FnMut(usize, &mut [u8]) -> bool,
) -> Option<usize> {
    let alternatives = u32_at(bytes, ALTERNATIVES)?;
    let (mut from, mut to, mut lists, mut removed) = (HEADER, HEADER, 0, 0);
    for _ in 0..alternatives {
        let list = descriptors(bytes, from)?;
        let count = list.len() / DESCRIPTOR;
        let kept = keep_list(list);
        let mut next = from + LIST_HEADER;
        if kept {
            bytes.copy_within(from..from + LIST_HEADER, to);
        }
        let mut write = to + LIST_HEADER;
        let (mut number, mut left) = (0, 0);
        for _ in 0..count {
            let descriptor = bytes.get_mut(next..next + DESCRIPTOR)?;
            let message = kind(descriptor) == Kind::Message;
            let stays = kept && keep(number, descriptor);
            number += usize::from(message);
            if stays {
                bytes.copy_within(next..next + DESCRIPTOR, write);
                write += DESCRIPTOR;
                left += 1;
            } else {
                removed += usize::from(message);
            }
            next += DESCRIPTOR;
        }
        if kept {
            put_u32(bytes, to + COUNT, left);
            to = write;
            lists += 1;
        }
        from = next;
    }
    put_u32(bytes, ALTERNATIVES, lists);
    put_u32(bytes, LIST_SIZE, to);
    Some(removed)
}

/// Bytes of the list behind `header`, as its size member says.
pub(crate) fn size(header: &IO_RESOURCE_REQUIREMENTS_LIST) -> usize {
    header.ListSize as usize
}

/// Number of message-interrupt descriptors in the alternative that has most.
pub(crate) fn messages(bytes: &[u8]) -> usize {
    let mut most = 0;
    let whole = each(bytes, |list| {
        let count = list
            .chunks_exact(DESCRIPTOR)
            .filter(|d| kind(d) == Kind::Message)
            .count();
        most = most.max(count);
    });
    if whole.is_some() { most } else { 0 }
}

/// Leaves the line as the only interrupt: message descriptors go, alternatives without a line go, and the line is an
/// alternative to nothing any more. `None` and no change if the list has no line or is not well-formed.
pub(crate) fn force_line(bytes: &mut [u8]) -> Option<usize> {
    const OPTION: usize = offset_of!(IO_RESOURCE_DESCRIPTOR, Option);
    let has_line = |list: &[u8]| list.chunks_exact(DESCRIPTOR).any(|d| kind(d) == Kind::Line);
    let mut lines = false;
    each(bytes, |list| lines |= has_line(list))?;
    if !lines {
        return None;
    }
    retain(bytes, has_line, |_, descriptor| match kind(descriptor) {
        Kind::Message => false,
        Kind::Line => {
            if let Some(option) = descriptor.get_mut(OPTION) {
                *option &= !IO_RESOURCE_ALTERNATIVE;
            }
            true
        }
        Kind::Other => true,
    })
}

/// Removes the message descriptors beyond the first `most` of every alternative. `None` and no change if the list is
/// not well-formed.
pub(crate) fn limit_messages(bytes: &mut [u8], most: usize) -> Option<usize> {
    each(bytes, |_| ())?;
    retain(
        bytes,
        |_| true,
        |number, descriptor| kind(descriptor) != Kind::Message || number < most,
    )
}

/// Has messages go to processors: `wanted`, called with a message's number and how many its alternative has, is the mask
/// for it. A message whose policy was chosen before keeps it. Returns how many were given one. `None` and no
/// change if the list is not well-formed.
pub(crate) fn target_messages(
    bytes: &mut [u8],
    wanted: impl Fn(usize, usize) -> Option<NonZeroU64>,
) -> Option<usize> {
    const INTERRUPT: usize = offset_of!(IO_RESOURCE_DESCRIPTOR, u);
    const POLICY: usize =
        INTERRUPT + offset_of!(IO_RESOURCE_DESCRIPTOR_u_Interrupt, AffinityPolicy);
    const TARGETS: usize =
        INTERRUPT + offset_of!(IO_RESOURCE_DESCRIPTOR_u_Interrupt, TargetedProcessors);
    each(bytes, |_| ())?;
    let (mut at, mut given) = (HEADER, 0);
    for _ in 0..u32_at(bytes, ALTERNATIVES)? {
        let length = descriptors(bytes, at)?.len();
        at += LIST_HEADER;
        let list = bytes.get_mut(at..at + length)?;
        let is_message = |d: &[u8]| kind(d) == Kind::Message;
        let count = list
            .chunks_exact(DESCRIPTOR)
            .filter(|d| is_message(d))
            .count();
        let messages = list
            .chunks_exact_mut(DESCRIPTOR)
            .filter(|d| is_message(d))
            .enumerate();
        for (number, descriptor) in messages {
            // The group that newer headers see in the upper half stays 0.
            if u32_at(descriptor, POLICY)? == IrqPolicyMachineDefault as usize
                && let Some(mask) = wanted(number, count)
            {
                put_u32(descriptor, POLICY, IrqPolicySpecifiedProcessors as usize);
                let targets = descriptor.get_mut(TARGETS..TARGETS + 8)?;
                targets.copy_from_slice(&mask.get().to_le_bytes());
                given += 1;
            }
        }
        at += length;
    }
    Some(given)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    const BAR: (u8, u16) = (CmResourceTypeMemory, 0);
    const LINE: (u8, u16) = (CmResourceTypeInterrupt, 0);
    const MESSAGE: (u8, u16) = (CmResourceTypeInterrupt, CM_RESOURCE_INTERRUPT_MESSAGE);

    fn list(alternatives: &[&[(u8, u16)]]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER];
        for (number, list) in (1u8..).zip(alternatives) {
            bytes.extend([number, 0, 1, 0]);
            bytes.extend((list.len() as u32).to_le_bytes());
            for (at, (kind, flags)) in (1u8..).zip(*list) {
                let mut descriptor = [0; DESCRIPTOR];
                descriptor[0] = IO_RESOURCE_ALTERNATIVE;
                descriptor[1] = *kind;
                descriptor[4..6].copy_from_slice(&flags.to_le_bytes());
                descriptor[31] = number * 16 + at;
                bytes.extend(descriptor);
            }
        }
        let size = bytes.len();
        put_u32(&mut bytes, LIST_SIZE, size);
        put_u32(&mut bytes, ALTERNATIVES, alternatives.len());
        bytes
    }

    /// The marks of the descriptors of each alternative.
    fn marks(bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        let size = u32_at(bytes, LIST_SIZE).unwrap();
        each(&bytes[..size], |l| {
            out.push(l.chunks_exact(DESCRIPTOR).map(|d| d[31]).collect());
        })
        .expect("well-formed");
        out
    }

    #[test]
    fn the_line_is_all_that_is_left() {
        let mut bytes = list(&[
            &[BAR, MESSAGE, MESSAGE, BAR],
            &[BAR, MESSAGE, LINE, BAR],
            &[BAR, BAR, LINE],
        ]);
        let before = bytes.len();
        assert_eq!(messages(&bytes), 2);
        assert_eq!(force_line(&mut bytes), Some(3));
        assert_eq!(
            marks(&bytes),
            [vec![0x21, 0x23, 0x24], vec![0x31, 0x32, 0x33]]
        );
        assert_eq!(bytes.len(), before, "in place");
        assert_eq!(messages(&bytes), 0);
        let line = HEADER + LIST_HEADER + DESCRIPTOR;
        assert_eq!(bytes[line], 0, "no alternative");
        assert_eq!(bytes[HEADER], 2, "the list's own header moved with it");
        assert_eq!(
            bytes[line - DESCRIPTOR],
            IO_RESOURCE_ALTERNATIVE,
            "not ours"
        );
    }

    #[test]
    fn without_a_line_nothing_changes() {
        let mut bytes = list(&[&[BAR, MESSAGE], &[BAR, MESSAGE, MESSAGE]]);
        let before = bytes.clone();
        assert_eq!(force_line(&mut bytes), None);
        assert_eq!(bytes, before);
    }

    #[test]
    fn messages_beyond_the_limit_go() {
        let mut bytes = list(&[
            &[MESSAGE, BAR, MESSAGE, MESSAGE, BAR],
            &[BAR, MESSAGE],
            &[BAR, LINE],
        ]);
        assert_eq!(limit_messages(&mut bytes, 2), Some(1));
        assert_eq!(
            marks(&bytes),
            [
                vec![0x11, 0x12, 0x13, 0x15],
                vec![0x21, 0x22],
                vec![0x31, 0x32]
            ]
        );
        let before = bytes.clone();
        assert_eq!(limit_messages(&mut bytes, 5), Some(0));
        assert_eq!(bytes, before, "nothing beyond: nothing moves");
    }

    #[test]
    fn messages_go_to_processors() {
        let mut bytes = list(&[
            &[MESSAGE, BAR, MESSAGE, MESSAGE],
            &[BAR, MESSAGE],
            &[BAR, LINE],
        ]);
        // Somebody has chosen for the last message of the first alternative.
        let chosen = HEADER + LIST_HEADER + 3 * DESCRIPTOR;
        bytes[chosen + 16] = IrqPolicySpreadMessagesAcrossAllProcessors as u8;
        let before = bytes.clone();
        let wanted = |number: usize, count: usize| {
            let first = number != 1 && count == 3;
            first
                .then_some(NonZeroU64::new(1 << (8 + number)))
                .flatten()
        };
        assert_eq!(target_messages(&mut bytes, wanted), Some(1));
        let mut expected = before;
        let first = HEADER + LIST_HEADER;
        expected[first + 16] = 4;
        expected[first + 24..first + 32].copy_from_slice(&0x100_u64.to_le_bytes());
        assert_eq!(bytes, expected, "one policy, one mask, nothing else");
    }

    #[test]
    fn a_broken_list_is_left_alone() {
        let whole = list(&[&[BAR, MESSAGE, LINE]]);
        for length in 0..whole.len() {
            let mut cut = whole[..length].to_vec();
            let before = cut.clone();
            assert_eq!(limit_messages(&mut cut, 0), None, "{length}");
            assert_eq!(force_line(&mut cut), None, "{length}");
            let all = |_, _| NonZeroU64::new(1);
            assert_eq!(target_messages(&mut cut, all), None, "{length}");
            assert_eq!(messages(&cut), 0);
            assert_eq!(cut, before);
        }
        let mut huge = whole.clone();
        put_u32(&mut huge, HEADER + COUNT, u32::MAX as usize);
        let before = huge.clone();
        assert_eq!(force_line(&mut huge), None);
        assert_eq!(huge, before);
    }
}
