//! MariaDB's types.

use connector_mysql::MySql as Driver;
use driver_tests::{open_context, source};
use mysql_async::prelude::Queryable;
use test_servers::{MariaDb, MariaDbOptions};

use crate::{Sample, cells, column, document};

const SAMPLES: &[Sample] = &[
    ("tinyint(1)", "1"),
    ("boolean", "TRUE"),
    ("tinyint", "-128"),
    ("tinyint unsigned", "255"),
    ("smallint", "-32768"),
    ("mediumint", "8388607"),
    ("int", "2147483647"),
    ("int unsigned", "4294967295"),
    ("int zerofill", "42"),
    ("bigint", "9007199254740991"),
    ("bigint", "-9007199254740992"),
    ("bigint unsigned", "18446744073709551615"),
    ("decimal(40,10)", "123456789012345678901234567890.10"),
    ("decimal(10,2)", "-5"),
    ("float", "0.1"),
    ("double", "0.1"),
    ("double", "1e300"),
    ("bit(1)", "b'1'"),
    ("bit(12)", "b'101010101010'"),
    ("bit(64)", "~0"),
    ("year", "2024"),
    ("date", "'2024-02-29'"),
    ("date", "'0000-00-00'"),
    ("datetime", "'2024-02-29 13:14:15'"),
    ("datetime(6)", "'2024-02-29 13:14:15.123456'"),
    ("datetime", "'0000-00-00 00:00:00'"),
    ("datetime", "'2024-00-10 00:00:00'"),
    ("timestamp(3)", "'2024-02-29 13:14:15.5'"),
    ("time", "'13:14:15'"),
    ("time(6)", "'-838:59:58.123456'"),
    ("time", "'838:59:59'"),
    ("char(5)", "'abc'"),
    ("varchar(20)", r#"'quo"te ü 🦀'"#),
    ("varchar(20) character set latin1", "'grün'"),
    ("text", "'a\nb'"),
    ("longtext", "''"),
    ("enum('sad','happy')", "'happy'"),
    ("set('a','b','c')", "'a,c'"),
    ("binary(3)", "X'00FF'"),
    ("varbinary(8)", "X'00FF10'"),
    ("blob", "X'00FF10'"),
    ("json", r#"'{"b": 1.50, "a": [1,  2]}'"#),
    ("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"),
    ("inet4", "'10.0.0.1'"),
    ("inet6", "'2001:db8::1'"),
    ("point", "ST_GeomFromText('POINT(1.5 -2)')"),
    ("linestring", "ST_GeomFromText('LINESTRING(0 0,1 1)')"),
    ("polygon", "ST_GeomFromText('POLYGON((0 0,4 0,4 4,0 0),(1 1,2 1,2 2,1 1))')"),
    ("multipoint", "ST_GeomFromText('MULTIPOINT(0 0,1 1)')"),
    ("multilinestring", "ST_GeomFromText('MULTILINESTRING((0 0,1 1),(2 2,3 3))')"),
    ("multipolygon", "ST_GeomFromText('MULTIPOLYGON(((0 0,1 0,1 1,0 0)))')"),
    ("geometrycollection", "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))')"),
    ("geometry", "ST_GeomFromText('POINT(1 2)')"),
    ("varchar(5)", "NULL"),
];

#[tokio::test]
async fn every_type_of_mariadb_is_in_the_document_as_it_comes() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let server = MariaDb::start(MariaDbOptions::default()).await.unwrap();
    let mut admin = server.admin().await.unwrap();
    // Zero dates are there in old tables; a strict server takes no new ones.
    admin.query_drop("SET sql_mode = '', time_zone = '+00:00'").await.unwrap();
    let columns = SAMPLES.iter().enumerate().map(|(at, (of, _))| format!("{} {of} NULL", column(at)));
    let columns = columns.collect::<Vec<_>>().join(", ");
    let values = SAMPLES.iter().map(|(_, value)| *value).collect::<Vec<_>>().join(", ");
    admin.query_drop(format!("CREATE TABLE t ({columns})")).await.unwrap();
    admin.query_drop(format!("INSERT INTO t VALUES ({values})")).await.unwrap();
    let source = source(&Driver::mariadb(), &[("url", &server.url())]).unwrap();
    let mut session = source.open(&open_context().unwrap()).await.unwrap();
    document::holds("mariadb", SAMPLES, &cells(&mut *session, "t").await);
}
