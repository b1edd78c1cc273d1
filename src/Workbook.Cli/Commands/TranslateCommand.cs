using System.CommandLine;
using System.Text;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Running;
using Workbook.Cli.Translating;

namespace Workbook.Cli.Commands;

/// <summary><c>workbook translate</c>.</summary>
internal static class TranslateCommand
{
    private static readonly Option<string> s_language =
        new("--language") { Description = "The language's code: the folder beside the notebooks.", HelpName = "CODE", DefaultValueFactory = _ => "ko" };

    public static Command Create()
    {
        Command command = new("translate", "Writes what a translator fills in: for each notebook a Markdown file with its texts, where what is not translated, "
            + "or not as the English is now, is marked TODO with the English text. Says how many are left.") { RunCommand.Notebooks, s_language };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult arguments)
    {
        string language = arguments.GetValue(s_language)!;
        NotebookDocument[] notebooks = [.. NotebookFinder.Find(arguments.GetValue(RunCommand.Notebooks) ?? []).Select(NotebookReader.Read)];
        if (Edition.Named(language, notebooks.Select(notebook => notebook.Path)).IsOriginal)
        {
            throw new WorkbookException($"the notebooks are written in {language}: name the language that they are to be translated to");
        }

        foreach (NotebookDocument notebook in notebooks)
        {
            string path = Translation.PathOf(notebook.Path, language);
            string renewed = Translation.Read(path).Renewed(notebook);
            AtomicFile.Write(path, Encoding.UTF8.GetBytes(renewed));
            int texts = notebook.Cells.Count(cell => !NotebookDocument.IsCode(cell)), left = Translation.Read(path).Faults(notebook).Count();
            Console.WriteLine($"{path}: {texts} texts, {left} to translate");
        }

        return 0;
    }
}
