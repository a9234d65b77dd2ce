//! An HTTP server on loopback for services of AWS, with the faults of a network.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// A request as a service sees it.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// The operation, without the name of the protocol.
    pub(super) operation: String,
    /// The access key id that signed it.
    pub(super) signer: String,
    /// The region that it was signed for.
    pub(super) region: String,
    pub(super) body: String,
    pub(super) at: Instant,
}

impl Asked {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    Json(u16, Value),
    Xml(String),
    /// The connection ends without an answer.
    Reset,
    /// The connection ends in the middle of this answer.
    Cut(Value),
}

impl Answer {
    pub(super) fn error(status: u16, code: &str, message: &str) -> Self {
        let kind = format!("com.amazonaws.service#{code}");
        Self::Json(
            status,
            serde_json::json!({ "__type": kind, "message": message }),
        )
    }
}

pub(super) type Handler = Arc<dyn Fn(Asked) -> BoxFuture<'static, Answer> + Send + Sync>;

/// A running server; it ends with this value.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) url: String,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(super) async fn start(handler: Handler) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let handler = Arc::clone(&handler);
                tokio::spawn(async move {
                    let service = service_fn(move |request| answer(Arc::clone(&handler), request));
                    // A reset ends here, as it is meant to.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { url, task }
    }
}

type Body = BoxBody<Bytes, io::Error>;

async fn answer(handler: Handler, request: Request<Incoming>) -> io::Result<Response<Body>> {
    let header = |name: &str| {
        let value = request.headers().get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
            .to_owned()
    };
    let target = header("x-amz-target");
    let authorization = header("authorization");
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    // Credential=KEY/DATE/REGION/SERVICE/aws4_request
    let credential = authorization.split_once("Credential=");
    let mut scope = credential.map_or("", |(_, rest)| rest).split('/');
    let signer = scope.next().unwrap_or_default().to_owned();
    let region = scope.nth(1).unwrap_or_default().to_owned();
    let body = request
        .into_body()
        .collect()
        .await
        .map_err(io::Error::other)?;
    let body = String::from_utf8(body.to_bytes().to_vec()).map_err(io::Error::other)?;
    let asked = Asked {
        operation,
        signer,
        region,
        body,
        at: Instant::now(),
    };
    match handler(asked).await {
        Answer::Json(status, value) => Ok(whole(
            status,
            "application/x-amz-json-1.1",
            value.to_string(),
        )),
        Answer::Xml(text) => Ok(whole(200, "text/xml", text)),
        Answer::Reset => Err(io::ErrorKind::ConnectionReset.into()),
        Answer::Cut(value) => Ok(cut(&value.to_string())),
    }
}

fn whole(status: u16, kind: &str, text: String) -> Response<Body> {
    let never = |never: Infallible| match never {};
    Response::builder()
        .status(status)
        .header("content-type", kind)
        .body(Full::from(text).map_err(never).boxed())
        .unwrap()
}

fn cut(text: &str) -> Response<Body> {
    let half = Bytes::copy_from_slice(&text.as_bytes()[..text.len() / 2]);
    let frames = [
        Ok(Frame::data(half)),
        Err(io::Error::from(io::ErrorKind::ConnectionReset)),
    ];
    Response::builder()
        .header("content-length", text.len())
        .body(BodyExt::boxed(StreamBody::new(futures::stream::iter(
            frames,
        ))))
        .unwrap()
}

/// Credentials and region for a server on loopback.
pub(super) fn config(url: &str) -> aws_config::SdkConfig {
    use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
    let credentials = Credentials::new("AKIAEXAMPLE000000001", "not-a-secret", None, None, "test");
    aws_config::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .time_source(aws_smithy_async::time::SystemTimeSource::new())
        .endpoint_url(url)
        .build()
}
