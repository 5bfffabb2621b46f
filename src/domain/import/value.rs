//! Values as databases and exports write them.

use serde_json::Value;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, PrimitiveDateTime};

use super::Confirmed;
use crate::domain::timestamp::Timestamp;

/// A text; numbers too. None where it is empty, or neither.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        // MongoDB's way to write an id.
        Value::Object(object) => object.get("$oid").and_then(text),
        _ => None,
    }
}

/// A switch: true where there is something that does not say no.
pub(super) fn is_on(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(on) => *on,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => {
            !matches!(text.trim().to_ascii_lowercase().as_str(), "" | "0" | "f" | "false" | "n" | "no" | "off" | "null")
        }
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// Whether something is confirmed, and since when: a switch that says yes, or a moment. Whatever is neither is none: an address is not to be
/// believed by mistake.
pub(super) fn confirmed(value: &Value) -> Confirmed {
    let yes = match value {
        Value::Bool(on) => *on,
        Value::Number(number) => number.as_f64() == Some(1.0),
        Value::String(text) => {
            matches!(text.trim().to_ascii_lowercase().as_str(), "1" | "t" | "true" | "y" | "yes" | "on")
        }
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    };
    // A small number is no moment, but a switch of some kind.
    let moment = moment(value).filter(|moment| *moment >= EARLIEST_CONFIRMED);
    match (yes, moment) {
        (true, _) => Confirmed::Yes,
        (false, Some(moment)) => Confirmed::At(moment),
        (false, None) => Confirmed::No,
    }
}

/// The year 1990: nobody's address was confirmed before.
const EARLIEST_CONFIRMED: Timestamp = Timestamp::from_seconds(631_152_000);

/// A moment: RFC 3339; as databases write it, in UTC where no zone is told; a date; a number of seconds, milliseconds or microseconds since
/// 1970, which is told by its size. None: it is none, or before 1970 or after 9999.
pub(super) fn moment(value: &Value) -> Option<Timestamp> {
    let moment = match value {
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)).and_then(from_number),
        Value::String(text) => from_text(text.trim()),
        Value::Object(object) => object.get("$date").and_then(moment),
        _ => None,
    }?;
    (1..=LATEST).contains(&moment.micros()).then_some(moment)
}

/// The end of the year 9999.
const LATEST: i64 = 253_402_300_799_999_999;

#[expect(clippy::cast_possible_truncation, reason = "it is looked at before")]
fn whole(number: f64) -> Option<i64> {
    (0.0..9e15).contains(&number).then_some(number as i64)
}

fn from_number(number: i64) -> Option<Timestamp> {
    // In seconds until the year 5138, in milliseconds from 1973, in microseconds likewise.
    let micros = match number {
        ..0 => return None,
        0..100_000_000_000 => number.checked_mul(1_000_000),
        100_000_000_000..100_000_000_000_000 => number.checked_mul(1_000),
        _ => Some(number),
    };
    micros.map(Timestamp::from_micros)
}

fn from_text(text: &str) -> Option<Timestamp> {
    if let Ok(number) = text.parse::<i64>() {
        return from_number(number);
    }
    let micros = |moment: OffsetDateTime| i64::try_from(moment.unix_timestamp_nanos() / 1_000).ok();
    let whole = text.replacen(' ', "T", 1).replace(' ', "");
    // PostgreSQL writes `+00` for `+00:00`.
    let at_tail = whole.len().checked_sub(3)?;
    let short_zone = matches!(whole.as_bytes().get(at_tail), Some(b'+' | b'-')) && whole.contains('T');
    let whole = if short_zone { format!("{whole}:00") } else { whole };
    if let Ok(moment) = OffsetDateTime::parse(&whole, &Rfc3339) {
        return micros(moment).map(Timestamp::from_micros);
    }
    if let Ok(moment) = OffsetDateTime::parse(&format!("{whole}Z"), &Rfc3339) {
        return micros(moment).map(Timestamp::from_micros);
    }
    let minutes = format_description!("[year]-[month]-[day]T[hour]:[minute]");
    if let Ok(moment) = PrimitiveDateTime::parse(&whole, minutes) {
        return micros(moment.assume_utc()).map(Timestamp::from_micros);
    }
    let date = Date::parse(text, format_description!("[year]-[month]-[day]")).ok()?;
    micros(date.midnight().assume_utc()).map(Timestamp::from_micros)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn moments_as_they_are_written() {
        for (value, expected) in [
            (json!("2025-12-30T00:00:00Z"), Some("2025-12-30T00:00:00Z")),
            (json!("2025-12-30T01:00:00+01:00"), Some("2025-12-30T00:00:00Z")),
            (json!("2025-12-30 00:00:00"), Some("2025-12-30T00:00:00Z")),
            (json!("2025-12-30 00:00:00.123456"), Some("2025-12-30T00:00:00Z")),
            (json!("2025-12-30 02:00:00.5+02"), Some("2025-12-30T00:00:00Z")),
            (json!("2025-12-30 00:00:00.123Z"), Some("2025-12-30T00:00:00Z")),
            (json!("2025-12-30T00:00:00.000+00:00"), Some("2025-12-30T00:00:00Z")),
            (json!("2025-12-30 00:00:00 +00:00"), Some("2025-12-30T00:00:00Z")),
            (json!("2025-12-30T00:00"), Some("2025-12-30T00:00:00Z")),
            (json!("2025-12-30"), Some("2025-12-30T00:00:00Z")),
            (json!(1_767_052_800), Some("2025-12-30T00:00:00Z")),
            (json!(1_767_052_800_000_i64), Some("2025-12-30T00:00:00Z")),
            (json!("1767052800000"), Some("2025-12-30T00:00:00Z")),
            (json!(1_767_052_800_000_000_i64), Some("2025-12-30T00:00:00Z")),
            (json!(1_767_052_800.5), Some("2025-12-30T00:00:00Z")),
            (json!({ "$date": "2025-12-30T00:00:00.000Z" }), Some("2025-12-30T00:00:00Z")),
            (json!("infinity"), None),
            (json!("0000-00-00 00:00:00"), None),
            (json!("yesterday"), None),
            (json!(""), None),
            (json!("é"), None),
            (json!(-1), None),
            (json!(0), None),
            (json!(i64::MAX), None),
            (json!(true), None),
            (json!(null), None),
        ] {
            assert_eq!(moment(&value).map(|moment| moment.to_string()).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn switches_as_they_are_written() {
        for on in
            [json!(true), json!(1), json!("t"), json!("TRUE"), json!("1"), json!("yes"), json!("2025-12-30"), json!({})]
        {
            assert!(is_on(&on), "{on}");
        }
        for off in
            [json!(false), json!(0), json!("f"), json!("False"), json!("0"), json!(""), json!(null), json!("off")]
        {
            assert!(!is_on(&off), "{off}");
        }
    }

    #[test]
    fn confirmations_as_they_are_written() {
        let at = Timestamp::parse("2025-12-30T00:00:00Z").unwrap();
        for (value, expected) in [
            (json!(true), Confirmed::Yes),
            (json!(1), Confirmed::Yes),
            (json!("t"), Confirmed::Yes),
            (json!("True"), Confirmed::Yes),
            (json!("1"), Confirmed::Yes),
            (json!("2025-12-30 00:00:00"), Confirmed::At(at)),
            (json!("2025-12-30T00:00:00+00:00"), Confirmed::At(at)),
            (json!(1_767_052_800), Confirmed::At(at)),
            (json!(1_767_052_800_000_i64), Confirmed::At(at)),
            (json!("1767052800"), Confirmed::At(at)),
            (json!({ "$date": "2025-12-30T00:00:00Z" }), Confirmed::At(at)),
            (json!(null), Confirmed::No),
            (json!(false), Confirmed::No),
            (json!(0), Confirmed::No),
            (json!("0"), Confirmed::No),
            (json!("f"), Confirmed::No),
            (json!(""), Confirmed::No),
            (json!("2"), Confirmed::No),
            (json!(2), Confirmed::No),
            (json!(-1), Confirmed::No),
            (json!("pending"), Confirmed::No),
            (json!("0000-00-00 00:00:00"), Confirmed::No),
            (json!("1970-01-01 00:00:01"), Confirmed::No),
            (json!({ "pending": true }), Confirmed::No),
            (json!([true]), Confirmed::No),
        ] {
            assert_eq!(confirmed(&value), expected, "{value}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,30}|[0-9T:+ Z.-]{0,30}", number in any::<i64>(), real in any::<f64>()) {
            let _ = moment(&json!(text));
            let _ = moment(&json!(number));
            let _ = confirmed(&json!(text));
            let _ = confirmed(&json!(number));
            let _ = moment(&json!(real));
        }
    }
}
