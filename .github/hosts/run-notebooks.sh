#!/bin/sh
# Runs every notebook in a host that is installed, and checks what came out:
#   run-notebooks.sh jupyter|verso OUT [NOTEBOOK...]
# jupyter: the kernel that is registered as .net-csharp. Needs jq, and for jupyter nbconvert and Chromium or Chrome.
set -eu
host=$1
out=$2
shift 2
[ $# -gt 0 ] || set -- notebooks/*.ipynb
mkdir -p "$out"
out=$(cd "$out" && pwd)

fail() {
  echo "$host: $1" >&2
  exit 1
}

# Every chart of a page has to be there, drawn, with no other host reachable.
check_drawn() {
  charts=$(grep -o 'class="wb-chart"' "$1" | wc -l)
  drawn=$("$browser" --headless --no-sandbox --disable-gpu --host-resolver-rules='MAP * ~NOTFOUND' \
    --virtual-time-budget=60000 --dump-dom "file://$1" 2> /dev/null | grep -o 'class="wb-chart js-plotly-plot"' | wc -l)
  echo "$(basename "$1"): $drawn of $charts charts drawn"
  [ "$charts" -gt 0 ] && [ "$drawn" -eq "$charts" ] || fail "$1: charts are missing"
}

browser=$(command -v chromium || command -v google-chrome || command -v chromium-browser) || fail "there is no Chromium or Chrome to draw the charts"
for notebook; do
  name=$(basename "$notebook" .ipynb)
  case $host in
    jupyter)
      jupyter nbconvert --to notebook --execute --ExecutePreprocessor.timeout=3600 --output-dir "$out" "$notebook"
      jq -e '[.cells[].outputs[]? | select(.output_type == "error")] == []' "$out/$name.ipynb" > /dev/null || fail "$name: a cell failed"
      jupyter nbconvert --to html --output-dir "$out" "$out/$name.ipynb"
      ;;
    verso)
      verso run "$notebook" --fail-fast --timeout 7200 --output json --output-file "$out/$name.json"
      jq -e '[.cells[].outputs[]? | select(.isError == true)] == []' "$out/$name.json" > /dev/null || fail "$name: a cell failed"
      jq -r '.cells[].outputs[]? | select(.mimeType == "text/html") | .content' "$out/$name.json" > "$out/$name.html"
      ;;
    *) fail "there are the hosts jupyter and verso" ;;
  esac
  check_drawn "$out/$name.html"
done
