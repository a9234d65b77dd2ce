//! An HTTP server on loopback for services that a test plays. A connection carries one request and has a thread of its
//! own, so that an answer can be held open, and broken off in its middle.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;

use serde_json::Value;

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its method.
    pub method: String,
    /// Its path, as it was sent.
    pub path: String,
    /// What follows the question mark, as it was sent.
    pub query: String,
    /// Its headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

impl Request {
    /// A member of the query, or of a form in the body.
    pub fn member(&self, name: &str) -> Option<String> {
        let members = format!("{}&{}", self.query, self.body);
        url::form_urlencoded::parse(members.as_bytes())
            .find(|(key, _)| **key == *name)
            .map(|(_, value)| value.into_owned())
    }

    /// A header; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value.as_str())
    }
}

/// What the server answers.
#[derive(Debug)]
pub enum Reply {
    /// Status, media type and body.
    Whole(u16, &'static str, String),
    /// Parts as they come. When the sender is gone the connection breaks, without the end of the answer.
    Stream(Receiver<String>),
    /// The connection ends without an answer.
    Reset,
}

impl Reply {
    /// An answer of JSON.
    pub fn json(status: u16, value: &Value) -> Self {
        Self::Whole(status, "application/json", value.to_string())
    }

    /// An answer of XML.
    pub fn xml(status: u16, text: String) -> Self {
        Self::Whole(status, "text/xml", text)
    }
}

/// A running server; it ends with this value.
#[derive(Debug)]
pub struct Server {
    /// URL of the server.
    pub url: String,
    address: SocketAddr,
    ended: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts one on a free port.
    pub fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let handler = Arc::new(handler);
        let ended = Arc::new(AtomicBool::new(false));
        let is_ended = Arc::clone(&ended);
        let acceptor = std::thread::spawn(move || {
            for socket in listener.incoming() {
                if is_ended.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(socket) = socket else {
                    continue;
                };
                let handler = Arc::clone(&handler);
                std::thread::spawn(move || {
                    // A client may go away.
                    let _ = serve(&socket, &*handler);
                });
            }
        });
        Self {
            url: format!("http://{address}"),
            address,
            ended,
            acceptor: Some(acceptor),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // The acceptor waits for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn serve(socket: &TcpStream, handler: &dyn Fn(&Request) -> Reply) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let request = read(socket)?;
    answer(socket, handler(&request))
}

fn read(socket: &TcpStream) -> io::Result<Request> {
    let mut reader = BufReader::new(socket);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut words = first.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: String::new(),
    };
    let length: u64 = request.header("content-length").parse().unwrap_or(0);
    reader.take(length).read_to_string(&mut request.body)?;
    Ok(request)
}

fn answer(mut socket: &TcpStream, reply: Reply) -> io::Result<()> {
    match reply {
        Reply::Reset => Ok(()),
        Reply::Whole(status, kind, body) => {
            let length = body.len();
            let text = format!(
                "HTTP/1.1 {status} Played\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
                 Connection: close\r\n\r\n{body}"
            );
            socket.write_all(text.as_bytes())
        }
        Reply::Stream(parts) => {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
                        Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
            socket.write_all(head.as_bytes())?;
            for part in parts {
                let chunk = format!("{:x}\r\n{part}\r\n", part.len());
                socket.write_all(chunk.as_bytes())?;
            }
            Ok(())
        }
    }
}
