//! A client of the second version of Redis' protocol, enough to fill a server.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme};

use crate::certificates::Certificates;
use crate::postgres::APP_PASSWORD;

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedisReply {
    /// Nothing is there.
    Nil,
    /// A text, or a status.
    Text(Vec<u8>),
    /// A whole number.
    Integer(i64),
    /// Several answers.
    List(Vec<RedisReply>),
    /// A refusal.
    Error(String),
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection of the user who may do everything.
pub struct RedisClient {
    stream: BufReader<Box<dyn Stream>>,
}

impl std::fmt::Debug for RedisClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RedisClient")
    }
}

impl RedisClient {
    /// Connects and logs in. With certificates it speaks TLS; whether the server's is a good one is the tests' question.
    pub(crate) async fn connect(port: u16, tls: Option<&Certificates>) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.context("connecting to Redis")?;
        stream.set_nodelay(true)?;
        let stream: Box<dyn Stream> = match tls {
            None => Box::new(stream),
            Some(_) => Box::new(unchecked()?.connect(ServerName::try_from("localhost")?, stream).await?),
        };
        let mut client = Self { stream: BufReader::new(stream) };
        client.run(&[b"AUTH", APP_PASSWORD.as_bytes()]).await?;
        Ok(client)
    }

    /// Runs one command.
    ///
    /// # Errors
    /// When the connection breaks, or the server refuses it.
    pub async fn run(&mut self, words: &[&[u8]]) -> Result<RedisReply> {
        match self.ask(words).await? {
            RedisReply::Error(message) => bail!("Redis refused {:?}: {message}", words.first()),
            reply => Ok(reply),
        }
    }

    /// Runs one command; a refusal is an answer.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn ask(&mut self, words: &[&[u8]]) -> Result<RedisReply> {
        let mut replies = self.ask_all(&[words.iter().map(|word| word.to_vec()).collect()]).await?;
        replies.pop().context("an answer")
    }

    /// Runs many commands in one go; refusals are answers.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn ask_all(&mut self, commands: &[Vec<Vec<u8>>]) -> Result<Vec<RedisReply>> {
        const AT_ONCE: usize = 500;
        let mut replies = Vec::with_capacity(commands.len());
        for some in commands.chunks(AT_ONCE) {
            let mut out = Vec::new();
            for words in some {
                out.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
                for word in words {
                    out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
                    out.extend_from_slice(word);
                    out.extend_from_slice(b"\r\n");
                }
            }
            self.stream.get_mut().write_all(&out).await?;
            self.stream.get_mut().flush().await?;
            for _ in some {
                replies.push(self.reply().await?);
            }
        }
        Ok(replies)
    }

    async fn reply(&mut self) -> Result<RedisReply> {
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        let text = line.trim_end_matches(['\r', '\n']);
        let Some((sign, rest)) = text.split_at_checked(1) else { bail!("Redis closed the connection") };
        Ok(match sign {
            "+" => RedisReply::Text(rest.as_bytes().to_vec()),
            "-" => RedisReply::Error(rest.to_owned()),
            ":" => RedisReply::Integer(rest.parse()?),
            "$" if rest == "-1" => RedisReply::Nil,
            "$" => {
                let mut bytes = vec![0; rest.parse::<usize>()? + 2];
                self.stream.read_exact(&mut bytes).await?;
                bytes.truncate(bytes.len() - 2);
                RedisReply::Text(bytes)
            }
            "*" if rest == "-1" => RedisReply::Nil,
            "*" => {
                let mut items = Vec::new();
                for _ in 0..rest.parse::<usize>()? {
                    items.push(Box::pin(self.reply()).await?);
                }
                RedisReply::List(items)
            }
            _ => bail!("no answer of Redis: {text:?}"),
        })
    }
}

fn unchecked() -> Result<TlsConnector> {
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Takes any certificate: the tests fill servers whose certificate is a bad one, too.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
