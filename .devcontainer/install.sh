#!/bin/sh
# Makes a new container ready; may run again at any time.
set -eu
cd "$(dirname "$0")/.."

dotnet build Workbook.sln
dotnet tool restore
sh .devcontainer/register-kernels.sh

# Without them the notebooks run on built-in digits, and say so.
dotnet run --no-build --project src/Workbook.Cli -- data fetch ||
  echo "the data sets were not fetched: 'dotnet run --project src/Workbook.Cli -- data fetch' does it later" >&2
