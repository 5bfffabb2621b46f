//! bcrypt, several at a time on one thread: for verifying alone. `docs/design/lanes.md` has the construction and what checks it.
//!
//! A bcrypt is one chain of table look-ups, each of which needs what the last one found: a core mostly waits for its first cache.
//! Here `N` independent chains advance in lockstep, so that the look-ups of one fill the waits of the others. Nothing else differs
//! from the textbook: N. Provos and D. Mazières, A Future-Adaptable Password Scheme (USENIX 1999); B. Schneier, Description of a New
//! Variable-Length Key, 64-Bit Block Cipher (1993).

use zeroize::Zeroize;

use super::pi::{P, S};

/// So many states fit into the 32 KB that the first cache of a core has at least, with room for what else is in use.
pub(super) const MAX_LANES: usize = 6;

/// One bcrypt under way.
pub(super) struct State {
    boxes: [[u32; 256]; 4],
    subkeys: [u32; 18],
    key: [u32; 18],
    salt: [u32; 4],
}

impl State {
    pub(super) fn new() -> Self {
        Self { boxes: [[0; 256]; 4], subkeys: [0; 18], key: [0; 18], salt: [0; 4] }
    }

    /// The expensive key schedule without its rounds. In place, so that no copy is left behind. `key` is the password and its NUL, at
    /// least a byte and at most 72.
    pub(super) fn begin(&mut self, key: &[u8], salt: [u8; 16]) {
        let mut bytes = key.iter().cycle();
        for word in &mut self.key {
            *word = bytes.by_ref().take(4).fold(0, |word, byte| word << 8 | u32::from(*byte));
        }
        for (word, bytes) in self.salt.iter_mut().zip(salt.as_chunks().0) {
            *word = u32::from_be_bytes(*bytes);
        }
        (self.boxes, self.subkeys) = (S, P);
        expand(std::array::from_mut(self), |state, i| state.key[i], |state, i| state.salt[i % 4]);
    }

    /// What bcrypt makes of the state after its rounds: 23 bytes, as every implementation stores them.
    pub(super) fn digest(&self) -> [u8; 23] {
        const TEXT: [[u32; 2]; 3] =
            [[0x4f72_7068, 0x6561_6e42], [0x6568_6f6c, 0x6465_7253], [0x6372_7944, 0x6f75_6274]];
        let mut digest = [0; 24];
        for ([left, right], out) in TEXT.into_iter().zip(digest.as_chunks_mut::<8>().0) {
            let (mut left, mut right) = ([left], [right]);
            for _ in 0..64 {
                encrypt(std::array::from_ref(self), &mut left, &mut right);
            }
            *out = (u64::from(left[0]) << 32 | u64::from(right[0])).to_be_bytes();
        }
        let [digest @ .., _] = digest;
        digest
    }

    pub(super) fn wipe(&mut self) {
        self.boxes.zeroize();
        self.subkeys.zeroize();
        self.key.zeroize();
        self.salt.zeroize();
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// Does so many of the 2^cost rounds in each of 1 to [`MAX_LANES`] states.
pub(super) fn rounds(states: &mut [State], count: u32) {
    match states.len() {
        0 => {}
        1 => rounds_of::<1>(states, count),
        2 => rounds_of::<2>(states, count),
        3 => rounds_of::<3>(states, count),
        4 => rounds_of::<4>(states, count),
        5 => rounds_of::<5>(states, count),
        6 => rounds_of::<6>(states, count),
        _ => {
            let (some, others) = states.split_at_mut(MAX_LANES);
            rounds(some, count);
            rounds(others, count);
        }
    }
}

#[inline(never)]
fn rounds_of<const N: usize>(states: &mut [State], count: u32) {
    let Some(states) = states.first_chunk_mut::<N>() else { return };
    for _ in 0..count {
        expand(states, |state, i| state.key[i], |_, _| 0);
        expand(states, |state, i| state.salt[i % 4], |_, _| 0);
    }
}

/// Blowfish's key schedule, of `N` states at once: mixes the `key` in, then encrypts the state with itself. `salt` is mixed into what
/// is encrypted.
#[expect(clippy::inline_always, reason = "N lanes are N chains only where all is unrolled")]
#[inline(always)]
fn expand<const N: usize>(
    states: &mut [State; N],
    key: impl Fn(&State, usize) -> u32,
    salt: impl Fn(&State, usize) -> u32,
) {
    for state in &mut *states {
        for i in 0..18 {
            state.subkeys[i] ^= key(state, i);
        }
    }
    let (mut left, mut right) = ([0; N], [0; N]);
    for i in 0..9 {
        for n in 0..N {
            left[n] ^= salt(&states[n], 2 * i);
            right[n] ^= salt(&states[n], 2 * i + 1);
        }
        encrypt(states, &mut left, &mut right);
        for n in 0..N {
            states[n].subkeys[2 * i] = left[n];
            states[n].subkeys[2 * i + 1] = right[n];
        }
    }
    for b in 0..4 {
        for i in 0..128 {
            for n in 0..N {
                // The salt goes on where the subkeys have left off: after 18 words, which is two words into it.
                left[n] ^= salt(&states[n], 2 * i + 2);
                right[n] ^= salt(&states[n], 2 * i + 3);
            }
            encrypt(states, &mut left, &mut right);
            for n in 0..N {
                states[n].boxes[b][2 * i] = left[n];
                states[n].boxes[b][2 * i + 1] = right[n];
            }
        }
    }
}

/// Encrypts a block with each of `N` states: 16 Feistel rounds.
#[expect(clippy::inline_always, reason = "N lanes are N chains only where all is unrolled")]
#[inline(always)]
fn encrypt<const N: usize>(states: &[State; N], left: &mut [u32; N], right: &mut [u32; N]) {
    for i in 0..8 {
        for n in 0..N {
            left[n] ^= states[n].subkeys[2 * i];
            right[n] ^= f(&states[n].boxes, left[n]);
        }
        for n in 0..N {
            right[n] ^= states[n].subkeys[2 * i + 1];
            left[n] ^= f(&states[n].boxes, right[n]);
        }
    }
    for n in 0..N {
        left[n] ^= states[n].subkeys[16];
        right[n] ^= states[n].subkeys[17];
        (left[n], right[n]) = (right[n], left[n]);
    }
}

#[expect(clippy::inline_always, reason = "N lanes are N chains only where all is unrolled")]
#[inline(always)]
fn f(boxes: &[[u32; 256]; 4], word: u32) -> u32 {
    let [a, b, c, d] = boxes;
    let sum = a[(word >> 24) as usize].wrapping_add(b[(word >> 16 & 0xff) as usize]);
    (sum ^ c[(word >> 8 & 0xff) as usize]).wrapping_add(d[(word & 0xff) as usize])
}

#[cfg(test)]
#[path = "kernel_tests.rs"]
mod tests;
