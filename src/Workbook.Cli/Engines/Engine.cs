using Workbook.Cli.Notebooks;

namespace Workbook.Cli.Engines;

/// <summary>Which engine runs a notebook: the one that is asked for, else the one that the notebook names in its metadata, else the runner's own.</summary>
internal static class Engine
{
    /// <summary>The runner's own: C# alone, quick to start.</summary>
    public const string Own = "workbook";

    /// <summary>The kernel that VS Code and Jupyter run.</summary>
    public const string Interactive = "dotnet-interactive";

    /// <summary>All that there are.</summary>
    public static string[] Names { get; } = [Own, Interactive];

    private static readonly string[] s_languages = ["csharp", "fsharp", "pwsh", "javascript", "html", "mermaid", "http", "value", "kql", "sql"];

    /// <summary>The engine that runs a notebook.</summary>
    /// <param name="asked">The one that the command line names; null where it names none.</param>
    /// <exception cref="WorkbookException">There is no such engine, it is not here, or it does not run the notebook's languages.</exception>
    public static string For(NotebookDocument notebook, string? asked)
    {
        string name = asked ?? notebook.EngineName ?? Own;
        if (!Names.Contains(name))
        {
            throw new WorkbookException($"{notebook.Path}: its metadata name the kernel {name}: there are {string.Join(" and ", Names)}");
        }

        int code = 0;
        foreach (System.Text.Json.Nodes.JsonObject cell in notebook.CodeCells)
        {
            code++;
            string language = notebook.LanguageOf(cell);
            if (NotebookDocument.IsSkipped(cell))
            {
                continue;
            }

            if (name == Own ? language != s_languages[0] : !s_languages.Contains(language))
            {
                string other = name == Own && s_languages.Contains(language) ? $": --kernel {Interactive} runs it" : "";
                string runs = name == Own ? "this runner runs C# cells only" : $"this kernel runs {string.Join(", ", s_languages)}";
                throw new WorkbookException($"{notebook.Path}: code cell {code} is in {language}; {runs}{other}");
            }
        }

        if (name == Interactive)
        {
            InteractiveTool.Require();
        }

        return name;
    }

    /// <summary>Starts an engine.</summary>
    /// <exception cref="WorkbookException">It does not start.</exception>
    public static IEngine Start(string name, EngineStart start) => name == Interactive ? new InteractiveEngine(start) : new OwnEngine(start);
}
