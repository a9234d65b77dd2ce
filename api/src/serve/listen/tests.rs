use std::future::pending;
use std::task::{Context, Poll};

use axum::body::{Bytes, HttpBody};
use axum::routing::get;
use http_body::Frame;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::{http1, http2};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::super::tls::tests::{client, localhost, make};
use super::super::tls::{HTTP, Tls};
use super::*;

/// Far longer than anything here takes.
const EVER: Duration = Duration::from_secs(30);

/// For times that are to pass.
const SHORT: Duration = Duration::from_millis(50);

/// For times that are to pass, but not before the test has done something, however busy the
/// machine.
const LONGER: Duration = Duration::from_millis(700);

/// Waits, but not forever.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(EVER, future).await.expect("it takes too long")
}

/// Options under which nothing here times out.
fn patient() -> ListenOptions {
    ListenOptions {
        head_time: EVER,
        idle_time: EVER,
        stall_time: EVER,
        handshake_time: EVER,
        drain: EVER,
        ..ListenOptions::default()
    }
}

/// A running server.
struct Running {
    at: SocketAddr,
    stop: oneshot::Sender<()>,
    done: JoinHandle<usize>,
}

impl Running {
    async fn start(router: Router, options: ListenOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move { drop(stopped.await) };
        let done = tokio::spawn(serve(listener, router, options, stopped));
        Self { at, stop, done }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.at).await.unwrap()
    }

    /// Stops it, and tells how many requests were cut.
    async fn stop(self) -> usize {
        self.stop.send(()).unwrap();
        soon(self.done).await.unwrap()
    }
}

fn hello() -> Router {
    let peer = |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() };
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/peer", get(peer))
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// Reads one answer whose body is "hello".
async fn read_hello(stream: &mut TcpStream) {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\nhello") {
        let count = soon(stream.read_buf(&mut text)).await.unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&text));
    }
}

/// Waits until the server closes, whatever it says before.
async fn closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    // A reset is as good as an end.
    soon(stream.read_to_end(&mut rest)).await.ok();
    rest
}

#[tokio::test]
async fn cuts_clients_that_do_not_end_a_head() {
    let options = ListenOptions {
        head_time: SHORT,
        ..patient()
    };
    let server = Running::start(hello(), options).await;
    // Before HTTP/1 and HTTP/2 can be told apart, within the first head, and within a later one.
    let late: &[u8] = b"HTTP/1.1 408 Request Timeout\r\n";
    let beginnings: [(&[u8], &[u8]); 4] = [
        (b"", b""),
        (b"PRI * HTT", b""),
        (b"GET / HTTP/1.1\r\nhost:", late),
        (b"POST /", late),
    ];
    for (beginning, told) in beginnings {
        let mut stream = server.connect().await;
        stream.write_all(beginning).await.unwrap();
        let answer = closed(&mut stream).await;
        assert!(answer.starts_with(told), "{}", beginning.escape_ascii());
        assert_eq!(answer.is_empty(), told.is_empty());
    }
    assert_eq!(server.stop().await, 0);
    let options = ListenOptions {
        head_time: LONGER,
        ..patient()
    };
    let server = Running::start(hello(), options).await;
    let mut stream = server.connect().await;
    stream.write_all(GET).await.unwrap();
    read_hello(&mut stream).await;
    stream.write_all(b"GET / HT").await.unwrap();
    assert!(closed(&mut stream).await.starts_with(late));
    assert_eq!(server.stop().await, 0);
}

#[tokio::test]
async fn closes_idle_connections() {
    let options = ListenOptions {
        idle_time: LONGER,
        ..patient()
    };
    let server = Running::start(hello(), options).await;
    let mut stream = server.connect().await;
    stream.write_all(GET).await.unwrap();
    read_hello(&mut stream).await;
    assert!(closed(&mut stream).await.is_empty());

    let stream = TokioIo::new(server.connect().await);
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(request("/")).await.unwrap();
    answer.into_body().collect().await.unwrap();
    // The sender is there and could send more.
    soon(connection).await.unwrap().unwrap();
    assert_eq!(server.stop().await, 0);
}

fn request(path: &str) -> Request<Empty<Bytes>> {
    let uri = format!("http://localhost{path}");
    Request::builder().uri(uri).body(Empty::new()).unwrap()
}

/// A body without end, which tells when it is dropped.
struct Endless(#[expect(dead_code, reason = "tells by its drop")] oneshot::Sender<()>);

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        static MUCH: [u8; 300_000] = [b'a'; 300_000];
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&MUCH)))))
    }
}

/// A route without end, and a channel that gets something to wait on for each request to it.
fn endless() -> (Router, mpsc::UnboundedReceiver<oneshot::Receiver<()>>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let handler = move || {
        let (held, dropped) = oneshot::channel();
        sender.send(dropped).unwrap();
        async { Body::new(Endless(held)) }
    };
    (hello().route("/endless", get(handler)), receiver)
}

#[tokio::test]
async fn cuts_clients_that_do_not_read() {
    let options = ListenOptions {
        stall_time: SHORT,
        ..patient()
    };
    let (router, mut started) = endless();
    let server = Running::start(router, options).await;
    let mut stream = server.connect().await;
    let head = b"GET /endless HTTP/1.1\r\nhost: a\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let dropped = soon(started.recv()).await.unwrap();
    assert!(soon(dropped).await.is_err());

    // Over HTTP/2 the connection is alive; only the answer is not taken.
    let other = TokioIo::new(server.connect().await);
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), other).await.unwrap();
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(request("/endless")).await;
    let dropped = soon(started.recv()).await.unwrap();
    assert!(soon(dropped).await.is_err());
    soon(connection).await.unwrap().ok();
    drop(answer);
    assert_eq!(server.stop().await, 0);
}

/// A route that tells of its request, and answers when it is told to.
struct Held {
    router: Router,
    arrived: mpsc::UnboundedReceiver<oneshot::Sender<()>>,
}

impl Held {
    fn new() -> Self {
        let (sender, arrived) = mpsc::unbounded_channel();
        let handler = move || {
            let (go, gone) = oneshot::channel::<()>();
            sender.send(go).unwrap();
            async move {
                gone.await.unwrap();
                "hello"
            }
        };
        let router = Router::new().route("/", get(handler));
        Self { router, arrived }
    }
}

#[tokio::test]
async fn finishes_what_is_in_flight() {
    let mut held = Held::new();
    let server = Running::start(held.router, patient()).await;
    let mut stream = server.connect().await;
    stream.write_all(GET).await.unwrap();
    let go = soon(held.arrived.recv()).await.unwrap();
    let mut idle = server.connect().await;
    server.stop.send(()).unwrap();
    // Those without a request are closed, which also tells that the server is draining.
    assert!(closed(&mut idle).await.is_empty());
    assert!(TcpStream::connect(server.at).await.is_err());
    go.send(()).unwrap();
    let answer = String::from_utf8(closed(&mut stream).await).unwrap();
    assert!(answer.contains("connection: close"), "{answer}");
    assert!(answer.ends_with("hello"), "{answer}");
    assert_eq!(soon(server.done).await.unwrap(), 0);
}

#[tokio::test]
async fn cuts_what_is_stuck_at_the_end() {
    let mut held = Held::new();
    let options = ListenOptions {
        drain: SHORT,
        ..patient()
    };
    let server = Running::start(held.router, options).await;
    let mut stream = server.connect().await;
    stream.write_all(GET).await.unwrap();
    let other = TokioIo::new(server.connect().await);
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), other).await.unwrap();
    tokio::spawn(connection);
    let second = tokio::spawn(async move { sender.send_request(request("/")).await.map(drop) });
    let mut going = [
        soon(held.arrived.recv()).await.unwrap(),
        soon(held.arrived.recv()).await.unwrap(),
    ];
    assert_eq!(server.stop().await, 2);
    assert!(closed(&mut stream).await.is_empty());
    assert!(soon(second).await.unwrap().is_err());
    // Their handlers are dropped.
    for go in &mut going {
        soon(go.closed()).await;
    }
}

#[tokio::test]
async fn takes_a_bounded_number_of_connections() {
    let options = ListenOptions {
        connections: 1,
        ..patient()
    };
    let server = Running::start(hello(), options).await;
    let mut first = server.connect().await;
    first.write_all(GET).await.unwrap();
    read_hello(&mut first).await;
    let mut second = server.connect().await;
    second.write_all(GET).await.unwrap();
    // Answered to the first alone, and only then: the second is not looked at.
    first.write_all(GET).await.unwrap();
    read_hello(&mut first).await;
    let unread = second.try_read(&mut [0]).unwrap_err();
    assert_eq!(unread.kind(), io::ErrorKind::WouldBlock);
    drop(first);
    read_hello(&mut second).await;
    assert_eq!(server.stop().await, 0);
}

#[tokio::test]
async fn bounds_heads() {
    let server = Running::start(hello(), patient()).await;
    let many = "a: b\r\n".repeat(101);
    let long = format!("a: {}\r\n", "b".repeat(40_000));
    for headers in [many, long] {
        let mut stream = server.connect().await;
        let head = format!("GET / HTTP/1.1\r\nhost: a\r\n{headers}\r\n");
        // It may answer and close before it has all.
        stream.write_all(head.as_bytes()).await.ok();
        let mut start = [0; 12];
        soon(stream.read_exact(&mut start)).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 431");
    }
    assert_eq!(server.stop().await, 0);
}

#[tokio::test]
async fn what_never_becomes_a_request_is_refused_as_all_else_is() {
    let server = Running::start(hello(), patient()).await;
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(101));
    let heads = [
        ("GET / HTTP/9.9\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nno header\r\n\r\n", 400),
        (many.as_str(), 431),
    ];
    for (head, status) in heads {
        // As the first of a connection, and after what was answered well.
        for before in [&b""[..], GET] {
            let mut stream = server.connect().await;
            stream.write_all(before).await.unwrap();
            if !before.is_empty() {
                read_hello(&mut stream).await;
            }
            stream.write_all(head.as_bytes()).await.unwrap();
            let answer = String::from_utf8(closed(&mut stream).await).unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
            for wanted in [
                "\r\ncontent-type: application/problem+json",
                "\r\nconnection: close",
                "\r\nx-content-type-options: nosniff",
            ] {
                assert!(head.contains(wanted), "{head}");
            }
            assert!(head.contains(&format!("\r\ncontent-length: {}", body.len())));
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(body["status"], status);
            let id = body["request_id"].as_str().unwrap();
            assert!(head.contains(&format!("\r\nx-request-id: {id}")), "{head}");
        }
    }
    assert_eq!(server.stop().await, 0);
}

#[tokio::test]
async fn an_answer_that_looks_like_a_refusal_stays_what_it_is() {
    const TEXT: &str = "HTTP/1.1 400 Bad Request\r\n\r\n";
    let parts = futures::stream::iter([TEXT, TEXT].map(Ok::<_, Infallible>));
    let router = Router::new().route("/", get(move || async move { Body::from_stream(parts) }));
    let server = Running::start(router, patient()).await;
    let mut stream = server.connect().await;
    let asked = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    stream.write_all(asked).await.unwrap();
    let answer = String::from_utf8(closed(&mut stream).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert_eq!(answer.matches("400 Bad Request").count(), 2, "{answer}");
    assert_eq!(server.stop().await, 0);
}

#[tokio::test]
async fn speaks_http2_without_tls_and_knows_its_peer() {
    let server = Running::start(hello(), patient()).await;
    let stream = server.connect().await;
    let own = stream.local_addr().unwrap().to_string();
    let io = TokioIo::new(stream);
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(request("/peer")).await.unwrap();
    assert_eq!(answer.version(), Version::HTTP_2);
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(bytes, own);
    // Its connection is told to go away and does.
    assert_eq!(server.stop().await, 0);
    soon(connection).await.unwrap().unwrap();
}

#[tokio::test]
async fn hands_on_long_answers_unchanged() {
    let long: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let long = Bytes::from(long);
    let given = long.clone();
    let router = Router::new().route("/", get(|| async { given }));
    let server = Running::start(router, patient()).await;
    let io = TokioIo::new(server.connect().await);
    let (mut sender, connection) = http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let answer = sender.send_request(request("/")).await.unwrap();
    assert_eq!(answer.headers()["content-length"], "4000000");
    let bytes = soon(answer.into_body().collect()).await.unwrap().to_bytes();
    assert!(bytes == long);
    drop(sender);
    assert_eq!(server.stop().await, 0);
}

#[tokio::test]
async fn serves_by_tls() {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = make(folder.path(), "used");
    let tls = Tls::load(certificate.clone(), key).unwrap();
    let options = ListenOptions {
        tls: Some(tls.config(HTTP).unwrap()),
        ..patient()
    };
    let server = Running::start(hello(), options).await;
    let ask = async |protocols: &[&str]| {
        let stream = server.connect().await;
        let client = client(&certificate, protocols);
        TokioIo::new(client.connect(localhost(), stream).await.unwrap())
    };
    let io = ask(&["h2"]).await;
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let answer = sender.send_request(request("/")).await.unwrap();
    assert_eq!(
        answer.into_body().collect().await.unwrap().to_bytes(),
        "hello"
    );
    let io = ask(&["http/1.1"]).await;
    let (mut sender, connection) = http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let answer = sender.send_request(request("/")).await.unwrap();
    assert_eq!(
        answer.into_body().collect().await.unwrap().to_bytes(),
        "hello"
    );
    // One that never shakes hands does not hold the end up.
    let mut silent = server.connect().await;
    assert_eq!(server.stop().await, 0);
    assert!(closed(&mut silent).await.is_empty());
}

#[tokio::test]
async fn cuts_clients_that_do_not_shake_hands() {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = make(folder.path(), "used");
    let tls = Tls::load(certificate, key).unwrap();
    let options = ListenOptions {
        tls: Some(tls.config(HTTP).unwrap()),
        handshake_time: SHORT,
        ..patient()
    };
    let server = Running::start(hello(), options).await;
    let mut silent = server.connect().await;
    assert!(closed(&mut silent).await.is_empty());
    assert_eq!(server.stop().await, 0);
}

#[tokio::test]
async fn a_client_that_goes_stops_its_work() {
    let mut held = Held::new();
    let server = Running::start(held.router, patient()).await;
    let mut stream = server.connect().await;
    stream.write_all(GET).await.unwrap();
    let mut go = soon(held.arrived.recv()).await.unwrap();
    drop(stream);
    soon(go.closed()).await;
    assert_eq!(server.stop().await, 0);
}

#[tokio::test]
async fn stops_at_once_without_connections() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    assert_eq!(soon(serve(listener, hello(), patient(), async {})).await, 0);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let running = serve(listener, hello(), patient(), pending());
    assert!(timeout(SHORT, running).await.is_err());
}
