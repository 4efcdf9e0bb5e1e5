#!/bin/sh
# tests/tried.sh PYTEST FOLDER ARGUMENTS…: the tests of a folder. With AGAIN set, as in CI, where other machines take
# the cores away for half a minute, what fails beside other workers is tried once more by itself: red twice is red.
"$@" && exit
code=$?
[ -n "$AGAIN" ] && [ "$code" = 1 ] || exit "$code"
echo "Once more, by itself, what failed above:"
exec "$1" "$2" -n 1 --dist loadgroup --last-failed --last-failed-no-failures none
