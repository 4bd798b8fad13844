#!/bin/sh
# Creates Tidemark's namespace and its search attributes. Running it again changes nothing.
# It takes some seconds until every part of the server knows a new namespace, so each step is retried for a while.
set -eu

patiently() {
  tries=30
  until "$@"; do
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ]; then return 1; fi
    sleep 1
  done
}

namespace() {
  temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
}

search_attributes() {
  temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" \
    --name TidemarkPhase --type Keyword \
    --name TidemarkFailedMessages --type Int \
    --name TidemarkDrift --type Int \
    --name TidemarkAddress --type Keyword
}

patiently namespace
patiently search_attributes
