# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Finds Java and starts it: what the launcher of the source tree and the installed one share.

readonly oldest_java=21

java_home=

say() {
    printf 'cloister: %s\n' "$*" >&2
}

die() { # CODE MESSAGE
    local code=$1
    shift
    say "$*"
    exit "$code"
}

# The feature release of a Java ("25"), or 0 when the directory is none or lacks a tool.
java_release() { # HOME TOOL...
    local home=$1 version='' tool
    shift
    for tool in java "$@"; do
        if [[ ! -x $home/bin/$tool ]]; then
            echo 0
            return
        fi
    done
    if [[ -r $home/release ]]; then
        version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$home/release")
    fi
    if [[ -z $version ]]; then
        version=$("$home/bin/java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p;q' || true)
    fi
    echo "${version:-0}"
}

# Sets java_home to $JAVA_HOME when it will do, else to the newest Java on this machine.
look_for_java() { # TOOL...: what it must have besides java
    local home release newest=0 java
    if [[ -n ${JAVA_HOME:-} ]] && (($(java_release "$JAVA_HOME" "$@") >= oldest_java)); then
        java_home=$JAVA_HOME
        return 0
    fi
    java=$(command -v java || true)
    for home in ${java:+"$(dirname "$(dirname "$(readlink -f "$java")")")"} \
        /usr/lib/jvm/* /opt/java/* /opt/jdk* "${SDKMAN_DIR:-${HOME:-/root}/.sdkman}"/candidates/java/*; do
        release=$(java_release "$home" "$@")
        if ((release >= oldest_java && release > newest)); then
            newest=$release
            java_home=$home
        fi
    done
    [[ -n $java_home ]]
}

# Becomes Java: whoever started this process, a service manager for example, sees no other.
run_java() { # CLASS-PATH CLASS ARGUMENT...
    local options=(
        # Akka and Kryo use sun.misc.Unsafe, JNA and junixsocket load native code; JDK 24 and later
        # warn about it. Older ones do not know the second option, hence the first.
        -XX:+IgnoreUnrecognizedVMOptions
        --sun-misc-unsafe-memory-access=allow
        --enable-native-access=ALL-UNNAMED
        # A worker's live data are a few MB: one thread collects them in a few ms, and no team of
        # collector threads competes with the judged programs for the cores.
        -XX:+UseSerialGC
        -Xms64m
        -Xmx512m
        -Xshare:auto
        -XX:-UsePerfData
    )
    # shellcheck disable=SC2086  # options are meant to be split
    exec "$java_home/bin/java" "${options[@]}" ${CLOISTER_JAVA_OPTS:-} -cp "$@"
}
