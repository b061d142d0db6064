#!/usr/bin/env bash
# Backs up one company's folder (var, out) into a new archive; what can be made again stays out.
#
#   deploy/backup.sh /var/lib/stille/acme /backup/acme-2026-01-31.tar.gz
#   tar -xzpf /backup/acme-2026-01-31.tar.gz -C /var/lib/stille/acme    # into an empty folder
#
# A night that begins meanwhile ends with 75 and is tried again. Not in it: the company's tables,
# /etc/stille, and databases on servers. In it: customers' data and keys, so keep it as they are kept.
set -euo pipefail
umask 077
folder=$1 archive=$2 python=${PYTHON:-python3}

[ ! -e "$archive" ] || { echo "$archive is there already" >&2; exit 2; }
exec 9>>"$folder/out/.lock"
[ "$(id -u)" -ne 0 ] || chown --reference="$folder/out" "$folder/out/.lock"
flock --wait 3600 9

# MLflow's SQLite file is copied by SQLite, as a training may write to it.
copies=$(mktemp -d)
trap 'rm -rf "$copies" "$archive.part"' EXIT
mkdir "$copies/var"
if [ -e "$folder/var/mlflow.db" ]; then
  "$python" -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("vacuum into ?", sys.argv[2:])' \
    "$folder/var/mlflow.db" "$copies/var/mlflow.copy"
fi

# Nor what is hidden in out, but for .company.json.
again=(typed matrices matrix spill mirrors digests.json compare mlflow.db mlflow.db-journal)
tar -czf "$archive.part" "${again[@]/#/--exclude=./var/}" --exclude='./out/.[!c]*' \
  --transform 's,^\./var/mlflow\.copy$,./var/mlflow.db,' -C "$folder" ./var ./out -C "$copies" ./var
mv "$archive.part" "$archive"
