using Workbook.Data;

namespace Workbook.Cli.Progress;

/// <summary>A download in the terminal: a line for each quarter of a file.</summary>
internal sealed class DownloadLines : IProgress<DownloadProgress>
{
    private readonly Lock _lock = new();
    private (string File, long Quarter) _last;

    public static string Megabytes(long bytes) => $"{bytes / 1e6:F1} MB";

    public void Report(DownloadProgress value)
    {
        lock (_lock)
        {
            (string, long) now = (value.File, value.Total is > 0 and long total ? 4 * value.Received / total : value.Received >> 22);
            if (now == _last)
            {
                return;
            }

            _last = now;
        }

        string of = value.Total is long all ? $" of {Megabytes(all)}" : "";
        Console.Error.WriteLine($"{value.File}: {Megabytes(value.Received)}{of} from {value.Mirror}");
    }
}
