#!/usr/bin/env bash
# What the two binaries are made of: a CycloneDX SBOM of each, and that nothing is missing in it.
#
#   bash tests/sbom.sh               target/sbom/waika-server.cdx.json and waika-loadgen.cdx.json
#   bash tests/sbom.sh --advisories  asks the RustSec database about both workspaces too, which is fetched
#
# Every package that cargo builds into a binary must be in its SBOM with version and licence, and none that is there
# may be without a licence. Needs Python 3. cargo-cyclonedx is built, if it is not there, in two to four minutes, into
# target/tools or $WAIKA_TOOLS. Exit codes: 0 nothing is missing, 1 something is, 64 usage, 69 no cargo-deny.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly CARGO_CYCLONEDX_VERSION=0.5.9
readonly TOOLS="${WAIKA_TOOLS:-$PWD/target/tools}"
readonly OUT="$PWD/target/sbom"
TARGET=$(rustc -vV | sed -n 's/^host: //p')
readonly TARGET

advisories=no
case "${1:-}" in
  "") ;;
  --advisories) advisories=yes ;;
  *)
    echo "usage: bash tests/sbom.sh [--advisories]" >&2
    exit 64
    ;;
esac

export PATH="$TOOLS/bin:$PATH"
mkdir -p "$TOOLS" "$OUT"

if ! cargo cyclonedx --version 2>/dev/null | grep -qF "$CARGO_CYCLONEDX_VERSION"; then
  cargo install --locked --debug --root "$TOOLS" "cargo-cyclonedx@$CARGO_CYCLONEDX_VERSION"
fi

# It writes beside each manifest; what is not a binary's has none.
cargo cyclonedx --quiet --format json --describe binaries --spec-version 1.5 --no-build-deps --target "$TARGET"
for binary in waika-server waika-loadgen; do
  folder=${binary#waika-}
  mv "$folder/${binary}_bin.cdx.json" "$OUT/$binary.cdx.json"
  cargo tree --locked --package "$binary" --edges normal --target "$TARGET" --prefix none --format '{p}|{l}' \
    | python3 tests/sbom/check.py "$binary" "$OUT/$binary.cdx.json"
done

if [ "$advisories" = yes ]; then
  command -v cargo-deny >/dev/null || { echo "cargo-deny is missing: bash tests/all.sh --full builds it" >&2; exit 69; }
  cargo-deny --workspace check advisories
  cargo-deny --manifest-path server/fuzz/Cargo.toml --config server/fuzz/.deny.toml check advisories
fi
