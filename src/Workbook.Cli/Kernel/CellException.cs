namespace Workbook.Cli.Kernel;

/// <summary>A cell that can't be run as it is written.</summary>
/// <param name="line">The line in the cell, from 1.</param>
internal sealed class CellException(int line, string name, string message) : Exception(message)
{
    public int Line { get; } = line;

    /// <summary>What the notebook shows in an exception type's place.</summary>
    public string Name { get; } = name;
}
