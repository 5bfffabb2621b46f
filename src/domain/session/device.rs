//! A readable name for the device behind a `User-Agent`.

/// Such as "Firefox on Linux"; "Unknown device" where the text says nothing that is known.
#[must_use]
pub fn device_name(user_agent: Option<&str>) -> String {
    let parsed = user_agent.and_then(|text| woothee::parser::Parser::new().parse(text));
    let known = |part: &str| (!part.is_empty() && part != woothee::woothee::VALUE_UNKNOWN).then(|| part.to_owned());
    match parsed.map(|found| (known(found.name), known(found.os))) {
        Some((Some(browser), Some(system))) => format!("{browser} on {system}"),
        Some((Some(one), None) | (None, Some(one))) => one,
        _ => "Unknown device".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_devices_have_readable_names() {
        let named = [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
                "Chrome on Windows 10",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
        ];
        for (user_agent, expected) in named {
            assert_eq!(device_name(Some(user_agent)), expected);
        }
        assert_eq!(device_name(Some("")), "Unknown device");
        assert_eq!(device_name(Some("\u{fffd} nonsense")), "Unknown device");
        assert_eq!(device_name(None), "Unknown device");
    }
}
