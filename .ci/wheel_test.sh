#!/bin/sh
# Build the wheel, install it alone into a scratch environment that borrows the dependencies of
# the given Python, and use it from outside the checkout: what is not packed is not found.
set -eu
unset PYTHONPATH
python=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

rm -rf build # what an older build left there would be packed too
"$python" -m build --wheel --no-isolation --outdir "$scratch/dist" . >"$scratch/build.log" 2>&1 ||
    { cat "$scratch/build.log" >&2; exit 1; }
rm -rf build

"$python" -m venv --without-pip "$scratch/env"
"$python" -m pip --python "$scratch/env/bin/python" install --quiet --no-deps --no-index \
    "$scratch"/dist/*.whl
folder='import sysconfig; print(sysconfig.get_paths()["purelib"])'
"$python" -c "$folder" >"$("$scratch/env/bin/python" -c "$folder")/borrowed.pth"

cd "$scratch"
found=$("$scratch/env/bin/python" -c 'import vtbench; print(vtbench.__file__)')
case $found in
"$scratch"/*) ;;
*) echo "the wheel is not what was imported: $found" >&2; exit 1 ;;
esac
"$scratch/env/bin/vtbench" models
"$scratch/env/bin/vtbench" macs resnet18
"$scratch/env/bin/vtbench" check vt_v3 --only 'vt_v3.t1.r34.*'
echo "the wheel works outside the checkout"
