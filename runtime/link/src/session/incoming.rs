//! What arrives, and what a session does with it.

use std::sync::Arc;

use runner_protocol::limits::HEARTBEAT_INTERVAL;
use runner_protocol::{
    AssignedSources, GatewayFrame, HelloAck, Incoming, Job, codes, decode_gateway, features,
};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{Cause, FEATURES, Flow, Phase, Session, ending};
use crate::disconnect::Disconnect;
use crate::observer::LinkState;
use crate::reply::JobReply;
use crate::send_queue::Refused;

impl Session<'_> {
    pub(super) fn on_message(&mut self, message: Option<Result<Message, Error>>) -> Flow {
        match message {
            Some(Ok(Message::Text(text))) => self.on_frame(text.as_bytes()),
            Some(Ok(Message::Binary(bytes))) => self.on_frame(&bytes),
            Some(Ok(Message::Close(frame))) => Flow::Break(Cause::Lost(ending::closed(frame))),
            // Pings are answered by the library; a pong's arrival has already been noted.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Flow::Continue(()),
            Some(Err(error)) => Flow::Break(Cause::Lost(ending::of_error(error))),
            None => Flow::Break(Cause::Lost(Disconnect::Abnormal { cause: None })),
        }
    }

    fn on_frame(&mut self, frame: &[u8]) -> Flow {
        match decode_gateway(frame) {
            Ok(Incoming::Frame(frame)) => return self.on_known(frame),
            Ok(Incoming::BadJob { id, reason }) => return self.on_bad_job(&id, reason),
            Ok(Incoming::Unknown { kind }) => {
                tracing::debug!(kind = ?kind, "frame of an unknown type ignored");
            }
            Err(error) => self.log.unreadable(&error),
        }
        Flow::Continue(())
    }

    fn on_known(&mut self, frame: GatewayFrame) -> Flow {
        match frame {
            GatewayFrame::Job(job) => return self.on_job(*job),
            GatewayFrame::Cancel(cancel) => {
                if self.queue.is_running(&cancel.id) {
                    self.context.handler.cancel(&cancel.id);
                }
            }
            GatewayFrame::Credit(credit) => self.queue.credit(&credit),
            GatewayFrame::Ping(_) => self.heartbeat(),
            GatewayFrame::HelloAck(ack) => self.on_ack(ack),
            GatewayFrame::AssignmentsChanged(changed) => self.assign(changed.assigned_sources),
        }
        Flow::Continue(())
    }

    fn on_ack(&mut self, ack: HelloAck) {
        let HelloAck { assigned_sources, features: theirs, session_id, .. } = ack;
        if matches!(self.phase, Phase::Running { .. }) {
            // The set it carries is as good as any; the features of a session are agreed once.
            tracing::warn!("a second hello-ack; only its assigned sources are used");
            self.assign(assigned_sources);
            return;
        }
        let now = Instant::now();
        self.phase = Phase::Running { since: now, next_heartbeat: now + HEARTBEAT_INTERVAL };
        let agreed = features::in_common(&FEATURES, &theirs);
        if features::has(&agreed, features::CREDIT) {
            self.queue.enable_windows();
        }
        self.drain_agreed = features::has(&agreed, features::DRAIN);
        let sources = assigned_sources.len();
        self.assign(assigned_sources);
        self.context.observer.changed(&LinkState::Acknowledged {
            session_id: session_id.as_deref().unwrap_or(&self.session_id),
            features: &agreed,
            sources,
        });
    }

    fn assign(&mut self, sources: AssignedSources) {
        let malformed = sources.malformed();
        if malformed > 0 {
            tracing::warn!(malformed, "assigned sources that cannot be read were left out");
        }
        self.context.handler.assigned(sources.into_vec());
    }

    fn on_job(&mut self, job: Job) -> Flow {
        match self.queue.open(&job.id) {
            Ok((key, id)) => {
                let reply = JobReply::new(Arc::clone(&self.queue), key, id);
                self.context.handler.job(job, reply);
                Flow::Continue(())
            }
            Err(refused) => self.refuse(&job.id, refused),
        }
    }

    fn on_bad_job(&mut self, id: &str, reason: &'static str) -> Flow {
        match self.queue.open(id) {
            Ok((key, id)) => {
                self.log.dropped_job(&id, reason);
                let reply = JobReply::new(Arc::clone(&self.queue), key, id);
                reply.error(codes::INVALID_JOB, reason, false, None);
                Flow::Continue(())
            }
            Err(refused) => self.refuse(id, refused),
        }
    }

    fn refuse(&mut self, id: &str, refused: Refused) -> Flow {
        match refused {
            // No frame: any frame with this id would speak for the job that is running.
            Refused::Duplicate => {
                self.log.dropped_job(id, "a job with the id of one that is running was dropped");
                Flow::Continue(())
            }
            Refused::Unread => Flow::Break(Cause::Lost(Disconnect::AnswersUnread)),
        }
    }
}
