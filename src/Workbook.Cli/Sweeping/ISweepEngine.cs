namespace Workbook.Cli.Sweeping;

/// <summary>Where points are run. What became of them, the store says.</summary>
internal interface ISweepEngine
{
    /// <summary>How many points run at once, in words.</summary>
    string Describe();

    /// <summary>Runs points that are neither finished nor failed, until each is or can't be, or it is interrupted.</summary>
    /// <returns>Hash → why a point is left undone, where that is known.</returns>
    /// <exception cref="WorkbookException">The store can't be written, or the engine does not answer.</exception>
    Task<IReadOnlyDictionary<string, string>> RunAsync(IReadOnlyList<SweepPoint> points, CancellationToken cancellation);
}
