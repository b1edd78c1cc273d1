namespace Workbook.Notebook;

/// <summary>No notebook around: outputs go to the console as plain text.</summary>
internal sealed class ConsoleHost : INotebookHost
{
    public string Name => "console";

    public bool UpdatesInPlace => false;

    public string Display(IReadOnlyDictionary<string, string> bundle)
    {
        Console.WriteLine(bundle["text/plain"]);
        return "";
    }

    public void Update(string id, IReadOnlyDictionary<string, string> bundle) => Display(bundle);
}
