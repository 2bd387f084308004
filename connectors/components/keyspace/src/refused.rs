//! What a server's refusal means to whoever sent the job.

use semilayer_connector::error;
use semilayer_connector::prelude::Error;

use crate::reply::{Refusal, Reply};

/// A refusal of `command` as an error. Codes are Redis' own words; what none of them says is the query's failure.
pub fn refused(command: &str, refusal: &Refusal) -> Error {
    let Refusal { code, message } = refusal;
    let native = |hint: &str| error::query_failed(code.as_str(), format!("{message}; {hint}"));
    match code.as_str() {
        "WRONGPASS" => error::unauthenticated("the server refused the user name or the password"),
        "NOAUTH" => error::unauthenticated(
            "the server wants a password: set `password`, and `username` if it has users",
        ),
        "NOPERM" => error::forbidden(format!(
            "the user may not run {command} on these keys; the connector needs SCAN, GET, HGETALL, TYPE and DBSIZE: \
             ACL SETUSER … +scan +get +hgetall +type +dbsize ~*"
        )),
        "MOVED" | "ASK" | "CROSSSLOT" => native(
            "the server is one node of a cluster and holds a part of the keys only; connect to a server that has all of \
             them",
        ),
        "CLUSTERDOWN" => native("the cluster has no node for some of its keys").with_retryable(true),
        "LOADING" => native("it is still reading its data; try again in a while").with_retryable(true),
        "MASTERDOWN" => native("the replica has lost its primary; try again in a while").with_retryable(true),
        "BUSY" | "TRYAGAIN" => native("try again in a while").with_retryable(true),
        "READONLY" => native("the connector writes nothing: is there a proxy that does?"),
        _ => error::query_failed(code.as_str(), message.as_str()),
    }
}

/// An answer that the command never has.
pub fn unexpected(command: &str, reply: &Reply) -> Error {
    match reply {
        Reply::Refused(refusal) => refused(command, refusal),
        other => {
            let kind = match other {
                Reply::Nil => "nothing",
                Reply::Text(_) => "a text",
                Reply::Integer(_) | Reply::Double(_) => "a number",
                Reply::Boolean(_) => "a boolean",
                Reply::List(_) => "a list",
                Reply::Pairs(_) | Reply::Refused(_) => "pairs",
            };
            error::query_failed(
                "PROTOCOL",
                format!("the server answered {command} with {kind}, which no Redis does"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use semilayer_connector::prelude::ErrorCode;

    fn of(line: &str) -> Error {
        refused("SCAN", &Refusal::of(line))
    }

    #[test]
    fn every_code_says_what_to_do() {
        for (line, code, retryable, words) in [
            ("WRONGPASS invalid username-password pair", ErrorCode::SourceAuthFailed, false, "password"),
            ("NOAUTH Authentication required.", ErrorCode::SourceAuthFailed, false, "`password`"),
            ("NOPERM this user has no permissions", ErrorCode::SourceQueryFailed, false, "+scan"),
            ("MOVED 3999 127.0.0.1:6381", ErrorCode::SourceQueryFailed, false, "cluster"),
            (
                "LOADING Redis is loading the dataset in memory",
                ErrorCode::SourceQueryFailed,
                true,
                "try again",
            ),
            (
                "READONLY You can't write against a read only replica.",
                ErrorCode::SourceQueryFailed,
                false,
                "writes nothing",
            ),
            ("MASTERDOWN Link with MASTER is down", ErrorCode::SourceQueryFailed, true, "primary"),
            ("ERR unknown command", ErrorCode::SourceQueryFailed, false, "unknown command"),
        ] {
            let error = of(line);
            assert_eq!((error.code(), error.retryable()), (code, retryable), "{line}");
            assert!(error.message().contains(words), "{error}");
        }
    }

    #[test]
    fn an_answer_of_another_kind_is_the_servers_fault() {
        let error = unexpected("TYPE", &Reply::Integer(3));
        assert_eq!(error.code(), ErrorCode::SourceQueryFailed);
        assert!(error.message().contains("TYPE with a number"), "{error}");
    }
}
