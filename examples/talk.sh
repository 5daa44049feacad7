#!/bin/sh
# A conversation with curl: an account, a room, a message that is sent twice and stored once, listening, coming
# back after a break, signing out.
#
#     sh examples/talk.sh http://localhost:8080
#
# BOT_NAME and BOT_PASSWORD say who talks; without them it is somebody new each time. Needs curl 7.82 or newer.
set -eu

URL=${1:-http://localhost:8080}
random() { od -An -N8 -tx1 /dev/urandom | tr -d ' \n'; }
NAME=${BOT_NAME:-guest-$(random)}
PASSWORD=${BOT_PASSWORD:-$(random)$(random)}

umask 077 # what follows holds a token: nobody else is to read it
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT
trap 'exit 1' HUP INT TERM
mkfifo "$DIR/stream"
: >"$DIR/headers"

# Secrets go in by files and standard input: what stands on a command line can be read by everybody here.
ask() { curl --silent --show-error --fail-with-body -H @"$DIR/headers" "$@"; }
# The value of a member, of JSON without nested objects; with jq at hand take jq.
member() { sed -n "s/.*\"$1\":\"\\{0,1\\}\\([^\",}]*\\).*/\\1/p"; }
# Print COUNT events of the room after SEQ, as they come, then hang up.
listen() { # SEQ COUNT
    curl --silent --no-buffer -H @"$DIR/headers" -H 'Accept: application/x-ndjson' \
        "$URL/room/$ROOM/subscribe?after=$1" >"$DIR/stream" &
    exec 3<"$DIR/stream"
    left=$2
    while [ "$left" -gt 0 ] && read -r event <&3; do
        [ -n "$event" ] || continue # an empty line only says that the stream is alive
        printf '%s\n' "$event"
        left=$((left - 1))
    done
    kill $! 2>/dev/null || :
    wait $! 2>/dev/null || :
    exec 3<&-
}

echo "== Sign up as $NAME, and in"
if [ -z "${BOT_NAME:-}" ]; then
    printf '{"name":"%s","password":"%s"}' "$NAME" "$PASSWORD" | ask "$URL/users" --json @-
    echo
fi
TOKEN=$(printf '{"name":"%s","password":"%s"}' "$NAME" "$PASSWORD" | ask "$URL/sessions" --json @- | member token)
printf 'Authorization: Bearer %s\n' "$TOKEN" >"$DIR/headers"

echo "== Open a room"
ROOM=$(ask "$URL/rooms" --json "{\"name\":\"Talk $(random)\"}" | member id)
ask "$URL/room/$ROOM"
echo

echo "== Say something, twice under one key: it is stored once"
KEY=$(random)
for _ in 1 2; do
    ask "$URL/room/$ROOM/messages" -H "Idempotency-Key: $KEY" --json '{"text":"is anybody here?"}'
    echo
done

echo "== Read it back"
ask "$URL/room/$ROOM/messages?after=0"
echo

echo "== Listen from the beginning, and leave after one message"
SEQ=$(listen 0 1 | tee "$DIR/heard" | member seq)
cat "$DIR/heard"

echo "== Meanwhile something is said"
ask "$URL/room/$ROOM/messages" -H "Idempotency-Key: $(random)" --json '{"text":"you were away"}' >"$DIR/said"

echo "== Come back after number $SEQ: nothing is missed, nothing comes twice"
listen "$SEQ" 1

echo "== Sign out"
ask -X DELETE "$URL/sessions/current"
