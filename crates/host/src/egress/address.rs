//! Which addresses may be reached: tables after the address registries.
//!
//! IPv4 lists what is refused. IPv6 allows what is assigned to the public internet (2000::/3), with exceptions, and
//! refuses the rest. IPv6 forms that embed an IPv4 address (mapped, compatible, translated, tunnelled) are always refused:
//! no public service needs them, and each is a way around the IPv4 list.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The purpose of an address that is not public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// 0.0.0.0/8 and `::`: no address; systems treat it as this machine.
    Unspecified,
    /// This machine.
    Loopback,
    /// Private networks, IPv6's unique local ones included.
    Private,
    /// 100.64.0.0/10: between a provider and its customers.
    CarrierNat,
    /// This link only. Clouds serve instance metadata, keys included, here.
    LinkLocal,
    /// A cloud's own service outside the ranges above.
    CloudMetadata,
    /// Multicast.
    Multicast,
    /// For documentation and measurements.
    Documentation,
    /// An IPv6 form that embeds an IPv4 address.
    CarriesIpv4,
    /// Not assigned to the public internet.
    Reserved,
}

impl fmt::Display for Special {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "unspecified",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::CarrierNat => "carrier-grade NAT",
            Self::LinkLocal => "link-local",
            Self::CloudMetadata => "cloud metadata",
            Self::Multicast => "multicast",
            Self::Documentation => "documentation",
            Self::CarriesIpv4 => "IPv4 inside IPv6",
            Self::Reserved => "reserved",
        })
    }
}

/// What is special about an address; `None` for an ordinary public one.
pub fn special(address: IpAddr) -> Option<Special> {
    match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => special_v6(address),
    }
}

/// Networks in order of their addresses: first address, prefix length, purpose.
const V4: &[(Ipv4Addr, u32, Special)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8, Special::Unspecified),
    (Ipv4Addr::new(10, 0, 0, 0), 8, Special::Private),
    (Ipv4Addr::new(100, 64, 0, 0), 10, Special::CarrierNat),
    (Ipv4Addr::new(127, 0, 0, 0), 8, Special::Loopback),
    // Azure's wire server: a public address, but routed inside every virtual machine.
    (Ipv4Addr::new(168, 63, 129, 16), 32, Special::CloudMetadata),
    (Ipv4Addr::new(169, 254, 0, 0), 16, Special::LinkLocal),
    (Ipv4Addr::new(172, 16, 0, 0), 12, Special::Private),
    (Ipv4Addr::new(192, 0, 0, 0), 24, Special::Reserved),
    (Ipv4Addr::new(192, 0, 2, 0), 24, Special::Documentation),
    // The 6to4 relay, deprecated by RFC 7526.
    (Ipv4Addr::new(192, 88, 99, 0), 24, Special::Reserved),
    (Ipv4Addr::new(192, 168, 0, 0), 16, Special::Private),
    (Ipv4Addr::new(198, 18, 0, 0), 15, Special::Documentation),
    (Ipv4Addr::new(198, 51, 100, 0), 24, Special::Documentation),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Special::Documentation),
    (Ipv4Addr::new(224, 0, 0, 0), 4, Special::Multicast),
    (Ipv4Addr::new(240, 0, 0, 0), 4, Special::Reserved),
];

const V6: &[(Ipv6Addr, u32, Special)] = &[
    (Ipv6Addr::UNSPECIFIED, 128, Special::Unspecified),
    (Ipv6Addr::LOCALHOST, 128, Special::Loopback),
    // Compatible and mapped: ::a.b.c.d and ::ffff:a.b.c.d, and the stateless translation beside them.
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0, 0, 0), 96, Special::CarriesIpv4),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, Special::CarriesIpv4),
    (Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96, Special::CarriesIpv4),
    // NAT64, well-known and local.
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96, Special::CarriesIpv4),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, Special::CarriesIpv4),
    // Teredo, then the other protocol assignments around it.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, Special::CarriesIpv4),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, Special::Reserved),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, Special::Documentation),
    // 6to4.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, Special::CarriesIpv4),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, Special::Documentation),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, Special::Private),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, Special::LinkLocal),
    // Site-local, deprecated by RFC 3879 but still routed in places.
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, Special::Private),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, Special::Multicast),
];

/// All that is assigned to the public internet so far.
const V6_PUBLIC: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

fn special_v4(address: Ipv4Addr) -> Option<Special> {
    let within =
        |network: Ipv4Addr, prefix: u32| (address.to_bits() ^ network.to_bits()) >> (32 - prefix) == 0;
    V4.iter().find(|(network, prefix, _)| within(*network, *prefix)).map(|(_, _, special)| *special)
}

fn special_v6(address: Ipv6Addr) -> Option<Special> {
    let within =
        |network: Ipv6Addr, prefix: u32| (address.to_bits() ^ network.to_bits()) >> (128 - prefix) == 0;
    let listed =
        V6.iter().find(|(network, prefix, _)| within(*network, *prefix)).map(|(_, _, special)| *special);
    let public = within(V6_PUBLIC.0, V6_PUBLIC.1);
    listed.or((!public).then_some(Special::Reserved))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_special_address_is_recognized() {
        let table = [
            ("0.0.0.0", Special::Unspecified),
            ("0.1.2.3", Special::Unspecified),
            ("10.0.0.1", Special::Private),
            ("10.255.255.255", Special::Private),
            ("100.64.0.1", Special::CarrierNat),
            ("100.100.100.200", Special::CarrierNat),
            ("100.127.255.255", Special::CarrierNat),
            ("127.0.0.1", Special::Loopback),
            ("127.255.255.254", Special::Loopback),
            ("168.63.129.16", Special::CloudMetadata),
            ("169.254.169.254", Special::LinkLocal),
            ("172.16.0.1", Special::Private),
            ("172.31.255.255", Special::Private),
            ("192.0.0.170", Special::Reserved),
            ("192.0.2.1", Special::Documentation),
            ("192.88.99.1", Special::Reserved),
            ("192.168.1.1", Special::Private),
            ("198.18.0.1", Special::Documentation),
            ("198.19.255.255", Special::Documentation),
            ("198.51.100.1", Special::Documentation),
            ("203.0.113.1", Special::Documentation),
            ("224.0.0.1", Special::Multicast),
            ("239.255.255.250", Special::Multicast),
            ("240.0.0.1", Special::Reserved),
            ("255.255.255.255", Special::Reserved),
            ("::", Special::Unspecified),
            ("::1", Special::Loopback),
            ("::2", Special::CarriesIpv4),
            ("::127.0.0.1", Special::CarriesIpv4),
            ("::ffff:127.0.0.1", Special::CarriesIpv4),
            ("::ffff:8.8.8.8", Special::CarriesIpv4),
            ("::ffff:0:127.0.0.1", Special::CarriesIpv4),
            ("64:ff9b::7f00:1", Special::CarriesIpv4),
            ("64:ff9b:1::1", Special::CarriesIpv4),
            ("100::1", Special::Reserved),
            ("2001::1", Special::CarriesIpv4),
            ("2001:20::1", Special::Reserved),
            ("2001:db8::1", Special::Documentation),
            ("2002:7f00:1::", Special::CarriesIpv4),
            ("3fff::1", Special::Documentation),
            ("4000::1", Special::Reserved),
            ("5f00::1", Special::Reserved),
            ("fc00::1", Special::Private),
            ("fd00:ec2::254", Special::Private),
            ("fe80::1", Special::LinkLocal),
            ("fec0::1", Special::Private),
            ("ff02::1", Special::Multicast),
        ];
        for (address, expected) in table {
            assert_eq!(special(address.parse().unwrap()), Some(expected), "{address}");
        }
    }

    #[test]
    fn public_addresses_right_beside_special_ranges_are_allowed() {
        let table = "
            1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
            168.63.129.15 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255
            192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 2001:200::1 2001:4860:4860::8888 2003::1
            2606:4700::1111 2a00::1 3ffe::1
        ";
        for address in table.split_whitespace() {
            assert_eq!(special(address.parse().unwrap()), None, "{address}");
        }
    }
}
