use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use super::*;
use crate::serve::tls::tests::{client as tls_client, localhost, make};
use crate::serve::tls::{HTTP, Tls};

struct OnePassword;

#[async_trait]
impl PasswordCheck for OnePassword {
    async fn check(&self, password: &str) -> Result<String, Refused> {
        match password {
            "right" => Ok("reader".to_owned()),
            _ => Err(Refused::Denied("no such token".to_owned())),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_ends_when_its_client_cancels_it() {
    let stage = Stage::new().await;
    let client = Arc::new(stage.connect().await);
    for extended in [false, true] {
        let asking = Arc::clone(&client);
        let asked = tokio::spawn(async move {
            if extended {
                code(asking.query(ENDLESS, &[]).await)
            } else {
                code(asking.simple_query(ENDLESS).await)
            }
        });
        stage.running(1).await;
        client.cancel_token().cancel_query(NoTls).await.unwrap();
        assert_eq!(timeout(PATIENCE, asked).await.unwrap().unwrap(), "57014");
        stage.running(0).await;
        assert_eq!(value(&client, "SELECT 1").await.as_deref(), Some("1"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_ends_when_its_client_leaves() {
    let stage = Stage::new().await;
    for sql in [ENDLESS, "SELECT * FROM generate_series(1, 900000)"] {
        let config = format!("host=127.0.0.1 port={} user=x", stage.address.port());
        let (client, connection) = tokio_postgres::connect(&config, NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let none: [&str; 0] = [];
        let mut asked = Box::pin(client.query_raw(sql, none));
        tokio::select! {
            // Its rows are never read.
            _ = &mut asked => {}
            () = stage.running(1) => {}
        }
        connection.abort();
        stage.running(0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_may_ask_for_less_time() {
    let stage = Stage::new().await;
    let client = stage.connect().await;
    client
        .batch_execute("SET statement_timeout = 50")
        .await
        .unwrap();
    assert_eq!(code(client.query(ENDLESS, &[]).await), "57014");
    stage.running(0).await;
    client
        .batch_execute("RESET statement_timeout")
        .await
        .unwrap();
    assert_eq!(value(&client, "SELECT 1").await.as_deref(), Some("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_executors_bounds_hold() {
    let bounds = Bounds {
        time: Duration::from_millis(100),
        rows: 10,
        text_bytes: 1000,
        ..Bounds::default()
    };
    let stage = Stage::with(bounds, |_| {}).await;
    let client = stage.connect().await;
    client
        .batch_execute("SET statement_timeout = '1h'")
        .await
        .unwrap();
    assert_eq!(code(client.query(ENDLESS, &[]).await), "57014");
    let many = "SELECT * FROM generate_series(1, 11)";
    assert_eq!(code(client.query(many, &[]).await), "53400");
    let long = format!("SELECT '{}'", "x".repeat(1000));
    assert_eq!(code(client.query(&long, &[]).await), "53400");
    assert_eq!(code(client.simple_query(&long).await), "53400");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_lets_nobody_in() {
    let auth: Arc<dyn PasswordCheck> = Arc::new(OnePassword);
    let stage = Stage::with(Bounds::default(), |options| options.auth = Some(auth)).await;
    let failure = stage.try_connect("password=wrong").await.err().unwrap();
    let failure = failure.as_db_error().unwrap();
    assert_eq!(failure.code().code(), "28P01");
    assert_eq!(failure.message(), "password authentication failed");
    // A statement instead of a password, and a version that there is not.
    for bytes in [
        &b"\0\0\0\x10\0\x03\0\0user\0x\0\0Q\0\0\0\rSELECT 1\0"[..],
        &b"\0\0\0\x10\0\x07\0\0user\0x\0\0Q\0\0\0\rSELECT 1\0"[..],
    ] {
        let mut socket = TcpStream::connect(stage.address).await.unwrap();
        socket.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        let read = socket.read_to_end(&mut answer);
        let _ = timeout(PATIENCE, read).await.unwrap();
        let text = String::from_utf8_lossy(&answer);
        assert!(text.contains("FATAL"), "{text:?}");
        assert!(!answer.contains(&b'Z'), "{text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_only_so_many_connections() {
    let stage = Stage::with(Bounds::default(), |options| options.max_connections = 1).await;
    let client = Arc::new(stage.connect().await);
    assert_eq!(code(stage.try_connect("").await), "53300");
    let asking = Arc::clone(&client);
    let asked = tokio::spawn(async move { code(asking.query(ENDLESS, &[]).await) });
    stage.running(1).await;
    // There is room for those who only cancel.
    client.cancel_token().cancel_query(NoTls).await.unwrap();
    assert_eq!(timeout(PATIENCE, asked).await.unwrap().unwrap(), "57014");
    drop(client);
    let again = async { while stage.try_connect("").await.is_err() {} };
    timeout(PATIENCE, again).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_needs_the_key() {
    let stage = Stage::new().await;
    let client = Arc::new(stage.connect().await);
    let asking = Arc::clone(&client);
    let asked = tokio::spawn(async move { code(asking.query(ENDLESS, &[]).await) });
    stage.running(1).await;
    for number in 0..4_u8 {
        let mut socket = TcpStream::connect(stage.address).await.unwrap();
        let request = [0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 0, number, 1, 2, 3, 4];
        socket.write_all(&request).await.unwrap();
        assert_eq!(socket.read_to_end(&mut Vec::new()).await.unwrap(), 0);
    }
    assert_eq!(stage.executor.running(), 1);
    client.cancel_token().cancel_query(NoTls).await.unwrap();
    assert_eq!(timeout(PATIENCE, asked).await.unwrap().unwrap(), "57014");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_encrypted_for_clients_that_ask() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = make(folder.path(), "server");
    let read = Tls::load(certificate.clone(), key).unwrap();
    let config = read.config(HTTP).unwrap();
    let current: CurrentTls = Arc::new(move || Arc::clone(&config));
    let stage = Stage::with(Bounds::default(), |options| options.tls = Some(current)).await;
    for direct in [false, true] {
        let mut socket = TcpStream::connect(stage.address).await.unwrap();
        if !direct {
            socket
                .write_all(&[0, 0, 0, 8, 4, 210, 22, 47])
                .await
                .unwrap();
            assert_eq!(socket.read_u8().await.unwrap(), b'S');
        }
        let tls = tls_client(&certificate, &["postgresql"]);
        let socket = tls.connect(localhost(), socket).await.unwrap();
        let mut config = Config::new();
        config.user("x").ssl_mode(SslMode::Disable);
        let (client, connection) = config.connect_raw(socket, NoTls).await.unwrap();
        tokio::spawn(connection);
        assert_eq!(value(&client, "SELECT 1").await.as_deref(), Some("1"));
    }
    // What is sent behind the request, unencrypted, is no part of what is encrypted.
    let mut socket = TcpStream::connect(stage.address).await.unwrap();
    let injected = b"\0\0\0\x08\x04\xd2\x16\x2f\0\0\0\x10\0\x03\0\0user\0x\0\0";
    socket.write_all(injected).await.unwrap();
    assert_eq!(socket.read_u8().await.unwrap(), b'S');
    let tls = tls_client(&certificate, &["postgresql"]);
    assert!(tls.connect(localhost(), socket).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_long_ends_the_connection() {
    let stage = Stage::new().await;
    let mut socket = TcpStream::connect(stage.address).await.unwrap();
    socket
        .write_all(b"\0\0\0\x10\0\x03\0\0user\0x\0\0Q\x3f\xff\xff\x00")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let read = socket.read_to_end(&mut answer);
    timeout(PATIENCE, read).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&answer);
    assert!(
        text.contains("08P01") && text.contains("at most"),
        "{text:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_holds_only_so_much() {
    let stage = Stage::new().await;
    let client = stage.connect().await;
    let mut statements = Vec::new();
    let failure = loop {
        match client.prepare("SELECT 1").await {
            Ok(statement) => statements.push(statement),
            Err(failure) => break failure,
        }
    };
    assert_eq!(code::<()>(Err(failure)), "53400");
    assert_eq!(statements.len(), 256);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_is_left() {
    let stage = Stage::with(Bounds::default(), |options| {
        options.handshake_timeout = Duration::from_millis(50);
        options.idle_timeout = Duration::from_millis(50);
    })
    .await;
    let mut socket = TcpStream::connect(stage.address).await.unwrap();
    let mut answer = Vec::new();
    let read = socket.read_to_end(&mut answer);
    timeout(PATIENCE, read).await.unwrap().unwrap();
    assert!(answer.is_empty());
    let mut socket = TcpStream::connect(stage.address).await.unwrap();
    socket
        .write_all(b"\0\0\0\x10\0\x03\0\0user\0x\0\0")
        .await
        .unwrap();
    let read = socket.read_to_end(&mut answer);
    timeout(PATIENCE, read).await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&answer).contains("57P05"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_waits_for_statements_but_not_for_ever() {
    for (patience, expected) in [
        (PATIENCE, "no error"),
        (Duration::ZERO, "connection closed"),
    ] {
        let mut stage = Stage::with(Bounds::default(), |options| options.drain = patience).await;
        let client = stage.connect().await;
        let sql = match expected {
            "no error" => "SELECT count(*) FROM generate_series(1, 20000000) WHERE value % 7 = 3",
            _ => ENDLESS,
        };
        let asked = tokio::spawn(async move { code(client.query(sql, &[]).await) });
        stage.running(1).await;
        let idle = stage.connect().await;
        stage.stop.take().unwrap().send(()).unwrap();
        let answer = timeout(PATIENCE, asked).await.unwrap().unwrap();
        assert!(answer.contains(expected), "{answer}");
        timeout(PATIENCE, stage.service)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        assert!(idle.query("SELECT 1", &[]).await.is_err());
    }
}
