using System.Text.RegularExpressions;
using Markdig;
using Markdig.Extensions.Tables;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;
using Microsoft.CodeAnalysis.CSharp.Scripting;
using Microsoft.CodeAnalysis.Scripting;

namespace Workbook.Cli.Tests.Documentation;

/// <summary>The C# of a document: its code blocks, and under "The library" the calls in running text and in the right columns of tables.</summary>
internal sealed partial class ReadmeExamples(string folder)
{
    private const string Block = "the C# block";

    /// <summary>What the examples take as given. Full names, so that an example has no usings but its own.</summary>
    private const string Given = """
        var seed = 1;
        var network = new Workbook.LeNet300100(seed);
        var model = new Workbook.LeNet300100(seed);
        var m = model;
        var train = Workbook.LabelledTensors.FromImages(Workbook.Digits.Generate(train: 200, test: 10).Train);
        var pruner = new Workbook.Pruner(Workbook.Saliency.Magnitude);
        var mask = Workbook.Mask.Full(model);
        var optimizer = TorchSharp.torch.optim.SGD(network.parameters(), 0.1);
        var pruned = mask.Bind(network);
        var tensor = TorchSharp.torch.ones(300, 784);
        var scores = new Dictionary<string, TorchSharp.torch.Tensor> { ["fc1.weight"] = TorchSharp.torch.rand(300, 784) };
        Workbook.Mask PruneMore(TorchSharp.torch.nn.Module module, Workbook.Amount amount) => pruner.PruneMore(module, amount);
        """;

    private static readonly ScriptOptions s_options = ScriptOptions.Default
        .WithReferences(typeof(Mask).Assembly, typeof(RunStore).Assembly, typeof(Sparse).Assembly, typeof(ChannelGraph).Assembly, typeof(Calibration).Assembly,
            typeof(SafeTensors).Assembly, typeof(TorchSharp.torch).Assembly)
        .WithImports("System", "System.IO", "System.Linq", "System.Collections.Generic", "System.Threading", "System.Threading.Tasks");

    /// <summary>Examples in the order of the text: where they stand, and their code.</summary>
    public static IReadOnlyList<(string Where, string Code)> In(string markdown)
    {
        MarkdownDocument document = Markdown.Parse(markdown, new MarkdownPipelineBuilder().UsePipeTables().UsePreciseSourceLocation().Build());
        int library = 0; // the level of the heading "The library", while what follows belongs to it
        List<(string, string)> examples = [];
        foreach (MarkdownObject part in document.Descendants())
        {
            switch (part)
            {
                case HeadingBlock { Level: var level } heading when library == 0 || level <= library:
                    library = heading.Inline?.FirstChild is LiteralInline { Content: var title } && title.ToString() == "The library" ? level : 0;
                    break;
                case FencedCodeBlock { Info: "csharp" or "cs" or "c#" } block:
                    examples.Add(($"{Block} at line {block.Line + 1}", block.Lines.ToString()));
                    break;
                case CodeInline { Content: var text } span when library > 0 && IsCall().IsMatch(text) && !IsInLeftColumn(span):
                    examples.Add(($"`{text}` at line {span.Line + 1}", text));
                    break;
                default:
                    break;
            }
        }

        return examples;
    }

    /// <summary>Compiles and runs every example after what is given and all blocks before it.</summary>
    /// <returns>One line for each that fails.</returns>
    public async Task<IReadOnlyList<string>> FaultsAsync(string markdown)
    {
        List<string> faults = [];
        ScriptState<object> state = await CSharpScript.RunAsync(Given, s_options);
        foreach ((string where, string code) in In(markdown))
        {
            try
            {
                state = await state.ContinueWithAsync(Runnable(code));
                if (where.StartsWith(Block, StringComparison.Ordinal))
                {
                    state = await state.ContinueWithAsync(Given); // a block's own `mask` is not the one of the text
                }
            }
            catch (CompilationErrorException e)
            {
                faults.Add($"{where} does not compile: {e.Diagnostics[0]}");
            }
            catch (Exception e) when (e is WorkbookException or InvalidOperationException or ArgumentException or IOException)
            {
                faults.Add($"{where} fails: {e.Message}");
            }
        }

        return faults;
    }

    private static bool IsInLeftColumn(CodeInline span)
    {
        ContainerInline? outer = span.Parent;
        while (outer?.Parent is not null)
        {
            outer = outer.Parent;
        }

        return outer?.ParentBlock?.Parent is TableCell { Parent: TableRow row } cell && row.IndexOf(cell) == 0;
    }

    /// <summary>A script has no using declarations; files go to a folder of the test, and a name left out is the one that the text saves to.</summary>
    private string Runnable(string code)
    {
        string plain = UsingDeclaration().Replace(code, "").Replace("…", "\"lenet.safetensors\"", StringComparison.Ordinal);
        plain = plain.Replace("RunStore.Open()", $"RunStore.Open(@\"{Path.Combine(folder, "runs")}\")", StringComparison.Ordinal);
        return FileName().Replace(plain, match => $"@\"{Path.Combine(folder, match.Groups[1].Value)}\"");
    }

    /// <summary>A call, a construction or a comparison; not a mere name, a command or another language's module.</summary>
    [GeneratedRegex(@"^(?!torch\.|dotnet|optimizer\.)(new |using )?[A-Za-z][\w.]*[ (<].*[)\d;]$")]
    private static partial Regex IsCall();

    [GeneratedRegex(@"^using (?=[A-Z][\w<>?]* \w+ = )", RegexOptions.Multiline)]
    private static partial Regex UsingDeclaration();

    [GeneratedRegex("\"([\\w-]+\\.safetensors)\"")]
    private static partial Regex FileName();
}
