using System.Globalization;
using Plotly.NET;
using TorchSharp;
using static TorchSharp.torch;

namespace Workbook.Notebook;

/// <summary>How values look in the notebook that shows them.</summary>
public static class Formatters
{
    internal const string HtmlType = "text/html";
    internal const string PlainType = "text/plain";

    private const int MostValues = 100; // of a tensor: a larger one shows its shape alone

    private static readonly string[] s_plain = [PlainType];
    private static readonly string[] s_rich = [HtmlType, PlainType];

    /// <summary>The types that are known here, each with the MIME types of its bundle; of two that fit a value, the nearer one counts.</summary>
    internal static IReadOnlyDictionary<Type, string[]> Known { get; } = new Dictionary<Type, string[]>
    {
        [typeof(IShowable)] = s_rich,
        [typeof(Figure)] = s_rich,
        [typeof(Table)] = s_rich,
        [typeof(Claim)] = [HtmlType, PlainType, Claim.MimeType],
        [typeof(PerSeed)] = s_plain,
        [typeof(Recorded)] = [PlainType, Recorded.MimeType],
        [typeof(GenericChart)] = s_rich,
        [typeof(ModelCount)] = s_rich,
        [typeof(TrainingLog)] = s_rich,
        [typeof(Run)] = s_rich,
        [typeof(Conversion)] = s_plain,
        [typeof(ChannelGraph)] = s_plain,
        [typeof(ChannelGroup)] = s_plain,
        [typeof(Mask)] = s_plain,
        [typeof(Pruner)] = s_plain,
        [typeof(ChannelPruner)] = s_plain,
        [typeof(Tensor)] = s_plain,
    };

    /// <summary>The value's bundle (MIME type → text, always with <c>text/plain</c>), or null for a type that is not known here.</summary>
    public static IReadOnlyDictionary<string, string>? TryFormat(object? value) => value switch
    {
        IShowable showable => showable.ToOutput(),
        GenericChart chart => new Figure(chart, "").ToOutput(),
        ModelCount count => count.ToTable().ToBundle(),
        TrainingLog log => Summary(log).ToBundle(),
        Tensor tensor => Plain(tensor.numel() <= MostValues ? tensor.jlstr(cultureInfo: CultureInfo.InvariantCulture).TrimEnd() : tensor.ToString()),
        Mask or Pruner or ChannelPruner or ChannelGraph or ChannelGroup or Conversion => Plain(value.ToString()!),
        _ => null,
    };

    private static Dictionary<string, string> Plain(string text) => new() { [PlainType] = text };

    private static Table Summary(TrainingLog log)
    {
        Table table = new((log as Run)?.Record.ToString() ?? "", "metric", new("at the end", "G6"), new("after step", "N0"), new("values", "N0"));
        foreach ((string name, Curve curve) in log.Metrics.Where(metric => metric.Value.Steps.Count > 0))
        {
            table.Add(name, curve.Last, curve.Steps[^1], curve.Steps.Count);
        }

        return table;
    }
}

/// <summary>A bundle as a value, for hosts that format what they are given.</summary>
internal sealed class ShownBundle(IReadOnlyDictionary<string, string> bundle) : IShowable
{
    public IReadOnlyDictionary<string, string> ToBundle() => bundle;
}
