namespace Workbook.Cli.Engines;

/// <summary>What a notebook's process used of its machine.</summary>
/// <param name="Seconds">Processor time of all its threads.</param>
/// <param name="PeakMemory">The most bytes of memory that it held at once.</param>
internal readonly record struct ProcessUsage(double Seconds, long PeakMemory);
