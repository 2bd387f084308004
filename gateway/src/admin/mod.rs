//! `semilayer-gateway admin`: an HTTP client of a running gateway, never of its database.

mod arguments;
mod client;
mod tables;

use std::io::Write;

use serde_json::{Value, json};

use crate::command::{Exit, say};
use crate::environment::Environment;
use arguments::{Action, KeyAction, RunnerAction, SourceAction};
use client::{Client, ClientError};

pub(crate) use arguments::AdminCommand;

/// Does what an `admin` command says.
pub(crate) async fn run(
    command: AdminCommand,
    environment: &Environment,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
) -> Exit {
    let client = match Client::new(environment) {
        Ok(client) => client,
        Err(error) => {
            say(err, format_args!("error: {error}"));
            return Exit::Configuration;
        }
    };
    match answer(&client, &command.action).await {
        Ok(body) if command.json => say(out, body),
        Ok(body) => tables::print(&command.action, &body, out),
        Err(error) => {
            say(err, format_args!("error: {error}"));
            return Exit::Failure;
        }
    }
    Exit::Success
}

async fn answer(client: &Client, action: &Action) -> Result<Value, ClientError> {
    match action {
        Action::Runners { action } => runners(client, action).await,
        Action::Sources { action } => match action {
            SourceAction::Connect { name, bridge, timeout_ms } => {
                let body = json!({ "name": name, "bridge": bridge, "timeoutMs": timeout_ms });
                client.post(&["v1", "sources"], &body).await
            }
            SourceAction::List => client.list(&["v1", "sources"], "sources").await,
            SourceAction::Delete { name } => client.delete(&["v1", "sources", name]).await,
        },
        Action::Keys { action } => match action {
            KeyAction::Create { kind, name } => {
                client.post(&["v1", "keys"], &json!({ "kind": kind, "name": name })).await
            }
            KeyAction::List => client.list(&["v1", "keys"], "keys").await,
            KeyAction::Revoke { id } => client.post(&["v1", "keys", id, "revoke"], &json!({})).await,
        },
        Action::Jobs { runner, source, status, since, limit } => {
            let query = [
                ("runner", runner.clone()),
                ("source", source.clone()),
                ("status", status.clone()),
                ("since", since.clone()),
                ("limit", limit.map(|limit| limit.to_string())),
            ];
            client.get(&["v1", "jobs"], &query).await
        }
        Action::Audit { runner, since, limit } => {
            let query = [
                ("runner", runner.clone()),
                ("since", since.clone()),
                ("limit", limit.map(|limit| limit.to_string())),
            ];
            client.get(&["v1", "audit"], &query).await
        }
    }
}

async fn runners(client: &Client, action: &RunnerAction) -> Result<Value, ClientError> {
    match action {
        RunnerAction::Create { name } => client.post(&["v1", "runners"], &json!({ "name": name })).await,
        RunnerAction::List => client.list(&["v1", "runners"], "runners").await,
        RunnerAction::Rotate { runner } => {
            client.post(&["v1", "runners", runner, "rotate"], &json!({})).await
        }
        RunnerAction::Revoke { runner } => {
            client.post(&["v1", "runners", runner, "revoke"], &json!({})).await
        }
        RunnerAction::Assign { runner, source } => {
            client.post(&["v1", "runners", runner, "assignments"], &json!({ "source": source })).await
        }
        RunnerAction::Unassign { runner, source } => {
            client.delete(&["v1", "runners", runner, "assignments", source]).await
        }
    }
}
