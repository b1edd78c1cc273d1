#!/bin/sh
# The kernels for Jupyter and for VS Code's Jupyter extension: .NET Interactive under the name that the notebooks ask for, and ClrKernel, the
# maintained one, under its own. "register-kernels.sh clrkernel" registers ClrKernel alone, and under the notebooks' name too.
set -eu
tools="$HOME/.dotnet/tools"

# Where Jupyter looks for a user's kernels.
case $(uname) in
  Darwin) jupyter="$HOME/Library/Jupyter" ;;
  *) jupyter="${XDG_DATA_HOME:-$HOME/.local/share}/jupyter" ;;
esac
jupyter="${JUPYTER_DATA_DIR:-$jupyter}"

# register NAME TITLE ARGUMENT...   (with what makes kernels quicker: docs/hosts.md)
register() {
  folder="$jupyter/kernels/$1"
  title=$2
  shift 2
  mkdir -p "$folder"
  arguments=$(printf ', "%s"' "$@")
  cat > "$folder/kernel.json" <<EOF
{
  "argv": [${arguments#, }],
  "display_name": "$title",
  "language": "C#",
  "env": { "MALLOC_ARENA_MAX": "1", "DOTNET_TieredPGO": "0" }
}
EOF
}

if [ "${1:-}" != clrkernel ]; then
  dotnet tool update --global Microsoft.dotnet-interactive --version 1.0.712001
  register .net-csharp '.NET (C#)' "$tools/dotnet-interactive" jupyter --default-kernel csharp '{connection_file}'
fi

dotnet tool update --global ClrKernel --version 0.14.0
register clrkernel 'C# (ClrKernel)' "$tools/clrkernel" jupyter '{connection_file}'
if [ "${1:-}" = clrkernel ]; then
  register .net-csharp '.NET (C#, ClrKernel)' "$tools/clrkernel" jupyter '{connection_file}'
fi
