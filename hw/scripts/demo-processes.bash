# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by run-demo: its processes, none of which outlives it, and what a killed run left behind.
# Uses and sets run-demo's own `state`, `pids`, `user` and `inside`.
# shellcheck disable=SC2154

# --- what is left of earlier runs ---------------------------------------------------------------

# When a process began, in ticks since boot: with its number it names the process for good.
birth() {
    local stat
    stat=$(cat "/proc/$1/stat" 2> /dev/null) || return 1
    read -r -a fields <<< "${stat##*) }"
    [[ ${fields[0]} != Z ]] && printf '%s' "${fields[19]}"
}

is_alive() { [[ -n $1 && -n ${2:-} && $(birth "$1" || true) == "$2" ]]; }

change_huge_pages() {
    # Added and taken away, not set: another run may have changed the number meanwhile.
    (
        flock 9
        now=$(< /proc/sys/vm/nr_hugepages)
        echo $((now + $1 > 0 ? now + $1 : 0)) > /proc/sys/vm/nr_hugepages
        echo $(($(< /proc/sys/vm/nr_hugepages) - now))
    ) 9> /run/needletail-huge-pages.lock 2> /dev/null
}

sweep_leftovers() {
    local folder owner born pid
    for folder in "/tmp/needletail-demo.$user."*; do
        [[ -d $folder && -O $folder && ! -L $folder ]] || continue
        # Without an owner's name it is being made just now, unless it is old.
        if [[ ! -s $folder/owner ]]; then
            find "$folder" -maxdepth 0 -mmin +5 -exec rm -rf {} +
            continue
        fi
        read -r owner born < "$folder/owner"
        is_alive "$owner" "$born" && continue
        say "cleaning up after a run that was killed (process $owner)"
        while read -r pid born; do
            if is_alive "$pid" "$born"; then kill -KILL "$pid" 2> /dev/null || true; fi
        done < <(cat "$folder/pids" 2> /dev/null || true)
        if [[ -s $folder/huge-pages && -z $inside ]] && ((EUID == 0)); then
            change_huge_pages "-$(< "$folder/huge-pages")" > /dev/null || true
        fi
        rm -rf "$folder"
    done
}

# --- processes -----------------------------------------------------------------------------------

# Starts a process that dies with us; `started` is its number. The caller redirects.
started=''
start() {
    setpriv --pdeathsig KILL "$@" &
    started=$!
    pids+=("$started")
    printf '%s %s\n' "$started" "$(birth "$started" || true)" >> "$state/pids"
}

# Asks, waits for so many tenths of a second, then insists.
stop() {
    local pid=$1 patience=$2
    kill -TERM "$pid" 2> /dev/null || return 0
    while ((patience-- > 0)) && [[ -n $(birth "$pid" || true) ]]; do sleep 0.1; done
    kill -KILL "$pid" 2> /dev/null || true
    wait "$pid" 2> /dev/null || true
}
