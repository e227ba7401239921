// SPDX-License-Identifier: MIT OR Apache-2.0
//! The chip's counters, added up in 64 bits (82574L §3.6). Reading takes a count away, so one caller at a time:
//! PASSIVE_LEVEL by use. One pass is some 60 register reads, some 100 µs on PCI Express.
//!
//! The counters stop at their largest value rather than run over, so nothing is lost however seldom they are read.

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
            undersized_dropped: u64,
        }

        impl Statistics {
            /// The names of the counters, in the order of [`values`](Self::values).
            pub const NAMES: [&'static str; COUNTERS] = [$(stringify!($name),)* $(stringify!($pname),)*];

            /// Every counter.
            pub fn values(&self) -> [u64; COUNTERS] {
                [$(self.$name,)* $(self.$pname,)*]
            }

            /// What has gathered in the chip since it was last read.
            fn take(m: &impl Mmio) -> Self {
                Self {
                    $($name: u64::from(take(m, $offset)),)*
                    $($pname: {
                        // Low first: reading the high word clears both (§3.6).
                        let low = u64::from(take(m, $low));
                        u64::from(take(m, $low + 4)) << 32 | low
                    },)*
                    undersized_dropped: 0,
                }
            }

            fn add(&mut self, more: &Self) {
                $(self.$name = self.$name.saturating_add(more.$name);)*
                $(self.$pname = self.$pname.saturating_add(more.$pname);)*
            }
        }

        /// How many counters there are.
        pub const COUNTERS: usize = [$(stringify!($name),)* $(stringify!($pname),)*].len();
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
        /// Collisions in all.
        collisions = 0x4028;
        /// Deferred.
        deferred = 0x4030;
        /// Sent without carrier sense.
        no_carrier = 0x4034;
        /// Sequence errors.
        sequence_errors = 0x4038;
        /// Carrier extension errors.
        carrier_extension_errors = 0x403C;
        /// Length errors: undersized and oversized frames, once more.
        length_errors = 0x4040;
        /// XON received.
        xon_received = 0x4048;
        /// XON sent.
        xon_sent = 0x404C;
        /// XOFF received.
        xoff_received = 0x4050;
        /// XOFF sent.
        xoff_sent = 0x4054;
        /// Flow control frames received that are none.
        flow_control_unsupported = 0x4058;
        /// Received, 64 bytes.
        received_64 = 0x405C;
        /// Received, 65 to 127 bytes.
        received_65_127 = 0x4060;
        /// Received, 128 to 255 bytes.
        received_128_255 = 0x4064;
        /// Received, 256 to 511 bytes.
        received_256_511 = 0x4068;
        /// Received, 512 to 1,023 bytes.
        received_512_1023 = 0x406C;
        /// Received, 1,024 bytes and more.
        received_1024 = 0x4070;
        /// Frames received in all. Read before the good ones, of which there are then never too few.
        total_received = 0x40D0;
        /// Good frames received.
        good_received = 0x4074;
        /// Broadcast frames received.
        broadcast_received = 0x4078;
        /// Multicast frames received.
        multicast_received = 0x407C;
        /// Good frames sent.
        good_sent = 0x4080;
        /// No receive buffer in host memory when a frame came; it may still have been delivered later.
        no_buffer = 0x40A0;
        /// Undersized frames with a good CRC.
        undersized = 0x40A4;
        /// Undersized frames with a bad CRC.
        fragments = 0x40A8;
        /// Oversized frames with a good CRC.
        oversized = 0x40AC;
        /// Oversized frames with a bad CRC.
        jabber = 0x40B0;
        /// Management frames received.
        management_received = 0x40B4;
        /// Management frames dropped.
        management_dropped = 0x40B8;
        /// Management frames sent.
        management_sent = 0x40BC;
        /// Frames sent in all.
        total_sent = 0x40D4;
        /// Sent, 64 bytes.
        sent_64 = 0x40D8;
        /// Sent, 65 to 127 bytes.
        sent_65_127 = 0x40DC;
        /// Sent, 128 to 255 bytes.
        sent_128_255 = 0x40E0;
        /// Sent, 256 to 511 bytes.
        sent_256_511 = 0x40E4;
        /// Sent, 512 to 1,023 bytes.
        sent_512_1023 = 0x40E8;
        /// Sent, 1,024 bytes and more.
        sent_1024 = 0x40EC;
        /// Multicast frames sent.
        multicast_sent = 0x40F0;
        /// Broadcast frames sent.
        broadcast_sent = 0x40F4;
        /// Segmentation contexts sent.
        segmentation_contexts = 0x40F8;
        /// Segmentation contexts that failed.
        segmentation_failures = 0x40FC;
        /// Interrupts asserted.
        interrupts = 0x4100;
        /// Receiver overruns that interrupted.
        overrun_interrupts = 0x4124;
    }
    pair {
        /// Good bytes received.
        good_bytes_received = 0x4088;
        /// Good bytes sent.
        good_bytes_sent = 0x4090;
        /// Bytes received in all.
        total_bytes_received = 0x40C0;
        /// Bytes sent in all.
        total_bytes_sent = 0x40C8;
    }
}

impl Statistics {
    /// Reads every counter and adds it. Bounded; a device that is gone, or goes meanwhile, adds nothing.
    pub fn update(&mut self, m: &impl Mmio) {
        let there = || regs::STATUS.read(m).bits() != ALL_ONES;
        if !there() {
            return;
        }
        let new = Self::take(m);
        if there() {
            self.add(&new);
            // The two are not read at one moment: what was found once stays.
            self.undersized_dropped = self.undersized_dropped.max(self.undersized_missing());
        }
    }

    /// Starts anew: reads the chip's counters away and forgets.
    pub fn clear(&mut self, m: &impl Mmio) {
        self.update(m);
        *self = Self::default();
    }

    /// Undersized frames with a good CRC that were dropped. QEMU's model pads them, delivers them and counts them all the
    /// same (§5.2); then they are among the good ones as well, and silicon's are not.
    fn undersized_missing(&self) -> u64 {
        self.undersized
            .min(self.total_received.saturating_sub(self.good_received))
    }

    /// Frames received with an error and not delivered. Each of the counters counts frames, and none counts another's:
    /// symbol errors, which do not, are left out, and so are length errors, which the undersized and oversized ones are
    /// among.
    pub fn bad_received(&self) -> u64 {
        [
            self.crc_errors,
            self.alignment_errors,
            self.receive_errors,
            self.carrier_extension_errors,
            self.undersized_dropped,
            self.fragments,
            self.oversized,
            self.jabber,
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }

    /// Frames not sent.
    pub fn bad_sent(&self) -> u64 {
        self.excessive_collisions
            .saturating_add(self.late_collisions)
    }
}

fn take(m: &impl Mmio, offset: u32) -> u32 {
    let index = (offset - 0x4000) >> 2;
    regs::STATISTICS
        .get(index as usize)
        .map_or(0, |r| r.read_and_clear(m))
}
