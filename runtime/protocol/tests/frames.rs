//! Every frame as it stands on the wire, and what decoding makes of good, strange and hostile bytes.

#![allow(clippy::unwrap_used, reason = "clippy knows the test functions, not what they share")]

use bytes::Bytes;
use proptest::prelude::*;
use runner_protocol::{
    AssignedSource, AssignmentsChanged, Cancel, Chunk, ConnectorInfo, ConnectorKind, CredentialsLocation,
    Credit, Done, DoneMeta, Draining, FrameProblem, GatewayFrame, Heartbeat, Hello, HelloAck, Incoming, Job,
    JobError, JobParams, JobSpec, Limits, Opaque, Ping, RawJson, RunnerFrame, SourceHealth, SourceState,
    Stats, decode_gateway, decode_runner, limits,
};
use serde_json::json;

fn opaque(text: &str) -> Opaque {
    Opaque::from_text(text.to_owned()).unwrap()
}

fn raw(text: &str) -> RawJson {
    RawJson::parse(Bytes::from(text.to_owned())).unwrap()
}

fn source() -> AssignedSource {
    AssignedSource {
        id: "5b0e".into(),
        name: "orders".into(),
        bridge: "@semilayer/bridge-postgres".into(),
        credentials_location: CredentialsLocation::RunnerLocal,
        config: None,
    }
}

fn managed() -> AssignedSource {
    AssignedSource {
        credentials_location: CredentialsLocation::Managed,
        config: Some(opaque(r#"{"host":"db","password":"hunter2"}"#)),
        ..source()
    }
}

fn runner_frames() -> Vec<RunnerFrame> {
    vec![
        RunnerFrame::Hello(Box::new(Hello {
            version: 1,
            runner_id: "3f2a".into(),
            capabilities: vec!["@semilayer/bridge-postgres".into()],
            runtime_version: Some("0.1.0".into()),
            features: vec!["credit".into(), "drain".into()],
            session_id: Some("s-1".into()),
            connectors: vec![ConnectorInfo {
                name: "@acme/bridge-thing".into(),
                version: "2.0.0".into(),
                kind: ConnectorKind::Wasm,
                digest: Some("sha256:00".into()),
                manifest: Some(opaque(r#"{"keys":[]}"#)),
            }],
            limits: Some(Limits { max_concurrent_jobs: 256 }),
        })),
        RunnerFrame::Heartbeat(Heartbeat {
            stats: Some(Stats {
                active_jobs: 2,
                memory_mb: Some(31),
                sources: vec![SourceHealth {
                    name: "orders".into(),
                    state: SourceState::Failing,
                    code: Some("SOURCE_UNREACHABLE".into()),
                    latency_ms: Some(12),
                    checked_at: "2026-01-01T00:00:00Z".into(),
                }],
            }),
        }),
        RunnerFrame::Heartbeat(Heartbeat::default()),
        RunnerFrame::Chunk(Chunk {
            id: "j1".into(),
            rows: raw(r#"[{"n":1}]"#),
            agg: None,
            total: None,
            approximate: None,
        }),
        RunnerFrame::Chunk(Chunk::count("j1", 7, false)),
        RunnerFrame::Chunk(Chunk {
            id: "j1".into(),
            rows: RawJson::empty_list(),
            agg: Some(raw(r#"[{"dims":{},"measures":{"n":1},"count":1}]"#)),
            total: None,
            approximate: None,
        }),
        RunnerFrame::Done(Done { id: "j1".into(), meta: None }),
        RunnerFrame::Done(Done {
            id: "j1".into(),
            meta: Some(DoneMeta {
                count: 10,
                duration_ms: 3,
                next_cursor: Some("42".into()),
                total: Some(99),
                cursor_kind: Some("offset".into()),
            }),
        }),
        RunnerFrame::Error(JobError {
            id: "j1".into(),
            code: "SOURCE_UNREACHABLE".into(),
            message: "connection refused".into(),
            retryable: Some(true),
            detail: json!({"stage": "tcp"}).as_object().cloned(),
        }),
        RunnerFrame::Draining(Draining {}),
    ]
}

fn gateway_frames() -> Vec<GatewayFrame> {
    vec![
        GatewayFrame::HelloAck(HelloAck {
            server_version: 1,
            assigned_sources: vec![source(), managed()].into(),
            features: vec!["credit".into()],
            session_id: Some("s-1".into()),
        }),
        GatewayFrame::AssignmentsChanged(AssignmentsChanged { assigned_sources: vec![].into() }),
        GatewayFrame::Job(Box::new(Job {
            id: "j1".into(),
            params: JobParams {
                source: source(),
                job: JobSpec {
                    kind: "query".into(),
                    target: Some("public.orders".into()),
                    options: Some(opaque(r#"{"limit": 10}"#)),
                },
            },
            deadline_ms: 5_000,
        })),
        GatewayFrame::Cancel(Cancel { id: "j1".into() }),
        GatewayFrame::Ping(Ping {}),
        GatewayFrame::Credit(Credit { id: "j1".into(), bytes: 65_536 }),
    ]
}

#[test]
fn runner_frames_on_the_wire() {
    let text: Vec<String> = runner_frames().iter().map(RunnerFrame::encode).collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn gateway_frames_on_the_wire() {
    let text: Vec<String> = gateway_frames().iter().map(GatewayFrame::encode).collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn every_frame_reads_back_as_it_was() {
    for frame in runner_frames() {
        assert_eq!(decode_runner(&frame.encode().into()), Ok(Incoming::Frame(frame)));
    }
    for frame in gateway_frames() {
        assert_eq!(decode_gateway(frame.encode().as_bytes()), Ok(Incoming::Frame(frame)));
    }
}

#[test]
fn a_later_version_with_more_fields_and_types_is_understood() {
    let job = r#"{"trace":{"a":[1]},"type":"job","id":"j1","priority":3,
        "params":{"lane":"x","source":{"id":"1","name":"a","bridge":"pg","credentialsLocation":"runner-local","region":"eu"},
        "job":{"kind":"teleport","hint":1}},"deadlineMs":0}"#;
    let Ok(Incoming::Frame(GatewayFrame::Job(job))) = decode_gateway(job.as_bytes()) else {
        panic!("not a job");
    };
    assert_eq!(job.params.job.kind, "teleport");
    assert_eq!(job.params.job.target, None);
    assert_eq!(job.params.job.options, None);
    assert_eq!(job.deadline_ms, limits::DEFAULT_DEADLINE_MS);

    assert_eq!(
        decode_gateway(br#"{"type":"teleport","id":7}"#),
        Ok(Incoming::Unknown { kind: "teleport".into() })
    );
    let long = format!(r#"{{"type":"{}"}}"#, "x".repeat(1_000));
    assert_eq!(decode_gateway(long.as_bytes()), Ok(Incoming::Unknown { kind: "x".repeat(64) }));

    let hello = Bytes::from_static(
        br#"{"type":"hello","version":1.0,"runnerId":"r","connectors":[{"name":"n","version":"1","kind":"jar"}]}"#,
    );
    let Ok(Incoming::Frame(RunnerFrame::Hello(hello))) = decode_runner(&hello) else { panic!("not a hello") };
    assert_eq!(hello.connectors[0].kind, ConnectorKind::Other);
}

#[test]
fn a_hello_ack_of_the_published_protocol_needs_none_of_our_fields() {
    let frame = decode_gateway(br#"{"type":"hello-ack","serverVersion":1,"assignedSources":[]}"#);
    let expected = HelloAck { server_version: 1, ..HelloAck::default() };
    assert_eq!(frame, Ok(Incoming::Frame(GatewayFrame::HelloAck(expected))));
}

#[test]
fn deadlines_as_other_languages_write_them() {
    let job = |deadline: &str| {
        format!(
            r#"{{"type":"job","id":"j","params":{{"source":{{"id":"1","name":"a","bridge":"b",
            "credentialsLocation":"managed"}},"job":{{"kind":"test","target":null,"options":null}}}}{deadline}}}"#
        )
    };
    for (text, expected) in [
        ("", 30_000),
        (r#","deadlineMs":0"#, 30_000),
        (r#","deadlineMs":null"#, 30_000),
        (r#","deadlineMs":1500.0"#, 1_500),
        (r#","deadlineMs":1500"#, 1_500),
    ] {
        match decode_gateway(job(text).as_bytes()) {
            Ok(Incoming::Frame(GatewayFrame::Job(job))) => {
                assert_eq!(job.deadline().as_millis(), expected, "{text}");
                assert_eq!(job.params.job.options, None);
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    let huge = job(&format!(r#","deadlineMs":{}"#, u64::MAX));
    let Ok(Incoming::Frame(GatewayFrame::Job(huge))) = decode_gateway(huge.as_bytes()) else {
        panic!("not a job");
    };
    assert_eq!(huge.deadline(), limits::MAX_DEADLINE);
}

#[test]
fn a_bad_job_with_an_id_says_which_field_and_never_what_was_in_it() {
    let source = r#""source":{"id":"1","name":"a","bridge":"b","credentialsLocation":"managed"}"#;
    let cases = [
        (r#""params":7"#.to_owned(), "params must be an object with source and job"),
        (r#""other":1"#.to_owned(), "params is missing"),
        (format!(r#""params":{{{source}}}"#), "params.job is missing"),
        (
            format!(r#""params":{{{source},"job":"secret"}}"#),
            "params.job must be an object with kind, target and options",
        ),
        (format!(r#""params":{{{source},"job":{{"kind":["secret"]}}}}"#), "params.job.kind must be a string"),
        (
            format!(r#""params":{{{source},"job":{{"kind":"q","target":{{"secret":1}}}}}}"#),
            "params.job.target must be a string",
        ),
        (
            format!(r#""params":{{{source},"job":{{"kind":"q"}}}},"deadlineMs":"secret""#),
            "deadlineMs must be a whole number of milliseconds that is not negative",
        ),
        (r#""params":{"job":{"kind":"q"}}"#.to_owned(), "params.source is missing"),
        (
            r#""params":{"source":{"config":{"password":"secret"}},"job":{"kind":"q"}}"#.to_owned(),
            "params.source must have id, name and bridge, and credentialsLocation managed or runner-local",
        ),
    ];
    for (fields, expected) in cases {
        let frame = format!(r#"{{"type":"job","id":"j1",{fields}}}"#);
        assert_eq!(
            decode_gateway(frame.as_bytes()),
            Ok(Incoming::BadJob { id: "j1".into(), reason: expected }),
            "{frame}"
        );
        let late = format!(r#"{{{fields},"type":"job","id":"j1"}}"#);
        assert_eq!(
            decode_gateway(late.as_bytes()),
            Ok(Incoming::BadJob { id: "j1".into(), reason: expected }),
            "{late}"
        );
    }
}

#[test]
fn a_malformed_frame_is_an_error_with_size_and_type_and_no_content() {
    let not_json = |column| FrameProblem::NotJson { line: 1, column };
    for (frame, kind, problem) in [
        ("", None, FrameProblem::NotJson { line: 1, column: 0 }),
        ("hunter2", None, not_json(1)),
        (r#"{"type":"pi"#, None, not_json(11)),
        (r#"{"type":"ping""#, Some("ping"), not_json(14)),
        (r#"{"type":"ping"} x"#, Some("ping"), not_json(17)),
        (r#"{"type":"job","id":"j1","params":7,"#, Some("job"), not_json(35)),
        (r#"{"type":"zap","x":}"#, None, not_json(19)),
        ("[1]", None, FrameProblem::NotAnObject),
        ("7", None, FrameProblem::NotAnObject),
        ("null", None, FrameProblem::NotAnObject),
        ("{}", None, FrameProblem::NoType),
        (r#"{"type":7}"#, None, FrameProblem::NoType),
        (r#"{"type":"job"}"#, Some("job"), FrameProblem::BadField),
        (r#"{"type":"job","id":7}"#, Some("job"), FrameProblem::BadField),
        (r#"{"type":"credit","id":"j1","bytes":"hunter2"}"#, Some("credit"), FrameProblem::BadField),
        (r#"{"type":"hello-ack","assignedSources":"hunter2"}"#, Some("hello-ack"), FrameProblem::BadField),
    ] {
        let error = decode_gateway(frame.as_bytes()).unwrap_err();
        assert_eq!((error.size, error.kind, error.problem), (frame.len(), kind, problem), "{frame}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}

#[test]
fn a_frame_over_the_limit_is_refused_before_it_is_read() {
    let mut frame = vec![b' '; limits::MAX_FRAME_BYTES + 1];
    frame[..4].copy_from_slice(b"{\"ty");
    let error = decode_gateway(&frame).unwrap_err();
    assert_eq!(error.problem, FrameProblem::TooLarge);
    assert_eq!(error.size, limits::MAX_FRAME_BYTES + 1);
}

#[test]
fn bytes_that_are_not_utf8_are_a_protocol_error() {
    for frame in [&b"{\"type\":\"\xff\"}"[..], b"{\"type\":\"ping\",\"x\":\"\xff\"}", b"\xff\xfe"] {
        match decode_gateway(frame) {
            // The ignored field of a ping is skipped without being looked at.
            Ok(frame) => assert_eq!(frame, Incoming::Frame(GatewayFrame::Ping(Ping {}))),
            Err(error) => {
                assert!(matches!(error.problem, FrameProblem::NotJson { .. } | FrameProblem::NoType))
            }
        }
    }
}

#[test]
fn deep_nesting_anywhere_does_not_touch_the_stack() {
    let run = || {
        for depth in [10_000, 200_000] {
            let deep = format!("{}{}", r#"{"and":["#.repeat(depth), "]}".repeat(depth));
            let job = format!(
                r#"{{"later":{deep},"type":"job","id":"j","params":{{"source":{{"id":"1","name":"a","bridge":"b",
                "credentialsLocation":"managed","config":{deep}}},"job":{{"kind":"query","target":"t",
                "options":{{"where":{deep}}}}}}},"extra":{deep}}}"#
            );
            let Ok(Incoming::Frame(GatewayFrame::Job(job))) = decode_gateway(job.as_bytes()) else {
                panic!("not a job");
            };
            assert_eq!(job.params.job.options.unwrap().get(), format!(r#"{{"where":{deep}}}"#));

            let bad = format!(r#"{{"type":"job","id":"j","params":{deep}}}"#);
            assert!(matches!(decode_gateway(bad.as_bytes()), Ok(Incoming::BadJob { .. })));

            let error = format!(r#"{{"type":"error","id":"j","code":"X","message":"","detail":{deep}}}"#);
            let Ok(Incoming::Frame(RunnerFrame::Error(error))) = decode_runner(&error.into()) else {
                panic!("not an error");
            };
            assert_eq!(error.detail, None);
        }
    };
    // A stack far smaller than any the runner uses: recursion per level would overflow it.
    std::thread::Builder::new().stack_size(256 * 1024).spawn(run).unwrap().join().unwrap();
}

#[test]
fn a_chunk_of_the_wrong_shape_names_its_job() {
    let frame = Bytes::from_static(br#"{"type":"chunk","id":"j1","rows":[],"total":"many"}"#);
    assert!(matches!(decode_runner(&frame), Ok(Incoming::BadJob { id, .. }) if id == "j1"));
}

fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<i64>().prop_map(|n| json!(n)),
        any::<bool>().prop_map(|b| json!(b)),
        any::<String>().prop_map(|s| json!(s)),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|list| json!(list)),
            prop::collection::btree_map(any::<String>(), inner, 0..3).prop_map(|map| json!(map)),
        ]
    })
    .prop_map(|value| value.to_string())
}

fn any_source() -> impl Strategy<Value = AssignedSource> {
    let config = prop::option::of(json_text().prop_filter("null reads as absent", |text| text != "null"));
    (any::<[String; 3]>(), any::<bool>(), config).prop_map(|([id, name, bridge], managed, config)| {
        AssignedSource {
            id,
            name,
            bridge,
            credentials_location: if managed {
                CredentialsLocation::Managed
            } else {
                CredentialsLocation::RunnerLocal
            },
            config: config.map(|text| opaque(&text)),
        }
    })
}

fn any_gateway_frame() -> impl Strategy<Value = GatewayFrame> {
    let options = prop::option::of(json_text().prop_filter("null reads as absent", |text| text != "null"));
    prop_oneof![
        (
            any::<u64>(),
            prop::collection::vec(any_source(), 0..3),
            any::<Vec<String>>(),
            any::<Option<String>>()
        )
            .prop_map(|(server_version, sources, features, session_id)| {
                let assigned_sources = sources.into();
                GatewayFrame::HelloAck(HelloAck { server_version, assigned_sources, features, session_id })
            }),
        prop::collection::vec(any_source(), 0..3).prop_map(|sources| {
            GatewayFrame::AssignmentsChanged(AssignmentsChanged { assigned_sources: sources.into() })
        }),
        (any::<[String; 2]>(), any_source(), any::<Option<String>>(), options, 1..u64::MAX).prop_map(
            |([id, kind], source, target, options, deadline_ms)| {
                let options = options.map(|text| opaque(&text));
                let params = JobParams { source, job: JobSpec { kind, target, options } };
                GatewayFrame::Job(Box::new(Job { id, params, deadline_ms }))
            }
        ),
        any::<String>().prop_map(|id| GatewayFrame::Cancel(Cancel { id })),
        Just(GatewayFrame::Ping(Ping {})),
        (any::<String>(), any::<u64>()).prop_map(|(id, bytes)| GatewayFrame::Credit(Credit { id, bytes })),
    ]
}

fn any_runner_frame() -> impl Strategy<Value = RunnerFrame> {
    let rows = prop::collection::vec(json_text(), 0..4).prop_map(|rows| format!("[{}]", rows.join(",")));
    prop_oneof![
        (any::<String>(), rows, any::<Option<u64>>(), any::<Option<bool>>()).prop_map(
            |(id, rows, total, approximate)| {
                RunnerFrame::Chunk(Chunk { id, rows: raw(&rows), agg: None, total, approximate })
            }
        ),
        (any::<String>(), any::<Option<(u64, u64, Option<String>, Option<u64>)>>()).prop_map(|(id, meta)| {
            let meta = meta.map(|(count, duration_ms, next_cursor, total)| DoneMeta {
                count,
                duration_ms,
                next_cursor,
                total,
                cursor_kind: None,
            });
            RunnerFrame::Done(Done { id, meta })
        }),
        (any::<[String; 3]>(), any::<Option<bool>>()).prop_map(|([id, code, message], retryable)| {
            RunnerFrame::Error(JobError { id, code, message, retryable, detail: None })
        }),
        (any::<u64>(), any::<Option<u64>>()).prop_map(|(active_jobs, memory_mb)| {
            RunnerFrame::Heartbeat(Heartbeat {
                stats: Some(Stats { active_jobs, memory_mb, sources: vec![] }),
            })
        }),
    ]
}

proptest! {
    #[test]
    fn gateway_frames_round_trip(frame in any_gateway_frame()) {
        prop_assert_eq!(decode_gateway(frame.encode().as_bytes()), Ok(Incoming::Frame(frame)));
    }

    #[test]
    fn runner_frames_round_trip(frame in any_runner_frame()) {
        prop_assert_eq!(decode_runner(&frame.encode().into()), Ok(Incoming::Frame(frame)));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let size = bytes.len();
        let runner = decode_runner(&bytes.clone().into());
        prop_assert!(runner.map_or_else(|error| error.size == size, |_| true));
        let gateway = decode_gateway(&bytes);
        prop_assert!(gateway.map_or_else(|error| error.size == size, |_| true));
    }

    #[test]
    fn a_frame_with_flipped_bytes_never_panics(
        frame in any_gateway_frame(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = frame.encode().into_bytes();
        for (index, byte) in flips {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        let size = bytes.len();
        prop_assert!(decode_gateway(&bytes).map_or_else(|error| error.size == size, |_| true));
        prop_assert!(decode_runner(&bytes.into()).map_or_else(|error| error.size == size, |_| true));
    }
}
