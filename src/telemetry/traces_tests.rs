use std::sync::Mutex;

use super::*;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SEED: [u8; 16] = [7; 16];

fn request() -> Request<'static> {
    Request {
        method: "GET",
        path: "/api/auth/me",
        status: Some(200),
        request_id: None,
        parent: None,
        began: Instant::now().checked_sub(Duration::from_millis(5)).unwrap(),
        took: Duration::from_millis(5),
    }
}

/// What is handed over of these.
fn spans(requests: &[Request<'_>]) -> Vec<Value> {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let shared = Arc::clone(&sent);
    let take = move |body: &str| {
        shared.lock().unwrap().push(serde_json::from_str::<Value>(body).unwrap());
        Ok(())
    };
    let traces = Traces::start(take, || Timestamp::from_seconds(1_800_000_000), SEED).unwrap();
    for request in requests {
        traces.record(request);
    }
    traces.flush();
    let sent = sent.lock().unwrap();
    sent.iter()
        .flat_map(|body| body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone())
        .collect()
}

#[test]
fn a_request_is_a_span_of_the_trace_that_its_id_names_or_of_its_parents() {
    let named = Request { request_id: Some(TRACE), ..request() };
    let parent = Parent::parse(format!("00-{}-00f067aa0ba902b7-01", "a".repeat(32)).as_bytes());
    let spans = spans(&[named, Request { parent, ..named }, Request { request_id: Some("from-a-proxy"), ..request() }]);
    assert_eq!((&spans[0]["traceId"], spans[0].get("parentSpanId")), (&json!(TRACE), None));
    assert_eq!((&spans[1]["traceId"], &spans[1]["parentSpanId"]), (&json!("a".repeat(32)), &json!("00f067aa0ba902b7")));
    let fresh = spans[2]["traceId"].as_str().unwrap();
    assert!(fresh.len() == 32 && fresh != TRACE, "{fresh}");
    let ids: Vec<_> = spans.iter().map(|span| span["spanId"].as_str().unwrap()).collect();
    assert!(ids[0] != ids[1] && ids[1] != ids[2], "{ids:?}");
    let nanos = |name: &str| spans[0][name].as_str().unwrap().parse::<u128>().unwrap();
    assert_eq!(nanos("endTimeUnixNano") - nanos("startTimeUnixNano"), 5_000_000);
    assert_eq!(spans[0]["status"], json!({}));
}

#[test]
fn who_is_not_recorded_is_not_and_what_failed_says_so() {
    let unsampled = Parent::parse(format!("00-{TRACE}-00f067aa0ba902b7-00").as_bytes());
    assert!(unsampled.is_some());
    let failed = Request { status: Some(503), ..request() };
    let gone = Request { status: None, ..request() };
    let spans = spans(&[Request { parent: unsampled, ..request() }, failed, gone]);
    assert_eq!(spans.len(), 2);
    assert_eq!(spans[0]["status"], json!({ "code": 2 }));
    assert!(!spans[1].to_string().contains("status_code"));
}

#[test]
fn only_a_right_traceparent_is_one() {
    let right = format!("00-{TRACE}-00f067aa0ba902b7-01");
    assert!(Parent::parse(right.as_bytes()).is_some());
    assert!(Parent::parse(format!("01-{TRACE}-00f067aa0ba902b7-01-more").as_bytes()).is_some());
    for wrong in [
        String::new(),
        right.to_uppercase(),
        format!("{right}-more"),
        format!("{}more", right.replacen("00", "01", 1)),
        right.replacen("00", "ff", 1),
        right.replace(TRACE, &"0".repeat(32)),
        right.replace("00f067aa0ba902b7", &"0".repeat(16)),
        right.replace("00f067aa0ba902b7", "00f067aa0ba902b"),
        right.replace('-', "_"),
        format!(" {right}"),
    ] {
        assert_eq!(Parent::parse(wrong.as_bytes()), None, "{wrong}");
    }
}

/// Nobody waits for who does not take them: what does not fit is counted.
#[test]
fn whoever_records_does_not_wait() {
    let (open, gate) = sync_channel::<()>(0);
    let gate = Mutex::new(gate);
    let take = move |_: &str| {
        let _ = gate.lock().unwrap().recv();
        Err("no".to_owned())
    };
    let traces = Traces::start(take, || Timestamp::EPOCH, SEED).unwrap();
    for _ in 0..2 * CAPACITY {
        traces.record(&request());
    }
    assert!(traces.lost.load(Ordering::Relaxed) >= (CAPACITY - BATCH) as u64);
    drop(open);
}
