// SPDX-License-Identifier: MIT OR Apache-2.0
//! The chip's read-clear counters, added up in 64 bits (82574L §3.6). Register reads only; up to DISPATCH_LEVEL
//! under the caller's lock, because a read takes the count away.

use super::mmio::{ALL_ONES, Mmio};
use super::regs;

macro_rules! counters {
    (single { $($(#[$doc:meta])* $name:ident = $offset:literal;)* }
     pair { $($(#[$pdoc:meta])* $pname:ident = $low:literal;)* }) => {
        /// Sums since the last [`clear`](Statistics::clear).
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        pub struct Statistics {
            $($(#[$doc])* pub $name: u64,)*
            $($(#[$pdoc])* pub $pname: u64,)*
        }

        impl Statistics {
            /// Reads every counter and adds it. Bounded; a device that is gone adds nothing.
            pub fn update(&mut self, m: &impl Mmio) {
                if regs::STATUS.read(m).bits() == ALL_ONES {
                    return;
                }
                $(self.$name = self.$name.wrapping_add(u64::from(take(m, $offset)));)*
                $(
                    // Low first: reading the high word clears both (§3.6).
                    let low = u64::from(take(m, $low));
                    let high = u64::from(take(m, $low + 4));
                    self.$pname = self.$pname.wrapping_add(high << 32 | low);
                )*
            }
        }
    };
}

counters! {
    single {
        /// CRC errors.
        crc_errors = 0x4000;
        /// Alignment errors.
        alignment_errors = 0x4004;
        /// Symbol errors.
        symbol_errors = 0x4008;
        /// Receive errors.
        receive_errors = 0x400C;
        /// Frames missed for want of FIFO space.
        missed_packets = 0x4010;
        /// Sent after one collision.
        single_collisions = 0x4014;
        /// Not sent: excessive collisions.
        excessive_collisions = 0x4018;
        /// Sent after several collisions.
        multiple_collisions = 0x401C;
        /// Late collisions.
        late_collisions = 0x4020;
        /// Deferred.
        deferred = 0x4030;
        /// Sent without carrier sense.
        no_carrier = 0x4034;
        /// Length errors.
        length_errors = 0x4040;
        /// XON received.
        xon_received = 0x4048;
        /// XON sent.
        xon_sent = 0x404C;
        /// XOFF received.
        xoff_received = 0x4050;
        /// XOFF sent.
        xoff_sent = 0x4054;
        /// Good frames received.
        good_received = 0x4074;
        /// Broadcast frames received.
        broadcast_received = 0x4078;
        /// Multicast frames received.
        multicast_received = 0x407C;
        /// Good frames sent.
        good_sent = 0x4080;
        /// No receive buffer in host memory.
        no_buffer = 0x40A0;
        /// Undersized frames.
        undersized = 0x40A4;
        /// Fragments.
        fragments = 0x40A8;
        /// Oversized frames.
        oversized = 0x40AC;
        /// Jabber.
        jabber = 0x40B0;
        /// Frames received in all.
        total_received = 0x40D0;
        /// Frames sent in all.
        total_sent = 0x40D4;
        /// Multicast frames sent.
        multicast_sent = 0x40F0;
        /// Broadcast frames sent.
        broadcast_sent = 0x40F4;
    }
    pair {
        /// Good bytes received.
        good_bytes_received = 0x4088;
        /// Good bytes sent.
        good_bytes_sent = 0x4090;
    }
}

impl Statistics {
    /// Starts anew: reads the chip's counters away and forgets.
    pub fn clear(&mut self, m: &impl Mmio) {
        self.update(m);
        *self = Self::default();
    }

    /// Frames received with an error of any kind.
    pub fn bad_received(&self) -> u64 {
        self.crc_errors
            .wrapping_add(self.alignment_errors)
            .wrapping_add(self.symbol_errors)
            .wrapping_add(self.receive_errors)
            .wrapping_add(self.length_errors)
    }

    /// Frames not sent.
    pub fn bad_sent(&self) -> u64 {
        self.excessive_collisions.wrapping_add(self.late_collisions)
    }
}

fn take(m: &impl Mmio, offset: u32) -> u32 {
    let index = (offset - 0x4000) >> 2;
    regs::STATISTICS
        .get(index as usize)
        .map_or(0, |r| r.read_and_clear(m))
}
