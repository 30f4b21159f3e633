#!/bin/sh
# Copies hubgate's database to a new file of the directory $DESTINATION, and deletes all but the newest $KEEP copies.
# hubgate-backup.service and hubgate's cron file run it with the settings of /etc/hubgate/backup.conf.
set -eu
if [ -z "${DESTINATION:-}" ]; then
    echo "no backup: set DESTINATION in /etc/hubgate/backup.conf"
    exit 0
fi
keep=${KEEP:-14}
case $keep in
'' | *[!0-9]* | 0*)
    echo "KEEP in /etc/hubgate/backup.conf is not a number of copies: $keep" >&2
    exit 2
    ;;
esac
if [ ! -d "$DESTINATION" ]; then
    echo "the directory $DESTINATION is missing: create it, or change DESTINATION in /etc/hubgate/backup.conf" >&2
    exit 1
fi
# Names in the order of time, in which the shell lists them too.
copy=$DESTINATION/hubgate-$(date -u +%Y%m%dT%H%M%SZ).db
hubgate backup "$copy" >/dev/null
set -- "$DESTINATION"/hubgate-[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z.db
while [ "$#" -gt "$keep" ]; do
    rm -f -- "$1"
    shift
done
echo "the database is in $copy"
