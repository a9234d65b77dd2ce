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

step "format"
cargo fmt --all --check
step "lints"
cargo clippy --workspace --all-targets --locked -- -D warnings
step "build"
cargo build --workspace --all-targets --locked
step "tests"
# The binary just built: building it alone would build its dependencies with other features.
export PODTRAIL_BIN="${CARGO_TARGET_DIR:-$PWD/target}/debug/podtrail"
cargo test --workspace --locked
if command -v cargo-deny >/dev/null; then
    step "licences and sources of dependencies"
    cargo deny --offline check bans licenses sources || exit 1
fi
step "all checks passed"
