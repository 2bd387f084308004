//! What the server answers with.

use super::failure::{Malformed, ServerError};
use super::reader::Reader;

/// More results follow this one.
const MORE_RESULTS: u16 = 8;

/// The end of a command that went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reply {
    /// Whether another result follows.
    pub(super) more: bool,
}

impl Reply {
    /// Reads an OK packet, whatever its first byte.
    pub(super) fn ok(packet: &[u8]) -> Result<Reply, Malformed> {
        let mut reader = Reader(packet);
        reader.u8()?;
        let (_rows, _id) = (reader.length()?, reader.length()?);
        Ok(Reply { more: reader.u16()? & MORE_RESULTS != 0 })
    }

    /// Reads the packet that ended a list before OK packets did.
    pub(super) fn end(packet: &[u8]) -> Result<Reply, Malformed> {
        let mut reader = Reader(packet);
        let (_marker, _warnings) = (reader.u8()?, reader.u16()?);
        Ok(Reply { more: reader.u16()? & MORE_RESULTS != 0 })
    }
}

/// Whether a packet says that something failed.
pub(super) fn is_error(packet: &[u8]) -> bool {
    packet.first() == Some(&0xff)
}

/// Whether a packet ends the rows; a row of the binary protocol begins with 0.
pub(super) fn is_end(packet: &[u8]) -> bool {
    packet.first() == Some(&0xfe)
}

/// Reads an error packet; before a login it has no SQLSTATE.
pub(super) fn error(packet: &[u8]) -> Result<ServerError, Malformed> {
    let mut reader = Reader(packet);
    reader.u8()?;
    let number = reader.u16()?;
    let state = match reader.0.first() {
        Some(b'#') => {
            reader.u8()?;
            String::from_utf8_lossy(reader.bytes(5)?).into_owned()
        }
        _ => String::new(),
    };
    let message = String::from_utf8_lossy(reader.rest()).into_owned();
    Ok(ServerError { number, state, message })
}

/// How a value is encoded (`enum_field_types` in include/field_types.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColumnType {
    Tiny,
    Short,
    Long,
    LongLong,
    Float,
    Double,
    Decimal,
    Null,
    Date,
    DateTime,
    Timestamp,
    Time,
    Year,
    Bit,
    Json,
    Vector,
    Geometry,
    /// Text or bytes, which of them its character set says; also ENUM and SET.
    String,
}

impl ColumnType {
    fn of(code: u8) -> Result<ColumnType, Malformed> {
        Ok(match code {
            0x01 => ColumnType::Tiny,
            0x02 => ColumnType::Short,
            0x03 | 0x09 => ColumnType::Long,
            0x04 => ColumnType::Float,
            0x05 => ColumnType::Double,
            0x06 => ColumnType::Null,
            0x07 | 0x11 => ColumnType::Timestamp,
            0x08 => ColumnType::LongLong,
            0x0a | 0x0e => ColumnType::Date,
            0x0b | 0x13 => ColumnType::Time,
            0x0c | 0x12 => ColumnType::DateTime,
            0x0d => ColumnType::Year,
            0x10 => ColumnType::Bit,
            0x00 | 0xf6 => ColumnType::Decimal,
            0xf2 => ColumnType::Vector,
            0xf5 => ColumnType::Json,
            0xff => ColumnType::Geometry,
            0x0f | 0xf7..=0xfe => ColumnType::String,
            _ => return Err(Malformed),
        })
    }
}

/// What MariaDB says of a value beyond its encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColumnFormat {
    /// Nothing.
    Plain,
    /// The text is a JSON document.
    Json,
    /// The text is a UUID.
    Uuid,
    /// The bytes are a vector's numbers.
    Vector,
    /// The text is that of a type which is known by name only: an address.
    Other,
}

/// One column of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ResultColumn {
    pub(crate) kind: ColumnType,
    pub(crate) format: ColumnFormat,
    pub(crate) unsigned: bool,
    /// The value is bytes, not text.
    pub(crate) binary: bool,
}

/// The character set that stands for none.
const BINARY: u16 = 63;
/// `UNSIGNED_FLAG` (include/mysql_com.h).
const UNSIGNED: u16 = 32;

impl ResultColumn {
    pub(super) fn parse(packet: &[u8], extended: bool) -> Result<ResultColumn, Malformed> {
        let mut reader = Reader(packet);
        // Catalogue, schema, table, its own name, column, its own name.
        for _ in 0..6 {
            reader.counted()?;
        }
        let format = if extended { format(reader.counted()?)? } else { ColumnFormat::Plain };
        let mut fixed = Reader(reader.counted()?);
        let charset = fixed.u16()?;
        let _length = fixed.u32()?;
        let kind = ColumnType::of(fixed.u8()?)?;
        let flags = fixed.u16()?;
        Ok(ResultColumn { kind, format, unsigned: flags & UNSIGNED != 0, binary: charset == BINARY })
    }
}

/// MariaDB's extended metadata: pairs of a kind (0 is a type's name, 1 a format's) and a name.
fn format(extended: &[u8]) -> Result<ColumnFormat, Malformed> {
    let mut reader = Reader(extended);
    let mut format = ColumnFormat::Plain;
    while !reader.is_empty() {
        let (_kind, name) = (reader.u8()?, reader.counted()?);
        format = match name {
            b"json" => ColumnFormat::Json,
            b"uuid" => ColumnFormat::Uuid,
            b"vector" => ColumnFormat::Vector,
            _ if format == ColumnFormat::Plain => ColumnFormat::Other,
            _ => format,
        };
    }
    Ok(format)
}

/// The answer to a request to prepare a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PrepareOk {
    pub(super) statement: u32,
    pub(super) columns: u16,
    pub(super) parameters: u16,
}

impl PrepareOk {
    pub(super) fn parse(packet: &[u8]) -> Result<PrepareOk, Malformed> {
        let mut reader = Reader(packet);
        if reader.u8()? != 0 {
            return Err(Malformed);
        }
        Ok(PrepareOk { statement: reader.u32()?, columns: reader.u16()?, parameters: reader.u16()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_error_has_a_number_and_perhaps_a_state() {
        let with = error(b"\xff\x15\x04#28000Access denied").unwrap();
        assert_eq!(
            (with.number, with.state.as_str(), with.message.as_str()),
            (1045, "28000", "Access denied")
        );
        let without = error(b"\xff\x10\x04Too many connections").unwrap();
        assert_eq!((without.number, without.state.as_str()), (1040, ""));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = (error(&bytes), Reply::ok(&bytes), Reply::end(&bytes), PrepareOk::parse(&bytes));
            let _ = (ResultColumn::parse(&bytes, true), ResultColumn::parse(&bytes, false));
        }
    }
}
