// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which function calls which: a call graph from the machine code.
//!
//! Functions are the symbols of the linker map that lie in executable sections; each reaches to the
//! next one, and all of it is decoded, so that every case of a switch is seen. From a function go
//! - direct calls and jumps out of it;
//! - addresses of functions that it forms (`lea`), and those that stand in read-only data it refers
//!   to, such as a table of handlers or a `dyn` table: whatever is called through them later;
//! - imports, called or loaded from their slots.
//!
//! A call through memory or a register whose target none of this explains is recorded as *unknown*.
//! It is never taken as harmless: the checks refuse it unless the project's data says what it is. A
//! function pointer that is put into writable memory by one function and called by another is only
//! seen that way.

use std::collections::{BTreeMap, BTreeSet};

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind, Register};

use super::{map::Symbols, pe::Image};

/// What one function does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Function {
    /// Its names.
    pub names: Vec<String>,
    /// Functions that it calls or whose address it forms, by address.
    pub calls: BTreeSet<u32>,
    /// Names that it imports.
    pub imports: BTreeSet<String>,
    /// Addresses of calls that are not understood.
    pub unknown: Vec<u32>,
}

/// All functions, by address.
#[derive(Debug, Clone, Default)]
pub struct Code {
    /// Functions by the address they begin at.
    pub functions: BTreeMap<u32, Function>,
}

struct Builder<'a> {
    image: &'a Image,
    starts: BTreeSet<u32>,
    /// Where each piece of read-only data begins.
    data: BTreeSet<u32>,
}

impl Code {
    /// The call graph of an image.
    pub fn new(image: &Image, symbols: Symbols) -> Self {
        let in_code = |rva: u32| {
            image
                .sections
                .iter()
                .any(|section| section.executable() && section.contains(rva))
        };
        let builder = Builder {
            image,
            starts: symbols
                .keys()
                .copied()
                .filter(|rva| in_code(*rva))
                .collect(),
            data: symbols
                .keys()
                .copied()
                .filter(|rva| !in_code(*rva))
                .collect(),
        };
        let mut functions = BTreeMap::new();
        for (rva, names) in symbols {
            if in_code(rva) {
                let mut function = builder.function(rva);
                function.names = names;
                functions.insert(rva, function);
            }
        }
        Self { functions }
    }
}

impl Builder<'_> {
    /// Decodes the function that begins at `start`.
    fn function(&self, start: u32) -> Function {
        let mut function = Function::default();
        let Some(section) = self
            .image
            .sections
            .iter()
            .find(|section| section.contains(start))
        else {
            return function;
        };
        let section_end = section.rva + section.bytes.len() as u32;
        let end = self
            .starts
            .range(start + 1..)
            .next()
            .map_or(section_end, |next| (*next).min(section_end));
        let code = &section.bytes[(start - section.rva) as usize..(end - section.rva) as usize];
        let body: Vec<Instruction> =
            Decoder::with_ip(64, code, u64::from(start), DecoderOptions::NONE)
                .into_iter()
                .collect();
        // What comes after a call that never returns, or after a jump, is padding.
        let last = body
            .iter()
            .rfind(|instruction| instruction.mnemonic() != Mnemonic::Nop);
        if last.is_some_and(|last| {
            matches!(
                last.flow_control(),
                FlowControl::Next | FlowControl::ConditionalBranch | FlowControl::Call
            )
        }) {
            // It runs on into the next function.
            self.reaches(end, &mut function);
        }
        for instruction in &body {
            if instruction.is_invalid() {
                function.unknown.push(instruction.ip() as u32);
                break;
            }
            if instruction.is_ip_rel_memory_operand() {
                self.memory(instruction, &mut function);
            }
            match instruction.flow_control() {
                FlowControl::Call
                | FlowControl::UnconditionalBranch
                | FlowControl::ConditionalBranch
                    if instruction.op0_kind() == OpKind::NearBranch64 =>
                {
                    let target = instruction.near_branch64() as u32;
                    if !(start..end).contains(&target) || target == start {
                        self.reaches(target, &mut function);
                    }
                }
                FlowControl::IndirectCall | FlowControl::IndirectBranch
                    if !self.explained(instruction, &body) =>
                {
                    function.unknown.push(instruction.ip() as u32);
                }
                _ => {}
            }
        }
        function
    }

    /// Notes that the function around `target` can be reached.
    fn reaches(&self, target: u32, function: &mut Function) {
        if let Some(start) = self.starts.range(..=target).next_back() {
            function.calls.insert(*start);
        }
    }

    /// Notes what an address that an instruction names leads to: a function, an import, or the
    /// functions that read-only data there points at.
    fn memory(&self, instruction: &Instruction, function: &mut Function) {
        let rva = instruction.ip_rel_memory_address() as u32;
        if let Some((_, name)) = self.image.imports.get(&rva) {
            function.imports.insert(name.clone());
            return;
        }
        let Some(section) = self
            .image
            .sections
            .iter()
            .find(|section| section.contains(rva))
        else {
            return;
        };
        if section.executable() {
            self.reaches(rva, function);
            return;
        }
        let start = self
            .data
            .range(..=rva)
            .next_back()
            .copied()
            .unwrap_or(section.rva)
            .max(section.rva);
        let section_end = section.rva + section.bytes.len() as u32;
        let end = self
            .data
            .range(rva + 1..)
            .next()
            .map_or(section_end, |next| (*next).min(section_end));
        for target in self
            .image
            .relocations
            .range(start..end)
            .map(|(_, target)| *target)
        {
            let executable =
                |section: &&super::pe::Section| section.executable() && section.contains(target);
            if self
                .image
                .sections
                .iter()
                .any(|section| executable(&section))
            {
                self.reaches(target, function);
            }
        }
    }

    /// True when what an indirect call or jump leads to is already noted.
    fn explained(&self, instruction: &Instruction, body: &[Instruction]) -> bool {
        if instruction.op0_kind() != OpKind::Register {
            // Through an import's slot, or through a pointer that stands in read-only data: noted as
            // data. Anything else in memory may have been written at run time.
            let rva = instruction.ip_rel_memory_address() as u32;
            return instruction.is_ip_rel_memory_operand()
                && (self.image.imports.contains_key(&rva)
                    || self
                        .image
                        .sections
                        .iter()
                        .any(|section| section.contains(rva) && !section.writable()));
        }
        let register = instruction.op0_register().full_register();
        let writes = body.iter().filter(|other| writes(other, register));
        if instruction.flow_control() == FlowControl::IndirectBranch
            && switch(instruction, body, register)
        {
            return true;
        }
        let mut any = false;
        // Every value that this register is given in this function must be one that is understood.
        for write in writes {
            any = true;
            let understood = match write.mnemonic() {
                Mnemonic::Mov => {
                    write.is_ip_rel_memory_operand()
                        && self
                            .image
                            .imports
                            .contains_key(&(write.ip_rel_memory_address() as u32))
                }
                Mnemonic::Lea => {
                    write.is_ip_rel_memory_operand()
                        && self
                            .starts
                            .contains(&(write.ip_rel_memory_address() as u32))
                }
                // The caller's value comes back at the end of the function.
                Mnemonic::Pop => true,
                _ => false,
            };
            if !understood {
                return false;
            }
        }
        any
    }
}

/// True when the instruction gives the register a value.
fn writes(instruction: &Instruction, register: Register) -> bool {
    let reads_only = matches!(
        instruction.mnemonic(),
        Mnemonic::Cmp
            | Mnemonic::Test
            | Mnemonic::Push
            | Mnemonic::Call
            | Mnemonic::Jmp
            | Mnemonic::Bt
    );
    let first = instruction.op0_kind() == OpKind::Register
        && instruction.op0_register().full_register() == register;
    let exchanged = matches!(instruction.mnemonic(), Mnemonic::Xchg | Mnemonic::Xadd)
        && instruction.op1_kind() == OpKind::Register
        && instruction.op1_register().full_register() == register;
    (first && !reads_only) || exchanged
}

/// True for a jump through a table of offsets, as compilers make of a `match`: the offset is loaded
/// with sign extension and added to the table's address. It stays inside its function, all of which
/// is decoded.
fn switch(jump: &Instruction, body: &[Instruction], register: Register) -> bool {
    let Some(at) = body
        .iter()
        .position(|instruction| instruction.ip() == jump.ip())
    else {
        return false;
    };
    let mut added = false;
    for instruction in body[at.saturating_sub(12)..at].iter().rev() {
        let first = instruction.op0_kind() == OpKind::Register;
        match instruction.mnemonic() {
            Mnemonic::Add if first && instruction.op0_register().full_register() == register => {
                added = true
            }
            Mnemonic::Movsxd if added => return true,
            _ if instruction.flow_control() != FlowControl::Next => return false,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::gate::{pe::Section, sample};

    /// An image with this code at 0x1000; `KeBugCheckEx` is imported through 0x2080.
    pub fn code(bytes: &[u8], symbols: &[(u32, &str)]) -> Code {
        let mut image = Image::parse(&sample::image()).expect("the sample is a PE image");
        let mut text = bytes.to_vec();
        text.resize(0x200, 0xCC);
        image.sections[0].bytes = text;
        let data = Section {
            name: ".data".to_owned(),
            rva: 0x5000,
            bytes: vec![0; 0x100],
            flags: 0xC000_0040,
        };
        image.sections.push(data);
        let symbols = symbols
            .iter()
            .map(|(rva, name)| (*rva, vec![(*name).to_owned()]))
            .collect();
        Code::new(&image, symbols)
    }

    fn calls(code: &Code, rva: u32) -> Vec<u32> {
        code.functions[&rva].calls.iter().copied().collect()
    }

    #[test]
    fn direct_calls_and_tail_calls_are_edges() {
        // a: call b; jmp c. b: ret. c: ret.
        let mut bytes = vec![0xE8, 0x0B, 0, 0, 0, 0xE9, 0x16, 0, 0, 0];
        bytes.resize(0x10, 0xCC);
        bytes.push(0xC3);
        bytes.resize(0x20, 0xCC);
        bytes.push(0xC3);
        let code = code(&bytes, &[(0x1000, "a"), (0x1010, "b"), (0x1020, "c")]);
        assert_eq!(calls(&code, 0x1000), [0x1010, 0x1020]);
        assert!(code.functions[&0x1000].unknown.is_empty());
    }

    #[test]
    fn an_import_is_seen_called_and_loaded() {
        // call [rip+0x107a] (0x2080)
        let called = code(&[0xFF, 0x15, 0x7A, 0x10, 0, 0, 0xC3], &[(0x1000, "a")]);
        assert_eq!(
            called.functions[&0x1000].imports,
            BTreeSet::from(["KeBugCheckEx".to_owned()])
        );
        assert!(called.functions[&0x1000].unknown.is_empty());
        // mov rsi, [rip+0x1079]; call rsi
        let loaded = code(
            &[0x48, 0x8B, 0x35, 0x79, 0x10, 0, 0, 0xFF, 0xD6, 0xC3],
            &[(0x1000, "a")],
        );
        assert_eq!(
            loaded.functions[&0x1000].imports,
            BTreeSet::from(["KeBugCheckEx".to_owned()])
        );
        assert!(loaded.functions[&0x1000].unknown.is_empty());
    }

    #[test]
    fn a_call_through_a_parameter_is_unknown() {
        // call rcx; then: call [rcx+8]
        let code = code(&[0xFF, 0xD1, 0xFF, 0x51, 0x08, 0xC3], &[(0x1000, "a")]);
        assert_eq!(code.functions[&0x1000].unknown, [0x1000, 0x1002]);
    }

    #[test]
    fn a_call_through_writable_memory_is_unknown() {
        // call [rip+0x3ffa] (0x5000, .data)
        let code = code(&[0xFF, 0x15, 0xFA, 0x3F, 0, 0, 0xC3], &[(0x1000, "a")]);
        assert_eq!(code.functions[&0x1000].unknown, [0x1000]);
    }

    #[test]
    fn a_register_with_a_second_value_is_unknown() {
        // mov rsi, [rip+0x1079]; mov rsi, rcx; call rsi
        let bytes = [
            0x48, 0x8B, 0x35, 0x79, 0x10, 0, 0, 0x48, 0x89, 0xCE, 0xFF, 0xD6, 0xC3,
        ];
        let code = code(&bytes, &[(0x1000, "a")]);
        assert_eq!(code.functions[&0x1000].unknown, [0x100A]);
    }

    #[test]
    fn an_address_that_is_formed_is_an_edge() {
        // lea rax, [rip+9] (0x1010); ret
        let mut bytes = vec![0x48, 0x8D, 0x05, 0x09, 0, 0, 0, 0xC3];
        bytes.resize(0x10, 0xCC);
        bytes.push(0xC3);
        let code = code(&bytes, &[(0x1000, "a"), (0x1010, "b")]);
        assert_eq!(calls(&code, 0x1000), [0x1010]);
    }

    #[test]
    fn a_table_in_read_only_data_is_followed() {
        // lea rax, [rip+0x10e9] (0x2100, which points at 0x1000); ret
        let mut bytes = vec![0xC3];
        bytes.resize(0x10, 0xCC);
        bytes.extend([0x48, 0x8D, 0x05, 0xE9, 0x10, 0, 0, 0xC3]);
        let code = code(&bytes, &[(0x1000, "a"), (0x1010, "b"), (0x2100, "table")]);
        assert_eq!(calls(&code, 0x1010), [0x1000]);
    }

    #[test]
    fn a_function_may_run_on_into_the_next() {
        // nop; test eax, eax - and then b.
        let code = code(&[0x90, 0x85, 0xC0, 0xC3], &[(0x1000, "a"), (0x1003, "b")]);
        assert_eq!(calls(&code, 0x1000), [0x1003]);
    }

    #[test]
    fn bytes_that_are_no_instruction_are_unknown() {
        let code = code(&[0x06, 0xC3], &[(0x1000, "a")]);
        assert_eq!(code.functions[&0x1000].unknown, [0x1000]);
    }

    #[test]
    fn a_switch_is_understood() {
        // movsxd rax, [rdx+rax*4]; add rax, rdx; jmp rax
        let with_table = code(
            &[0x48, 0x63, 0x04, 0x82, 0x48, 0x01, 0xD0, 0xFF, 0xE0],
            &[(0x1000, "a")],
        );
        assert!(with_table.functions[&0x1000].unknown.is_empty());
        // The same jump without the table.
        let without = code(&[0x48, 0x01, 0xD0, 0xFF, 0xE0], &[(0x1000, "a")]);
        assert_eq!(without.functions[&0x1000].unknown, [0x1003]);
    }
}
