"""Judges what `monitoring/` has, and what a node says, by the field's own parsers.

`python judge.py BINARY FOLDER` starts the binary on a free port in an empty
folder, reads its `/metrics` with the parser of OpenMetrics, and every expression
of the dashboard and of the alerts with one of PromQL: each has to ask for series
and labels that there are.
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request

import promql_parser
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families

SOON = 30
# What Prometheus adds to whatever it reads.
ADDED = {"job", "instance", "le"}


def said(binary):
    """What a node says of itself, after a request that fails and one that doesn't."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [pathlib.Path(binary).resolve()],
            cwd=folder,
            env={"GATEWAY_BIND_ADDR": "127.0.0.1:0", "RUST_LOG": "warn"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            line = next(line for line in process.stdout if line.startswith("listening on "))
            url = re.search(r"http://\S+", line)[0]
            for path in ["/health", "/livez"]:
                urllib.request.urlopen(url + path, timeout=SOON).read()
            with urllib.request.urlopen(url + "/metrics", timeout=SOON) as answer:
                return answer.read().decode()
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=SOON)


def labels_of(text):
    """The labels of every sample, by its name."""
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation, f"{family.name} says nothing of itself"
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def selectors(node):
    """Every selector of an expression, and the labels that sums are made by."""
    names, by = [], set()
    pending = [node]
    while pending:
        node = pending.pop()
        if isinstance(node, promql_parser.VectorSelector):
            names.append((node.name, {matcher.name for matcher in node.matchers.matchers}))
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier:
            by |= {*node.modifier.labels}
        for child in ("expr", "lhs", "rhs", "vector_selector", "args"):
            found = getattr(node, child, None)
            pending.extend(found if isinstance(found, list) else [found] if found else [])
    return names, by


def judge(where, expression, series):
    # Grafana puts its own in.
    plain = expression.replace("$__rate_interval", "1m").replace("$job", ".+").replace("$instance", ".+")
    names, by = selectors(promql_parser.parse(plain))
    assert names, f"{where}: {expression} asks for nothing"
    there = set()
    for name, matchers in names:
        assert name in series, f"{where}: there is no {name}"
        there |= series[name] | ADDED
        missing = matchers - series[name] - ADDED
        assert not missing, f"{where}: {name} has no {missing}"
    assert by <= there, f"{where}: nothing of {expression} has {by - there}"


def main(binary, folder):
    folder = pathlib.Path(folder)
    series = labels_of(said(binary))
    # They come with the first call and request that they are about.
    for name, labels in {
        "service_http_requests_total": {"method", "route", "status"},
        "service_http_request_duration_seconds_bucket": {"method", "route"},
        "service_store_operation_duration_seconds_bucket": {"operation"},
    }.items():
        assert series[name] >= labels, name
    judged = 0
    dashboard = json.loads((folder / "grafana.json").read_text("utf-8"))
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            judge(panel["title"], target["expr"], series)
            judged += 1
    alerts = yaml.safe_load((folder / "alerts.yml").read_text("utf-8"))
    for group in alerts["groups"]:
        for rule in group["rules"]:
            judge(rule["alert"], rule["expr"], series)
            judged += 1
    scraping = yaml.safe_load((folder / "prometheus.yml").read_text("utf-8"))
    assert scraping["rule_files"] == ["alerts.yml"]
    assert judged > 30, judged
    print(f"monitoring: {judged} expressions, {len(series)} names of series")


if __name__ == "__main__":
    main(*sys.argv[1:])
