//! Names for requests, to find them in the logs.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicU64, Ordering};

use poem::http::header::HeaderName;
use poem::http::{HeaderMap, HeaderValue};

use super::origins::single;

/// The header that carries it, in and out.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest that is taken over from a proxy.
const MAX_LENGTH: usize = 64;

/// Makes request ids: 32 hexadecimal digits that neither repeat nor tell how many requests there were.
#[derive(Debug)]
pub(super) struct RequestIds {
    /// Has taken the seed.
    keyed: DefaultHasher,
    next: AtomicU64,
}

impl RequestIds {
    pub(super) fn new(seed: [u8; 16]) -> Self {
        let mut keyed = DefaultHasher::new();
        seed.hash(&mut keyed);
        Self { keyed, next: AtomicU64::new(0) }
    }

    /// A keyed hash of a counter: no system call, nothing that can fail.
    pub(super) fn fresh(&self) -> HeaderValue {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut id = [0; 32];
        for (which, digits) in (0..).zip(id.chunks_mut(16)) {
            let mut hasher = self.keyed.clone();
            hasher.write_u64(2 * number + which);
            let half = hasher.finish();
            for (place, digit) in (0..16).rev().zip(digits) {
                *digit = b"0123456789abcdef"[(half >> (4 * place) & 0xf) as usize];
            }
        }
        HeaderValue::from_bytes(&id).unwrap_or(HeaderValue::from_static("-"))
    }
}

/// What a trusted proxy called the request, if that is plain and short: it goes into logs and into the answer.
pub(super) fn inbound(headers: &HeaderMap) -> Option<HeaderValue> {
    let id = single(headers, &X_REQUEST_ID)?;
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    let usable = (1..=MAX_LENGTH).contains(&id.len()) && id.iter().all(plain);
    usable.then(|| headers.get(X_REQUEST_ID).cloned()).flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_do_not_repeat_and_depend_on_the_seed() {
        let (one, two) = (RequestIds::new([1; 16]), RequestIds::new([2; 16]));
        let ids: HashSet<_> = (0..1_000).flat_map(|_| [one.fresh(), two.fresh()]).collect();
        assert_eq!(ids.len(), 2_000);
        let digits = |id: &HeaderValue| id.as_bytes().iter().all(u8::is_ascii_hexdigit);
        assert!(ids.iter().all(|id| id.len() == 32 && digits(id)));
    }

    #[test]
    fn only_a_plain_short_one_is_taken_over() {
        let taken = |values: &[&[u8]]| {
            let headers = values
                .iter()
                .map(|value| (X_REQUEST_ID, HeaderValue::from_bytes(value).unwrap()))
                .collect::<HeaderMap>();
            inbound(&headers).is_some()
        };
        assert!(taken(&[b"4bf92f35-77b3.4da6_a3ce:1"]));
        assert!(taken(&[&[b'a'; 64]]));
        for refused in [b"".as_slice(), b" ", b"a b", b"a\tb", b"a\"b", b"<a>", b"\xc3\xa9", &[b'a'; 65]] {
            assert!(!taken(&[refused]), "{refused:?}");
        }
        assert!(!taken(&[]));
        assert!(!taken(&[b"a", b"b"]));
    }
}
