//! Which columns identify a row.

use connector_model::error::Result;
use tiberius::Row;

use super::row::number;

/// The columns of an object's unique indexes. One with a filter, a disabled or a hypothetical one promises nothing.
pub(super) const KEYS: &str = "SELECT i.index_id, i.is_primary_key, ic.column_id, c.is_nullable \
     FROM sys.indexes AS i \
     JOIN sys.index_columns AS ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id \
     JOIN sys.columns AS c ON c.object_id = ic.object_id AND c.column_id = ic.column_id \
     WHERE i.object_id = @P1 AND i.is_unique = 1 AND i.is_disabled = 0 AND i.is_hypothetical = 0 \
     AND i.has_filter = 0 AND ic.key_ordinal > 0 \
     ORDER BY i.index_id, ic.key_ordinal";

/// A unique index.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Index {
    id: i64,
    primary: bool,
    nullable: bool,
    columns: Vec<i64>,
}

/// The key's column ids, and whether it is the declared primary key: that one, else the shortest index of columns
/// without NULLs, else nothing.
pub(super) fn key(rows: &[Row]) -> Result<(Vec<i64>, bool)> {
    let mut indexes: Vec<Index> = Vec::new();
    for row in rows {
        let value = |position| Ok(number(row, position)?.unwrap_or(0));
        let (id, primary, column, nullable) = (value(0)?, value(1)? == 1, value(2)?, value(3)? == 1);
        if indexes.last().is_none_or(|index| index.id != id) {
            indexes.push(Index { id, primary, ..Index::default() });
        }
        if let Some(index) = indexes.last_mut() {
            index.columns.push(column);
            index.nullable |= nullable;
        }
    }
    Ok(best(indexes))
}

fn best(indexes: Vec<Index>) -> (Vec<i64>, bool) {
    let usable = indexes.into_iter().filter(|index| index.primary || !index.nullable);
    let best = usable.min_by_key(|index| (!index.primary, index.columns.len(), index.id));
    best.map(|index| (index.columns, index.primary)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_primary_key_else_the_shortest_unique_index_without_nulls() {
        let index = |id, primary, nullable, columns: &[i64]| Index {
            id,
            primary,
            nullable,
            columns: columns.to_vec(),
        };
        let all = vec![
            index(1, false, false, &[4, 5]),
            index(2, true, false, &[1, 2, 3]),
            index(3, false, true, &[6]),
        ];
        assert_eq!(best(all.clone()), (vec![1, 2, 3], true));
        let others: Vec<_> = all.into_iter().filter(|index| !index.primary).collect();
        assert_eq!(best(others), (vec![4, 5], false));
        assert_eq!(best(vec![index(3, false, true, &[6])]), (vec![], false));
    }
}
