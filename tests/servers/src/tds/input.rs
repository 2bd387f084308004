//! Reads what clients send, field by field.

use anyhow::{Context, Result};

/// What is left of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input<'m> {
    rest: &'m [u8],
}

impl<'m> Input<'m> {
    pub(super) const fn new(bytes: &'m [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Everything that is left.
    pub(super) const fn rest(&self) -> &'m [u8] {
        self.rest
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'m [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count).context("a message ends within a field")?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().context("a field of the wrong length")
    }

    pub(super) fn u8(&mut self) -> Result<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A little-endian number of so many bytes.
    pub(super) fn whole(&mut self, bytes: usize) -> Result<u64> {
        Ok(self.take(bytes)?.iter().rev().fold(0, |whole, byte| whole << 8 | u64::from(*byte)))
    }

    /// UTF-16 text of so many units.
    pub(super) fn text(&mut self, units: usize) -> Result<String> {
        utf16(self.take(units * 2)?)
    }

    /// Text behind a byte that counts its units.
    pub(super) fn short_text(&mut self) -> Result<String> {
        let units = self.u8()?;
        self.text(usize::from(units))
    }

    /// Passes over the headers that stand before every request.
    pub(super) fn skip_headers(&mut self) -> Result<()> {
        let mut ahead = *self;
        let total = usize::try_from(ahead.u32()?)?;
        self.take(total).map(|_| ())
    }
}

/// Text in UTF-16, little-endian.
pub(super) fn utf16(bytes: &[u8]) -> Result<String> {
    let (units, _) = bytes.as_chunks::<2>();
    let units: Vec<u16> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    String::from_utf16(&units).context("text that is not UTF-16")
}
