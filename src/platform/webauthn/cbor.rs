//! CBOR (RFC 8949), as far as authenticators write it: each number and each length in as few bytes as it takes, and no length left open (CTAP 2.1,
//! section 8). Their order is not looked at. What is read is never longer than a body, and never deep.

use ciborium::de::from_reader_with_recursion_limit;
use ciborium::{Value, into_writer};

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
    let (format, statement) = (of("fmt")?.as_text()?, of("attStmt")?.as_map()?);
    // Where no make is told there is nothing to say of it.
    (format != "none" || statement.is_empty()).then_some(())?;
    of("authData")?.as_bytes().cloned()
}

/// The bytes of one map, and what stands behind them.
pub(super) fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = bytes;
    let map = read(&mut rest).filter(Value::is_map)?;
    let (map_bytes, rest) = bytes.split_at(bytes.len() - rest.len());
    let mut written = Vec::with_capacity(map_bytes.len());
    into_writer(&map, &mut written).ok()?;
    (written == map_bytes).then_some((map_bytes, rest))
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

    /// What other readers take for something shorter than it is, or not at all.
    #[test]
    fn is_written_in_one_way() {
        for bad in [
            &b"\xb8\x01\x01\x02"[..],
            b"\xbf\x01\x02\xff",
            b"\xa1\x18\x01\x02",
            b"\xa1\x01\x38\x02",
            b"\xa1\x01\x58\x01a",
            b"\xa1\x01\x5f\x41a\xff",
            b"\xa1\x01\xa1\x61a\x9f\xff",
        ] {
            assert!(split(bad).is_none(), "{bad:x?}");
        }
        // The order of its entries is nothing to us.
        assert!(split(b"\xa2\x20\x41a\x01\x02").is_some());
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
