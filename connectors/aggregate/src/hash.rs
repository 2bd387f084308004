//! One hash for samples and sketches: the same on every machine and in every version.

/// FNV-1a of 64 bits (isthe.com/chongo/tech/comp/fnv: offset basis 14695981039346656037, prime 1099511628211), with its bits mixed by
/// MurmurHash3's finalizer, since samples look at the highest bits, which FNV alone leaves uneven.
pub(crate) fn hash(bytes: impl IntoIterator<Item = u8>) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in bytes {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_never_changes() {
        // A sample taken by one version of the program is taken by the next.
        assert_eq!(hash(*b""), 0xefd0_1f60_ba99_2926);
        assert_eq!(hash(*b"17"), hash(b"17".to_vec()));
    }

    #[test]
    fn hashes_of_counting_numbers_are_even() {
        let below = (0..100_000_u32).filter(|n| hash(n.to_string().into_bytes()) < u64::MAX / 10).count();
        assert!((9_700..10_300).contains(&below), "{below}");
    }
}
