//! Where traces go, and which.

use crate::program::{FILE, Setup, is_refused, overrides, random_secret};

#[cfg(feature = "otel")]
const HERE: &str = "http://127.0.0.1:4318/v1/traces";

#[test]
fn there_are_none_unless_it_is_said_where() {
    let shown = |key| Setup::new().shown(key);
    assert_eq!(
        shown("traces.endpoint is"),
        "# traces.endpoint is not set  # <- default"
    );
    assert_eq!(shown("traces.sample"), "traces.sample = 1.0  # <- default");
    assert_eq!(
        shown("traces.trust_incoming"),
        "traces.trust_incoming = false  # <- default"
    );
}

/// Whoever asks for traces must not find out later that there are none.
#[test]
#[cfg(not(feature = "otel"))]
fn a_build_without_traces_says_so() {
    for (variable, value) in [
        ("APP__TRACES__ENDPOINT", "http://127.0.0.1:4318/v1/traces"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318"),
    ] {
        Setup::new().var(variable, value).refuses(&[&format!(
            "traces.endpoint: this build has no traces: build it with `--features otel`, or leave \
             this out (from {variable})"
        )]);
    }
}

#[test]
#[cfg(feature = "otel")]
fn the_names_of_opentelemetry_are_known() {
    const BASE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    const TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    let line = format!("traces.endpoint = \"{HERE}\"");
    let structured = ("APP__TRACES__ENDPOINT", "http://other.example/traces");
    let shown = |setup: &Setup| setup.shown("traces.endpoint");
    for base in ["http://127.0.0.1:4318", "http://127.0.0.1:4318/"] {
        let setup = Setup::new().var(structured.0, structured.1).var(BASE, base);
        assert_eq!(shown(&setup), format!("{line}  # <- {BASE}"));
    }
    let setup = Setup::new().var(BASE, "http://other.example");
    let setup = setup.var(TRACES, HERE).var(structured.0, structured.1);
    assert_eq!(shown(&setup), format!("{line}  # <- {TRACES}"));
    let setup = Setup::new().var(BASE, "").var(TRACES, "");
    let setup = setup.var(structured.0, HERE);
    assert_eq!(shown(&setup), format!("{line}  # <- {}", structured.0));
}

#[test]
fn what_is_no_url_of_a_collector_is_refused() {
    for url in ["localhost:4318", "grpc://collector:4317", "/v1/traces"] {
        is_refused(
            Setup::new(),
            "APP__TRACES__ENDPOINT",
            url,
            "traces.endpoint",
        );
    }
    let url = "https://ann:quokka@collector.example/v1/traces";
    let refused = Setup::new().var("APP__TRACES__ENDPOINT", url).refuses(&[
        "traces.endpoint: a collector's URL has no user name and password; traces.headers has \
         what is secret (from APP__TRACES__ENDPOINT)",
    ]);
    refused.never_says("quokka");
}

#[test]
fn a_sample_is_a_share() {
    let sample = |value| Setup::new().var("APP__TRACES__SAMPLE", value);
    for (value, shown) in [("0", "0.0"), ("0.25", "0.25"), ("1", "1.0")] {
        assert_eq!(
            sample(value).shown("traces.sample"),
            format!("traces.sample = {shown}  # <- APP__TRACES__SAMPLE")
        );
    }
    for value in ["-0.1", "1.5", "NaN", "all"] {
        let variable = "APP__TRACES__SAMPLE";
        is_refused(Setup::new(), variable, value, "traces.sample");
    }
    let in_file = |value| Setup::new().write(FILE, format!("[default.traces]\nsample = {value}\n"));
    assert_eq!(
        in_file("1").shown("traces.sample"),
        format!("traces.sample = 1.0  # <- {FILE}")
    );
    in_file("\"all\"").refuses(&[&format!(
        "traces.sample: expected a number, found text (from {FILE})"
    )]);
}

#[test]
fn headers_are_a_secret() {
    const TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_HEADERS";
    const EVERY: &str = "OTEL_EXPORTER_OTLP_HEADERS";
    let secret = random_secret();
    let headers = format!("authorization=Bearer%20{secret},x-scope=rooms");
    let line = "# traces.headers = (hidden)";
    for name in [TRACES, EVERY, "APP__TRACES__HEADERS"] {
        let setup = Setup::new().var(name, &headers);
        assert_eq!(
            setup.shown("traces.headers"),
            format!("{line}  # <- {name}")
        );
        setup.run(&["config", "show"]).never_says(&secret);
        let file = format!("{name}_FILE");
        let setup = Setup::new()
            .write("headers", &headers)
            .var(&file, "headers");
        assert_eq!(
            setup.shown("traces.headers"),
            format!("{line}  # <- {file}")
        );
    }
    for name in [TRACES, EVERY] {
        let structured = ("APP__TRACES__HEADERS", "x-scope=other");
        overrides((name, &headers), structured, "traces.headers", line);
    }
    let both = Setup::new()
        .var(EVERY, "x-scope=other")
        .var(TRACES, &headers);
    assert_eq!(
        both.shown("traces.headers"),
        format!("{line}  # <- {TRACES}")
    );
    for wrong in ["Bearer quokka", "bad name=quokka", "x=quokka%0A", "=quokka"] {
        let refused = Setup::new().var(EVERY, wrong).refuses(&[&format!(
            "traces.headers: expected headers like `authorization=Bearer%20abc,x-scope=rooms`, \
             with percent-encoded values (from {EVERY})"
        )]);
        refused.never_says("quokka");
    }
}

#[test]
#[cfg(feature = "otel")]
fn headers_that_go_without_tls_are_worth_a_warning() {
    let warned = |endpoint: &str| {
        let setup = Setup::new().var("APP__TRACES__ENDPOINT", endpoint);
        let outcome = setup.var("APP__TRACES__HEADERS", "x=quokka").check();
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        outcome.never_says("quokka").stderr.clone()
    };
    let remote = warned("http://collector.example/v1/traces");
    assert!(
        remote.contains("traces.endpoint: whoever sits on the network can read headers"),
        "{remote}"
    );
    for fine in [HERE, "https://collector.example/v1/traces"] {
        assert!(!warned(fine).contains("traces"), "{fine}");
    }
}
