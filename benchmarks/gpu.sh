#!/usr/bin/env bash
# All benchmarks, examples and tests on a GPU, in about 8 minutes and without a network:
#
#     OUT=results benchmarks/gpu.sh
#
# It needs a Python (set PYTHON for another one) with CuPy, NumPy and pytest, and uses PyTorch and matplotlib if they are
# installed. Other packages come from wheels in .carry/wheels/, and MNIST from .carry/data/mnist/ or AGRAD_DATA:
# CONTRIBUTING.md says how to fill these folders. The parts are independent; each has a time limit (PATIENCE multiplies
# them all) and writes a file into $OUT. STEPS, EPOCHS, DATASET and TESTS make it smaller, for a trial on the emulator.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

OUT=${OUT:-gpu-results}
PYTHON=${PYTHON:-python3}
PATIENCE=${PATIENCE:-1}
PROCESSES=${PROCESSES:-8}
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: >"$OUT/summary.txt"

# part NAME SECONDS COMMAND...: run a command with a time limit; its output goes to NAME.txt, its status to summary.txt.
part() {
    local name=$1 limit=$(($2 * PATIENCE)) start=$SECONDS status=0
    shift 2
    echo "=== $name" | tee -a "$OUT/$name.txt"
    timeout --kill-after=10 "$limit" "$@" >>"$OUT/$name.txt" 2>&1 || status=$?
    tail -n 3 "$OUT/$name.txt"
    printf '%-11s %s after %d s: %s\n' "$name" "$([ $status = 0 ] && echo ok || echo "FAILED ($status)")" \
        $((SECONDS - start)) "$*" | tee -a "$OUT/summary.txt"
}

if compgen -G ".carry/wheels/*.whl" >/dev/null; then
    "$PYTHON" -m pip install -q --no-index --no-deps --no-compile --target "$work/site" .carry/wheels/*.whl
fi
export PYTHONPATH="$PWD:$work/site${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MPLBACKEND=Agg
if [ -z "${AGRAD_DATA:-}" ] && [ -d .carry/data/mnist ]; then
    export AGRAD_DATA="$PWD/.carry/data"
fi
workers=()
"$PYTHON" -c "import xdist" 2>/dev/null && workers=(-n "$PROCESSES")

part machine 20 bash -c 'nvidia-smi || echo "no nvidia-smi here"'
part machine 20 "$PYTHON" -c 'import agrad; print(agrad.__version__, agrad.devices())'
part machine 20 "$PYTHON" -m pip list --disable-pip-version-check
part sanity 60 "$PYTHON" -m benchmarks.gpu.sanity
part benchmarks 60 "$PYTHON" -m benchmarks.gpu.steps "$work/results.jsonl" ${STEPS:+--steps "$STEPS" --rounds 1}
part benchmarks 60 "$PYTHON" -m benchmarks.gpu.steps "$work/results.jsonl" --tf32 ${STEPS:+--steps "$STEPS" --rounds 1}
part benchmarks 20 "$PYTHON" -m benchmarks.gpu.report "$work/results.jsonl" "$OUT/benchmarks.md" "$OUT/benchmarks.png"
for example in mnist mnist_cnn; do
    part examples 60 "$PYTHON" "examples/$example.py" --device cuda ${EPOCHS:+--epochs "$EPOCHS"} \
        --dataset "${DATASET:-mnist}" --checkpoint "$work/$example.safetensors"
done
part tests 240 "$PYTHON" -m pytest -q -p no:cacheprovider ${workers[@]+"${workers[@]}"} -m "not peers" -k cuda \
    --device cuda --require-device --maxfail 50 ${TESTS:-tests}

echo
cat "$OUT/summary.txt"
! grep -q FAILED "$OUT/summary.txt"
