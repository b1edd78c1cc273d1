using System.Diagnostics;
using System.Text.Json.Nodes;
using Workbook.Cli.Engines;
using Workbook.Cli.Kernel;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Outcome;
using Workbook.Cli.Progress;

namespace Workbook.Cli.Running;

/// <summary>Runs one notebook in a process of its own and writes what became of it.</summary>
internal sealed class NotebookRun(NotebookDocument notebook, RunOptions options, IRunProgress progress)
{
    private readonly CellOutputs _outputs = new();
    private CellError? _error;
    private bool _exiting;
    private string _lastWords = "";

    /// <summary>The stack trace behind a failure.</summary>
    public string? Details => _error?.Details;

    /// <summary>What its process used up to the last cell's end; nothing where it failed.</summary>
    public ProcessUsage Usage { get; private set; }

    /// <summary>Whether somebody else ended its process.</summary>
    public bool WasKilled { get; private set; }

    /// <summary>Whether it failed because it got no more memory.</summary>
    public bool WantsMemory => _error is not null && MemoryLimit.IsReached(_error);

    public async Task<NotebookResult> RunAsync(CancellationToken cancellation)
    {
        Stopwatch watch = Stopwatch.StartNew();
        notebook.ClearOutputs();
        IReadOnlyList<JsonObject> cells = notebook.CodeCells;
        progress.NotebookStarted(notebook.Name, cells.Count);
        string? failure = await RunCellsAsync(cells, cancellation).ConfigureAwait(false);
        _outputs.Complete();

        string output = Path.Combine(options.OutputFolder, notebook.Name + ".ipynb");
        byte[] content = JupyterJson.Serialize(notebook.Root);
        AtomicFile.Write(output, content);
        if (options.InPlace && failure is null)
        {
            AtomicFile.Write(notebook.Path, content);
        }

        NotebookResult result = NotebookResult.Of(notebook, output, watch.Elapsed, failure);
        progress.NotebookFinished(result);
        return result;
    }

    private async Task<string?> RunCellsAsync(IReadOnlyList<JsonObject> cells, CancellationToken cancellation)
    {
        using CancellationTokenSource timeout = new();
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        if (options.Timeout is { } limit)
        {
            timeout.CancelAfter(limit);
        }

        IEngine started;
        try
        {
            started = Engine.Start(Engine.For(notebook, options.Kernel),
                new EngineStart(Path.GetDirectoryName(notebook.Path)!, options.Environment(), OnEvent, OnText));
        }
        catch (WorkbookException e)
        {
            return e.Message;
        }

        await using IEngine kernel = started;
        int executed = 0;
        for (int i = 0; i < cells.Count; i++)
        {
            string code = NotebookDocument.Source(cells[i]);
            if (string.IsNullOrWhiteSpace(code))
            {
                continue;
            }

            progress.CellStarted(notebook.Name, i + 1, cells.Count);
            _outputs.Begin(cells[i], ++executed);
            _lastWords = "";
            try
            {
                if (!await kernel.RunAsync(new CellRequest(i + 1, code, notebook.LanguageOf(cells[i])), either.Token).ConfigureAwait(false) && _error is null)
                {
                    WasKilled = kernel.WasKilled;
                    Fail(_exiting
                        ? new CellError("ProcessExited", $"the cell ended the notebook's process (Environment.Exit, {kernel.DescribeExit()})")
                        : new CellError("ProcessCrashed", $"the notebook's process crashed ({kernel.DescribeExit()}){DescribeLastWords()}"));
                }
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                Fail(new CellError("Interrupted", "the run was interrupted in this cell"));
            }
            catch (OperationCanceledException)
            {
                Fail(new CellError("Timeout", $"the notebook ran longer than {options.Timeout!.Value.TotalSeconds:0.###} s and was stopped in this cell "
                    + $"(--timeout)"));
            }

            if (_error is not null)
            {
                return Describe(i + 1, _error);
            }
        }

        Usage = kernel.Usage();
        return null;
    }

    private static string Describe(int cell, CellError error)
    {
        string[] messages = error.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        string message = messages.FirstOrDefault("");
        if (error.Line == 0)
        {
            return $"code cell {cell}: {error.Name}: {message}";
        }

        string prefix = $"line {error.Line}: ";
        message = message.StartsWith(prefix, StringComparison.Ordinal) ? message[prefix.Length..] : message;
        string more = messages.Length > 1 ? $" (and {messages.Length - 1} more in the executed notebook)" : "";
        return $"code cell {cell}, line {error.Line}: `{error.SourceLine}`: {error.Name}: {message}{more}";
    }

    // A runtime that gives up says why in its first line, or in the second: "Process terminated."
    private string DescribeLastWords()
    {
        string[] lines = [.. _lastWords.Split('\n', StringSplitOptions.TrimEntries).Take(2).Where(line => !line.StartsWith("at ", StringComparison.Ordinal))];
        string words = lines.FirstOrDefault() == "Process terminated." ? string.Join(' ', lines) : lines.FirstOrDefault("");
        return words.Length > 0 ? ": " + words : "";
    }

    private void OnText(string stream, string text)
    {
        _outputs.AddText(stream, text);
        if (stream == "stderr" && _lastWords.Length < 1000)
        {
            _lastWords += text;
        }
    }

    private void OnEvent(KernelEvent message)
    {
        _outputs.Add(message);
        _error ??= message.Error;
        _exiting |= message.Kind == KernelEventKind.Exiting;
    }

    private void Fail(CellError error) => OnEvent(new KernelEvent(KernelEventKind.Error) { Error = error });
}
