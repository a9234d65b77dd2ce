#![allow(clippy::unwrap_used)]
use super::*;
use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Int64Array, ListArray, NullArray, RecordBatch, StringArray,
};
use arrow::datatypes::Int32Type;
use arrow::ipc::CompressionType;
use arrow::ipc::writer::IpcWriteOptions;
use arrow_flight::encode::FlightDataEncoderBuilder;
use futures::{TryStreamExt, stream};
use tonic::Code;

fn row(columns: Vec<ArrayRef>) -> RecordBatch {
    let named = columns
        .into_iter()
        .enumerate()
        .map(|(place, column)| (place.to_string(), column, true));
    RecordBatch::try_from_iter_with_nullable(named).unwrap()
}

/// The messages that a client sends.
async fn messages(rows: Vec<RecordBatch>, options: IpcWriteOptions) -> Vec<FlightData> {
    FlightDataEncoderBuilder::new()
        .with_schema(rows[0].schema())
        .with_options(options)
        .build(stream::iter(rows.into_iter().map(Ok)))
        .try_collect()
        .await
        .unwrap()
}

async fn bound(messages: Vec<FlightData>) -> Result<Handle, Status> {
    let mut handle = Handle::new("SELECT $1".to_owned());
    let messages = stream::iter(messages.into_iter().map(Ok));
    handle.bind(messages).await?;
    Ok(handle)
}

async fn refused(rows: Vec<RecordBatch>) -> String {
    let messages = messages(rows, IpcWriteOptions::default()).await;
    let status = bound(messages).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    status.message().to_owned()
}

fn text(value: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![value]))
}

#[tokio::test]
async fn values_come_back_with_the_handle() {
    let columns: Vec<ArrayRef> = vec![
        text("it's"),
        Arc::new(Int64Array::from(vec![-7])),
        Arc::new(BooleanArray::from(vec![None])),
        Arc::new(BinaryArray::from_vec(vec![b"\xff\0"])),
        Arc::new(NullArray::new(1)),
    ];
    let sent = messages(vec![row(columns)], IpcWriteOptions::default()).await;
    let handle = bound(sent).await.unwrap();
    let back = Handle::read(&handle.write()).unwrap();
    assert_eq!(back, handle);
    assert_eq!(back.sql, "SELECT $1");
    let Some(ParamValues::List(values)) = back.parameters().unwrap() else {
        panic!("no list");
    };
    let wanted = [
        ScalarValue::Utf8(Some("it's".to_owned())),
        ScalarValue::Int64(Some(-7)),
        ScalarValue::Boolean(None),
        ScalarValue::Binary(Some(b"\xff\0".to_vec())),
        ScalarValue::Null,
    ];
    let values: Vec<ScalarValue> = values.into_iter().map(|value| value.value).collect();
    assert_eq!(values, wanted);
}

#[tokio::test]
async fn values_replace_those_before() {
    let one = messages(vec![row(vec![text("a")])], IpcWriteOptions::default()).await;
    let mut handle = bound(one).await.unwrap();
    let other = messages(vec![row(vec![text("b")])], IpcWriteOptions::default()).await;
    let other = stream::iter(other.into_iter().map(Ok));
    handle.bind(other).await.unwrap();
    let Some(ParamValues::List(values)) = handle.parameters().unwrap() else {
        panic!("no list");
    };
    assert_eq!(values[0].value, ScalarValue::Utf8(Some("b".to_owned())));
    handle.bind(stream::empty()).await.unwrap();
    assert!(handle.parameters().unwrap().is_none());
}

#[tokio::test]
async fn one_row_of_plain_values_is_taken_and_nothing_else() {
    let two: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let row_each = vec![row(vec![text("a")]), row(vec![text("b")])];
    for rows in [vec![row(vec![two])], row_each] {
        assert!(refused(rows).await.contains("one row"));
    }
    let empty = RecordBatch::new_empty(row(vec![text("a")]).schema());
    assert!(refused(vec![empty]).await.contains("one row"));
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)])]);
    assert!(
        refused(vec![row(vec![Arc::new(list)])])
            .await
            .contains("a value is")
    );
}

#[tokio::test]
async fn what_says_itself_how_large_it_gets_is_refused() {
    let long = "a".repeat(64 << 10);
    for kind in [CompressionType::LZ4_FRAME, CompressionType::ZSTD] {
        let options = IpcWriteOptions::default()
            .try_with_compression(Some(kind))
            .unwrap();
        let sent = messages(vec![row(vec![text(&long)])], options).await;
        let status = bound(sent).await.unwrap_err();
        assert!(status.message().contains("uncompressed"), "{status}");
    }
    let long = "a".repeat(MOST_VALUES);
    let sent = messages(vec![row(vec![text(&long)])], IpcWriteOptions::default()).await;
    let status = bound(sent).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn damaged_handles_are_refused() {
    let sent = messages(
        vec![row(vec![text("a"), Arc::new(Int64Array::from(vec![1]))])],
        IpcWriteOptions::default(),
    )
    .await;
    let whole = bound(sent).await.unwrap().write();
    for place in 0..whole.len() {
        let mut bytes = whole.to_vec();
        for value in [0, 0x7f, 0x80, 0xff] {
            bytes[place] = value;
            if let Ok(handle) = Handle::read(&bytes) {
                // Whatever it says, it says one row or nothing.
                let _ = handle.parameters();
            }
        }
        let cut = Handle::read(&whole[..place]);
        if let Ok(handle) = cut {
            let _ = handle.parameters();
        }
    }
    let status = Handle::read(b"\xff\xff").unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}
