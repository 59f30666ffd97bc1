//! `monitoring/METRICS.md` has every series that there is, and no other; and
//! none of them grows with users or rooms.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use super::{Exposition, exposition::Family, scrape, traffic};
use crate::service::{Service, until_async};

/// Labels whose values are what the routes and the stores' calls are called, or
/// the program: too many for a table.
const OPEN: [&str; 7] = [
    "le",
    "method",
    "name",
    "operation",
    "route",
    "status",
    "version",
];

const INTRODUCTION: &str = "\
# Metrics

Every series of `GET /metrics`. This table is what a node says of itself; a test
fails while it is another: `make metrics` writes it anew.

| series | type | labels | |
|---|---|---|---|
";

fn committed(file: &str) -> (String, String) {
    let path = format!("{}/monitoring/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    (path, text)
}

/// A node that has done everything, and has cleaned up once.
async fn busy() -> Service {
    let service = Service::start().await;
    traffic::people(&service, 5).await;
    until_async("it cleans up after itself", async || {
        // The last thing that goes.
        let purged = [("operation", "audit.purge_audit")];
        let said = scrape(&service).await;
        said.get("service_store_operation_duration_seconds_count", &purged)
            .is_some()
    })
    .await;
    service
}

fn table(exposition: &Exposition) -> String {
    let mut table = INTRODUCTION.to_owned();
    for family in &exposition.families {
        let _ = writeln!(
            table,
            "| `{}` | {} | {} | {} |",
            name(family),
            family.kind,
            labels(family),
            family.help.trim_end_matches('.')
        );
    }
    table
}

/// As it is asked for.
fn name(family: &Family) -> String {
    let suffix = match &*family.kind {
        "counter" => "_total",
        "info" => "_info",
        _ => "",
    };
    format!("{}{suffix}", family.name)
}

/// The labels in the order of their names, and what values there are.
fn labels(family: &Family) -> String {
    let mut labels = BTreeMap::<&str, Vec<&str>>::new();
    for (label, value) in family.samples.iter().flat_map(|sample| &sample.labels) {
        let values = labels.entry(label).or_default();
        if !values.contains(&&**value) {
            values.push(value);
        }
    }
    labels.remove("le");
    let labels = labels.into_iter().map(|(label, values)| {
        let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
        if OPEN.contains(&label) {
            format!("`{label}`")
        } else {
            format!("`{label}`: {}", values.join(", "))
        }
    });
    labels.collect::<Vec<_>>().join("; ")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_has_every_series_and_no_other() {
    let service = busy().await;
    let fresh = table(&scrape(&service).await);
    let (path, committed) = committed("METRICS.md");
    if std::env::var("METRICS").is_ok_and(|value| value == "renew") {
        std::fs::write(path, &fresh).unwrap();
        return;
    }
    assert_eq!(committed, fresh, "stale: run `make metrics` and commit it");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_label_grows_with_users_or_rooms() {
    let service = busy().await;
    let few = scrape(&service).await.series();
    traffic::people(&service, 500).await;
    let many = scrape(&service).await;
    assert!(many.value("service_sessions_opened_total", &[]) >= 500.0);
    let new: Vec<_> = many.series().difference(&few).cloned().collect();
    assert!(new.is_empty(), "{new:#?}");
}

/// What looks like the name of a metric.
fn names(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("service_") || word.starts_with("process_"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_and_the_alerts_ask_for_nothing_that_is_not_there() {
    let service = busy().await;
    let exposition = scrape(&service).await;
    let samples = exposition
        .families
        .iter()
        .flat_map(|family| &family.samples);
    let there: BTreeSet<&str> = samples.map(|sample| &*sample.name).collect();
    for file in ["grafana.json", "alerts.yml"] {
        let (_, text) = committed(file);
        let asked = names(&text);
        assert!(asked.len() > 5, "{file} asks for {asked:?}");
        let missing: Vec<_> = asked.difference(&there).collect();
        assert!(missing.is_empty(), "{file} asks for {missing:?}");
    }
    // And the dashboard shows everything but what is there for sums.
    let (_, dashboard) = committed("grafana.json");
    let shown = names(&dashboard);
    for family in &exposition.families {
        let shown = shown.iter().any(|name| name.starts_with(&*family.name));
        let left_out = [
            "service_build",
            "service_draining",
            "service_bus_rooms",
            "process_virtual_memory_bytes",
            "process_threads",
        ];
        assert!(
            shown || left_out.contains(&&*family.name),
            "{} is on no panel",
            family.name
        );
    }
}
