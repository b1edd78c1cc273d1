using System.Diagnostics;
using System.Globalization;

namespace Workbook.Hostile;

/// <summary>Tries of one kind, for a time.</summary>
internal sealed class Series(string name, Attack attack, int seed, string kept)
{
    private const int MostFaults = 5;

    public int Tried { get; private set; }

    public List<string> Faults { get; } = [];

    public double Seconds { get; private set; }

    /// <summary>Goes on until the time is over, at least once; not long after many were not survived.</summary>
    public void Run(TimeSpan time, int from)
    {
        Stopwatch watch = Stopwatch.StartNew();
        do
        {
            int number = from + Tried;
            string folder = Path.Combine(kept, $"{name}-{seed}-{number}");
            Delete(folder);
            Directory.CreateDirectory(folder);
            Task<string?> attempt = Task.Run(() => attack.Try(new Random(unchecked((seed * 1_000_003) + number)), folder));
            string? fault = FaultOf(attempt);
            Tried++;
            if (fault is null)
            {
                Delete(folder);
            }
            else
            {
                Faults.Add(string.Create(CultureInfo.InvariantCulture, $"{name} {number}: {fault}; kept in {folder}"));
            }

            if (!attempt.IsCompleted)
            {
                break; // it goes on, and would disturb all others
            }
        }
        while (watch.Elapsed < time && Faults.Count < MostFaults);
        Seconds = watch.Elapsed.TotalSeconds;
    }

    private string? FaultOf(Task<string?> attempt)
    {
        try
        {
            return attempt.Wait(attack.Patience) ? attempt.Result : $"no end within {attack.Patience.TotalSeconds} s";
        }
        catch (AggregateException e)
        {
            return $"{e.InnerException!.GetType().Name}: {e.InnerException.Message.Split('\n')[0]}"
                + $" {e.InnerException.StackTrace?.Split('\n').FirstOrDefault(line => line.Contains("Workbook", StringComparison.Ordinal))?.Trim()}";
        }
    }

    private static void Delete(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
