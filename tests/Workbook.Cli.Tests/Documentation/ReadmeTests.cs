using System.Text.RegularExpressions;
using Xunit;

namespace Workbook.Cli.Tests.Documentation;

public sealed partial class ReadmeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workbook-readme-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Documents.All), MemberType = typeof(Documents))]
    public async Task The_examples_compile_and_run(string name) => Assert.Empty(await new ReadmeExamples(_folder).FaultsAsync(Documents.Text(name)));

    [Fact]
    public void The_readme_can_be_read_in_five_minutes()
    {
        string open = Folded().Replace(Documents.Text("README.md"), "");
        Assert.InRange(Word().Count(open), 1, 1100); // of 220 a minute
        Assert.InRange(open.Split('\n').Length, 1, 120);
        Assert.Equal(4, Picture().Count(open));
    }

    [Fact]
    public void Blocks_calls_in_the_text_and_the_table_of_torchs_functions_are_examples()
    {
        string[] code = [.. Documents.Names.SelectMany(name => ReadmeExamples.In(Documents.Text(name))).Select(example => example.Code)];
        Assert.Contains(code, text => text.Contains("Trainer.Train(network", StringComparison.Ordinal));
        Assert.Contains("network.SaveSafeTensors(\"lenet.safetensors\")", code);
        Assert.Contains("mask.Sparsity > 0", code);
        Assert.Contains("new Mask([KeyValuePair.Create(\"fc1.weight\", tensor)])", code);
        Assert.DoesNotContain(code, text => text.Contains("'weight'", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("```csharp\nint one = 1;\n```\n\n```csharp\nint two = one + 1;\ntwo.Twice();\n```",
        "the C# block at line 5 does not compile: (2,5): error CS1061: ")]
    [InlineData("```csharp\nWorkbook.Mask.Full(model, \"fc9\");\n```", "the C# block at line 1 fails: there is no layer 'fc9'")]
    [InlineData("## The library\n\n| torch | here |\n|---|---|\n| `m.no(1)` | `mask.SparsityIn(1)` |",
        "`mask.SparsityIn(1)` at line 5 does not compile: (1,6): error CS1061: ")]
    public async Task An_example_that_does_not_work_is_named(string markdown, string fault)
    {
        IReadOnlyList<string> faults = await new ReadmeExamples(_folder).FaultsAsync(markdown);
        Assert.StartsWith(fault, Assert.Single(faults), StringComparison.Ordinal);
    }

    [GeneratedRegex("<details>.*?</details>", RegexOptions.Singleline)]
    private static partial Regex Folded();

    [GeneratedRegex(@"(?<![(/#.\w-])\p{L}[\w-]*")]
    private static partial Regex Word();

    [GeneratedRegex(@"!\[[^\]]*\]\(notebooks/images/")]
    private static partial Regex Picture();
}
