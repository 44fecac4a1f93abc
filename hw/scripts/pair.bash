# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by run-demo and failover-rounds: a pair of gateways and their clients, each in a network
# namespace of its own, which has no name and lives as long as a process in it.
#
#     client namespace                 host 1                     host 2
#     br0 10.77.0.1 ─┬─ port1 ═══ veth ═══ gw0                     │
#                    └─ port2 ═══════════════ veth ════════════ gw0
#                                      mirror0 10.78.0.1 ═══ veth ═══ mirror0 10.78.0.2
#
# The gateways' ports have no kernel address: 10.77.0.2 is whoever speaks.
# Uses `start`, `birth` and `fail`, and the caller's `state` and `needletail`.
# shellcheck disable=SC2154

# Numbers of the processes that hold the namespaces, and of the gateways, by host; and the program
# that a host runs, where that is not `needletail`.
client_namespace=''
host_namespaces=()
gateway_pids=()
programs=()

# A namespace is a process that sleeps in it.
make_namespace() {
    start unshare --net sleep infinity > /dev/null 2>&1
    for _ in {1..100}; do
        if [[ $(readlink "/proc/$started/ns/net") != $(readlink /proc/$$/ns/net) ]] &&
            [[ $(< "/proc/$started/comm") == sleep ]]; then
            inside_of "$started" sysctl -qw net.ipv6.conf.default.disable_ipv6=1 2> /dev/null || true
            inside_of "$started" ip link set lo up
            return
        fi
        sleep 0.05
    done
    fail 'this machine gives us no network namespace'
}

# Runs a program in the namespace of a process.
inside_of() { nsenter "--net=/proc/$1/ns/net" -- "${@:2}"; }
in_client() { inside_of "$client_namespace" "$@"; }
in_host() { inside_of "${host_namespaces[$1]}" "${@:2}"; }

# What to put before a program so that it runs in a namespace; nothing without one.
entering() { [[ -z ${1:-} ]] || printf '%s\n' nsenter "--net=/proc/$1/ns/net" --; }

# same_state SPEAKER HASH OTHER-HASH OTHER-SEQUENCE: both hosts have ended, first the one that
# followed. Until its own end the speaker may have logged that an order was due: its log up to where
# the other one is makes the state of the other one.
same_state() {
    [[ $2 == "$3" ]] ||
        [[ $("$needletail" log replay "$state/journal-$1/shard-0" --until "$4" --state-hash) == "$3" ]]
}

# Whole frames with finished checksums, as from a wire: nothing may be merged or put off.
plain_frames() {
    inside_of "$1" ethtool -K "$2" tx off gso off tso off gro off > /dev/null 2>&1 || true
}

# So many hosts (1 or 2) on one network with the clients.
join_namespaces() {
    local host
    make_namespace
    client_namespace=$started
    in_client ip link add br0 type bridge
    in_client ip link set br0 up
    for ((host = 1; host <= $1; host++)); do
        make_namespace
        host_namespaces[host]=$started
        in_host "$host" ip link add gw0 type veth peer name "port$host" netns "$client_namespace"
        in_client ip link set "port$host" master br0
        plain_frames "$started" gw0
        plain_frames "$client_namespace" "port$host"
        in_host "$host" ip link set gw0 up
        in_client ip link set "port$host" up
    done
    plain_frames "$client_namespace" br0
    in_client ip address add 10.77.0.1/24 dev br0
    in_client ip route add 239.77.0.0/16 dev br0
    (($1 == 2)) || return 0
    in_host 1 ip link add mirror0 type veth peer name mirror0 netns "${host_namespaces[2]}"
    for host in 1 2; do
        in_host "$host" ip address add "10.78.0.$host/24" dev mirror0
        in_host "$host" ip link set mirror0 up
    done
}

# What makes a configuration that of one host of a pair.
cluster_keys() {
    local host=$1 other=$((3 - $1)) arbiter=$2
    cat << END
macAddress: 02:4e:54:00:00:0$host
cluster:
  host: $host
  peer: $other
  listen: 10.78.0.$host:7471
  peerAddress: 10.78.0.$other:7471
  transport: tcp
  takeOverMillis: $take_over_millis
  arbiter: $arbiter
END
}

log_of() { printf '%s' "$state/host-$1.log"; }

# Starts the gateway of a host; with what is there of its past, and after what was said before.
start_host() {
    local host=$1 enter
    shift
    mapfile -t enter < <(entering "${host_namespaces[host]:-}")
    mkdir -p "$state/run-$host"
    printf 'started\n' >> "$(log_of "$host")"
    RUNTIME_DIRECTORY=$state/run-$host start "${enter[@]}" \
        "${programs[host]:-$needletail}" gateway --config "$state/host-$host.yaml" "$@" \
        >> "$(log_of "$host")" 2>&1 < /dev/null
    gateway_pids[host]=$started
}

# What a host has said since it was started last, or began anew by itself.
last_words() {
    awk '/^start(ed$|ing anew)/ { text = ""; next } { text = text $0 "\n" } END { printf "%s", text }' \
        "$(log_of "$1")"
}

# How a host sees the pair: the last of its lines that says so.
stand_of() { last_words "$1" | sed -n 's/^cluster: //p' | tail -n 1; }

# Waits until a host's stand matches, for so many tenths of a second.
await_stand() {
    local host=$1 pattern=$2 patience=$3
    while ((patience-- > 0)); do
        # shellcheck disable=SC2053
        [[ $(stand_of "$host") == $pattern ]] && return
        [[ -n $(birth "${gateway_pids[host]}" || true) ]] || return 1
        sleep 0.1
    done
    return 1
}

# Which of the two speaks; nothing when that is not clear.
primary_of_pair() {
    local host
    for host in 1 2; do
        [[ $(stand_of "$host") == primary* ]] &&
            [[ $(stand_of $((3 - host))) != primary* ]] && printf '%s' "$host" && return
    done
    return 0
}

# Waits until one speaks with the other behind it, both say so, and it stays so for a moment.
await_pair() {
    local patience=$1 calm=0 speaker
    while ((patience-- > 0)); do
        speaker=$(primary_of_pair)
        if [[ -n $speaker && $(stand_of "$speaker") == *'with its standby' ]] &&
            [[ $(stand_of $((3 - speaker))) == *', in sync' ]]; then
            ((++calm < 3)) || return 0
        else
            calm=0
        fi
        sleep 0.1
    done
    return 1
}
