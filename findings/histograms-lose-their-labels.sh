#!/bin/sh
# parse-prometheus-text-format 1.1.1 (npm) beside prometheus-client 0.26.0 (PyPI): a histogram and
# a summary that have a label, as every histogram of requests has.
#
# One would expect one entry for each value of the label, as for counters.
# Seen: the labels of histograms and summaries are dropped, and all series of a name become one: of each bucket the *last* series' number
# counts, and `sum` and `count` are gone as soon as there is a label. Counters keep theirs. So the durations of all routes read as those of the
# route that stands last, with no error. Buckets with whole numbers come before the others, since they are the names of an object's
# properties. Without a label all is right, which is what examples show.
#
# For who runs a login service: a dashboard or a test that reads latencies with it judges the login by the health check.
# Doorward's `doorward_http_request_duration_seconds` has the labels `method` and `path`: read it with Prometheus itself, or by another parser.
#
# Installs the packages in a temporary folder, runs them, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts parse-prometheus-text-format@1.1.1
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check 'prometheus-client==0.26.0'
cat > metrics.txt <<'TEXT'
# TYPE requests_total counter
requests_total{path="/login"} 2
requests_total{path="/health"} 20
# TYPE plain_seconds histogram
plain_seconds_bucket{le="0.5"} 1
plain_seconds_bucket{le="1"} 2
plain_seconds_bucket{le="+Inf"} 2
plain_seconds_sum 1.25
plain_seconds_count 2
# TYPE duration_seconds histogram
duration_seconds_bucket{path="/login",le="0.5"} 1
duration_seconds_bucket{path="/login",le="1"} 2
duration_seconds_bucket{path="/login",le="+Inf"} 2
duration_seconds_sum{path="/login"} 1.25
duration_seconds_count{path="/login"} 2
duration_seconds_bucket{path="/health",le="0.5"} 20
duration_seconds_bucket{path="/health",le="1"} 20
duration_seconds_bucket{path="/health",le="+Inf"} 20
duration_seconds_sum{path="/health"} 0.02
duration_seconds_count{path="/health"} 20
# TYPE wait_seconds summary
wait_seconds{path="/login",quantile="0.5"} 0.25
wait_seconds_sum{path="/login"} 0.5
wait_seconds_count{path="/login"} 2
wait_seconds{path="/health",quantile="0.5"} 0.001
wait_seconds_sum{path="/health"} 0.02
wait_seconds_count{path="/health"} 20
TEXT
cat > probe.cjs <<'JAVASCRIPT'
const module_ = require("parse-prometheus-text-format");
for (const { name, metrics } of (module_.default ?? module_)(require("node:fs").readFileSync("metrics.txt", "utf8"))) {
  console.log(`npm: ${name}: ${JSON.stringify(metrics)}`);
}
JAVASCRIPT
cat > probe.py <<'PYTHON'
from prometheus_client.parser import text_string_to_metric_families

for family in text_string_to_metric_families(open("metrics.txt").read()):
    paths = sorted({sample.labels.get("path", "-") for sample in family.samples})
    print(f"PyPI: {family.name}: {len(family.samples)} samples, paths {' '.join(paths)}")
PYTHON
{
    node probe.cjs
    env/bin/python probe.py
} > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
npm: requests_total: [{"value":"2","labels":{"path":"/login"}},{"value":"20","labels":{"path":"/health"}}]
npm: plain_seconds: [{"buckets":{"1":"2","0.5":"1","+Inf":"2"},"count":"2","sum":"1.25"}]
npm: duration_seconds: [{"buckets":{"1":"20","0.5":"20","+Inf":"20"}}]
npm: wait_seconds: [{"quantiles":{"0.5":"0.001"}}]
PyPI: requests: 2 samples, paths /health /login
PyPI: plain_seconds: 5 samples, paths -
PyPI: duration_seconds: 10 samples, paths /health /login
PyPI: wait_seconds: 6 samples, paths /health /login
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
