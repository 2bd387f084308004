//! Pages of a target while the server is large and its keys come and go.

use std::collections::HashMap;

use component_tests::job;
use connector_model::cursor::CursorKind;
use connector_model::request::Kind;
use serde_json::json;
use test_servers::RedisClient;

use crate::{Fixture, run};

async fn fill(admin: &mut RedisClient, prefix: &str, keys: std::ops::Range<u32>) {
    let set = |n: u32| {
        vec![b"SET".to_vec(), format!("{prefix}:{n:06}").into_bytes(), format!("{{\"n\":{n}}}").into_bytes()]
    };
    admin.ask_all(&keys.map(set).collect::<Vec<_>>()).await.unwrap();
}

/// Reads everything, page by page; `between` runs after each page. Gives how often each key came and the kinds of cursors.
async fn walk(
    fixture: &Fixture,
    limit: u64,
    mut between: impl AsyncFnMut(usize),
) -> (HashMap<String, usize>, Vec<CursorKind>) {
    let (mut seen, mut kinds) = (HashMap::new(), Vec::new());
    let mut options = json!({"limit": limit});
    for page in 0.. {
        // Each page on a connection of its own, as a pool may have it.
        let mut session = fixture.session().await;
        let answer = job(&mut *session, Kind::Read, "t", &options).await.unwrap();
        for row in &answer.rows {
            *seen.entry(row["_key"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        kinds.extend(answer.page.cursor_kind);
        let Some(next) = answer.page.next_cursor else { break };
        assert_eq!(answer.rows.len() as u64, limit, "a page that another follows is full");
        options = json!({"limit": limit, "cursor": next});
        between(page).await;
    }
    (seen, kinds)
}

#[tokio::test]
async fn a_small_database_is_read_by_its_keys_and_an_old_cursor_goes_on() {
    let fixture = Fixture::plain().await;
    let mut admin = fixture.admin().await;
    fill(&mut admin, "t", 0..2_500).await;
    fill(&mut admin, "u", 0..500).await;
    let (seen, kinds) = walk(&fixture, 999, async |_| {}).await;
    assert!(seen.len() == 2_500 && seen.values().all(|times| *times == 1));
    assert_eq!(kinds, [CursorKind::Keyset; 2]);
    let mut session = fixture.session().await;
    // As the published bridge issued it: the last key of the page before.
    let options = json!({"limit": 2, "cursor": "t:001233", "fields": ["n"]});
    let answer = job(&mut *session, Kind::Read, "t", &options).await.unwrap();
    assert_eq!(answer.rows, [json!({"n": 1234}), json!({"n": 1235})]);
}

#[tokio::test]
async fn a_large_database_is_swept_once_and_no_row_that_stays_is_lost() {
    let fixture = Fixture::plain().await;
    let mut admin = fixture.admin().await;
    fill(&mut admin, "noise", 0..100_000).await;
    fill(&mut admin, "t", 0..5_000).await;
    for limit in [700, 4_999] {
        let (seen, kinds) = walk(&fixture, limit, async |_| {}).await;
        assert!(seen.len() == 5_000 && seen.values().all(|times| *times == 1), "pages of {limit}");
        assert!(kinds.iter().all(|kind| *kind == CursorKind::Scan));
    }
    // The table grows and shrinks while it is read.
    let (seen, _) = walk(&fixture, 400, async |page| {
        let mut admin = fixture.admin().await;
        let first = 200_000 + 60_000 * u32::try_from(page / 2).unwrap();
        match page % 2 {
            0 => fill(&mut admin, "noise", first..first + 60_000).await,
            _ => {
                let gone: Vec<Vec<Vec<u8>>> = (first..first + 60_000)
                    .map(|n| vec![b"DEL".to_vec(), format!("noise:{n:06}").into_bytes()])
                    .collect();
                admin.ask_all(&gone).await.unwrap();
            }
        }
    })
    .await;
    assert_eq!(seen.len(), 5_000, "rows that were there all the time are read");
}

#[tokio::test]
async fn rows_that_go_or_become_something_else_are_passed_over() {
    let fixture = Fixture::plain().await;
    let mut admin = fixture.admin().await;
    fill(&mut admin, "t", 0..100).await;
    let (seen, _) = walk(&fixture, 10, async |page| {
        let mut admin = fixture.admin().await;
        match page {
            0 => run(&mut admin, &["DEL t:000050", "DEL t:000009"]).await,
            1 => {
                run(&mut admin, &["DEL t:000060", "RPUSH t:000060 x", "DEL t:000070", "HSET t:000070 n 1"])
                    .await
            }
            _ => {}
        }
    })
    .await;
    assert_eq!(seen.len(), 98);
    assert!(
        !seen.contains_key("t:000050") && !seen.contains_key("t:000060") && seen.contains_key("t:000070")
    );
}

#[tokio::test]
async fn a_result_without_a_limit_is_whole() {
    let fixture = Fixture::plain().await;
    fill(&mut fixture.admin().await, "t", 0..30_000).await;
    let mut session = fixture.session().await;
    let answer = job(&mut *session, Kind::Query, "t", &json!({"where": {"n": {"$gte": 10}}})).await.unwrap();
    assert_eq!((answer.rows.len(), answer.page.total), (29_990, Some(29_990)));
    let answer =
        job(&mut *session, Kind::Query, "t", &json!({"orderBy": {"n": "desc"}, "limit": 3})).await.unwrap();
    let numbers: Vec<i64> = answer.rows.iter().filter_map(|row| row["n"].as_i64()).collect();
    assert_eq!((numbers, answer.page.total), (vec![29_999, 29_998, 29_997], Some(30_000)));
}
