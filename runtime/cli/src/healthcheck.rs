//! `healthcheck`: the runner of this machine asked whether it lives, for a container that has no other program to ask with.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::exit::Exit;
use crate::settings::Serving;

/// How long each step may take; container engines give a check some seconds.
const LIMIT: Duration = Duration::from_secs(3);
/// What is read of the answer: its first line says enough.
const MAX_ANSWER: u64 = 1_024;
/// What a healthy runner's answer begins with.
const ALIVE: &[u8] = b"HTTP/1.1 200 ";

/// Asks `/livez` on the port that `PORT` names; without one nothing listens, and there is nothing to ask. Ends with
/// [`Exit::Failed`] when nobody answers.
///
/// # Errors
/// Those of the output.
pub fn run(serving: Serving, out: &mut dyn Write) -> io::Result<Exit> {
    let Some(port) = serving.port else {
        writeln!(out, "PORT is not set: nothing listens that could be asked")?;
        return Ok(Exit::Ok);
    };
    match asked(port) {
        Ok(answer) if answer.starts_with(ALIVE) => {
            writeln!(out, "alive")?;
            Ok(Exit::Ok)
        }
        Ok(_) => {
            writeln!(
                out,
                "port {port} answers, and not as a runner that is alive: is PORT another program's?"
            )?;
            Ok(Exit::Failed)
        }
        Err(error) => {
            writeln!(out, "no answer on port {port}: {error}")?;
            Ok(Exit::Failed)
        }
    }
}

fn asked(port: u16) -> io::Result<Vec<u8>> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// What it says of a port that answers so, and how it ends.
    fn checked(answer: Option<&'static [u8]>) -> (Exit, String) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let answering = answer.map(|answer| {
            let listener = listener.try_clone().unwrap();
            std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut asked = [0; 512];
                let _read = stream.read(&mut asked).unwrap();
                stream.write_all(answer).unwrap();
            })
        });
        drop(listener);
        let mut out = Vec::new();
        let exit = run(Serving { port: Some(port), ..Serving::default() }, &mut out).unwrap();
        answering.into_iter().for_each(|thread| thread.join().unwrap());
        (exit, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_runner_that_answers_lives_and_nothing_else_does() {
        assert_eq!(checked(Some(b"HTTP/1.1 200 OK\r\n\r\n")).0, Exit::Ok);
        let (exit, text) = checked(Some(b"SSH-2.0-x\r\n"));
        assert!(exit == Exit::Failed && text.contains("not as a runner"), "{text}");
        let (exit, text) = checked(None);
        assert!(exit == Exit::Failed && text.contains("no answer on port"), "{text}");
    }

    #[test]
    fn a_runner_that_listens_to_nobody_is_not_ill() {
        let mut out = Vec::new();
        assert_eq!(run(Serving::default(), &mut out).unwrap(), Exit::Ok);
    }
}
