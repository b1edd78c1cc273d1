using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Workbook.Cli.Kernel;
using Workbook.Cli.Notebooks;
using Workbook.Native;

namespace Workbook.Cli.Running;

/// <summary>
/// Gets the data before the first notebook: the download shows in the terminal, and a network that does not answer is
/// waited for once, not by every notebook.
/// </summary>
internal static class DataBeforehand
{
    /// <returns>The options, offline where MNIST was not to be had and the built-in digits do.</returns>
    /// <exception cref="WorkbookException">A data set that was asked for by name can't be had.</exception>
    /// <exception cref="OperationCanceledException">The run was interrupted.</exception>
    public static async Task<RunOptions> GetAsync(IReadOnlyList<NotebookDocument> notebooks, RunOptions options, CancellationToken cancellation)
    {
        string dataset = Asked(options);
        string wanted = dataset == "auto" ? "mnist" : dataset;
        bool isElsewhere = (options.DataFolder ?? EnvironmentVariables.Find(EnvironmentVariables.Data)
            ?? EnvironmentVariables.Find(EnvironmentVariables.Offline)) is not null;
        if (!notebooks.Any(LeaveChoice) || isElsewhere || Datasets.List().All(set => set.Name != wanted || set.Verified || set.Folder is null))
        {
            return options;
        }

        try
        {
            await Task.Run(() => Datasets.Fetch(wanted, null, new DownloadLines(Console.Error.WriteLine), briefly: dataset == "auto", cancel: cancellation),
                cancellation).ConfigureAwait(false);
            return options;
        }
        catch (WorkbookException e) when (dataset == "auto")
        {
            await Console.Error.WriteLineAsync($"{e.Message}; the notebooks run on the built-in digits").ConfigureAwait(false);
            return options with { Offline = true };
        }
    }

    /// <summary>The data set that the option or the variable names; <c>auto</c> where neither does.</summary>
    public static string Asked(RunOptions options) => options.Dataset ?? EnvironmentVariables.Find(EnvironmentVariables.Dataset) ?? "auto";

    /// <summary>Whether a notebook opens a data set and does not itself say which.</summary>
    /// <remarks>
    /// Its code is asked, not a tag in its metadata: who forgets a tag would get a sweep whose points on MNIST and on the built-in digits
    /// have one name. It is asked before any of it runs, since a sweep's points are named after their data. The compiler's
    /// parser reads it, so that a comment, a text or a markdown cell about <c>Datasets.Open</c> is none. A notebook that opens
    /// its data by another name of that method (an alias, reflection) still gets them, in its own process.
    /// </remarks>
    public static bool LeaveChoice(NotebookDocument notebook) => NotebookSources.Of(notebook, out _).Any(code =>
        ForeignCode.TryRead(code, LeavesChoice, out bool leaves) ? leaves : code.Contains("Datasets.Open(", StringComparison.Ordinal));

    private static bool LeavesChoice(string code) =>
        CSharpSyntaxTree.ParseText(code, CSharpParseOptions.Default.WithKind(SourceCodeKind.Script)).GetRoot()
            .DescendantNodes().OfType<InvocationExpressionSyntax>().Any(call => IsOpen(call.Expression) && !NamesDataset(call.ArgumentList));

    private static bool IsOpen(ExpressionSyntax method) => method is MemberAccessExpressionSyntax { Name.Identifier.ValueText: "Open" } member
        && (member.Expression as SimpleNameSyntax ?? (member.Expression as MemberAccessExpressionSyntax)?.Name)?.Identifier.ValueText == nameof(Datasets);

    private static bool NamesDataset(ArgumentListSyntax arguments) => arguments.Arguments.Where((argument, i) =>
        argument.NameColon is { } name ? name.Name.Identifier.ValueText == "dataset" : i == 0)
            .Any(argument => argument.Expression.IsKind(SyntaxKind.StringLiteralExpression));
}
