//! Images whose software cannot have made a call of another program: `rules/images.toml`.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use serde::Deserialize;

const IMAGES: &str = include_str!("images.toml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    image: Vec<Image>,
    caller: Vec<Caller>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    name: String,
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Caller {
    name: String,
    event_sources: Vec<String>,
    source: String,
}

/// Software known to call services, by image. As [`NAMES`].
static CALLERS: LazyLock<HashMap<String, Vec<String>>> = LazyLock::new(|| {
    let callers = toml::from_str::<File>(IMAGES).map_or(Vec::new(), |file| file.caller);
    callers
        .into_iter()
        .filter(|caller| !caller.source.is_empty())
        .map(|caller| (caller.name, caller.event_sources))
        .collect()
});

/// Names of the images. The file is part of the program, and a test reads it.
static NAMES: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let images = toml::from_str::<File>(IMAGES).map_or(Vec::new(), |file| file.image);
    images
        .into_iter()
        .filter(|image| !image.source.is_empty())
        .map(|image| image.name)
        .collect()
});

/// True for a pod all of whose images are known to call AWS with a user agent of their own, or not at all.
pub(crate) fn calls_otherwise(images: &[String]) -> bool {
    !images.is_empty() && images.iter().all(|image| NAMES.contains(name(image)))
}

/// Services that the software of some images is known to call with an SDK's plain user agent.
pub(crate) fn services(images: &[String]) -> HashSet<String> {
    images
        .iter()
        .filter_map(|image| CALLERS.get(name(image)))
        .flatten()
        .cloned()
        .collect()
}

/// Gives the last part of an image's name, without registry, tag and digest.
fn name(image: &str) -> &str {
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split(['@', ':']).next().unwrap_or(last)
}

#[cfg(test)]
mod tests {
    use super::{CALLERS, NAMES, calls_otherwise, name, services};

    #[test]
    fn the_file_is_read_whole() {
        assert_eq!(NAMES.len(), super::IMAGES.matches("[[image]]").count());
        assert_eq!(CALLERS.len(), super::IMAGES.matches("[[caller]]").count());
    }

    #[test]
    fn names_are_cut_out_of_images() {
        for (image, expected) in [
            ("pause", "pause"),
            ("registry.k8s.io/pause:3.9", "pause"),
            ("localhost:5000/team/app@sha256:00", "app"),
            (
                "602401143452.dkr.ecr.eu-west-1.amazonaws.com/amazon-k8s-cni:v1.18.0",
                "amazon-k8s-cni",
            ),
        ] {
            assert_eq!(name(image), expected, "{image}");
        }
    }

    #[test]
    fn one_other_image_is_enough_to_suspect_a_pod() {
        let of = |images: &[&str]| {
            calls_otherwise(
                &images
                    .iter()
                    .map(|image| (*image).to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert!(of(&["coredns:1", "quay.io/x/pause"]));
        assert!(!of(&["coredns:1", "shop/web"]));
        assert!(!of(&[]));
    }

    #[test]
    fn known_callers_call_their_services() {
        let found = services(&["registry.k8s.io/external-dns/external-dns:v0.18.0".to_owned()]);
        assert!(found.contains("route53.amazonaws.com"));
        assert!(services(&["shop/web".to_owned()]).is_empty());
    }
}
