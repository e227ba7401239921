// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a net buffer asks for besides being sent: checksums, segmentation, a tag. At most DISPATCH_LEVEL, no lock held.
//!
//! The out-of-band information and the frame are both checked here; what does not fit together is completed with an
//! error and never sent (D-10).

use super::frame::{ADDRESS_LEN, HEADER_LEN, MIN_FRAME, TAG_LEN, is_of_no_vlan};
use super::headers::{Bytes, Headers, Transport, is_tag, parse};
use super::offload::{MAX_LARGE_SEND, Offloads};
use ndis::ffi::{
    Ieee8021QNetBufferListInfo, TcpIpChecksumNetBufferListInfo, TcpLargeSendNetBufferListInfo,
};
use ndis::irql::{Dispatch, Irql};
use ndis::nbl::TxNetBuffer;
use ndis::status::{Result, Status};

/// Longest headers that are worked on apart from the frame.
pub const MAX_HEADER: usize = 1600;
/// Bytes that nearly every frame has its headers in.
const USUAL: usize = 128;

/// The work on one net buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Tag control information that is to be inserted.
    pub tag: Option<u16>,
    /// The frame has a tag already: the driver inserts the second one.
    pub tagged: bool,
    /// Everything else.
    pub work: Work,
}

/// The kinds of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// As it is.
    Plain,
    /// Fill in checksums.
    Checksum {
        /// Where the headers are.
        headers: Headers,
        /// The one of the IPv4 header.
        ip: bool,
        /// The one of TCP or UDP.
        transport: bool,
    },
    /// Cut into segments.
    Large {
        /// Where the headers are.
        headers: Headers,
        /// Payload bytes per segment.
        mss: u32,
    },
}

impl Plan {
    /// A frame that is sent as it is.
    pub const PLAIN: Self = Self {
        tag: None,
        tagged: false,
        work: Work::Plain,
    };

    /// The tag that the chip inserts.
    #[inline]
    pub fn chip_tag(&self) -> Option<u16> {
        self.tag.filter(|_| !self.tagged)
    }

    /// The tag that the driver inserts, before the frame's own.
    #[inline]
    pub fn own_tag(&self) -> Option<u16> {
        self.tag.filter(|_| self.tagged)
    }

    /// Bytes on the wire of a frame that has `length` bytes in memory: what statistics count. A frame is filled up before
    /// the chip inserts a tag, and after the driver did.
    #[inline]
    pub fn on_the_wire(&self, length: u32) -> u32 {
        match (self.tag, self.tagged) {
            (None, _) => length.max(MIN_FRAME),
            (Some(_), false) => length.max(MIN_FRAME).saturating_add(TAG_LEN),
            (Some(_), true) => length.saturating_add(TAG_LEN).max(MIN_FRAME),
        }
    }
}

/// NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO, Transmit.
const IS_IPV4: usize = 1 << 0;
const IS_IPV6: usize = 1 << 1;
const TCP_CHECKSUM: usize = 1 << 2;
const UDP_CHECKSUM: usize = 1 << 3;
const IP_CHECKSUM: usize = 1 << 4;
const ANY_CHECKSUM: usize = TCP_CHECKSUM | UDP_CHECKSUM | IP_CHECKSUM;
/// NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO.
const MSS: usize = 0xF_FFFF;
const LARGE_V2: usize = 1 << 30;
const LARGE_IPV6: usize = 1 << 31;

/// The limits that a net buffer has to keep before NDIS maps it (D-10, DM-11).
///
/// # Errors
/// INVALID_LENGTH.
#[inline]
pub fn check_length(nb: &TxNetBuffer, max_frame: u32) -> Result<()> {
    let most = if nb.info(TcpLargeSendNetBufferListInfo) == 0 {
        max_frame
    } else {
        max_mapping(max_frame)
    };
    if (HEADER_LEN..=most).contains(&nb.data_length()) {
        Ok(())
    } else {
        Err(Status::INVALID_LENGTH)
    }
}

/// Bytes of the largest net buffer that is mapped.
pub const fn max_mapping(max_frame: u32) -> u32 {
    let large = MAX_LARGE_SEND + MAX_HEADER as u32;
    if max_frame > large { max_frame } else { large }
}

/// What the completion of a large send tells the protocol in `TcpLargeSendNetBufferListInfo`: for version 2 its type,
/// for version 1 the payload that was sent.
pub fn large_send_done(info: usize, payload: u32) -> usize {
    if info & LARGE_V2 != 0 {
        LARGE_V2
    } else {
        payload as usize & (LARGE_V2 - 1)
    }
}

/// Whether there is no request at all: the plan is [`Plan::PLAIN`] then, whatever is offered and whatever the frame is.
#[inline]
pub fn asks_for_nothing(nb: &TxNetBuffer) -> bool {
    let requests = nb.info(TcpLargeSendNetBufferListInfo)
        | nb.info(TcpIpChecksumNetBufferListInfo)
        | nb.info(Ieee8021QNetBufferListInfo);
    requests == 0
}

/// The plan for a net buffer whose length was checked; `kind` is its EtherType.
///
/// # Errors
/// INVALID_LENGTH, INVALID_PARAMETER or FAILURE for what cannot be sent as it was asked for.
#[inline]
pub fn plan(
    nb: &TxNetBuffer,
    kind: u16,
    offloads: Offloads,
    max_frame: u32,
    irql: &Irql<Dispatch>,
) -> Result<Plan> {
    let large = nb.info(TcpLargeSendNetBufferListInfo);
    let sums = nb.info(TcpIpChecksumNetBufferListInfo) & (ANY_CHECKSUM | IS_IPV4 | IS_IPV6);
    let tag = nb.info(Ieee8021QNetBufferListInfo);
    let tag = if offloads.vlan_id() == 0 {
        offloads.sent_tag(tag)
    } else {
        tag_of_vlan(nb, tag, kind, offloads, irql)?
    };
    let work = if large != 0 {
        let headers = find(nb, irql).ok_or(Status::FAILURE)?;
        plan_large(large, headers, offloads, nb.data_length(), max_frame)?
    } else if sums & ANY_CHECKSUM != 0 {
        let headers = find(nb, irql).ok_or(Status::FAILURE)?;
        plan_checksum(sums, headers, nb.data_length())?
    } else {
        Work::Plain
    };
    Ok(Plan {
        tag,
        tagged: is_tag(kind),
        work,
    })
}

/// The tag where the adapter has a VLAN of its own. A tag of priority alone that is in the frame stays there, behind
/// the adapter's.
#[cold]
#[inline(never)]
fn tag_of_vlan(
    nb: &TxNetBuffer,
    info: usize,
    kind: u16,
    offloads: Offloads,
    irql: &Irql<Dispatch>,
) -> Result<Option<u16>> {
    let frame = Frame(nb, irql);
    let mut destination = [0; ADDRESS_LEN];
    if frame.read(0, &mut destination) && is_of_no_vlan(&destination, kind) {
        return Ok(None);
    }
    let inside = is_tag(kind).then(|| frame.be16(HEADER_LEN)).flatten();
    offloads.sent_tag_of_vlan(info, inside)
}

/// A net buffer as bytes.
struct Frame<'a>(&'a TxNetBuffer, &'a Irql<Dispatch>);

impl Bytes for Frame<'_> {
    fn read(&self, at: u32, to: &mut [u8]) -> bool {
        self.0.copy_from(at, to, self.1) == Ok(to.len())
    }
}

/// The headers of a net buffer.
fn find(nb: &TxNetBuffer, irql: &Irql<Dispatch>) -> Option<Headers> {
    let mut first = [0; USUAL];
    let length = nb.copy_to(&mut first, irql).ok()?;
    let usual = parse(first.get(..length)?);
    if usual.is_some() || length < USUAL {
        return usual;
    }
    parse(&Frame(nb, irql))
}

fn plan_checksum(sums: usize, headers: Headers, length: u32) -> Result<Work> {
    let transport = match headers.transport {
        Transport::Tcp => TCP_CHECKSUM,
        Transport::Udp => UDP_CHECKSUM,
        Transport::Other => 0,
    };
    let wanted = sums & (TCP_CHECKSUM | UDP_CHECKSUM);
    // The request is about another frame: sent so, the frame would be wrong.
    if wanted & !transport != 0 || sums & IP_CHECKSUM != 0 && !headers.ipv4 {
        return Err(Status::FAILURE);
    }
    // A packet that says it is longer than the frame, or shorter than its own headers.
    if usize::from(headers.payload) > MAX_HEADER
        || !(u32::from(headers.payload)..=length).contains(&headers.end)
    {
        return Err(Status::INVALID_LENGTH);
    }
    Ok(Work::Checksum {
        headers,
        ip: sums & IP_CHECKSUM != 0,
        transport: wanted != 0,
    })
}

fn plan_large(
    info: usize,
    headers: Headers,
    offloads: Offloads,
    length: u32,
    max_frame: u32,
) -> Result<Work> {
    // Large sends that come after the offload was switched off are dropped, as the documentation asks for.
    let on = if headers.ipv4 {
        Offloads::LSO4
    } else {
        Offloads::LSO6
    };
    let v2 = info & LARGE_V2 != 0;
    let other_version = v2 && (info & LARGE_IPV6 != 0) == headers.ipv4;
    if !offloads.reported().contains(on)
        || headers.transport != Transport::Tcp
        || other_version
        || (!v2 && !headers.ipv4)
    {
        return Err(Status::FAILURE);
    }
    let mss = (info & MSS) as u32;
    if mss == 0 {
        return Err(Status::INVALID_PARAMETER);
    }
    let header = u32::from(headers.payload);
    let payload = length.saturating_sub(header);
    if header as usize > MAX_HEADER
        || payload > MAX_LARGE_SEND
        || header + payload.min(mss) > max_frame
    {
        return Err(Status::INVALID_LENGTH);
    }
    Ok(Work::Large { headers, mss })
}

#[cfg(test)]
mod tests {
    use super::super::headers::tests::{Recipe, cook};
    use super::*;
    use std::vec;

    fn headers(ipv4: bool, tcp: bool) -> Headers {
        let (_, headers) = cook(&Recipe {
            tags: 0,
            ipv4,
            options: 0,
            extensions: vec![],
            tcp,
            tcp_options: 0,
            payload: vec![],
        });
        headers
    }

    #[test]
    fn checksums_must_fit_the_frame() {
        let tcp = headers(true, true);
        let all = plan_checksum(IS_IPV4 | TCP_CHECKSUM | IP_CHECKSUM, tcp, 54);
        let (ip, transport) = (true, true);
        let headers4 = tcp;
        assert_eq!(
            all,
            Ok(Work::Checksum {
                headers: headers4,
                ip,
                transport
            })
        );
        assert_eq!(plan_checksum(UDP_CHECKSUM, tcp, 54), Err(Status::FAILURE));
        let v6 = headers(false, true);
        assert_eq!(plan_checksum(IP_CHECKSUM, v6, 74), Err(Status::FAILURE));
        let short = plan_checksum(TCP_CHECKSUM, tcp, 53);
        assert_eq!(short, Err(Status::INVALID_LENGTH), "it says 54");
        assert!(plan_checksum(TCP_CHECKSUM, tcp, 60).is_ok(), "a trailer");
        let fragment = Headers {
            transport: Transport::Other,
            ..tcp
        };
        assert_eq!(
            plan_checksum(TCP_CHECKSUM, fragment, 54),
            Err(Status::FAILURE)
        );
        assert!(plan_checksum(IP_CHECKSUM, fragment, 54).is_ok());
    }

    #[test]
    fn large_sends_must_fit_too() {
        let on = Offloads::LSO4 | Offloads::LSO6;
        let (v4, v6) = (headers(true, true), headers(false, true));
        let large = |info: usize, h, length| plan_large(info, h, on, length, 1514);
        let v2 = LARGE_V2 | 1460;
        assert_eq!(
            large(v2, v4, 9000),
            Ok(Work::Large {
                headers: v4,
                mss: 1460
            })
        );
        assert!(
            large(v2 | LARGE_IPV6, v6, 9000).is_err(),
            "1440 fit over IPv6"
        );
        assert!(large(LARGE_V2 | LARGE_IPV6 | 1440, v6, 9000).is_ok());
        assert_eq!(
            large(LARGE_V2, v4, 9000),
            Err(Status::INVALID_PARAMETER),
            "MSS 0"
        );
        assert_eq!(large(v2 + 1, v4, 9000), Err(Status::INVALID_LENGTH));
        // An MSS beyond the payload makes one segment.
        assert!(large(LARGE_V2 | 0xF_FFFF, v4, 1514).is_ok());
        assert!(large(LARGE_V2 | 0xF_FFFF, v4, 1515).is_err());
        assert_eq!(large(v2 | LARGE_IPV6, v4, 9000), Err(Status::FAILURE));
        assert_eq!(large(v2, headers(true, false), 9000), Err(Status::FAILURE));
        assert!(large(v2, v4, MAX_LARGE_SEND + 54).is_ok());
        assert!(large(v2, v4, MAX_LARGE_SEND + 55).is_err());
        let off = plan_large(v2, v4, Offloads::LSO6, 9000, 1514);
        assert_eq!(off, Err(Status::FAILURE), "switched off");
        // Version 1 is not offered, but has the same meaning.
        assert!(large(1460, v4, 9000).is_ok());
        assert_eq!(large_send_done(1460, 8946), 8946);
        assert_eq!(large_send_done(v2, 8946), LARGE_V2);
    }

    #[test]
    fn padding_and_tags_are_bytes_on_the_wire() {
        let (tag, tagged) = (Some(0x2001), true);
        let plain = Plan::PLAIN;
        let by_chip = Plan { tag, ..plain };
        let by_driver = Plan { tagged, ..by_chip };
        let has_one = Plan { tagged, ..plain };
        for (length, [bare, chip, driver]) in [
            (14, [60, 64, 60]),
            (57, [60, 64, 61]),
            (60, [60, 64, 64]),
            (1514, [1514, 1518, 1518]),
        ] {
            assert_eq!(plain.on_the_wire(length), bare);
            assert_eq!(has_one.on_the_wire(length), bare);
            assert_eq!(by_chip.on_the_wire(length), chip);
            assert_eq!(by_driver.on_the_wire(length), driver);
        }
    }

    #[test]
    fn the_largest_mapping_is_that_of_a_large_send() {
        assert!(max_mapping(1514) > MAX_LARGE_SEND + 1000);
        assert_eq!(max_mapping(100_000), 100_000);
    }
}
