use serde_json::json;

use super::*;

#[test]
fn a_list_reads_as_kubectl_prints_it() {
    let mut list = List::new("v1", "Pod");
    list.push(&json!({"metadata": {"name": "a"}}));
    list.push(&json!({"metadata": {"name": "b"}}));
    assert_eq!(list.items(), 2);
    let document = Document::list(Some("prod".to_owned()), 7, "kubernetes pods", list);
    let mut text = String::new();
    document.reader().read_to_string(&mut text).unwrap();
    // The kind is known before the first item is read.
    assert!(text.starts_with(r#"{"apiVersion":"v1","kind":"PodList","items":["#));
    assert_eq!(
        document.value().unwrap(),
        json!({"apiVersion": "v1", "kind": "PodList",
            "items": [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]})
    );
}

#[test]
fn an_empty_list_is_a_list_and_many_pods_take_little() {
    let empty = Document::list(None, 0, "x", List::new("v1", "Node"));
    assert_eq!(empty.value().unwrap()["items"], json!([]));
    let mut list = List::new("v1", "Pod");
    let pod =
        json!({"metadata": {"name": "web-7d9c-x", "namespace": "shop"}, "spec": {"nodeName": "n"}});
    let each = pod.to_string().len();
    for _ in 0..10_000 {
        list.push(&pod);
    }
    let document = Document::list(None, 0, "x", list);
    assert!(document.held_bytes() < each * 10_000 / 10);
}
