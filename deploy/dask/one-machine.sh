#!/usr/bin/env bash
# A Dask cluster on this machine, for engine: {kind: dask, address: "tcp://127.0.0.1:8786"}.
# Ctrl-C ends it.
#
#   WORKERS=4 MEMORY=4GB PORT=8786 PYTHON=.venv/bin/python deploy/dask/one-machine.sh
#
# MEMORY is each worker's: more than engine.memory_limit, and all together less than the machine's.
set -euo pipefail
export DASK_CONFIG=${DASK_CONFIG:-$(dirname "$(realpath "$0")")/dask.yaml}
python=${PYTHON:-python}
port=${PORT:-8786}
trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT

"$python" -m distributed.cli.dask_scheduler --host 127.0.0.1 --port "$port" --no-dashboard &
"$python" -m distributed.cli.dask_worker "tcp://127.0.0.1:$port" --host 127.0.0.1 \
  --nworkers "${WORKERS:-2}" --nthreads 1 --memory-limit "${MEMORY:-4GB}" \
  --no-dashboard --death-timeout 60 &
wait -n
