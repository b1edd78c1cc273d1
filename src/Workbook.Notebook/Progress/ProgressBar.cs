using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;

namespace Workbook.Notebook;

/// <summary>A bar that shows how far a long cell is, with the time left; any number of threads may step it.</summary>
public sealed class ProgressBar : IDisposable
{
    private static readonly TimeSpan s_between = TimeSpan.FromMilliseconds(300);

    private static readonly ConcurrentDictionary<ProgressBar, bool> s_open = new();

    private readonly Lock _lock = new();
    private readonly INotebookHost _host = NotebookHost.Current;
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly string _title;
    private readonly int _total;
    private readonly string _id;
    private int _done;
    private int _running;
    private TimeSpan _shown;
    private bool _ended;

    private ProgressBar(string title, int total)
    {
        _title = title;
        _total = total;
        _id = _host.UpdatesInPlace ? _host.Display(Bundle(TimeSpan.Zero)) : "";
        s_open[this] = true;
    }

    /// <summary>Shows an empty bar; where outputs can't be replaced, the bar appears when it ends.</summary>
    /// <param name="title">What is under way.</param>
    /// <param name="total">How many steps there are.</param>
    /// <exception cref="WorkbookException">There are no steps.</exception>
    public static ProgressBar Start(string title, int total) =>
        total > 0 ? new ProgressBar(title, total) : throw new WorkbookException($"progress \"{title}\": {total} steps, at least 1 is needed");

    /// <summary>One or more steps are done; the shown bar moves a few times a second at most.</summary>
    public void Step(int steps = 1)
    {
        lock (_lock)
        {
            _done = Math.Min(_total, _done + steps);
            TimeSpan elapsed = Stopwatch.GetElapsedTime(_start);
            if (!_ended && (_done == _total || (_host.UpdatesInPlace && elapsed - _shown >= s_between)))
            {
                _shown = elapsed;
                if (_done == _total)
                {
                    End();
                }

                _host.Update(_id, Bundle(elapsed));
            }
        }
    }

    /// <summary>A run is under way until the result is disposed of; the bar says how many are.</summary>
    public IDisposable Running()
    {
        Change(1);
        return new UnderWay(this);
    }

    /// <summary>Shows where the bar stopped, for work that ends early.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (!_ended)
            {
                End();
                _host.Update(_id, Bundle(Stopwatch.GetElapsedTime(_start)));
            }
        }
    }

    /// <summary>Stops every bar that has not ended: the cell that would have moved them has failed.</summary>
    internal static void StopAll()
    {
        foreach (ProgressBar bar in s_open.Keys)
        {
            bar.Dispose();
        }
    }

    private void End()
    {
        _ended = true;
        s_open.TryRemove(this, out _);
    }

    private void Change(int runs)
    {
        lock (_lock)
        {
            _running += runs;
            TimeSpan elapsed = Stopwatch.GetElapsedTime(_start);

            // Where runs are short, their ends alone move the bar often enough.
            if (_host.UpdatesInPlace && !_ended && runs > 0 && elapsed > s_between * Math.Max(1, _done))
            {
                _shown = elapsed;
                _host.Update(_id, Bundle(elapsed));
            }
        }
    }

    private Dictionary<string, string> Bundle(TimeSpan elapsed)
    {
        double share = (double)_done / _total;
        string left = _done == 0 || _done == _total ? "" : $", {Clock(elapsed * ((1 - share) / share))} left";
        string running = _running == 0 || _done == _total ? "" : $" done, {_running} running";
        bool stopped = _ended && _done < _total;
        string words = stopped ? $"stopped at {_done}/{_total} · {Clock(elapsed)}" : $"{_done}/{_total}{running} · {Clock(elapsed)}{left}";
        int cells = (int)(share * 20);
        string width = FormattableString.Invariant($"{share * 100:0.#}%");
        return new Dictionary<string, string>
        {
            ["text/html"] = $"<div class=\"wb-progress\" style=\"display:flex;flex-wrap:wrap;gap:.2em "
                + $".8em;align-items:center;font-size:13px\"><span>{WebUtility.HtmlEncode(_title)}</span> "
                + "<span style=\"flex:0 1 12em;min-width:6em;height:.6em;background:rgba(128,128,128,.3);border-radius:.3em\">"
                + $"<span style=\"display:block;width:{width};height:100%;background:{(stopped ? "#D55E00" : "#0072B2")};border-radius:.3em\"></span></span> "
                + $"<span>{words}</span></div>",
            ["text/plain"] = $"{_title} [{new string('#', cells)}{new string('.', 20 - cells)}] {words}",
        };
    }

    private static string Clock(TimeSpan time) => time.TotalSeconds < 60 ? FormattableString.Invariant($"{time.TotalSeconds:0.0} s")
        : $"{(int)time.TotalMinutes}:{time.Seconds:00} min";

    private sealed class UnderWay(ProgressBar bar) : IDisposable
    {
        private int _ended;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _ended, 1) == 0)
            {
                bar.Change(-1);
            }
        }
    }
}
