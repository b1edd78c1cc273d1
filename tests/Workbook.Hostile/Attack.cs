namespace Workbook.Hostile;

/// <summary>A way of doing something bad to the workbook, again and again.</summary>
internal abstract class Attack
{
    /// <summary>The share of the time that it gets.</summary>
    public abstract int Share { get; }

    /// <summary>The longest that one try may take.</summary>
    public virtual TimeSpan Patience => TimeSpan.FromSeconds(30);

    /// <summary>How many things one try does; most do one.</summary>
    public virtual int InOne => 1;

    /// <summary>The most memory that a process of the workbook has taken, in bytes.</summary>
    public virtual long PeakMemory { get; protected set; }

    /// <summary>Does it once.</summary>
    /// <param name="random">All that is random in it comes from here: the same again with the same.</param>
    /// <param name="folder">An empty folder, which is kept where it was not survived.</param>
    /// <returns>What went wrong; null if the workbook survived.</returns>
    public abstract string? Try(Random random, string folder);

    /// <summary>A message to a user: one line, without codes that a terminal obeys.</summary>
    protected static string? FaultOf(string message) =>
        message.Length == 0 ? "the message is empty"
        : message.Any(c => char.IsControl(c)) ? $"the message has control characters or several lines: {Readable(message)}"
        : message.Length > 4000 ? $"the message has {message.Length} characters"
        : null;

    protected static string Readable(string text) => string.Concat((text.Length > 300 ? text[..300] + "…" : text).Select(c => char.IsControl(c) ? '�' : c));
}
