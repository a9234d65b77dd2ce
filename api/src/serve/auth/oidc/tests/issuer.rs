//! An issuer for tests: an HTTP server on loopback, and the keys it signs with.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA512, RsaEncoding,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

/// Where the answers are.
pub(super) const DISCOVERY: &str = "/.well-known/openid-configuration";
pub(super) const JWKS: &str = "/keys";

/// What a path is answered with: a status line's end, further header lines, and a body.
pub(super) type Answer = (&'static str, String, String);

/// Answers by path; an empty map hangs up on everybody.
type Answers = Arc<Mutex<BTreeMap<&'static str, Answer>>>;

/// A server that gives answers until it is dropped.
pub(super) struct Issuer {
    pub(super) url: String,
    answers: Answers,
    asked: watch::Receiver<usize>,
    /// A permit is taken and given back per answer.
    pub(super) gate: Arc<Semaphore>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Issuer {
    /// Starts one that gives these keys.
    pub(super) async fn start(keys: &[Value]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers = Answers::default();
        let gate = Arc::new(Semaphore::new(1));
        let (count, asked) = watch::channel(0);
        let task = tokio::spawn(serve(
            listener,
            Arc::clone(&answers),
            Arc::clone(&gate),
            count,
        ));
        let issuer = Self {
            url,
            answers,
            asked,
            gate,
            task,
        };
        issuer.up(keys);
        issuer
    }

    /// Gives these keys from now on.
    pub(super) fn up(&self, keys: &[Value]) {
        let url = &self.url;
        let discovery = json!({"issuer": url, "jwks_uri": format!("{url}{JWKS}")});
        self.answer(DISCOVERY, ("200 OK", String::new(), discovery.to_string()));
        let keys = json!({"keys": keys}).to_string();
        self.answer(JWKS, ("200 OK", String::new(), keys));
    }

    /// Hangs up on everybody from now on.
    pub(super) fn down(&self) {
        self.answers.lock().unwrap().clear();
    }

    /// Answers a path so from now on.
    pub(super) fn answer(&self, path: &'static str, answer: Answer) {
        self.answers.lock().unwrap().insert(path, answer);
    }

    /// How many requests came.
    pub(super) fn asked(&self) -> usize {
        *self.asked.borrow()
    }

    /// Waits until so many came.
    pub(super) async fn wait_for(&self, requests: usize) {
        let mut asked = self.asked.clone();
        let enough = asked.wait_for(|asked| *asked >= requests);
        // Never reached but by a failure, which should not hang.
        let enough = tokio::time::timeout(Duration::from_mins(1), enough).await;
        enough.expect("the issuer is not asked").unwrap();
    }
}

async fn serve(
    listener: TcpListener,
    answers: Answers,
    gate: Arc<Semaphore>,
    asked: watch::Sender<usize>,
) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let path = path_of(&mut stream).await;
        asked.send_modify(|asked| *asked += 1);
        let _permit = gate.acquire().await.unwrap();
        let answer = answers.lock().unwrap().get(path.as_str()).cloned();
        if let Some((status, headers, body)) = answer {
            let length = body.len();
            let text = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}Connection: close\r\n\r\n{body}"
            );
            // A client may hang up on what is too long for it.
            let _ = stream.write_all(text.as_bytes()).await;
        }
    }
}

async fn path_of(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    let head = String::from_utf8(head).unwrap();
    head.split(' ').nth(1).unwrap_or_default().to_owned()
}

/// A key pair that tokens are signed with.
pub(super) enum Signer {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Signer {
    pub(super) fn rs256() -> Self {
        Self::Rsa(
            RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
            &RSA_PKCS1_SHA256,
        )
    }

    pub(super) fn ps512() -> Self {
        Self::Rsa(
            RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
            &RSA_PSS_SHA512,
        )
    }

    pub(super) fn es256() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(super) fn es384() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap())
    }

    pub(super) fn eddsa() -> Self {
        Self::Ed(Ed25519KeyPair::generate().unwrap())
    }

    /// The public half, as a key set has it.
    pub(super) fn jwk(&self, kid: &str) -> Value {
        match self {
            Self::Rsa(pair, _) => {
                let key = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({"kty": "RSA", "kid": kid, "use": "sig", "n": text(&key.n), "e": text(&key.e)})
            }
            Self::Ec(pair) => {
                let (x, y) =
                    pair.public_key().as_ref()[1..].split_at(pair.public_key().as_ref().len() / 2);
                let curve = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({"kty": "EC", "kid": kid, "crv": curve, "x": text(x), "y": text(y)})
            }
            Self::Ed(pair) => {
                let x = text(pair.public_key().as_ref());
                json!({"kty": "OKP", "kid": kid, "crv": "Ed25519", "x": x})
            }
        }
    }

    /// A token. What the header says need not be true.
    pub(super) fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let signature = self.signature(message.as_bytes());
        format!("{message}.{}", text(&signature))
    }

    fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature)
                    .unwrap();
                signature
            }
            Self::Ec(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

/// What of a token is signed.
pub(super) fn message(header: &Value, claims: &Value) -> String {
    let part = |json: &Value| text(json.to_string().as_bytes());
    format!("{}.{}", part(header), part(claims))
}

/// Base64 as tokens and key sets have it.
pub(super) fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
