#!/usr/bin/env bash
# Builds podtrail, installs what it is measured against, and prints the table.
# Options are those of tests/bench/table.py (--help); paths are read from the root of the repository.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*" >&2; }

for tool in cargo python3; do
    command -v "$tool" >/dev/null || {
        echo "$tool is missing: see README.md" >&2
        exit 2
    }
done
target="${CARGO_TARGET_DIR:-$PWD/target}"
# Nothing of what is measured may lie beside the sources.
export PYTHONDONTWRITEBYTECODE=1

step "build"
# In one build: by itself, each would bring other features, and with them all dependencies anew. Cargo tells under which
# name it put the benchmark.
floor=$(cargo build --release --locked --bin podtrail --bench floor --message-format=json-render-diagnostics | python3 -c '
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("executable") and message["target"]["name"] == "floor":
        print(message["executable"])')

rivals="$target/bench-venv"
packages='duckdb==2.0.0 chdb==4.4.0'
if [ "$(cat "$rivals/packages" 2>/dev/null)" != "$packages" ]; then
    step "DuckDB and ClickHouse, to measure against"
    # shellcheck disable=SC2086 # one word each
    if python3 -m venv --clear "$rivals" && "$rivals/bin/pip" install --quiet --disable-pip-version-check $packages; then
        printf '%s' "$packages" >"$rivals/packages"
    else
        echo "they cannot be installed: their cells will say so" >&2
    fi
fi
python=()
[ ! -f "$rivals/packages" ] || python=(--python "$rivals/bin/python")

step "measure"
exec python3 tests/bench/table.py --podtrail "$target/release/podtrail" --floor "$floor" ${python[@]+"${python[@]}"} "$@"
