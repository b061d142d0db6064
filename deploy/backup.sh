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
folder=$1 archive=$2

[ ! -e "$archive" ] || { echo "$archive is there already" >&2; exit 2; }

pack() {  # the archive of a folder, on standard output
  set -euo pipefail
  exec 9>>"$1/out/.lock"
  flock --wait 3600 9

  # MLflow's SQLite file is copied by SQLite, as a training may write to it.
  copies=$(mktemp -d)
  trap 'rm -rf "$copies"' EXIT
  mkdir "$copies/var"
  if [ -e "$1/var/mlflow.db" ]; then
    "${PYTHON:-python3}" -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("vacuum into ?", sys.argv[2:])' \
      "$1/var/mlflow.db" "$copies/var/mlflow.copy"
  fi

  # Nor what is hidden in out, but for .company.json.
  again=(typed matrices matrix spill mirrors preview digests.json compare mlflow.db mlflow.db-journal)
  tar -cz "${again[@]/#/--exclude=./var/}" --exclude='./out/.[!c]*' \
    --transform 's,^\./var/mlflow\.copy$,./var/mlflow.db,' -C "$1" ./var ./out -C "$copies" ./var
}

# Root reads and writes in the folder as its user, who could have put links there.
as=() user=$(stat -c %u "$folder/out")
if [ "$(id -u)" -eq 0 ] && [ "$user" -ne 0 ]; then
  as=(setpriv --reuid "$user" --regid "$(stat -c %g "$folder/out")" --clear-groups env -u TMPDIR)
fi
trap 'rm -f "$archive.part"' EXIT
"${as[@]}" "$BASH" -c "$(declare -f pack); pack \"\$1\"" pack "$folder" >"$archive.part"
mv "$archive.part" "$archive"
