// SPDX-License-Identifier: MIT OR Apache-2.0
//! A DHCP lease, and the address and route that it brings. PASSIVE only.

use super::{Lease, Stack};
use crate::machine::time;
use smoltcp::{
    socket::dhcpv4,
    time::Duration,
    wire::{IpCidr, Ipv4Cidr},
};

/// First retry; the server is one hop away.
const RETRY: Duration = Duration::from_millis(1000);

impl Stack {
    /// Gets a lease and configures the interface with it; `Err` says what was missing after
    /// `limit_ns`.
    pub fn acquire_lease(&mut self, limit_ns: u64) -> Result<Lease, &'static str> {
        let mut socket = dhcpv4::Socket::new();
        let mut retry = dhcpv4::RetryConfig::default();
        retry.discover_timeout = RETRY;
        retry.initial_request_timeout = RETRY;
        socket.set_retry_config(retry);
        let handle = self.sockets.add(socket);
        let leased = self.run(time::now_ns() + limit_ns, |stack| {
            match stack.sockets.get_mut::<dhcpv4::Socket<'_>>(handle).poll() {
                Some(dhcpv4::Event::Configured(config)) => Some((config.address, config.router)),
                Some(dhcpv4::Event::Deconfigured) | None => None,
            }
        });
        // The lease outlives the run by hours: no renewal is needed.
        self.sockets.remove(handle);
        let (address, router) = leased.ok_or("no DHCP lease")?;
        let gateway = router.ok_or("the DHCP lease names no gateway")?;
        self.configure(address);
        self.interface
            .routes_mut()
            .add_default_ipv4_route(gateway)
            .map_err(|_| "no room for the default route")?;
        Ok(Lease {
            address: address.address(),
            gateway,
        })
    }

    fn configure(&mut self, address: Ipv4Cidr) {
        self.interface.update_ip_addrs(|addresses| {
            addresses.clear();
            // The list holds at least one address by smoltcp's configuration, and is empty here.
            let _full = addresses.push(IpCidr::Ipv4(address));
        });
    }
}
