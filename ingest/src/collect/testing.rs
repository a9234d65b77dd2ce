//! What tests share: an HTTP server on loopback, the import, and objects as they come.

#[allow(dead_code, unreachable_pub, unused_imports, clippy::pedantic)]
// A copy of `inventory`, to decode what is collected.
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex};

use futures::StreamExt;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::collect::{Document, Found, Output, Warning};
use crate::inventory::{self, Observation, Reject, Sink};

/// The time in tests: 2025-06-15T15:06:40Z.
pub(crate) const AT: i64 = 1_750_000_000_000_000;

pub(crate) fn clock() -> i64 {
    AT
}

/// A request as the server got it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: http::HeaderMap,
    pub body: String,
}

impl Request {
    /// A member of the query or of a form in the body.
    pub(crate) fn member(&self, name: &str) -> Option<String> {
        let members = self.query.split('&').chain(self.body.split('&'));
        members
            .filter_map(|member| member.split_once('='))
            .find(|(key, _)| *key == name)
            .and_then(|(_, value)| crate::percent::decoded(&value.replace('+', " ")))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }
}

/// What the server answers.
pub(crate) enum Reply {
    Json(u16, Value),
    Text(u16, String),
    /// As it is sent; an error breaks the connection.
    Stream(mpsc::UnboundedReceiver<io::Result<Bytes>>),
}

/// A server on loopback that answers what a function says.
pub(crate) struct Server {
    pub url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let handler = Arc::new(handler);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (handler, seen) = (Arc::clone(&handler), Arc::clone(&seen));
                let service = service_fn(move |request| {
                    let (handler, seen) = (Arc::clone(&handler), Arc::clone(&seen));
                    async move {
                        let request = read(request).await;
                        let reply = handler(&request);
                        seen.lock().unwrap().push(request);
                        Ok::<_, Infallible>(response(reply))
                    }
                });
                let io = TokioIo::new(stream);
                tokio::spawn(async move {
                    let server = hyper::server::conn::http1::Builder::new();
                    let _ = server.serve_connection(io, service).await;
                });
            }
        });
        Self {
            url,
            requests,
            task,
        }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

async fn read(request: http::Request<Incoming>) -> Request {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Request {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

fn response(reply: Reply) -> http::Response<BoxBody<Bytes, io::Error>> {
    let whole = |text: String| Full::from(text).map_err(|never| match never {}).boxed();
    let (status, content_type, body) = match reply {
        Reply::Json(status, value) => (status, "application/json", whole(value.to_string())),
        Reply::Text(status, text) => (status, "text/xml", whole(text)),
        Reply::Stream(chunks) => {
            let chunks = futures::stream::unfold(chunks, |mut chunks| async move {
                chunks.recv().await.map(|chunk| (chunk, chunks))
            });
            let frames = chunks.map(|chunk| chunk.map(Frame::data));
            (
                200,
                "application/json",
                BodyExt::boxed(StreamBody::new(frames)),
            )
        }
    };
    http::Response::builder()
        .status(status)
        .header(http::header::CONTENT_TYPE, content_type)
        .body(body)
        .unwrap()
}

/// What came out of a collector that has ended.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub documents: Vec<Document>,
    pub warnings: Vec<Warning>,
}

/// An output, and how to take what went into it.
pub(crate) fn output() -> (Output, mpsc::Receiver<Found>) {
    let (sender, receiver) = mpsc::channel(10_000);
    (Output::new(sender), receiver)
}

pub(crate) fn taken(mut receiver: mpsc::Receiver<Found>) -> Taken {
    let mut taken = Taken::default();
    while let Ok(found) = receiver.try_recv() {
        match found {
            Found::Documents(documents) => taken.documents.extend(documents),
            Found::Warning(warning) => taken.warnings.push(warning),
        }
    }
    taken
}

impl Taken {
    pub(crate) fn of(&self, from: &str) -> Vec<Value> {
        let of = self.documents.iter().filter(|each| each.from == from);
        of.map(|each| each.value().unwrap()).collect()
    }

    pub(crate) fn observations(&self) -> Vec<Observation> {
        self.documents.iter().flat_map(observations).collect()
    }
}

#[derive(Default)]
struct Everything(Vec<Observation>);

impl Sink for Everything {
    fn observation(&mut self, _: &str, observation: Observation) -> io::Result<()> {
        self.0.push(observation);
        Ok(())
    }

    fn reject(&mut self, reject: Reject) -> io::Result<()> {
        panic!("refused: {reject:?}")
    }
}

/// What the import makes of a document; it must refuse nothing.
pub(crate) fn observations(document: &Document) -> Vec<Observation> {
    let context = document.context();
    let mut sink = Everything::default();
    inventory::parse(document.reader(), &context, &mut sink).unwrap();
    sink.0
}
