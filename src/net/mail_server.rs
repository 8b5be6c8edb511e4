//! Connections to a mail server. TLS is verified as for every other server; nothing is sent in clear text but the
//! request for TLS, unless that is asked for.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::extension::ClientId;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
    ReadBuf, Take,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::endpoint::Endpoint;
use super::tls_problem::TlsProblem;
use super::trust::{Trust, TrustError};
use crate::domain::notification::MailTls;
use crate::domain::text::sanitize_truncate;

#[derive(Clone, Debug)]
pub struct MailServer {
    endpoint: Endpoint,
    tls: MailTls,
    config: Arc<ClientConfig>,
}

/// Why there is no connection that a mail can be sent over.
#[derive(Debug, thiserror::Error)]
pub enum MailServerError {
    #[error("cannot be reached")]
    Connect(#[source] io::Error),
    #[error("does not answer within {} s", .0.as_secs())]
    Timeout(Duration),
    #[error("has no usable certificate: {0}")]
    Tls(TlsProblem),
    /// The server could be one that was put in between: nothing is sent without TLS then.
    #[error("does not offer STARTTLS, so nothing was sent")]
    NoStartTls,
    #[error("refused {command}: {reply}")]
    Refused { command: &'static str, reply: String },
    #[error("broke the protocol")]
    Protocol(#[source] lettre::transport::smtp::Error),
}

impl MailServer {
    /// # Errors
    /// When what to trust cannot be read.
    pub fn new(endpoint: Endpoint, tls: MailTls, trust: &Trust) -> Result<Self, TrustError> {
        Ok(Self { endpoint, tls, config: trust.client_config()? })
    }

    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Connects, and greets the server.
    ///
    /// # Errors
    /// When the server cannot be reached, is not trusted, or offers no TLS where it has to.
    pub async fn connect(&self, limit: Duration) -> Result<AsyncSmtpConnection, MailServerError> {
        let connected = tokio::time::timeout(limit, self.open()).await;
        connected.unwrap_or(Err(MailServerError::Timeout(limit)))
    }

    async fn open(&self) -> Result<AsyncSmtpConnection, MailServerError> {
        let tcp = TcpStream::connect((self.endpoint.host(), self.endpoint.port()))
            .await
            .map_err(MailServerError::Connect)?;
        let stream: Box<dyn AsyncTokioStream> = match self.tls {
            MailTls::None => Box::new(tcp),
            MailTls::Implicit => Box::new(Encrypted { greeting: b"", tls: self.tls(tcp).await? }),
            MailTls::Starttls => {
                let tls = self.tls(request_tls(tcp).await?).await?;
                Box::new(Encrypted { greeting: GREETING, tls })
            }
        };
        AsyncSmtpConnection::connect_with_transport(stream, &ClientId::default())
            .await
            .map_err(MailServerError::Protocol)
    }

    async fn tls(&self, tcp: TcpStream) -> Result<TlsStream<TcpStream>, MailServerError> {
        let host = self.endpoint.host().to_owned();
        let name = ServerName::try_from(host)
            .map_err(|error| MailServerError::Tls(TlsProblem::Other(error.to_string())))?;
        let connected = TlsConnector::from(Arc::clone(&self.config)).connect(name, tcp).await;
        connected.map_err(|error| {
            let problem = TlsProblem::find(&error);
            MailServerError::Tls(problem.unwrap_or_else(|| TlsProblem::of_io(&error)))
        })
    }
}

/// Asks for TLS (RFC 3207). What the server says before is not trusted and not kept.
async fn request_tls(mut tcp: TcpStream) -> Result<TcpStream, MailServerError> {
    let mut clear = BufReader::new((&mut tcp).take(MOST));
    reply(&mut clear, "the connection").await?;
    let has_tls = |line: &String| {
        line.get(4..).is_some_and(|word| word.trim().eq_ignore_ascii_case("STARTTLS"))
    };
    if !ask(&mut clear, EHLO).await?.iter().any(has_tls) {
        return Err(MailServerError::NoStartTls);
    }
    ask(&mut clear, "STARTTLS").await?;
    if !clear.buffer().is_empty() {
        // Text that somebody inserted on the way would count as sent by the server over TLS.
        let reply = "more text follows the reply, in front of TLS".to_owned();
        return Err(MailServerError::Refused { command: "STARTTLS", reply });
    }
    drop(clear);
    Ok(tcp)
}

type Clear<'tcp> = BufReader<Take<&'tcp mut TcpStream>>;

async fn ask(clear: &mut Clear<'_>, command: &'static str) -> Result<Vec<String>, MailServerError> {
    let line = format!("{command}\r\n");
    let tcp = clear.get_mut().get_mut();
    tcp.write_all(line.as_bytes()).await.map_err(MailServerError::Connect)?;
    reply(clear, command).await
}

/// Reads the lines of a reply: all but the last have a hyphen behind the code.
async fn reply(
    clear: &mut Clear<'_>,
    command: &'static str,
) -> Result<Vec<String>, MailServerError> {
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        clear.read_until(b'\n', &mut line).await.map_err(MailServerError::Connect)?;
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        let is_last = line.as_bytes().get(3) != Some(&b'-');
        lines.push(line);
        if is_last {
            break;
        }
    }
    if lines.last().is_some_and(|last| last.starts_with('2')) {
        return Ok(lines);
    }
    Err(MailServerError::Refused { command, reply: sanitize_truncate(&lines.join(" "), 200) })
}

/// An encrypted stream. After STARTTLS a server sends no greeting, so that the client of the protocol, which waits for
/// one, gets this one.
#[derive(Debug)]
struct Encrypted {
    greeting: &'static [u8],
    tls: TlsStream<TcpStream>,
}

impl AsyncTokioStream for Encrypted {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.tls.get_ref().0.peer_addr()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.greeting.is_empty() {
            return Pin::new(&mut self.tls).poll_read(context, buffer);
        }
        let (now, later) = self.greeting.split_at(self.greeting.len().min(buffer.remaining()));
        buffer.put_slice(now);
        self.greeting = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tls).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_shutdown(context)
    }
}

const GREETING: &[u8] = b"220 TLS\r\n";

/// The address literal that a client without a name of its own sends (RFC 5321, 4.1.4).
const EHLO: &str = "EHLO [127.0.0.1]";

/// What a server may send before TLS, in bytes.
const MOST: u64 = 64 * 1024;
