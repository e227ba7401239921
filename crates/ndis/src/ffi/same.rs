// SPDX-License-Identifier: MIT OR Apache-2.0
//! [`assert_same_layouts!`](crate::assert_same_layouts): the kernel structures here against another crate's bindings.

/// Asserts at compile time that the kernel structures of `$bindings` (`wdk_sys`) have the layout they have here.
///
/// A driver that uses both crates says `ndis::assert_same_layouts!(wdk_sys);` once. Only names that the real WDK's
/// bindings have are used.
#[macro_export]
macro_rules! assert_same_layouts {
    ($bindings:ident) => {
        const _: () = {
            $crate::assert_same_layouts!(@ $bindings::MDL, MDL, Next, Size, MdlFlags, Process, MappedSystemVa, StartVa, ByteCount, ByteOffset);
            $crate::assert_same_layouts!(@ $bindings::UNICODE_STRING, UNICODE_STRING, Length, MaximumLength, Buffer);
            $crate::assert_same_layouts!(@ $bindings::LARGE_INTEGER, LARGE_INTEGER);
            $crate::assert_same_layouts!(@ $bindings::LIST_ENTRY, LIST_ENTRY, Flink, Blink);
            $crate::assert_same_layouts!(@ $bindings::GUID, GUID);
            $crate::assert_same_layouts!(@ $bindings::GROUP_AFFINITY, GROUP_AFFINITY, Mask, Group);
            $crate::assert_same_layouts!(@ $bindings::PROCESSOR_NUMBER, PROCESSOR_NUMBER, Group, Number);
            $crate::assert_same_layouts!(@ $bindings::DRIVER_OBJECT, DRIVER_OBJECT, DeviceObject, DriverExtension, DriverInit, DriverUnload, MajorFunction);
            $crate::assert_same_layouts!(@ $bindings::DRIVER_EXTENSION, DRIVER_EXTENSION, DriverObject, AddDevice);
            $crate::assert_same_layouts!(@ $bindings::IRP, IRP, MdlAddress, IoStatus, Tail);
            $crate::assert_same_layouts!(@ $bindings::IO_STACK_LOCATION, IO_STACK_LOCATION, MajorFunction, MinorFunction, Parameters, DeviceObject);
            $crate::assert_same_layouts!(@ $bindings::IO_STATUS_BLOCK, IO_STATUS_BLOCK, Information);
            $crate::assert_same_layouts!(@ $bindings::KEVENT, KEVENT);
            $crate::assert_same_layouts!(@ $bindings::KTIMER, KTIMER);
            $crate::assert_same_layouts!(@ $bindings::KDPC, KDPC);
            $crate::assert_same_layouts!(@ $bindings::SLIST_HEADER, SLIST_HEADER);
            $crate::assert_same_layouts!(@ $bindings::CM_RESOURCE_LIST, CM_RESOURCE_LIST, Count, List);
            $crate::assert_same_layouts!(@ $bindings::CM_FULL_RESOURCE_DESCRIPTOR, CM_FULL_RESOURCE_DESCRIPTOR, InterfaceType, BusNumber, PartialResourceList);
            $crate::assert_same_layouts!(@ $bindings::CM_PARTIAL_RESOURCE_LIST, CM_PARTIAL_RESOURCE_LIST, Version, Revision, Count, PartialDescriptors);
            $crate::assert_same_layouts!(@ $bindings::CM_PARTIAL_RESOURCE_DESCRIPTOR, CM_PARTIAL_RESOURCE_DESCRIPTOR, Type, ShareDisposition, Flags, u);
            $crate::assert_same_layouts!(@ $bindings::IO_RESOURCE_REQUIREMENTS_LIST, IO_RESOURCE_REQUIREMENTS_LIST, ListSize, AlternativeLists, List);
            $crate::assert_same_layouts!(@ $bindings::IO_RESOURCE_LIST, IO_RESOURCE_LIST, Version, Revision, Count, Descriptors);
            $crate::assert_same_layouts!(@ $bindings::IO_RESOURCE_DESCRIPTOR, IO_RESOURCE_DESCRIPTOR, Option, Type, ShareDisposition, Flags, u);
            $crate::assert_same_layouts!(@ $bindings::IO_INTERRUPT_MESSAGE_INFO, IO_INTERRUPT_MESSAGE_INFO, UnifiedIrql, MessageCount, MessageInfo);
            $crate::assert_same_layouts!(@ $bindings::IO_INTERRUPT_MESSAGE_INFO_ENTRY, IO_INTERRUPT_MESSAGE_INFO_ENTRY, MessageAddress, TargetProcessorSet, InterruptObject, MessageData, Vector, Irql, Mode, Polarity);
            $crate::assert_same_layouts!(@ $bindings::SCATTER_GATHER_ELEMENT, SCATTER_GATHER_ELEMENT, Address, Length);
        };
    };
    (@ $theirs:path, $ours:ident $(, $field:ident)* $(,)?) => {
        assert!(size_of::<$theirs>() == size_of::<$crate::ffi::$ours>(), stringify!($ours));
        $(assert!(
            ::core::mem::offset_of!($theirs, $field) == ::core::mem::offset_of!($crate::ffi::$ours, $field),
            concat!(stringify!($ours), ".", stringify!($field))
        );)*
    };
}
