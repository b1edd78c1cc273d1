namespace Workbook.Cli.Diagnosis;

internal enum FindingState
{
    Good,

    /// <summary>Everything runs without it.</summary>
    Optional,
    Missing,
}

/// <summary>One thing that was looked at.</summary>
/// <param name="Remedy">What to do about it; null if nothing is to be done.</param>
internal sealed record Finding(FindingState State, string Subject, string Text, string? Remedy = null);
