namespace Workbook;

/// <summary>Progress as lines of text, one for each whole 10 % of a file, or each megabyte where its length is not known.</summary>
internal sealed class DownloadLines(Action<string> report) : IProgress<DownloadProgress>
{
    private readonly Lock _lock = new();
    private string _last = "";

    public void Report(DownloadProgress value)
    {
        string line = value.Total is > 0
            ? $"{value.File} from {value.Mirror}: {10 * (10 * value.Received / value.Total)}%"
            : $"{value.File} from {value.Mirror}: {value.Received / 1_000_000} MB";
        lock (_lock)
        {
            if (line != _last)
            {
                _last = line;
                report(line);
            }
        }
    }
}
