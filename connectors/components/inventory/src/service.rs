//! Requests to the service, and what its refusals mean.

use semilayer_connector::error::{forbidden, query_failed, unauthenticated};
use semilayer_connector::http::{Client, Response};
use semilayer_connector::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// How much of a refusal's text an error shows, in bytes.
const EXCERPT_BYTES: u64 = 1_000;

/// One session: the client that keeps asking.
#[derive(Debug)]
pub struct Service {
    client: Client,
    page_rows: u32,
}

impl Service {
    pub(crate) fn new(url: &str, token: Option<&Secret>, page_rows: u32) -> Result<Service> {
        let client = Client::new(url)?;
        let client = match token {
            Some(token) => client.bearer(token.expose())?,
            None => client,
        };
        Ok(Service { client, page_rows: page_rows.max(1) })
    }

    pub(crate) fn version(&self) -> Result<String> {
        #[derive(Deserialize)]
        struct Health {
            version: String,
        }
        let health: Health = accepted(self.client.get("/health").send()?)?.body.json()?;
        Ok(health.version)
    }

    /// The next rows of a list behind the one with the key `after`, and whether they are the last.
    pub(crate) fn page<T: DeserializeOwned>(
        &self,
        list: &str,
        after: Option<&str>,
        parameter: Option<(&str, &str)>,
    ) -> Result<(Vec<T>, bool)> {
        let mut request = self.client.get(list).query("limit", &self.page_rows.to_string());
        for (name, value) in after.map(|after| ("after", after)).into_iter().chain(parameter) {
            request = request.query(name, value);
        }
        let rows: Vec<T> = accepted(request.send()?)?.body.json()?;
        let is_last = rows.len() < self.page_rows as usize;
        Ok((rows, is_last))
    }
}

fn accepted(response: Response) -> Result<Response> {
    match response.status {
        200..=299 => Ok(response),
        401 => Err(unauthenticated("the service does not accept the token; check the setting `token`")),
        403 => Err(forbidden("the token does not allow this; ask for one that may read")),
        status => Err(query_failed(status.to_string(), response.body.excerpt(EXCERPT_BYTES))),
    }
}
