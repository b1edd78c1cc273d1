namespace Workbook.Cli;

/// <summary>What the user asked for can't be done: one line that says why and how to mend it, exit code 2.</summary>
internal sealed class UsageException(string message) : Exception(message);
