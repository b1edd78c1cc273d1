using System.Text;

namespace Workbook.Cli.Engines;

/// <summary>Reads what the kernel process writes to one of its file descriptors, up to a mark at each cell's end.</summary>
internal sealed class NativeText(Stream stream, string endOfCell, Action<string> add)
{
    private TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string _held = "";

    /// <summary>Reads to the end of the stream.</summary>
    public async Task ReadAsync()
    {
        using StreamReader reader = new(stream, new UTF8Encoding(false));
        char[] buffer = new char[8192];
        try
        {
            for (int n; (n = await reader.ReadAsync(buffer).ConfigureAwait(false)) > 0;)
            {
                Take(_held + new string(buffer, 0, n));
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The process is gone.
        }

        Emit(_held);
        _held = "";
    }

    /// <summary>Waits until the running cell's text has been read; not for long, as a cell may have closed the descriptor.</summary>
    public async Task WaitForEndOfCellAsync()
    {
        await Task.WhenAny(_end.Task, Task.Delay(TimeSpan.FromSeconds(1))).ConfigureAwait(false);
        _end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private void Take(string text)
    {
        for (int at; (at = text.IndexOf(endOfCell, StringComparison.Ordinal)) >= 0;)
        {
            Emit(text[..at]);
            _end.TrySetResult();
            text = text[(at + endOfCell.Length)..];
        }

        int held = Math.Min(endOfCell.Length - 1, text.Length);
        while (held > 0 && !text.AsSpan().EndsWith(endOfCell.AsSpan(0, held)))
        {
            held--;
        }

        Emit(text[..^held]);
        _held = text[^held..];
    }

    private void Emit(string text)
    {
        if (text.Length > 0)
        {
            add(text);
        }
    }
}
