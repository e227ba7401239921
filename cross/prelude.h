/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Included before mingw-w64's ntifs.h: what its headers lack and wdk-sys or wdk-alloc name.
 * Values are those of the WDK's wdm.h. Plain C types: ntdef.h, included before ntifs.h says who
 * includes it, defines what ntifs.h defines again. */
#pragma once

typedef unsigned long long POOL_FLAGS;

#define POOL_FLAG_USE_QUOTA               0x0000000000000001ULL
#define POOL_FLAG_UNINITIALIZED           0x0000000000000002ULL
#define POOL_FLAG_SESSION                 0x0000000000000004ULL
#define POOL_FLAG_CACHE_ALIGNED           0x0000000000000008ULL
#define POOL_FLAG_RAISE_ON_FAILURE        0x0000000000000020ULL
#define POOL_FLAG_NON_PAGED               0x0000000000000040ULL
#define POOL_FLAG_NON_PAGED_EXECUTE       0x0000000000000080ULL
#define POOL_FLAG_PAGED                   0x0000000000000100ULL

void *ExAllocatePool2(POOL_FLAGS Flags, unsigned long long NumberOfBytes, unsigned long Tag);
