//! A faulty HTTP proxy in front of a server: it notes each request and, where told to, breaks the
//! answer.

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What goes wrong.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// An answer in place of the server's.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// The connection is reset after so many bytes of the body.
    Reset(usize),
    /// The connection is closed after so many bytes of the body.
    Close(usize),
    /// The answer says that it has, and has, so many bytes of the body.
    Short(usize),
    /// A header of the answer is another.
    Header(&'static str, &'static str),
    /// No answer, while the client waits.
    Silence,
    /// The answer stops after so many bytes of the body, and the connection stays.
    Stall(usize),
    /// The answer waits until so many requests wait for theirs.
    Gather(Arc<tokio::sync::Barrier>),
    /// The range is not heeded: the answer is that to the last request without one.
    NoRange,
}

impl Fault {
    /// A refusal as S3 words it.
    pub(crate) fn refusal(status: u16, code: &str, message: &str) -> Self {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message><RequestId>4442587FB7D0A2F9</RequestId></Error>"
        );
        Self::Answer(status, Vec::new(), body)
    }

    /// True where the client must lose its patience. On a busy machine it may lose it with an answer
    /// that is only slow, too: then it asks more often, with the same end.
    pub(crate) fn takes_patience(&self) -> bool {
        matches!(self, Self::Silence | Self::Stall(_))
    }

    pub(crate) fn slow_down() -> Self {
        Self::refusal(503, "SlowDown", "Please reduce your request rate.")
    }

    pub(crate) fn expired() -> Self {
        Self::refusal(400, "ExpiredToken", "The provided token has expired.")
    }
}

type Then = Box<dyn FnOnce() + Send>;

/// A fault of requests whose line in the log is `of`, or begins like it where it ends with `*`, for as
/// many of them as `times`.
struct Rule {
    of: String,
    times: usize,
    fault: Option<Fault>,
    /// Done before the answer is passed on.
    then: Option<Then>,
}

#[derive(Default)]
struct State {
    log: Vec<String>,
    rules: VecDeque<Rule>,
    /// Requests that have no answer yet, and the most that there were at once.
    waiting: usize,
    most: usize,
    /// Last answer to a request for an object without a range.
    whole: Vec<u8>,
    /// The access key that is good no more.
    expired: Option<String>,
}

impl State {
    /// What is wrong with the answer to a request, and what is done before it.
    fn disturbance(&mut self, head: &str, line: &str) -> (Option<Fault>, Option<Then>) {
        let signature = header(head, "authorization").unwrap_or_default();
        if let Some(key) = &self.expired
            && signature.contains(key.as_str())
        {
            return (Some(Fault::expired()), None);
        }
        let matches = |rule: &&mut Rule| match rule.of.strip_suffix('*') {
            Some(begin) => line.starts_with(begin),
            None => line == rule.of,
        };
        let rule = self.rules.iter_mut().find(matches);
        let taken = rule.map(|rule| {
            rule.times -= 1;
            (rule.fault.clone(), rule.then.take())
        });
        self.rules.retain(|rule| rule.times > 0);
        taken.unwrap_or_default()
    }
}

/// A running proxy.
pub(crate) struct Proxy {
    pub(crate) endpoint: String,
    state: Arc<Mutex<State>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    pub(crate) async fn start(server: &str) -> Self {
        let server = server.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let task = tokio::spawn({
            let state = Arc::clone(&state);
            async move {
                while let Ok((socket, _)) = listener.accept().await {
                    let (state, server) = (Arc::clone(&state), server.clone());
                    tokio::spawn(async move {
                        // A client may go away.
                        let _ = serve(socket, &server, &state).await;
                    });
                }
            }
        });
        Self {
            endpoint,
            state,
            task,
        }
    }

    /// Breaks the next answers to such requests.
    pub(crate) fn breaks(&self, of: &str, times: usize, fault: Fault) {
        self.rule(of, times, Some(fault), None);
    }

    /// Does something between the next such request and its answer, which is that of before.
    pub(crate) fn then(&self, of: &str, then: impl FnOnce() + Send + 'static) {
        self.rule(of, 1, None, Some(Box::new(then)));
    }

    fn rule(&self, of: &str, times: usize, fault: Option<Fault>, then: Option<Then>) {
        self.state.lock().unwrap().rules.push_back(Rule {
            of: of.to_owned(),
            times,
            fault,
            then,
        });
    }

    /// Refuses what is signed with an access key, from here on.
    pub(crate) fn expires(&self, access_key: &str) {
        self.state.lock().unwrap().expired = Some(access_key.to_owned());
    }

    /// Requests so far, and forgets them.
    pub(crate) fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().log)
    }

    /// The same, sorted: of requests made at the same time.
    pub(crate) fn sorted_log(&self) -> Vec<String> {
        let mut log = self.log();
        log.sort();
        log
    }

    /// The most requests that waited for an answer at once, where no fault but [`Fault::Gather`] was.
    pub(crate) fn most_at_once(&self) -> usize {
        self.state.lock().unwrap().most
    }
}

async fn serve(mut client: TcpStream, server: &str, state: &Mutex<State>) -> std::io::Result<()> {
    let mut request = Vec::new();
    let end = loop {
        if let Some(end) = head_end(&request) {
            break end;
        }
        if client.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    };
    let head = String::from_utf8_lossy(&request[..end]).into_owned();
    let length = header(&head, "content-length").and_then(|text| text.parse().ok());
    while request.len() < end + length.unwrap_or(0) {
        if client.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let body = String::from_utf8_lossy(&request[end..]).into_owned();
    let line = noted(&head, &body);
    let (fault, then) = {
        let mut state = state.lock().unwrap();
        state.log.push(line.clone());
        state.waiting += 1;
        state.most = state.most.max(state.waiting);
        state.disturbance(&head, &line)
    };
    match fault {
        Some(Fault::Answer(status, headers, body)) => {
            let mut answer = format!("HTTP/1.1 {status} Told\r\nconnection: close\r\n");
            for (name, value) in headers {
                let _ = write!(answer, "{name}: {value}\r\n");
            }
            let _ = write!(answer, "content-length: {}\r\n\r\n", body.len());
            if !head.starts_with("HEAD ") {
                answer.push_str(&body);
            }
            client.write_all(answer.as_bytes()).await?;
            client.shutdown().await
        }
        Some(Fault::Silence) => {
            // Until the client has enough of it.
            client.read_to_end(&mut request).await.map(drop)
        }
        Some(Fault::NoRange) => {
            let whole = state.lock().unwrap().whole.clone();
            pass_on(client, whole, None).await
        }
        fault => {
            let answer = ask(server, &head, &request[end..]).await?;
            if line.starts_with("GET ") && header(&head, "range").is_none() {
                state.lock().unwrap().whole.clone_from(&answer);
            }
            if let Some(then) = then {
                then();
            }
            if let Some(Fault::Gather(barrier)) = &fault {
                barrier.wait().await;
            }
            state.lock().unwrap().waiting -= 1;
            pass_on(client, answer, fault).await
        }
    }
}

/// Asks the server; its whole answer.
async fn ask(server: &str, head: &str, body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut server = TcpStream::connect(server).await?;
    let lines = head
        .trim_end()
        .split("\r\n")
        .filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let mut request = lines.collect::<Vec<_>>().join("\r\n");
    request.push_str("\r\nconnection: close\r\n\r\n");
    server.write_all(request.as_bytes()).await?;
    server.write_all(body).await?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    Ok(answer)
}

async fn pass_on(
    mut client: TcpStream,
    answer: Vec<u8>,
    fault: Option<Fault>,
) -> std::io::Result<()> {
    let end = head_end(&answer).unwrap_or(answer.len());
    match fault {
        Some(Fault::Reset(bytes)) => {
            client.write_all(&answer[..end + bytes]).await?;
            client.flush().await?;
            client.set_zero_linger()?;
            Ok(())
        }
        Some(Fault::Close(bytes)) => {
            client.write_all(&answer[..end + bytes]).await?;
            client.shutdown().await
        }
        Some(Fault::Stall(bytes)) => {
            client.write_all(&answer[..end + bytes]).await?;
            let mut nothing = Vec::new();
            client.read_to_end(&mut nothing).await.map(drop)
        }
        Some(Fault::Short(bytes)) => {
            let head = with_header(&answer[..end], "content-length", &bytes.to_string());
            client.write_all(head.as_bytes()).await?;
            client.write_all(&answer[end..end + bytes]).await?;
            client.shutdown().await
        }
        Some(Fault::Header(name, value)) => {
            let head = with_header(&answer[..end], name, value);
            client.write_all(head.as_bytes()).await?;
            client.write_all(&answer[end..]).await?;
            client.shutdown().await
        }
        _ => {
            client.write_all(&answer).await?;
            client.shutdown().await
        }
    }
}

fn head_end(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some(end + 4)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn with_header(head: &[u8], name: &str, value: &str) -> String {
    let head = String::from_utf8_lossy(head).into_owned();
    let others = head.trim_end().split("\r\n").filter(|line| {
        let found = line.split_once(':').map_or("", |(found, _)| found);
        !found.eq_ignore_ascii_case(name)
    });
    let others = others.collect::<Vec<_>>().join("\r\n");
    format!("{others}\r\n{name}: {value}\r\n\r\n")
}

/// A request in short: `FOLDERS prefix`, `LIST prefix [after key] [next]`, `GET key [range]`, others as
/// they are.
fn noted(head: &str, body: &str) -> String {
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs: Vec<(String, String)> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), decoded(value)))
        .collect();
    let get = |name: &str| {
        let pair = pairs.iter().find(|(found, _)| found == name);
        pair.map(|(_, value)| value.as_str())
    };
    let key = decoded(path.strip_prefix("/trail").unwrap_or(path));
    let key = key.trim_start_matches('/');
    if get("list-type").is_some() {
        let what = if get("delimiter").is_some() {
            "FOLDERS"
        } else {
            "LIST"
        };
        let mut line = format!("{what} {}", get("prefix").unwrap_or(""));
        if let Some(after) = get("start-after") {
            let after = after.rsplit('/').next().unwrap_or(after);
            let _ = write!(line, " after {after}");
        }
        if let Some(most) = get("max-keys") {
            let _ = write!(line, " most {most}");
        }
        if get("continuation-token").is_some() {
            line.push_str(" next");
        }
        return line;
    }
    let mut line = format!("{method} {key}").trim_end().to_owned();
    if let Some(range) = header(head, "range") {
        let _ = write!(line, " {range}");
    }
    if let Some(payer) = header(head, "x-amz-request-payer") {
        let _ = write!(line, " paid by {payer}");
    }
    if !body.is_empty() {
        let _ = write!(line, " {body}");
    }
    line
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(code.unwrap_or(bytes[at]));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}
