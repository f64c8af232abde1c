# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Ends with 0 as soon as Redis or Valkey answers at one of the addresses in "$@" and would take commands, and with 1 after
# TIMEOUT_SECONDS. The passwords are read from files, and never stand on a command line.
set -u
client=$(command -v valkey-cli || command -v redis-cli) || {
    echo "the image has neither valkey-cli nor redis-cli" >&2
    exit 64
}

content() { if [ -f "$FILES/$1" ]; then cat "$FILES/$1"; fi; }

ask() { # ask HOST:PORT USER PASSWORD-FILE COMMAND...
    host=${1%:*} port=${1##*:} user=$2 password=$(content "$3")
    shift 3
    host=${host#[} host=${host%]}
    if [ -n "$user" ] && [ -n "$password" ]; then set -- --user "$user" "$@"; fi
    if [ "$REDIS_TLS" = true ]; then
        if [ -n "$REDIS_SERVER_NAME" ]; then set -- --sni "$REDIS_SERVER_NAME" "$@"; fi
        if [ -f "$FILES/redis-ca.crt" ]; then set -- --cacert "$FILES/redis-ca.crt" "$@"; fi
        if [ -f "$FILES/redis-client.crt" ]; then
            set -- --cert "$FILES/redis-client.crt" --key "$FILES/redis-client.key" "$@"
        fi
        set -- --tls "$@"
    fi
    if [ -n "$password" ]; then
        REDISCLI_AUTH=$password VALKEYCLI_AUTH=$password timeout 5 "$client" -h "$host" -p "$port" "$@" 2>&1
    else
        timeout 5 "$client" -h "$host" -p "$port" "$@" 2>&1
    fi
}

answers() { # answers HOST:PORT
    case $TYPE in
    standalone) [ "$(ask "$1" "$REDIS_USER" redis-password PING)" = PONG ] ;;
    cluster)
        case $(ask "$1" "$REDIS_USER" redis-password CLUSTER INFO) in
        *cluster_state:ok*) ;;
        *) return 1 ;;
        esac
        ;;
    sentinel)
        master=$(ask "$1" "$SENTINEL_USER" redis-sentinel-password SENTINEL GET-MASTER-ADDR-BY-NAME "$SENTINEL_MASTER")
        # Two lines: the host, and the port.
        newline='
'
        case $master in
        *"$newline"*) master=${master%%"$newline"*}:${master#*"$newline"} ;;
        *) return 1 ;;
        esac
        [ "$(ask "$master" "$REDIS_USER" redis-password PING)" = PONG ]
        ;;
    esac
}

tried=0
while :; do
    for address in "$@"; do
        if answers "$address"; then
            echo "$address answers"
            exit 0
        fi
    done
    tried=$((tried + 1))
    if [ "$tried" -gt "$TIMEOUT_SECONDS" ]; then break; fi
    sleep 1
done
echo "no answer of Redis within $TIMEOUT_SECONDS seconds: $*" >&2
exit 1
