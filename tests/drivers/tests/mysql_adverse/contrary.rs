//! A server whose own settings would change every value, if a session took them over.

use serde_json::{Value, json};
use test_servers::MariaDbOptions;

use crate::{Server, query};

pub(crate) async fn contrary_server() -> Server {
    let modes = "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,NO_ZERO_DATE,NO_ZERO_IN_DATE,STRICT_ALL_TABLES,\
                 PAD_CHAR_TO_FULL_LENGTH,NO_UNSIGNED_SUBTRACTION,HIGH_NOT_PRECEDENCE,REAL_AS_FLOAT,ONLY_FULL_GROUP_BY";
    let options = MariaDbOptions::with_tls()
        .setting("default-time-zone", "+09:00")
        .setting("sql-mode", modes)
        .setting("character-set-server", "latin1")
        .setting("collation-server", "latin1_german2_ci")
        .setting("character-set-client-handshake", "0")
        .setting("init-connect", "SET autocommit = 0, sql_select_limit = 2, max_statement_time = 5")
        .setting("div-precision-increment", "0")
        .setting("lc-time-names", "de_DE")
        .setting("completion-type", "RELEASE")
        .setting("transaction-isolation", "READ-UNCOMMITTED");
    Server::with(options).await
}

const TABLE: &str = r#"
CREATE TABLE t (
  id int PRIMARY KEY, tu tinyint unsigned, su smallint unsigned, me mediumint, mu mediumint unsigned, iu int unsigned,
  bi bigint, bu bigint unsigned, n0 decimal(30,0), b64 bit(64), y year, t6 time(6), dt datetime, ts timestamp(3) NULL,
  c char(5), v varchar(50), tx text, old varchar(10) CHARACTER SET latin1, bn binary(3), vb varbinary(10),
  s set('a','b','c'), j json, ip inet6, g geometry, z int(8) zerofill
) DEFAULT CHARACTER SET utf8mb4;
INSERT INTO t VALUES (
  1, 255, 65535, -8388608, 16777215, 4294967295, 9007199254740991, 18446744073709551615,
  123456789012345678901234567890, ~0, 1999, '838:59:58.999999', '2024-02-29 13:14:15', '2024-02-29 13:14:15.12', 'ab',
  'a"\\ü\n🦀', '', 'ä', X'00ff', X'', 'a,c', '{"a":  1.0000000000000000001, "b": [1e2, "\\u00e9"]}', '::ffff:10.0.0.1',
  ST_GeomFromText('POLYGON((0 0,4 0,4 4,0 0),(1 1,2 1,2 2,1 1))'), 42);
INSERT INTO t (id, bi, bu, dt, ts, t6, y) VALUES (
  2, -9007199254740992, 9007199254740992, '2024-00-10', '0000-00-00', '-25:00:00', 0);
INSERT INTO t (id, dt, ts) VALUES (3, '9999-12-31 23:59:59', '1970-01-01 00:00:01'), (4, '0001-01-01', NULL)
"#;

const FIRST: &str = r#"{
  "id": 1, "tu": 255, "su": 65535, "me": -8388608, "mu": 16777215, "iu": 4294967295, "bi": 9007199254740991,
  "bu": "18446744073709551615", "n0": "123456789012345678901234567890", "b64": "18446744073709551615", "y": 1999,
  "t6": "838:59:58.999999", "dt": "2024-02-29T13:14:15.000Z", "ts": "2024-02-29T13:14:15.120Z", "c": "ab",
  "v": "a\"\\ü\n🦀", "tx": "", "old": "ä", "bn": "AP8A", "vb": "", "s": "a,c",
  "j": {"a": 1.0000000000000000001, "b": [1e2, "é"]}, "ip": "::ffff:10.0.0.1",
  "g": {"type": "Polygon", "coordinates": [[[0, 0], [4, 0], [4, 4], [0, 0]], [[1, 1], [2, 1], [2, 2], [1, 1]]]}, "z": 42
}"#;

#[tokio::test]
async fn no_setting_of_the_server_changes_a_value() {
    let (usual, contrary) = tokio::join!(Server::start(), contrary_server());
    for server in [usual, contrary] {
        server.run(TABLE).await;
        let mut session = server.session().await;
        let rows = query(&mut *session, "t", json!({"orderBy": {"id": "asc"}})).await.unwrap().rows;
        assert_eq!(rows.len(), 4);
        let first: Value = serde_json::from_str(FIRST).unwrap();
        for (column, expected) in first.as_object().unwrap() {
            assert_eq!(&rows[0][column], expected, "{column}");
        }
        for (row, column, expected) in [
            (1, "bi", json!("-9007199254740992")),
            (1, "bu", json!("9007199254740992")),
            (1, "dt", Value::Null),
            (1, "ts", Value::Null),
            (1, "t6", json!("-25:00:00")),
            (1, "y", json!(0)),
            (2, "dt", json!("9999-12-31T23:59:59.000Z")),
            (2, "ts", json!("1970-01-01T00:00:01.000Z")),
            (3, "dt", json!("0001-01-01T00:00:00.000Z")),
        ] {
            assert_eq!(rows[row][column], expected, "{column} of {row}");
        }
    }
}
