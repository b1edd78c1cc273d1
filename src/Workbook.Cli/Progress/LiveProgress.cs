using System.Collections.Concurrent;
using Spectre.Console;
using Workbook.Cli.Outcome;
using Workbook.Cli.Terminal;

namespace Workbook.Cli.Progress;

/// <summary>A bar for each notebook, for terminals.</summary>
internal sealed class LiveProgress(ProgressContext context) : IRunProgress
{
    private readonly ConcurrentDictionary<string, ProgressTask> _tasks = new();

    public static Spectre.Console.Progress Create() => AnsiConsole.Progress()
        .AutoRefresh(true)
        .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new ElapsedTimeColumn(), new SpinnerColumn());

    public void NotebookStarted(string notebook, int cells) =>
        _tasks[notebook] = context.AddTask(PlainText.Markup(notebook), autoStart: true, maxValue: Math.Max(1, cells));

    public void CellStarted(string notebook, int cell, int cells)
    {
        ProgressTask task = _tasks[notebook];
        task.Description = PlainText.Markup($"{notebook}  cell {cell}/{cells}");
        task.Value = cell - 1;
    }

    public void NotebookFinished(NotebookResult result)
    {
        ProgressTask task = _tasks[result.Name];
        if (result.Error is null)
        {
            task.Value = task.MaxValue;
        }
        else
        {
            task.Description = $"[red]{task.Description}[/]";
        }

        task.StopTask();
    }
}
