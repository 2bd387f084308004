//! SQLite's storage classes under columns of various declarations.

use connector_sqlite::Sqlite;
use driver_tests::{open_context, source};

use crate::{Sample, cells, column, document};

const SAMPLES: &[Sample] = &[
    ("INTEGER", "7"),
    ("INTEGER", "9007199254740991"),
    ("INTEGER", "9007199254740992"),
    ("INTEGER", "-9223372036854775808"),
    ("INTEGER", "'text'"),
    ("REAL", "0.1"),
    ("REAL", "5"),
    ("REAL", "9e999"),
    ("NUMERIC", "'1.10'"),
    ("DECIMAL(10,2)", "12345678901234567890"),
    ("BOOLEAN", "TRUE"),
    ("TEXT", "'quo\"te ü'"),
    ("TEXT", "7"),
    ("VARCHAR(5)", "'abc'"),
    ("BLOB", "X'00FF10'"),
    ("BLOB", "'text'"),
    ("(no type)", "7"),
    ("(no type)", "'7'"),
    ("DATE", "'2024-02-29'"),
    ("DATETIME", "'2024-02-29 13:14:15'"),
    ("TIMESTAMP", "1709212455"),
    ("JSON", "'{\"b\": 1.50}'"),
    ("TEXT", "json('{\"b\": 1.50}')"),
    ("TEXT", "NULL"),
];

#[tokio::test]
async fn every_storage_class_of_sqlite_is_in_the_document_as_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("values.db");
    let columns = SAMPLES.iter().enumerate().map(|(at, (of, _))| match *of {
        "(no type)" => column(at),
        of => format!("{} {of}", column(at)),
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    let values = SAMPLES.iter().map(|(_, value)| *value).collect::<Vec<_>>().join(", ");
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute_batch(&format!("CREATE TABLE t ({columns}); INSERT INTO t VALUES ({values})")).unwrap();
    drop(file);
    let source = source(&Sqlite::new(), &[("path", path.to_str().unwrap())]).unwrap();
    let mut session = source.open(&open_context().unwrap()).await.unwrap();
    document::holds("sqlite", SAMPLES, &cells(&mut *session, "t").await);
}
