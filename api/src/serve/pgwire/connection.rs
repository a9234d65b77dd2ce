//! One connection, from its first byte to its last.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use datafusion_postgres::pgwire::api::auth::protocol_negotiation;
use datafusion_postgres::pgwire::api::{
    ClientInfo, DefaultClient, PgWireConnectionState, PidSecretKeyGenerator,
    RandomPidSecretKeyGenerator,
};
use datafusion_postgres::pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::PgWireBackendMessage as Told;
use datafusion_postgres::pgwire::messages::PgWireFrontendMessage as Asked;
use datafusion_postgres::pgwire::messages::response::{ReadyForQuery, TransactionStatus};
use datafusion_postgres::pgwire::messages::startup::{
    Authentication, BackendKeyData, ParameterStatus, Startup,
};
use datafusion_postgres::pgwire::tokio::server::PgWireMessageServerCodec;
use futures::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tokio_util::codec::Framed;

use super::cancel::Registered;
use super::conversation::Conversation;
use super::error::{
    CANCELLED, CANNOT_CONNECT_NOW, IDLE, INVALID_AUTHORIZATION, INVALID_PASSWORD,
    PROTOCOL_VIOLATION, SHUTDOWN, TOO_MANY, UNCHECKED, error, fatal, of_reading,
};
use super::line::{Line, LineBounds};
use super::settings::Settings;
use super::{Refused, Service};

/// The messages of a connection.
pub(super) type Wire = Framed<Line, PgWireMessageServerCodec<()>>;

/// Bytes of a message that are not its statement: names, values.
const MESSAGE_EXTRA: usize = 1 << 20;

/// Bytes that are gathered before they are sent.
const SENT_AT_ONCE: usize = 32 << 10;

/// A connection that was just made.
pub(super) struct Connection {
    pub(super) service: Arc<Service>,
    pub(super) peer: SocketAddr,
    /// There are as many as there may be: this one is only told so.
    pub(super) surplus: bool,
    pub(super) stop: watch::Receiver<bool>,
}

/// A client that has been let in.
struct Admitted {
    wire: Wire,
    line: Line,
    conversation: Conversation,
    cancelled: Arc<Notify>,
    _registered: Registered,
}

impl Connection {
    /// Serves the connection.
    pub(super) async fn serve(mut self, stream: TcpStream) -> io::Result<()> {
        let admitted = tokio::select! {
            admitted = timeout(self.service.handshake_timeout, self.admit(stream)) => admitted,
            // Nothing is under way yet.
            () = stopped(self.stop.clone()) => return Ok(()),
        };
        match admitted {
            Ok(Ok(Some(admitted))) => Box::pin(self.converse(admitted)).await,
            Ok(Ok(None)) => Ok(()),
            Ok(Err(failure)) => Err(failure),
            Err(_) => {
                tracing::debug!(peer = %self.peer, "a PostgreSQL client did not say who it is in time");
                Ok(())
            }
        }
    }

    async fn admit(&self, stream: TcpStream) -> io::Result<Option<Admitted>> {
        let service = &self.service;
        let bounds = LineBounds {
            message_bytes: service.executor.bounds().text_bytes + MESSAGE_EXTRA,
            stall: service.idle_timeout,
        };
        let tls = service.tls.as_ref().map(|current| current());
        let Some((line, encrypted)) = Line::open(stream, tls, bounds).await? else {
            return Ok(None);
        };
        let client = DefaultClient::new(self.peer, encrypted);
        let mut wire = Framed::new(line.clone(), PgWireMessageServerCodec::new(client));
        wire.set_backpressure_boundary(SENT_AT_ONCE);
        wire.set_state(PgWireConnectionState::AwaitingStartup);
        match self.introduced(&mut wire).await {
            Ok(Some((conversation, registered, cancelled))) => Ok(Some(Admitted {
                wire,
                line,
                conversation,
                cancelled,
                _registered: registered,
            })),
            Ok(None) => Ok(None),
            Err(failure) => {
                tracing::debug!(peer = %self.peer, %failure, "a PostgreSQL client was not let in");
                // Whatever failed, nobody has been let in: the connection ends.
                let mut info = ErrorInfo::from(of_reading(failure));
                "FATAL".clone_into(&mut info.severity);
                info.severity_nonlocalized = Some("FATAL".to_owned());
                wire.send(Told::ErrorResponse(info.into())).await?;
                wire.close().await?;
                Ok(None)
            }
        }
    }

    /// Hears who the client is; none where it only wanted a statement of another connection cancelled.
    async fn introduced(
        &self,
        wire: &mut Wire,
    ) -> PgWireResult<Option<(Conversation, Registered, Arc<Notify>)>> {
        let startup = match wire.next().await.transpose()? {
            None => return Ok(None),
            Some(Asked::CancelRequest(request)) => {
                self.service.cancels.cancel(&request);
                return Ok(None);
            }
            Some(Asked::Startup(startup)) => startup,
            Some(_) => return Err(fatal(PROTOCOL_VIOLATION, "expected a startup message")),
        };
        protocol_negotiation(wire, &startup).await?;
        if self.surplus {
            return Err(fatal(TOO_MANY, "sorry, too many clients already"));
        }
        let Some((by, password)) = self.authenticated(wire).await? else {
            return Ok(None);
        };
        let settings = settings(&startup);
        let (_, key) = RandomPidSecretKeyGenerator::default().generate(wire);
        let (number, registered, cancelled) = self.service.cancels.register(key.clone());
        wire.feed(Told::Authentication(Authentication::Ok)).await?;
        let user = startup.parameters.get("user").cloned();
        let told = settings.reported().into_iter();
        for (name, value) in told.chain(user.map(|user| ("session_authorization", user))) {
            let status = ParameterStatus::new(name.to_owned(), value);
            wire.feed(Told::ParameterStatus(status)).await?;
        }
        let key = BackendKeyData::new(number, key);
        wire.feed(Told::BackendKeyData(key)).await?;
        let ready = ReadyForQuery::new(TransactionStatus::Idle);
        wire.send(Told::ReadyForQuery(ready)).await?;
        wire.set_state(PgWireConnectionState::ReadyForQuery);
        let conversation = Conversation::new(Arc::clone(&self.service), by, password, settings);
        Ok(Some((conversation, registered, cancelled)))
    }

    /// Gives the name of who asks, and the password where one is asked for; none where the client leaves.
    async fn authenticated(
        &self,
        wire: &mut Wire,
    ) -> PgWireResult<Option<(String, Option<String>)>> {
        let near = self.peer.ip().to_canonical().is_loopback();
        let Some(auth) = &self.service.auth else {
            if near {
                return Ok(Some((self.service.trusted.clone(), None)));
            }
            return Err(fatal(
                INVALID_AUTHORIZATION,
                "without a password, only clients on this machine are let in",
            ));
        };
        if !near && !wire.is_secure() {
            return Err(fatal(
                INVALID_AUTHORIZATION,
                "a password is taken over TLS only: connect with sslmode=require",
            ));
        }
        wire.set_state(PgWireConnectionState::AuthenticationInProgress);
        wire.send(Told::Authentication(Authentication::CleartextPassword))
            .await?;
        let password = match wire.next().await.transpose()? {
            None => return Ok(None),
            Some(Asked::PasswordMessageFamily(password)) => password.into_password()?,
            Some(_) => return Err(fatal(PROTOCOL_VIOLATION, "expected a password")),
        };
        match auth.check(&password.password).await {
            Ok(by) => Ok(Some((by, Some(password.password)))),
            Err(Refused::Unavailable(why)) => {
                tracing::warn!(peer = %self.peer, why, "a password cannot be checked");
                Err(fatal(CANNOT_CONNECT_NOW, UNCHECKED))
            }
            Err(Refused::Denied(why)) => {
                tracing::debug!(peer = %self.peer, why, "a password was refused");
                Err(fatal(INVALID_PASSWORD, "password authentication failed"))
            }
        }
    }

    async fn converse(&mut self, admitted: Admitted) -> io::Result<()> {
        let Admitted {
            mut wire,
            line,
            mut conversation,
            cancelled,
            _registered,
        } = admitted;
        loop {
            let asked = tokio::select! {
                biased;
                () = stopped(self.stop.clone()), if conversation.is_idle() => {
                    return dismiss(&mut wire, SHUTDOWN, "podtrail is stopping").await;
                }
                asked = timeout(self.service.idle_timeout, wire.next()) => asked,
            };
            let asked = match asked {
                Err(_) => {
                    let why = "the connection was idle for too long";
                    return dismiss(&mut wire, IDLE, why).await;
                }
                Ok(None | Some(Ok(Asked::Terminate(_)))) => return Ok(()),
                Ok(Some(Ok(asked))) => asked,
                Ok(Some(Err(failure))) => {
                    let why = ErrorInfo::from(of_reading(failure));
                    return dismiss(&mut wire, &why.code, &why.message).await;
                }
            };
            let extended = asked.is_extended_query();
            let answered = tokio::select! {
                biased;
                () = cancelled.notified() => {
                    Err(error(CANCELLED, "canceling statement due to user request"))
                }
                answered = conversation.answer(&mut wire, asked) => answered,
                () = line.closed() => return Ok(()),
            };
            if let Err(failure) = answered {
                if let PgWireError::IoError(failure) = failure {
                    return Err(failure);
                }
                if conversation.failed(&mut wire, failure, extended).await? {
                    return wire.close().await;
                }
            }
        }
    }
}

/// Waits until the service stops.
async fn stopped(mut stop: watch::Receiver<bool>) {
    // Where nobody can say so any more, it has stopped.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Ends a connection.
async fn dismiss(wire: &mut Wire, code: &str, why: &str) -> io::Result<()> {
    let info = ErrorInfo::from(fatal(code, why));
    wire.send(Told::ErrorResponse(info.into())).await?;
    wire.close().await?;
    Ok(())
}

/// Takes those settings of a startup message that can be had; the others concern a server that podtrail is not.
fn settings(startup: &Startup) -> Settings {
    let mut settings = Settings::default();
    let options = startup.parameters.get("options");
    let options = options.map_or("", String::as_str).split_whitespace();
    let options = options
        .map(|option| option.trim_start_matches("-c").trim_start_matches("--"))
        .filter_map(|option| option.split_once('='));
    let parameters = startup.parameters.iter();
    let parameters = parameters.map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in options.chain(parameters) {
        let _ = settings.set(name, Some(value));
    }
    settings
}
