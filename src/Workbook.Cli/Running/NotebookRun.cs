using System.Diagnostics;
using System.Text.Json.Nodes;
using Workbook.Cli.Engines;
using Workbook.Cli.Kernel;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Outcome;
using Workbook.Cli.Progress;

namespace Workbook.Cli.Running;

/// <summary>Runs one notebook in a process of its own and writes what became of it.</summary>
/// <param name="turns">When its cells may run, beside those of others; null where none runs beside it.</param>
internal sealed class NotebookRun(NotebookDocument notebook, RunOptions options, IRunProgress progress, CellTurns? turns = null)
{
    private const int MostWords = 2000;

    private readonly CellOutputs _outputs = new();
    private CellError? _error;
    private bool _exiting;
    private readonly List<string> _allowed = [];
    private string _lastWords = "";
    private SilenceWatch? _watch;

    /// <summary>A line for each cell that failed and was allowed to, though it does not say that it fails.</summary>
    public IReadOnlyList<string> Allowed => _allowed;

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
        using CancellationTokenSource timeout = new(), silence = new(), ended = new();
        using CancellationTokenSource any = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token, silence.Token);
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
        if (options.Silence is { } silent)
        {
            _watch = new SilenceWatch(silent, kernel.TreeSeconds);
            _ = _watch.WatchAsync(ended.Token).ContinueWith(_ => silence.Cancel(), ended.Token, TaskContinuationOptions.OnlyOnRanToCompletion,
                TaskScheduler.Default);
        }

        int executed = 0, last = 0;
        for (int i = 0; i < cells.Count; i++)
        {
            string code = NotebookDocument.Source(cells[i]);
            if (string.IsNullOrWhiteSpace(code) || NotebookDocument.IsSkipped(cells[i]))
            {
                continue;
            }

            last = i + 1;
            progress.CellStarted(notebook.Name, last, cells.Count);
            _outputs.Begin(cells[i], ++executed, last);
            CellRequest request = new(last, code, notebook.LanguageOf(cells[i]));
            bool alone = NotebookDocument.HasTag(cells[i], NotebookDocument.TimingTag);
            bool goesOn = await TryAsync(kernel, () => InTurnAsync(kernel, request, alone, any.Token), timeout, silence, cancellation).ConfigureAwait(false);
            if (_error is not null && !(goesOn && IsAllowed(cells, last)))
            {
                await ended.CancelAsync().ConfigureAwait(false);
                return Describe(last, _error);
            }
        }

        Usage = kernel.Usage();
        await TryAsync(kernel, () => kernel.EndAsync(any.Token), timeout, silence, cancellation).ConfigureAwait(false);
        await ended.CancelAsync().ConfigureAwait(false);
        return _error is null || IsAllowed(cells, last) ? null : Describe(last, _error);
    }

    private async Task<bool> InTurnAsync(IEngine kernel, CellRequest request, bool alone, CancellationToken cancellation)
    {
        _watch?.IsWaiting = true;
        using IDisposable? turn = turns is null ? null : await turns.TakeAsync(alone, cancellation).ConfigureAwait(false);
        _watch?.IsWaiting = false;
        return await kernel.RunAsync(request, cancellation).ConfigureAwait(false);
    }

    // Runs a part of the notebook; what ends it otherwise than it should is its error.
    private async Task<bool> TryAsync(IEngine kernel, Func<Task<bool>> run, CancellationTokenSource timeout, CancellationTokenSource silence,
        CancellationToken cancellation)
    {
        _lastWords = "";
        try
        {
            if (await run().ConfigureAwait(false))
            {
                return true;
            }

            if (_error is null)
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
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            Fail(new CellError("Timeout", $"the notebook ran longer than {options.Timeout!.Value.TotalSeconds:0.###} s and was stopped in this cell "
                + $"(--timeout)"));
        }
        catch (OperationCanceledException) when (silence.IsCancellationRequested)
        {
            Fail(new CellError("Silence", $"for {options.Silence!.Value.TotalSeconds:0.###} s the notebook showed nothing and used no processor time, "
                + "and was stopped in this cell (--silence SECONDS allows more, 0 any)"));
        }

        return false;
    }

    /// <summary>Whether the notebook goes on after its error: where the cell says that it fails, or where any may.</summary>
    private bool IsAllowed(IReadOnlyList<JsonObject> cells, int running)
    {
        int number = _error!.Cell == 0 ? running : _error.Cell;
        bool expected = number >= 1 && NotebookDocument.HasTag(cells[number - 1], NotebookDocument.RaisesTag);
        if (!expected && !options.AllowErrors)
        {
            return false;
        }

        if (!expected)
        {
            _allowed.Add(Describe(running, _error));
        }

        _error = null;
        return true;
    }

    private static string Describe(int running, CellError error)
    {
        int cell = error.Cell == 0 ? running : error.Cell;
        string meanwhile = cell == running ? "" : $" (while code cell {running} ran, or after it)";
        string[] messages = error.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        string message = OutputLimits.Cut(messages.FirstOrDefault(""), MostWords);
        if (error.Line == 0)
        {
            return $"code cell {cell}: {error.Name}: {message}{meanwhile}";
        }

        string prefix = $"line {error.Line}: ";
        message = message.StartsWith(prefix, StringComparison.Ordinal) ? message[prefix.Length..] : message;
        string more = messages.Length > 1 ? $" (and {messages.Length - 1} more in the executed notebook)" : "";
        return $"code cell {cell}, line {error.Line}: `{error.SourceLine}`: {error.Name}: {message}{more}{meanwhile}";
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
        _watch?.Hear();
        _outputs.AddText(stream, text);
        if (stream == "stderr" && _lastWords.Length < 1000)
        {
            _lastWords += text.Length > 1000 ? text[..1000] : text;
        }
    }

    private void OnEvent(KernelEvent message)
    {
        _watch?.Hear();
        _outputs.Add(message);
        _error ??= message.Error;
        _exiting |= message.Kind == KernelEventKind.Exiting;
    }

    private void Fail(CellError error) => OnEvent(new KernelEvent(KernelEventKind.Error) { Error = error });
}
