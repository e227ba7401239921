// SPDX-License-Identifier: MIT OR Apache-2.0
//! AddReg: executes add-registry sections on a registry tree kept in memory.
//!
//! Source: the public page "INF AddReg Directive".

use super::{Entry, Inf};
use vmhost_proto::RegistryValue;

const NOCLOBBER: u32 = 0x0000_0002;
const DELVAL: u32 = 0x0000_0004;
const APPEND: u32 = 0x0000_0008;
const KEYONLY: u32 = 0x0000_0010;
const OVERWRITEONLY: u32 = 0x0000_0020;
const KEYONLY_COMMON: u32 = 0x0000_2000;
/// The bits that choose the registry type.
const TYPE_MASK: u32 = 0xFFFF_0001;
const TYPE_SZ: u32 = 0x0000_0000;
const TYPE_MULTI_SZ: u32 = 0x0001_0000;
const TYPE_EXPAND_SZ: u32 = 0x0002_0000;
const TYPE_DWORD: u32 = 0x0001_0001;

/// One value below the relative root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Subkey below the relative root, without outer backslashes; empty for the root itself.
    pub key: String,
    /// Value name; empty for the key's default value.
    pub name: String,
    /// Data.
    pub data: RegistryValue,
}

/// What the AddReg directives of one INF section leave below its relative root (`HKR`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    values: Vec<Value>,
}

impl Tree {
    /// Executes every add-registry section that the AddReg directives of `section` name.
    ///
    /// # Errors
    /// A section that does not exist, or an entry that cannot be read, with its line.
    pub fn add(&mut self, inf: &Inf, section: &str) -> Result<(), String> {
        for name in inf.all(section, "AddReg") {
            if !inf.has(name) {
                return Err(format!(
                    "[{section}] names AddReg section [{name}], which is missing"
                ));
            }
            for entry in inf.section(name) {
                self.apply(entry)
                    .map_err(|why| format!("line {} in [{name}]: {why}", entry.line))?;
            }
        }
        Ok(())
    }

    /// All values, in the order in which they were first written.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// One value; names ignore case as the registry does.
    pub fn get(&self, key: &str, name: &str) -> Option<&RegistryValue> {
        let value = self.values.iter().find(|value| value.is(key, name))?;
        Some(&value.data)
    }

    /// Writes one value.
    pub fn set(&mut self, key: &str, name: &str, data: RegistryValue) {
        match self.values.iter_mut().find(|value| value.is(key, name)) {
            Some(value) => value.data = data,
            None => self.values.push(Value {
                key: key.to_owned(),
                name: name.to_owned(),
                data,
            }),
        }
    }

    fn apply(&mut self, entry: &Entry) -> Result<(), String> {
        // Other roots are machine-wide settings that no miniport reads through NDIS.
        match entry.value(0).to_ascii_uppercase().as_str() {
            "HKR" => {}
            "HKCR" | "HKCU" | "HKLM" | "HKU" => return Ok(()),
            other => return Err(format!("registry root {other:?} is not known")),
        }
        let key = entry.value(1).trim_matches('\\');
        let name = entry.value(2);
        let flags = match entry.value(3) {
            "" => 0,
            text => number(text).ok_or_else(|| format!("flags {text:?} are no number"))?,
        };
        if flags & (KEYONLY | KEYONLY_COMMON) != 0 {
            return Ok(());
        }
        if flags & DELVAL != 0 {
            self.values.retain(|value| !value.is(key, name));
            return Ok(());
        }
        let old = self.get(key, name);
        if (flags & NOCLOBBER != 0 && old.is_some())
            || (flags & OVERWRITEONLY != 0 && old.is_none())
        {
            return Ok(());
        }
        let given = entry.values.get(4..).unwrap_or_default();
        let mut data = data(flags & TYPE_MASK, given)?;
        if flags & APPEND != 0 {
            let (RegistryValue::MultiSz(new), Some(RegistryValue::MultiSz(have))) = (&data, old)
            else {
                self.set(key, name, data);
                return Ok(());
            };
            let mut all = have.clone();
            all.extend(new.iter().filter(|text| !have.contains(text)).cloned());
            data = RegistryValue::MultiSz(all);
        }
        self.set(key, name, data);
        Ok(())
    }
}

impl Value {
    fn is(&self, key: &str, name: &str) -> bool {
        self.key.eq_ignore_ascii_case(key) && self.name.eq_ignore_ascii_case(name)
    }
}

fn data(kind: u32, given: &[String]) -> Result<RegistryValue, String> {
    Ok(match kind {
        TYPE_SZ | TYPE_EXPAND_SZ => RegistryValue::Sz(given.first().cloned().unwrap_or_default()),
        TYPE_MULTI_SZ => RegistryValue::MultiSz(given.to_vec()),
        TYPE_DWORD => RegistryValue::Dword(dword(given)?),
        // Everything else is raw bytes, whatever registry type its high word names.
        _ => RegistryValue::Binary(bytes(given)?),
    })
}

/// A number, or the four bytes of one, lowest first.
fn dword(given: &[String]) -> Result<u32, String> {
    match given {
        [] => Ok(0),
        [text] => number(text).ok_or_else(|| format!("{text:?} is no 32-bit number")),
        _ => {
            let bytes = bytes(given)?;
            let bytes = <[u8; 4]>::try_from(bytes)
                .map_err(|_| "a REG_DWORD in bytes needs four of them".to_owned())?;
            Ok(u32::from_le_bytes(bytes))
        }
    }
}

/// Bytes are hexadecimal, with or without `0x`.
fn bytes(given: &[String]) -> Result<Vec<u8>, String> {
    given
        .iter()
        .map(|text| {
            let digits = text.trim_start_matches("0x").trim_start_matches("0X");
            u8::from_str_radix(digits, 16).map_err(|_| format!("{text:?} is no byte"))
        })
        .collect()
}

/// A number as INF files write them: decimal, `0x…`, negative ones as two's complement.
pub fn number(text: &str) -> Option<u32> {
    let text = text.trim();
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u32::from_str_radix(digits, 16).ok();
    }
    if text.starts_with('-') {
        return text.parse::<i32>().ok().map(i32::cast_unsigned);
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(lines: &str) -> Result<Tree, String> {
        let text = format!("[Version]\n[i]\nAddReg=r\n[r]\n{lines}");
        let inf = Inf::parse(text.as_bytes()).unwrap();
        let mut tree = Tree::default();
        tree.add(&inf, "i")?;
        Ok(tree)
    }

    fn sz(text: &str) -> RegistryValue {
        RegistryValue::Sz(text.to_owned())
    }

    fn multi(texts: &[&str]) -> RegistryValue {
        RegistryValue::MultiSz(texts.iter().map(|&text| text.to_owned()).collect())
    }

    #[test]
    fn every_type() {
        let tree = tree(
            "HKR,K,s,,abc\nHKR,K,e,0x00020000,\"%%a%%\"\nHKR,K,m,0x10000,x,\"y z\"\n\
             HKR,K,d,0x00010001,0x10\nHKR,K,neg,0x10001,-1\nHKR,K,four,0x10001,78,56,34,12\n\
             HKR,K,b,1,1,ff,0A\nHKR,K,q,0xB0001,01,00,00,00,00,00,00,80\nHKR,K,none,0x20001\n\
             HKR,,\"\",,default\nHKLM,Software\\X,y,,z\n",
        )
        .unwrap();
        let get = |name: &str| tree.get("k", name).cloned().unwrap();
        assert_eq!(get("S"), sz("abc"));
        assert_eq!(get("e"), sz("%a%"));
        assert_eq!(get("m"), multi(&["x", "y z"]));
        assert_eq!(get("d"), RegistryValue::Dword(16));
        assert_eq!(get("neg"), RegistryValue::Dword(u32::MAX));
        assert_eq!(get("four"), RegistryValue::Dword(0x1234_5678));
        assert_eq!(get("b"), RegistryValue::Binary(vec![1, 0xFF, 10]));
        assert_eq!(
            get("q"),
            RegistryValue::Binary(vec![1, 0, 0, 0, 0, 0, 0, 0x80])
        );
        assert_eq!(get("none"), RegistryValue::Binary(vec![]));
        assert_eq!(tree.get("", ""), Some(&sz("default")));
        assert_eq!(tree.get("Software\\X", "y"), None);
    }

    #[test]
    fn operations() {
        let tree = tree(
            "HKR,,a,,1\nHKR,,a,2,2\nHKR,,b,0x20,new\nHKR,,a,0x20,3\nHKR,,c,,x\nHKR,,c,4\n\
             HKR,Sub,,0x10\nHKR,,m,0x10000,one\nHKR,,m,0x10008,one,two\nHKR,,n,0x10008,solo\n\
             HKR,,A,,4\n",
        )
        .unwrap();
        assert_eq!(tree.get("", "a"), Some(&sz("4")));
        assert_eq!(tree.get("", "b"), None);
        assert_eq!(tree.get("", "c"), None);
        assert_eq!(tree.get("Sub", ""), None);
        assert_eq!(tree.get("", "m"), Some(&multi(&["one", "two"])));
        assert_eq!(tree.get("", "n"), Some(&multi(&["solo"])));
        assert_eq!(
            tree.values()
                .iter()
                .filter(|v| v.name.eq_ignore_ascii_case("a"))
                .count(),
            1
        );
    }

    #[test]
    fn noclobber_keeps_the_first() {
        let tree = tree("HKR,,a,,1\nHKR,,a,2,2\n").unwrap();
        assert_eq!(tree.get("", "a"), Some(&sz("1")));
    }

    #[test]
    fn errors_name_line_and_section() {
        for (lines, want) in [
            ("XYZ,,a,,1", "XYZ"),
            ("HKR,,a,flags,1", "flags"),
            ("HKR,,a,0x10001,many", "many"),
            ("HKR,,a,1,100", "100"),
            ("HKR,,a,0x10001,1,2", "four"),
        ] {
            let why = tree(lines).unwrap_err();
            assert!(why.contains("line 5 in [r]") && why.contains(want), "{why}");
        }
        let inf = Inf::parse(b"[Version]\n[i]\nAddReg=gone\n").unwrap();
        let why = Tree::default().add(&inf, "i").unwrap_err();
        assert!(why.contains("[gone]"), "{why}");
    }

    #[test]
    fn numbers() {
        assert_eq!(number("0x1F"), Some(31));
        assert_eq!(number(" 7 "), Some(7));
        assert_eq!(number("4294967296"), None);
        assert_eq!(number("x"), None);
    }
}
