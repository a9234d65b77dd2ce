use std::io::Read as _;

use flate2::read::GzDecoder;

use super::*;

#[test]
fn parcels_come_back_in_order_and_decompress() {
    let mut packer = Packer::new();
    let bodies: Vec<Vec<u8>> = (0..50_u8).map(|n| vec![n; usize::from(n) * 4000]).collect();
    let mut back = Vec::new();
    for (n, body) in bodies.iter().enumerate() {
        let parcel = Parcel {
            key: n.to_string(),
            body: body.clone(),
            gz: Vec::new(),
        };
        packer.push(parcel).unwrap();
        back.extend(packer.pop(false).unwrap());
        assert!(packer.in_flight < IN_FLIGHT);
    }
    while let Some(parcel) = packer.pop(true).unwrap() {
        back.push(parcel);
    }
    assert_eq!(back.len(), bodies.len());
    for (n, (parcel, body)) in back.iter().zip(&bodies).enumerate() {
        assert_eq!(parcel.key, n.to_string());
        let mut text = Vec::new();
        GzDecoder::new(parcel.gz.as_slice())
            .read_to_end(&mut text)
            .unwrap();
        assert_eq!(&text, body);
    }
}
