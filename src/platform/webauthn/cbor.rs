//! CBOR (RFC 8949), as far as authenticators write it. What is read is never longer than a body, and never deep.

use ciborium::Value;
use ciborium::de::from_reader_with_recursion_limit;

/// How deep. An attestation has certificates in a list in a map in a map.
const DEPTH: usize = 8;

/// The `authData` of an attestation object. What the authenticator says of its make stands beside it, and is not looked at.
pub(super) fn authenticator_data(object: &[u8]) -> Option<Vec<u8>> {
    let (_, []) = split(object)? else { return None };
    let pairs = read(&mut &object[..])?.into_map().ok()?;
    if !pairs.iter().all(|(key, _)| key.is_text()) || has_twice(&pairs) {
        return None;
    }
    let of = |name: &str| pairs.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value);
    (of("fmt")?.is_text() && of("attStmt")?.is_map()).then_some(())?;
    of("authData")?.as_bytes().cloned()
}

/// The bytes of one map, and what stands behind them.
pub(super) fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = bytes;
    read(&mut rest)?.is_map().then_some(())?;
    Some(bytes.split_at(bytes.len() - rest.len()))
}

/// The numbered entries of a map that is all there is; none is there twice.
pub(super) fn numbered(bytes: &[u8]) -> Option<Vec<(i128, Value)>> {
    let (_, []) = split(bytes)? else { return None };
    let pairs = read(&mut &bytes[..])?.into_map().ok()?;
    if has_twice(&pairs) {
        return None;
    }
    let number = |(key, value): (Value, Value)| Some((key.into_integer().ok()?.into(), value));
    pairs.into_iter().map(number).collect()
}

fn has_twice(pairs: &[(Value, Value)]) -> bool {
    pairs.iter().enumerate().any(|(at, (key, _))| pairs[..at].iter().any(|(other, _)| other == key))
}

fn read(bytes: &mut &[u8]) -> Option<Value> {
    from_reader_with_recursion_limit(bytes, DEPTH).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_map_and_leaves_what_follows() {
        assert_eq!(split(b"\xa1\x01\x02rest"), Some((&b"\xa1\x01\x02"[..], &b"rest"[..])));
        assert_eq!(numbered(b"\xa2\x01\x02\x20\x41a").unwrap().len(), 2);
        // Twice the same key; a list; another item behind it; keys that are no numbers.
        for bad in [&b"\xa2\x01\x02\x01\x03"[..], b"\x81\x01", b"\xa0\x00", b"\xa1\x61a\x01"] {
            assert!(numbered(bad).is_none(), "{bad:x?}");
        }
    }

    /// Lengths that nothing is behind, and depth: refused at once, whatever they promise.
    #[test]
    fn promises_cost_nothing() {
        for bad in [
            &b""[..],
            b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\xa1\x01\x9b\x7f\xff\xff\xff\xff\xff\xff\xff",
            b"\xa1\x01\x5b\x7f\xff\xff\xff\xff\xff\xff\xff",
            b"\xa1\x01\x7a\xff\xff\xff\xffabc",
            b"\xbf\x01\x02",
            b"\xa1\x01\x1c",
            b"\xff",
        ] {
            assert!(split(bad).is_none(), "{bad:x?}");
        }
        for opens in [0x81, 0xa1, 0x9f, 0xbf, 0xc1] {
            assert!(split(&vec![opens; 16_000]).is_none(), "{opens:x}");
        }
    }
}
