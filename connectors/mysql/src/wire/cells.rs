//! The values of a binary row, borrowed.

use super::answer::{ColumnType, ResultColumn};
use super::failure::Malformed;
use super::reader::Reader;

/// The values of one row in column order.
pub(crate) struct Cells<'r> {
    nulls: &'r [u8],
    values: Reader<'r>,
    position: usize,
}

impl<'r> Cells<'r> {
    /// The values of a row of `columns` columns.
    pub(crate) fn new(row: &'r [u8], columns: usize) -> Result<Cells<'r>, Malformed> {
        let mut values = Reader(row);
        values.u8()?;
        // The first two bits belong to nobody.
        let nulls = values.bytes((columns + 9) / 8)?;
        Ok(Cells { nulls, values, position: 2 })
    }

    /// The next value; `None` is NULL. Numbers are little-endian, dates and times in parts.
    pub(crate) fn next(&mut self, column: &ResultColumn) -> Result<Option<&'r [u8]>, Malformed> {
        let byte = self.nulls.get(self.position / 8).ok_or(Malformed)?;
        let is_null = byte >> (self.position % 8) & 1 == 1;
        self.position += 1;
        if is_null {
            return Ok(None);
        }
        let value = match column.kind {
            ColumnType::Null => return Ok(None),
            ColumnType::Tiny => self.values.bytes(1)?,
            ColumnType::Short | ColumnType::Year => self.values.bytes(2)?,
            ColumnType::Long | ColumnType::Float => self.values.bytes(4)?,
            ColumnType::LongLong | ColumnType::Double => self.values.bytes(8)?,
            ColumnType::Date | ColumnType::DateTime | ColumnType::Timestamp | ColumnType::Time => {
                let length = self.values.u8()?;
                self.values.bytes(usize::from(length))?
            }
            _ => self.values.counted()?,
        };
        Ok(Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ColumnFormat;
    use proptest::prelude::*;

    fn column(kind: ColumnType) -> ResultColumn {
        ResultColumn { kind, format: ColumnFormat::Plain, unsigned: false, binary: false }
    }

    #[test]
    fn values_and_nulls_stand_in_their_places() {
        let mut row = vec![0, 0b0000_1000];
        row.extend_from_slice(&[5, 2, b'h', b'i']);
        let mut cells = Cells::new(&row, 3).unwrap();
        assert_eq!(cells.next(&column(ColumnType::Tiny)), Ok(Some(&[5][..])));
        assert_eq!(cells.next(&column(ColumnType::Double)), Ok(None));
        assert_eq!(cells.next(&column(ColumnType::String)), Ok(Some(&b"hi"[..])));
        assert!(cells.next(&column(ColumnType::Tiny)).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64), columns in 0_usize..40) {
            use ColumnType::{Date, Double, Long, LongLong, Short, String, Time, Tiny};
            if let Ok(mut cells) = Cells::new(&bytes, columns) {
                for kind in [Tiny, String, Short, Date, Long, Time, LongLong, Double].iter().cycle().take(columns) {
                    if cells.next(&column(*kind)).is_err() {
                        break;
                    }
                }
            }
        }
    }
}
