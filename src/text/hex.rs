//! Bytes as hexadecimal digits.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Two lower-case digits a byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.extend_from_slice(&pair(*byte));
    }
    // All are ASCII. A `String` would look at each before it takes it.
    String::from_utf8(text).unwrap_or_default()
}

fn pair(byte: u8) -> [u8; 2] {
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]
}

/// The sixteen lower-case digits of a number, without allocating.
pub(crate) fn digits(number: u64) -> [u8; 16] {
    let mut digits = [0; 16];
    for (at, byte) in number.to_be_bytes().into_iter().enumerate() {
        digits[2 * at..2 * at + 2].copy_from_slice(&pair(byte));
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_has_two_digits() {
        assert_eq!(hex(&[0, 9, 10, 0xa5, 0xff]), "00090aa5ff");
        assert_eq!(hex(&[]), "");
        assert_eq!(digits(0x0123_4567_89ab_cdef), *b"0123456789abcdef");
    }
}
