// SPDX-License-Identifier: MIT OR Apache-2.0
//! I/O request packets, as far as `FilterResourceRequirements` needs them.
//!
//! Declarations only; layouts are checked against `facts/layouts.toml`.

#[allow(unused_imports)]
use super::*;

records! {
    /// `IRP` (wdm.h): 208 bytes on x64.
    struct IRP record { size 208, align 16, align 16 } {
        Type: i16 = 0,
        Size: u16 = 2,
        MdlAddress: *mut MDL = 8,
        Flags: u32 = 16,
        AssociatedIrp: IRP_AssociatedIrp = 24 nested,
        ThreadListEntry: LIST_ENTRY = 32,
        IoStatus: IO_STATUS_BLOCK = 48,
        RequestorMode: i8 = 64,
        PendingReturned: BOOLEAN = 65,
        StackCount: i8 = 66,
        CurrentLocation: i8 = 67,
        Cancel: BOOLEAN = 68,
        CancelIrql: KIRQL = 69,
        ApcEnvironment: i8 = 70,
        AllocationFlags: u8 = 71,
        u: IRP_u = 72 anonymous,
        UserEvent: *mut KEVENT = 80,
        Overlay: IRP_Overlay = 88 nested,
        CancelRoutine: Option<UNTYPED_ROUTINE> = 104,
        UserBuffer: *mut c_void = 112,
        Tail: IRP_Tail = 120 nested,
    }

    /// Part of [`IRP`] at byte 120.
    union IRP_Tail part { size 88, align 8 } {
        Overlay: IRP_Tail_Overlay = 0 nested,
        Apc: [u64; 11] = 0,
        CompletionKey: *mut c_void = 0,
    }

    /// Part of [`IRP`] at byte 120.
    struct IRP_Tail_Overlay part { size 80, align 8 } {
        u: IRP_Tail_Overlay_u = 0 anonymous,
        Thread: *mut c_void = 32,
        AuxiliaryBuffer: *mut i8 = 40,
        s: IRP_Tail_Overlay_s = 48 anonymous,
        OriginalFileObject: *mut c_void = 72,
    }

    /// Part of [`IRP`] at byte 168.
    struct IRP_Tail_Overlay_s part { size 24, align 8 } {
        ListEntry: LIST_ENTRY = 0,
        u: IRP_Tail_Overlay_s_u = 16 anonymous,
    }

    /// Part of [`IRP`] at byte 184.
    union IRP_Tail_Overlay_s_u part { size 8, align 8 } {
        CurrentStackLocation: *mut IO_STACK_LOCATION = 0,
        PacketType: u32 = 0,
    }

    /// Part of [`IRP`] at byte 120.
    union IRP_Tail_Overlay_u part { size 32, align 8 } {
        DeviceQueueEntry: [u64; 3] = 0,
        s: IRP_Tail_Overlay_u_s = 0 anonymous,
    }

    /// Part of [`IRP`] at byte 120.
    struct IRP_Tail_Overlay_u_s part { size 32, align 8 } {
        DriverContext: [*mut c_void; 4] = 0,
    }

    /// Part of [`IRP`] at byte 88.
    union IRP_Overlay part { size 16, align 8 } {
        AsynchronousParameters: IRP_Overlay_AsynchronousParameters = 0 nested,
        AllocationSize: LARGE_INTEGER = 0,
    }

    /// Part of [`IRP`] at byte 88.
    struct IRP_Overlay_AsynchronousParameters part { size 16, align 8 } {
        u88: IRP_Overlay_AsynchronousParameters_u88 = 0 anonymous,
        u96: IRP_Overlay_AsynchronousParameters_u96 = 8 anonymous,
    }

    /// Part of [`IRP`] at byte 96.
    union IRP_Overlay_AsynchronousParameters_u96 part { size 8, align 8 } {
        UserApcContext: *mut c_void = 0,
        IoRing: *mut c_void = 0,
    }

    /// Part of [`IRP`] at byte 88.
    union IRP_Overlay_AsynchronousParameters_u88 part { size 8, align 8 } {
        UserApcRoutine: Option<UNTYPED_ROUTINE> = 0,
        IssuingProcess: *mut c_void = 0,
    }

    /// Part of [`IRP`] at byte 72.
    union IRP_u part { size 8, align 8 } {
        UserIosb: *mut IO_STATUS_BLOCK = 0,
        IoRingContext: *mut c_void = 0,
    }

    /// Part of [`IRP`] at byte 24.
    union IRP_AssociatedIrp part { size 8, align 8 } {
        MasterIrp: *mut IRP = 0,
        IrpCount: i32 = 0,
        SystemBuffer: *mut c_void = 0,
    }

    /// `IO_STACK_LOCATION` (wdm.h): 72 bytes on x64.
    struct IO_STACK_LOCATION record { size 72, align 8 } {
        MajorFunction: u8 = 0,
        MinorFunction: u8 = 1,
        Flags: u8 = 2,
        Control: u8 = 3,
        Parameters: IO_STACK_LOCATION_Parameters = 8 nested,
        DeviceObject: *mut DEVICE_OBJECT = 40,
        FileObject: *mut c_void = 48,
        CompletionRoutine: Option<IO_COMPLETION_ROUTINE> = 56,
        Context: *mut c_void = 64,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    union IO_STACK_LOCATION_Parameters part { size 32, align 8 } {
        Create: IO_STACK_LOCATION_Parameters_Create = 0 nested,
        CreatePipe: IO_STACK_LOCATION_Parameters_CreatePipe = 0 nested,
        CreateMailslot: IO_STACK_LOCATION_Parameters_CreateMailslot = 0 nested,
        Read: IO_STACK_LOCATION_Parameters_Read = 0 nested,
        Write: IO_STACK_LOCATION_Parameters_Write = 0 nested,
        QueryDirectory: IO_STACK_LOCATION_Parameters_QueryDirectory = 0 nested,
        NotifyDirectory: IO_STACK_LOCATION_Parameters_NotifyDirectory = 0 nested,
        NotifyDirectoryEx: IO_STACK_LOCATION_Parameters_NotifyDirectoryEx = 0 nested,
        QueryFile: IO_STACK_LOCATION_Parameters_QueryFile = 0 nested,
        SetFile: IO_STACK_LOCATION_Parameters_SetFile = 0 nested,
        QueryEa: IO_STACK_LOCATION_Parameters_QueryEa = 0 nested,
        SetEa: IO_STACK_LOCATION_Parameters_SetEa = 0 nested,
        QueryVolume: IO_STACK_LOCATION_Parameters_QueryVolume = 0 nested,
        SetVolume: IO_STACK_LOCATION_Parameters_SetVolume = 0 nested,
        FileSystemControl: IO_STACK_LOCATION_Parameters_FileSystemControl = 0 nested,
        LockControl: IO_STACK_LOCATION_Parameters_LockControl = 0 nested,
        DeviceIoControl: IO_STACK_LOCATION_Parameters_DeviceIoControl = 0 nested,
        QuerySecurity: IO_STACK_LOCATION_Parameters_QuerySecurity = 0 nested,
        SetSecurity: IO_STACK_LOCATION_Parameters_SetSecurity = 0 nested,
        MountVolume: IO_STACK_LOCATION_Parameters_MountVolume = 0 nested,
        VerifyVolume: IO_STACK_LOCATION_Parameters_VerifyVolume = 0 nested,
        Scsi: IO_STACK_LOCATION_Parameters_Scsi = 0 nested,
        QueryQuota: IO_STACK_LOCATION_Parameters_QueryQuota = 0 nested,
        SetQuota: IO_STACK_LOCATION_Parameters_SetQuota = 0 nested,
        QueryDeviceRelations: IO_STACK_LOCATION_Parameters_QueryDeviceRelations = 0 nested,
        QueryInterface: IO_STACK_LOCATION_Parameters_QueryInterface = 0 nested,
        DeviceCapabilities: IO_STACK_LOCATION_Parameters_DeviceCapabilities = 0 nested,
        FilterResourceRequirements: IO_STACK_LOCATION_Parameters_FilterResourceRequirements = 0 nested,
        ReadWriteConfig: IO_STACK_LOCATION_Parameters_ReadWriteConfig = 0 nested,
        SetLock: IO_STACK_LOCATION_Parameters_SetLock = 0 nested,
        QueryId: IO_STACK_LOCATION_Parameters_QueryId = 0 nested,
        QueryDeviceText: IO_STACK_LOCATION_Parameters_QueryDeviceText = 0 nested,
        UsageNotification: IO_STACK_LOCATION_Parameters_UsageNotification = 0 nested,
        WaitWake: IO_STACK_LOCATION_Parameters_WaitWake = 0 nested,
        PowerSequence: IO_STACK_LOCATION_Parameters_PowerSequence = 0 nested,
        Power: IO_STACK_LOCATION_Parameters_Power = 0 nested,
        StartDevice: IO_STACK_LOCATION_Parameters_StartDevice = 0 nested,
        WMI: IO_STACK_LOCATION_Parameters_WMI = 0 nested,
        Others: IO_STACK_LOCATION_Parameters_Others = 0 nested,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_Others part { size 32, align 8 } {
        Argument1: *mut c_void = 0,
        Argument2: *mut c_void = 8,
        Argument3: *mut c_void = 16,
        Argument4: *mut c_void = 24,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_WMI part { size 32, align 8 } {
        ProviderId: u64 = 0,
        DataPath: *mut c_void = 8,
        BufferSize: u32 = 16,
        Buffer: *mut c_void = 24,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_StartDevice part { size 16, align 8 } {
        AllocatedResources: *mut CM_RESOURCE_LIST = 0,
        AllocatedResourcesTranslated: *mut CM_RESOURCE_LIST = 8,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_Power part { size 32, align 4 } {
        u: IO_STACK_LOCATION_Parameters_Power_u = 0 anonymous,
        _pad_8: [u8; 4] = 4 padding,
        Type: i32 = 8,
        _pad_16: [u8; 4] = 12 padding,
        State: [u32; 1] = 16,
        _pad_24: [u8; 4] = 20 padding,
        ShutdownType: i32 = 24,
        _pad_28: [u8; 4] = 28 padding,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    union IO_STACK_LOCATION_Parameters_Power_u part { size 4, align 4 } {
        SystemContext: u32 = 0,
        SystemPowerStateContext: [u32; 1] = 0,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_PowerSequence part { size 8, align 8 } {
        PowerSequence: *mut c_void = 0,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_WaitWake part { size 4, align 4 } {
        PowerState: SYSTEM_POWER_STATE = 0,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_UsageNotification part { size 16, align 4 } {
        InPath: BOOLEAN = 0,
        Reserved: [BOOLEAN; 3] = 1,
        _pad_8: [u8; 4] = 4 padding,
        Type: i32 = 8,
        _pad_12: [u8; 4] = 12 padding,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_QueryDeviceText part { size 16, align 4 } {
        DeviceTextType: i32 = 0,
        _pad_8: [u8; 4] = 4 padding,
        LocaleId: u32 = 8,
        _pad_12: [u8; 4] = 12 padding,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_QueryId part { size 4, align 4 } {
        IdType: i32 = 0,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_SetLock part { size 1, align 1 } {
        Lock: BOOLEAN = 0,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_ReadWriteConfig part { size 32, align 8 } {
        WhichSpace: u32 = 0,
        Buffer: *mut c_void = 8,
        Offset: u32 = 16,
        _pad_24: [u8; 4] = 20 padding,
        Length: u32 = 24,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_FilterResourceRequirements part { size 8, align 8 } {
        IoResourceRequirementList: *mut IO_RESOURCE_REQUIREMENTS_LIST = 0,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_DeviceCapabilities part { size 8, align 8 } {
        Capabilities: *mut c_void = 0,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_QueryInterface part { size 32, align 8 } {
        InterfaceType: *const GUID = 0,
        Size: u16 = 8,
        Version: u16 = 10,
        Interface: *mut c_void = 16,
        InterfaceSpecificData: *mut c_void = 24,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_QueryDeviceRelations part { size 4, align 4 } {
        Type: i32 = 0,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_SetQuota part { size 4, align 4 } {
        Length: u32 = 0,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_QueryQuota part { size 32, align 8 } {
        Length: u32 = 0,
        StartSid: *mut c_void = 8,
        SidList: *mut c_void = 16,
        SidListLength: u32 = 24,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_Scsi part { size 8, align 8 } {
        Srb: *mut c_void = 0,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_VerifyVolume part { size 16, align 8 } {
        Vpb: *mut c_void = 0,
        DeviceObject: *mut DEVICE_OBJECT = 8,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_MountVolume part { size 16, align 8 } {
        Vpb: *mut c_void = 0,
        DeviceObject: *mut DEVICE_OBJECT = 8,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_SetSecurity part { size 16, align 8 } {
        SecurityInformation: u32 = 0,
        SecurityDescriptor: *mut c_void = 8,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_QuerySecurity part { size 16, align 4 } {
        SecurityInformation: u32 = 0,
        _pad_8: [u8; 4] = 4 padding,
        Length: u32 = 8,
        _pad_12: [u8; 4] = 12 padding,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_DeviceIoControl part { size 32, align 8 } {
        OutputBufferLength: u32 = 0,
        _pad_8: [u8; 4] = 4 padding,
        InputBufferLength: u32 = 8,
        _pad_16: [u8; 4] = 12 padding,
        IoControlCode: u32 = 16,
        Type3InputBuffer: *mut c_void = 24,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_LockControl part { size 24, align 8 } {
        Length: *mut LARGE_INTEGER = 0,
        Key: u32 = 8,
        ByteOffset: LARGE_INTEGER = 16,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_FileSystemControl part { size 32, align 8 } {
        OutputBufferLength: u32 = 0,
        _pad_8: [u8; 4] = 4 padding,
        InputBufferLength: u32 = 8,
        _pad_16: [u8; 4] = 12 padding,
        FsControlCode: u32 = 16,
        Type3InputBuffer: *mut c_void = 24,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_SetVolume part { size 16, align 4 } {
        Length: u32 = 0,
        _pad_8: [u8; 4] = 4 padding,
        FsInformationClass: i32 = 8,
        _pad_12: [u8; 4] = 12 padding,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_QueryVolume part { size 16, align 4 } {
        Length: u32 = 0,
        _pad_8: [u8; 4] = 4 padding,
        FsInformationClass: i32 = 8,
        _pad_12: [u8; 4] = 12 padding,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_SetEa part { size 4, align 4 } {
        Length: u32 = 0,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_QueryEa part { size 32, align 8 } {
        Length: u32 = 0,
        EaList: *mut c_void = 8,
        EaListLength: u32 = 16,
        _pad_24: [u8; 4] = 20 padding,
        EaIndex: u32 = 24,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_SetFile part { size 32, align 8 } {
        Length: u32 = 0,
        _pad_8: [u8; 4] = 4 padding,
        FileInformationClass: i32 = 8,
        FileObject: *mut c_void = 16,
        u: IO_STACK_LOCATION_Parameters_SetFile_u = 24 anonymous,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 32.
    union IO_STACK_LOCATION_Parameters_SetFile_u part { size 8, align 8 } {
        s: IO_STACK_LOCATION_Parameters_SetFile_u_s = 0 anonymous,
        ClusterCount: u32 = 0,
        DeleteHandle: HANDLE = 0,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 32.
    struct IO_STACK_LOCATION_Parameters_SetFile_u_s part { size 2, align 1 } {
        ReplaceIfExists: BOOLEAN = 0,
        AdvanceOnly: BOOLEAN = 1,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_QueryFile part { size 16, align 4 } {
        Length: u32 = 0,
        _pad_8: [u8; 4] = 4 padding,
        FileInformationClass: i32 = 8,
        _pad_12: [u8; 4] = 12 padding,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_NotifyDirectoryEx part { size 24, align 4 } {
        Length: u32 = 0,
        _pad_8: [u8; 4] = 4 padding,
        CompletionFilter: u32 = 8,
        _pad_16: [u8; 4] = 12 padding,
        DirectoryNotifyInformationClass: i32 = 16,
        _pad_20: [u8; 4] = 20 padding,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_NotifyDirectory part { size 16, align 4 } {
        Length: u32 = 0,
        _pad_8: [u8; 4] = 4 padding,
        CompletionFilter: u32 = 8,
        _pad_12: [u8; 4] = 12 padding,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_QueryDirectory part { size 32, align 8 } {
        Length: u32 = 0,
        FileName: *mut UNICODE_STRING = 8,
        FileInformationClass: i32 = 16,
        _pad_24: [u8; 4] = 20 padding,
        FileIndex: u32 = 24,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_Write part { size 24, align 8 } {
        Length: u32 = 0,
        _pad_8: [u8; 4] = 4 padding,
        Key: u32 = 8,
        Flags: u32 = 12,
        ByteOffset: LARGE_INTEGER = 16,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_Read part { size 24, align 8 } {
        Length: u32 = 0,
        _pad_8: [u8; 4] = 4 padding,
        Key: u32 = 8,
        Flags: u32 = 12,
        ByteOffset: LARGE_INTEGER = 16,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_CreateMailslot part { size 32, align 8 } {
        SecurityContext: *mut c_void = 0,
        Options: u32 = 8,
        _pad_16: [u8; 4] = 12 padding,
        Reserved: u16 = 16,
        ShareAccess: u16 = 18,
        Parameters: *mut c_void = 24,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_CreatePipe part { size 32, align 8 } {
        SecurityContext: *mut c_void = 0,
        Options: u32 = 8,
        _pad_16: [u8; 4] = 12 padding,
        Reserved: u16 = 16,
        ShareAccess: u16 = 18,
        Parameters: *mut c_void = 24,
    }

    /// Part of [`IO_STACK_LOCATION`] at byte 8.
    struct IO_STACK_LOCATION_Parameters_Create part { size 32, align 8 } {
        SecurityContext: *mut c_void = 0,
        Options: u32 = 8,
        _pad_16: [u8; 4] = 12 padding,
        FileAttributes: u16 = 16,
        ShareAccess: u16 = 18,
        _pad_24: [u8; 4] = 20 padding,
        EaLength: u32 = 24,
    }
}
