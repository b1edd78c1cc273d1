using System.Runtime.CompilerServices;
using Microsoft.DotNet.Interactive;
using Microsoft.DotNet.Interactive.Events;
using Microsoft.DotNet.Interactive.Formatting;

namespace Workbook.Notebook;

/// <summary>What <c>#r "nuget: PruningWorkbook.Notebook"</c> starts in a cell of .NET Interactive: the same as <c>lab.csx</c> does in a clone.</summary>
public sealed class KernelExtension : IKernelExtension
{
    /// <summary>
    /// Readies the notebook, after Plotly.NET's own extension, so that charts are shown by ours. Never throws: the kernel would drop
    /// the words, and under Jupyter never end the cell. What is wrong is said in the cell.
    /// </summary>
    public Task OnLoadAsync(Kernel kernel)
    {
        AssemblyProbing.Attach();
        try
        {
            LoadPlotly(kernel);
            Lab.Start();
        }
#pragma warning disable CA1031 // Whatever keeps the extension from loading is said.
        catch (Exception e)
#pragma warning restore CA1031
        {
            string words = $"PruningWorkbook.Notebook did not start: {Why(e)}{Environment.NewLine}";
            KernelInvocationContext.Current?.Publish(
                new StandardErrorValueProduced(KernelInvocationContext.Current.Command, [new FormattedValue(Formatters.PlainType, words)]));
        }

        return Task.CompletedTask;
    }

    // By itself: its assemblies are looked for when it is compiled, and by then somebody has to look in the right places.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void LoadPlotly(Kernel kernel)
    {
        IKernelExtension theirs = new Plotly.NET.Interactive.FormatterKernelExtension();
        theirs.OnLoadAsync(kernel).GetAwaiter().GetResult();
    }

    private static string Why(Exception e) => e.GetBaseException() switch
    {
        WorkbookException fault => fault.Message,
        FileNotFoundException { FileName: { } missing } => $"{missing.Split(',')[0]} is not here, which it depends on: "
            + "name a source that has its packages with #i \"nuget: …\", or connect to a network",
        var other => $"{other.GetType().Name}: {other.Message}",
    };
}
