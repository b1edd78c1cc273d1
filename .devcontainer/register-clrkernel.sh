#!/bin/sh
# ClrKernel, the maintained C# kernel, for Jupyter and for VS Code's Jupyter extension.
set -eu

dotnet tool update --global ClrKernel --version 0.14.0

# Where Jupyter looks for a user's kernels.
case $(uname) in
  Darwin) jupyter="$HOME/Library/Jupyter" ;;
  *) jupyter="${XDG_DATA_HOME:-$HOME/.local/share}/jupyter" ;;
esac
jupyter="${JUPYTER_DATA_DIR:-$jupyter}"

register() {
  folder="$jupyter/kernels/$1"
  mkdir -p "$folder"
  cat > "$folder/kernel.json" <<EOF
{
  "argv": ["$HOME/.dotnet/tools/clrkernel", "jupyter", "{connection_file}"],
  "display_name": "$2",
  "language": "csharp"
}
EOF
}

register clrkernel 'C# (ClrKernel)'
register .net-csharp '.NET (C#, ClrKernel)' # the name that the notebooks ask for
