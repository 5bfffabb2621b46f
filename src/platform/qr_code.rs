//! Symbols that a phone's camera reads (ISO/IEC 18004), drawn as SVG.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qrcodegen::{QrCode, QrCodeEcc, QrSegment, Version};

/// The modules around a symbol that must be light: without them several readers find none.
const QUIET: i32 = 4;
/// Pixels of a module: the smallest symbol is 232 wide then.
const SCALE: i32 = 8;

/// A symbol of this text as a `data:` address of an SVG image, for the `src` of an `<img>`. Dark on light, whatever the page's theme:
/// readers find no inverted ones. None: the text is too long for any symbol.
#[must_use]
pub fn data_uri(text: &str) -> Option<String> {
    // The number of modules decides how far away a camera reads it: of the levels that need no larger symbol the best.
    let segments = QrSegment::make_segments(text);
    let symbol =
        QrCode::encode_segments_advanced(&segments, QrCodeEcc::Low, Version::MIN, Version::MAX, None, true).ok()?;
    Some(format!("data:image/svg+xml;base64,{}", STANDARD.encode(svg(&symbol))))
}

fn svg(symbol: &QrCode) -> String {
    let size = symbol.size() + 2 * QUIET;
    let mut path = String::new();
    for y in 0..symbol.size() {
        let mut x = 0;
        while x < symbol.size() {
            let start = x;
            while symbol.get_module(x, y) {
                x += 1;
            }
            if x > start {
                let _ = write!(path, "M{} {}h{}v1h-{}z", start + QUIET, y + QUIET, x - start, x - start);
            } else {
                x += 1;
            }
        }
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{0}\" viewBox=\"0 0 {size} {size}\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{size}v{size}H0z\"/><path fill=\"#000\" d=\"{path}\"/></svg>",
        size * SCALE
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_every_module_and_a_light_border() {
        let symbol = QrCode::encode_text("otpauth://totp/Doorward:ann", QrCodeEcc::Low).unwrap();
        let svg = svg(&symbol);
        let dark: i32 = (0..symbol.size())
            .flat_map(|y| (0..symbol.size()).map(move |x| (x, y)))
            .map(|(x, y)| i32::from(symbol.get_module(x, y)))
            .sum();
        let drawn: i32 = svg
            .split('h')
            .skip(1)
            .filter_map(|run| run.split('v').next()?.parse::<i32>().ok())
            .filter(|run| *run < 50)
            .sum();
        let size = symbol.size() + 8;
        assert_eq!(drawn, dark + if size < 50 { size } else { 0 });
        assert!(svg.contains(&format!("viewBox=\"0 0 {size} {size}\"")) && !svg.contains("M0 0h1v"));
    }

    #[test]
    fn what_is_too_long_has_no_symbol() {
        assert_eq!(data_uri(&"a".repeat(3_000)), None);
        assert!(data_uri("a").is_some_and(|uri| uri.starts_with("data:image/svg+xml;base64,")));
    }
}
