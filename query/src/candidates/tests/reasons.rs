use super::super::told;
use super::*;

#[test]
fn candidates_say_why_they_are_likely_or_not() {
    let one_hop = json!({"instance_id": NODE, "private_ip": "10.0.0.1", "most_hops": 1});
    let other_image = json!({"images": "[\"eks/kube-proxy:v1.33.0\"]"});
    // What the pod is like, what the call is like, whether the node answers but one hop, and why it is likely or not.
    let cases = [
        (json!({}), json!({}), false, vec!["seen"]),
        (
            json!({"certain_to": 0}),
            json!({}),
            false,
            vec!["maybe_gone"],
        ),
        (
            json!({}),
            json!({"source_ip_address": "10.0.0.10"}),
            false,
            // One address is enough to know what it does.
            vec!["address", "seen", "same_habit"],
        ),
        (
            json!({}),
            json!({"component": "external-dns"}),
            false,
            vec!["seen", "other_component"],
        ),
        (
            other_image,
            json!({}),
            false,
            vec!["seen", "other_software"],
        ),
        (json!({}), json!({}), true, vec!["seen", "out_of_reach"]),
        (
            json!({"injected": "irsa"}),
            json!({}),
            false,
            vec!["seen", "covered"],
        ),
        (
            json!({}),
            json!({"resource": "cart-data"}),
            false,
            vec!["seen", "named_resource"],
        ),
    ];
    for (pod, call, with_one_hop, reasons) in cases {
        let mut world = World::default();
        world.pod(NODE, "cart", pod);
        world.call(NODE, 3, call);
        if with_one_hop {
            world.instances.push(one_hop.clone());
        }
        let found = &world.identify()["call-0"];
        assert_eq!(found.reasons_of("cart"), reasons, "{found:?}");
        // Each is told in a sentence.
        let list: Value =
            serde_json::from_str(&told(&found.candidates.to_string()).unwrap()).unwrap();
        for (reason, name) in list[0]["reasons"].as_array().unwrap().iter().zip(reasons) {
            let detail = reason["detail"].as_str().unwrap();
            assert!(detail.len() > 20, "{detail}");
            assert_eq!(reason["reason"], name);
        }
    }
}

#[test]
fn candidates_say_what_other_calls_tell_of_them() {
    let mut world = World::default();
    world.pod(NODE, "cart", json!({}));
    world.pod(NODE, "web", json!({}));
    // Their addresses tell what each runs.
    for cell in 0..6 {
        world.call(NODE, cell, json!({"source_ip_address": "10.0.0.10"}));
        let other =
            json!({"source_ip_address": "10.0.0.11", "program": "Java", "user_agent": "Java"});
        world.call(NODE, cell, other);
    }
    world.call(NODE, 40, json!({}));
    let found = &world.identify()["call-12"];
    assert_eq!(found.reasons_of("cart"), ["seen", "same_habit"]);
    assert_eq!(found.reasons_of("web"), ["seen", "other_program"]);
}
