//! A source's stages as the report shows them, with connectors that stop where a test wants.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy knows the test functions, not what they share"
)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use connector_api::{OpenContext, PathRules, Session, Source, Stage, StageReport};
use connector_model::error::{Error, ErrorCode, Result};
use dial::{AddressFilter, Dialer, Roots};
use runner_doctor::text::Text;
use runner_doctor::{Area, Check, Openable, Report, SourceSubject, Status, Subject, Verdict, examine};

/// Passes these stages, then fails; without an error it never answers.
struct Scripted {
    passes: Vec<(Stage, &'static str, Option<&'static str>)>,
    fails: Option<Error>,
}

#[async_trait]
impl Source for Scripted {
    async fn open(&self, cx: &OpenContext) -> Result<Box<dyn Session>> {
        for (stage, note, warning) in &self.passes {
            let report = StageReport::new(*stage, Duration::from_millis(12), *note);
            cx.passed(match warning {
                Some(warning) => report.with_warning(*warning),
                None => report,
            });
        }
        match &self.fails {
            Some(error) => Err(error.clone()),
            None => Err(cx.call.stopped().await.error()),
        }
    }
}

fn openable(name: &str, source: Scripted) -> SourceSubject {
    let openable = Openable {
        source: Box::new(source),
        origin: format!("postgres, from SEMILAYER_SOURCE_{}_URL", name.to_uppercase()),
        filter: AddressFilter::unrestricted(),
        paths: PathRules::Unrestricted,
    };
    SourceSubject { name: name.to_owned(), openable: Ok(openable) }
}

async fn examined(sources: Vec<SourceSubject>) -> Report {
    let dialer = Dialer::new(Roots::only(&[]).unwrap());
    let known = vec![Check::new(Area::Config, "config", Status::Passed, "loaded")];
    examine(Subject {
        known,
        gateway: None,
        sources,
        modules: Vec::new(),
        dialer,
        application: Arc::from("doctor"),
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn every_source_is_told_up_to_its_first_failure_with_the_remedy_of_its_kind() {
    let refused = Error::native(
        ErrorCode::SourceAuthFailed,
        "password authentication failed for user \"app\"",
        "28P01",
    )
    .with("stage", "auth")
    .with("hint", "ask the administrator");
    let closed = Error::new(ErrorCode::SourceUnreachable, "10.0.0.9:5432: connection refused")
        .with("stage", "tcp")
        .with("kind", "refused");
    let sources = vec![
        openable(
            "main",
            Scripted {
                passes: vec![
                    (Stage::Config, "complete", None),
                    (Stage::Dns, "db → 10.0.0.7", None),
                    (Stage::Tcp, "10.0.0.7:5432", None),
                    (Stage::Tls, "TLSv1.3, encrypted, not verified", Some("the certificate is not checked")),
                ],
                fails: Some(refused),
            },
        ),
        openable("far", Scripted { passes: vec![(Stage::Dns, "far → 10.0.0.9", None)], fails: Some(closed) }),
        openable("slow", Scripted { passes: vec![(Stage::Dns, "slow → 10.0.0.8", None)], fails: None }),
        SourceSubject {
            name: "half".to_owned(),
            openable: Err(Error::config("host", "is required and not set")),
        },
    ];
    let report = examined(sources).await;
    assert_eq!(report.verdict(), Verdict::Source);
    insta::assert_snapshot!(Text { report: &report, colour: false });
}

#[tokio::test(start_paused = true)]
async fn many_hanging_sources_end_within_the_bound_of_the_whole() {
    let hanging = || Scripted { passes: Vec::new(), fails: None };
    let sources = (0..200).map(|number| openable(&format!("s{number}"), hanging())).collect();
    let began = tokio::time::Instant::now();
    let report = examined(sources).await;
    assert!(began.elapsed() <= Duration::from_secs(61), "{:?}", began.elapsed());
    assert_eq!(report.failures(), 200);
    let unfinished = report.checks.iter().filter(|check| check.name == "examination").count();
    assert!(unfinished > 0 && unfinished < 150, "{unfinished}");
}
