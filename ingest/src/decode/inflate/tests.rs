use super::*;

#[test]
fn a_window_keeps_its_place() {
    let text: Vec<u8> = (0..3 * CHUNK)
        .map(|at| b'a' + u8::try_from(at % 26).unwrap())
        .collect();
    let mut window = Window::new(&text[..], &Limits::default());
    assert!(window.fill(4).unwrap());
    window.consume(CHUNK - 10);
    assert_eq!(
        (window.offset(), window.data().len()),
        ((CHUNK - 10) as u64, 10)
    );
    assert!(window.fill(4).unwrap());
    assert_eq!(window.data().len(), CHUNK + 10);
    assert_eq!(window.before(9), &text[CHUNK - 14..CHUNK - 10]);
    assert_eq!(window.data(), &text[CHUNK - 10..2 * CHUNK]);
    assert!(window.fill(4).unwrap() && !window.fill(4).unwrap() && window.at_end());
    assert_eq!(
        (window.inflated(), window.bytes_in()),
        (text.len() as u64, text.len() as u64)
    );
}
