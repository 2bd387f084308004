//! Fields of a packet, from front to back.

use super::failure::Malformed;

/// What is left of a packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'p>(pub(super) &'p [u8]);

impl<'p> Reader<'p> {
    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next `count` bytes.
    pub(super) fn bytes(&mut self, count: usize) -> Result<&'p [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    /// All that is left.
    pub(super) fn rest(&mut self) -> &'p [u8] {
        std::mem::take(&mut self.0)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Malformed> {
        self.fixed().map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Malformed> {
        self.fixed().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        self.fixed().map(u32::from_le_bytes)
    }

    /// An integer that says its own length.
    pub(super) fn length(&mut self) -> Result<u64, Malformed> {
        match self.u8()? {
            short @ 0..=0xfa => Ok(u64::from(short)),
            0xfc => self.u16().map(u64::from),
            0xfd => {
                let [low, middle, high] = self.fixed()?;
                Ok(u64::from(u32::from_le_bytes([low, middle, high, 0])))
            }
            0xfe => self.fixed().map(u64::from_le_bytes),
            _ => Err(Malformed),
        }
    }

    /// Bytes behind their length.
    pub(super) fn counted(&mut self) -> Result<&'p [u8], Malformed> {
        let count = self.length()?;
        self.bytes(usize::try_from(count).map_err(|_| Malformed)?)
    }

    /// Bytes up to a NUL, which is passed over.
    pub(super) fn terminated(&mut self) -> Result<&'p [u8], Malformed> {
        let end = self.0.iter().position(|byte| *byte == 0).ok_or(Malformed)?;
        let taken = self.bytes(end)?;
        self.u8()?;
        Ok(taken)
    }
}

/// Appends an integer that says its own length.
pub(super) fn put_length(out: &mut Vec<u8>, value: usize) {
    let value = value as u64;
    let bytes = value.to_le_bytes();
    let (marker, width) = match value {
        0..=0xfa => (None, 1),
        0xfb..=0xffff => (Some(0xfc), 2),
        0x1_0000..=0xff_ffff => (Some(0xfd), 3),
        _ => (Some(0xfe), 8),
    };
    out.extend(marker);
    out.extend_from_slice(bytes.get(..width).unwrap_or_default());
}

/// Appends bytes behind their length.
pub(super) fn put_counted(out: &mut Vec<u8>, bytes: &[u8]) {
    put_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_read_back() {
        for value in [0, 250, 251, 252, 0xffff, 0x1_0000, 0xff_ffff, 0x100_0000, usize::MAX] {
            let mut out = Vec::new();
            put_length(&mut out, value);
            let mut reader = Reader(&out);
            assert_eq!(reader.length().unwrap(), value as u64);
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn what_ends_too_early_is_malformed() {
        assert!(Reader(&[0xfc, 1]).length().is_err());
        assert!(Reader(&[5, 1, 2]).counted().is_err());
        assert!(Reader(b"abc").terminated().is_err());
        assert!(Reader(&[0xff]).length().is_err());
        assert!(Reader(&[0xfe, 255, 255, 255, 255, 255, 255, 255, 255]).counted().is_err());
    }
}
