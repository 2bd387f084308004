//! SQL Server's types, as the double of the tests sends them.

use connector_mssql::SqlServer as Driver;
use driver_tests::{open_context, source};
use test_servers::{SqlServer, SqlServerOptions};

use crate::{Sample, cells, column, document};

const SAMPLES: &[Sample] = &[
    ("bit", "1"),
    ("tinyint", "255"),
    ("smallint", "-32768"),
    ("int", "2147483647"),
    ("bigint", "9223372036854775807"),
    ("decimal(38,10)", "-1234567890123456789012345678.0123456789"),
    ("numeric(5)", "12345"),
    ("money", "-922337203685477.5808"),
    ("smallmoney", "214748.3647"),
    ("real", "0.1E0"),
    ("float", "1E300"),
    ("date", "'2024-02-29'"),
    ("time(7)", "'13:14:15.1234567'"),
    ("time(0)", "'13:14:15'"),
    ("datetime", "'2024-02-29T13:14:15.997'"),
    ("smalldatetime", "'2024-02-29T13:14:00'"),
    ("datetime2(7)", "'2024-02-29T13:14:15.1234567'"),
    ("datetime2(0)", "'0001-01-01T00:00:00'"),
    ("datetimeoffset(7)", "'2024-02-29T13:14:15.1234567+02:00'"),
    ("char(5)", "'ab'"),
    ("varchar(20)", "'grün €'"),
    ("varchar(max)", "'x'"),
    ("nchar(5)", "N'日本'"),
    ("nvarchar(20)", r"N'say \ 🦀'"),
    ("nvarchar(max)", "N'm'"),
    ("text", "'old'"),
    ("ntext", "N'older'"),
    ("uniqueidentifier", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"),
    ("binary(4)", "0x00ff"),
    ("varbinary(20)", "0x00ff"),
    ("varbinary(max)", "0x"),
    ("image", "0x01"),
    ("xml", "N'<a>ü</a>'"),
    ("sql_variant", "CAST(7 AS bigint)"),
    ("sql_variant", "CAST(1.50 AS decimal(9,2))"),
    ("sql_variant", "CAST('2024-02-29' AS date)"),
    ("varchar(5)", "NULL"),
];

#[tokio::test]
async fn every_type_of_sql_server_is_in_the_document_as_it_comes() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let server = SqlServer::start(SqlServerOptions::default()).await.unwrap();
    let columns = SAMPLES.iter().enumerate().map(|(at, (of, _))| format!("{} {of}", column(at)));
    let columns = columns.collect::<Vec<_>>().join(", ");
    let values = SAMPLES.iter().map(|(_, value)| *value).collect::<Vec<_>>().join(", ");
    server.execute(&format!("CREATE TABLE t ({columns})")).await.unwrap();
    server.execute(&format!("INSERT INTO t VALUES ({values})")).await.unwrap();
    let authority = server.authority_file().to_string_lossy().into_owned();
    let settings = [("url", server.url()), ("sslrootcert", authority)];
    let settings: Vec<(&str, &str)> = settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let source = source(&Driver::new(), &settings).unwrap();
    let mut session = source.open(&open_context().unwrap()).await.unwrap();
    document::holds("mssql", SAMPLES, &cells(&mut *session, "t").await);
}
