using System.Collections.Immutable;
using System.Runtime.ExceptionServices;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Scripting;
using Microsoft.CodeAnalysis.Scripting;
using Microsoft.CodeAnalysis.Scripting.Hosting;

namespace Workbook.Cli.Kernel;

/// <summary>The C# state that cells build up one after the other.</summary>
internal sealed class ScriptSession : IDisposable
{
    private const int DeepestImport = 20;
    private readonly string _folder;
    private readonly SynchronizationContext _context;
    private readonly ScriptOptions _options;
    private readonly InteractiveAssemblyLoader _loader = new();
    private ScriptState<object?>? _state;

    /// <param name="folder">The notebook's folder.</param>
    /// <param name="context">What code runs in.</param>
    public ScriptSession(string folder, SynchronizationContext context)
    {
        (_folder, _context) = (folder, context);
        _options = ScriptOptions.Default
            .WithReferences(OwnAssemblies.Defaults().Select(path => MetadataReference.CreateFromFile(path)))
            .WithImports(
                "System", "System.IO", "System.Text", "System.Linq", "System.Collections.Generic",
                "System.Threading", "System.Threading.Tasks", typeof(NotebookDisplay).FullName!)
            .WithMetadataResolver(new ReferenceResolver(folder))
            .WithSourceResolver(new SourceFileResolver(ImmutableArray<string>.Empty, folder))
            .WithLanguageVersion(LanguageVersion.Latest)
            .WithOptimizationLevel(OptimizationLevel.Release)
            .WithEmitDebugInformation(true)
            .WithFileEncoding(Encoding.UTF8);
    }

    /// <summary>The name under which the compiler and stack traces know a cell.</summary>
    public static string CellName(int number) => $"code cell {number}";

    /// <summary>Runs a cell.</summary>
    /// <returns>The value of its last expression, if that has no semicolon.</returns>
    /// <exception cref="CellException">A magic line or an imported file is wrong.</exception>
    /// <exception cref="CompilationErrorException">The code does not compile.</exception>
    public Task<object?> RunAsync(CellRequest cell) => RunAsync(cell.Code, CellName(cell.Number), _folder, 0);

    public void Dispose() => _loader.Dispose();

    private async Task<object?> RunAsync(string code, string name, string folder, int depth)
    {
        object? value = null;
        foreach (CellPart part in CellParts.Split(code))
        {
            value = part.IsImport
                ? await ImportAsync(part, folder, depth).ConfigureAwait(false)
                : await SubmitAsync(part.Text, name).ConfigureAwait(false);
        }

        return value;
    }

    private async Task<object?> ImportAsync(CellPart part, string folder, int depth)
    {
        string path = Path.GetFullPath(part.Text, folder);
        if (Path.GetExtension(path).Equals(".ipynb", StringComparison.OrdinalIgnoreCase))
        {
            throw new CellException(part.Line, "ImportError", $"#!import {part.Text}: a notebook can't be imported, only a C# file can");
        }

        if (depth >= DeepestImport)
        {
            throw new CellException(part.Line, "ImportError", $"#!import {part.Text}: files import each other without end");
        }

        string code;
        try
        {
            // Outside of a clone no build has written it: the runner has all that it refers to.
            code = Path.GetFileName(path) == "lab.csx" && !File.Exists(path) ? OwnLabScript() : await File.ReadAllTextAsync(path).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CellException(part.Line, "ImportError", $"#!import {part.Text}: {path} can't be read");
        }

        try
        {
            await RunAsync(code, path, Path.GetDirectoryName(path)!, depth + 1).ConfigureAwait(false);
        }
        catch (CellException e)
        {
            throw new CellException(part.Line, e.Name, $"{path}({e.Line}): {e.Message}");
        }

        return null;
    }

    /// <summary>What a build writes to <c>lab.csx</c>, with the runner's own folder.</summary>
    public static string OwnLabScript()
    {
        using StreamReader reader = new(typeof(ScriptSession).Assembly.GetManifestResourceStream("lab.csx")!);
        return reader.ReadToEnd().Replace("@BIN@", AppContext.BaseDirectory, StringComparison.Ordinal);
    }

    private async Task<object?> SubmitAsync(string code, string name)
    {
        ScriptOptions options = _options.WithFilePath(name);
        Script<object?> script = _state is null
            ? CSharpScript.Create<object?>(code, options, assemblyLoader: _loader)
            : _state.Script.ContinueWith<object?>(code, options);
        SynchronizationContext.SetSynchronizationContext(_context); // this method's caller has its own again afterwards

        // What a cell has declared before it threw is there for the cells that follow, as in the kernel.
        _state = _state is null
            ? await script.RunAsync(catchException: _ => true).ConfigureAwait(false)
            : await script.RunFromAsync(_state, catchException: _ => true).ConfigureAwait(false);
        if (_state.Exception is { } thrown)
        {
            ExceptionDispatchInfo.Throw(thrown);
        }

        return _state.ReturnValue;
    }
}
