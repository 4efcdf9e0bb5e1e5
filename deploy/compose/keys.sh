#!/bin/sh
# Makes every secret that is missing, and gives each service its own. Nothing is ever replaced: `keys` is the volume
# to back up, since addresses in sent mail are dead without it.
set -eu
umask 077
cd /keys
hex() { python -c 'import secrets; print(secrets.token_hex(24), end="")'; }
for ring in tracking receipts cursors; do
    [ -f $ring.json ] || kaifu keys new $ring.json
done
kaifu crm signing-keys signing.json
for secret in directory-token password-admin password-crm password-migrate password-backup; do
    [ -f $secret ] || hex > $secret
done
[ -f mongo-keyfile ] || python -c 'import base64, secrets; print(base64.b64encode(secrets.token_bytes(512)).decode())' > mongo-keyfile

database="mongo:27017/?replicaSet=rs0&authSource=admin"
cp receipts.json signing.json /secrets/crm/
cp tracking.json receipts.json /secrets/ingest/
cp cursors.json /secrets/notifier/
for service in crm ingest logger tracker; do
    cp directory-token /secrets/$service/KAIFU_DIRECTORY_TOKEN
done
printf 'mongodb://crm:%s@%s' "$(cat password-crm)" "$database" > /secrets/crm/KAIFU_CRM_MONGODB_URL
printf 'mongodb://migrate:%s@%s' "$(cat password-migrate)" "$database" > /secrets/migrate/KAIFU_CRM_MONGODB_URL
chown -R 10001:10001 /secrets/*
