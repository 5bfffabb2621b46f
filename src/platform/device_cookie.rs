//! Makes device cookies and checks them. Nothing of them is stored.

use super::digest::sha256;
use super::keys::{Mac, Purpose, Ring};
use super::random::{Random, RandomError};
use crate::domain::account::Email;
use crate::domain::throttle::DeviceCookie;

/// How many of the presented ones are looked at: a browser sends one.
const MAX_PRESENTED: usize = 2;

/// Device cookies under the server's keys.
#[derive(Clone, Debug)]
pub struct DeviceCookies {
    keys: Ring,
    random: Random,
}

impl DeviceCookies {
    /// Under these keys.
    #[must_use]
    pub fn new(keys: Ring, random: Random) -> Self {
        Self { keys, random }
    }

    /// The device id of the presented cookie that was made for this account, if there is an authentic one. Needs no look-up: the
    /// answer is the same whether there is such an account.
    #[must_use]
    pub fn device(&self, presented: &[String], email: &Email) -> Option<[u8; 16]> {
        let mut cookies = presented.iter().take(MAX_PRESENTED).filter_map(|text| self.authentic(text));
        cookies.find(|cookie| cookie.tags.contains(&tag(&cookie.device, email))).map(|cookie| cookie.device)
    }

    /// The cookie after a login to this account: what the browser brought and the account, which becomes the newest; the oldest is
    /// left out where there are more than [`DeviceCookie::MAX_ACCOUNTS`]. A browser that brought none gets a device id.
    ///
    /// # Errors
    /// When there are no random bytes.
    pub fn issue(&self, presented: &[String], email: &Email) -> Result<String, RandomError> {
        let brought = presented.iter().take(MAX_PRESENTED).find_map(|text| self.authentic(text));
        let key_id = self.keys.current.id();
        let mut cookie = match brought {
            Some(brought) => DeviceCookie { key_id, ..brought },
            None => DeviceCookie { key_id, device: self.random.bytes()?, tags: Vec::new() },
        };
        let newest = tag(&cookie.device, email);
        cookie.tags.retain(|known| *known != newest);
        cookie.tags.insert(0, newest);
        cookie.tags.truncate(DeviceCookie::MAX_ACCOUNTS);
        Ok(cookie.write(&self.keys.sign(Purpose::DeviceCookies, &cookie.body()).tag))
    }

    fn authentic(&self, text: &str) -> Option<DeviceCookie> {
        let (cookie, tag) = DeviceCookie::parse(text)?;
        let mac = Mac { key_id: cookie.key_id, tag };
        self.keys.verify(Purpose::DeviceCookies, &cookie.body(), &mac).then_some(cookie)
    }
}

/// Salted by the device id, which is random and secret: the same account has another tag in every browser.
fn tag(device: &[u8; 16], email: &Email) -> [u8; 16] {
    let hash = sha256(&[device, email.as_str().as_bytes()].concat());
    let mut tag = [0; 16];
    tag.copy_from_slice(&hash[..16]);
    tag
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::secret::Secret;

    fn cookies(current: u8, previous: Option<u8>) -> DeviceCookies {
        let secret = |byte| Secret::new(vec![byte; 32]);
        DeviceCookies::new(Ring::new(secret(current), previous.map(secret)), Random::system())
    }

    fn email(number: usize) -> Email {
        Email::parse(&format!("person{number}@example.com")).unwrap()
    }

    #[test]
    fn a_browser_is_known_for_its_five_newest_accounts() {
        let cookies = cookies(1, None);
        let mut jar: Vec<String> = Vec::new();
        for number in 0..7 {
            assert_eq!(cookies.device(&jar, &email(number)), None);
            jar = vec![cookies.issue(&jar, &email(number)).unwrap()];
        }
        let device = cookies.device(&jar, &email(6));
        assert!(device.is_some());
        let known: Vec<bool> = (0..7).map(|number| cookies.device(&jar, &email(number)) == device).collect();
        assert_eq!(known, [false, false, true, true, true, true, true]);
        // The one that logs in again becomes the newest.
        jar = vec![cookies.issue(&jar, &email(2)).unwrap()];
        jar = vec![cookies.issue(&jar, &email(8)).unwrap()];
        assert_eq!(cookies.device(&jar, &email(2)), device);
        assert_eq!(cookies.device(&jar, &email(3)), None);
    }

    #[test]
    fn forged_ones_are_none_and_a_change_of_keys_forgets_nobody() {
        let made = vec![cookies(1, None).issue(&[], &email(1)).unwrap()];
        assert_eq!(cookies(2, None).device(&made, &email(1)), None);
        let changed = cookies(2, Some(1));
        let device = changed.device(&made, &email(1));
        assert!(device.is_some());
        let renewed = vec![changed.issue(&made, &email(2)).unwrap()];
        assert_eq!(cookies(2, None).device(&renewed, &email(1)), device);
        for position in 0..made[0].len() {
            let mut bytes = made[0].clone().into_bytes();
            bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(bytes).unwrap();
            assert_eq!(cookies(1, None).device(&[forged], &email(1)), None, "{position}");
        }
    }
}
