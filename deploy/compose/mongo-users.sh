#!/bin/sh
# Starts the replica set, unless it is one, and brings users and rights up to date.
set -eu
admin="mongodb://admin:$(cat /keys/password-admin)@mongo:27017/?authSource=admin"
mongosh "$admin&directConnection=true" --quiet --eval '
  try { rs.status() } catch (error) { rs.initiate({ _id: "rs0", members: [{ _id: 0, host: "mongo:27017" }] }) }
  while (!db.hello().isWritablePrimary) { sleep(200) }
'
PASSWORD_CRM="$(cat /keys/password-crm)" PASSWORD_MIGRATE="$(cat /keys/password-migrate)" \
PASSWORD_BACKUP="$(cat /keys/password-backup)" KAIFU_MONGODB_ROLES=/mongodb/roles.json \
    exec mongosh "$admin&replicaSet=rs0" --quiet --file /mongodb/users.js
