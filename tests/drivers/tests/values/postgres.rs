//! PostgreSQL's types, and those of extensions that come with it.

use connector_postgres::Postgres as Driver;
use driver_tests::{open_context, source};
use test_servers::{Postgres, PostgresOptions};

use crate::{Sample, cells, column, document};

const TYPES: &str = r#"
CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION postgis;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE pair AS (number int, word text);
CREATE DOMAIN small AS int CHECK (VALUE < 100);
CREATE DOMAIN three AS int[] CHECK (cardinality(VALUE) = 3);
CREATE DOMAIN address AS inet;
"#;

const SAMPLES: &[Sample] = &[
    ("boolean", "true"),
    ("smallint", "-32768"),
    ("integer", "2147483647"),
    ("bigint", "9223372036854775807"),
    ("real", "0.1"),
    ("real", "'NaN'"),
    ("double precision", "0.1"),
    ("double precision", "1e300"),
    ("double precision", "'-Infinity'"),
    ("numeric", "123456789012345678901234567890.10"),
    ("numeric(10,2)", "-5"),
    ("numeric", "'NaN'"),
    ("money", "'-1234.5'"),
    ("oid", "4294967295"),
    ("regclass", "'pg_class'"),
    ("xid8", "'18446744073709551615'"),
    ("tid", "'(1,2)'"),
    ("pg_lsn", "'16/B374D848'"),
    ("text", r#"E'quo"te \\ ü \t'"#),
    ("varchar(5)", "'abc'"),
    ("char(5)", "'abc'"),
    ("\"char\"", "'z'"),
    ("name", "'a name'"),
    ("citext", "'MiXed'"),
    ("bytea", r"'\x00ff10'"),
    ("bit(3)", "B'101'"),
    ("varbit(8)", "B'10101'"),
    ("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"),
    ("date", "'2024-02-29'"),
    ("date", "'0044-03-15 BC'"),
    ("date", "'12024-01-01'"),
    ("date", "'infinity'"),
    ("time", "'13:14:15.5'"),
    ("time", "'24:00'"),
    ("timetz", "'13:14:15.5+02'"),
    ("timestamp", "'2024-02-29 13:14:15'"),
    ("timestamp", "'2024-02-29 13:14:15.123456'"),
    ("timestamp", "'0001-01-01 00:00:00 BC'"),
    ("timestamp", "'-infinity'"),
    ("timestamptz", "'2024-02-29 13:14:15.12+02'"),
    ("timestamptz", "'infinity'"),
    ("interval", "'1 year 2 mons 3 days 04:05:06.7'"),
    ("interval", "'-1 mon +1 day -00:00:00.000001'"),
    ("interval", "'0'"),
    ("json", r#"'{"b": 1.0000000000000000001, "a": [1,  2]}'"#),
    ("json", "'123456789012345678901234567890'"),
    ("jsonb", r#"'{"b": 1.50, "a": null}'"#),
    ("xml", "'<a b=\"1\"/>'"),
    ("jsonpath", "'$.a[*] ? (@ > 1)'"),
    ("tsvector", "'a fat cat'"),
    ("tsquery", "'fat & rat'"),
    ("inet", "'10.0.0.1'"),
    ("inet", "'10.0.0.1/8'"),
    ("inet", "'2001:db8::1'"),
    ("cidr", "'10.0.0.0/8'"),
    ("macaddr", "'08:00:2b:01:02:03'"),
    ("macaddr8", "'08:00:2b:01:02:03:04:05'"),
    ("int4range", "'[1,5)'"),
    ("int8range", "'(,5]'"),
    ("numrange", "'empty'"),
    ("daterange", "'[2024-01-01,2024-02-01)'"),
    ("tsrange", "'[2024-01-01 00:00,)'"),
    ("tstzrange", "'[2024-01-01 00:00+02,2024-01-02 00:00+02)'"),
    ("int4multirange", "'{[1,3), [5,7)}'"),
    ("int8multirange", "'{}'"),
    ("nummultirange", "'{[1.5,2.5]}'"),
    ("datemultirange", "'{[2024-01-01,2024-01-03)}'"),
    ("tsmultirange", "'{[2024-01-01 00:00,)}'"),
    ("tstzmultirange", "'{[2024-01-01 00:00+02,)}'"),
    ("point", "'(1.5,-2)'"),
    ("lseg", "'[(0,0),(1,1)]'"),
    ("path", "'[(0,0),(1,1),(2,0)]'"),
    ("path", "'((0,0),(1,1),(2,0))'"),
    ("box", "'(2,2),(0,0)'"),
    ("polygon", "'((0,0),(1,1),(2,0))'"),
    ("line", "'{1,2,3}'"),
    ("circle", "'<(1,2),3>'"),
    ("integer[]", "'{1,NULL,3}'"),
    ("integer[]", "'{}'"),
    ("integer[]", "'{{1,2},{3,4}}'"),
    ("integer[]", "'[0:1]={7,8}'"),
    ("bigint[]", "'{9223372036854775807}'"),
    ("numeric[]", "'{1.10,NaN}'"),
    ("boolean[]", "'{t,f}'"),
    ("text[]", r#"'{a,"b,c",NULL,"NULL"}'"#),
    ("text[]", "'{{{a},{b}},{{c},{d}}}'"),
    ("bytea[]", r#"ARRAY['\x00ff'::bytea]"#),
    ("uuid[]", "'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'"),
    ("date[]", "'{2024-02-29,infinity}'"),
    ("time[]", "'{13:14}'"),
    ("timestamptz[]", "'{2024-02-29 13:14:15+02}'"),
    ("interval[]", "'{1 day}'"),
    ("jsonb[]", r#"ARRAY['{"a": 1.0}'::jsonb]"#),
    ("point[]", "ARRAY['(1,2)'::point]"),
    ("box[]", "ARRAY['(1,1),(0,0)'::box]"),
    ("inet[]", "'{10.0.0.1,10.0.0.0/8}'"),
    ("money[]", "'{1.5}'"),
    ("timetz[]", "'{13:14+02}'"),
    ("bit(2)[]", "'{10,01}'"),
    ("int4range[]", r#"'{"[1,5)"}'"#),
    ("int4multirange[]", r#"'{"{[1,5)}"}'"#),
    ("circle[]", r#"'{"<(1,2),3>"}'"#),
    ("int2vector", "'1 2'"),
    ("oidvector", "'1 2'"),
    ("mood (enum)", "'ok'"),
    ("mood[] (of an enum)", "'{ok,NULL}'"),
    ("small (domain on integer)", "42"),
    ("three (domain on integer[])", "'{1,2,3}'"),
    ("address (domain on inet)", "'10.0.0.1'"),
    ("pair (composite)", "(1, 'x y')"),
    ("pair[] (of a composite)", "ARRAY[(1,'x')::pair]"),
    ("hstore", "'a=>1, b=>NULL'"),
    ("geometry (PostGIS)", "'SRID=4326;POINT(1 2)'"),
    ("geometry (PostGIS)", "'POINT Z (1 2 3)'"),
    ("geometry (PostGIS)", "'POINT EMPTY'"),
    ("geometry (PostGIS)", "'LINESTRING(0 0,1 1)'"),
    ("geometry (PostGIS)", "'POLYGON((0 0,4 0,4 4,0 0),(1 1,2 1,2 2,1 1))'"),
    ("geometry (PostGIS)", "'MULTIPOINT(0 0,1 1)'"),
    ("geometry (PostGIS)", "'MULTILINESTRING((0 0,1 1),(2 2,3 3))'"),
    ("geometry (PostGIS)", "'MULTIPOLYGON(((0 0,1 0,1 1,0 0)))'"),
    ("geometry (PostGIS)", "'GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))'"),
    ("geometry (PostGIS)", "'CIRCULARSTRING(0 0,1 1,2 0)'"),
    ("geometry[] (PostGIS)", "ARRAY['POINT(1 2)'::geometry]"),
    ("geography (PostGIS)", "'POINT(1 2)'"),
];

#[tokio::test]
async fn every_type_of_postgresql_is_in_the_document_as_it_comes() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let server = Postgres::start(PostgresOptions::default()).await.unwrap();
    let admin = server.admin().await.unwrap();
    admin.batch_execute(TYPES).await.unwrap_or_else(|error| {
        panic!(
            "extensions of PostgreSQL are missing; apt-get install postgresql postgresql-postgis: {error:?}"
        )
    });
    // What stands behind a type's name in brackets is for the reader.
    let columns = SAMPLES.iter().enumerate().map(|(at, (of, _))| {
        format!(
            "{} {}",
            column(at),
            of.split_once(" (")
                .filter(|_| of.ends_with(')') && !of.starts_with("numeric"))
                .map_or(*of, |(of, _)| of)
        )
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    let values = SAMPLES.iter().map(|(_, value)| *value).collect::<Vec<_>>().join(", ");
    let made =
        format!("CREATE TABLE t ({columns}); INSERT INTO t VALUES ({values}); GRANT SELECT ON t TO app");
    admin.batch_execute(&made).await.unwrap_or_else(|error| panic!("{made}: {error:?}"));
    let source = source(&Driver::new(), &[("url", &server.url())]).unwrap();
    let mut session = source.open(&open_context().unwrap()).await.unwrap();
    document::holds("postgres", SAMPLES, &cells(&mut *session, "t").await);
}
