namespace Workbook;

/// <summary>A fault that the user can mend; the message is one line that says what is wrong and how to mend it.</summary>
public sealed class WorkbookException(string message, Exception? inner = null) : Exception(message, inner);
