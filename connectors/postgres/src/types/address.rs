//! `inet` and `cidr` in their binary form (src/backend/utils/adt/network.c, `network_send`).

use std::io::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use connector_model::error::Result;

use super::malformed;

/// `PGSQL_AF_INET`; the other family is the next number.
const V4: u8 = 2;
const V6: u8 = 3;

/// The address as the server prints it: with its mask where it is a network or has one of its own.
pub(super) fn write(out: &mut Vec<u8>, raw: &[u8]) -> Result<()> {
    let ([family, bits, is_cidr, length], address) = raw.split_first_chunk::<4>().ok_or_else(malformed)?;
    if usize::from(*length) != address.len() {
        return Err(malformed());
    }
    out.push(b'"');
    let whole = match (*family, address.len()) {
        (V4, 4) => {
            let address: [u8; 4] = address.try_into().map_err(|_| malformed())?;
            write!(out, "{}", Ipv4Addr::from(address))
        }
        (V6, 16) => {
            let address: [u8; 16] = address.try_into().map_err(|_| malformed())?;
            write!(out, "{}", Ipv6Addr::from(address))
        }
        _ => return Err(malformed()),
    };
    whole.map_err(|_| malformed())?;
    if *is_cidr != 0 || usize::from(*bits) != address.len() * 8 {
        write!(out, "/{bits}").map_err(|_| malformed())?;
    }
    out.push(b'"');
    Ok(())
}
