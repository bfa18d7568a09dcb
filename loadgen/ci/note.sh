#!/usr/bin/env bash
# Tells a merge request on GitLab what was measured: a note with the reports in Markdown.
#
#   bash loadgen/ci/note.sh RESULTS
#
# WAIKA_NOTE_TOKEN is a project access token with the scope "api" (a masked variable). Without it there
# is no note, and no failure: the reports are artifacts all the same.
set -euo pipefail

if [ $# -ne 1 ]; then
  echo "usage: bash loadgen/ci/note.sh RESULTS" >&2
  exit 64
fi
if [ -z "${WAIKA_NOTE_TOKEN:-}" ]; then
  echo "no note at the merge request: WAIKA_NOTE_TOKEN is not set"
  exit 0
fi
shopt -s nullglob
reports=("$1"/*.md)
if [ ${#reports[@]} -eq 0 ]; then
  echo "no note at the merge request: there is no report in $1"
  exit 0
fi

note=$(mktemp)
readonly note
trap 'rm -f "$note"' EXIT
cat "${reports[@]}" >"$note"
# By a file, so that the token is in no list of processes.
printf 'header = "PRIVATE-TOKEN: %s"\n' "$WAIKA_NOTE_TOKEN" |
  curl --silent --show-error --fail --output /dev/null --config - --data-urlencode "body@$note" \
    "$CI_API_V4_URL/projects/$CI_PROJECT_ID/merge_requests/$CI_MERGE_REQUEST_IID/notes"
echo "noted at merge request $CI_MERGE_REQUEST_IID"
