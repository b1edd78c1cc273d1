#!/bin/sh
# Makes a new container ready; may run again at any time.
set -eu
cd "$(dirname "$0")/.."

# For the Korean pages; without it they show boxes, and 'workbook doctor' says so.
if command -v apt-get > /dev/null && ! fc-list :lang=ko 2> /dev/null | grep -q .; then
  { sudo -n apt-get update && sudo -n apt-get install -y --no-install-recommends fontconfig fonts-nanum; } > /dev/null 2>&1 ||
    echo "no font with Hangul could be installed: 'sudo apt-get install fonts-nanum' does it later" >&2
fi

dotnet build Workbook.sln
dotnet tool restore
sh .devcontainer/register-kernels.sh

# Without them the notebooks run on built-in digits, and say so.
dotnet run --no-build --project src/Workbook.Cli -- data fetch ||
  echo "the data sets were not fetched: 'dotnet run --project src/Workbook.Cli -- data fetch' does it later" >&2
