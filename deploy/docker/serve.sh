#!/bin/sh
# Becomes the service of this image, or the command that is given; exec, so that SIGTERM reaches it.
if [ "$#" -eq 0 ]; then
    set -- python -m "services.${KAIFU_SERVICE:?}"
fi
exec "$@"
