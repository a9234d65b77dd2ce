//! A small random generator whose output never changes.
//!
//! The demo history must be byte for byte the same for a seed, on every
//! machine and after every dependency upgrade, so the generator is written out
//! here: xoshiro256++ (Blackman and Vigna, public domain reference algorithm)
//! seeded through `SplitMix64`. Only integer arithmetic is used, because the
//! transcendental functions of `f64` differ between platforms.

/// Alphabet of AWS access key ids and IAM unique ids (base32, RFC 4648).
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const ALPHANUMERIC: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Alphabet of the random tails that Kubernetes appends to generated names.
const KUBERNETES: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// xoshiro256++ with helpers for the identifiers that AWS and Kubernetes use.
#[derive(Debug, Clone)]
pub(super) struct Rng {
    state: [u64; 4],
}

/// A 128 bit identifier written in the form of a version 4 UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Uuid(u128);

impl Rng {
    /// Expands `seed` with `SplitMix64`, as the authors of xoshiro advise.
    pub(super) fn new(seed: u64) -> Self {
        let mut mix = seed;
        let mut next = || {
            mix = mix.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = mix;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        Self {
            state: [next(), next(), next(), next()],
        }
    }

    /// Returns the next 64 bits.
    pub(super) fn next_u64(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// Returns a number in `0..bound`, or 0 for a bound of 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        // The high half of the product: no division, and a bias below 2^-32
        // for the small bounds used here.
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// Returns an index below `len`, or 0 for an empty range.
    pub(super) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or_default()
    }

    /// Returns a number in `low..=high`; `low` if the range is empty.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        if high <= low {
            return low;
        }
        low + self.below(high.abs_diff(low) + 1).cast_signed()
    }

    /// True in `per_mille` of 1000 cases.
    pub(super) fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// Returns a random element. `items` must not be empty.
    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.index(items.len())]
    }

    /// Returns a version 4 UUID.
    pub(super) fn uuid(&mut self) -> Uuid {
        let raw = (u128::from(self.next_u64()) << 64) | u128::from(self.next_u64());
        let versioned = (raw & !(0xf << 76)) | (0x4 << 76);
        Uuid((versioned & !(0x3 << 62)) | (0x2 << 62))
    }

    fn fill(&mut self, out: &mut String, alphabet: &[u8], len: usize) {
        for _ in 0..len {
            out.push(char::from(*self.pick(alphabet)));
        }
    }

    fn text(&mut self, prefix: &str, alphabet: &[u8], len: usize) -> String {
        let mut out = String::with_capacity(prefix.len() + len);
        out.push_str(prefix);
        self.fill(&mut out, alphabet, len);
        out
    }

    /// Returns an access key id of a temporary credential: `ASIA` and 16 characters.
    pub(super) fn session_key(&mut self) -> String {
        self.text("ASIA", BASE32, 16)
    }

    /// Returns an access key id of an IAM user: `AKIA` and 16 characters.
    pub(super) fn user_key(&mut self) -> String {
        self.text("AKIA", BASE32, 16)
    }

    /// Returns an IAM unique id: the prefix (`AROA`, `AIDA`, …) and 17 characters.
    pub(super) fn iam_id(&mut self, prefix: &str) -> String {
        self.text(prefix, BASE32, 17)
    }

    /// Returns `prefix` and 17 hexadecimal digits, the form of EC2 resource ids.
    pub(super) fn ec2_id(&mut self, prefix: &str) -> String {
        self.text(prefix, HEX, 17)
    }

    /// Returns `len` lower case hexadecimal digits.
    pub(super) fn hex(&mut self, len: usize) -> String {
        self.text("", HEX, len)
    }

    /// Returns `len` letters and digits.
    pub(super) fn alphanumeric(&mut self, len: usize) -> String {
        self.text("", ALPHANUMERIC, len)
    }

    /// Returns `len` base64 characters after `prefix`.
    pub(super) fn base64(&mut self, prefix: &str, len: usize) -> String {
        self.text(prefix, BASE64, len)
    }

    /// Returns the random tail of a generated Kubernetes name.
    pub(super) fn kubernetes(&mut self, len: usize) -> String {
        self.text("", KUBERNETES, len)
    }
}

impl Uuid {
    /// Appends the canonical lower case form.
    pub(super) fn write(self, out: &mut String) {
        let bytes = self.0.to_be_bytes();
        let mut text = [b'-'; 36];
        let mut at = 0;
        for (index, byte) in bytes.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                at += 1;
            }
            text[at] = HEX[usize::from(byte >> 4)];
            text[at + 1] = HEX[usize::from(byte & 0xf)];
            at += 2;
        }
        out.extend(text.iter().map(|&byte| char::from(byte)));
    }

    /// Returns the canonical lower case form.
    pub(super) fn text(self) -> String {
        let mut out = String::with_capacity(36);
        self.write(&mut out);
        out
    }
}

#[cfg(test)]
mod tests;
