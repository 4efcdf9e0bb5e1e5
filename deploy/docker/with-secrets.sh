#!/bin/sh
# Runs a command with the secrets of a folder: each file /run/kaifu/KAIFU_… is the variable of its name.
set -eu
for file in /run/kaifu/KAIFU_*; do
    [ -f "$file" ] || continue
    export "$(basename "$file")=$(cat "$file")"
done
exec serve.sh "$@"
