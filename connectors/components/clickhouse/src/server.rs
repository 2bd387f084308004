//! One server's HTTP interface.

use connector_sql::{ClickHouse as Dialect, Statement};
use semilayer_connector::http::{Client, Request, Response};
use semilayer_connector::prelude::*;

use crate::exception::{self, Fault};
use crate::lines::Lines;
use crate::location::Location;
use crate::request::carry;
use crate::settings::settings;
use crate::version::{OLDEST, Version};

/// What a request says of its sender; the server keeps it in its log of queries.
const AGENT: &str = "semilayer-runner";

/// The form of a result: what every line holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// An object by the columns' names.
    Objects,
    /// An array in the columns' order.
    Arrays,
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Form::Objects => "JSONEachRow",
            Form::Arrays => "JSONCompactEachRow",
        }
    }

    /// What a line begins and ends with.
    pub(crate) fn brackets(self) -> (u8, u8) {
        match self {
            Form::Objects => (b'{', b'}'),
            Form::Arrays => (b'[', b']'),
        }
    }
}

/// A server that statements are sent to.
#[derive(Debug)]
pub(crate) struct Server {
    client: Client,
    user: String,
    database: String,
    version: Version,
}

impl Server {
    /// A server; nothing is connected.
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` for a login that no request can carry.
    pub(crate) fn new(location: &Location) -> Result<Server> {
        let client = Client::to(&location.address())?.header("user-agent", AGENT)?;
        let client = if location.user.contains(':') {
            // Basic authentication ends a name at its first colon.
            let named = client.header("x-clickhouse-user", &location.user)?;
            named.header("x-clickhouse-key", location.password.expose())?
        } else {
            client.basic_auth(&location.user, location.password.expose())
        };
        let (user, database) = (location.user.clone(), location.database.clone());
        Ok(Server { client, user, database, version: OLDEST })
    }

    /// What the server has to know of itself from now on.
    pub(crate) fn is_of(&mut self, version: Version) {
        self.version = version;
    }

    fn request(&self, form: Form) -> Request {
        self.client.post("/").query("database", &self.database).query("default_format", form.name())
    }

    /// Runs a statement without a setting; for servers of any age.
    ///
    /// # Errors
    /// What the server refuses.
    pub(crate) fn plain(&self, text: &str) -> Result<Lines, Fault> {
        self.sent(self.request(Form::Objects).body(text), Form::Objects)
    }

    /// Runs a `SELECT`; the server knows it by the call's token with `turn` behind it, and gives it up when the call's time
    /// is over.
    ///
    /// # Errors
    /// What the server refuses.
    pub(crate) fn select(
        &self,
        statement: &Statement,
        form: Form,
        call: Option<(&Call, Turn)>,
    ) -> Result<Lines, Fault> {
        let mut request = self.request(form);
        for (name, value) in settings(self.version, call.map(|(call, _)| call.deadline)) {
            request = request.query(name, &value);
        }
        if let Some((call, turn)) = call {
            request = request.query("query_id", &turn.of(&call.token));
        }
        let parameters =
            Dialect::parameters(statement).map(|(name, value)| (format!("param_{name}"), value)).collect();
        self.sent(carry(request, &statement.text, parameters)?, form)
    }

    fn sent(&self, request: Request, form: Form) -> Result<Lines, Fault> {
        let response: Response = request.send()?;
        if exception::is_exception(&response) {
            return Err(exception::of_response(response, &self.user));
        }
        Ok(Lines::of(response, form, &self.user))
    }

    /// Stops what a call with this token has started.
    ///
    /// # Errors
    /// What the server refuses.
    pub(crate) fn kill(&self, token: &str) -> Result<(), Fault> {
        // A token is letters, digits and hyphens; anything else was never sent.
        if !token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Ok(());
        }
        let names = [Turn::First, Turn::Second].map(|turn| format!("'{}'", turn.of(token)));
        let text = format!("KILL QUERY WHERE query_id IN ({})", names.join(", "));
        // Another user's query of the same name would need a right; this one's own needs none, and no setting either.
        self.plain(&text)?.all().map(|_| ())
    }
}

/// Which statement of a call it is: two never have the same name, though the first may have failed a moment ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    First,
    Second,
}

impl Turn {
    fn of(self, token: &str) -> String {
        match self {
            Turn::First => token.to_owned(),
            Turn::Second => format!("{token}-2"),
        }
    }
}
