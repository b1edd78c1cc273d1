using Workbook.Cli.Outcome;

namespace Workbook.Cli.Progress;

/// <summary>Told how a run goes; several notebooks may call at the same time.</summary>
internal interface IRunProgress
{
    void NotebookStarted(string notebook, int cells);

    void CellStarted(string notebook, int cell, int cells);

    void NotebookFinished(NotebookResult result);
}
