//! Spans reach a collector.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;

use podtrail_tests::service::{PATIENCE, Service, demo};

/// A collector that takes what it is sent: path and body of each request.
fn collector() -> (String, mpsc::Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut first, mut length) = (String::new(), 0);
            stream.read_line(&mut first).unwrap();
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                let line = line.trim().to_ascii_lowercase();
                if let Some(bytes) = line.strip_prefix("content-length:") {
                    length = bytes.trim().parse().unwrap();
                }
                if line.is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
            if sender.send((first, body)).is_err() {
                return;
            }
        }
    });
    (address, receiver)
}

#[tokio::test]
async fn a_collector_gets_the_span_of_a_request() {
    let (address, received) = collector();
    let service = Service::start(&demo(), &["--otlp-endpoint", &address]).await;
    let client = service.client();
    let secret = "a-name-nobody-logs";
    client
        .get(&format!("/api/v1/fallbacks?namespace={secret}"))
        .await
        .expect(200);
    let (code, log) = service.terminate().await;
    assert_eq!(code, Some(0), "{log}");
    let mut sent = Vec::new();
    while let Ok((path, body)) = received.recv_timeout(PATIENCE) {
        assert!(path.starts_with("POST /v1/traces "), "{path}");
        sent.extend(body);
        let text = String::from_utf8_lossy(&sent);
        if text.contains("/api/v1/fallbacks") {
            assert!(text.contains("podtrail"), "the service is named");
            assert!(!text.contains(secret), "a parameter is not");
            return;
        }
    }
    panic!("no span of the request: {}", String::from_utf8_lossy(&sent));
}
