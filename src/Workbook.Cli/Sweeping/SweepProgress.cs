using System.Diagnostics;
using System.Globalization;
using Spectre.Console;
using Workbook.Cli.Terminal;

namespace Workbook.Cli.Sweeping;

/// <summary>How a sweep goes: a bar on a terminal, a line for each point elsewhere, with the time that is left.</summary>
/// <param name="total">How many points the sweep has.</param>
/// <param name="done">How many of them are finished or failed already.</param>
/// <param name="live">The terminal's bars; null for lines.</param>
internal sealed class SweepProgress(int total, int done, ProgressContext? live)
{
    private readonly Lock _lock = new();
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly List<SweepPoint> _running = [];
    private readonly int _before = done;
    private readonly ProgressTask? _task = live?.AddTask($"{done}/{total}", maxValue: total);
    private int _done = done;
    private int _failed;

    public void Started(SweepPoint point)
    {
        lock (_lock)
        {
            _running.Add(point);
            Show(string.Join("; ", _running.Take(3)) + (_running.Count > 3 ? "; …" : ""));
        }
    }

    public void Ended(SweepPoint point, Attempt attempt, string? why, double? seconds)
    {
        lock (_lock)
        {
            _running.Remove(point);
            if (attempt == Attempt.Elsewhere)
            {
                return;
            }

            _done += attempt == Attempt.Undone ? 0 : 1;
            _failed += attempt == Attempt.Failed ? 1 : 0;
            string what = (attempt, seconds) switch
            {
                (Attempt.Finished, { } s) => string.Create(CultureInfo.InvariantCulture, $"{s:0.0} s"),
                (Attempt.Finished, null) => "finished elsewhere",
                (Attempt.Failed, _) => "failed: " + why,
                _ => why!,
            };
            if (live is null || attempt != Attempt.Finished)
            {
                Say($"{_done}/{total}{(live is null ? Left() : "")}  {point}  {what}");
            }

            Show(string.Join("; ", _running.Take(3)));
        }
    }

    /// <summary>For points that others run: how many are done, and what the others say.</summary>
    public void Watch(int done, int failed, string state)
    {
        lock (_lock)
        {
            bool isNews = done != _done || failed != _failed;
            (_done, _failed) = (done, failed);
            if (live is null && isNews)
            {
                Say($"{done}/{total}{Left()}  {state}".TrimEnd());
            }

            Show(state);
        }
    }

    /// <summary>A line above the bars.</summary>
    public void Say(string line)
    {
        if (live is null)
        {
            Console.WriteLine(line);
        }
        else
        {
            AnsiConsole.WriteLine(PlainText.Of(line));
        }
    }

    private void Show(string state)
    {
        if (_task is not null)
        {
            _task.Value = _done;
            _task.Description = PlainText.Markup(
                $"{_done}/{total}{(_failed > 0 ? $", {_failed} failed" : "")}{Left()}{(state.Length > 0 ? $" · {state}" : "")}");
        }
    }

    private string Left()
    {
        int here = _done - _before;
        if (here <= 0 || _done >= total)
        {
            return "";
        }

        TimeSpan left = _watch.Elapsed / here * (total - _done);
        return left switch
        {
            { TotalSeconds: < 90 } => $", about {Math.Max(1, Math.Round(left.TotalSeconds)):0} s left",
            { TotalMinutes: < 90 } => $", about {left.TotalMinutes:0} min left",
            { TotalHours: < 48 } => $", about {left.TotalHours:0} h left",
            _ => $", about {left.TotalDays:0} days left",
        };
    }
}
