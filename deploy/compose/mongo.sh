#!/bin/sh
# MongoDB as a replica set of one whose users must sign in. The key file has to be its own, and readable by nobody else.
set -eu
install --owner=mongodb --group=mongodb --mode=0400 /keys/mongo-keyfile /data/configdb/keyfile
MONGO_INITDB_ROOT_PASSWORD="$(cat /keys/password-admin)"
export MONGO_INITDB_ROOT_PASSWORD
exec docker-entrypoint.sh mongod --replSet rs0 --keyFile /data/configdb/keyfile --bind_ip_all
