using Workbook.Cli.Kernel;

namespace Workbook.Cli.Engines;

/// <summary>What runs a notebook's cells, in a process of its own: the runner sees nothing else of it.</summary>
internal interface IEngine : IAsyncDisposable
{
    /// <summary>Whether somebody ended the process: the system for want of memory, a scheduler, or a user.</summary>
    bool WasKilled { get; }

    /// <summary>Runs a cell; what it shows, and why it failed, comes as events meanwhile.</summary>
    /// <returns>True when the cell ended, false when the process did.</returns>
    /// <exception cref="OperationCanceledException">The process and all its children have been killed.</exception>
    Task<bool> RunAsync(CellRequest cell, CancellationToken cancellation);

    /// <summary>After the last cell: waits for what the notebook has left running, for some seconds, then ends the process.</summary>
    /// <returns>False when it ended otherwise than it was asked to: an error has come as an event, or <see cref="DescribeExit"/> says how.</returns>
    /// <exception cref="OperationCanceledException">The process and all its children have been killed.</exception>
    Task<bool> EndAsync(CancellationToken cancellation);

    /// <summary>Processor time of the process and of what it has started, in seconds.</summary>
    double TreeSeconds();

    /// <summary>What the process has used so far; nothing once it has ended.</summary>
    ProcessUsage Usage();

    /// <summary>How the process ended, in words.</summary>
    string DescribeExit();
}

/// <summary>What an engine is started with.</summary>
/// <param name="Folder">The notebook's folder, where its cells run.</param>
/// <param name="Variables">What its environment has besides the runner's.</param>
/// <param name="OnEvent">Called for each event in order, from one thread at a time.</param>
/// <param name="OnText">Called with a stream's name and text that did not come as an event.</param>
internal sealed record EngineStart(
    string Folder, IEnumerable<KeyValuePair<string, string>> Variables, Action<KernelEvent> OnEvent, Action<string, string> OnText);
