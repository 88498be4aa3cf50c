#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Makes certificates for trying a cluster out with TLS: a certificate authority, unless there is one,
# and for each node a key with a certificate.
#
#   make-test-certificates.sh DIRECTORY NODE...
#
#   DIRECTORY/ca.key, ca.crt             the authority; its key is not for nodes
#   DIRECTORY/NODE/tls.key, tls.crt,     what a node needs, by the names that Akka expects in
#                  ca.crt                akka.remote.artery.ssl.rotating-keys-engine.secret-mount-point
#
# CLUSTER is the subject name that all nodes of a cluster have in common (cloister). DAYS is how long
# the nodes' certificates last (30).
#
# For tests only: whoever reads ca.key can join the cluster.

set -euo pipefail
umask 077

if [[ $# -lt 2 ]]; then
    echo "usage: $0 DIRECTORY NODE..." >&2
    exit 2
fi

directory=$1
shift
cluster=${CLUSTER:-cloister}
days=${DAYS:-30}
mkdir -p "$directory"

# Akka reads RSA keys, and certificates that the authority itself has signed.
new_key=(-newkey rsa:2048 -nodes -sha256)

if [[ ! -e $directory/ca.key ]]; then
    openssl req -x509 "${new_key[@]}" -days 365 -subj "/CN=$cluster test authority" \
        -keyout "$directory/ca.key" -out "$directory/ca.crt" 2>/dev/null
fi

for node in "$@"; do
    files=$directory/$node
    mkdir -p "$files"
    openssl req "${new_key[@]}" -subj "/CN=$node" \
        -keyout "$files/tls.key" -out "$files/tls.csr" 2>/dev/null
    openssl x509 -req -in "$files/tls.csr" -sha256 -days "$days" \
        -CA "$directory/ca.crt" -CAkey "$directory/ca.key" -set_serial "0x$(openssl rand -hex 16)" \
        -out "$files/tls.crt" 2>/dev/null -extfile <(
            echo "basicConstraints = critical, CA:FALSE"
            echo "keyUsage = critical, digitalSignature"
            echo "extendedKeyUsage = serverAuth, clientAuth"
            echo "subjectAltName = DNS:$node, DNS:$cluster"
        )
    rm "$files/tls.csr"
    cp "$directory/ca.crt" "$files/ca.crt"
done
