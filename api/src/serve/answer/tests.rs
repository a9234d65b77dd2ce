#![allow(clippy::unwrap_used)]
use super::*;

fn accepting(accept: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_str(accept).unwrap());
    headers
}

#[test]
fn the_form_is_the_one_accepted_most() {
    for (accept, wanted) in [
        ("*/*", Form::Json),
        ("application/json", Form::Json),
        ("text/html,application/xhtml+xml,*/*;q=0.8", Form::Json),
        ("text/csv", Form::Csv),
        ("TEXT/CSV; charset=utf-8", Form::Csv),
        ("application/json;q=0.5, application/x-ndjson", Form::Ndjson),
        (
            "application/vnd.apache.arrow.stream, */*;q=0.1",
            Form::Arrow,
        ),
        ("application/json;q=0, text/csv;q=0.1", Form::Csv),
    ] {
        assert_eq!(form(&accepting(accept)).unwrap(), wanted, "{accept}");
    }
    assert_eq!(form(&HeaderMap::new()).unwrap(), Form::Json);
    for accept in ["image/png", "application/json;q=0", "application/json;q=x"] {
        let refused = form(&accepting(accept)).unwrap_err();
        assert_eq!(refused.status(), StatusCode::NOT_ACCEPTABLE, "{accept}");
    }
}

#[test]
fn a_tag_is_known_however_it_is_listed() {
    let tag = "W/\"abc\"";
    for (value, known) in [
        ("W/\"abc\"", true),
        ("\"abc\"", true),
        ("\"x\", W/\"abc\"", true),
        ("*", true),
        ("\"ab\"", false),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(IF_NONE_MATCH, HeaderValue::from_str(value).unwrap());
        assert_eq!(super::known(&headers, tag).is_some(), known, "{value}");
    }
}

#[tokio::test]
async fn a_stream_may_be_asked_again_after_its_end() {
    use http_body_util::BodyExt;
    use podtrail_ingest::store::Store;
    use podtrail_query::{Bounds, Engine, Executor, Limits, Statement};

    let folder = tempfile::tempdir().unwrap();
    let store = Store::folder(folder.path(), true).unwrap();
    store.create_tables().await.unwrap();
    let engine = Engine::new(store, &Limits::new(1)).unwrap();
    let served = super::super::served::Served::open(engine, chrono::Utc::now)
        .await
        .unwrap();
    let handle = tokio::runtime::Handle::current();
    let executor = Executor::new(handle, Bounds::default(), None, chrono::Utc::now);
    let now = served.now();
    let rows = executor
        .run(&now.session, Statement::new("SELECT 1 AS one"))
        .await
        .unwrap();
    let response = stream(Form::Ndjson, now, None, rows, None, Instant::now()).unwrap();
    let mut body = response.into_body();
    let mut text = Vec::new();
    while let Some(frame) = body.frame().await {
        text.extend(frame.unwrap().into_data().unwrap());
    }
    assert_eq!(text, b"{\"one\":1}\n");
    assert!(body.frame().await.is_none());
}
