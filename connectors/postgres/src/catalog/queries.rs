//! What a member of the family is asked about its catalogue.

/// The statements that list and describe targets. All members answer them with the same columns.
pub(crate) struct Queries {
    /// Everything that can be read: schema, name, kind, estimated rows. `$1` is the schema that comes first.
    pub(super) list: &'static str,
    /// The best match of several readings of a name (`$1` schemas, `$2` names), a row a column.
    pub(super) describe: &'static str,
    /// Whether the login could write, if its transactions were not read-only.
    pub(crate) can_write: &'static str,
}

impl Queries {
    /// PostgreSQL's catalogue.
    pub(crate) const POSTGRES: Queries = Queries { list: LIST, describe: DESCRIBE, can_write: CAN_WRITE };

    /// CockroachDB's part of it: no partitions, no domains, no slices of `indkey`. A hidden column (the `rowid` of a
    /// table without a key, the shard of a hashed one) is none of the target's.
    pub(crate) const COCKROACH: Queries =
        Queries { list: COCKROACH_LIST, describe: COCKROACH_DESCRIBE, can_write: COCKROACH_CAN_WRITE };
}

/// Tables, views, materialized views, foreign and partitioned tables that this login may select from; partitions
/// are read through their parent.
const LIST: &str = "\
SELECT n.nspname::text, c.relname::text, c.relkind::text, c.reltuples::float8
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
  AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT')
ORDER BY n.nspname <> $1, n.nspname, c.relname";

/// A partition has a kind of its own, `P`: it shows rows of another target under another name. Domains are followed to
/// the type below them, which is what the server sends; the key is the primary key, else the
/// first unique index of columns without NULLs.
const DESCRIBE: &str = "\
WITH wanted AS (
  SELECT c.oid, n.nspname, c.relname, c.reltuples,
    CASE WHEN c.relispartition THEN 'P' ELSE c.relkind::text END AS relkind
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w(nspname, relname, rank)
  JOIN pg_catalog.pg_namespace n ON n.nspname = w.nspname
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.relname
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  ORDER BY w.rank LIMIT 1
), keys AS (
  SELECT i.indisprimary, (i.indkey::int2[])[0:i.indnkeyatts - 1] AS columns
  FROM wanted w JOIN pg_catalog.pg_index i ON i.indrelid = w.oid
  WHERE i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
    AND (i.indisprimary OR NOT EXISTS (
      SELECT 1 FROM pg_catalog.pg_attribute k
      WHERE k.attrelid = w.oid AND k.attnum = ANY((i.indkey::int2[])[0:i.indnkeyatts - 1]) AND NOT k.attnotnull))
  ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid LIMIT 1
)
SELECT w.nspname::text, w.relname::text, w.relkind::text, w.reltuples::float8,
  a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
  base.oid::int8, base.typcategory::text, base.typname::text, base.typtype::text,
  coalesce(pg_catalog.array_position((SELECT columns FROM keys), a.attnum), 0)::int4,
  coalesce((SELECT pg_catalog.array_length(columns, 1) FROM keys), 0)::int4,
  coalesce((SELECT indisprimary FROM keys), false)
FROM wanted w
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN LATERAL (
  WITH RECURSIVE chain AS (
    SELECT t.oid, t.typname, t.typtype, t.typbasetype, t.typcategory
    FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid
    UNION ALL
    SELECT t.oid, t.typname, t.typtype, t.typbasetype, t.typcategory
    FROM chain JOIN pg_catalog.pg_type t ON chain.typtype = 'd' AND t.oid = chain.typbasetype
  )
  SELECT oid, typname, typtype, typcategory FROM chain WHERE typtype <> 'd'
) base ON true
ORDER BY a.attnum";

const CAN_WRITE: &str = "\
SELECT EXISTS (
  SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
    AND pg_catalog.has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'))";

const COCKROACH_LIST: &str = "\
SELECT n.nspname::text, c.relname::text, c.relkind::text, coalesce(c.reltuples, -1)::float8
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm')
  AND n.nspname NOT IN ('information_schema', 'crdb_internal') AND n.nspname !~ '^pg_'
  AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
  AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT')
ORDER BY n.nspname <> $1, n.nspname, c.relname";

/// `is_hidden` is CockroachDB's own column of `information_schema.columns`. A key that has a hidden column is none:
/// its length then tells.
const COCKROACH_DESCRIBE: &str = "\
WITH wanted AS (
  SELECT c.oid, n.nspname, c.relname, c.relkind, coalesce(c.reltuples, -1) AS reltuples
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w(nspname, relname, rank)
  JOIN pg_catalog.pg_namespace n ON n.nspname = w.nspname
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.relname
  WHERE c.relkind IN ('r', 'v', 'm')
  ORDER BY w.rank LIMIT 1
), keys AS (
  SELECT k.conkey AS columns
  FROM wanted w JOIN pg_catalog.pg_constraint k ON k.conrelid = w.oid AND k.contype = 'p' LIMIT 1
)
SELECT w.nspname::text, w.relname::text, w.relkind::text, w.reltuples::float8,
  a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
  t.oid::int8, t.typcategory::text, t.typname::text, t.typtype::text,
  coalesce(array_position((SELECT columns FROM keys), a.attnum), 0)::int4,
  coalesce((SELECT array_length(columns, 1) FROM keys), 0)::int4,
  true
FROM wanted w
JOIN information_schema.columns i
  ON i.table_schema = w.nspname AND i.table_name = w.relname AND i.is_hidden = 'NO'
JOIN pg_catalog.pg_attribute a ON a.attrelid = w.oid AND a.attname = i.column_name AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
ORDER BY a.attnum";

/// `TRUNCATE` is no privilege of its own there.
const COCKROACH_CAN_WRITE: &str = "\
SELECT EXISTS (
  SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND n.nspname NOT IN ('information_schema', 'crdb_internal') AND n.nspname !~ '^pg_'
    AND pg_catalog.has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE'))";
