#!/usr/bin/env bash
# Every call of the contract (openapi/resure.yaml), in the order in which a training run would meet them.
#
#   examples/curl.sh                          a service on this machine: http://127.0.0.1:8080
#   examples/curl.sh http://gpu-7:8080        another one; or RESURE_ADDRESS=http://gpu-7:8080
#
# Each command is printed before its answer. What it creates, it deletes at its end. The first answer with a
# status that was not expected ends it with 1.
set -euo pipefail

address=${1:-${RESURE_ADDRESS:-http://127.0.0.1:8080}}
run=curl-$$-$RANDOM
runs=$address/v1/runs
answer=$(mktemp)
body=$(mktemp)
trap 'curl -s -X DELETE "$runs/$run" -o /dev/null || true; rm -f "$answer" "$body"' EXIT

# call STATUS WHAT CURL-ARGUMENTS...: prints the command, runs it, prints the answer, checks its status
call() {
  local expected=$1 what=$2 status
  shift 2
  printf '\n# %s\ncurl' "$what"
  printf ' %q' "$@"
  printf '\n'
  # --globoff: brackets in an address are what they are.
  status=$(curl --silent --show-error --globoff --max-time 60 --output "$answer" --write-out '%{http_code}' "$@") || true
  if grep -qI . "$answer"; then
    head -c 2000 "$answer"
  elif [ -s "$answer" ]; then
    printf '(%s bytes that are no text)' "$(wc -c <"$answer" | tr -d ' ')"
  fi
  printf '\n=> %s\n' "$status"
  if [ "$status" != "$expected" ]; then
    printf 'expected %s\n' "$expected" >&2
    exit 1
  fi
}

json='Content-Type: application/json'

call 200 'What the service is like, in full (OpenAPI)' "$address/openapi.yaml"
call 200 'What weighs and folds' "$address/v1/compute"

call 201 'The training starts: create the run. Every field is optional' \
  -X PUT "$runs/$run" -H "$json" -d '{"warmUp": 2, "labels": {"experiment": "curl"}}'
call 200 'Another rank sends the same: it is there, and agrees' \
  -X PUT "$runs/$run" -H "$json" -d '{"warmUp": 2}'
call 409 'A different configuration is refused, and the field is named' \
  -X PUT "$runs/$run" -H "$json" -d '{"warmUp": 3}'

call 200 'Step 0: losses in, weights out. The first steps warm up: all weights are 1' \
  "$runs/$run/observations" -H "$json" -H 'Idempotency-Key: 0/0/0' \
  -d '{"step": 0, "attempt": "job-1", "dialogues": [{"id": "d-1", "source": "a", "losses": [2.1, 1.8]}, {"id": "d-2", "losses": [2.3, 2.0]}, {"id": "d-3", "losses": [2.2, 1.9]}]}'
call 200 'Step 1: a turn that is unlike the others gets a small weight; null has none' \
  "$runs/$run/observations" -H "$json" -H 'Idempotency-Key: 1/0/0' \
  -d '{"step": 1, "attempt": "job-1", "dialogues": [{"id": "d-4", "losses": [2.2, null]}, {"id": "d-5", "source": "b", "losses": [2.35, 4.5]}]}'
call 200 'The same again, as after a time-out: the same answer, recorded once' \
  "$runs/$run/observations" -H "$json" -H 'Idempotency-Key: 1/0/0' \
  -d '{"step": 1, "attempt": "job-1", "dialogues": [{"id": "d-4", "losses": [2.2, null]}, {"id": "d-5", "source": "b", "losses": [2.35, 4.5]}]}'
call 422 'A misspelt field is refused, and nothing is recorded' \
  "$runs/$run/observations" -H "$json" -d '{"step": 1, "dialogues": [{"id": "d-6", "loss": [2.2]}]}'
call 200 'Step 2, answered with the statistics right after it, for a client that weighs by itself' \
  "$runs/$run/observations?include=statistics" -H "$json" \
  -d '{"step": 2, "attempt": "job-1", "dialogues": [{"id": "d-1", "source": "a", "losses": [2.0, 1.7]}]}'

# {"step": 2, "rank": 1, "dialogues": [{"id": "d-2", "losses": [2.3]}]}, the loss as a float of 32 bits
printf '\xa3\x64step\x02\x64rank\x01\x69dialogues\x81\xa2\x62id\x63d-2\x66losses\x81\xfa\x40\x13\x33\x33' >"$body"
call 200 'Rank 1 of step 2, in CBOR, which is answered in CBOR where it is asked for' \
  "$runs/$run/observations" -H 'Content-Type: application/cbor' -H 'Accept: application/cbor' --data-binary "@$body"

call 200 'The run' "$runs/$run"
call 200 'Runs with a label' "$runs?label=experiment:curl&state=active&limit=10"
call 200 'Statistics of each turn and source' "$runs/$run/statistics"
tag=$(curl -s -o /dev/null -D - "$runs/$run/statistics" | tr -d '\r' | sed -n 's/^[Ee][Tt][Aa][Gg]: //p')
call 304 'Statistics, if they are others than those at hand' "$runs/$run/statistics" -H "If-None-Match: $tag"
call 200 'What was recorded of steps 1 and 2, a line an observation' "$runs/$run/observations?fromStep=1&toStep=2"

call 200 'The same of one turn of one source as a table, compressed' \
  "$runs/$run/observations?turn=0&source=a" -H 'Accept: text/csv' --compressed
call 200 'Which sources are unlike the others' "$runs/$run/sources"
call 200 'Which dialogues to read first' "$runs/$run/dialogues?limit=3"
call 200 'How it went, step by step' "$runs/$run/history?points=100"
call 200 'What happens from now on, until nobody listens any more (here: after two seconds)' \
  --max-time 2 "$runs/$run/events"
call 201 'What the model scored after two steps' \
  "$runs/$run/evaluations" -H "$json" -d '{"step": 2, "benchmark": "mt-bench", "score": 6.1}'
call 200 'All that it scored' "$runs/$run/evaluations"
call 200 'Whether more samples made better models, across the runs of a label' "$address/v1/evaluations?label=experiment:curl"

call 202 'Would another configuration have been better? It is tried in the background' \
  "$runs/$run/replays" -H "$json" \
  -d '{"configurations": [{}, {"weighting": {"function": "cauchy", "threshold": 0.5}}], "labels": {"bad": [{"dialogue": "d-5", "turn": 1}]}}'
replay=$(sed 's/.*"replay":"\([^"]*\)".*/\1/' "$answer")
for _ in $(seq 100); do
  state=$(curl -s "$runs/$run/replays/$replay?limit=1" | sed 's/.*"state":"\([^"]*\)".*/\1/')
  [ "$state" = running ] || break
  sleep 0.1
done
call 200 'Its results, best first' "$runs/$run/replays/$replay"
call 200 'All replays of the run' "$runs/$run/replays"
call 204 'Remove it' -X DELETE "$runs/$run/replays/$replay"

call 200 'The trainer resumes from its checkpoint of step 1: later batches are forgotten, the old attempt is fenced off' \
  "$runs/$run/rewind" -H "$json" -d '{"nextStep": 1, "attempt": "job-2"}'
call 409 'What the old attempt still sends is refused' \
  "$runs/$run/observations" -H "$json" -d '{"step": 1, "attempt": "job-1", "dialogues": []}'
call 200 'The training is over' -X POST "$runs/$run/finish"

call 204 'Delete the run with all that is recorded of it' -X DELETE "$runs/$run"
call 404 'It is gone' "$runs/$run"
printf '\nEvery call was answered as expected.\n'
