// SPDX-License-Identifier: MIT OR Apache-2.0
//! The two macros that declare everything in [`ffi`](super): records with their layout, and constants.
//!
//! Both leave a description behind (`RECORD`, `RECORDS`, `LIST`), which a test compares with the fact tables. Each
//! record's size, alignment and member offsets are asserted at compile time.

/// One declared structure or union, as the compiler laid it out.
#[derive(Debug)]
pub struct Record {
    /// C name; for a nested aggregate the outer name with the member names appended.
    pub name: &'static str,
    /// Size in bytes.
    pub size: usize,
    /// Alignment in bytes.
    pub align: usize,
    /// `true` for an aggregate that C declares inside another one.
    pub part: bool,
    /// Members in order of declaration.
    pub fields: &'static [Field],
}

/// One member of a [`Record`].
#[derive(Debug)]
pub struct Field {
    /// C name; `u…` or `s…` for an anonymous aggregate.
    pub name: &'static str,
    /// Offset in bytes from the start of the record it is in.
    pub offset: usize,
    /// Size in bytes.
    pub size: usize,
    /// What the member is.
    pub kind: FieldKind,
}

/// What a [`Field`] is.
#[derive(Debug)]
pub enum FieldKind {
    /// An ordinary member.
    Plain,
    /// Explicit padding, without a name in C.
    Padding,
    /// An unnamed aggregate: its members count as members of the outer record.
    Anonymous(&'static Record),
    /// A named aggregate declared in place.
    Nested(&'static Record),
    /// Bit-fields: name, first bit within this member, number of bits.
    Bits(&'static [(&'static str, u32, u32)]),
}

macro_rules! record_repr {
    ({$($item:tt)*}) => { #[repr(C)] #[derive(Clone, Copy)] $($item)* };
    (packed $p:literal {$($item:tt)*}) => { #[repr(C, packed($p))] #[derive(Clone, Copy)] $($item)* };
    (align $a:literal {$($item:tt)*}) => { #[repr(C, align($a))] #[derive(Clone, Copy)] $($item)* };
}

macro_rules! field_kind {
    ($t:ty,) => { FieldKind::Plain };
    ($t:ty, padding) => { FieldKind::Padding };
    ($t:ty, anonymous) => { FieldKind::Anonymous(&<$t>::RECORD) };
    ($t:ty, nested) => { FieldKind::Nested(&<$t>::RECORD) };
    ($t:ty, bits { $( $get:ident $set:ident $first:literal $count:literal ),* }) => {
        FieldKind::Bits(&[$( (stringify!($get), $first, $count) ),*])
    };
}

/// What the documentation of a member begins with.
macro_rules! field_words {
    () => {
        ""
    };
    (padding) => {
        "Padding, without a name in C: "
    };
    (anonymous) => {
        "Aggregate without a name in C, whose members are those of the record: "
    };
    (nested) => {
        "Aggregate declared in place: "
    };
    (bits) => {
        "Bit-fields, with a getter and a setter each: "
    };
}

macro_rules! record_part {
    (record) => {
        false
    };
    (part) => {
        true
    };
}

/// Declares `#[repr(C)]` records.
///
/// A member may have documentation of its own; its type and place are added.
/// `member: type = offset` may be followed by `padding`, `anonymous` or `nested` (the type is a part declared in the
/// same invocation), or by `bits { getter setter first count, … }`, which makes accessors.
macro_rules! records {
    ($(
        $(#[$meta:meta])*
        $kind:ident $name:ident $mark:ident
        { size $size:literal, align $align:literal $(, $how:ident $n:literal)? }
        { $( $(#[$about:meta])* $f:ident : $t:ty = $off:literal $($k:ident $({ $( $get:ident $set:ident $first:literal $count:literal ),* })?)? ),* $(,)? }
    )*) => {
        $(
            record_repr! {
                $($how $n)? {
                    $(#[$meta])*
                    pub $kind $name { $(
                        $(#[$about])*
                        #[doc = concat!(
                            field_words!($($k)?), "`", stringify!($t), "`, at byte ", stringify!($off), " of `",
                            stringify!($name), "`."
                        )]
                        pub $f: $t,
                    )* }
                }
            }

            const _: () = {
                assert!(size_of::<$name>() == $size, concat!("size of ", stringify!($name)));
                assert!(align_of::<$name>() == $align, concat!("alignment of ", stringify!($name)));
                $( assert!(
                    core::mem::offset_of!($name, $f) == $off,
                    concat!("offset of ", stringify!($name), ".", stringify!($f))
                ); )*
            };

            impl $name {
                /// The layout as compiled, for comparison with the fact table.
                pub const RECORD: Record = Record {
                    name: stringify!($name),
                    size: size_of::<$name>(),
                    align: align_of::<$name>(),
                    part: record_part!($mark),
                    fields: &[$( Field {
                        name: stringify!($f),
                        offset: core::mem::offset_of!($name, $f),
                        size: size_of::<$t>(),
                        kind: field_kind!($t, $($k $({ $( $get $set $first $count ),* })?)?),
                    } ),*],
                };

                /// The record with every byte zero.
                #[must_use]
                pub const fn zeroed() -> Self {
                    // SAFETY: every member is an integer, a raw pointer, an `Option` of a function pointer, or made
                    // of these; all-zero bytes are a valid value of each.
                    unsafe { core::mem::zeroed() }
                }

                $( $( $( $(
                    #[doc = concat!("Bit-field `", stringify!($get), "`: ", $count, " bit(s).")]
                    #[must_use]
                    pub const fn $get(&self) -> $t {
                        (self.$f >> $first) & (<$t>::MAX >> (<$t>::BITS - $count))
                    }
                    #[doc = concat!("Sets the bit-field `", stringify!($get), "`; higher bits of `value` are dropped.")]
                    pub const fn $set(&mut self, value: $t) {
                        let mask: $t = (<$t>::MAX >> (<$t>::BITS - $count)) << $first;
                        self.$f = (self.$f & !mask) | ((value << $first) & mask);
                    }
                )* )? )? )*
            }

            impl core::fmt::Debug for $name {
                fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                    f.write_str(stringify!($name))
                }
            }

            impl Default for $name {
                fn default() -> Self {
                    Self::zeroed()
                }
            }
        )*

        /// Every record declared in this module.
        pub(super) const RECORDS: &[&Record] = &[$( &$name::RECORD ),*];
    };
}

/// Declares `pub const NAME: type = value;` and lists them. `"text":` says what those after it are; their documentation
/// is that text and the value.
macro_rules! constants {
    ($( $about:literal: $( $name:ident : $t:ty = $value:expr; )* )*) => {
        $( $(
            #[doc = concat!($about, ": `", stringify!($value), "`.")]
            pub const $name: $t = $value;
        )* )*

        /// Every constant declared in this module: name, bit pattern, size in bytes.
        pub(in crate::ffi) const LIST: &[(&str, u64, usize)] = &[$( $(
            (stringify!($name), $name as i64 as u64, size_of::<$t>())
        ),* ),*];
    };
}
