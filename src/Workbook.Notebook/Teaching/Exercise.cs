using System.Net;

namespace Workbook.Notebook;

/// <summary>An exercise that checks itself: it says what is wrong with a reader's answer. None of it ends a run: a blank that was left is "not answered
/// yet".</summary>
public sealed class Exercise : IShowable
{
    private readonly string _name, _words;

    private Exercise(string name, bool? isRight, string words) => (_name, IsRight, _words) = (name, isRight, words);

    /// <summary>Whether the answer is right; null where there is none yet.</summary>
    public bool? IsRight { get; }

    /// <summary>"right", "wrong" or "not answered yet".</summary>
    public string Verdict => IsRight switch { true => "right", false => "wrong", null => "not answered yet" };

    /// <summary>Checks an answer.</summary>
    /// <param name="name">What was asked, in a few words.</param>
    /// <param name="answer">What the reader filled in; null is the blank.</param>
    /// <param name="fault">Says of an answer what is wrong with it, in one line; null if nothing is. An answer at which it throws is wrong.</param>
    public static Exercise Check<T>(string name, T? answer, Func<T, string?> fault)
        where T : class => answer is null ? Unanswered(name) : Judge(name, () => fault(answer));

    /// <inheritdoc cref="Check{T}(string, T, Func{T, string})"/>
    public static Exercise Check<T>(string name, T? answer, Func<T, string?> fault)
        where T : struct => answer is { } given ? Judge(name, () => fault(given)) : Unanswered(name);

    /// <summary>A card, and a line of text that begins with the verdict.</summary>
    public IReadOnlyDictionary<string, string> ToBundle() => new Dictionary<string, string>
    {
        ["text/html"] = ToHtml(),
        ["text/plain"] = $"[{Verdict}] {_name}: {_words}",
    };

    /// <summary>The card of <see cref="ToBundle"/>.</summary>
    public string ToHtml()
    {
        (string mark, string color) = IsRight switch { true => ("✓", Card.Good), false => ("✗", Card.Bad), null => ("…", Card.Quiet) };
        return Card.Html("wb-exercise", color, $"{mark} {Verdict}", _name, WebUtility.HtmlEncode(_words));
    }

    private static Exercise Unanswered(string name) => new(name, null, "fill in the line marked YOUR ANSWER, and run the cell again");

    private static Exercise Judge(string name, Func<string?> fault)
    {
        try
        {
            return fault() is { } wrong ? new(name, false, wrong) : new(name, true, "that is it");
        }
#pragma warning disable CA1031 // Whatever an answer does: the notebook goes on.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return new(name, false, $"it can't be checked: {e.Message.Split('\n')[0].TrimEnd()}");
        }
    }
}
