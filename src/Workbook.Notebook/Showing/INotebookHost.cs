namespace Workbook.Notebook;

/// <summary>Where a notebook's output goes: one small adapter for each program that runs notebooks.</summary>
public interface INotebookHost
{
    /// <summary>The host's name, for messages.</summary>
    string Name { get; }

    /// <summary>Whether plotly.js (3.6 MB) has to be sent to the page once; not where the page brings it.</summary>
    bool WantsPlotly => false;

    /// <summary>Whether <see cref="Update"/> replaces an output. Where it can't, what moves is shown once, at its end.</summary>
    bool UpdatesInPlace => true;

    /// <summary>Whether what an imported file shows is lost, and its error too: plotly.js then comes with the first chart, the error with the next
    /// cell.</summary>
    bool DropsImports => false;

    /// <summary>Shows one output of the running cell.</summary>
    /// <param name="bundle">MIME type → text, as in Jupyter's <c>display_data</c>; always holds <c>text/plain</c>.</param>
    /// <returns>An id by which <see cref="Update"/> replaces the output.</returns>
    string Display(IReadOnlyDictionary<string, string> bundle);

    /// <summary>Replaces an output in place; hosts that can't, show it anew.</summary>
    void Update(string id, IReadOnlyDictionary<string, string> bundle);
}

/// <summary>
/// A value that knows how it looks in a notebook. For a cell's trailing value, Verso looks for a public method <c>ToHtml()</c>
/// on its class: public implementations have one.
/// </summary>
public interface IShowable
{
    /// <summary>MIME type → text; always holds <c>text/plain</c>.</summary>
    IReadOnlyDictionary<string, string> ToBundle();

    /// <summary>The same as an output of the notebook that shows it, where that makes a difference.</summary>
    IReadOnlyDictionary<string, string> ToOutput() => ToBundle();
}
