#!/bin/sh
# Apache Kafka whose cluster id is made with its volume: a new volume is another cluster, which crm fills again.
set -eu
id=/var/lib/kafka/data/cluster-id
[ -s "$id" ] || /opt/kafka/bin/kafka-storage.sh random-uuid > "$id"
CLUSTER_ID="$(cat "$id")"
export CLUSTER_ID
exec /etc/kafka/docker/run
